//! Predicts one trip's arrivals with Waybill's own functions and with the two baselines. A prediction uses the fixes of
//! its own trip up to its moment, and what was learned from other vehicles; nothing later, which a test proves.

use processors::fleet::arrival::{Config, Gathered, LiveSpeed, Observation, Outlook, Speeds};
use schemas::Timestamp;
use schemas::plan::{RoadClass, Stretch};

use crate::data::Trip;
use crate::line::{Line, Progress};

/// Metres between two places whose arrivals are predicted.
pub const PLACES: f64 = 500.0;
/// A trip is under way once it has come this far; before that it waits for its timetable, which the data does not have.
pub const UNDER_WAY: f64 = 300.0;
/// Metres; nearer places are no forecast.
const NEAREST: f64 = 200.0;
/// Seconds between the two fixes around a place beyond which nobody knows when it was passed.
const MAX_TRUTH_GAP: f64 = 90.0;
/// Share of the average below which the "last known speed" does not fall: from a bus that stands, nothing would ever arrive.
const SLOWEST: f64 = 0.5;
/// Windows in seconds over which the "last known speed" is measured; the report takes the one with the least error.
pub const WINDOWS: [f64; 4] = [30.0, 60.0, 180.0, 600.0];

/// One prediction and what came of it. Seconds from the moment of the prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    pub vehicle: String,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// Metres from the line's start of the place, and from the vehicle to it.
    pub place: f64,
    pub remaining: f64,
    pub actual: f64,
    pub seconds: f64,
    pub sigma: f64,
    /// The 90 % interval.
    pub from: f64,
    pub to: f64,
    /// Baselines.
    pub average: f64,
    pub last: [f64; WINDOWS.len()],
}

/// What other vehicles taught.
#[derive(Clone, Debug, Default)]
pub struct Lessons {
    /// By time.
    pub observations: Vec<Observation>,
}

/// The product's own parameters, but for what is expected where nothing is known: 18 km/h, as town buses make with their
/// stops. A route from the planner brings its own free-flow time; this file has none.
pub fn parameters() -> Config {
    Config { unknown_speed: 18.0 / 3.6, ..Config::default() }
}

/// May a prediction use what other vehicles saw later than its own moment?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// The vehicle is left out, all of the others' day is known: as after some weeks on the road.
    AllDay,
    /// Only what others had seen by then: the first day.
    SoFar,
}

/// The file has no road classes: eight sections of equal length stand for the eight classes.
fn class(line: &Line, metres: f64) -> RoadClass {
    let section = (metres / line.length() * RoadClass::ALL.len() as f64) as usize;
    RoadClass::ALL[section.min(RoadClass::ALL.len() - 1)]
}

/// The way between two places, cut where the section changes.
fn way(line: &Line, from: f64, to: f64) -> Vec<Stretch> {
    let section = line.length() / RoadClass::ALL.len() as f64;
    let mut stretches = vec![];
    let mut metres = from;
    while metres < to {
        let end = (((metres / section).floor() + 1.0) * section).min(to);
        stretches.push(Stretch { class: class(line, f64::midpoint(metres, end)), metres: (end - metres).round() as u32 });
        metres = end.max(metres + 1.0);
    }
    stretches
}

/// What there is to learn from `trips`.
pub fn lessons(line: &Line, trips: &[&Trip]) -> Lessons {
    let mut observations = vec![];
    for trip in trips {
        let mut gathered = Gathered::default();
        let mut last: Option<Progress> = None;
        for (_, now) in line.follow(&trip.fixes).filter(|(_, p)| p.metres >= UNDER_WAY && p.metres < line.length() - 1.0) {
            if let Some(last) = last.replace(now) {
                let (step, time) = (now.metres - last.metres, (now.at - last.at) as f64 / 1000.0);
                let class = class(line, f64::midpoint(last.metres, now.metres));
                observations.extend(gathered.add(class, Timestamp(now.at), step, time));
            }
        }
    }
    observations.sort_by_key(|o| o.at);
    Lessons { observations }
}

