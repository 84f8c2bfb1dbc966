//! After the storm: nothing goes wrong any more, everything drains within a bound, and every worker stops as it should.

use crate::member::{End, Member};
use crate::world::{GROUP, World, wake};

impl World {
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
        let (mut quiet, mut done, mut since) = (0, 0, 0);
        for round in 0..LONGEST_DRAIN {
            self.round(ms)?;
            if round % 32 != 31 {
                continue;
            }
            quiet = if self.undecided().is_none() { quiet + 1 } else { 0 };
            if quiet == 2 {
                return Ok(());
            }
            // A worker that commits every single record needs long for many; one that gets no further is stuck.
            let now = self.committed();
            if now != done {
                (done, since) = (now, round);
            } else if round - since > MOST_ROUNDS {
                break;
            }
        }
        Err(format!("it gets no further since the last fault: {}", self.undecided().unwrap_or_default()))
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

    /// How many records the group has done with, markers among them.
    fn committed(&self) -> i64 {
        let all = self.plan.subscription().into_iter().flat_map(|topic| self.plan.topics.all(topic));
        all.filter_map(|tp| self.broker().group_offset(GROUP, self.plan.topics.name(tp.topic), tp.partition)).sum()
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
}

/// Sessions and transactions time out within it, many times over.
const MOST_ROUNDS: usize = 6_000;
/// To decide all there is, one record a commit and several rounds each.
const LONGEST_DRAIN: usize = 60_000;
