//! Tries Waybill's demand rules on past sales, beside three simple policies: how wrong the forecasts were, and what
//! stock by them would have cost at the same service. Rolling: at the end of each day every method says what it expects
//! of the days to come, and none has seen one of them.
//!
//! | file | what |
//! | --- | --- |
//! | `history.rs` | invoices to units a day |
//! | `method.rs` | Waybill's rules and the simple policies |
//! | `simulate.rs` | a shelf under a policy |
//! | `accuracy.rs` | how wrong forecasts were |
//! | `run.rs` | all methods over all SKUs |
//! | `report.rs` `plot.rs` | as a table, as a picture |

mod accuracy;
pub mod history;
mod method;
mod plot;
mod report;
mod run;
mod simulate;

pub use accuracy::Accuracy;
pub use history::{History, ReadError, Reader};
pub use method::{Estimate, Estimator, Method, Policy, WINDOW_DAYS};
pub use plot::svg;
pub use report::{Comparison, table};
pub use run::{Options, Point, Report, Result, run, trace};
pub use simulate::{Costs, Outcome, Shelf};
