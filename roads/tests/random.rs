//! Random towns with one-way streets and turn restrictions, over nodes and over ways: the graph's answers against a
//! search that remembers the streets it came by and reads the restrictions as they are written. It knows no junction,
//! no state and no hierarchy.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping")]

mod common;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use common::town::{Built, STREET, Town};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// 100 m at 25 km/h, and turning round.
const STREET_MS: u32 = 14_400;
const TURNING_ROUND_MS: u32 = 20_000;
/// Streets are 100 m long up to a centimetre.
const TOLERANCE_MS: u32 = 100;
/// A restriction leads over five of these at most: two streets of two pieces, and the one it begins on.
const REMEMBERED: usize = 5;
const TOWNS: u64 = 1500;
const ONE_WAY: &[(&str, &str)] = &[("highway", "residential"), ("oneway", "yes")];

/// From letter to neighbouring letter.
type Piece = (char, char);

struct Plan {
    streets: Vec<(String, bool)>,
    /// Kind, from, via, to.
    restrictions: Vec<(&'static str, String, String, String)>,
}

const GRID: [[char; 4]; 4] = [['a', 'b', 'c', 'd'], ['e', 'f', 'g', 'h'], ['i', 'j', 'k', 'l'], ['m', 'n', 'o', 'p']];

impl Plan {
    fn random(random: &mut ChaCha8Rng) -> Plan {
        let mut streets: Vec<(String, bool)> = Vec::new();
        for line in 0..8 {
            let at = |i: usize| if line < 4 { GRID[line][i] } else { GRID[i][line - 4] };
            let mut i = 0;
            while i < 3 {
                let long = i < 2 && random.random_bool(0.3);
                let mut word: String = (i..=i + 1 + usize::from(long)).map(at).collect();
                if random.random_bool(0.5) {
                    word = word.chars().rev().collect();
                }
                if random.random_bool(0.95) {
                    streets.push((word, random.random_bool(0.12)));
                }
                i += 1 + usize::from(long);
            }
        }
        let mut restrictions = Vec::new();
        for _ in 0..random.random_range(0..12) {
            let one = |random: &mut ChaCha8Rng, of: &dyn Fn(&str) -> bool| -> Option<String> {
                let fit: Vec<&String> = streets.iter().map(|(w, _)| w).filter(|w| of(w)).collect();
                (!fit.is_empty()).then(|| fit[random.random_range(0..fit.len())].clone())
            };
            let touches = |word: &str, letter: char| word.starts_with(letter) || word.ends_with(letter);
            let kind = if random.random_bool(0.75) { "no_left_turn" } else { "only_straight_on" };
            let Some(from) = one(random, &|_| true) else { continue };
            let corner = if random.random_bool(0.5) { from.chars().next() } else { from.chars().last() }.unwrap();
            if random.random_bool(0.5) {
                // To the street itself: no turning round.
                let Some(to) = one(random, &|w| touches(w, corner)) else { continue };
                restrictions.push((kind, from, corner.to_string(), to));
            } else {
                let Some(via) = one(random, &|w| touches(w, corner) && w != from) else { continue };
                let exit = if via.starts_with(corner) { via.chars().last() } else { via.chars().next() }.unwrap();
                let Some(to) = one(random, &|w| touches(w, exit)) else { continue };
                restrictions.push((kind, from, via, to));
            }
        }
        Plan { streets, restrictions }
    }

    fn build(&self) -> Option<Built> {
        let map: String = GRID.iter().map(|row| row.iter().collect::<String>() + "\n").collect();
        let mut town = Town::map(&map);
        for (word, oneway) in &self.streets {
            town = town.way(word, if *oneway { ONE_WAY } else { STREET });
        }
        for (kind, from, via, to) in &self.restrictions {
            town = town.restriction(kind, from, via, to);
        }
        town.try_build()
    }
}

/// The piece on which a street comes to one of its ends, allowed or not.
fn arrival(word: &str, end: char) -> Option<Piece> {
    let letters: Vec<char> = word.chars().collect();
    if letters[letters.len() - 1] == end { Some((letters[letters.len() - 2], end)) } else { (letters[0] == end).then(|| (letters[1], end)) }
}

/// The restrictions at the end of a path.
#[derive(Default)]
struct Rules {
    no: Vec<Piece>,
    only: Vec<Piece>,
}

struct Walker {
    pieces: BTreeSet<Piece>,
    /// By the path that they begin with; shorter paths first.
    rules: Vec<(Vec<Piece>, Rules)>,
}

impl Walker {
    fn of(plan: &Plan) -> Walker {
        let mut pieces = BTreeSet::new();
        for (word, oneway) in &plan.streets {
            let letters: Vec<char> = word.chars().collect();
            for w in letters.windows(2) {
                pieces.insert((w[0], w[1]));
                if !oneway {
                    pieces.insert((w[1], w[0]));
                }
            }
        }
        let walker = Walker { pieces, rules: Vec::new() };
        let mut rules: BTreeMap<(usize, Vec<Piece>), Rules> = BTreeMap::new();
        for (kind, from, via, to) in &plan.restrictions {
            let drives: Vec<Vec<char>> =
                if via.len() == 1 { vec![via.chars().collect()] } else { vec![via.chars().collect(), via.chars().rev().collect()] };
            for between in drives {
                let (entry, exit) = (between[0], between[between.len() - 1]);
                let between: Vec<Piece> = between.windows(2).map(|w| (w[0], w[1])).collect();
                let (Some(from), Some(to)) = (arrival(from, entry), arrival(to, exit)) else { continue };
                let to = (to.1, to.0);
                let path: Vec<Piece> = std::iter::once(from).chain(between).collect();
                if path.iter().chain([&to]).any(|p| !walker.pieces.contains(p)) {
                    continue;
                }
                let rules = rules.entry((path.len(), path)).or_default();
                if *kind == "no_left_turn" { rules.no.push(to) } else { rules.only.push(to) }
            }
        }
        Walker { rules: rules.into_iter().map(|((_, path), rules)| (path, rules)).collect(), ..walker }
    }

