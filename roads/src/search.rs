//! Fastest ways in the hierarchy: between two sets of states, and between all pairs of many. Exact: what is found is as
//! fast as what Dijkstra's algorithm finds on the graph.
//!
//! All that a state can reach upwards lies on its way to the root of the elimination tree. So a search walks that way
//! once, in ascending order, and needs no queue; the fastest way goes up from the start and down to the end, and turns
//! at a rank that both walks pass.

use crate::graph::StateId;
use crate::hierarchy::{Hierarchy, NEVER, NONE, Rank};

/// Where a search begins or ends: the beginning of a state's road, and what it takes from the start to there, or from
/// there to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    pub state: StateId,
    pub ms: u32,
    pub millimetres: u32,
}

/// What is found between two sets of seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub ms: u32,
    /// From a state of the starts to one of the ends.
    pub states: Vec<StateId>,
}

/// Fastest ways between all pairs of points. Both lists row by row: from point i to point j at `i × points + j`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    pub points: usize,
    /// Milliseconds of driving at free flow; [`Matrix::NO_WAY`] where there is no way.
    pub ms: Vec<u32>,
    /// Length of that fastest way, in metres.
    pub metres: Vec<u32>,
}

impl Matrix {
    pub const NO_WAY: u32 = u32::MAX;

    pub fn between(&self, from: usize, to: usize) -> (u32, u32) {
        let at = from * self.points + to;
        (self.ms[at], self.metres[at])
    }
}

/// The lists that a search needs; reused, for they are as long as there are states.
pub struct Scratch {
    start: Walk,
    end: Walk,
    /// For matrices: time and length from the present start.
    reached: Vec<(u32, u32)>,
}

/// One walk to the root.
struct Walk {
    ms: Vec<u32>,
    millimetres: Vec<u32>,
    /// The rank that one comes from.
    from: Vec<Rank>,
    passed: Vec<bool>,
    /// All ranks passed, ascending.
    way: Vec<Rank>,
}

impl Walk {
    fn new(ranks: usize) -> Walk {
        Walk { ms: vec![NEVER; ranks], millimetres: vec![0; ranks], from: vec![NONE; ranks], passed: vec![false; ranks], way: Vec::new() }
    }

    fn clear(&mut self) {
        for &r in &self.way {
            self.ms[r as usize] = NEVER;
            self.passed[r as usize] = false;
        }
        self.way.clear();
    }

    /// Passes all that can be reached upwards from the seeds.
    fn pass(&mut self, hierarchy: &Hierarchy, seeds: &[Seed]) {
        self.clear();
        for seed in seeds {
            let mut rank = hierarchy.rank_of[seed.state as usize];
            while rank != NONE && !self.passed[rank as usize] {
                self.passed[rank as usize] = true;
                self.way.push(rank);
                rank = hierarchy.parent[rank as usize];
            }
        }
        self.way.sort_unstable();
        for seed in seeds {
            let rank = hierarchy.rank_of[seed.state as usize] as usize;
            if seed.ms < self.ms[rank] {
                self.ms[rank] = seed.ms;
                self.millimetres[rank] = seed.millimetres;
                self.from[rank] = NONE;
            }
        }
    }

    /// Relaxes the arcs of all that was passed. `arc_ms`: up from a start, down to an end.
    fn relax(&mut self, hierarchy: &Hierarchy, arc_ms: &[u32]) {
        for &rank in &self.way {
            let ms = self.ms[rank as usize];
            if ms == NEVER {
                continue;
            }
            let arcs = hierarchy.arcs(rank);
            for (&head, &arc) in hierarchy.head[arcs.clone()].iter().zip(&arc_ms[arcs]) {
                let sum = ms.saturating_add(arc);
                if sum < self.ms[head as usize] {
                    self.ms[head as usize] = sum;
                    self.from[head as usize] = rank;
                }
            }
        }
    }
}

impl Scratch {
    pub fn new(hierarchy: &Hierarchy) -> Scratch {
        let ranks = hierarchy.ranks();
        Scratch { start: Walk::new(ranks), end: Walk::new(ranks), reached: Vec::new() }
    }

