//! Up to when everything that was written has been decided. A timer fires only when that time has passed it, so that no
//! backlog expires a hold whose payment is waiting in it: not on this worker, not on one that forwards, not while the
//! broker was away or this process stood still.
//!
//! Silence proves nothing, so it is asked for, and only when a timer may be due: where do the sources that lead to the
//! timer's processor end just now? Once the group has committed all of that, and what was forwarded of it has been read from the inboxes
//! here, everything written before the question is decided.

use schemas::Source;
use state::Stores;

use super::plan::{Plan, Processor, Role, TaskId};
use super::work::Fault;
use super::worker::{Slot, Worker};
use crate::log::{Log, LogError, Tp};

/// One for each processor: a backlog of one does not keep the others' timers from firing.
#[derive(Debug, Default)]
pub struct Horizons([Horizon; Processor::ALL.len()]);

impl Horizons {
    fn of(&mut self, processor: Processor) -> &mut Horizon {
        &mut self.0[processor as usize]
    }
}

#[derive(Debug, Default)]
struct Horizon {
    /// Everything written before this wall time is decided.
    proven: Option<i64>,
    look: Option<Look>,
    last_step: i64,
}

/// A proof under way.
#[derive(Debug)]
struct Look {
    /// When it began …
    at: i64,
    /// … and where the sources of orders ended then.
    sources: Vec<(Tp, i64)>,
    /// Where this worker's inboxes ended when all of that was committed.
    inboxes: Option<Vec<(Tp, i64)>>,
}

/// Between two questions to the broker.
const PACE_MILLIS: i64 = 200;
/// The broker is out of reach: asking it keeps the worker from its other work.
const AFTER_FAILURE_MILLIS: i64 = 2_000;

impl<L: Log, S: Stores> Worker<L, S> {
    /// By when a processor's timers may fire. `None`: none can be due, or nothing new is proven.
    pub(super) fn proven_horizon(&mut self, processor: Processor) -> Result<Option<i64>, Fault> {
        if !self.has_timer_due(processor, self.now) {
            return Ok(None);
        }
        if self.horizons.of(processor).proven.is_none_or(|proven| !self.has_timer_due(processor, proven)) {
            match self.prove(processor) {
                // Whatever is wrong there, the worker's own reading and committing meets it, too.
                Err(LogError::Retry(why)) => {
                    tracing::debug!(processor = processor.name(), "cannot tell whether timers are due: {why}");
                    let next = self.clock.now() + AFTER_FAILURE_MILLIS;
                    let horizon = self.horizons.of(processor);
                    horizon.look = None;
                    horizon.last_step = next;
                }
                done => done?,
            }
        }
        Ok(self.horizons.of(processor).proven)
    }

    fn has_timer_due(&self, processor: Processor, horizon: i64) -> bool {
        self.with_timer_due(processor, horizon).next().is_some()
    }

    /// Tasks of the processor that may have something due by then.
    pub(super) fn with_timer_due(&self, processor: Processor, horizon: i64) -> impl Iterator<Item = TaskId> {
        self.tasks.iter().filter_map(move |(id, slot)| match slot {
            Slot::Ready(task) if id.processor == processor && !task.is_quiet(horizon) => Some(*id),
            _ => None,
        })
    }

    /// One step of the proof.
    fn prove(&mut self, processor: Processor) -> Result<(), LogError> {
        let horizon = self.horizons.of(processor);
        if let Some(Look { at, inboxes: Some(reach), .. }) = &horizon.look {
            if reach.iter().all(|(tp, end)| self.inputs.position(*tp).is_some_and(|position| position >= *end)) {
                horizon.proven = Some(*at);
                horizon.look = None;
            }
            return Ok(());
        }
        if self.now - horizon.last_step < PACE_MILLIS {
            return Ok(());
        }
        horizon.last_step = self.now;
        if horizon.look.is_none() {
            let sources = sources_of(&self.plan, processor);
            let ends = self.log.ends(&sources)?;
            let sources = sources.into_iter().zip(ends).filter(|(_, end)| *end > 0).collect();
            horizon.look = Some(Look { at: self.now, sources, inboxes: None });
        }
        let Some(look) = &mut horizon.look else { return Ok(()) };
        let asked: Vec<Tp> = look.sources.iter().map(|(tp, _)| *tp).collect();
        let committed = self.log.group_offsets(&asked)?;
        look.sources = look.sources.iter().zip(committed).filter(|((_, end), at)| at.is_none_or(|at| at < *end)).map(|(s, _)| *s).collect();
        if look.sources.is_empty() {
            let inboxes: Vec<Tp> = self.inboxes.keys().copied().collect();
            let ends = self.log.ends(&inboxes)?;
            look.inboxes = Some(inboxes.into_iter().zip(ends).collect());
        }
        Ok(())
    }
}

/// Every partition that may hold something that leads to this processor, whoever reads it. Feedback changes nothing that a
/// timer is about, but its ids: if it is signed, they must be known until all of their time has been read.
fn sources_of(plan: &Plan, processor: Processor) -> Vec<Tp> {
    let has_ids = |source: Source| source == Source::Feedback && plan.guard(source).is_some() && processor != Processor::Fleet;
    let leads_there = |role: Role| matches!(role, Role::Source(source) if processor.depends_on(source) || has_ids(source));
    plan.topics.ids().filter(|id| leads_there(plan.role(*id))).flat_map(|id| plan.topics.all(id)).collect()
}
