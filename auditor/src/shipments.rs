//! The course of every shipment with every vehicle that has it: events one by one, fences of stops, episodes, the end;
//! and what dispatches say that it carries, so that an order's events can be compared with it. Knows nothing of
//! positions.

use rustc_hash::FxHashMap;

use crate::facts::{At, Findings, Registry, Role, Units};
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
    pub const DEPARTED: u8 = 1 << 4;
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
    /// Its order went out with another vehicle.
    pub const RECALLED: u8 = 1 << 4;
    pub const ENDED: u8 = DELIVERED | FAILED | RECALLED;
    pub const APPROACHED: u8 = 1 << 5;
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
    /// How often something happened to it after it was recalled, and where last: it was dispatched again, then.
    again: u32,
    again_at: At,
}

/// What the dispatches of one shipment say, all together.
#[derive(Debug, Default)]
struct Load {
    vehicles: Vec<u32>,
    orders: Vec<u32>,
    stops: Vec<u32>,
    /// The order of each stop; none if dispatches differ in it.
    order_of: FxHashMap<u32, Option<u32>>,
    /// What the first dispatch says.
    content: Option<u64>,
    /// There is another one, so it is not known here which one stood.
    several: bool,
}

/// Something that a dispatch must say and did not when it was asked for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: At,
    /// Of the record that asks; the smallest there is if its dispatch was read.
    timestamp: i64,
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
    /// How often a shipment was completed or recalled, by shipment and vehicle.
    ended: FxHashMap<(u32, u32), u32>,
    /// Dispatch records, by shipment and vehicle.
    dispatches: FxHashMap<(u32, u32), u32>,
    /// The partition of each shipment's events.
    partitions: FxHashMap<u32, i32>,
    /// Few, if dispatches are read before events.
    asked: Vec<Asked>,
}

impl Shipments {
    /// A record on `dispatches` that reads well. Returns the orders that have to hear of it, as [`Role::Told`]; none if that
    /// depends on what the shipment has been through: a recall is told to those that are on board still, a delivery to an
    /// order whose last stop it is.
    pub fn told(&mut self, dispatched: &Dispatched) -> Option<Units> {
        let index = dispatched.shipment as usize;
        if index >= self.loads.len() {
            self.loads.resize_with(index + 1, Load::default);
        }
        let load = &mut self.loads[index];
        if dispatched.class == Some(Class::Dispatch) {
            *self.dispatches.entry((dispatched.shipment, dispatched.vehicle)).or_default() += 1;
            load.several |= *load.content.get_or_insert(dispatched.content) != dispatched.content;
            add(&mut load.vehicles, &[dispatched.vehicle]);
            add(&mut load.orders, &dispatched.orders);
            add(&mut load.stops, &dispatched.stops);
            let mut orders = vec![];
            for (&stop, &order) in dispatched.stops.iter().zip(&dispatched.orders) {
                let known = load.order_of.entry(stop).or_insert(Some(order));
                *known = known.filter(|known| *known == order);
                add(&mut orders, &[order]);
            }
            return Some(orders.into_iter().fold(Units::NONE, |sum, order| sum + Units::of(1, Role::Told, order, 0)));
        }
        let order = dispatched.stops.first().and_then(|stop| load.order_of.get(stop).copied().flatten())?;
        let stops = load.order_of.values().filter(|of| **of == Some(order)).count();
        match dispatched.class {
            Some(Class::StopFailed) => Some(Units::of(1, Role::Told, order, 0)),
            Some(Class::StopDelivered) if stops == 1 => Some(Units::of(1, Role::Told, order, 0)),
            _ => None,
        }
    }

