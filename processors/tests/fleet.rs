//! Runs `tests/scenarios/fleet/*.txt`: the fleet's rules as tables that a dispatcher can read and write.
//!
//! ```text
//! scenario: a vehicle arrives at its stop
//!   10:00 dispatch S-1 on V-1 from 0 0: 1 order 5 at 3000 0
//!     -> order 5 hears: dispatched
//!     -> plan wanted: S-1 #1 from 0 0, 1 stop
//!   10:01 V-1 drives to 3000 0 at 15 every 10s
//!     -> S-1 departed: since 10:01:20 (10:01:40)
//! ```
//!
//! `tests/scenarios/fleet/README.md` describes every word. An unknown word, a missing or an unexpected output is a
//! failure. After every step what was told is checked against itself (`fleet_world/check.rs`).
#![allow(clippy::unwrap_used, reason = "a test that cannot read its tables has failed")]

mod fleet_world;
#[path = "fleet/grammar.rs"]
mod grammar;
#[path = "fleet/show.rs"]
mod show;
mod tables;
#[path = "tables/words.rs"]
mod words;

use std::collections::BTreeMap;

use fleet_world::{Output, World};
use grammar::{Act, Answer, Line};
use schemas::Timestamp;
use schemas::fleet::{Judgement, Ping};
use schemas::message::FleetMessage;
use schemas::plan::{Leg, Plan, Point, RoadClass, Stretch};
use tables::{Numbered, Outcome};

#[test]
fn every_scenario_holds() {
    if std::env::var_os("SHOW").is_some() {
        tables::every_scenario_holds(&["fleet"], 0, |lines| {
            show_outputs(lines);
            Ok(())
        });
        return;
    }
    // Whether timers fire in time or late makes no difference to what is told, only to when it comes out: so every
    // table is run with timers in time.
    tables::every_scenario_holds(&["fleet"], 60, run);
}

#[test]
fn a_wrong_table_fails() {
    let good = "10:00 V-1 at 0 0\n10:01 V-1 at 500 0\n10:01 V-1 at 500 0\n-> ping duplicate: same_fix\nposition of V-1: moving at 500 0, 8.3 m/s\nverdicts of V-1: 2 accepted, 1 duplicate";
    let changes = [
        ("-> ping duplicate: same_fix\n", ""),
        ("same_fix", "same"),
        ("-> ping", "-> ping late: older\n-> ping"),
        ("500 0, 8.3", "400 0, 8.3"),
        ("2 accepted", "3 accepted"),
        ("10:00 V-1 at", "10:00 V-1 on"),
        ("10:00 V-1", "config whatever=1\n10:00 V-1"),
        ("10:00 V-1", "10:61 V-1"),
        ("at 0 0\n", "at 0 0 slowly\n"),
    ];
    tables::wrong_tables_fail(good, &changes, run);
}

