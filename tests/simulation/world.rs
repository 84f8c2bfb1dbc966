//! The schedule: who runs next, how much time passes, what goes wrong. First a storm, then a calm in which everything
//! must drain within a bound.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use waybill::engine::plan::{ClockMode, Plan, Processor, Role};
use waybill::engine::{Fault, Parking};
use waybill::log::memory::{At, Clock, CommitFault, Delay, MemoryBroker, MemoryConfig, MemoryProducer};
use waybill::log::{LogError, Tp};
use waybill::metrics::Metrics;

use crate::disk::{Disk, DiskFault, DiskStore};
use crate::member::{End, Member, Start, Time};
use crate::setup::{Blow, Setup, Stream, generator, one_of};
use crate::shop::{self, Sent};
use crate::tally::Tally;

pub const GROUP: &str = "waybill";
pub const BEGIN: i64 = 1_800_000_000_000;
/// Most workers at once; more come only by a blow.
const SLOTS: usize = 3;

/// A worker's place: its identity and its disk, whoever runs there.
struct Place {
    disk: Disk,
    /// Nobody runs there until then; `None`: somebody does, or nobody shall.
    starts_at: Option<i64>,
}

/// A payment that is right, as it stands in the log.
#[derive(Clone, Debug)]
pub struct Paid {
    pub order_id: String,
    pub timestamp: i64,
    /// When it was written, on the broker's clock.
    pub at: i64,
    /// Topic, partition, offset.
    pub coordinates: (String, i32, i64),
}

pub struct World {
    pub setup: Setup,
    pub time: Time,
    pub plan: Arc<Plan>,
    pub tally: Tally,
    pub paid: Vec<Paid>,
    verbose: bool,
    rng: ChaCha8Rng,
    sent: std::iter::Peekable<std::vec::IntoIter<Sent>>,
    places: Vec<Place>,
    members: Vec<Member>,
    metrics: Metrics,
    /// If the workers are threads of one process.
    parking: Parking<DiskStore>,
    last_assigned: BTreeMap<Tp, usize>,
}

impl World {
    pub fn new(seed: u64, tally: &Tally, verbose: bool) -> World {
        let setup = Setup::of(seed);
        let plan = Arc::new(setup.plan());
        let broker = MemoryBroker::new(Clock::Manual(BEGIN));
        for id in plan.topics.ids() {
            broker.create_topic(plan.topics.name(id), plan.topics.partitions(id)).expect("a new topic");
        }
        let time = Time { broker, engine: Arc::new(AtomicI64::new(BEGIN)) };
        let shared = Disk::new(tally);
        let disk = || if setup.one_process { shared.clone() } else { Disk::new(tally) };
        let places = (0..SLOTS).map(|slot| Place { disk: disk(), starts_at: (slot < setup.workers).then_some(BEGIN) }).collect();
        let sent = shop::open(&setup, BEGIN).into_iter().peekable();
        let world = World {
            rng: generator(seed, Stream::Schedule),
            setup,
            time,
            plan,
            tally: tally.clone(),
            paid: vec![],
            verbose,
            sent,
            places,
            members: vec![],
            metrics: Metrics::new(),
            parking: Parking::default(),
            last_assigned: BTreeMap::new(),
        };
        world.slow_down();
        world
    }

    fn broker(&self) -> &MemoryBroker {
        &self.time.broker
    }

    fn now(&self) -> i64 {
        self.time.now()
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.verbose {
            eprintln!("{:>9} {}", self.now() - BEGIN, what());
        }
    }

    /// Markers and steps of commits take their time, each its own.
    fn slow_down(&self) {
        let mut rng = generator(self.setup.seed, Stream::Pace);
        let (share, tally) = (self.setup.slow_per_cent, self.tally.clone());
        self.broker().faults().pace(move |what| {
            if rng.random_range(0..100) >= share {
                return 0;
            }
            tally.add(if what == Delay::Marker { "late marker" } else { "slow commit step" });
            match rng.random_range(0..20) {
                0 => rng.random_range(1_000..8_000),
                1..5 => rng.random_range(50..1_000),
                _ => rng.random_range(1..50),
            }
        });
    }

