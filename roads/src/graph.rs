//! The prepared graph: what a file of it holds. Only data; `hierarchy.rs` makes it fast.

use schemas::plan::{Point, RoadClass};
use serde::{Deserialize, Serialize};

pub type RoadId = u32;
/// A road in one direction: 2 × road along its line, 2 × road + 1 against it.
pub type EdgeId = u32;
/// An edge and what matters of the way there.
pub type StateId = u32;

/// To turn round where nothing else is possible takes this long. OSRM's profile for cars has the same
/// (`u_turn_penalty`, 20 s).
pub const TURNING_ROUND_MS: u32 = 20_000;

/// A piece of road between two junctions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Road {
    /// Its line: `points` of the graph's points from this one.
    pub first_point: u32,
    pub points: u32,
    pub millimetres: u32,
    pub class: RoadClass,
    /// At free flow, along the line and against it; 0: not that way.
    pub forward_kmh: u8,
    pub backward_kmh: u8,
}

impl Road {
    /// Speed on `edge`, which is one of this road's two.
    pub fn kmh(&self, edge: EdgeId) -> u8 {
        if edge.is_multiple_of(2) { self.forward_kmh } else { self.backward_kmh }
    }

    /// Milliseconds for the first `millimetres` of `edge`, rounded. Adding up parts of a road this way gives no more and
    /// no less than the whole: the rest is the whole minus the first part.
    pub fn ms(&self, edge: EdgeId, millimetres: u32) -> u32 {
        // 1 km/h is 10/36 mm per ms.
        let kmh = u64::from(self.kmh(edge).max(1));
        let ms = (u64::from(millimetres) * 36 + kmh * 5) / (kmh * 10);
        ms.min(u64::from(u32::MAX / 4)) as u32
    }

    pub fn all_ms(&self, edge: EdgeId) -> u32 {
        self.ms(edge, self.millimetres)
    }
}

/// Roads, and which state follows which. Every edge has a state in one strongly connected part, so there is a way from
/// each road to each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// Name of the map that it was made of.
    pub source: String,
    pub roads: Vec<Road>,
    pub points: Vec<Point>,
    /// Each state's edge, ascending; of one edge, the state without a history first.
    pub edge_of: Vec<EdgeId>,
    /// `turns[first_turn[s]..first_turn[s + 1]]` may follow state `s`.
    pub first_turn: Vec<u32>,
    pub turns: Vec<StateId>,
    /// States in the order in which the hierarchy contracts them: what takes long to compute.
    pub order: Vec<StateId>,
}

impl Graph {
    pub fn states(&self) -> usize {
        self.edge_of.len()
    }

    pub fn road(&self, edge: EdgeId) -> &Road {
        &self.roads[(edge / 2) as usize]
    }

    pub fn line(&self, road: RoadId) -> &[Point] {
        let road = &self.roads[road as usize];
        &self.points[road.first_point as usize..][..road.points as usize]
    }

    pub fn turns_of(&self, state: StateId) -> &[StateId] {
        &self.turns[self.first_turn[state as usize] as usize..self.first_turn[state as usize + 1] as usize]
    }

    /// Milliseconds that a turn costs by itself.
    pub fn turn_ms(&self, from: StateId, to: StateId) -> u32 {
        let round = self.edge_of[from as usize] ^ 1 == self.edge_of[to as usize];
        if round { TURNING_ROUND_MS } else { 0 }
    }

    /// From the beginning of one state to the beginning of the next.
    pub fn step_ms(&self, from: StateId, to: StateId) -> u32 {
        let edge = self.edge_of[from as usize];
        self.road(edge).all_ms(edge) + self.turn_ms(from, to)
    }

    /// All states of an edge; empty if it is not part of the graph.
    pub fn states_of(&self, edge: EdgeId) -> std::ops::Range<StateId> {
        let from = self.edge_of.partition_point(|&e| e < edge);
        let count = self.edge_of[from..].iter().take_while(|&&e| e == edge).count();
        from as StateId..(from + count) as StateId
    }

    /// What a file must hold true so that nothing is looked up outside its list: says what does not.
    pub fn check(&self) -> Result<(), String> {
        let (roads, states) = (self.roads.len(), self.states());
        if states == 0 {
            return Err("it has no road".into());
        }
        for (i, road) in self.roads.iter().enumerate() {
            let end = road.first_point as usize + road.points as usize;
            if road.points < 2 || end > self.points.len() {
                return Err(format!("the line of road {i} lies outside the points"));
            }
        }
        if !self.edge_of.is_sorted() || self.edge_of.iter().any(|&e| e as usize >= 2 * roads || self.road(e).kmh(e) == 0) {
            return Err("a state has no road".into());
        }
        let ends = (self.first_turn.first(), self.first_turn.last());
        if self.first_turn.len() != states + 1 || ends != (Some(&0), Some(&(self.turns.len() as u32))) || !self.first_turn.is_sorted() {
            return Err("turns and states do not belong together".into());
        }
        if self.turns.iter().any(|&t| t as usize >= states) {
            return Err("a turn leads nowhere".into());
        }
        let mut seen = vec![false; states];
        for &s in &self.order {
            match seen.get_mut(s as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err("the order of contraction names a state twice, or one that does not exist".into()),
            }
        }
        if self.order.len() == states { Ok(()) } else { Err("the order of contraction leaves states out".into()) }
    }
}
