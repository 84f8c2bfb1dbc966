//! The real thing: central Helsinki. The hierarchy against Dijkstra's algorithm, and routes that can be driven.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping")]

mod common;

use std::sync::OnceLock;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use schemas::plan::Point;
use waybill_roads::{Graph, Roads, Route, Snap};

/// As it is shipped; that it is what comes of the map, `the_shipped_graph_is_the_map` says.
fn helsinki() -> &'static Roads {
    static ROADS: OnceLock<Roads> = OnceLock::new();
    ROADS.get_or_init(|| Roads::open(&common::helsinki_graph()).unwrap())
}

/// Any place on any road.
fn anywhere(graph: &Graph, random: &mut ChaCha8Rng) -> Snap {
    let road = random.random_range(0..graph.roads.len() as u32);
    // The ends of roads are places, too, and the likeliest to go wrong.
    let millimetres = match random.random_range(0..10) {
        0 => 0,
        1 => graph.roads[road as usize].millimetres,
        _ => random.random_range(0..=graph.roads[road as usize].millimetres),
    };
    Snap { road, millimetres, point: Point::default(), metres_off: 0.0 }
}

#[test]
fn ten_thousand_pairs_are_as_fast_as_dijkstra_says() {
    let roads = helsinki();
    let graph = roads.graph();
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut on_one_road = 0;
    for i in 0..10_000 {
        let from = anywhere(graph, &mut random);
        let mut to = anywhere(graph, &mut random);
        if i % 10 == 0 {
            to.road = from.road;
            to.millimetres = random.random_range(0..=graph.roads[to.road as usize].millimetres);
            on_one_road += 1;
        }
        let expected = common::dijkstra::fastest(graph, &from, &to);
        let found = roads.route(&from, &to);
        assert_eq!(found.as_ref().map(|r| r.ms), expected, "pair {i}: {from:?} {to:?}");
        check(graph, &from, &to, &found.expect("the graph is connected"));
    }
    assert_eq!(on_one_road, 1000);
}

/// The route can be driven: every turn is one, times and lengths add up, the line is the roads' line.
fn check(graph: &Graph, from: &Snap, to: &Snap, route: &Route) {
    let (first, last) = (route.edges[0], route.edges[route.edges.len() - 1]);
    assert_eq!((first / 2, last / 2), (from.road, to.road));
    let mut state = graph.states_of(first).start;
    let mut ms = 0u64;
    let mut millimetres = 0u64;
    for (i, &edge) in route.edges.iter().enumerate() {
        if i > 0 {
            let next = graph.turns_of(state).iter().find(|&&n| graph.edge_of[n as usize] == edge);
            let next = *next.unwrap_or_else(|| panic!("no turn to {edge} in {:?}", route.edges));
            ms += u64::from(graph.turn_ms(state, next));
            state = next;
        }
        let road = graph.road(edge);
        let begin = if i == 0 { from.from_beginning(edge, graph) } else { 0 };
        let end = if i + 1 == route.edges.len() { to.from_beginning(edge, graph) } else { road.millimetres };
        ms += u64::from(road.ms(edge, end) - road.ms(edge, begin));
        millimetres += u64::from(end - begin);
    }
    assert_eq!((ms, millimetres), (u64::from(route.ms), route.millimetres));
    let metres: u64 = route.leg.stretches.iter().map(|s| u64::from(s.metres)).sum();
    assert_eq!(metres, (millimetres + 500) / 1000);
    assert!(route.leg.points.len() >= 2);
}

/// Between places that were snapped, the line is as long as it says.
#[test]
fn lines_are_as_long_as_their_stretches() {
    let roads = helsinki();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let place = |random: &mut ChaCha8Rng| Point {
        lat: random.random_range(601_630_000..601_720_000),
        lon: random.random_range(249_330_000..249_530_000),
    };
    let mut measured = 0;
    for _ in 0..2000 {
        let (a, b) = (place(&mut random), place(&mut random));
        let (Some(from), Some(to)) = (roads.snap(a), roads.snap(b)) else { continue };
        let route = roads.route(&from, &to).expect("the graph is connected");
        let line = waybill_roads::along::length(&route.leg.points);
        // The ends are rounded to a centimetre, each point once more.
        let tolerance = 30 + 12 * route.leg.points.len() as u64;
        assert!(line.abs_diff(route.millimetres) <= tolerance, "{line} {} {route:?}", route.millimetres);
        assert_eq!((route.leg.points[0], route.leg.points[route.leg.points.len() - 1]), (from.point, to.point));
        measured += 1;
    }
    assert!(measured > 1000, "{measured}");
}

#[test]
fn a_matrix_says_what_routes_say() {
    let roads = helsinki();
    let graph = roads.graph();
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let mut places: Vec<Snap> = (0..40).map(|_| anywhere(graph, &mut random)).collect();
    // Two on one road, and the same place twice.
    places.push(Snap { millimetres: 0, ..places[0] });
    places.push(places[1]);
    let matrix = roads.matrix(&places);
    let mut same_way = 0;
    for (i, from) in places.iter().enumerate() {
        for (j, to) in places.iter().enumerate() {
            let route = roads.route(from, to).unwrap();
            let (ms, metres) = matrix.between(i, j);
            assert_eq!(ms, route.ms, "{i} {j}");
            same_way += usize::from(u64::from(metres) == (route.millimetres + 500) / 1000);
        }
    }
    // Of two ways that are equally fast, either may be taken.
    assert!(same_way * 100 >= 99 * places.len() * places.len(), "{same_way}");
}

/// The nearest road is the nearest: against looking at every piece of every road.
#[test]
fn snapping_finds_the_nearest_road() {
    let roads = helsinki();
    let graph = roads.graph();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..500 {
        let point = Point { lat: random.random_range(601_600_000..601_750_000), lon: random.random_range(249_300_000..249_560_000) };
        let plane = waybill_roads::ground::Plane::at(point);
        let pieces = (0..graph.roads.len() as u32).flat_map(|r| graph.line(r).windows(2).collect::<Vec<_>>());
        let nearest = pieces.map(|w| plane.nearest(w[0], w[1]).1).fold(f64::INFINITY, f64::min);
        match roads.snap(point) {
            Some(snap) => assert!((snap.metres_off - nearest).abs() < 1e-6, "{snap:?} {nearest}"),
            None => assert!(nearest > Roads::SNAP_METRES, "{nearest}"),
        }
    }
}

/// A change in what is read, or in how graphs are made, shows here. Then
/// `waybill roads build data/roads/helsinki.osm.pbf` makes the graph anew.
#[cfg(feature = "osm")]
#[test]
fn the_shipped_graph_is_the_map() {
    use waybill_roads::{Report, Restricted};

    let (roads, report) = waybill_roads::build(&common::helsinki_map(), &mut |_| {}).unwrap();
    let expected = Report {
        ways: 911,
        roads_found: 989,
        roads: 877,
        kilometres: 23,
        states: 1359,
        turns: 1721,
        restrictions: Restricted { applied: 37, unclear: 0, idle: 8 },
        missing_nodes: 150,
    };
    assert_eq!(report, expected);
    assert!(roads.graph() == helsinki().graph(), "the shipped graph is not what comes of the map");
}

#[test]
fn threads_may_ask_at_once() {
    let roads = helsinki();
    let graph = roads.graph();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            scope.spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                for _ in 0..200 {
                    let (from, to) = (anywhere(graph, &mut random), anywhere(graph, &mut random));
                    assert_eq!(roads.route(&from, &to).map(|r| r.ms), common::dijkstra::fastest(graph, &from, &to));
                }
            });
        }
    });
}
