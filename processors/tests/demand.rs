//! Demand and alerts under random input. That raises and resolves alternate, are low and high enough and suggest
//! enough is checked after every step by `alerts/shelf.rs`; what is asserted here comes on top.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

#[allow(dead_code, reason = "what only the scenarios need")]
#[path = "alerts/shelf.rs"]
mod shelf;

use proptest::prelude::*;
use schemas::Timestamp;
use schemas::alert::AlertState;
use schemas::input::RestockKind;
use schemas::message::StockCommand;
use shelf::Shelf;
use waybill_processors::demand::Demand;
use waybill_processors::demand::reorder::{reorder_point, safety_stock};

const PLACES: [&str; 2] = ["main", "north"];
const HOUR: i64 = 3_600_000;

#[derive(Clone, Debug)]
enum Op {
    Restock { place: usize, units: i64 },
    Expect { place: usize, units: i64 },
    Count { place: usize, units: i64 },
    Hold { units: i64 },
    End { order: usize, sell: bool },
    Sell { place: usize, units: i64 },
    Return { order: usize },
    Fixed { units: Option<i64> },
    Mute { mute: bool },
    Tick,
}

/// An operation, and how many hours it comes after the one before; sometimes weeks, sometimes a negative number.
fn op() -> impl Strategy<Value = (i64, Op)> {
    let place = 0..PLACES.len();
    let what = prop_oneof![
        3 => (place.clone(), 1i64..80).prop_map(|(place, units)| Op::Restock { place, units }),
        1 => (place.clone(), 1i64..80).prop_map(|(place, units)| Op::Expect { place, units }),
        1 => (place.clone(), 0i64..60).prop_map(|(place, units)| Op::Count { place, units }),
        3 => (1i64..30).prop_map(|units| Op::Hold { units }),
        3 => (0usize..40, any::<bool>()).prop_map(|(order, sell)| Op::End { order, sell }),
        9 => (place, 1i64..12).prop_map(|(place, units)| Op::Sell { place, units }),
        2 => (0usize..40).prop_map(|order| Op::Return { order }),
        1 => proptest::option::of(0i64..60).prop_map(|units| Op::Fixed { units }),
        1 => any::<bool>().prop_map(|mute| Op::Mute { mute }),
        2 => Just(Op::Tick),
    ];
    (prop_oneof![8 => 0i64..30, 1 => 0i64..2000, 1 => -30i64..0], what)
}

