//! From a map to a prepared graph: read, cut, restrict, keep what is connected, order.

use crate::connected::largest;
use crate::extract::Extract;
use crate::graph::{Graph, StateId};
use crate::ground;
use crate::network::Network;
use crate::restrict::{Restricted, restrict};
use crate::turns::Turns;

/// How far long work is: what is being done, and how much of it, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub doing: &'static str,
    pub share: f64,
}

/// What was made of a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Ways for cars in the map.
    pub ways: u64,
    /// Pieces between junctions, in the map and in the graph.
    pub roads_found: u64,
    pub roads: u64,
    pub kilometres: u64,
    pub states: u64,
    pub turns: u64,
    pub restrictions: Restricted,
    /// Nodes that ways name and the map lacks, for it was cut out of a larger one.
    pub missing_nodes: u64,
}

/// Reads the OpenStreetMap PBF file at `path` and prepares its roads.
#[cfg(feature = "osm")]
pub fn build(path: &std::path::Path, progress: &mut dyn FnMut(Progress)) -> Result<(crate::Roads, Report), crate::Error> {
    let extract = crate::osm::read(path, progress)?;
    let source = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let (graph, report) = build_from(&extract, source, progress).map_err(|what| crate::Error::Useless { path: path.to_owned(), what })?;
    progress(Progress { doing: "building the hierarchy", share: 0.0 });
    Ok((crate::Roads::new(graph), report))
}

/// Prepares what was read. The error says why there is nothing to drive on.
pub fn build_from(extract: &Extract, source: String, progress: &mut dyn FnMut(Progress)) -> Result<(Graph, Report), String> {
    progress(Progress { doing: "cutting ways at junctions", share: 0.0 });
    let network = Network::of(extract);
    progress(Progress { doing: "applying turn restrictions", share: 0.0 });
    let mut turns = Turns::of(&network);
    let restrictions = restrict(&mut turns, &network, extract);
    progress(Progress { doing: "looking for the largest connected part", share: 0.0 });
    let mut graph = connected_part(&network, &turns, source)?;
    progress(Progress { doing: "ordering the hierarchy", share: 0.0 });
    graph.order = order(&graph);
    let report = Report {
        ways: extract.ways.len() as u64,
        roads_found: network.roads.len() as u64,
        roads: graph.roads.len() as u64,
        kilometres: graph.roads.iter().map(|r| u64::from(r.millimetres)).sum::<u64>() / 1_000_000,
        states: graph.states() as u64,
        turns: graph.turns.len() as u64,
        restrictions,
        missing_nodes: network.missing_nodes,
    };
    Ok((graph, report))
}

/// The largest strongly connected part, with numbers of its own.
fn connected_part(network: &Network, turns: &Turns, source: String) -> Result<Graph, String> {
    let connected = largest(&turns.next);
    // All states of an edge, or none. On a road that is only ever reached with a history somebody may start, without one;
    // and where a restriction leaves no way out, somebody may still have his end.
    let mut edge_kept = vec![false; 2 * network.roads.len()];
    for state in (0..connected.len()).filter(|&s| connected[s]) {
        edge_kept[turns.edge_of[state] as usize] = true;
    }
    let kept: Vec<bool> = turns.edge_of.iter().map(|&edge| edge_kept[edge as usize]).collect();
    let mut states: Vec<StateId> = (0..kept.len() as StateId).filter(|&s| kept[s as usize]).collect();
    states.sort_by_key(|&s| (turns.edge_of[s as usize], s));
    if !states.iter().any(|&s| !turns.next[s as usize].is_empty()) {
        return Err("its roads for cars are not connected: there is no way from one to another".into());
    }
    const NONE: u32 = u32::MAX;
    let mut state_number = vec![NONE; kept.len()];
    let mut road_number = vec![NONE; network.roads.len()];
    let mut graph = Graph { source, ..Graph::default() };
    for (number, &state) in states.iter().enumerate() {
        state_number[state as usize] = number as u32;
        let edge = turns.edge_of[state as usize];
        let old = (edge / 2) as usize;
        if road_number[old] == NONE {
            road_number[old] = graph.roads.len() as u32;
            let mut road = network.roads[old];
            let line = &network.points[road.first_point as usize..][..road.points as usize];
            road.first_point = graph.points.len() as u32;
            graph.points.extend_from_slice(line);
            graph.roads.push(road);
        }
        graph.edge_of.push(2 * road_number[old] + edge % 2);
    }
    graph.first_turn.push(0);
    for &state in &states {
        let next = turns.next[state as usize].iter().map(|&n| state_number[n as usize]).filter(|&n| n != NONE);
        graph.turns.extend(next);
        graph.first_turn.push(graph.turns.len() as u32);
    }
    Ok(graph)
}

/// The order of contraction: nested dissection by flows along the compass (inertial flow), on the roads' middles.
fn order(graph: &Graph) -> Vec<StateId> {
    let tails: Vec<u32> = (0..graph.states() as StateId).flat_map(|s| std::iter::repeat_n(s, graph.turns_of(s).len())).collect();
    let middle = |&edge: &u32| {
        let line = graph.line(edge / 2);
        let (lat, lon) = ground::between(line[0], line[line.len() - 1], 0.5).degrees();
        (lat as f32, lon as f32)
    };
    let (lat, lon): (Vec<f32>, Vec<f32>) = graph.edge_of.iter().map(middle).unzip();
    cch::inertial_order(graph.states() as u32, &tails, &graph.turns, &lat, &lon)
}
