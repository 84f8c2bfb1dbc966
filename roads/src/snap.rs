//! From a place to the nearest road, by an R-tree over the straight pieces of all roads' lines.

use rstar::{AABB, RTree, RTreeObject};
use schemas::plan::Point;

use crate::graph::{EdgeId, Graph, RoadId};
use crate::ground::{self, Plane};

/// A place on a road.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snap {
    pub road: RoadId,
    /// From the beginning of the road's line.
    pub millimetres: u32,
    pub point: Point,
    /// How far the place that was asked for is from it.
    pub metres_off: f64,
}

impl Snap {
    /// Millimetres from the beginning of `edge`, which is one of the road's two.
    pub fn from_beginning(&self, edge: EdgeId, graph: &Graph) -> u32 {
        if edge.is_multiple_of(2) { self.millimetres } else { graph.roads[self.road as usize].millimetres - self.millimetres }
    }
}

/// Nothing is looked for farther away than this many metres, whatever limit is asked for: the whole map would be near.
pub const FARTHEST_METRES: f64 = 5_000.0;
/// Most places are at a road: look there first.
const FIRST_LOOK_METRES: f64 = 25.0;
const WIDEN: f64 = 4.0;

/// One straight piece of a road's line.
#[derive(Clone, Copy)]
struct Piece {
    a: Point,
    b: Point,
    road: RoadId,
    /// Number of the piece in the line.
    number: u32,
}

impl RTreeObject for Piece {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(corner(self.a), corner(self.b))
    }
}

fn corner(point: Point) -> [f64; 2] {
    [f64::from(point.lon), f64::from(point.lat)]
}

pub struct Index {
    pieces: RTree<Piece>,
}

impl Index {
    pub fn of(graph: &Graph) -> Index {
        let mut pieces = Vec::with_capacity(graph.points.len());
        for road in 0..graph.roads.len() as RoadId {
            let line = graph.line(road);
            pieces.extend(line.windows(2).enumerate().map(|(i, w)| Piece { a: w[0], b: w[1], road, number: i as u32 }));
        }
        Index { pieces: RTree::bulk_load(pieces) }
    }

    /// The nearest place on a road; `None` if there is none within `limit_metres`.
    pub fn nearest(&self, graph: &Graph, point: Point, limit_metres: f64) -> Option<Snap> {
        let limit = limit_metres.min(FARTHEST_METRES);
        let plane = Plane::at(point);
        let mut look = FIRST_LOOK_METRES.min(limit);
        loop {
            let (lat, lon) = plane.units(look);
            let [x, y] = corner(point);
            let area = AABB::from_corners([x - lon, y - lat], [x + lon, y + lat]);
            let best = self
                .pieces
                .locate_in_envelope_intersecting(area)
                .map(|piece| {
                    let (share, off) = plane.nearest(piece.a, piece.b);
                    (off, piece, share)
                })
                // What is in the corner of the box may be farther than what is outside it.
                .filter(|(off, ..)| *off <= look)
                .min_by(|(a, p, _), (b, q, _)| a.total_cmp(b).then((p.road, p.number).cmp(&(q.road, q.number))));
            if let Some((off, piece, share)) = best {
                return Some(place(graph, *piece, share, off));
            }
            if look >= limit {
                return None;
            }
            look = (look * WIDEN).min(limit);
        }
    }

    /// Bytes in memory, the tree's inner nodes estimated at a sixth more.
    pub fn bytes(&self) -> usize {
        self.pieces.size() * size_of::<Piece>() * 7 / 6
    }
}

fn place(graph: &Graph, piece: Piece, share: f64, off: f64) -> Snap {
    let line = graph.line(piece.road);
    let before: u64 = line[..=piece.number as usize].windows(2).map(|w| ground::millimetres(w[0], w[1])).sum();
    let within = ground::millimetres(piece.a, piece.b) as f64 * share;
    let along = (before + within.round() as u64).min(u64::from(graph.roads[piece.road as usize].millimetres));
    Snap { road: piece.road, millimetres: along as u32, point: ground::between(piece.a, piece.b, share), metres_off: off }
}
