//! The figures as a page for people.

use std::fmt::Write as _;

use crate::data::Trip;
use crate::line::Line;
use crate::replay::{Forecast, Learned, WINDOWS, leave_one_out, parameters};
use crate::score::{Score, by_distance};

/// The whole page.
pub fn markdown(trips: &[Trip], all_day: &[Forecast], so_far: &[Forecast]) -> Result<String, String> {
    let score = Score::of(all_day).ok_or("no prediction could be made")?;
    let first_day = Score::of(so_far).ok_or("no prediction could be made")?;
    let window = score.best_window();
    let vehicles = vehicles(trips).len();
    let fixes: usize = trips.iter().map(|t| t.fixes.len()).sum();
    let (middle, far) = beside(trips)?;
    let date = &schemas::Timestamp(jiff::Timestamp::now().as_millisecond()).to_string()[..10];
    let mut out = String::new();
    let text = format!(
        "# Arrival times on real buses

`make eta-report`, {date}. Written by `bench/eta`; do not edit.

Data: {fixes} reports of {vehicles} buses of Liverpool's route 14, 2 h 22 min of a Monday afternoon (`data/buses/`). At each
report of a bus its arrival at every 500 m of the line ahead is predicted, with the functions that `waybill run` uses.
The bus itself is left out of all that is learned: the line's shape and the speeds come from the other {others} vehicles.
A prediction sees nothing of its own trip that is later than itself (`bench/eta/src/tests.rs` proves it). What really
happened is read off between two reports at most 90 s apart.

|  | mean absolute error | |
| --- | ---: | --- |
| **Waybill** | **{ours:.0} s** | {coverage:.1} % of arrivals in the 90 % interval (80 to 97 % is asked for) |
| constant average speed | {average:.0} s | of all the others on this line, the same day |
| last known speed | {last:.0} s | over the last {best:.0} s, the best of {windows}; never below half of the average |

{count} predictions; on average an arrival lies {actual:.0} s ahead, Waybill is {bias:.0} s too early and its interval
{width:.0} s wide.

",
        others = vehicles - 1,
        ours = score.ours,
        coverage = score.coverage * 100.0,
        average = score.average,
        last = score.last[window],
        best = WINDOWS[window],
        windows = list(&WINDOWS),
        count = score.count,
        actual = score.actual,
        bias = score.bias,
        width = score.width,
    );
    out.push_str(&text);
    out.push_str("![error by distance](error.svg) ![coverage by distance](coverage.svg) ![one trip](trip.svg)\n\n");
    table(&mut out, "By distance to the place", "distance", by_distance(all_day).into_iter().map(|(d, s)| (name(d), s)), window);
    let each = vehicles_scores(trips, all_day);
    table(&mut out, "By vehicle", "vehicle", each.into_iter(), window);
    out.push_str(
        "## The first day

The same, but the speeds of the others are known only up to the moment of the prediction, and so is the average. It is
the first day of a fleet with eight vehicles; the first predictions have seen nothing but the 18 km/h that a town bus makes.

",
    );
    let rows = std::iter::once(("all".to_owned(), first_day)).chain(by_distance(so_far).into_iter().map(|(d, s)| (name(d), s)));
    rows_of(&mut out, "distance", rows, window);
    sensitivity(&mut out, trips);
    let text = format!(
        "
## What to know before you trust this
- Predictions of one trip are not independent: {vehicles} vehicles and {count} predictions are not {count} experiments.
- The file has no map and no road classes. The line is a principal curve of the other vehicles' reports (half of all
  reports lie within {middle:.0} m of it, 99 % within {far:.0} m), and eight sections of equal length stand for the classes.
- A bus waits for its timetable, which is not in the file: predictions begin 300 m after the start of the line. Stops are
  part of the pace here; for deliveries they are counted apart.
- The parameters are the product's defaults and were set before they met this data, with two exceptions. After the first
  run the weight of what was expected was split in two (`class_prior_metres`, `hour_prior_metres`; it was 2 km for both):
  that made the error a second larger and the bias 13 s smaller. And where nothing is known yet, 18 km/h are expected and
  not 30, because buses stop (`parameters()` in `bench/eta/src/replay.rs`).
- Bus 4836 stood for six minutes in one place on its second trip (17:17 to 17:23). Nobody could know; it shows how much
  one vehicle of eight weighs.
- A normal distribution is assumed; real delays have a longer tail on the late side.
",
        count = score.count,
    );
    out.push_str(&text);
    Ok(out)
}