    // --- The storm

    pub fn storm(&mut self) -> Result<(), String> {
        let until = BEGIN + self.setup.minutes * 60_000;
        while self.now() < until {
            self.start_due();
            match self.rng.random_range(0..1_000) {
                draw if draw < self.setup.faults_per_mille => self.blow()?,
                draw if draw < 300 => {
                    let ms = self.some_while();
                    self.pass(ms);
                }
                _ => self.run_one()?,
            }
        }
        Ok(())
    }

    /// Moments mostly, so that much happens at once; long quiet times where the shop has nothing to say.
    fn some_while(&mut self) -> i64 {
        match self.rng.random_range(0..100) {
            0..50 => self.rng.random_range(0..6),
            50..80 => self.rng.random_range(5..100),
            80..95 => self.rng.random_range(100..2_000),
            _ => self.rng.random_range(1_000..45_000),
        }
    }

    /// Lets time pass; records are written when they are due.
    fn pass(&mut self, ms: i64) {
        let until = self.now() + ms;
        while let Some(sent) = self.sent.next_if(|sent| sent.at <= until) {
            self.time.advance((sent.at - self.now()).max(0));
            self.write(sent);
        }
        self.time.advance((until - self.now()).max(0));
        for member in &mut self.members {
            if member.wakes_at.is_some_and(|at| at <= self.time.now()) {
                wake(member, &self.time, &self.tally);
            }
        }
    }

    fn write(&mut self, sent: Sent) {
        let partition = self.setup.partition(sent.topic, sent.key.as_deref());
        let headers: Vec<(&str, Option<&[u8]>)> = sent.headers.iter().map(|(name, value)| (&**name, Some(&**value))).collect();
        let (key, value) = (sent.key.as_deref(), sent.value.as_deref());
        let offset = self.broker().produce(sent.topic, partition, key, value, &headers, Some(sent.timestamp)).expect("the topic is there");
        self.say(|| {
            let text = |bytes: Option<&[u8]>| bytes.map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
            format!("{}/{partition}/{offset} {} {} {}", sent.topic, sent.timestamp - BEGIN, text(key), text(value))
        });
        if let Some(order_id) = sent.pays {
            let coordinates = (sent.topic.to_owned(), partition, offset);
            self.paid.push(Paid { order_id, timestamp: sent.timestamp, at: self.now(), coordinates });
        }
    }

    /// Somebody who can runs to the next call.
    fn run_one(&mut self) -> Result<(), String> {
        match self.some_member() {
            Some(index) => self.run(index),
            None => {
                self.pass(50);
                Ok(())
            }
        }
    }

    fn some_member(&mut self) -> Option<usize> {
        let awake: Vec<usize> = (0..self.members.len()).filter(|i| self.members[*i].wakes_at.is_none()).collect();
        (!awake.is_empty()).then(|| awake[self.rng.random_range(0..awake.len())])
    }

    fn run(&mut self, index: usize) -> Result<(), String> {
        let end = self.members[index].run();
        let member = &mut self.members[index];
        for tp in member.link.assigned.borrow().iter() {
            if self.last_assigned.insert(*tp, member.slot).is_some_and(|before| before != member.slot)
                && matches!(self.plan.role(tp.topic), Role::Inbox(_))
            {
                self.tally.add("task moved");
            }
        }
        member.link.assigned.borrow_mut().clear();
        if let Some(end) = end {
            return self.ended(index, end);
        }
        if let Some(client) = member.link.client.get()
            && self.time.broker.faults().is_paused(client)
            && member.wakes_at.is_none()
        {
            // A commit has stalled.
            let sleep = sleep(&mut self.rng);
            self.members[index].wakes_at = Some(self.now() + sleep);
        }
        Ok(())
    }

