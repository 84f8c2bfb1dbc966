//! Orders of stops: the exact ones against all permutations, the searched ones against long searches and known optima.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use waybill_stops::{Budget, Cost, MAX_EXACT, MAX_STOPS, Problem, ProblemError, Solution, Stop, solve};

const TWO_SECONDS: Budget = Budget::Time(Duration::from_secs(2));

/// What an order costs, written down once more and as plainly as can be.
fn cost(problem: &Problem, order: &[usize]) -> Cost {
    let places = problem.stops.len() + 1;
    let (mut place, mut now, mut late, mut driving) = (0, 0, 0, 0);
    for &stop in order {
        let way = i64::from(problem.durations[place * places + stop + 1]);
        driving += way;
        now += way;
        if let Some((opens, closes)) = problem.stops[stop].window {
            if now > closes {
                late += now - closes;
            }
            if now < opens {
                now = opens;
            }
        }
        now += i64::from(problem.stops[stop].service_seconds);
        place = stop + 1;
    }
    if problem.back {
        let way = i64::from(problem.durations[place * places]);
        driving += way;
        now += way;
    }
    Cost { late_seconds: late, total_seconds: now, driving_seconds: driving }
}

/// The least cost of all permutations, without any bound.
fn least(problem: &Problem) -> Cost {
    fn permute(problem: &Problem, order: &mut Vec<usize>, fixed: usize, best: &mut Option<Cost>) {
        if fixed == order.len() {
            let found = cost(problem, order);
            if best.is_none_or(|best| found < best) {
                *best = Some(found);
            }
            return;
        }
        for other in fixed..order.len() {
            order.swap(fixed, other);
            permute(problem, order, fixed + 1, best);
            order.swap(fixed, other);
        }
    }
    let mut best = None;
    permute(problem, &mut (0..problem.stops.len()).collect(), 0, &mut best);
    best.expect("there is one order at least")
}

/// A delivery round: stops in a town of 10 × 10 km, 25 km/h as the crow flies with a detour, one street in ten one-way, two
/// minutes at each, some with windows of one to three hours.
fn round(seed: u64, count: usize, with_windows: f64) -> Problem {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let places: Vec<(f64, f64)> = (0..=count).map(|_| (random.random_range(0.0..10_000.0), random.random_range(0.0..10_000.0))).collect();
    let mut durations = vec![];
    for from in &places {
        for to in &places {
            let metres = (from.0 - to.0).hypot(from.1 - to.1) * 1.3;
            let detour = if random.random_bool(0.1) { 1.4 } else { 1.0 };
            durations.push((metres * detour / 7.0) as u32);
        }
    }
    // A day is as long as a good round takes, so that windows bind and can be met by some order.
    let day = count as i64 * 300;
    let stops = (0..count)
        .map(|_| {
            let opens = random.random_range(0..day);
            let window = random.random_bool(with_windows).then(|| (opens, opens + random.random_range(3_600..10_800)));
            Stop { service_seconds: 120, window }
        })
        .collect();
    Problem { durations, stops, back: false }
}

#[track_caller]
fn check(problem: &Problem, found: &Solution) {
    let order: Vec<usize> = found.order.iter().map(|&stop| usize::from(stop)).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..problem.stops.len()).collect::<Vec<_>>(), "each stop once");
    assert_eq!(found.cost, cost(problem, &order));
    assert_eq!(found.cost, problem.cost(&found.order));
}

