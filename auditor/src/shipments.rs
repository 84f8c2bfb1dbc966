//! The course of every shipment with every vehicle that has it: events one by one, fences of stops, episodes, the end;
//! and what dispatches say that it carries, so that an order's events can be compared with it. Knows nothing of
//! positions.

use rustc_hash::FxHashMap;

use crate::facts::{At, Findings, Registry};
use crate::input::Class;
use crate::input::fleet::Dispatched;
use crate::inputs::{Claimed, Settled};
use crate::report::Kind;
use crate::wire::fleet::{ShipmentEvent, ShipmentKind};

/// What a shipment is in; bits of [`Course::now`].
mod now {
    pub const SILENT: u8 = 1;
    pub const OFF_ROUTE: u8 = 1 << 1;
    pub const COMPLETED: u8 = 1 << 2;
    pub const RECALLED: u8 = 1 << 3;
    /// And not dispatched again since.
    pub const CLOSED: u8 = COMPLETED | RECALLED;
}

/// What a stop has been through since the last dispatch; bits of [`Stop::been`].
mod stop {
    /// The vehicle is inside its fence.
    pub const INSIDE: u8 = 1;
    pub const ARRIVED: u8 = 1 << 1;
    pub const DELIVERED: u8 = 1 << 2;
    pub const FAILED: u8 = 1 << 3;
    pub const ENDED: u8 = DELIVERED | FAILED;
    /// Delivered or failed, be it before the last dispatch.
    pub const ONCE: u8 = 1 << 4;
}

#[derive(Clone, Copy, Debug)]
struct Stop {
    number: u32,
    been: u8,
}

/// The events of one shipment with one vehicle so far.
#[derive(Debug)]
struct Course {
    /// The last event but investigations.
    at: At,
    timestamp: i64,
    seq: u64,
    /// `at` of the last event.
    time: i64,
    now: u8,
    stops: Vec<Stop>,
}

/// What the dispatches of one shipment say, all together.
#[derive(Debug, Default)]
struct Load {
    vehicles: Vec<u32>,
    orders: Vec<u32>,
    stops: Vec<u32>,
    /// What the first dispatch says.
    content: Option<u64>,
    /// There is another one, so it is not known here which one stood.
    several: bool,
}

/// Something that a dispatch must say and did not when it was asked for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: At,
    shipment: u32,
    whom: Whom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Order(u32),
    /// That other shipment has an order in common with it, or had.
    Other(u32),
    Vehicle(u32),
}

#[derive(Default)]
pub(crate) struct Shipments {
    /// By number of the shipment.
    loads: Vec<Load>,
    /// By shipment and vehicle.
    courses: FxHashMap<(u32, u32), Course>,
    /// The partition of each shipment's events.
    partitions: FxHashMap<u32, i32>,
    /// Few, if dispatches are read before events.
    asked: Vec<Asked>,
}

impl Shipments {
    /// A record on `dispatches` that reads well.
    pub fn told(&mut self, dispatched: &Dispatched) {
        let index = dispatched.shipment as usize;
        if index >= self.loads.len() {
            self.loads.resize_with(index + 1, Load::default);
        }
        let load = &mut self.loads[index];
        if dispatched.class == Some(Class::Dispatch) {
            load.several |= *load.content.get_or_insert(dispatched.content) != dispatched.content;
            add(&mut load.vehicles, &[dispatched.vehicle]);
            add(&mut load.orders, &dispatched.orders);
            add(&mut load.stops, &dispatched.stops);
        }
    }

    /// An output has a record on `dispatches` as its cause: it must be about what that shipment carries.
    pub fn led(&mut self, settled: &Settled) {
        let Settled { claim, class, subject: shipment } = *settled;
        if !class.of_shipment() {
            return;
        }
        match claim.what {
            Claimed::Event { .. } | Claimed::Movement { .. } => self.ask(claim.at, shipment, Whom::Order(claim.subject)),
            // An order that goes out with another shipment is taken from the one that had it.
            Claimed::Shipment { .. } if claim.subject != shipment => self.ask(claim.at, shipment, Whom::Other(claim.subject)),
            _ => {}
        }
    }

    fn says(&self, shipment: u32, whom: Whom) -> bool {
        let Some(load) = self.loads.get(shipment as usize) else { return false };
        match whom {
            Whom::Order(order) => load.orders.binary_search(&order).is_ok(),
            Whom::Other(other) => {
                let theirs = self.loads.get(other as usize).map_or(&[][..], |load| &load.orders);
                theirs.iter().any(|order| load.orders.binary_search(order).is_ok())
            }
            Whom::Vehicle(vehicle) => load.vehicles.binary_search(&vehicle).is_ok(),
        }
    }

