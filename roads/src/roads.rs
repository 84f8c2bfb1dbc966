//! What others ask: where is the nearest road, which is the fastest way, and how far are all these from each other.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use schemas::plan::Point;

use crate::error::Error;
use crate::file;
use crate::graph::Graph;
use crate::hierarchy::{Hierarchy, NEVER};
use crate::route::{self, Route};
use crate::search::{Matrix, Scratch, Seed};
use crate::snap::{Index, Snap};

/// A prepared road network. Threads may share it.
pub struct Roads {
    graph: Graph,
    hierarchy: Hierarchy,
    index: Index,
    /// What searches need to write on: as many as have ever searched at once.
    scratch: Mutex<Vec<Scratch>>,
}

impl Roads {
    /// Farther than this from every road, a place counts as not reached by them. Yards and harbours have their doors
    /// within it; a lake has not.
    pub const SNAP_METRES: f64 = 300.0;

    /// Opens what `waybill roads build` has written.
    pub fn open(path: &Path) -> Result<Roads, Error> {
        file::read(path).map(Roads::new)
    }

    /// The same from a file's bytes, of a program that has them in itself. `name`: for messages.
    pub fn from_bytes(name: &Path, bytes: &[u8]) -> Result<Roads, Error> {
        file::parse(name, bytes).map(Roads::new)
    }

    /// Writes it to `path`: whole, or not at all. Returns the file's length in bytes.
    pub fn save(&self, path: &Path) -> Result<u64, Error> {
        file::write(path, &self.graph)
    }

    /// Prepares a graph for queries.
    ///
    /// # Panics
    /// If the graph contradicts itself; what [`crate::build_from`] makes does not.
    pub fn new(graph: Graph) -> Roads {
        if let Err(what) = graph.check() {
            panic!("a road graph that cannot be: {what}");
        }
        let hierarchy = Hierarchy::of(&graph);
        let index = Index::of(&graph);
        Roads { graph, hierarchy, index, scratch: Mutex::new(Vec::new()) }
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The nearest place on a road, within [`Roads::SNAP_METRES`].
    pub fn snap(&self, point: Point) -> Option<Snap> {
        self.snap_within(point, Self::SNAP_METRES)
    }

    pub fn snap_within(&self, point: Point, metres: f64) -> Option<Snap> {
        self.index.nearest(&self.graph, point, metres)
    }

    /// The fastest way, at free flow. From and to any place of a road, in both directions where one may.
    pub fn route(&self, from: &Snap, to: &Snap) -> Option<Route> {
        let graph = &self.graph;
        let direct = route::along_one_road(graph, from, to);
        let (starts, ends) = (route::starts(graph, from), route::ends(graph, to));
        let path = self.with_scratch(|scratch| scratch.path(&self.hierarchy, &starts, &ends));
        let (edges, ms) = match (direct, path) {
            (Some((edge, ms, _)), path) if path.as_ref().is_none_or(|p| ms <= p.ms) => (vec![edge], ms),
            (_, None) => return None,
            (_, Some(path)) => {
                let first = *path.states.first()?;
                let edges =
                    std::iter::once(self.left_by(from, first)?).chain(path.states.iter().map(|&s| graph.edge_of[s as usize])).collect();
                (edges, path.ms)
            }
        };
        Some(route::draw(graph, edges, from, to, ms))
    }

    /// The edge on which one leaves the road of `from` when the first state after it is `first`.
    fn left_by(&self, from: &Snap, first: u32) -> Option<u32> {
        let graph = &self.graph;
        let leaves = [2 * from.road, 2 * from.road + 1].into_iter().filter(|&edge| {
            let states = graph.states_of(edge);
            !states.is_empty() && graph.turns_of(states.start).contains(&first)
        });
        // Both directions lead to it only where a road begins and ends at one junction.
        leaves.min_by_key(|&edge| {
            let road = graph.road(edge);
            let rest = road.all_ms(edge) - road.ms(edge, from.from_beginning(edge, graph));
            rest + graph.turn_ms(graph.states_of(edge).start, first)
        })
    }

    /// The fastest ways between all pairs of `points`.
    pub fn matrix(&self, points: &[Snap]) -> Matrix {
        let graph = &self.graph;
        let starts: Vec<Vec<Seed>> = points.iter().map(|p| route::starts(graph, p)).collect();
        let ends: Vec<Vec<Seed>> = points.iter().map(|p| route::ends(graph, p)).collect();
        let found = self.with_scratch(|scratch| scratch.pairs(&self.hierarchy, &starts, &ends));
        let mut matrix = Matrix { points: points.len(), ms: Vec::new(), metres: Vec::new() };
        for (i, from) in points.iter().enumerate() {
            for (j, to) in points.iter().enumerate() {
                let mut best = found[i * points.len() + j];
                if let Some((_, ms, millimetres)) = route::along_one_road(graph, from, to)
                    && ms <= best.0
                {
                    best = (ms, millimetres);
                }
                let (ms, millimetres) = best;
                matrix.ms.push(if ms < NEVER { ms } else { Matrix::NO_WAY });
                matrix.metres.push(if ms < NEVER { (millimetres + 500) / 1000 } else { Matrix::NO_WAY });
            }
        }
        matrix
    }

    fn with_scratch<T>(&self, f: impl FnOnce(&mut Scratch) -> T) -> T {
        let spare = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = spare.unwrap_or_else(|| Scratch::new(&self.hierarchy));
        let result = f(&mut scratch);
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }

    /// Bytes in memory: graph, hierarchy, index; the lists of one search at a time included.
    pub fn bytes(&self) -> usize {
        let graph = &self.graph;
        let lists = size_of_val(&graph.roads[..]) + size_of_val(&graph.points[..]);
        let states = 4 * (graph.edge_of.len() + graph.first_turn.len() + graph.turns.len() + graph.order.len());
        let scratch = 2 * 13 * self.hierarchy.ranks();
        lists + states + self.hierarchy.bytes() + self.index.bytes() + scratch
    }
}
