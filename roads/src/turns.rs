//! Which edge may follow which: states and the turns between them, before anything is cut away.

use rustc_hash::FxHashMap;

use crate::graph::{EdgeId, StateId};
use crate::network::Network;

/// States and turns. The first states are the edges themselves: state number = edge number.
#[derive(Debug, Default)]
pub struct Turns {
    pub edge_of: Vec<EdgeId>,
    /// By state: the states that may follow, ascending by edge.
    pub next: Vec<Vec<StateId>>,
    /// States beyond the first, by edge.
    copies: FxHashMap<EdgeId, Vec<StateId>>,
}

impl Turns {
    /// Every turn that the network allows, as if there were no restriction. Nobody turns round in a junction that can be
    /// left in another way.
    pub fn of(network: &Network) -> Turns {
        let edges = 2 * network.roads.len() as EdgeId;
        let mut out: Vec<Vec<EdgeId>> = vec![Vec::new(); network.blocked.len()];
        for edge in (0..edges).filter(|&e| network.drivable(e)) {
            out[network.tail(edge) as usize].push(edge);
        }
        let next = |edge: EdgeId| {
            let junction = network.head(edge) as usize;
            if !network.drivable(edge) {
                return Vec::new();
            }
            let back = edge ^ 1;
            let past = |e: &EdgeId| *e != back && !network.blocked[junction];
            let turns: Vec<StateId> = out[junction].iter().copied().filter(past).collect();
            if turns.is_empty() && network.drivable(back) { vec![back] } else { turns }
        };
        Turns { edge_of: (0..edges).collect(), next: (0..edges).map(next).collect(), copies: FxHashMap::default() }
    }

    /// All states of an edge.
    pub fn states_of(&self, edge: EdgeId) -> Vec<StateId> {
        std::iter::once(edge).chain(self.copies.get(&edge).into_iter().flatten().copied()).collect()
    }

    /// A state of its own for whoever goes from `state` to `edge`: the copy can be restricted without restricting
    /// others. `None` if there is no such turn.
    pub fn fork(&mut self, state: StateId, edge: EdgeId) -> Option<StateId> {
        let at = self.next[state as usize].iter().position(|&n| self.edge_of[n as usize] == edge)?;
        let copied = self.next[state as usize][at];
        let copy = self.edge_of.len() as StateId;
        self.edge_of.push(edge);
        self.copies.entry(edge).or_default().push(copy);
        self.next.push(self.next[copied as usize].clone());
        self.next[state as usize][at] = copy;
        Some(copy)
    }
}