    fn ask(&mut self, at: At, shipment: u32, whom: Whom) {
        if !self.says(shipment, whom) {
            self.asked.push(Asked { at, shipment, whom });
        }
    }

    /// The next event of a shipment. False if it has been read before, so that it must not count again.
    pub fn event(
        &mut self,
        number: u32,
        e: &ShipmentEvent,
        at: At,
        timestamp: i64,
        registry: &mut Registry,
        findings: &mut Findings,
    ) -> bool {
        let vehicle = registry.vehicles.number(&e.vehicle_id);
        let stop = e.stop_id.as_ref().map(|stop| registry.stops.number(stop));
        let (id, word) = (&e.shipment_id, e.kind.word());
        let partition = *self.partitions.entry(number).or_insert(at.partition);
        if partition != at.partition {
            let message = format!("`{word}` of shipment {id}, whose events so far are in partition {partition}");
            findings.add(Kind::WrongPartition, at, message);
        }
        self.ask(at, number, Whom::Vehicle(vehicle));
        let course = self.courses.entry((number, vehicle)).or_insert_with(|| Course::new(at));
        if e.seq <= course.seq {
            findings.add(Kind::DuplicateId, at, format!("`{word}` has seq {} of shipment {id}, which had {} already", e.seq, course.seq));
            return false;
        }
        if e.seq != course.seq + 1 {
            findings.add(Kind::ShipmentSequence, at, format!("`{word}` has seq {} of shipment {id}, expected {}", e.seq, course.seq + 1));
        }
        if e.millis < course.time {
            let message = format!("`{word}` of shipment {id} is at {}, earlier than the event before", e.at);
            findings.add(Kind::TimeBackwards, at, message);
        }
        (course.seq, course.time) = (e.seq, e.millis);
        if e.kind != ShipmentKind::Investigated {
            (course.at, course.timestamp) = (at, course.timestamp.max(timestamp));
        }
        step(course, e, stop, at, registry, findings);
        for order in &e.order_ids {
            self.ask(at, number, Whom::Order(registry.orders.number(order)));
        }
        true
    }

    /// All is read: what dispatches must say they say; whose stops are all done has an end.
    pub fn finish(mut self, registry: &Registry, findings: &mut Findings) {
        for asked in std::mem::take(&mut self.asked) {
            if self.says(asked.shipment, asked.whom) {
                continue;
            }
            let shipment = registry.shipments.text(asked.shipment);
            let message = match asked.whom {
                Whom::Order(order) => format!("no dispatch gives order {} to shipment {shipment}", registry.orders.text(order)),
                Whom::Other(other) => {
                    format!("its cause is a dispatch of shipment {shipment}, which shares no order with {}", registry.shipments.text(other))
                }
                Whom::Vehicle(vehicle) => format!("no dispatch gives shipment {shipment} to vehicle {}", registry.vehicles.text(vehicle)),
            };
            findings.add(Kind::WrongLoad, asked.at, message);
        }
        self.ends(registry, findings);
    }

    /// A completed shipment has done all its stops, and one that has done all its stops is completed.
    fn ends(&self, registry: &Registry, findings: &mut Findings) {
        let mut courses: Vec<_> = self.courses.iter().collect();
        courses.sort_unstable_by_key(|(key, _)| **key);
        // Stops that any vehicle has done, by shipment.
        let mut done: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for ((shipment, _), course) in &courses {
            let stops = course.stops.iter().filter(|stop| stop.been & stop::ONCE != 0);
            stops.for_each(|stop| add(done.entry(*shipment).or_default(), &[stop.number]));
        }
        for shipment in courses.chunk_by(|a, b| a.0.0 == b.0.0) {
            let number = shipment[0].0.0;
            findings.counts().shipments += 1;
            let open = shipment.iter().any(|(_, course)| course.now & now::CLOSED == 0);
            findings.counts().open_shipments += u64::from(open);
            let Some(load) = self.loads.get(number as usize).filter(|load| load.content.is_some() && !load.several) else { continue };
            let done = done.get(&number).map_or(&[][..], |stops| stops);
            let undone = load.stops.iter().find(|&stop| done.binary_search(stop).is_err());
            let id = registry.shipments.text(number);
            for (_, course) in shipment {
                let completed = course.now & now::COMPLETED != 0;
                if let (Some(&stop), true) = (undone, completed) {
                    let stop = registry.stops.text(stop);
                    let message = format!("shipment {id} is completed, and stop {stop} is neither delivered nor failed");
                    findings.add(Kind::StopLeftOut, course.at, message);
                }
                let whole = load.stops.iter().all(|&stop| course.stop(stop) & stop::ENDED != 0);
                if whole && course.now & now::CLOSED == 0 && !findings.in_flight(course.at.topic, course.timestamp) {
                    findings.add(
                        Kind::ShipmentWithoutEnd,
                        course.at,
                        format!("every stop of shipment {id} is done, and it is not completed"),
                    );
                }
            }
        }
    }
}

