//! What the schedule does to the workers, the broker and the disks. Each kind of blow is counted when it lands.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use waybill::engine::plan::Processor;
use waybill::log::memory::{At, CommitFault, MemoryProducer};

use crate::disk::{Disk, DiskFault};
use crate::member::Member;
use crate::setup::{Blow, one_of};
use crate::world::{GROUP, Place, SLOTS, World};

impl World {
    pub(crate) fn blow(&mut self) -> Result<(), String> {
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
}

/// How long a worker stands still: a moment, beyond its session, beyond its transaction.
pub(crate) fn sleep(rng: &mut ChaCha8Rng) -> i64 {
    match rng.random_range(0..10) {
        0..4 => rng.random_range(10..3_000),
        4..8 => rng.random_range(3_000..50_000),
        _ => rng.random_range(50_000..150_000),
    }
}
