//! Turn restrictions: from ways and nodes, as they are written, to turns that are taken out.
//!
//! A restriction over a node takes out turns. One over ways applies only to who came from its first way, so the roads
//! between get a copy for those who did (see `Turns::fork`), and the turns are taken out at the end of the copies.
//!
//! Restrictions that begin on the same edge and lead the same way belong together: two `only_…` allow both.

use std::collections::BTreeMap;

use crate::extract::{Extract, Restriction, Via};
use crate::graph::{EdgeId, StateId};
use crate::network::{Junction, Network};
use crate::tags::Rule;
use crate::turns::Turns;

/// What became of the restrictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restricted {
    pub applied: u32,
    /// Their ways do not meet, are not in the map, or do not end where the turn is.
    pub unclear: u32,
    /// They forbid what no car could do anyway, for a way is closed to cars or one-way.
    pub idle: u32,
}

/// What is forbidden and prescribed at the end of one path.
#[derive(Debug, Default)]
struct Rules {
    no: Vec<EdgeId>,
    only: Vec<EdgeId>,
}

/// A path: the edge that one comes from, then those between; it ends at the junction of the turn.
type Paths = BTreeMap<Vec<EdgeId>, Rules>;

/// States for one edge that restrictions begin on; more would mean that somebody maps nonsense.
const MAX_STATES: usize = 64;

pub fn restrict(turns: &mut Turns, network: &Network, extract: &Extract) -> Restricted {
    let mut report = Restricted { unclear: extract.unclear_restrictions, ..Restricted::default() };
    let mut paths = Paths::new();
    for restriction in &extract.restrictions {
        match resolve(restriction, network, &mut paths) {
            Resolved::Applied => report.applied += 1,
            Resolved::Idle => report.idle += 1,
            Resolved::Unclear => report.unclear += 1,
        }
    }
    // Short paths first. That matters only where restrictions contradict each other: the longer path has the last word.
    let mut paths: Vec<_> = paths.into_iter().collect();
    paths.sort_by_key(|(path, _)| path.len());
    for (path, rules) in paths {
        apply(turns, &path, &rules);
    }
    report
}

enum Resolved {
    Applied,
    Idle,
    Unclear,
}

/// Finds the edges that a restriction speaks of and adds it to `paths`.
fn resolve(restriction: &Restriction, network: &Network, paths: &mut Paths) -> Resolved {
    let known = |ways: &[i64]| ways.iter().all(|w| network.roads_of_way.contains_key(w));
    if !known(&restriction.from) || !known(&restriction.to) {
        // A way for trams or cyclists, or one that the map's edge has cut.
        return Resolved::Idle;
    }
    // Where one turns into the first `via`, and all the ways to drive through them.
    let routes: Vec<(Junction, Vec<EdgeId>, Junction)> = match &restriction.via {
        Via::Node(node) => network.junction_of_node.get(node).map(|&j| (j, Vec::new(), j)).into_iter().collect(),
        Via::Ways(ways) if !known(ways) => return Resolved::Idle,
        Via::Ways(ways) => drives(ways, network),
    };
    let mut met = false;
    let mut applied = false;
    for (entry, between, exit) in routes {
        let from: Vec<EdgeId> = restriction.from.iter().filter_map(|&w| ending(w, entry, network)).collect();
        let to: Vec<EdgeId> = restriction.to.iter().filter_map(|&w| ending(w, exit, network)).map(|e| e ^ 1).collect();
        // Driven the other way round, the ways do not meet.
        if from.is_empty() || to.is_empty() {
            continue;
        }
        met = true;
        let to: Vec<EdgeId> = to.into_iter().filter(|&e| network.drivable(e)).collect();
        let driven = !to.is_empty() && between.iter().all(|&e| network.drivable(e));
        for edge in from.into_iter().filter(|&e| driven && network.drivable(e)) {
            let path: Vec<EdgeId> = std::iter::once(edge).chain(between.iter().copied()).collect();
            let rules = paths.entry(path).or_default();
            match restriction.rule {
                Rule::No => rules.no.extend(&to),
                Rule::Only => rules.only.extend(&to),
            }
            applied = true;
        }
    }
    match (met, applied) {
        (_, true) => Resolved::Applied,
        (true, false) => Resolved::Idle,
        (false, false) => Resolved::Unclear,
    }
}

/// The edge on which one leaves `way` at `junction`; `None` if the way does not end there, or both its ends do.
fn ending(way: i64, junction: Junction, network: &Network) -> Option<EdgeId> {
    let roads = network.roads_of_way.get(&way)?;
    if roads.is_empty() {
        return None;
    }
    let (first, last) = (2 * roads.start + 1, 2 * (roads.end - 1));
    match (network.head(first) == junction, network.head(last) == junction) {
        (true, false) => Some(first),
        (false, true) => Some(last),
        _ => None,
    }
}

/// All the ways to drive through `ways` one after the other, each from end to end: where that begins, the edges, where
/// it ends. Two at most, as the ends of the first say.
fn drives(ways: &[i64], network: &Network) -> Vec<(Junction, Vec<EdgeId>, Junction)> {
    let through = |way: i64, against: bool| -> Option<Vec<EdgeId>> {
        let roads = network.roads_of_way.get(&way)?.clone();
        let edges: Vec<EdgeId> = if against { roads.rev().map(|r| 2 * r + 1).collect() } else { roads.map(|r| 2 * r).collect() };
        (!edges.is_empty()).then_some(edges)
    };
    let mut found = Vec::new();
    'directions: for against in [false, true] {
        let Some(mut edges) = ways.first().and_then(|&w| through(w, against)) else { continue };
        for &way in &ways[1..] {
            let Some(&last) = edges.last() else { continue 'directions };
            let next = [false, true]
                .into_iter()
                .filter_map(|against| through(way, against))
                .find(|next| next.first().is_some_and(|&e| network.tail(e) == network.head(last)));
            let Some(next) = next else { continue 'directions };
            edges.extend(next);
        }
        if let (Some(&first), Some(&last)) = (edges.first(), edges.last()) {
            found.push((network.tail(first), edges, network.head(last)));
        }
    }
    found
}

/// Takes the turns out, for everybody who drives `path`.
fn apply(turns: &mut Turns, path: &[EdgeId], rules: &Rules) {
    let Some((&first, between)) = path.split_first() else { return };
    let mut states: Vec<StateId> = turns.states_of(first);
    states.truncate(MAX_STATES);
    for state in states {
        let mut at = state;
        let arrived = between.iter().all(|&edge| match turns.fork(at, edge) {
            Some(copy) => {
                at = copy;
                true
            }
            // Another restriction forbids this path already.
            None => false,
        });
        if !arrived {
            continue;
        }
        let edge_of = &turns.edge_of;
        turns.next[at as usize].retain(|&next| {
            let edge = edge_of[next as usize];
            !rules.no.contains(&edge) && (rules.only.is_empty() || rules.only.contains(&edge))
        });
        turn_round(turns, at, rules);
    }
}

/// Turning round is allowed where it is prescribed, and where a restriction has left nothing else and does not forbid it.
fn turn_round(turns: &mut Turns, state: StateId, rules: &Rules) {
    let back = turns.edge_of[state as usize] ^ 1;
    let next = &turns.next[state as usize];
    let wanted = rules.only.contains(&back) || (rules.only.is_empty() && next.is_empty());
    // Who cannot go on from there cannot drive there.
    let possible = !turns.next[back as usize].is_empty();
    if wanted && possible && !rules.no.contains(&back) && !next.contains(&back) {
        turns.next[state as usize].push(back);
    }
}