impl Course {
    fn new(at: At) -> Course {
        Course { at, timestamp: i64::MIN, seq: 0, time: i64::MIN, now: 0, stops: vec![] }
    }

    fn stop(&self, number: u32) -> u8 {
        self.stops.iter().find(|stop| stop.number == number).map_or(0, |stop| stop.been)
    }

    fn stop_mut(&mut self, number: u32) -> &mut u8 {
        let index = self.stops.iter().position(|stop| stop.number == number).unwrap_or_else(|| {
            self.stops.push(Stop { number, been: 0 });
            self.stops.len() - 1
        });
        &mut self.stops[index].been
    }
}

/// One event: is it allowed here, and what changes with it?
fn step(course: &mut Course, e: &ShipmentEvent, stop: Option<u32>, at: At, registry: &Registry, findings: &mut Findings) {
    use ShipmentKind as S;
    let id = &e.shipment_id;
    let mut wrong = |kind: Kind, why: &str| findings.add(kind, at, format!("`{}` of shipment {id}, {why}", e.kind.word()));
    if e.kind == S::Investigated {
        return; // At any time.
    }
    if course.now & now::CLOSED != 0 {
        if e.kind != S::Planned {
            return wrong(Kind::AfterTheEnd, "which has ended");
        }
        // Dispatched again.
        course.now = 0;
        course.stops.iter_mut().for_each(|stop| stop.been &= stop::ONCE);
    }
    let name = stop.map_or("?", |stop| registry.stops.text(stop));
    let been = stop.map_or(0, |stop| course.stop(stop));
    let set = |course: &mut Course, put: u8, take: u8| {
        if let Some(stop) = stop {
            let been = course.stop_mut(stop);
            *been = (*been | put) & !take;
        }
    };
    match e.kind {
        S::Approaching if been & stop::INSIDE != 0 => wrong(Kind::FenceUnpaired, &format!("which is at stop {name} already")),
        S::Arrived => {
            if been & stop::INSIDE != 0 {
                wrong(Kind::FenceUnpaired, &format!("which arrived at stop {name} and has not left"));
            }
            set(course, stop::INSIDE | stop::ARRIVED, 0);
        }
        S::Left => {
            if been & stop::INSIDE == 0 {
                wrong(Kind::FenceUnpaired, &format!("which is not at stop {name}"));
            }
            set(course, 0, stop::INSIDE);
        }
        S::Delivered | S::Failed => {
            let earlier = if e.kind == S::Delivered { stop::DELIVERED } else { stop::ENDED };
            if been & earlier != 0 {
                wrong(Kind::StopEndedTwice, &format!("where stop {name} was done already"));
            }
            set(course, stop::ONCE | if e.kind == S::Delivered { stop::DELIVERED } else { stop::FAILED }, 0);
        }
        S::Silent | S::Resumed => episode(course, now::SILENT, e.kind == S::Silent, &mut wrong),
        S::OffRoute | S::BackOnRoute => episode(course, now::OFF_ROUTE, e.kind == S::OffRoute, &mut wrong),
        S::Completed | S::Recalled => {
            if let Some(open) = course.stops.iter().find(|stop| stop.been & stop::INSIDE != 0) {
                wrong(Kind::FenceLeftOpen, &format!("which arrived at stop {} and never left", registry.stops.text(open.number)));
            }
            course.now |= if e.kind == S::Completed { now::COMPLETED } else { now::RECALLED };
        }
        S::Approaching | S::Planned | S::Departed | S::EtaChanged | S::Late | S::Overspeed | S::Investigated => {}
    }
}

/// Begins and ends take turns.
fn episode(course: &mut Course, bit: u8, begins: bool, wrong: &mut impl FnMut(Kind, &str)) {
    if begins == (course.now & bit != 0) {
        wrong(Kind::EpisodeUnpaired, if begins { "which began that already" } else { "which never began that" });
    }
    course.now = if begins { course.now | bit } else { course.now & !bit };
}

/// Sorted, each once.
fn add(list: &mut Vec<u32>, numbers: &[u32]) {
    for number in numbers {
        if let Err(place) = list.binary_search(number) {
            list.insert(place, *number);
        }
    }
}
