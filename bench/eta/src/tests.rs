//! The promises on the shipped data, and that no prediction looks ahead.

use std::path::Path;

use schemas::Timestamp;

use crate::data::{self, Fix, Trip};
use crate::line::Line;
use crate::replay::{Forecast, Learned, leave_one_out, lessons, parameters, predict_vehicle, replay};
use crate::score::{Score, by_distance};

fn trips() -> Vec<Trip> {
    data::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/buses/liverpool-route14.csv")).unwrap()
}

#[test]
fn the_file_is_what_its_readme_says() {
    let trips = trips();
    assert_eq!(trips.iter().map(|t| t.fixes.len()).sum::<usize>(), 1_533);
    assert_eq!(trips.len(), 16);
    let line = Line::derive(&trips.iter().collect::<Vec<_>>()).unwrap();
    assert!((9_500.0..10_200.0).contains(&line.length()), "{} m", line.length());
}

#[test]
fn better_than_both_baselines_and_the_interval_is_honest() {
    let forecasts = leave_one_out(&parameters(), &trips(), Learned::AllDay);
    assert!(forecasts.len() > 5_000, "{} predictions", forecasts.len());
    let score = Score::of(&forecasts).unwrap();
    assert!(score.holds(), "{score:?}");
    for (distance, score) in by_distance(&forecasts) {
        assert!(score.holds(), "{distance:?} m: {score:?}");
    }
}

/// What came of a prediction is not part of it.
fn predicted(f: &Forecast) -> (i64, u64, u64, u64, u64, [u64; 4]) {
    let bits = f64::to_bits;
    (f.at, bits(f.place), bits(f.seconds), bits(f.sigma), bits(f.average), f.last.map(bits))
}

/// The predictions of `vehicle` up to `until`, for places that it has reached by `known`; those are in both runs, however
/// the rest of the day is changed.
fn early(trips: &[Trip], learned: Learned, vehicle: &str, until: i64, known: i64) -> Vec<(i64, u64, u64, u64, u64, [u64; 4])> {
    let all = predict_vehicle(&parameters(), trips, learned, vehicle);
    all.iter().filter(|f| f.at <= until && f.at as f64 + f.actual * 1000.0 <= known as f64).map(predicted).collect()
}

#[test]
fn later_rows_of_the_vehicle_change_no_prediction() {
    let trips = trips();
    for vehicle in ["4720", "4733", "4842"] {
        let own: Vec<i64> = trips.iter().filter(|t| t.vehicle == vehicle).flat_map(|t| t.fixes.iter().map(|f| f.at.0)).collect();
        let (now, later) = (own[own.len() / 4], own[own.len() / 3]);
        // After `later` it goes on elsewhere, at another pace; the rows up to then say when it really passed places.
        let mut altered = trips.clone();
        for fix in altered.iter_mut().filter(|t| t.vehicle == vehicle).flat_map(|t| &mut t.fixes).filter(|f| f.at.0 > later) {
            *fix = Fix { at: Timestamp(fix.at.0 + 7_000), east: fix.east + 900.0, north: fix.north - 300.0 };
        }
        for learned in [Learned::AllDay, Learned::SoFar] {
            let before = early(&trips, learned, vehicle, now, later);
            assert!(before.len() > 20, "{vehicle}: only {} predictions to compare", before.len());
            assert_eq!(before, early(&altered, learned, vehicle, now, later), "{vehicle}");
        }
    }
}

#[test]
fn on_the_first_day_later_rows_of_others_change_no_prediction() {
    let trips = trips();
    let (own, others): (Vec<&Trip>, Vec<&Trip>) = trips.iter().partition(|t| t.vehicle == "4842");
    let line = Line::derive(&others).unwrap();
    let now = own[0].fixes[own[0].fixes.len() / 2].at.0;
    // From now on the others crawl: every later fix is where it was, twice as late.
    let slower: Vec<Trip> = others
        .iter()
        .map(|t| {
            let mut trip = (*t).clone();
            for fix in trip.fixes.iter_mut().filter(|f| f.at.0 > now) {
                fix.at.0 = now + 2 * (fix.at.0 - now);
            }
            trip
        })
        .collect();
    let run = |learned, others: &[&Trip]| -> Vec<_> {
        let all = replay(&parameters(), &line, &lessons(&line, others), learned, own[0]);
        all.iter().filter(|f| f.at <= now).map(predicted).collect()
    };
    let slower: Vec<&Trip> = slower.iter().collect();
    let before = run(Learned::SoFar, &others);
    assert!(before.len() > 100);
    assert_eq!(before, run(Learned::SoFar, &slower));
    assert_ne!(run(Learned::AllDay, &others), run(Learned::AllDay, &slower), "the alteration is one that can be seen");
}

#[test]
fn the_vehicle_itself_teaches_nothing() {
    let trips = trips();
    let first = trips.iter().find(|t| t.vehicle == "4720").unwrap();
    let end = first.fixes[first.fixes.len() - 1].at.0;
    // Without its second trip, nothing changes for its first.
    let without: Vec<Trip> = trips.iter().filter(|t| t.vehicle != "4720" || t.id == first.id).cloned().collect();
    assert_eq!(without.len(), trips.len() - 1);
    let run = |trips: &[Trip]| -> Vec<_> {
        let all = predict_vehicle(&parameters(), trips, Learned::AllDay, "4720");
        all.iter().filter(|f| f.at <= end).map(predicted).collect()
    };
    assert!(run(&trips).len() > 100);
    assert_eq!(run(&trips), run(&without));
}
