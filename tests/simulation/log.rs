//! A worker's log in the simulation: the in-memory one, which hands control back before every call and meets the faults
//! that the schedule has armed. Decides none itself.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use corosensei::Yielder;
use waybill::log::memory::{ClientId, CommitFault, MemoryLog, MemoryMessage, MemoryReader};
use waybill::log::{Commit, Event, Log, LogError, Message, Progress, Reader, Topics, Tp, Transaction};

use crate::member::{Link, Time};
use crate::tally::{Tally, kind_of};
use crate::world::BEGIN;

/// A worker's log: the in-memory one, with a pause before every call.
pub struct SimLog<'y> {
    pub inner: MemoryLog,
    pub yielder: &'y Yielder<(), ()>,
    pub link: Rc<Link>,
    pub time: Time,
    pub tally: Tally,
    pub topics: Arc<Topics>,
    pub slot: usize,
    pub verbose: bool,
}

impl SimLog<'_> {
    fn say(&self, what: impl FnOnce() -> String) {
        if self.verbose {
            eprintln!("{:>9}    {} #{} {}", self.time.now() - BEGIN, self.slot, self.inner.client().0, what());
        }
    }

    fn show(&self, tp: Tp) -> String {
        self.topics.show(tp).to_string()
    }

    fn pause_before_call(&self) {
        self.yielder.suspend(());
    }

    /// Counts the fault that a commit has met by now, and stands still if that was it.
    fn after_call(&self) {
        let Some(fault) = self.link.flying.get() else { return };
        let faults = self.time.broker.faults();
        let landed = match fault {
            CommitFault::Crash(_) => self.inner.is_crashed(),
            CommitFault::Stall(_) => faults.is_paused(self.inner.client()),
            CommitFault::Fail(_) | CommitFault::EndLate(_) => false,
        };
        if landed {
            self.landed(fault);
        }
        if faults.is_paused(self.inner.client()) {
            self.yielder.suspend(());
        }
    }

    fn landed(&self, fault: CommitFault) {
        self.link.flying.set(None);
        self.tally.add(kind_of(fault));
    }
}