    /// The fastest way from one of `starts` to one of `ends`.
    pub fn path(&mut self, hierarchy: &Hierarchy, starts: &[Seed], ends: &[Seed]) -> Option<Path> {
        self.start.pass(hierarchy, starts);
        self.start.relax(hierarchy, &hierarchy.up_ms);
        self.end.pass(hierarchy, ends);
        self.end.relax(hierarchy, &hierarchy.down_ms);
        let (start, end) = (&self.start, &self.end);
        let (mut best, mut top) = (NEVER, NONE);
        for &rank in &end.way {
            let sum = start.ms[rank as usize].saturating_add(end.ms[rank as usize]);
            if sum < best {
                (best, top) = (sum, rank);
            }
        }
        if top == NONE {
            return None;
        }
        let mut ascent = vec![top];
        let mut rank = top;
        while start.from[rank as usize] != NONE {
            rank = start.from[rank as usize];
            ascent.push(rank);
        }
        let mut states = vec![hierarchy.state_of[rank as usize]];
        for pair in ascent.windows(2).rev() {
            hierarchy.unpack(pair[1], pair[0], &mut states);
        }
        rank = top;
        while end.from[rank as usize] != NONE {
            let next = end.from[rank as usize];
            hierarchy.unpack(rank, next, &mut states);
            rank = next;
        }
        Some(Path { ms: best, states })
    }

    /// Milliseconds and millimetres of the fastest way from each of `starts` to each of `ends`, row by row; `NEVER` where
    /// there is none.
    pub fn pairs(&mut self, hierarchy: &Hierarchy, starts: &[Vec<Seed>], ends: &[Vec<Seed>]) -> Vec<(u32, u32)> {
        let all: Vec<Seed> = ends.iter().flatten().copied().collect();
        self.end.pass(hierarchy, &all);
        self.reached.resize(hierarchy.ranks(), (NEVER, 0));
        let mut found = Vec::with_capacity(starts.len() * ends.len());
        for seeds in starts {
            self.climb(hierarchy, seeds);
            // Down to the ends: whatever a rank can be reached from lies above it, and has been done before.
            for &rank in self.end.way.iter().rev() {
                let mut best = (self.start.ms[rank as usize], self.start.millimetres[rank as usize]);
                for arc in hierarchy.arcs(rank) {
                    let (ms, millimetres) = self.reached[hierarchy.head[arc] as usize];
                    let sum = ms.saturating_add(hierarchy.down_ms[arc]);
                    if sum < best.0 {
                        best = (sum, millimetres.saturating_add(hierarchy.down[arc].millimetres));
                    }
                }
                self.reached[rank as usize] = best;
            }
            found.extend(ends.iter().map(|seeds| {
                let each = seeds.iter().map(|seed| {
                    let (ms, millimetres) = self.reached[hierarchy.rank_of[seed.state as usize] as usize];
                    (ms.saturating_add(seed.ms), millimetres.saturating_add(seed.millimetres))
                });
                each.min().filter(|(ms, _)| *ms < NEVER).unwrap_or((NEVER, 0))
            }));
        }
        found
    }

    /// Upwards with lengths.
    fn climb(&mut self, hierarchy: &Hierarchy, seeds: &[Seed]) {
        let walk = &mut self.start;
        walk.pass(hierarchy, seeds);
        for i in 0..walk.way.len() {
            let rank = walk.way[i];
            let (ms, millimetres) = (walk.ms[rank as usize], walk.millimetres[rank as usize]);
            if ms == NEVER {
                continue;
            }
            for arc in hierarchy.arcs(rank) {
                let head = hierarchy.head[arc] as usize;
                let sum = ms.saturating_add(hierarchy.up_ms[arc]);
                if sum < walk.ms[head] {
                    walk.ms[head] = sum;
                    walk.millimetres[head] = millimetres.saturating_add(hierarchy.up[arc].millimetres);
                }
            }
        }
    }
}
