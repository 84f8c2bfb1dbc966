//! The contraction hierarchy over a graph's states: built by the crate `cch`, which contracts and customises, and laid
//! out here for searches that begin and end inside roads and that add up metres beside the time.
//!
//! Words: states have *ranks*, the order of contraction. An *arc* goes from a lower to a higher rank and stands for the
//! fastest way between the two over lower ranks, up (from lower to higher) and down. Its *via* is the rank in the middle
//! of that way; none if it is a turn of the graph.

use cch::graph::Graph as Csr;
use cch::{Cch, INF_WEIGHT};

use crate::graph::{Graph, StateId};

pub type Rank = u32;
pub type ArcId = u32;

/// No rank, no arc.
pub const NONE: u32 = u32::MAX;
/// No way there, in milliseconds.
pub const NEVER: u32 = INF_WEIGHT;

/// What an arc stands for, in one direction, beside its time.
#[derive(Clone, Copy, Debug)]
pub struct Inside {
    pub millimetres: u32,
    pub via: Rank,
}

pub struct Hierarchy {
    pub rank_of: Vec<Rank>,
    pub state_of: Vec<StateId>,
    /// The elimination tree: all that a rank can reach upwards lies on its way to the root.
    pub parent: Vec<Rank>,
    /// Arcs of rank r: `first_arc[r]..first_arc[r + 1]`, ascending by head.
    pub first_arc: Vec<ArcId>,
    pub head: Vec<Rank>,
    /// Milliseconds apart from the rest: a search looks at nothing else.
    pub up_ms: Vec<u32>,
    pub down_ms: Vec<u32>,
    /// Driven from the lower end to the higher one, and back.
    pub up: Vec<Inside>,
    pub down: Vec<Inside>,
}

impl Hierarchy {
    /// `graph` has passed [`Graph::check`].
    pub fn of(graph: &Graph) -> Hierarchy {
        let weight = (0..graph.states() as StateId).flat_map(|s| graph.turns_of(s).iter().map(move |&t| graph.step_ms(s, t))).collect();
        let csr = Csr { first_out: graph.first_turn.clone(), head: graph.turns.clone(), weight };
        let cch = Cch::build(&csr, &graph.order);
        let metric = cch.customize(&csr.weight);
        let (up, down) = insides(graph, &cch, &metric.forward, &metric.backward);
        Hierarchy {
            rank_of: cch.rank,
            state_of: cch.order,
            parent: cch.elimination_tree_parent,
            first_arc: cch.up_first_out,
            head: cch.up_head,
            up_ms: metric.forward,
            down_ms: metric.backward,
            up,
            down,
        }
    }

    pub fn ranks(&self) -> usize {
        self.rank_of.len()
    }

    pub fn arcs(&self, rank: Rank) -> std::ops::Range<usize> {
        self.first_arc[rank as usize] as usize..self.first_arc[rank as usize + 1] as usize
    }

    /// Appends the states of the way from `from` to `to`, without `from`. There is an arc between the two.
    pub fn unpack(&self, from: Rank, to: Rank, states: &mut Vec<StateId>) {
        let mut work = vec![(from, to)];
        while let Some((from, to)) = work.pop() {
            let via = if from < to { self.up[self.arc(from, to)].via } else { self.down[self.arc(to, from)].via };
            if via == NONE {
                states.push(self.state_of[to as usize]);
            } else {
                work.push((via, to));
                work.push((from, via));
            }
        }
    }

    fn arc(&self, low: Rank, high: Rank) -> usize {
        let arcs = self.arcs(low);
        let Ok(i) = self.head[arcs.clone()].binary_search(&high) else {
            panic!("the hierarchy has no arc between ranks {low} and {high}, which a path led over")
        };
        arcs.start + i
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let ranks = self.rank_of.capacity() + self.state_of.capacity() + self.parent.capacity() + self.first_arc.capacity();
        let arcs = self.head.capacity() + self.up_ms.capacity() + self.down_ms.capacity();
        4 * (ranks + arcs) + size_of::<Inside>() * (self.up.capacity() + self.down.capacity())
    }
}

/// The middle and the length of what each arc stands for, from its time: an arc is as fast as the two below it through
/// its middle, or it is a turn. Lower arcs come first, so a middle's own lengths are known.
fn insides(graph: &Graph, cch: &Cch, up_ms: &[u32], down_ms: &[u32]) -> (Vec<Inside>, Vec<Inside>) {
    let unknown = Inside { millimetres: 0, via: NONE };
    let (mut up, mut down) = (vec![unknown; up_ms.len()], vec![unknown; down_ms.len()]);
    // What a turn of the graph leads over: all of the road before it.
    let length = |rank: Rank| graph.road(graph.edge_of[cch.order[rank as usize] as usize]).millimetres;
    for arc in 0..up_ms.len() {
        let (low, high) = (cch.up_tail[arc] as usize, cch.up_head[arc] as usize);
        up[arc].millimetres = length(low as Rank);
        down[arc].millimetres = length(high as Rank);
        let (mut up_open, mut down_open) = (up_ms[arc] < NEVER, down_ms[arc] < NEVER);
        let mut a = cch.down_first_out[low] as usize;
        let mut b = cch.down_first_out[high] as usize;
        let (a_end, b_end) = (cch.down_first_out[low + 1] as usize, cch.down_first_out[high + 1] as usize);
        while a < a_end && b < b_end && (up_open || down_open) {
            let (below_low, below_high) = (cch.down_head[a], cch.down_head[b]);
            if below_low < below_high {
                a += 1;
                continue;
            }
            if below_low > below_high {
                b += 1;
                continue;
            }
            let (to_low, to_high) = (cch.down_to_up[a] as usize, cch.down_to_up[b] as usize);
            if up_open && down_ms[to_low].saturating_add(up_ms[to_high]) == up_ms[arc] {
                up[arc] = Inside { millimetres: down[to_low].millimetres.saturating_add(up[to_high].millimetres), via: below_low };
                up_open = false;
            }
            if down_open && down_ms[to_high].saturating_add(up_ms[to_low]) == down_ms[arc] {
                down[arc] = Inside { millimetres: down[to_high].millimetres.saturating_add(up[to_low].millimetres), via: below_low };
                down_open = false;
            }
            a += 1;
            b += 1;
        }
    }
    (up, down)
}
