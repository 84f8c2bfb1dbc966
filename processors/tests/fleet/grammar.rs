//! The words of the fleet's scenario tables, as `tests/scenarios/fleet/README.md` describes them. Strict: what is not
//! understood is an error.

use schemas::Timestamp;
use schemas::fleet::{Area, Dispatch, FleetCommand, Ping, Stop};
use schemas::message::FleetMessage;
use schemas::plan::{Basis, Point};

use super::words::{Words, time};

/// One line of a scenario.
#[derive(Debug)]
pub enum Line<'a> {
    Set(&'a str, &'a str),
    Step(Timestamp, Act<'a>),
    /// What must come out next, as it is printed.
    Expect(String),
    /// Of a vehicle: its position, or the verdicts since the last such line.
    Position(&'a str, String),
    Verdicts(&'a str, String),
}

#[derive(Debug)]
pub enum Act<'a> {
    Tick,
    Ping(&'a str, Ping),
    /// Metres per second, and seconds between two pings.
    Drive {
        vehicle: &'a str,
        to: (f64, f64),
        speed: f64,
        every: f64,
    },
    Stay {
        vehicle: &'a str,
        seconds: f64,
        every: f64,
    },
    Command(&'a str, FleetCommand<'a>),
    Message(&'a str, FleetMessage),
    Plan(Answer<'a>),
}

/// How a wanted plan is answered.
#[derive(Debug)]
pub struct Answer<'a> {
    pub shipment: &'a str,
    /// As an answer to another request than the open one.
    pub revision: Option<u32>,
    pub basis: Basis,
    /// From 1, into the request's stops; empty: as they are.
    pub order: Vec<u16>,
    pub legs: Vec<Vec<Point>>,
}

/// Where the map's 0 0 is, and metres of one degree there (north, and east at the 60th parallel).
const ORIGIN: (f64, f64) = (60.0, 24.0);
const DEGREE: (f64, f64) = (111_195.080, 55_597.540);

/// A place on the map: metres east and north.
pub fn place(east: f64, north: f64) -> Point {
    Point::from_degrees(ORIGIN.0 + north / DEGREE.0, ORIGIN.1 + east / DEGREE.1)
}

/// The other way round.
pub fn on_map(point: Point) -> (f64, f64) {
    let (lat, lon) = point.degrees();
    ((lon - ORIGIN.1) * DEGREE.1, (lat - ORIGIN.0) * DEGREE.0)
}

pub fn parse(text: &str) -> Result<Line<'_>, String> {
    if let Some(expected) = text.strip_prefix("->") {
        return Ok(Line::Expect(one_spaced(expected)));
    }
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(at) = time(first) {
        let mut words = Words::new(rest);
        let act = act(&mut words)?;
        return words.end().map(|()| Line::Step(at, act));
    }
    if let Some(setting) = text.strip_prefix("config ") {
        return setting.split_once('=').map(|(name, value)| Line::Set(name, value)).ok_or(format!("`{setting}` is not a setting"));
    }
    let (before, after) = text.split_once(':').unwrap_or((text, ""));
    match before.split_whitespace().collect::<Vec<_>>()[..] {
        ["position", "of", vehicle] => Ok(Line::Position(vehicle, one_spaced(after))),
        ["verdicts", "of", vehicle] => Ok(Line::Verdicts(vehicle, one_spaced(after))),
        _ => Err("not a line of a scenario".into()),
    }
}

fn one_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn act<'a>(words: &mut Words<'a>) -> Result<Act<'a>, String> {
    let verb = words.next("a verb")?;
    Ok(match verb {
        "tick" => Act::Tick,
        "dispatch" => {
            let shipment_id = words.next("a shipment")?;
            let vehicle = words.after("on")?;
            words.must("from")?;
            let depot = words.point()?;
            let depot_radius = if words.eat("radius") { Some(words.number()? as u32) } else { None };
            let optimise = words.eat("optimise");
            words.must(":")?;
            let mut stops = vec![stop(words)?];
            while words.eat(",") {
                stops.push(stop(words)?);
            }
            let dispatch = Dispatch { shipment_id: shipment_id.into(), depot, depot_radius, stops, optimise };
            Act::Command(vehicle, FleetCommand::Dispatch(dispatch))
        }
        "delivered" | "failed" => {
            let shipment_id = words.next("a shipment")?.into();
            let vehicle = words.after("on")?;
            let stop_id = words.after("stop")?.into();
            let command = if verb == "failed" {
                FleetCommand::Failed { shipment_id, stop_id, reason: because(words)? }
            } else {
                FleetCommand::Delivered { shipment_id, stop_id }
            };
            Act::Command(vehicle, command)
        }
        "recall" => {
            let shipment_id = words.next("a shipment")?.into();
            let vehicle = words.after("on")?;
            Act::Command(vehicle, FleetCommand::Recall { shipment_id, reason: because(words)? })
        }
        "handover" => {
            let shipment_id = words.next("a shipment")?.into();
            let vehicle = words.after("on")?;
            Act::Message(vehicle, FleetMessage::HandedOver { shipment_id, order_id: words.after("order")?.into() })
        }
        "complaint" => {
            let feedback_id = words.next("a feedback's id")?.into();
            let kind = words.next("a kind")?.into();
            let shipment_id = words.after("of")?.into();
            let vehicle = words.after("on")?;
            let order_id = if words.eat("order") { Some(words.next("an order")?.into()) } else { None };
            Act::Message(vehicle, FleetMessage::Investigate { shipment_id, order_id, feedback_id, kind })
        }
        "plan" => plan(words)?,
        vehicle => match words.next("at, drives or stays")? {
            "at" => Act::Ping(vehicle, ping(words)?),
            "drives" => {
                words.must("to")?;
                let to = (words.number()?, words.number()?);
                words.must("at")?;
                let speed = words.number()?;
                Act::Drive { vehicle, to, speed, every: words.every()? }
            }
            "stays" => {
                let seconds = words.seconds()?;
                Act::Stay { vehicle, seconds, every: words.every()? }
            }
            other => return Err(format!("a vehicle is at a place, drives or stays; not `{other}`")),
        },
    })
}