    /// An output has a record on `dispatches` as its cause: it must be about what that shipment carries.
    pub fn led(&mut self, settled: &Settled, registry: &Registry) {
        let Settled { claim, class, subject } = *settled;
        if !class.of_shipment() {
            return;
        }
        let (shipment, _) = registry.rides.pair(subject);
        match claim.what {
            Claimed::Event { .. } | Claimed::Movement { .. } => self.ask((claim.at, i64::MIN), shipment, Whom::Order(claim.subject)),
            // An order that goes out with another shipment is taken from the one that had it.
            Claimed::Shipment { .. } if claim.subject != shipment => self.ask((claim.at, i64::MIN), shipment, Whom::Other(claim.subject)),
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

    fn ask(&mut self, (at, timestamp): (At, i64), shipment: u32, whom: Whom) {
        if !self.says(shipment, whom) {
            self.asked.push(Asked { at, timestamp, shipment, whom });
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
        self.ask((at, timestamp), number, Whom::Vehicle(vehicle));
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
        let was_open = course.now & now::CLOSED == 0;
        step(course, e, stop, at, registry, findings);
        if was_open && course.now & now::CLOSED != 0 {
            *self.ended.entry((number, vehicle)).or_default() += 1;
        }
        for order in &e.order_ids {
            self.ask((at, timestamp), number, Whom::Order(registry.orders.number(order)));
        }
        true
    }

    /// All is read: what dispatches must say they say; whose stops are all done has an end.
    pub fn finish(mut self, registry: &Registry, findings: &mut Findings) {
        for asked in std::mem::take(&mut self.asked) {
            if self.says(asked.shipment, asked.whom) {
                continue;
            }
            if asked.timestamp > i64::MIN && findings.in_flight(asked.at.topic, asked.timestamp) {
                findings.counts().pending += 1; // Read before the dispatches' end had come so far.
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
        for shipment in courses.chunk_by(|a, b| a.0.0 == b.0.0) {
            let number = shipment[0].0.0;
            findings.counts().shipments += 1;
            let open = shipment.iter().any(|(_, course)| course.now & now::CLOSED == 0);
            findings.counts().open_shipments += u64::from(open);
            for ((_, vehicle), course) in shipment {
                self.end(number, *vehicle, course, registry, findings);
            }
        }
    }

    fn end(&self, number: u32, vehicle: u32, course: &Course, registry: &Registry, findings: &mut Findings) {
        let id = registry.shipments.text(number);
        let dispatches = self.dispatches.get(&(number, vehicle)).copied().unwrap_or_default();
        if course.again >= dispatches.max(1) && !findings.in_flight(course.at.topic, course.timestamp) {
            let message = format!("something happened to shipment {id} after it was recalled, and nobody dispatched it again");
            findings.add(Kind::AfterTheEnd, course.again_at, message);
        }
        // Of several dispatches with other stops it is not known here which one stood.
        let Some(load) = self.loads.get(number as usize).filter(|load| load.content.is_some() && !load.several) else { return };
        let undone = load.stops.iter().find(|stop| course.stop(**stop) & stop::ENDED == 0);
        if let (Some(&stop), true) = (undone, course.now & now::COMPLETED != 0) {
            let stop = registry.stops.text(stop);
            let message = format!("shipment {id} is completed, and stop {stop} is neither delivered nor failed");
            findings.add(Kind::StopLeftOut, course.at, message);
        }
        let open = course.now & now::CLOSED == 0 && !findings.in_flight(course.at.topic, course.timestamp);
        if open && undone.is_none() {
            findings.add(Kind::ShipmentWithoutEnd, course.at, format!("every stop of shipment {id} is done, and it is not completed"));
        }
    }

    /// How often it has ended with the vehicle.
    pub fn ended(&self, ride: (u32, u32)) -> u32 {
        self.ended.get(&ride).copied().unwrap_or_default()
    }
}

impl Course {
    fn new(at: At) -> Course {
        Course { at, timestamp: i64::MIN, seq: 0, time: i64::MIN, now: 0, stops: vec![], again: 0, again_at: at }
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
    if course.now & now::COMPLETED != 0 {
        return wrong(Kind::AfterTheEnd, "which is completed");
    }
    if course.now & now::RECALLED != 0 {
        // Dispatched again, then: whether it was is known at the end.
        (course.now, course.again, course.again_at) = (0, course.again.saturating_add(1), at);
        course.stops.clear();
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
        S::Departed => {
            if course.now & now::DEPARTED != 0 {
                wrong(Kind::DepartedTwice, "which has departed already");
            }
            course.now |= now::DEPARTED;
        }
        S::Approaching => {
            if been & (stop::INSIDE | stop::ARRIVED | stop::APPROACHED) != 0 {
                wrong(Kind::FenceUnpaired, &format!("which has been near stop {name} already"));
            }
            set(course, stop::APPROACHED, 0);
        }
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
            // Who failed first may deliver later.
            let earlier = if e.kind == S::Delivered { stop::DELIVERED | stop::RECALLED } else { stop::ENDED };
            if been & earlier != 0 {
                wrong(Kind::StopEndedTwice, &format!("where stop {name} was done already"));
            }
            set(course, if e.kind == S::Delivered { stop::DELIVERED } else { stop::FAILED }, 0);
        }
        S::Silent | S::Resumed => episode(course, now::SILENT, e.kind == S::Silent, &mut wrong),
        S::OffRoute | S::BackOnRoute => episode(course, now::OFF_ROUTE, e.kind == S::OffRoute, &mut wrong),
        S::Recalled if stop.is_some() => {
            if been & stop::INSIDE != 0 {
                wrong(Kind::FenceLeftOpen, &format!("which arrived at stop {name} and never left"));
            }
            set(course, stop::RECALLED, 0);
        }
        S::Completed | S::Recalled => {
            if let Some(open) = course.stops.iter().find(|stop| stop.been & stop::INSIDE != 0) {
                wrong(Kind::FenceLeftOpen, &format!("which arrived at stop {} and never left", registry.stops.text(open.number)));
            }
            course.now |= if e.kind == S::Completed { now::COMPLETED } else { now::RECALLED };
        }
        S::Planned | S::EtaChanged | S::Late | S::Overspeed | S::Investigated => {}
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