/// Does it depend on figures that somebody tuned? The three that weigh a vehicle's own speed, each halved and doubled.
fn sensitivity(out: &mut String, trips: &[Trip]) {
    let base = parameters();
    let mut errors = vec![];
    for reach in [0.5, 1.0, 2.0] {
        for memory in [0.5, 1.0, 2.0] {
            for prior in [0.5, 1.0, 2.0] {
                let mut config = base.clone();
                config.live_reach_metres *= reach;
                config.live_memory_seconds *= memory;
                config.live_prior_metres *= prior;
                errors.extend(Score::of(&leave_one_out(&config, trips, Learned::AllDay)).map(|s| (s.ours, s.coverage)));
            }
        }
    }
    let least = |figure: fn(&(f64, f64)) -> f64| errors.iter().map(figure).fold(f64::INFINITY, f64::min);
    let most = |figure: fn(&(f64, f64)) -> f64| errors.iter().map(figure).fold(0.0, f64::max);
    let _ = writeln!(
        out,
        "
## If the parameters were others
Reach, memory and weight of the vehicle's own speed, each halved, kept and doubled: in these {} settings the mean absolute
error lies between {:.0} and {:.0} s, the coverage between {:.1} and {:.1} %.",
        errors.len(),
        least(|e| e.0),
        most(|e| e.0),
        least(|e| e.1) * 100.0,
        most(|e| e.1) * 100.0,
    );
}

fn table(out: &mut String, title: &str, what: &str, rows: impl Iterator<Item = (String, Score)>, window: usize) {
    let _ = writeln!(out, "## {title}\n");
    rows_of(out, what, rows, window);
    out.push('\n');
}

fn rows_of(out: &mut String, what: &str, rows: impl Iterator<Item = (String, Score)>, window: usize) {
    let _ = writeln!(out, "| {what} | predictions | time ahead | Waybill | average speed | last speed | bias | in the 90 % interval |");
    out.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (name, s) in rows {
        let _ = writeln!(
            out,
            "| {name} | {} | {:.0} s | {:.0} s | {:.0} s | {:.0} s | {:+.0} s | {:.1} % |",
            s.count,
            s.actual,
            s.ours,
            s.average,
            s.last[window],
            s.bias,
            s.coverage * 100.0
        );
    }
}

fn name((from, to): (f64, f64)) -> String {
    if to.is_finite() { format!("{:.1} to {:.0} km", from / 1000.0, to / 1000.0) } else { format!("over {:.0} km", from / 1000.0) }
}

fn list(windows: &[f64]) -> String {
    windows.iter().map(|w| format!("{w:.0}")).collect::<Vec<_>>().join(", ")
}

fn vehicles(trips: &[Trip]) -> Vec<&str> {
    let mut names: Vec<&str> = trips.iter().map(|t| t.vehicle.as_str()).collect();
    names.dedup();
    names
}

fn vehicles_scores(trips: &[Trip], forecasts: &[Forecast]) -> Vec<(String, Score)> {
    vehicles(trips).into_iter().filter_map(|v| Some((v.to_owned(), Score::of(forecasts.iter().filter(|f| f.vehicle == v))?))).collect()
}

/// Metres beside the line: the median and the 99th percentile of all fixes.
fn beside(trips: &[Trip]) -> Result<(f64, f64), String> {
    let line = Line::derive(&trips.iter().collect::<Vec<_>>()).ok_or("there is no trip to derive a line from")?;
    let mut all: Vec<f64> = trips.iter().flat_map(|t| &t.fixes).map(|f| line.beside(f)).collect();
    all.sort_by(f64::total_cmp);
    Ok((all[all.len() / 2], all[all.len() * 99 / 100]))
}
