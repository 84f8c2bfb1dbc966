//! Roads for cars: from an OpenStreetMap extract to a prepared graph, and from two places to the fastest way between
//! them. Knows no vehicle, no shipment and no topic.
//!
//! `Roads` answers; it is made by [`build()`] from a file, or by [`Roads::open`] from a prepared one, and can be shared by
//! threads. [`Ways`] is for those who may have no graph: it answers by the roads where it can, else by a great circle,
//! and says which it was.
//!
//! | file | what |
//! | --- | --- |
//! | `osm.rs` | reads a PBF file; what cannot be read is an error with file and place |
//! | `tags.rs` | what OpenStreetMap's tags mean for a car |
//! | `extract.rs` | what is kept of a file: ways, places, restrictions |
//! | `network.rs` | ways cut at junctions: pieces of road, each a line |
//! | `turns.rs` `restrict.rs` | which piece may follow which, and what turn restrictions change |
//! | `connected.rs` | the part in which every piece reaches every other |
//! | `graph.rs` `file.rs` | the prepared graph, in memory and on disk |
//! | `hierarchy.rs` `search.rs` | the contraction hierarchy; the fastest way, and all fastest ways between many places |
//! | `snap.rs` | from a place to the nearest road |
//! | `route.rs` | from a path to a line, metres and seconds |
//! | `circle.rs` `ways.rs` | without a graph |
//! | `line.rs` | lines with fewer points |
//! | `along.rs` | how far along a line a vehicle is |
//! | `ground.rs` | distances on the ground |
//!
//! The model: a *road* is a piece of way between two junctions; an *edge* is a road in one direction (its number =
//! 2 × road + direction); a *state* is an edge together with what matters of the way there, which is nothing unless a
//! restriction leads over several roads. Turns join states. So turn restrictions hold exactly, and nobody turns back in
//! the middle of a street.

pub mod along;
mod build;
mod circle;
mod connected;
mod error;
pub mod extract;
mod file;
mod graph;
pub mod ground;
mod hierarchy;
pub mod line;
mod network;
#[cfg(feature = "osm")]
mod osm;
mod restrict;
mod roads;
mod route;
mod search;
mod snap;
pub mod tags;
mod turns;
mod ways;

#[cfg(feature = "osm")]
pub use build::build;
pub use build::{Progress, Report, build_from};
pub use circle::{CircleRule, great_circle};
pub use error::Error;
pub use graph::{EdgeId, Graph, Road, RoadId, StateId};
#[cfg(feature = "osm")]
pub use osm::read;
pub use restrict::Restricted;
pub use roads::Roads;
pub use route::Route;
pub use search::Matrix;
pub use snap::Snap;
pub use ways::Ways;
