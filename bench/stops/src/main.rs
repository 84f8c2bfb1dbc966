//! How good are Waybill's orders of stops? `stops-report FILE [INSTANCES OPTIMA]` orders delivery rounds made up from seeds
//! within two seconds each, lets `vrp-core` do the same, compares both with the best that anything ever found, and writes a
//! page to FILE. With a folder of public instances of the travelling salesman with time windows, and a file of their proven
//! optima (`path,seconds` a line), those too. `make stops-report` runs it.
//!
//! | file | what |
//! | --- | --- |
//! | `rounds.rs` | delivery rounds from a seed |
//! | `instances.rs` | public instances, read |
//! | `vrp.rs` | `vrp-core` on the same problem |

mod instances;
mod rounds;
mod vrp;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use stops::{Budget, Cost, Problem, solve};

const BUDGET: Duration = Duration::from_secs(2);
/// The long search that the two seconds are compared with.
const LONG: Budget = Budget::Time(Duration::from_secs(30));

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, public) = match &arguments[..] {
        [file] => (file, None),
        [file, folder, optima] => (file, Some((folder, optima))),
        _ => {
            eprintln!("stops-report needs a file to write to, and may have a folder of instances and a file of their optima");
            return ExitCode::from(2);
        }
    };
    let public = public.map(|(folder, optima)| instances::read_all(Path::new(folder), Path::new(optima))).transpose();
    let written = public.and_then(|public| {
        let text = page(public.as_deref());
        println!("{text}");
        std::fs::write(file, text).map_err(|e| format!("{file}: {e}"))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn page(public: Option<&[instances::Instance]>) -> String {
    let date = &schemas::Timestamp(jiff::Timestamp::now().as_millisecond()).to_string()[..10];
    let start = Instant::now();
    let mut tables = String::new();
    delivery_rounds(&mut tables);
    if let Some(public) = public {
        public_instances(&mut tables, public);
    }
    let share = cpu_seconds()
        .map_or_else(String::new, |cpu| format!(" A search got {:.0} % of a core.", cpu * 100.0 / start.elapsed().as_secs_f64()));
    format!(
        "# Orders of stops

`make stops-report`, {date}. Written by `bench/stops`; do not edit. Up to {exact} stops the order is the best there is
(`stops/tests/orders.rs` compares it with all permutations); here are larger ones. One search is one thread, 2 seconds by
the clock.{share}

{tables}",
        exact = stops::MAX_EXACT
    )
}

/// Seconds of processor time that this process has had, where the system says so: Linux, in hundredths.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // User and system time are the 12th and 13th field after the name, which ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

fn ours(problem: &Problem, budget: Budget) -> Cost {
    solve(problem, budget).map_or(NO_ANSWER, |found| found.cost)
}

/// From the same start as ours: the order given, or that in which windows close.
fn library(problem: &Problem) -> Cost {
    let given: Vec<u16> = (0..problem.stops.len() as u16).collect();
    let mut closing = given.clone();
    closing.sort_by_key(|&stop| problem.stops[usize::from(stop)].window.map_or(i64::MAX, |(_, closes)| closes));
    let start = if problem.cost(&closing) < problem.cost(&given) { closing } else { given };
    vrp::search(problem, &start, Instant::now() + BUDGET).map_or(NO_ANSWER, |order| problem.cost(&order))
}

const NO_ANSWER: Cost = Cost { late_seconds: i64::MAX, total_seconds: i64::MAX, driving_seconds: i64::MAX };

fn delivery_rounds(out: &mut String) {
    out.push_str(
        "## Delivery rounds
Stops in a town of 10 × 10 km, two minutes at each, some with windows of one to three hours, made up from a seed. In
brackets: seconds late in sum, where no order is in time. The best is that of three: both below, and ours in 30 s.

| stops | with windows | best found, s | Waybill in 2 s | | vrp-core in 2 s | |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
",
    );
    for (seed, count, windows) in [
        (1, 30, 0.3),
        (2, 50, 0.0),
        (3, 50, 0.3),
        (4, 50, 0.6),
        (5, 100, 0.0),
        (6, 100, 0.2),
        (7, 100, 0.4),
        (8, 100, 0.5),
        (9, 100, 0.8),
        (10, 200, 0.0),
        (11, 200, 0.3),
    ] {
        let problem = rounds::round(seed, count, windows);
        let (mine, theirs) = (ours(&problem, Budget::Time(BUDGET)), library(&problem));
        let best = mine.min(theirs).min(ours(&problem, LONG));
        let _ = writeln!(
            out,
            "| {count} | {:.0} % | {} | {} | {} | {} | {} |",
            windows * 100.0,
            figure(best),
            figure(mine),
            gap(mine, best),
            figure(theirs),
            gap(theirs, best)
        );
    }
    out.push('\n');
}

fn figure(cost: Cost) -> String {
    match cost.late_seconds {
        0 => cost.total_seconds.to_string(),
        i64::MAX => "no answer".to_owned(),
        late => format!("{} ({late})", cost.total_seconds),
    }
}

/// By how much it is worse than the best; where somebody must be late, by how many seconds more.
fn gap(cost: Cost, best: Cost) -> String {
    let more = |cost: i64, best: i64| format!("+{:.1} %", (cost - best) as f64 * 100.0 / best as f64);
    match (cost.late_seconds, best.late_seconds) {
        (i64::MAX, _) => "–".to_owned(),
        (0, 0) => more(cost.total_seconds, best.total_seconds),
        (_, 0) => "late".to_owned(),
        (late, least) => format!("+{} s late", late - least),
    }
}

fn public_instances(out: &mut String, instances: &[instances::Instance]) {
    out.push_str(
        "## Public instances
The travelling salesman with time windows, to be back as early as possible, all windows kept: Solomon's in the versions of
Potvin and Bengio and of Pesant, Dumas, Gendreau, Ohlmann and Thomas, Ascheuer. Instances: `resources/tsptw` of
<https://github.com/xgillard/ddo>. Proven optima: Soulignac and others, <https://doi.org/10.1016/j.cor.2026.107461>,
`final-results` of <https://github.com/fsoulignac/tsptw-m>. Neither is shipped here.

| set | stops | instances | | windows kept | optimal | mean gap | largest gap |
| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |
",
    );
    let mut sets: Vec<&str> = instances.iter().map(|i| i.set.as_str()).collect();
    sets.dedup();
    for set in sets {
        let of_set: Vec<&instances::Instance> = instances.iter().filter(|i| i.set == set).collect();
        let sizes = of_set.iter().map(|i| i.problem.stops.len());
        let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
        let mine: Vec<Cost> = of_set.iter().map(|i| ours(&i.problem, Budget::Time(BUDGET))).collect();
        let theirs: Vec<Cost> = of_set.iter().map(|i| library(&i.problem)).collect();
        for (name, costs) in [("Waybill", mine), ("vrp-core", theirs)] {
            let kept: Vec<f64> = of_set
                .iter()
                .zip(&costs)
                .filter(|(_, cost)| cost.late_seconds == 0)
                .map(|(i, cost)| (cost.total_seconds - i.optimum) as f64 * 100.0 / i.optimum as f64)
                .collect();
            let _ = writeln!(
                out,
                "| {set} | {least}–{most} | {} | {name} | {} | {} | {:.2} % | {:.2} % |",
                of_set.len(),
                kept.len(),
                kept.iter().filter(|gap| **gap <= 0.0).count(),
                kept.iter().sum::<f64>() / kept.len().max(1) as f64,
                kept.iter().copied().fold(0.0, f64::max)
            );
        }
    }
}