fn problems(most: usize) -> impl Strategy<Value = Problem> {
    (0..=most, any::<bool>()).prop_flat_map(|(count, back)| {
        let stop = (0..60_u32, proptest::option::of((-50..400_i64, 0..300_i64)))
            .prop_map(|(service_seconds, window)| Stop { service_seconds, window: window.map(|(from, wide)| (from, from + wide)) });
        let durations = proptest::collection::vec(0..120_u32, (count + 1) * (count + 1));
        (durations, proptest::collection::vec(stop, count)).prop_map(move |(durations, stops)| Problem { durations, stops, back })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]
    #[test]
    fn few_stops_are_in_the_best_of_all_orders(problem in problems(7)) {
        let found = solve(&problem, Budget::Rounds(0)).unwrap();
        check(&problem, &found);
        prop_assert!(found.is_best);
        prop_assert_eq!(found.cost, least(&problem));
    }
}

#[test]
fn nine_stops_are_in_the_best_of_all_orders() {
    for seed in 0..40 {
        let count = 8 + seed as usize % 2;
        assert!(count <= MAX_EXACT);
        let problem = round(seed, count, [0.0, 0.3, 0.6, 1.0][seed as usize % 4]);
        let found = solve(&problem, Budget::Rounds(0)).unwrap();
        check(&problem, &found);
        assert_eq!(found.cost, least(&problem), "seed {seed}");
    }
}

/// The slowest case: no windows, so nothing but the driving bounds the search.
#[test]
fn nine_stops_take_milliseconds() {
    let mut slowest = Duration::ZERO;
    for seed in 0..50 {
        let problem = round(seed, MAX_EXACT, 0.0);
        let start = Instant::now();
        solve(&problem, Budget::Rounds(0)).unwrap();
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

/// The search finds the optimum where it can be known: of ten stops, the exact search gives the best order of nine for each
/// stop that may come first.
#[test]
fn a_search_of_ten_stops_finds_the_best_order() {
    for seed in 0..8 {
        let problem = round(100 + seed, 10, 0.5);
        let best = (0..10).map(|first| least_with_first(&problem, first)).min().unwrap();
        for budget in [Budget::Rounds(200), Budget::Time(Duration::from_millis(500))] {
            let found = solve(&problem, budget).unwrap();
            check(&problem, &found);
            assert_eq!(found.cost, best, "seed {seed}, {budget:?}");
        }
    }
}

/// The least cost of the orders that begin with `first`: the rest is a problem that starts there, when it is served.
fn least_with_first(problem: &Problem, first: usize) -> Cost {
    let served = cost(problem, &[first]);
    let rest: Vec<usize> = (0..problem.stops.len()).filter(|&stop| stop != first).collect();
    let places = problem.stops.len() + 1;
    let old: Vec<usize> = std::iter::once(first + 1).chain(rest.iter().map(|stop| stop + 1)).collect();
    let durations = old.iter().flat_map(|&from| old.iter().map(move |&to| problem.durations[from * places + to])).collect();
    let shift = served.total_seconds;
    let stops = rest
        .iter()
        .map(|&stop| Stop { window: problem.stops[stop].window.map(|(from, to)| (from - shift, to - shift)), ..problem.stops[stop] })
        .collect();
    let found = solve(&Problem { durations, stops, back: false }, Budget::Rounds(0)).expect("a problem");
    let way: Vec<usize> = std::iter::once(first).chain(found.order.iter().map(|&stop| rest[usize::from(stop)])).collect();
    cost(problem, &way)
}

#[test]
fn a_hundred_stops_in_two_seconds() {
    for (seed, with_windows) in [(1, 0.0), (2, 0.3), (4, 0.5)] {
        let problem = round(seed, 100, with_windows);
        let start = Instant::now();
        let found = solve(&problem, TWO_SECONDS).unwrap();
        let took = start.elapsed();
        check(&problem, &found);
        assert!(took < Duration::from_secs(3), "{took:?}");
        let given: Vec<u16> = (0..100).collect();
        assert!(found.cost.total_seconds < problem.cost(&given).total_seconds / 2, "{:?}", found.cost);
        // Nor do 200 rounds, however long they take, find an order that is better by more than 5 %.
        let long = solve(&problem, Budget::Rounds(200)).unwrap();
        assert!(found.cost.late_seconds == 0 && long.cost.late_seconds == 0, "{:?}, {:?}", found.cost, long.cost);
        assert!(found.cost.total_seconds as f64 <= 1.05 * long.cost.total_seconds as f64, "{:?}, {:?}", found.cost, long.cost);
    }
}

#[test]
fn the_same_rounds_give_the_same_order() {
    let problem = round(7, 60, 0.5);
    let found = solve(&problem, Budget::Rounds(20)).unwrap();
    check(&problem, &found);
    assert_eq!(found, solve(&problem, Budget::Rounds(20)).unwrap());
    assert!(solve(&problem, Budget::Rounds(60)).unwrap().cost <= found.cost, "more rounds are not worse");
}

#[test]
fn the_most_stops_and_hardly_any_time() {
    let problem = round(9, MAX_STOPS, 0.3);
    let start = Instant::now();
    let found = solve(&problem, Budget::Time(Duration::from_millis(200))).unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    check(&problem, &found);
    let given: Vec<u16> = (0..MAX_STOPS as u16).collect();
    assert!(found.cost <= problem.cost(&given), "never worse than as given");
}

#[test]
fn a_window_is_kept_before_the_way_is_short() {
    // The near stop is open all day, the far one closes soon: the far one first, although the way is longer.
    let problem = Problem {
        durations: vec![0, 10, 100, 10, 0, 95, 100, 95, 0],
        stops: vec![Stop { service_seconds: 50, window: None }, Stop { service_seconds: 0, window: Some((0, 110)) }],
        back: false,
    };
    let found = solve(&problem, TWO_SECONDS).unwrap();
    assert_eq!(found.order, [1, 0]);
    assert_eq!(found.cost, Cost { late_seconds: 0, total_seconds: 245, driving_seconds: 195 });
}

#[test]
fn who_is_early_waits() {
    let problem = Problem { durations: vec![0, 10, 10, 0], stops: vec![Stop { service_seconds: 5, window: Some((60, 90)) }], back: true };
    assert_eq!(solve(&problem, TWO_SECONDS).unwrap().cost, Cost { late_seconds: 0, total_seconds: 75, driving_seconds: 20 });
}

#[test]
fn of_two_orders_that_end_together_the_one_with_less_driving() {
    // Both wait for the last stop to open at 1,000 s.
    let stop = |window| Stop { service_seconds: 0, window };
    let problem = Problem {
        durations: vec![0, 100, 10, 10, 0, 0, 20, 10, 0, 10, 90, 10, 0, 0, 0, 0],
        stops: vec![stop(None), stop(None), stop(Some((1_000, 2_000)))],
        back: false,
    };
    let found = solve(&problem, TWO_SECONDS).unwrap();
    assert_eq!(found.cost, least(&problem));
    assert_eq!(found.cost.total_seconds, 1_000);
    assert!(found.cost.driving_seconds < 100);
}

#[test]
fn extreme_windows_and_times_do_not_overflow() {
    let mut problem = round(11, 12, 0.0);
    problem.durations.fill(u32::MAX);
    for (index, stop) in problem.stops.iter_mut().enumerate() {
        stop.service_seconds = u32::MAX;
        stop.window = [None, Some((i64::MIN, i64::MIN)), Some((i64::MAX, i64::MAX)), Some((i64::MIN, i64::MAX))][index % 4];
    }
    for budget in [Budget::Rounds(2), Budget::Time(Duration::from_millis(100))] {
        let found = solve(&problem, budget).unwrap();
        assert_eq!(found.order.len(), 12);
    }
    // Nobody is late.
    for stop in &mut problem.stops {
        stop.window = Some((i64::MIN, i64::MAX));
    }
    problem.stops[3].window = Some((i64::MAX, i64::MAX));
    let found = solve(&problem, Budget::Rounds(2)).unwrap();
    assert_eq!((found.cost.late_seconds, found.order[11]), (0, 3));
    problem.stops.truncate(4);
    problem.durations.truncate(25);
    assert_eq!(solve(&problem, TWO_SECONDS).unwrap().order.len(), 4);
}

#[test]
fn nothing_to_do_is_done() {
    let none = Problem { durations: vec![0], stops: vec![], back: true };
    assert_eq!(solve(&none, TWO_SECONDS).unwrap().order, Vec::<u16>::new());
}

#[test]
fn what_is_no_problem_is_refused() {
    let stops = vec![Stop::default(); 2];
    let short = Problem { durations: vec![0; 8], stops: stops.clone(), back: false };
    assert_eq!(solve(&short, TWO_SECONDS), Err(ProblemError::Matrix { stops: 2, expected: 9, found: 8 }));
    let many = Problem { durations: vec![], stops: vec![Stop::default(); MAX_STOPS + 1], back: false };
    assert_eq!(solve(&many, TWO_SECONDS), Err(ProblemError::TooManyStops(MAX_STOPS + 1)));
    let mut turned = Problem { durations: vec![0; 9], stops, back: false };
    turned.stops[1].window = Some((10, 9));
    let refused = solve(&turned, TWO_SECONDS).unwrap_err();
    assert_eq!(refused.to_string(), "the window of stop 1 ends at 9 s and begins at 10 s; it must end later than it begins");
}
