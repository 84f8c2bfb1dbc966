//! The wall clock, or one that a test moves. Only the edges of the engine read it; rules never do.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Milliseconds since the epoch.
    pub fn now(&self) -> i64 {
        match self {
            Clock::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64),
            Clock::Manual(at) => at.load(Ordering::Relaxed),
        }
    }

    /// Lets a moment pass before something is asked for again. A clock that a test moves does not move by waiting.
    pub fn pause(&self, moment: Duration) {
        if matches!(self, Clock::System) {
            std::thread::sleep(moment);
        }
    }
}