impl Log for SimLog<'_> {
    type Message = MemoryMessage;
    type Reader = SimReader;

    fn poll(&mut self, _wait: Duration, most: usize, events: &mut Vec<Event<MemoryMessage>>) -> Result<(), LogError> {
        self.pause_before_call();
        let from = events.len();
        let polled = self.inner.poll(Duration::ZERO, most, events);
        for event in &events[from..] {
            match event {
                Event::Assigned(partitions) => self.link.assigned.borrow_mut().clone_from(partitions),
                Event::Lost => self.tally.add("partitions lost"),
                Event::Record(m) => self.say(|| format!("reads {} at {}", self.show(m.tp()), m.offset())),
                Event::End { tp, next } => self.say(|| format!("reads {} to its end {next}", self.show(*tp))),
                _ => {}
            }
        }
        if matches!(&polled, Err(LogError::Retry(_))) {
            self.tally.add("poll failed");
        }
        self.after_call();
        polled
    }

    fn assign(&mut self, partitions: &[Tp], paused: &[Tp]) -> Result<Vec<(Tp, i64)>, LogError> {
        self.pause_before_call();
        let starts = count_failed(&self.tally, self.inner.assign(partitions, paused));
        self.say(|| {
            format!(
                "is assigned {}",
                starts.iter().flatten().map(|(tp, at)| format!("{}@{at}", self.show(*tp))).collect::<Vec<_>>().join(" ")
            )
        });
        starts
    }

    fn unassign(&mut self) -> Result<(), LogError> {
        self.pause_before_call();
        self.say(|| "gives its partitions back".into());
        self.inner.unassign()
    }

    fn pause(&mut self, partitions: &[Tp]) -> Result<(), LogError> {
        self.pause_before_call();
        count_failed(&self.tally, self.inner.pause(partitions))
    }

    fn resume(&mut self, partitions: &[Tp]) -> Result<(), LogError> {
        self.pause_before_call();
        count_failed(&self.tally, self.inner.resume(partitions))
    }

    fn commit(&mut self, transaction: Transaction) {
        self.pause_before_call();
        self.link.sent.set(transaction.offsets.first().copied());
        if let Some(fault) = self.link.armed.take() {
            self.time.broker.faults().next_commit(self.inner.client(), fault);
            self.link.flying.set(Some(fault));
        }
        self.say(|| {
            let mut records: BTreeMap<Tp, u32> = BTreeMap::new();
            for record in transaction.records.iter() {
                *records.entry(record.tp).or_default() += 1;
            }
            let records: Vec<_> = records.iter().map(|(tp, n)| format!("{}×{n}", self.show(*tp))).collect();
            let offsets: Vec<_> = transaction.offsets.iter().map(|(tp, at)| format!("{}@{at}", self.show(*tp))).collect();
            format!("commits {} with {}", records.join(" "), offsets.join(" "))
        });
        self.inner.commit(transaction);
        self.after_call();
    }

    fn committed(&mut self) -> Option<Commit> {
        self.pause_before_call();
        if self.inner.is_crashed() {
            // The commit would go on in the model; a dead process sends nothing more.
            return Some(Commit::Failed { error: LogError::Fatal("simulated crash".into()) });
        }
        let commit = self.inner.committed();
        match &commit {
            Some(Commit::Failed { error }) => {
                self.say(|| format!("has failed to commit: {error}"));
                self.link.doubtful.set(self.link.sent.take());
                if let Some(fault) = self.link.flying.get()
                    && matches!(fault, CommitFault::Fail(_) | CommitFault::EndLate(_))
                {
                    self.landed(fault);
                }
            }
            Some(Commit::Done { ends, .. }) => {
                self.say(|| {
                    format!(
                        "has committed to {}",
                        ends.iter().map(|(tp, end)| format!("{}@{end}", self.show(*tp))).collect::<Vec<_>>().join(" ")
                    )
                });
                self.link.sent.set(None);
            }
            None => {}
        }
        self.after_call();
        commit
    }

    fn recover(&mut self) -> Result<Vec<(Tp, i64)>, LogError> {
        self.pause_before_call();
        let starts = count_failed(&self.tally, self.inner.recover())?;
        if let Some((tp, sent)) = self.link.doubtful.take()
            && let Some((_, start)) = starts.iter().find(|(at, _)| *at == tp)
        {
            self.tally.add(if *start == sent { "doubtful commit was applied" } else { "doubtful commit was not applied" });
        }
        Ok(starts)
    }

    fn ends(&mut self, partitions: &[Tp]) -> Result<Vec<i64>, LogError> {
        self.pause_before_call();
        count_failed(&self.tally, self.inner.ends(partitions))
    }

    fn group_offsets(&mut self, partitions: &[Tp]) -> Result<Vec<Option<i64>>, LogError> {
        self.pause_before_call();
        count_failed(&self.tally, self.inner.group_offsets(partitions))
    }

    fn known_end(&self, tp: Tp) -> Option<i64> {
        self.inner.known_end(tp)
    }

    fn reader(&self, tp: Tp, from: i64) -> Result<SimReader, LogError> {
        self.pause_before_call();
        let inner = count_failed(&self.tally, self.inner.reader(tp, from))?;
        self.say(|| format!("restores {} from {from} to {}", self.show(tp), inner.progress().end));
        Ok(SimReader {
            inner,
            client: self.inner.client(),
            time: self.time.clone(),
            crash_in: Arc::clone(&self.link.crash_in_restore),
            tally: self.tally.clone(),
        })
    }

    fn close(&mut self) {
        self.pause_before_call();
        self.inner.close();
    }
}

fn count_failed<T>(tally: &Tally, result: Result<T, LogError>) -> Result<T, LogError> {
    if matches!(&result, Err(LogError::Retry(why)) if why.starts_with("simulated")) {
        tally.add("call failed");
    }
    result
}

/// Reads a changelog. It may run in another thread, so it cannot hand control back: where it must wait, time passes.
pub struct SimReader {
    inner: MemoryReader,
    client: ClientId,
    time: Time,
    crash_in: Arc<AtomicU32>,
    tally: Tally,
}

impl Reader for SimReader {
    fn progress(&self) -> Progress {
        self.inner.progress()
    }

    fn next(&mut self, each: &mut dyn FnMut(i64, &[u8], Option<&[u8]>)) -> Result<Progress, LogError> {
        let reads = self.crash_in.load(Ordering::Relaxed);
        if reads > 0 {
            self.crash_in.store(reads - 1, Ordering::Relaxed);
            if reads == 1 {
                self.time.broker.faults().crash(self.client);
                self.tally.add("crash in a restore");
            }
        }
        let before = self.inner.progress().position;
        let progress = self.inner.next(each)?;
        if progress.position == before && !progress.is_complete() {
            self.time.advance(50);
        }
        Ok(progress)
    }
}
