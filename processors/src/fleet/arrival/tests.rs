//! Arrival times worked out by hand.

use schemas::Timestamp;
use schemas::plan::{RoadClass, Stretch};

use super::{Arrival, Config, LiveSpeed, Outlook, Speeds, predict};

const NINE: Timestamp = Timestamp(9 * 3_600_000);

/// Round figures, so that every result below can be checked with a pencil.
fn config() -> Config {
    Config {
        memory_metres: 1e6,
        class_prior_metres: 1e-6,
        hour_prior_metres: 1e-6,
        live_reach_metres: 500.0,
        live_memory_seconds: 60.0,
        live_prior_metres: 1e-6,
        free_flow_factor: 1.2,
        unknown_speed: 10.0,
        spread_per_km: 0.35,
        common_spread: 0.1,
        dwell_spread: 0.5,
        floor_seconds: 15.0,
    }
}

fn way(metres: u32) -> [Stretch; 1] {
    [Stretch { class: RoadClass::Primary, metres }]
}

#[track_caller]
fn near(found: Arrival, seconds: f64, variance: f64) {
    assert!((found.seconds - seconds).abs() < 1e-3, "{found:?}, expected {seconds} s");
    assert!((found.sigma_seconds - variance.sqrt()).abs() < 1e-3, "{found:?}, expected a sigma of {} s", variance.sqrt());
}

#[test]
fn with_nothing_learned_free_flow_holds() {
    let speeds = Speeds::default();
    // 100 s · 1.2; sigma over this kilometre 0.35·120 = 42, common 0.1·120 = 12, floor 15.
    near(predict(&config(), &speeds, NINE, None, way(1_000), 100.0, 0.0), 120.0, 42.0 * 42.0 + 12.0 * 12.0 + 15.0 * 15.0);
    // No free-flow time: 10 m/s.
    near(predict(&config(), &speeds, NINE, None, way(1_000), 0.0, 0.0), 100.0, 35.0 * 35.0 + 10.0 * 10.0 + 15.0 * 15.0);
    // Two kilometres vary by √2 and not by 2 times as much; what is common to them by 2.
    near(predict(&config(), &speeds, NINE, None, way(2_000), 0.0, 0.0), 200.0, 2.0 * 35.0 * 35.0 + 20.0 * 20.0 + 15.0 * 15.0);
}

#[test]
fn at_the_stop_only_the_floor_is_left() {
    near(predict(&config(), &Speeds::default(), NINE, None, [], 0.0, 0.0), 0.0, 15.0 * 15.0);
}

#[test]
fn time_at_stops_counts_and_is_uncertain() {
    let there = predict(&config(), &Speeds::default(), NINE, None, way(1_000), 0.0, 120.0);
    near(there, 220.0, 35.0 * 35.0 + 10.0 * 10.0 + 15.0 * 15.0 + 60.0 * 60.0);
}

#[test]
fn what_was_learned_holds_where_it_was_learned() {
    let mut speeds = Speeds::default();
    speeds.learn(&config(), RoadClass::Primary, NINE, 1_000.0, 250.0);
    let mixed = [Stretch { class: RoadClass::Primary, metres: 1_000 }, Stretch { class: RoadClass::Minor, metres: 1_000 }];
    // A kilometre as learned, without any variance yet, and one at 10 m/s.
    near(predict(&config(), &speeds, NINE, None, mixed, 0.0, 0.0), 350.0, 35.0 * 35.0 + 35.0 * 35.0 + 15.0 * 15.0);
}