    /// Takes a worker out that has ended, and judges whether it had a reason to.
    fn ended(&mut self, index: usize, end: End) -> Result<(), String> {
        let member = self.members.remove(index);
        self.say(|| format!("worker {} ended: {end:?}", member.slot));
        let crashed = member.is_crashed();
        let failed = !matches!(end, End::Stopped);
        match end {
            End::Stopped => {}
            End::Panicked(why) => return Err(format!("worker {} panicked: {why}", member.slot)),
            End::Failed(_) if crashed => {}
            End::Failed(Fault::Log(LogError::Fenced(_))) => {
                if member.replaced {
                    self.tally.add("zombie fenced");
                }
            }
            End::Failed(Fault::Store(error)) if error.message.starts_with("simulated") => {}
            End::Failed(fault) => return Err(format!("worker {} ended: {fault}", member.slot)),
        }
        let pause = one_of(&mut self.rng, &[0, 200, 2_000, 20_000, 70_000]);
        if !member.replaced && self.places[member.slot].starts_at.is_none() {
            self.places[member.slot].starts_at = Some(self.now() + pause);
        }
        if self.setup.one_process && failed { self.end_process(pause) } else { Ok(()) }
    }

    /// A worker has failed: the process ends with all of them.
    fn end_process(&mut self, pause: i64) -> Result<(), String> {
        for mut member in std::mem::take(&mut self.members) {
            self.places[member.slot].starts_at = Some(self.now() + pause);
            match member.kill() {
                End::Panicked(why) => return Err(format!("worker {} panicked: {why}", member.slot)),
                End::Failed(_) | End::Stopped => {}
            }
        }
        self.parking = Parking::default();
        Ok(())
    }

    fn start_due(&mut self) {
        for slot in 0..self.places.len() {
            if self.places[slot].starts_at.is_some_and(|at| at <= self.time.now()) {
                self.places[slot].starts_at = None;
                self.start(slot);
            }
        }
    }

    fn start(&mut self, slot: usize) {
        self.say(|| format!("worker {slot} starts"));
        let name = format!("waybill-0-{slot}");
        let mut config = MemoryConfig::new(GROUP, &name, (*self.plan.topics).clone(), self.plan.subscription());
        config.instance_id = self.setup.static_members.then_some(name);
        config.session_timeout_ms = self.setup.session_timeout_ms;
        config.max_poll_interval_ms = self.setup.max_poll_interval_ms;
        config.transaction_timeout_ms = self.setup.transaction_timeout_ms;
        let start = Start {
            time: self.time.clone(),
            plan: Arc::clone(&self.plan),
            config,
            options: self.setup.options(),
            metrics: self.metrics.clone(),
            disk: self.places[slot].disk.clone(),
            parking: if self.setup.one_process { self.parking.clone() } else { Parking::default() },
            tally: self.tally.clone(),
            verbose: self.verbose,
        };
        self.members.push(Member::start(slot, start));
    }

    // --- Blows

    fn blow(&mut self) -> Result<(), String> {
        let blows = self.setup.blows.clone();
        let blow = one_of(&mut self.rng, &blows);
        match blow {
            Blow::Rebalance => {
                self.broker().faults().rebalance(GROUP);
                self.tally.add("rebalance");
            }
            Blow::Rotate => {
                let by = self.rng.random_range(0..3);
                self.broker().faults().rotate_assignment(GROUP, by);
                self.broker().faults().rebalance(GROUP);
                self.tally.add("assignment rotated");
            }
            Blow::Add => {
                let idle = (0..SLOTS).find(|slot| self.places[*slot].starts_at.is_none() && self.current(*slot).is_none());
                if let Some(slot) = idle {
                    self.places[slot].starts_at = Some(self.now());
                    self.tally.add("worker added");
                }
            }
            Blow::Compact => self.compact(),
            Blow::Trim => self.trim(),
            Blow::ForeignTransaction => self.foreign_transaction(),
            blow => {
                if let Some(index) = self.some_member() {
                    self.say(|| format!("{blow:?} for worker {}", self.members[index].slot));
                    return self.strike(blow, index);
                }
            }
        }
        self.say(|| format!("{blow:?}"));
        Ok(())
    }

