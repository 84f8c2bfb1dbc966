//! One function for each kind of record: reads it, counts it, and hands it to whoever checks it. Checks nothing itself
//! but what all outputs have in common: id, headers, cause.

use crate::facts::{At, Role, Topic, Units, digest};
use crate::input::mark;
use crate::input::{Class, Input};
use crate::inputs::{Claim, Claimed, Reason, Settled};
use crate::orders::{Held, Seen};
use crate::pings::{OfPing, PingClaim};
use crate::report::Kind;
use crate::wire::catalogue::{Listing, ProductEvent};
use crate::wire::demand::{Alert, Forecast};
use crate::wire::fleet::{Position, ShipmentEvent, Verdict};
use crate::wire::{Cause, EventKind, Level, Movement, MovementKind, OrderEvent, header_fault, id_fits};
use crate::{Auditor, Record};

impl Auditor {
    /// The next record of a topic; what is wrong with its shape, if anything is.
    pub(crate) fn read(&mut self, topic: Topic, at: At, record: &Record) -> Result<(), String> {
        match topic {
            Topic::OrderEvents => OrderEvent::read(record).map(|event| self.order_event(&event, at, record)),
            Topic::ProductEvents => ProductEvent::read(record).map(|event| self.product_event(&event, at, record)),
            Topic::StockMovements => Movement::read(record).map(|movement| self.movement(&movement, at, record)),
            Topic::StockLevels => Level::read(record).map(|level| self.level(&level, at, record)),
            Topic::ProductCatalog => Listing::read(record).map(|listing| self.listing(&listing, at, record)),
            Topic::LowStockAlerts => Alert::read(record).map(|alert| self.alert(&alert, at, record)),
            Topic::Forecasts => Forecast::read(record).map(|forecast| self.forecast(&forecast, at, record)),
            Topic::ShipmentEvents => ShipmentEvent::read(record).map(|event| self.shipment_event(&event, at, record)),
            Topic::VehiclePositions => Position::read(record).map(|position| self.position(&position, at, record)),
            Topic::PingVerdicts => Verdict::read(record).map(|verdict| self.verdict(&verdict, at, record)),
            Topic::DeadLetters => self.dead_letter(at, record),
            input => {
                self.input(input, at, record);
                Ok(())
            }
        }
    }

    fn input(&mut self, topic: Topic, at: At, record: &Record) {
        self.findings.counts().inputs += 1;
        match topic {
            Topic::GpsPings => {
                self.findings.counts().pings += 1;
                self.pings.add(at, record, &mut self.registry);
            }
            Topic::Dispatches => {
                let (mut input, dispatched) = Input::dispatch(record, &mut self.registry);
                if let Some(dispatched) = dispatched {
                    match self.shipments.told(&dispatched) {
                        Some(told) => input.balance = told,
                        None => input.marks |= mark::UNCOUNTED,
                    }
                }
                self.inputs.add(at, input);
            }
            _ => {
                self.findings.counts().feedback += u64::from(topic == Topic::Feedback);
                self.inputs.add(at, Input::read(topic, record, &mut self.registry));
            }
        }
    }

    fn order_event(&mut self, event: &OrderEvent, at: At, record: &Record) {
        let word = event.kind.word();
        let counts = self.findings.counts();
        counts.order_events += 1;
        *counts.events.entry(word).or_default() += 1;
        match event.kind {
            EventKind::Accepted => counts.accepted += 1,
            EventKind::Rejected => {
                counts.rejected += 1;
                *counts.rejections.entry(event.reason.clone().unwrap_or_default()).or_default() += 1;
            }
            _ => {}
        }
        self.identity(("waybill.order.", word), &event.event_id, &event.cause, (&event.order_id, u64::from(event.seq)), at, record);
        let subject = self.registry.orders.number(&event.order_id);
        let by_command = event.cause.topic == self.findings.names.orders;
        let seen = Seen { at, timestamp: record.timestamp, by_command };
        if !self.orders.event(subject, event, seen, &mut self.registry, &mut self.findings) {
            return;
        }
        let mut lines = [Units::NONE; 2];
        for line in &event.lines {
            let sku = self.registry.sku(&line.sku);
            lines[0] += Units::of(line.quantity, Role::Line, sku, 0);
            lines[1] += Units::of(line.quantity, Role::Back, sku, 0);
        }
        let early = matches!(event.reason.as_deref(), Some("payment_before_order" | "shipment_before_order"));
        self.claim(at, &event.cause, subject, Claimed::Event { kind: event.kind, early, lines });
    }