#[test]
fn own_speed_holds_near_the_vehicle_only() {
    let mut live = LiveSpeed::default();
    live.add(&config(), 100.0, 20.0);
    // Own pace 0.2 s/m, learned 0.1: (0.2 − 0.1)·500²·(1/500 − 1/1500) = 33.3 s more over the first kilometre,
    // 0.1·500²·(1/500 − 1/10500) = 47.6 s over ten.
    let seconds = |metres| predict(&config(), &Speeds::default(), NINE, Some(live), way(metres), 0.0, 0.0).seconds;
    assert!((seconds(1_000) - 133.333).abs() < 1e-3, "{}", seconds(1_000));
    assert!((seconds(10_000) - 1_047.619).abs() < 1e-3, "{}", seconds(10_000));
    // Cut into stretches it is the same way.
    let cut = std::iter::repeat_n(Stretch { class: RoadClass::Primary, metres: 10 }, 100);
    assert!((predict(&config(), &Speeds::default(), NINE, Some(live), cut, 0.0, 0.0).seconds - 133.333).abs() < 1e-3);
}

#[test]
fn a_vehicle_that_stands_arrives_all_the_same() {
    let config = Config::default();
    let mut live = LiveSpeed::default();
    for _ in 0..100 {
        live.add(&config, 0.0, 30.0);
    }
    let there = predict(&config, &Speeds::default(), NINE, Some(live), way(1_000), 0.0, 0.0);
    assert!(there.seconds > 120.0 && there.seconds < 900.0, "{there:?}");
}

#[test]
fn a_long_way_is_driven_hour_by_hour() {
    let mut speeds = Speeds::default();
    speeds.learn(&config(), RoadClass::Primary, NINE, 10_000.0, 1_000.0);
    speeds.learn(&config(), RoadClass::Primary, NINE.plus_seconds(3_600), 10_000.0, 2_000.0);
    let half_past = NINE.plus_seconds(1_800);
    // 1,800 s at 10 m/s are 18 km; the other 2 km at 5 m/s take 400 s.
    let there = predict(&config(), &speeds, half_past, None, way(20_000), 0.0, 0.0);
    assert!((there.seconds - 2_200.0).abs() < 0.1, "{there:?}");
    // Waiting at a stop before it moves the whole way into the next hour.
    let config = config();
    let mut outlook = Outlook::new(&config, &speeds, half_past, None);
    outlook.dwell(1_800.0);
    outlook.drive(way(1_000), 0.0);
    assert!((outlook.arrival().seconds - 2_000.0).abs() < 0.1, "{:?}", outlook.arrival());
}

#[test]
fn no_way_is_too_long_to_reckon() {
    let there = predict(&config(), &Speeds::default(), NINE, None, way(u32::MAX), 1e12, 0.0);
    assert!((there.seconds - 1.2e12).abs() < 1.0, "{there:?}");
}

#[test]
fn several_stops_in_one_go_are_the_same_as_one_by_one() {
    let mut speeds = Speeds::default();
    speeds.learn(&Config::default(), RoadClass::Primary, NINE, 3_000.0, 500.0);
    let mut live = LiveSpeed::default();
    live.add(&Config::default(), 300.0, 100.0);
    let config = Config::default();
    let mut outlook = Outlook::new(&config, &speeds, NINE, Some(live));
    outlook.drive(way(700), 70.0);
    assert_eq!(outlook.arrival(), predict(&config, &speeds, NINE, Some(live), way(700), 70.0, 0.0));
    let first = outlook.arrival();
    outlook.dwell(60.0);
    outlook.drive(way(300), 30.0);
    let second = outlook.arrival();
    assert!(second.seconds > first.seconds + 60.0 && second.sigma_seconds > first.sigma_seconds);
    let whole = predict(&config, &speeds, NINE, Some(live), way(1_000), 100.0, 60.0);
    near(second, whole.seconds, whole.sigma_seconds * whole.sigma_seconds);
}

#[test]
fn an_interval_is_not_in_the_past() {
    let arrival = Arrival { seconds: 100.0, sigma_seconds: 10.0 };
    let (from, to) = arrival.interval_90();
    assert!((from - 83.551).abs() < 1e-3 && (to - 116.449).abs() < 1e-3);
    assert_eq!(arrival.at(NINE), NINE.plus_seconds(100));
    assert_eq!(Arrival { seconds: 5.0, sigma_seconds: 10.0 }.interval_90().0, 0.0);
}
