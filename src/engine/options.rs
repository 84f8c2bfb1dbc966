//! What may be chosen about a worker: when it commits, how it restores and plans. Knows no task and no log.

use std::time::Duration;

use super::planning::PlanBy;

/// What somebody may want to change about a worker.
#[derive(Clone, Debug)]
pub struct Options {
    /// Commits begin at least this far apart while there is little to do: more of them cost the broker more than they
    /// gain.
    pub commit_pace: Duration,
    /// A batch is committed when it holds this many bytes …
    pub batch_bytes: usize,
    /// … or this many records …
    pub batch_records: usize,
    /// … or has been gathered for so long; up to [`BEHIND`] times as long when what it decides is old.
    pub batch_time: Duration,
    /// A state's view is written at most once in this time.
    pub view_pace: Duration,
    pub restore: RestoreBy,
    pub plan: PlanBy,
}

/// Who brings a task's store up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreBy {
    /// A thread of its own, unless little is missing.
    Thread,
    /// The worker, before it does anything else.
    Worker,
    /// The worker, one task a turn beside its other work: to the simulation what a thread is to the program.
    Turn,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            commit_pace: Duration::from_millis(4),
            batch_bytes: 3 << 20,
            batch_records: 50_000,
            batch_time: Duration::from_millis(200),
            view_pace: Duration::from_secs(1),
            restore: RestoreBy::Thread,
            plan: PlanBy::Thread,
        }
    }
}

impl Options {
    /// How long a batch is gathered while there is more to decide, of records that are `age` milliseconds old. Who is far
    /// behind wants to catch up: a tenth of the wait that a record has had already is not felt, and a state that changes
    /// often is written less often.
    pub fn batch_time_at(&self, age: i64) -> Duration {
        let age = u64::try_from(age).map_or(Duration::ZERO, Duration::from_millis);
        self.batch_time.max((age / 10).min(self.batch_time.saturating_mul(BEHIND)))
    }
}

/// So many times longer a batch may be gathered by who is far behind.
const BEHIND: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_gathered_longer_the_older_its_records_are_but_not_for_ever() {
        let options = Options { batch_time: Duration::from_millis(200), ..Options::default() };
        let at = |age| options.batch_time_at(age).as_millis();
        assert_eq!([-5_000, 0, 2_000, 4_000, 10_000, i64::MAX].map(at), [200, 200, 200, 400, 1_000, 1_000]);
        let at_once = Options { batch_time: Duration::ZERO, ..Options::default() };
        assert_eq!(at_once.batch_time_at(i64::MAX), Duration::ZERO);
    }
}