    /// A blow to one worker.
    fn strike(&mut self, blow: Blow, index: usize) -> Result<(), String> {
        let at = one_of(&mut self.rng, &[At::BeforeOffsets, At::AfterOffsets, At::HalfProduced, At::BeforeEnd, At::AfterEnd]);
        let late = self.rng.random_range(1..30_000);
        let few = self.rng.random_range(1..6);
        let rng = &mut self.rng;
        let member = &mut self.members[index];
        let Some(client) = member.link.client.get() else { return Ok(()) };
        match blow {
            Blow::CrashInCommit => member.link.armed.set(Some(CommitFault::Crash(at))),
            Blow::LoseConnection => member.link.armed.set(Some(CommitFault::Fail(at))),
            Blow::EndLate => member.link.armed.set(Some(CommitFault::EndLate(late))),
            Blow::StallInCommit => member.link.armed.set(Some(CommitFault::Stall(at))),
            Blow::CrashInRestore => {
                member.crash_in_restore(few);
                // Otherwise it may wait for long.
                self.time.broker.faults().rebalance(GROUP);
            }
            Blow::Pause => {
                let sleep = sleep(rng);
                self.pause(index, sleep);
            }
            // With dynamic membership two processes would share one transactional id, which is a mistake of whoever
            // starts them.
            Blow::Replace if self.setup.static_members && !self.setup.one_process && !member.replaced => {
                let sleep = sleep(rng);
                let slot = member.slot;
                member.replaced = true;
                self.pause(index, sleep);
                // Its disk stands still with it.
                self.places[slot] = Place { disk: Disk::new(&self.tally), starts_at: Some(self.now()) };
                self.tally.add("slot taken over from a zombie");
            }
            Blow::Replace => {}
            Blow::ExpireSession => {
                self.time.broker.faults().expire_session(client);
                self.tally.add("session expired");
            }
            Blow::FailPolls => self.time.broker.faults().fail_polls(client, few),
            Blow::FailCalls => self.time.broker.faults().fail_calls(client, few),
            Blow::Stop => {
                member.link.stop.set();
                self.tally.add("graceful stop");
            }
            Blow::FailWrite => {
                member.disk.fail_next(one_of(rng, &[DiskFault::Failed, DiskFault::Unconfirmed, DiskFault::Half]));
            }
            Blow::Crash | Blow::TakeAway | Blow::LoseDisk | Blow::LosePower => return self.kill(blow, index),
            Blow::Rebalance | Blow::Rotate | Blow::Add | Blow::Compact | Blow::Trim | Blow::ForeignTransaction => {}
        }
        Ok(())
    }

    fn kill(&mut self, blow: Blow, index: usize) -> Result<(), String> {
        let member = &mut self.members[index];
        let (slot, replaced) = (member.slot, member.replaced);
        let end = member.kill();
        self.ended(index, end)?;
        self.tally.add("crash between calls");
        if self.setup.one_process {
            // Even if this one had just come to its end.
            self.end_process(0)?;
        }
        if replaced {
            return Ok(());
        }
        match blow {
            Blow::TakeAway if self.members.iter().any(|m| !m.replaced) => {
                self.places[slot].starts_at = None;
                self.tally.add("worker taken away");
            }
            Blow::LoseDisk => {
                let disk = Disk::new(&self.tally);
                for (_, place) in self.places.iter_mut().enumerate().filter(|(n, _)| *n == slot || self.setup.one_process) {
                    place.disk = disk.clone();
                }
                self.tally.add("disk lost");
            }
            Blow::LosePower => self.places[slot].disk.lose_power(&mut self.rng),
            _ => {}
        }
        Ok(())
    }