    fn movement(&mut self, movement: &Movement, at: At, record: &Record) {
        let kind = movement.kind;
        let counts = self.findings.counts();
        counts.movements += 1;
        let moved = counts.moved.entry(kind.word()).or_default();
        moved.records += 1;
        moved.units = moved.units.saturating_add(movement.quantity);
        self.identity(("waybill.stock.", kind.word()), &movement.id, &movement.cause, (&movement.sku, movement.seq), at, record);
        // A SKU's chain is kept by its spelling, all else by what is meant.
        let written = self.registry.skus.number(&movement.sku);
        let sku = self.registry.sku(&movement.sku);
        let location = self.registry.locations.number(&movement.location);
        let row = self.stock.row(written, location);
        if !self.stock.movement(written, row, movement, at, &mut self.findings) {
            return;
        }
        let because = self.findings.names.find(&movement.cause.topic).unwrap_or(Topic::Orders);
        if kind == MovementKind::Held && because == Topic::Orders && self.catalogue.withdrawn(sku, record.timestamp) {
            let message = format!("`held` of {} at {}, which was withdrawn", movement.sku, movement.location);
            self.findings.add(Kind::HeldWhileWithdrawn, at, message);
        }
        for order_id in &movement.orders_at_risk {
            let order = self.registry.orders.number(order_id);
            if !self.orders.holds(order, row) {
                let message =
                    format!("order {order_id} is said to be at risk and holds nothing of {} at {}", movement.sku, movement.location);
                self.findings.add(Kind::WrongShortage, at, message);
            }
        }
        let mut subject = sku;
        if let Some(order_id) = &movement.order_id {
            subject = self.registry.orders.number(order_id);
            let held = Held {
                at,
                timestamp: record.timestamp,
                order: subject,
                sku,
                row,
                kind,
                quantity: movement.quantity,
                units: Units::of(movement.quantity, Role::Row, sku, location),
                because,
            };
            let name = || format!("order {order_id} of {} at {}", movement.sku, movement.location);
            self.orders.held(held, &name, &mut self.findings);
        }
        let units = if kind == MovementKind::Adjusted { movement.on_hand } else { movement.quantity };
        self.claim(at, &movement.cause, subject, Claimed::Movement { kind, sku, location, units });
    }

    fn level(&mut self, level: &Level, at: At, record: &Record) {
        self.findings.counts().levels += 1;
        self.headers("waybill.stock.", "level", None, at, record);
        let sku = self.registry.skus.number(&level.sku);
        self.stock.level(sku, level, at, &mut self.registry, &mut self.findings);
    }

    fn product_event(&mut self, event: &ProductEvent, at: At, record: &Record) {
        let word = event.kind.word();
        *self.findings.counts().product_events.entry(word).or_default() += 1;
        self.identity(("waybill.product.", word), &event.event_id, &event.cause, (&event.sku, event.seq), at, record);
        let sku = self.registry.sku(&event.sku);
        if self.catalogue.event(sku, event, at, record.timestamp, &mut self.findings) {
            self.claim(at, &event.cause, sku, Claimed::Product { kind: event.kind });
        }
    }

    fn listing(&mut self, listing: &Listing, at: At, record: &Record) {
        self.findings.counts().listings += 1;
        self.headers("waybill.product.", "listing", None, at, record);
        let sku = self.registry.sku(&listing.sku);
        self.catalogue.row(sku, listing, at, &mut self.findings);
    }

    fn alert(&mut self, alert: &Alert, at: At, record: &Record) {
        let word = alert.state.word();
        *self.findings.counts().alerts.entry(word).or_default() += 1;
        self.headers("waybill.low_stock.", word, None, at, record);
        self.demand.alert(alert, at, &mut self.registry, &mut self.findings);
        self.claim(at, &alert.cause, 0, Claimed::View { word });
    }

    fn forecast(&mut self, forecast: &Forecast, at: At, record: &Record) {
        self.findings.counts().forecasts += 1;
        self.headers("waybill.stock.", "forecast", None, at, record);
        self.demand.forecast(forecast, at, &mut self.registry, &mut self.findings);
        if let Some(cause) = &forecast.cause {
            self.claim(at, cause, 0, Claimed::View { word: "forecast" });
        }
    }

    fn shipment_event(&mut self, event: &ShipmentEvent, at: At, record: &Record) {
        let word = event.kind.word();
        *self.findings.counts().shipment_events.entry(word).or_default() += 1;
        // Two vehicles may speak of one shipment, when it is handed over, and each counts for itself.
        let key = format!("{}/{}", event.vehicle_id, event.shipment_id);
        self.identity(("waybill.shipment.", word), &event.event_id, &event.cause, (&key, event.seq), at, record);
        let shipment = self.registry.shipments.number(&event.shipment_id);
        let vehicle = self.registry.vehicles.number(&event.vehicle_id);
        if self.shipments.event(shipment, event, at, record.timestamp, &mut self.registry, &mut self.findings) {
            self.claim(at, &event.cause, shipment, Claimed::Shipment { kind: event.kind, vehicle });
        }
    }

    fn position(&mut self, position: &Position, at: At, record: &Record) {
        *self.findings.counts().positions.entry(position.motion.word()).or_default() += 1;
        self.headers("waybill.vehicle.", "position", None, at, record);
        let vehicle = self.registry.vehicles.number(&position.vehicle_id);
        self.vehicles.position(vehicle, position, at, &mut self.findings);
        self.claim(at, &position.cause, vehicle, Claimed::Position);
    }

