//! Public instances of the travelling salesman with time windows, in their common text form: the number of places, a matrix
//! of times (service included), a window for each place; the first is where the way begins and ends.

use std::path::Path;

use stops::{Problem, Stop};

/// Instances with fractions have four digits of them; all times become integers by this factor.
const FRACTIONS: f64 = 10_000.0;

/// One instance with its proven optimum, in the instance's own unit of time.
pub struct Instance {
    /// The folder it lies in: the collection.
    pub set: String,
    pub problem: Problem,
    pub optimum: i64,
}

/// All instances that `optima` names, as `path,optimum` a line, with more stops than are ordered exactly.
pub fn read_all(folder: &Path, optima: &Path) -> Result<Vec<Instance>, String> {
    let lines = std::fs::read_to_string(optima).map_err(|e| format!("{}: {e}", optima.display()))?;
    let mut instances = vec![];
    for line in lines.lines() {
        let bad = |what: &str| format!("{}, `{line}`: {what}", optima.display());
        let (path, optimum) = line.split_once(',').ok_or_else(|| bad("expected `path,optimum`"))?;
        let optimum = optimum.trim().parse().map_err(|_| bad("the optimum is no integer"))?;
        let text = std::fs::read_to_string(folder.join(path)).map_err(|e| bad(&e.to_string()))?;
        let problem = parse(&text).ok_or_else(|| bad("the instance is not of the common form"))?;
        let set = path.split('/').next().unwrap_or(path).to_owned();
        if (stops::MAX_EXACT + 1..=stops::MAX_STOPS).contains(&problem.stops.len()) {
            instances.push(Instance { set, problem, optimum });
        }
    }
    Ok(instances)
}

fn parse(text: &str) -> Option<Problem> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let places: usize = lines.next()?.trim().parse().ok()?;
    let figures: Vec<f64> = lines.flat_map(str::split_whitespace).map_while(|word| word.parse().ok()).collect();
    let (times, windows) = (figures.get(..places * places)?, figures.get(places * places..places * (places + 2))?);
    let scale = if times.iter().all(|time| time.fract() == 0.0) { 1.0 } else { FRACTIONS };
    let scaled = |figure: f64| (figure * scale).round() as i64;
    let stops = windows.chunks(2).skip(1).map(|w| Stop { service_seconds: 0, window: Some((scaled(w[0]), scaled(w[1]))) });
    Some(Problem { durations: times.iter().map(|&time| scaled(time) as u32).collect(), stops: stops.collect(), back: true })
}