    fn pause(&mut self, index: usize, ms: i64) {
        let member = &mut self.members[index];
        let Some(client) = member.link.client.get() else { return };
        self.time.broker.faults().pause(client);
        member.wakes_at = Some(self.time.now() + ms);
        self.tally.add("pause between calls");
    }

    /// As the broker's cleaner does.
    fn compact(&mut self) {
        for processor in Processor::ALL {
            let changelog = self.plan.internal(processor).changelog;
            for tp in self.plan.topics.all(changelog) {
                self.broker().compact(self.plan.topics.name(tp.topic), tp.partition).expect("the topic is there");
                self.tally.add("changelog compacted");
            }
        }
    }

    /// Retention: what the group has read of the inboxes goes.
    fn trim(&mut self) {
        for processor in Processor::ALL {
            let inbox = self.plan.internal(processor).inbox;
            for tp in self.plan.topics.all(inbox) {
                let name = self.plan.topics.name(inbox);
                if let Some(offset) = self.broker().group_offset(GROUP, name, tp.partition) {
                    self.broker().delete_before(name, tp.partition, offset).expect("the topic is there");
                    self.tally.add("inbox trimmed");
                }
            }
        }
    }

    /// Another program writes nonsense into a source topic in a transaction that it commits late, or never: readers
    /// wait for it.
    fn foreign_transaction(&mut self) {
        let topic = one_of(&mut self.rng, &crate::setup::SOURCES);
        let mut producer = MemoryProducer::new(self.broker(), "another program", 5_000);
        let key = format!("foreign-{}", self.rng.random_range(0..100));
        let partition = self.setup.partition(topic, Some(key.as_bytes()));
        let sent = producer.send(topic, partition, Some(key.as_bytes()), Some(b"?"), &[]);
        sent.expect("a new producer is not fenced");
        match self.rng.random_range(0..3) {
            0 => producer.commit().expect("it is not fenced"),
            1 => producer.commit_late(3_000),
            _ => {}
        }
        self.tally.add("producer beside the engine");
    }

    fn current(&self, slot: usize) -> Option<&Member> {
        self.members.iter().find(|m| m.slot == slot && !m.replaced)
    }

    // --- The calm

    /// Nothing goes wrong any more: everything must be decided, and every hold that nobody pays must expire.
    pub fn calm(&mut self) -> Result<(), String> {
        self.broker().faults().no_pace();
        self.pass(0);
        for member in &mut self.members {
            member.spare();
            wake(member, &self.time, &self.tally);
        }
        for slot in 0..self.setup.workers {
            let place = &mut self.places[slot];
            place.disk.mend();
            if !self.members.iter().any(|m| m.slot == slot && !m.replaced) {
                place.starts_at = Some(self.time.now());
            }
        }
        self.say(|| "calm".into());
        self.end_left_behind();
        // What the shop still has to say comes in any case.
        while self.sent.peek().is_some() {
            self.round(1_000)?;
        }
        self.drain(100)?;
        // Longer than any hold.
        for _ in 0..400 {
            self.round(5_000)?;
        }
        self.drain(100)
    }

    /// A process whose place was taken over, and then given up, could go on as if nothing had happened; but its disk is
    /// not that of its place.
    fn end_left_behind(&mut self) {
        let left = |m: &Member, all: &[Member]| m.replaced && !all.iter().any(|o| o.slot == m.slot && !o.replaced);
        let left: Vec<usize> = (0..self.members.len()).filter(|i| left(&self.members[*i], &self.members)).collect();
        for index in left.into_iter().rev() {
            if self.places[self.members[index].slot].starts_at.is_none() {
                self.members.remove(index).kill();
            }
        }
    }