/// When the trip passed `place`, in milliseconds, between two fixes that are not far apart.
fn passed(progress: &[Progress], place: f64) -> Option<f64> {
    let next = progress.partition_point(|p| p.metres < place);
    let (before, after) = (progress.get(next.checked_sub(1)?)?, progress.get(next)?);
    if (after.at - before.at) as f64 > MAX_TRUTH_GAP * 1000.0 {
        return None;
    }
    let share = (place - before.metres) / (after.metres - before.metres);
    Some(before.at as f64 + share * (after.at - before.at) as f64)
}

/// Speed over the last `window` seconds.
fn last_speed(past: &[Progress], window: f64, slowest: f64) -> f64 {
    let now = past[past.len() - 1];
    let since = past.partition_point(|p| (now.at - p.at) as f64 > window * 1000.0).min(past.len().saturating_sub(2));
    let then = past[since];
    if now.at == then.at {
        return slowest;
    }
    ((now.metres - then.metres) * 1000.0 / (now.at - then.at) as f64).max(slowest)
}

/// Every prediction along `trip`: at each fix, for each later place.
pub fn replay(config: &Config, line: &Line, lessons: &Lessons, learned: Learned, trip: &Trip) -> Vec<Forecast> {
    let progress: Vec<Progress> = line.follow(&trip.fixes).map(|(_, p)| p).collect();
    let mut speeds = Speeds::default();
    let mut lesson = lessons.observations.iter().peekable();
    let (mut metres, mut seconds) = (0.0, 0.0);
    let mut live = LiveSpeed::default();
    let mut forecasts = vec![];
    for (index, now) in progress.iter().enumerate() {
        while let Some(seen) = lesson.next_if(|o| learned == Learned::AllDay || o.at.0 <= now.at) {
            speeds.observe(config, seen);
            metres += seen.metres;
            seconds += seen.seconds;
        }
        if now.metres < UNDER_WAY {
            continue;
        }
        if let Some(last) = index.checked_sub(1).map(|i| progress[i]).filter(|p| p.metres >= UNDER_WAY) {
            live.add(config, now.metres - last.metres, (now.at - last.at) as f64 / 1000.0);
        }
        let average = if seconds > 0.0 { metres / seconds } else { config.unknown_speed };
        let mut outlook = Outlook::new(config, &speeds, Timestamp(now.at), Some(live));
        let mut reached = now.metres;
        let mut place = (now.metres / PLACES).ceil() * PLACES;
        while place < line.length() - 50.0 {
            outlook.drive(way(line, reached, place), 0.0);
            reached = place;
            let remaining = place - now.metres;
            let arrival = outlook.arrival();
            if let Some(actual) = passed(&progress, place).filter(|_| remaining >= NEAREST) {
                let (from, to) = arrival.interval_90();
                forecasts.push(Forecast {
                    vehicle: trip.vehicle.clone(),
                    at: now.at,
                    place,
                    remaining,
                    actual: (actual - now.at as f64) / 1000.0,
                    seconds: arrival.seconds,
                    sigma: arrival.sigma_seconds,
                    from,
                    to,
                    average: remaining / average,
                    last: WINDOWS.map(|window| remaining / last_speed(&progress[..=index], window, SLOWEST * average)),
                });
            }
            place += PLACES;
        }
    }
    forecasts
}

/// Every vehicle in turn: line and lessons from all the others, predictions for its own trips.
pub fn leave_one_out(config: &Config, trips: &[Trip], learned: Learned) -> Vec<Forecast> {
    let mut vehicles: Vec<&str> = trips.iter().map(|t| t.vehicle.as_str()).collect();
    vehicles.dedup();
    vehicles.iter().flat_map(|vehicle| predict_vehicle(config, trips, learned, vehicle)).collect()
}

/// Predictions for the trips of `vehicle`, from all that the others saw.
pub fn predict_vehicle(config: &Config, trips: &[Trip], learned: Learned, vehicle: &str) -> Vec<Forecast> {
    let (own, others): (Vec<&Trip>, Vec<&Trip>) = trips.iter().partition(|t| t.vehicle == vehicle);
    let Some(line) = Line::derive(&others) else { return vec![] };
    let lessons = lessons(&line, &others);
    own.iter().flat_map(|trip| replay(config, &line, &lessons, learned, trip)).collect()
}
