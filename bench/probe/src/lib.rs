//! What the benchmarks' programs share: made-up orders, figures of processes, percentiles. No Kafka here, and nothing
//! that decides.
//!
//! | file | what |
//! | --- | --- |
//! | `workload.rs` | orders from a seed |
//! | `statistics.rs` | percentiles and rounding |
//! | `process.rs` | CPU and memory of processes |
//! | `time.rs` | the wall clock, and how its times are written |

mod process;
mod statistics;
mod time;
mod workload;

pub use process::{proc_cpu, proc_mem, self_cpu};
pub use statistics::{round_to, summary};
pub use time::{now_unix_ms, rfc3339};
pub use workload::{OrderGen, Rng, price, sku};
