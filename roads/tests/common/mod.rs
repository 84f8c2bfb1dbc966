//! What the tests share: towns, maps, another algorithm.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod dijkstra;
#[cfg(feature = "osm")]
pub mod pbf;
#[cfg(feature = "osm")]
pub mod town;

use std::path::{Path, PathBuf};

/// The extract that the repository ships.
pub fn helsinki_map() -> PathBuf {
    data("helsinki.osm.pbf")
}

/// The graph that was made of it.
pub fn helsinki_graph() -> PathBuf {
    data("helsinki.roads")
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/roads").join(name)
}
