//! The schedule of the storm: who runs next, how much time passes, when a record is written. What goes wrong is in
//! `blows.rs`, the calm afterwards in `calm.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use waybill::engine::plan::{ClockMode, Plan, Role};
use waybill::engine::{Fault, Parking};
use waybill::log::memory::{Clock, Delay, MemoryBroker, MemoryConfig};
use waybill::log::{LogError, Tp};
use waybill::metrics::Metrics;

use crate::blows::sleep;
use crate::disk::{Disk, DiskStore};
use crate::member::{End, Member, Start, Time};
use crate::setup::{Setup, Stream, generator, one_of};
use crate::shop::{self, Fate, Sent};
use crate::signing::Ledger;
use crate::tally::Tally;

pub const GROUP: &str = "waybill";
pub const BEGIN: i64 = 1_800_000_000_000;
/// Most workers at once; more come only by a blow.
pub const SLOTS: usize = 3;

/// A worker's place: its identity and its disk, whoever runs there.
pub struct Place {
    pub disk: Disk,
    /// Nobody runs there until then; `None`: somebody does, or nobody shall.
    pub starts_at: Option<i64>,
}

/// A payment that is right, as it stands in the log.
#[derive(Clone, Debug)]
pub struct Paid {
    pub order_id: String,
    pub timestamp: i64,
    /// When it was written, on the broker's clock.
    pub at: i64,
    pub coordinates: Coordinates,
}

/// What has to become of a record that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// One dead letter for this reason, and nothing else.
    Refused(&'static str),
    /// No dead letter for its signature.
    Passes,
    /// No dead letter.
    Taken,
}

/// Topic, partition, offset.
pub type Coordinates = (String, i32, i64);

pub struct World {
    pub setup: Setup,
    pub time: Time,
    pub plan: Arc<Plan>,
    pub tally: Tally,
    pub paid: Vec<Paid>,
    pub expected: BTreeMap<Coordinates, Expected>,
    /// What trackers and warehouse have written, with the times that it got.
    pub history: Vec<Sent>,
    ledger: Ledger,
    pub(crate) verbose: bool,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) sent: std::iter::Peekable<std::vec::IntoIter<Sent>>,
    pub(crate) places: Vec<Place>,
    pub(crate) members: Vec<Member>,
    pub(crate) metrics: Metrics,
    /// If the workers are threads of one process.
    pub(crate) parking: Parking<DiskStore>,
    pub(crate) last_assigned: BTreeMap<Tp, usize>,
}

impl World {
    pub fn new(seed: u64, tally: &Tally, verbose: bool) -> World {
        let setup = Setup::of(seed);
        let sent = shop::open(&setup, BEGIN);
        World::with(setup, sent, tally, verbose)
    }

    /// A world in which this is written, each when its time has come.
    pub fn with(setup: Setup, sent: Vec<Sent>, tally: &Tally, verbose: bool) -> World {
        let plan = Arc::new(setup.plan(tally));
        let broker = MemoryBroker::new(Clock::Manual(BEGIN));
        for id in plan.topics.ids() {
            broker.create_topic(plan.topics.name(id), plan.topics.partitions(id)).expect("a new topic");
        }
        let time = Time { broker, engine: Arc::new(AtomicI64::new(BEGIN)) };
        let shared = Disk::new(tally);
        let disk = || if setup.one_process { shared.clone() } else { Disk::new(tally) };
        let places = (0..SLOTS).map(|slot| Place { disk: disk(), starts_at: (slot < setup.workers).then_some(BEGIN) }).collect();
        let sent = sent.into_iter().peekable();
        let world = World {
            rng: generator(setup.seed, Stream::Schedule),
            setup,
            time,
            plan,
            tally: tally.clone(),
            paid: vec![],
            expected: BTreeMap::new(),
            history: vec![],
            ledger: Ledger::default(),
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

    pub(crate) fn broker(&self) -> &MemoryBroker {
        &self.time.broker
    }

    pub(crate) fn now(&self) -> i64 {
        self.time.now()
    }

    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
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
    pub(crate) fn pass(&mut self, ms: i64) {
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

    fn write(&mut self, mut sent: Sent) {
        let rule = self.setup.rule(sent.topic);
        if !sent.stamped && (rule.is_some() || sent.topic == "gps-pings") {
            // As `LogAppendTime` has it.
            sent.timestamp = self.now();
        }
        let partition = self.setup.partition(sent.topic, sent.key.as_deref());
        let headers: Vec<(&str, Option<&[u8]>)> = sent.headers.iter().map(|(name, value)| (&**name, Some(&**value))).collect();
        let (key, value) = (sent.key.as_deref(), sent.value.as_deref());
        let offset = self.broker().produce(sent.topic, partition, key, value, &headers, Some(sent.timestamp)).expect("the topic is there");
        self.say(|| {
            let text = |bytes: Option<&[u8]>| bytes.map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
            format!("{}/{partition}/{offset} {} {} {}", sent.topic, sent.timestamp - BEGIN, text(key), text(value))
        });
        let coordinates = (sent.topic.to_owned(), partition, offset);
        let refused = rule.and_then(|rule| self.ledger.judge(rule, &sent, sent.timestamp));
        let expected = match (refused, sent.fate) {
            (Some(reason), _) | (None, Fate::Refused(reason)) => Expected::Refused(reason),
            (None, Fate::Taken) => Expected::Taken,
            (None, Fate::Free | Fate::Nonsense) => Expected::Passes,
        };
        self.expected.insert(coordinates.clone(), expected);
        if let Some(order_id) = &sent.pays {
            self.paid.push(Paid { order_id: order_id.clone(), timestamp: sent.timestamp, at: self.now(), coordinates });
        }
        if matches!(sent.topic, "gps-pings" | "dispatches") {
            let at = self.now();
            self.history.push(Sent { at, stamped: true, ..sent });
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

    pub(crate) fn some_member(&mut self) -> Option<usize> {
        let awake: Vec<usize> = (0..self.members.len()).filter(|i| self.members[*i].wakes_at.is_none()).collect();
        (!awake.is_empty()).then(|| awake[self.rng.random_range(0..awake.len())])
    }

    pub(crate) fn run(&mut self, index: usize) -> Result<(), String> {
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
    pub(crate) fn ended(&mut self, index: usize, end: End) -> Result<(), String> {
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
    pub(crate) fn end_process(&mut self, pause: i64) -> Result<(), String> {
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

    pub(crate) fn start_due(&mut self) {
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

    /// The disk of whoever had the task last.
    pub fn disk_of(&self, inbox: Tp) -> Option<&Disk> {
        self.last_assigned.get(&inbox).map(|slot| &self.places[*slot].disk)
    }

    pub fn is_wall(&self) -> bool {
        self.setup.clock == ClockMode::Wall
    }
}

pub(crate) fn wake(member: &mut Member, time: &Time, tally: &Tally) {
    if member.wakes_at.take().is_some()
        && let Some(client) = member.link.client.get()
    {
        time.broker.faults().resume(client);
        tally.add("zombie resumed");
    }
}
