//! The auditor's tests, on hand-built histories and through the public interface only.
//!
//! | file | what |
//! | --- | --- |
//! | `history/` | telling a history, the clean one of a shop, the table of faults |
//! | `clean.rs` | what is right passes, in whatever order it is read, cut off or dumped |
//! | `outputs.rs` `orders.rs` `inputs.rs` | one seeded fault a test, found for what it is and where it is |
//! | `catalogue.rs` `alerts.rs` `fleet.rs` | the same for the catalogue, alerts and forecasts, vehicles and shipments |
//! | `random.rs` | whatever bytes stand in a topic, the auditor ends with a report |

mod alerts;
mod catalogue;
mod clean;
mod fleet;
mod history;
mod inputs;
mod orders;
mod outputs;
mod random;