/// Runs the operations; what cannot be done is left out.
fn run(shelf: &mut Shelf, ops: &[(i64, Op)]) -> Timestamp {
    let (mut now, mut sold) = (Timestamp(1_291_161_600_000), vec![]);
    for (number, (hours, op)) in ops.iter().enumerate() {
        now.0 += hours * HOUR;
        let id = number.to_string();
        match op {
            Op::Restock { place, units } => drop(shelf.restock(now, &id, PLACES[*place], *units, RestockKind::Received)),
            Op::Expect { place, units } => {
                drop(shelf.restock(now, &id, PLACES[*place], *units, RestockKind::Expected { expected_at: None }));
            }
            Op::Count { place, units } => drop(shelf.count(now, &id, PLACES[*place], *units)),
            Op::Hold { units } => drop(shelf.hold(now, &id, None, *units)),
            Op::End { order, sell } => {
                let command = if *sell { |rows| StockCommand::Sell { rows } } else { |rows| StockCommand::Release { rows } };
                if let Ok(rows) = shelf.end(now, &order.to_string(), command)
                    && *sell
                {
                    sold.push((order.to_string(), rows));
                }
            }
            Op::Sell { place, units } => {
                if shelf.hold(now, &id, Some(PLACES[*place]), *units) == Ok(true) {
                    let rows = shelf.end(now, &id, |rows| StockCommand::Sell { rows }).unwrap();
                    sold.push((id, rows));
                }
            }
            Op::Return { order } if !sold.is_empty() => {
                let (id, rows) = sold.swap_remove(order % sold.len());
                shelf.put_back(now, &id, rows).unwrap();
            }
            Op::Return { .. } => {}
            Op::Fixed { units } => {
                shelf.product.reorder_point = *units;
                shelf.product_changed(now);
            }
            Op::Mute { mute } => {
                shelf.product.mute = *mute;
                shelf.product_changed(now);
            }
            Op::Tick => shelf.fire_timers(now),
        }
    }
    now
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_alerts_alternate(
        ops in proptest::collection::vec(op(), 1..120),
        delay in prop_oneof![Just(0u32), 0u32..200_000], hysteresis in 0.0..1.0, late_timers: bool,
    ) {
        let mut shelf = Shelf::new();
        shelf.late_timers = late_timers;
        shelf.config.raise_after_seconds = delay;
        shelf.config.hysteresis = hysteresis;
        let end = run(&mut shelf, &ops);
        shelf.fire_timers(Timestamp(end.0 + 10 * 24 * HOUR));
        // Every episode has a raise, at most one resolve, and the next one's number is one more.
        for place in PLACES {
            let here: Vec<_> = shelf.alerts.iter().filter(|alert| &*alert.location == place).collect();
            for (index, alert) in here.iter().enumerate() {
                prop_assert_eq!(alert.state == AlertState::Raised, index % 2 == 0);
                prop_assert_eq!(alert.episode as usize, index / 2 + 1);
            }
        }
        if let Some(forecast) = shelf.forecast(end) {
            prop_assert!(forecast.demand_per_day >= 0.0 && forecast.sigma.is_finite() && forecast.reorder_point >= 0);
        }
    }

    /// What is sold and comes back on one day gives the same demand in whatever order.
    #[test]
    fn a_permuted_day_gives_the_same_demand(
        before in proptest::collection::vec(0i64..20, 0..30),
        day in proptest::collection::vec((1i64..40, any::<bool>()), 1..20),
        keys in proptest::collection::vec(any::<u32>(), 20),
    ) {
        let mut permuted: Vec<_> = day.iter().copied().zip(keys).collect();
        permuted.sort_by_key(|(_, key)| *key);
        let permuted: Vec<_> = permuted.into_iter().map(|(sale, _)| sale).collect();
        let after = |day: &[(i64, bool)]| {
            let mut shelf = Shelf::new();
            let mut now = Timestamp(1_291_161_600_000);
            shelf.restock(now, "R", "main", 1_000_000, RestockKind::Received).unwrap();
            let mut sell = |now: Timestamp, id: String, units: i64, back: bool| {
                shelf.hold(now, &id, None, units).unwrap();
                let rows = shelf.end(now, &id, |rows| StockCommand::Sell { rows }).unwrap();
                if back {
                    shelf.put_back(now, &id, rows).unwrap();
                }
            };
            for (number, units) in before.iter().enumerate() {
                if *units > 0 {
                    sell(now, format!("b{number}"), *units, false);
                }
                now.0 += 24 * HOUR;
            }
            for (number, (units, back)) in day.iter().enumerate() {
                now.0 += HOUR;
                sell(now, number.to_string(), *units, *back);
            }
            now.0 += 48 * HOUR;
            let forecast = shelf.forecast(now).unwrap();
            (forecast.demand_per_day.to_bits(), forecast.sigma.to_bits(), forecast.reorder_point)
        };
        prop_assert_eq!(after(&day), after(&permuted));
    }

    /// When a timer fires makes no difference to what is thought of demand, as long as records come by time: one that
    /// comes late counts on the day that is open then. Whole idle weeks at once have a closed form, so that the figures
    /// are the same but for the rounding of the last printed digit.
    #[test]
    fn late_timers_give_the_same_demand(ops in proptest::collection::vec(op().prop_map(|(hours, op)| (hours.abs(), op)), 1..80)) {
        let run = |late: bool| {
            let mut shelf = Shelf::new();
            shelf.late_timers = late;
            let end = run(&mut shelf, &ops);
            shelf.forecast(Timestamp(end.0 + 24 * HOUR))
        };
        match (run(false), run(true)) {
            (Some(soon), Some(late)) => {
                let digit = 1.000_1e-4;
                prop_assert!((soon.demand_per_day - late.demand_per_day).abs() < digit, "{soon:?} {late:?}");
                prop_assert!((soon.sigma - late.sigma).abs() < digit, "{soon:?} {late:?}");
                prop_assert!(soon.reorder_point.abs_diff(late.reorder_point) <= 1, "{soon:?} {late:?}");
            }
            (soon, late) => prop_assert_eq!(soon.is_some(), late.is_some()),
        }
    }

    /// More demand, more doubt, a longer way or more caution: never a lower reorder point.
    #[test]
    fn the_reorder_point_is_monotone(d in 0.0..1e4, sigma in 0.0..1e4, lead in 0.0..100.0, lead_sigma in 0.0..20.0, z in 0.0..4.0, more in 0.0..10.0) {
        let s = reorder_point(d, sigma, lead, lead_sigma, z);
        prop_assert!(reorder_point(d + more, sigma, lead, lead_sigma, z) >= s);
        prop_assert!(reorder_point(d, sigma + more, lead, lead_sigma, z) >= s);
        prop_assert!(reorder_point(d, sigma, lead + more, lead_sigma, z) >= s);
        prop_assert!(reorder_point(d, sigma, lead, lead_sigma + more, z) >= s);
        prop_assert!(reorder_point(d, sigma, lead, lead_sigma, z + more) >= s);
        prop_assert!((s - d * lead - safety_stock(d, sigma, lead, lead_sigma, z)).abs() < 1e-6 * (1.0 + s));
    }

    #[test]
    fn damaged_state_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), known_format: bool) {
        let mut bytes = bytes;
        if known_format && let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        let _ = Demand::decode(&bytes);
    }
}