/// One scenario on an empty world.
fn run(lines: &[Numbered<'_>]) -> Outcome {
    let mut runner = Runner::new();
    tables::each_line(lines, |text| runner.line(grammar::parse(text)?))?;
    runner.nothing_left()
}

/// Prints what comes out, for whoever writes a scenario; expectations are passed over.
fn show_outputs(lines: &[Numbered<'_>]) {
    let mut runner = Runner::new();
    for &(number, text) in lines {
        let line = grammar::parse(text).unwrap_or_else(|e| panic!("line {number}: {text}: {e}"));
        println!("{number} {text}");
        if matches!(line, Line::Expect(_)) {
            continue;
        }
        if let Err(failure) = tables::caught(|| runner.line(line)) {
            println!("{number} !! {failure}");
        }
        for output in std::mem::take(&mut runner.outputs) {
            println!("{number} -> {output}");
        }
    }
}

struct Runner {
    world: World,
    /// Of the last line, not yet expected; printed.
    outputs: Vec<String>,
    /// Where vehicles are on the map.
    places: BTreeMap<String, (f64, f64)>,
    /// How many verdicts of a vehicle earlier lines have counted.
    checked: BTreeMap<String, usize>,
    all_verdicts: bool,
}

impl Runner {
    fn new() -> Runner {
        let mut world = World::new();
        // Most tables are about something else than the order of pings.
        world.config.reorder_millis = 0;
        Runner { world, outputs: vec![], places: BTreeMap::new(), checked: BTreeMap::new(), all_verdicts: false }
    }

    fn line(&mut self, line: Line<'_>) -> Result<(), String> {
        match line {
            Line::Expect(expected) => {
                if self.outputs.is_empty() {
                    return Err("nothing more came".into());
                }
                let actual = self.outputs.remove(0);
                return if actual == expected { Ok(()) } else { Err(format!("came: {actual}")) };
            }
            _ => self.nothing_left()?,
        }
        match line {
            Line::Expect(_) => Ok(()),
            Line::Set(name, value) => self.set(name, value),
            Line::Step(at, act) => self.step(at, act),
            Line::Position(vehicle, expected) => {
                let actual = self.world.position(vehicle).map_or("unknown".into(), |position| show::position(&position));
                if actual == expected { Ok(()) } else { Err(format!("is: {actual}")) }
            }
            Line::Verdicts(vehicle, expected) => {
                let verdicts = self.world.verdicts.get(vehicle).map_or(&[][..], Vec::as_slice);
                let from = self.checked.insert(vehicle.into(), verdicts.len()).unwrap_or(0);
                let count = |judgement| verdicts[from..].iter().filter(|verdict| verdict.judgement == judgement).count();
                let counts = Judgement::ALL.map(|judgement| (count(judgement), judgement.word()));
                let counts: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
                let actual = counts.join(", ");
                if actual == expected { Ok(()) } else { Err(format!("are: {actual}")) }
            }
        }
    }

    fn nothing_left(&self) -> Result<(), String> {
        if self.outputs.is_empty() {
            Ok(())
        } else {
            Err(format!("came and is not expected:\n      -> {}", self.outputs.join("\n      -> ")))
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = || value.parse::<f64>().map_err(|_| format!("`{value}` is not a number"));
        let config = &mut self.world.config;
        match name {
            "reorder" => config.reorder_millis = (number()? * 1000.0) as i64,
            "silent" => config.silent_seconds = number()? as i64,
            "verdicts" if value == "all" => self.all_verdicts = true,
            "timers" if value == "late" => self.world.late_timers = true,
            _ => return Err(format!("`{name}={value}` is not a setting")),
        }
        Ok(())
    }

    fn step(&mut self, at: Timestamp, act: Act<'_>) -> Result<(), String> {
        let outputs = match act {
            Act::Tick => self.world.tick(at),
            Act::Ping(vehicle, ping) => {
                let fix_time = if ping.fix_time.0 == i64::MIN { at } else { ping.fix_time };
                let on_map = grammar::on_map(ping.point);
                self.places.insert(vehicle.into(), on_map);
                self.world.ping(vehicle, at, Ping { fix_time, ..ping })
            }
            Act::Drive { vehicle, to, speed, every } => {
                let from = *self.places.get(vehicle).ok_or("nobody knows where it starts")?;
                let (east, north) = (to.0 - from.0, to.1 - from.1);
                let seconds = east.hypot(north) / speed;
                let steps = (seconds / every).ceil();
                let mut outputs = vec![];
                for step in 0..=steps as i64 {
                    let passed = (step as f64 * every).min(seconds);
                    let share = passed / seconds;
                    let when = Timestamp(at.0 + (passed * 1000.0).round() as i64);
                    outputs.extend(self.fix(vehicle, when, (from.0 + east * share, from.1 + north * share)));
                }
                self.places.insert(vehicle.into(), to);
                outputs
            }
            Act::Stay { vehicle, seconds, every } => {
                let place = *self.places.get(vehicle).ok_or("nobody knows where it is")?;
                let steps = (seconds / every).floor() as i64;
                (0..=steps).flat_map(|step| self.fix(vehicle, Timestamp(at.0 + (step as f64 * every * 1000.0) as i64), place)).collect()
            }
            Act::Command(vehicle, command) => self.world.command(vehicle, at, command),
            Act::Message(vehicle, message) => self.world.message(vehicle, at, message),
            Act::Plan(answer) => {
                let (vehicle, plan) = self.answer(answer)?;
                self.world.message(&vehicle, at, FleetMessage::Plan(plan))
            }
        };
        self.outputs = outputs.iter().filter_map(|output| self.show(output, at)).collect();
        Ok(())
    }

    fn fix(&mut self, vehicle: &str, at: Timestamp, (east, north): (f64, f64)) -> Vec<Output> {
        let ping = Ping { fix_time: at, point: grammar::place(east, north), speed: None, heading: None, accuracy: None };
        self.world.ping(vehicle, at, ping)
    }

    /// A plan as the planner would give it: roads are primary ones, driven at 15 m/s.
    fn answer(&self, answer: Answer<'_>) -> Result<(String, Plan), String> {
        let request = self.world.requests.iter().find(|((_, shipment), _)| shipment == answer.shipment);
        let (vehicle, revision, stops) = match (request, answer.revision) {
            (Some(((vehicle, _), request)), revision) => (vehicle.clone(), revision.unwrap_or(request.revision), request.stops.len()),
            (None, Some(revision)) => ("V-1".into(), revision, answer.legs.len()),
            (None, None) => return Err("nobody wants this plan".into()),
        };
        let order = if answer.order.is_empty() { (0..stops as u16).collect() } else { answer.order.iter().map(|i| i - 1).collect() };
        let class = if answer.basis == schemas::plan::Basis::Roads { RoadClass::Primary } else { RoadClass::Unknown };
        let legs = answer.legs.into_iter().map(|points| {
            let metres = length(&points);
            Leg { stretches: vec![Stretch { class, metres }], seconds: metres / 15, points }
        });
        let plan = Plan {
            vehicle_id: (&*vehicle).into(),
            shipment_id: answer.shipment.into(),
            revision,
            basis: answer.basis,
            order,
            legs: legs.collect(),
        };
        Ok((vehicle, plan))
    }

    /// As a line, without what most lines have.
    fn show(&self, output: &Output, at: Timestamp) -> Option<String> {
        let timed = |text: String, own: Timestamp| if own == at { text } else { format!("{text} ({})", words::show_time(own)) };
        Some(match output {
            Output::Verdict(verdict) if verdict.judgement == Judgement::Accepted && !self.all_verdicts => return None,
            Output::Verdict(verdict) => timed(show::verdict(verdict), verdict.fix_time),
            Output::Event(shipment_id, event) => {
                let text = timed(show::event(shipment_id, event), event.at);
                if *event.vehicle_id == *"V-1" { text } else { format!("{}: {text}", event.vehicle_id) }
            }
            Output::Update(update) => show::update(update),
            Output::PlanWanted(request) => show::wanted(request),
            Output::DeadLetter(reject) => format!("dead letter {}", reject.reason.word()),
            Output::Duplicate => "duplicate".into(),
        })
    }
}

fn length(points: &[Point]) -> u32 {
    let on_map: Vec<_> = points.iter().map(|point| grammar::on_map(*point)).collect();
    on_map.windows(2).map(|pair| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1)).sum::<f64>().round() as u32
}
