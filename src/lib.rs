//! Waybill's runtime: the only place with I/O. See ARCHITECTURE.md for the map.

pub mod clock;
pub mod config;
pub mod demo;
pub mod engine;
pub mod failpoint;
pub mod http;
pub mod log;
pub mod metrics;
pub mod planner;
#[cfg(feature = "registry")]
pub mod registry;
pub mod run;