    fn verdict(&mut self, verdict: &Verdict, at: At, record: &Record) {
        let word = verdict.kind.word();
        *self.findings.counts().verdicts.entry(word).or_default() += 1;
        let vehicle = self.registry.vehicles.number(&verdict.vehicle_id);
        let Cause { topic, partition, offset } = &verdict.cause;
        // There is one of each ping, so its number is 1.
        match verdict.event_id.as_deref() {
            Some(id) => self.identity(("waybill.ping.", word), id, &verdict.cause, (&verdict.vehicle_id, 1), at, record),
            None => self.headers("waybill.ping.", word, None, at, record),
        }
        if self.findings.names.find(topic) == Some(Topic::GpsPings) {
            let fix = verdict.fix_millis.map(|millis| digest(&millis) as u32);
            let what = OfPing::Verdict { kind: verdict.kind, vehicle, fix };
            let claim = PingClaim { at, partition: *partition, offset: *offset, what };
            self.pings.verdict(vehicle, verdict, at, &mut self.findings);
            self.pings.claim(claim, &self.registry, &mut self.findings);
        } else {
            self.findings.add(Kind::WrongCause, at, format!("a verdict is on a ping, and its cause is in `{topic}`"));
        }
    }

    fn dead_letter(&mut self, at: At, record: &Record) -> Result<(), String> {
        self.findings.counts().dead_letters += 1;
        // The last of a name is Waybill's: a dead letter that was sent in again brings its own.
        let header = |name: &str| {
            let found = record.headers.iter().rev().find(|(n, _)| *n == name);
            found.and_then(|(_, value)| std::str::from_utf8(value).ok()).ok_or_else(|| format!("the header {name} is missing"))
        };
        let number = |name: &str| header(name)?.parse::<i64>().map_err(|_| format!("the header {name} is not a number"));
        let word = header("waybill.error.reason")?;
        *self.findings.counts().dead_letter_reasons.entry(word.to_owned()).or_default() += 1;
        let reason = match word {
            "missing_key" => Reason::MissingKey,
            "missing_value" => Reason::MissingValue,
            "invalid_utf8" => Reason::InvalidUtf8,
            "invalid_json" => Reason::InvalidJson,
            "conflicting_duplicate" => Reason::ConflictingDuplicate,
            _ => Reason::Other,
        };
        let cause = Cause {
            topic: header("waybill.source.topic")?.into(),
            partition: i32::try_from(number("waybill.source.partition")?).map_err(|e| e.to_string())?,
            offset: number("waybill.source.offset")?,
        };
        self.claim(at, &cause, 0, Claimed::DeadLetter { bytes: digest(&(record.key, record.value)), reason });
        Ok(())
    }

    /// Id and headers are what the cause, the key and the `seq` make them.
    fn identity(&mut self, (family, word): (&str, &str), id: &str, cause: &Cause, (key, seq): (&str, u64), at: At, record: &Record) {
        if !id_fits(id, cause, key, seq) {
            self.findings.add(Kind::WrongId, at, format!("the id `{id}` is not that of its cause, `{key}` and seq {seq}"));
        }
        self.headers(family, word, Some(id), at, record);
    }

    fn headers(&mut self, family: &str, word: &str, id: Option<&str>, at: At, record: &Record) {
        if let Some(fault) = header_fault(record, family, word, id) {
            self.findings.add(Kind::WrongHeaders, at, fault);
        }
    }

    fn claim(&mut self, at: At, cause: &Cause, subject: u32, what: Claimed) {
        let Some(topic) = self.findings.names.find(&cause.topic).filter(|topic| topic.is_input()) else {
            self.findings.add(Kind::UnknownCause, at, format!("its cause is in `{}`, which is no input topic", cause.topic));
            return;
        };
        let claim = Claim { at, cause: At { topic, partition: cause.partition, offset: cause.offset }, subject, what };
        if topic != Topic::GpsPings {
            if let Some(settled) = self.inputs.claim(claim, &self.registry, &mut self.findings) {
                self.settled(&settled);
            }
        } else if let Some(claim) = PingClaim::of(&claim) {
            self.pings.claim(claim, &self.registry, &mut self.findings);
        } else {
            self.findings.add(Kind::WrongCause, at, format!("`{}` cannot follow from its cause, a ping", what.word()));
        }
    }

    /// What others learn only when an output's cause is known.
    pub(crate) fn settled(&mut self, settled: &Settled) {
        let Settled { claim, class, .. } = *settled;
        self.shipments.led(settled, &self.registry);
        if let (Class::Cancel, Claimed::Movement { kind: MovementKind::Returned, sku, location, units }) = (class, claim.what) {
            self.orders.put_back(claim.subject, Units::of(units, Role::Row, sku, location), claim.at);
        }
    }
}