    fn turns(&self, came: &[Piece]) -> Vec<Piece> {
        let here = came[came.len() - 1];
        let back = (here.1, here.0);
        let round = || self.pieces.contains(&back).then_some(back).into_iter().collect::<Vec<_>>();
        let mut turns: Vec<Piece> = self.pieces.iter().copied().filter(|p| p.0 == here.1 && *p != back).collect();
        if turns.is_empty() {
            turns = round();
        }
        for (_, rules) in self.rules.iter().filter(|(path, _)| came.ends_with(path)) {
            turns.retain(|t| !rules.no.contains(t) && (rules.only.is_empty() || rules.only.contains(t)));
            // Turning round has to be prescribed, or be all that is left.
            let wanted = rules.only.contains(&back) || (turns.is_empty() && rules.only.is_empty());
            if wanted && !rules.no.contains(&back) && !turns.contains(&back) {
                turns.extend(round());
            }
        }
        turns
    }

    /// From the middle of one piece to the middle of another.
    fn fastest(&self, from: Piece, to: Piece) -> Option<u32> {
        let same = |a: Piece, b: Piece| a == b || a == (b.1, b.0);
        if same(from, to) {
            return Some(0);
        }
        let starts = [from, (from.1, from.0)].into_iter().filter(|p| self.pieces.contains(p));
        let mut queue: BinaryHeap<_> = starts.map(|p| Reverse((STREET_MS / 2, vec![p]))).collect();
        let mut seen = BTreeSet::new();
        while let Some(Reverse((ms, came))) = queue.pop() {
            let here = came[came.len() - 1];
            if came.len() > 1 && same(here, to) {
                // The end of the piece: half of it is not driven.
                return Some(ms - STREET_MS / 2);
            }
            if !seen.insert(came.clone()) {
                continue;
            }
            for next in self.turns(&came) {
                let turn = if next == (here.1, here.0) { TURNING_ROUND_MS } else { 0 };
                let mut came: Vec<Piece> = came.clone();
                came.push(next);
                if came.len() > REMEMBERED {
                    came.remove(0);
                }
                queue.push(Reverse((ms + turn + STREET_MS, came)));
            }
        }
        None
    }
}

#[test]
fn random_towns_are_driven_as_their_signs_say() {
    let (mut towns, mut compared, mut detours, mut over_ways) = (0, 0, 0, 0);
    for seed in 0..TOWNS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let plan = Plan::random(&mut random);
        let walker = Walker::of(&plan);
        let free = Walker { pieces: walker.pieces.clone(), rules: Vec::new() };
        let Some(built) = plan.build() else { continue };
        // Where something was left out, for it is not connected with the rest, a walker would still go there.
        if !walker.pieces.iter().all(|p| built.try_middle(p.0, p.1).is_some_and(|s| whole(&built, &walker, &s, *p))) {
            continue;
        }
        towns += 1;
        over_ways += walker.rules.iter().filter(|(path, _)| path.len() > 1).count();
        let pieces: Vec<Piece> = walker.pieces.iter().copied().collect();
        for _ in 0..25 {
            let (from, to) = (pieces[random.random_range(0..pieces.len())], pieces[random.random_range(0..pieces.len())]);
            let (a, b) = (built.try_middle(from.0, from.1).unwrap(), built.try_middle(to.0, to.1).unwrap());
            let found = built.roads.route(&a, &b).map(|r| r.ms);
            let expected = walker.fastest(from, to);
            let agree = match (found, expected) {
                (Some(found), Some(expected)) => found.abs_diff(expected) <= TOLERANCE_MS,
                (found, expected) => found == expected,
            };
            assert!(
                agree,
                "seed {seed}, {from:?} to {to:?}: {found:?}, expected {expected:?}\n{:?}\n{:?}",
                plan.streets, plan.restrictions
            );
            compared += 1;
            detours += usize::from(free.fastest(from, to) != expected);
        }
    }
    println!("{towns} towns, {compared} pairs, {detours} with a detour that signs ask for, {over_ways} restrictions over ways");
    assert!(compared > 10_000 && detours > 300 && over_ways > 800, "{compared} {detours} {over_ways}");
}

/// Whether the graph has the road in all directions that the town has: what is not connected was left out.
fn whole(built: &Built, walker: &Walker, snap: &waybill_roads::Snap, piece: Piece) -> bool {
    let graph = built.roads.graph();
    let has = [2 * snap.road, 2 * snap.road + 1].into_iter().filter(|&e| !graph.states_of(e).is_empty()).count();
    let wants = [piece, (piece.1, piece.0)].iter().filter(|p| walker.pieces.contains(p)).count();
    has == wants
}
