//! Dijkstra's algorithm on the same graph, as plain as it can be: what the hierarchy's answers are checked against.
//!
//! It counts from the end of a road to the end of the next, where the search under test counts from beginnings.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use waybill_roads::{Graph, Snap};

/// Milliseconds of the fastest way, if there is one.
pub fn fastest(graph: &Graph, from: &Snap, to: &Snap) -> Option<u32> {
    let mut best: Option<u32> = None;
    let mut offer = |ms: u32| best = Some(best.map_or(ms, |b| b.min(ms)));
    let mut ended = vec![u32::MAX; graph.states()];
    let mut queue = BinaryHeap::new();
    let both = |snap: &Snap| [2 * snap.road, 2 * snap.road + 1];
    // Milliseconds from the beginning of an edge to a place on it.
    let until = |edge: u32, snap: &Snap| graph.road(edge).ms(edge, snap.from_beginning(edge, graph));
    for edge in both(from) {
        let states = graph.states_of(edge);
        if states.is_empty() {
            continue;
        }
        // Who starts has no history, so the first state is his; he has reached its end after the rest of the road. What
        // comes back to the end of the same state later costs more, so this entry is final.
        queue.push(Reverse((graph.road(edge).all_ms(edge) - until(edge, from), states.start)));
        if from.road == to.road
            && until(edge, from) <= until(edge, to)
            && from.from_beginning(edge, graph) <= to.from_beginning(edge, graph)
        {
            offer(until(edge, to) - until(edge, from));
        }
    }
    while let Some(Reverse((ms, state))) = queue.pop() {
        if ended[state as usize] <= ms {
            continue;
        }
        ended[state as usize] = ms;
        for &next in graph.turns_of(state) {
            let edge = graph.edge_of[next as usize];
            let begun = ms + graph.turn_ms(state, next);
            if edge / 2 == to.road {
                offer(begun + until(edge, to));
            }
            queue.push(Reverse((begun + graph.road(edge).all_ms(edge), next)));
        }
    }
    best
}
