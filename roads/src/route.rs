//! From a path to what a driver follows: a line, its metres by class of road, its seconds.

use schemas::plan::{Leg, Point, RoadClass, Stretch};

use crate::graph::{EdgeId, Graph};
use crate::ground;
use crate::search::Seed;
use crate::snap::Snap;

/// The fastest way between two places on roads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub leg: Leg,
    /// Driving time at free flow, exact; `leg.seconds` is this, rounded.
    pub ms: u32,
    pub millimetres: u64,
    /// The edges driven on, in order.
    pub edges: Vec<EdgeId>,
}

/// Both directions of the road, as far as they are in the graph.
fn edges(graph: &Graph, snap: &Snap) -> impl Iterator<Item = EdgeId> {
    [2 * snap.road, 2 * snap.road + 1].into_iter().filter(|&e| !graph.states_of(e).is_empty())
}

/// Where one can be after the road of `snap`: what follows it, in both directions.
pub fn starts(graph: &Graph, snap: &Snap) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for edge in edges(graph, snap) {
        let road = graph.road(edge);
        let done = snap.from_beginning(edge, graph);
        let rest_ms = road.all_ms(edge) - road.ms(edge, done);
        // Who starts here has no history.
        let state = graph.states_of(edge).start;
        seeds.extend(graph.turns_of(state).iter().map(|&next| Seed {
            state: next,
            ms: rest_ms + graph.turn_ms(state, next),
            millimetres: road.millimetres - done,
        }));
    }
    seeds
}

/// How one can come to `snap`: from the beginning of its road, in both directions, with whatever history.
pub fn ends(graph: &Graph, snap: &Snap) -> Vec<Seed> {
    let seed = |edge: EdgeId| {
        let done = snap.from_beginning(edge, graph);
        let ms = graph.road(edge).ms(edge, done);
        graph.states_of(edge).map(move |state| Seed { state, ms, millimetres: done })
    };
    edges(graph, snap).flat_map(seed).collect()
}

/// The way along the road that both are on, if one may drive from one to the other: edge, milliseconds, millimetres.
pub fn along_one_road(graph: &Graph, from: &Snap, to: &Snap) -> Option<(EdgeId, u32, u32)> {
    if from.road != to.road {
        return None;
    }
    let along = edges(graph, from).filter_map(|edge| {
        let (a, b) = (from.from_beginning(edge, graph), to.from_beginning(edge, graph));
        let road = graph.road(edge);
        (a <= b).then(|| (edge, road.ms(edge, b) - road.ms(edge, a), b - a))
    });
    along.min_by_key(|&(edge, ms, _)| (ms, edge))
}

/// Draws the way over `edges`, from `from` on the first to `to` on the last.
pub fn draw(graph: &Graph, edges: Vec<EdgeId>, from: &Snap, to: &Snap, ms: u32) -> Route {
    let mut points = vec![from.point];
    let mut stretches = Stretches::default();
    for (i, &edge) in edges.iter().enumerate() {
        let road = graph.road(edge);
        let begin = if i == 0 { from.from_beginning(edge, graph) } else { 0 };
        let end = if i + 1 == edges.len() { to.from_beginning(edge, graph) } else { road.millimetres };
        stretches.add(road.class, u64::from(end.saturating_sub(begin)));
        let line = graph.line(edge / 2);
        let whole = begin == 0 && end == road.millimetres;
        if edge.is_multiple_of(2) {
            inner(line.iter().copied(), whole, (begin, end), &mut points);
        } else {
            inner(line.iter().rev().copied(), whole, (begin, end), &mut points);
        }
    }
    points.push(to.point);
    points.dedup();
    if points.len() == 1 {
        points.push(to.point);
    }
    let millimetres = stretches.millimetres;
    let leg = Leg { points, stretches: stretches.done(), seconds: ((u64::from(ms) + 500) / 1000) as u32 };
    Route { leg, ms, millimetres, edges }
}

/// Appends the points of a line that lie between `begin` and `end` millimetres along it.
fn inner(line: impl Iterator<Item = Point>, whole: bool, (begin, end): (u32, u32), points: &mut Vec<Point>) {
    if whole {
        points.extend(line);
        return;
    }
    let mut along = 0;
    let mut last: Option<Point> = None;
    for point in line {
        along += last.map_or(0, |l| ground::millimetres(l, point));
        last = Some(point);
        if along > u64::from(end) {
            break;
        }
        if along > u64::from(begin) {
            points.push(point);
        }
    }
}

/// Sums up lengths by class, in whole metres that add up to the whole.
#[derive(Default)]
struct Stretches {
    millimetres: u64,
    /// Class, and millimetres from the beginning to its end.
    ends: Vec<(RoadClass, u64)>,
}

impl Stretches {
    fn add(&mut self, class: RoadClass, millimetres: u64) {
        self.millimetres += millimetres;
        match self.ends.last_mut() {
            Some((last, end)) if *last == class => *end = self.millimetres,
            _ => self.ends.push((class, self.millimetres)),
        }
    }

    fn done(self) -> Vec<Stretch> {
        let mut before = 0;
        let mut stretches: Vec<Stretch> = Vec::new();
        for &(class, end) in &self.ends {
            let end = (end + 500) / 1000;
            match stretches.last_mut() {
                _ if end == before => {}
                // What lay between was less than a metre.
                Some(last) if last.class == class => last.metres += (end - before) as u32,
                _ => stretches.push(Stretch { class, metres: (end - before) as u32 }),
            }
            before = end;
        }
        if let (true, Some(&(class, _))) = (stretches.is_empty(), self.ends.first()) {
            stretches.push(Stretch { class, metres: 0 });
        }
        stretches
    }
}