    /// Runs until everything that is written is decided and committed.
    fn drain(&mut self, ms: i64) -> Result<(), String> {
        let (mut quiet, mut waits_for, mut since) = (0, None, 0);
        for round in 0..LONGEST_DRAIN {
            self.round(ms)?;
            if round % 32 != 31 {
                continue;
            }
            let now = self.undecided();
            quiet = if now.is_none() { quiet + 1 } else { 0 };
            if quiet == 2 {
                return Ok(());
            }
            // A worker that commits every single record needs long for many; one that gets no further is stuck.
            if now != waits_for {
                (waits_for, since) = (now, round);
            } else if round - since > MOST_ROUNDS {
                break;
            }
        }
        Err(format!("it gets no further since the last fault: {}", waits_for.unwrap_or_default()))
    }

    fn round(&mut self, ms: i64) -> Result<(), String> {
        self.start_due();
        let mut index = 0;
        while index < self.members.len() {
            let before = self.members.len();
            if self.members[index].wakes_at.is_none() {
                self.run(index)?;
            }
            index += usize::from(self.members.len() == before);
        }
        self.pass(ms);
        Ok(())
    }

    /// What is still to be done, if anything is.
    fn undecided(&mut self) -> Option<String> {
        if self.sent.peek().is_some() {
            return Some("records are still to be written".into());
        }
        if let Some(member) = self.members.iter().find(|m| m.replaced || !m.link.ready.get()) {
            let what = if member.replaced { "was replaced and still runs" } else { "is not ready" };
            return Some(format!("worker {} {what}", member.slot));
        }
        for topic in self.plan.subscription() {
            for tp in self.plan.topics.all(topic) {
                let name = self.plan.topics.name(topic);
                let from = self.broker().group_offset(GROUP, name, tp.partition).unwrap_or(0);
                let (records, _) = self.broker().read_from(name, tp.partition, from, 1);
                if let Some(record) = records.first() {
                    return Some(format!("{name}/{}/{} is not decided", tp.partition, record.offset));
                }
            }
        }
        None
    }

    /// Every worker stops as it should.
    pub fn stop(&mut self) -> Result<(), String> {
        for member in &self.members {
            member.link.stop.set();
        }
        for _ in 0..MOST_ROUNDS {
            if self.members.is_empty() {
                return Ok(());
            }
            let mut index = 0;
            while index < self.members.len() {
                match self.members[index].run() {
                    None => index += 1,
                    Some(End::Stopped) => {
                        self.members.remove(index);
                    }
                    Some(end) => return Err(format!("worker {} did not stop well: {end:?}", self.members[index].slot)),
                }
            }
            self.time.advance(1);
        }
        Err("the workers do not stop".into())
    }

    /// Whatever happened: nobody is left standing in the middle of a call.
    pub fn end(&mut self) {
        for mut member in self.members.drain(..) {
            member.kill();
        }
    }

    /// The disk of whoever had the task last.
    pub fn disk_of(&self, inbox: Tp) -> Option<&Disk> {
        self.last_assigned.get(&inbox).map(|slot| &self.places[*slot].disk)
    }

    pub fn is_wall(&self) -> bool {
        self.setup.clock == ClockMode::Wall
    }
}

fn wake(member: &mut Member, time: &Time, tally: &Tally) {
    if member.wakes_at.take().is_some()
        && let Some(client) = member.link.client.get()
    {
        time.broker.faults().resume(client);
        tally.add("zombie resumed");
    }
}

/// How long a worker stands still: a moment, beyond its session, beyond its transaction.
fn sleep(rng: &mut ChaCha8Rng) -> i64 {
    match rng.random_range(0..10) {
        0..4 => rng.random_range(10..3_000),
        4..8 => rng.random_range(3_000..50_000),
        _ => rng.random_range(50_000..150_000),
    }
}

/// Sessions and transactions time out within it, many times over.
const MOST_ROUNDS: usize = 6_000;
/// To decide all there is, one record a commit and several rounds each.
const LONGEST_DRAIN: usize = 60_000;