/// `1 order 5 at 3000 0`, then a window, service, radius, polygon.
fn stop<'a>(words: &mut Words<'a>) -> Result<Stop<'a>, String> {
    let stop_id = words.next("a stop")?.into();
    let order_id = words.after("order")?.into();
    words.must("at")?;
    let mut stop = Stop { stop_id, order_id, point: words.point()?, area: None, service_seconds: 0, window: None };
    loop {
        if words.eat("service") {
            stop.service_seconds = words.seconds()? as u32;
        } else if words.eat("radius") {
            stop.area = Some(Area::Radius(words.number()? as u32));
        } else if words.eat("window") {
            let text = words.next("a window like 10:00-11:00")?;
            let window = text.split_once('-').and_then(|(from, to)| Some((time(from)?, time(to)?)));
            stop.window = Some(window.ok_or(format!("`{text}` is not a window like 10:00-11:00"))?);
        } else if words.eat("polygon") {
            let mut corners = vec![words.point()?];
            while words.eat("/") {
                corners.push(words.point()?);
            }
            stop.area = Some(Area::Polygon(corners.into()));
        } else {
            return Ok(stop);
        }
    }
}

/// `1500 0`, then what the receiver says.
fn ping(words: &mut Words<'_>) -> Result<Ping, String> {
    let point = if words.eat("degrees") { Point::from_degrees(words.number()?, words.number()?) } else { words.point()? };
    // The line's own time stands for it.
    let mut ping = Ping { fix_time: Timestamp(i64::MIN), point, speed: None, heading: None, accuracy: None };
    while let Ok(word) = words.next("") {
        match word {
            "fixed" => {
                let text = words.next("a time")?;
                ping.fix_time = time(text).ok_or(format!("`{text}` is not a time"))?;
            }
            "speed" => ping.speed = Some(words.number()?),
            "heading" => ping.heading = Some(words.number()?),
            "accuracy" => ping.accuracy = Some(words.number()?),
            other => return Err(format!("`{other}` is not said of a ping")),
        }
    }
    Ok(ping)
}

/// `S-1 roads: 0 0, 3000 0 | 3000 0, 3000 2000`; before the colon `great_circle`, `order 2 1`, `revision 1`.
fn plan<'a>(words: &mut Words<'a>) -> Result<Act<'a>, String> {
    let shipment = words.next("a shipment")?;
    let basis = match words.next("roads or great_circle")? {
        "roads" => Basis::Roads,
        "great_circle" => Basis::GreatCircle,
        other => return Err(format!("a plan is by roads or great_circle, not `{other}`")),
    };
    let mut answer = Answer { shipment, revision: None, basis, order: vec![], legs: vec![] };
    loop {
        if words.eat("revision") {
            answer.revision = Some(words.number()? as u32);
        } else if words.eat("order") {
            while let Some(number) = words.peek().and_then(|word| word.parse().ok()) {
                answer.order.push(number);
                words.next("")?;
            }
        } else {
            break;
        }
    }
    words.must(":")?;
    let mut leg = vec![words.point()?];
    loop {
        if words.eat(",") {
            leg.push(words.point()?);
        } else if words.eat("|") {
            answer.legs.push(std::mem::take(&mut leg));
            leg.push(words.point()?);
        } else {
            answer.legs.push(leg);
            return Ok(Act::Plan(answer));
        }
    }
}

fn because(words: &mut Words<'_>) -> Result<Option<Box<str>>, String> {
    Ok(if words.eat("because") { Some(words.next("a reason")?.into()) } else { None })
}

impl<'a> Words<'a> {
    fn after(&mut self, word: &str) -> Result<&'a str, String> {
        self.must(word)?;
        self.next("a name")
    }

    fn number(&mut self) -> Result<f64, String> {
        let word = self.next("a number")?;
        word.parse().map_err(|_| format!("`{word}` is not a number"))
    }

    fn point(&mut self) -> Result<Point, String> {
        Ok(place(self.number()?, self.number()?))
    }

    /// `90s` or `5m`.
    fn seconds(&mut self) -> Result<f64, String> {
        let word = self.next("a time like 90s or 5m")?;
        let parsed = match (word.strip_suffix('s'), word.strip_suffix('m')) {
            (Some(seconds), _) => seconds.parse().ok(),
            (_, Some(minutes)) => minutes.parse::<f64>().ok().map(|m| m * 60.0),
            _ => None,
        };
        parsed.ok_or(format!("`{word}` is not a time like 90s or 5m"))
    }

    fn every(&mut self) -> Result<f64, String> {
        self.must("every")?;
        self.seconds()
    }
}
