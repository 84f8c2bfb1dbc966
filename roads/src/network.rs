//! Ways cut at junctions into roads: pieces between two junctions, each with its line and length. Knows nothing of turns.

use rustc_hash::FxHashMap;
use schemas::plan::Point;

use crate::extract::{Extract, Place};
use crate::graph::{EdgeId, Road, RoadId};
use crate::ground;

/// Number of a junction: where roads begin and end.
pub type Junction = u32;

/// Roads and the junctions that they join.
#[derive(Debug, Default)]
pub struct Network {
    pub roads: Vec<Road>,
    /// The junction where each road begins, and where it ends.
    pub ends: Vec<(Junction, Junction)>,
    /// The roads' lines, one after the other.
    pub points: Vec<Point>,
    /// By junction: a barrier keeps cars from driving past.
    pub blocked: Vec<bool>,
    /// By way id: its roads, in order from the way's first node to its last, if none is missing.
    pub roads_of_way: FxHashMap<i64, std::ops::Range<RoadId>>,
    /// By node id.
    pub junction_of_node: FxHashMap<i64, Junction>,
    /// Nodes on ways that the map does not have: it was cut out of a larger one.
    pub missing_nodes: u64,
}

impl Network {
    /// Cuts the ways of `extract`.
    pub fn of(extract: &Extract) -> Network {
        let mut uses: FxHashMap<i64, u8> = FxHashMap::default();
        for way in &extract.ways {
            for (i, node) in way.nodes.iter().enumerate() {
                let end = i == 0 || i + 1 == way.nodes.len();
                let n = uses.entry(*node).or_default();
                *n = n.saturating_add(if end { 2 } else { 1 });
            }
        }
        let mut network = Network::default();
        for way in &extract.ways {
            let first = network.roads.len() as RoadId;
            let mut whole = true;
            // The piece since the last junction.
            let mut begun: Option<Junction> = None;
            let mut line: Vec<Point> = Vec::new();
            for node in &way.nodes {
                let Some(place) = extract.places.get(node) else {
                    network.missing_nodes += 1;
                    whole = false;
                    // The part up to here ends nowhere: nobody needs it.
                    begun = None;
                    line.clear();
                    continue;
                };
                line.push(place.point);
                // After a gap, the next node begins a road, junction or not.
                let Some(from) = begun else {
                    begun = Some(network.junction(*node, place));
                    continue;
                };
                if place.blocked || uses.get(node).is_some_and(|n| *n >= 2) {
                    let to = network.junction(*node, place);
                    network.road(way.drivable, (from, to), &line);
                    line.clear();
                    line.push(place.point);
                    begun = Some(to);
                }
            }
            if whole {
                network.roads_of_way.insert(way.id, first..network.roads.len() as RoadId);
            }
        }
        network
    }

    fn junction(&mut self, node: i64, place: &Place) -> Junction {
        let next = self.blocked.len() as Junction;
        let junction = *self.junction_of_node.entry(node).or_insert(next);
        if junction == next {
            self.blocked.push(place.blocked);
        }
        junction
    }

    fn road(&mut self, drivable: crate::tags::Drivable, ends: (Junction, Junction), line: &[Point]) {
        let length: u64 = line.windows(2).map(|w| ground::millimetres(w[0], w[1])).sum();
        self.roads.push(Road {
            first_point: self.points.len() as u32,
            points: line.len() as u32,
            // 4,294 km between two junctions are a mistake in the map, not a road.
            millimetres: u32::try_from(length).unwrap_or(u32::MAX),
            class: drivable.class,
            forward_kmh: drivable.forward_kmh,
            backward_kmh: drivable.backward_kmh,
        });
        self.ends.push(ends);
        self.points.extend_from_slice(line);
    }

    /// Where an edge begins.
    pub fn tail(&self, edge: EdgeId) -> Junction {
        let (a, b) = self.ends[(edge / 2) as usize];
        if edge.is_multiple_of(2) { a } else { b }
    }

    /// Where it ends.
    pub fn head(&self, edge: EdgeId) -> Junction {
        self.tail(edge ^ 1)
    }

    /// Whether cars may drive this way.
    pub fn drivable(&self, edge: EdgeId) -> bool {
        self.roads[(edge / 2) as usize].kmh(edge) > 0
    }
}
