//! The load of a fleet: what trackers send (`drive.rs`), and vehicles with shipments whose events are waited for
//! (`live.rs`, `paced.rs`). `memory` is the engine without Kafka. Decides nothing and checks only what it counts.

pub mod drive;
pub mod kafka;
pub mod live;
pub mod paced;

/// Why a measurement did not come about; a person reads it.
pub type Failure = Box<dyn std::error::Error>;
