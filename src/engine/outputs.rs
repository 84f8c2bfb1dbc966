//! Decisions as records: order events, movements, levels, the catalogue, dead letters, with their CloudEvents headers. Writes into
//! the transaction's buffer; decides nothing.

use schemas::alert::{Alert, alert_id};
use schemas::event::{Level, Movement, Named, OrderEvent, event_id};
use schemas::fleet::{PingVerdict, ShipmentEvent, ShipmentEventId, VehiclePosition};
use schemas::forecast::Forecast;
use schemas::product::{CatalogueRow, ProductEvent};
use schemas::{Reject, Sink, Source, Timestamp, json};

use super::plan::{Plan, Processor};
use crate::log::{Constants, HeaderRef, Records, Tp};

/// A source record as a dead letter repeats it.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    pub source: Source,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [HeaderRef<'a>],
}

/// What a CloudEvent says of itself in its headers.
struct CloudEvent<'a> {
    /// What its type and format have in common.
    constants: Constants,
    own: [HeaderRef<'a>; 3],
    /// So many of `own` are there.
    used: usize,
}

impl<'a> CloudEvent<'a> {
    fn new(content_type: &'static [u8], id: &'a str, kind: &'static str, time: &'a str, trace: Option<&'a str>) -> CloudEvent<'a> {
        CloudEvent {
            constants: [
                ("ce_type", kind.as_bytes()),
                ("ce_specversion", b"1.0"),
                ("ce_source", b"/waybill"),
                ("content-type", content_type),
            ],
            own: [("ce_id", Some(id.as_bytes())), ("ce_time", Some(time.as_bytes())), ("traceparent", trace.map(str::as_bytes))],
            used: if trace.is_some() { 3 } else { 2 },
        }
    }

    fn push(&self, out: &mut Records, to: Tp, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        out.push_with(to, Some(key.as_bytes()), Some(&self.constants), &self.own[..self.used], write);
    }
}

pub fn order_event(plan: &Plan, out: &mut Records, order_id: &str, event: &OrderEvent, trace: Option<&str>) {
    let topic = plan.source_name(event.cause.source);
    let id = event_id(topic, event.cause, order_id, u64::from(event.seq));
    let time = event.at.text();
    let headers = CloudEvent::new(plan.content_type(Sink::OrderEvents), &id, event.kind.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::OrderEvents, order_id.as_bytes());
    headers.push(out, to, order_id, |value| {
        let named = Named { event, key: order_id, id: &id, topic };
        plan.write_by(Sink::OrderEvents, &named, value, |named, value| json::order_event(named, time.as_str(), value));
    });
}

pub fn movement(plan: &Plan, out: &mut Records, sku: &str, movement: &Movement, trace: Option<&str>) {
    let topic = plan.source_name(movement.cause.source);
    let id = event_id(topic, movement.cause, sku, movement.seq);
    let time = movement.at.text();
    let headers = CloudEvent::new(plan.content_type(Sink::StockMovements), &id, movement.kind.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::StockMovements, sku.as_bytes());
    headers.push(out, to, sku, |value| {
        let named = Named { event: movement, key: sku, id: &id, topic };
        plan.write_by(Sink::StockMovements, &named, value, |named, value| json::movement(named, time.as_str(), value));
    });
}

pub fn level(plan: &Plan, out: &mut Records, sku: &str, level: &Level) {
    let topic = plan.source_name(level.cause.source);
    let id = event_id(topic, level.cause, sku, level.version);
    let time = level.at.text();
    let headers = CloudEvent::new(plan.content_type(Sink::StockLevels), &id, "waybill.stock.level", time.as_str(), None);
    let to = plan.sink(Sink::StockLevels, sku.as_bytes());
    headers.push(out, to, sku, |value| {
        plan.write(Sink::StockLevels, &Named { event: level, key: sku, id: &id, topic }, value);
    });
}

pub fn position(plan: &Plan, out: &mut Records, vehicle_id: &str, position: &VehiclePosition) {
    let topic = plan.source_name(position.cause.source);
    let time = position.fix_time.text();
    // What is shown changes without a ping, too: when a vehicle falls silent or gets a shipment.
    let id = format!("{vehicle_id}/position/{}/{}", time.as_str(), position.motion.word());
    let headers = CloudEvent::new(plan.content_type(Sink::VehiclePositions), &id, "waybill.vehicle.position", time.as_str(), None);
    let to = plan.sink(Sink::VehiclePositions, vehicle_id.as_bytes());
    headers.push(out, to, vehicle_id, |value| {
        plan.write(Sink::VehiclePositions, &Named { event: position, key: vehicle_id, id: &id, topic }, value);
    });
}

/// A ping has one verdict, so that its coordinates name it.
pub fn verdict(plan: &Plan, out: &mut Records, vehicle_id: &str, verdict: &PingVerdict) {
    let topic = plan.source_name(verdict.cause.source);
    let id = event_id(topic, verdict.cause, vehicle_id, 1);
    let time = verdict.at.text();
    let headers = CloudEvent::new(plan.content_type(Sink::PingVerdicts), &id, verdict.judgement.event_type(), time.as_str(), None);
    let to = plan.sink(Sink::PingVerdicts, vehicle_id.as_bytes());
    headers.push(out, to, vehicle_id, |value| {
        plan.write(Sink::PingVerdicts, &Named { event: verdict, key: vehicle_id, id: &id, topic }, value);
    });
}

pub fn shipment_event(plan: &Plan, out: &mut Records, shipment_id: &str, event: &ShipmentEvent, trace: Option<&str>) {
    let topic = plan.source_name(event.cause.source);
    let id = ShipmentEventId { topic, cause: event.cause, vehicle_id: &event.vehicle_id, shipment_id, seq: event.seq }.to_string();
    let time = event.at.text();
    let headers = CloudEvent::new(plan.content_type(Sink::ShipmentEvents), &id, event.kind.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::ShipmentEvents, shipment_id.as_bytes());
    headers.push(out, to, shipment_id, |value| {
        plan.write(Sink::ShipmentEvents, &Named { event, key: shipment_id, id: &id, topic }, value);
    });
}

pub fn product_event(plan: &Plan, out: &mut Records, sku: &str, event: &ProductEvent, trace: Option<&str>) {
    let topic = plan.source_name(event.cause.source);
    let id = event_id(topic, event.cause, sku, event.seq);
    let time = event.at.text();
    let headers = CloudEvent::new(plan.content_type(Sink::ProductEvents), &id, event.kind.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::ProductEvents, sku.as_bytes());
    headers.push(out, to, sku, |value| {
        plan.write(Sink::ProductEvents, &Named { event, key: sku, id: &id, topic }, value);
    });
}

pub fn catalogue_row(plan: &Plan, out: &mut Records, sku: &str, row: &CatalogueRow) {
    let topic = plan.source_name(row.cause.source);
    let id = event_id(topic, row.cause, sku, row.version);
    let time = row.at.text();
    let headers = CloudEvent::new(plan.content_type(Sink::ProductCatalog), &id, "waybill.product.listing", time.as_str(), None);
    let to = plan.sink(Sink::ProductCatalog, sku.as_bytes());
    headers.push(out, to, sku, |value| {
        plan.write(Sink::ProductCatalog, &Named { event: row, key: sku, id: &id, topic }, value);
    });
}

/// The CloudEvents id names the episode and which of its ends: it follows from the SKU's history.
pub fn alert(plan: &Plan, out: &mut Records, sku: &str, alert: &Alert, trace: Option<&str>) {
    let topic = plan.source_name(alert.cause.source);
    let id = alert_id(sku, alert);
    let event_id = format!("{id}/{}", alert.state.word());
    let time = alert.at.text();
    let headers = CloudEvent::new(plan.content_type(Sink::LowStockAlerts), &event_id, alert.state.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::LowStockAlerts, sku.as_bytes());
    headers.push(out, to, sku, |value| {
        plan.write(Sink::LowStockAlerts, &Named { event: alert, key: sku, id: &id, topic }, value);
    });
}

pub fn forecast(plan: &Plan, out: &mut Records, sku: &str, forecast: &Forecast) {
    let topic = plan.source_name(forecast.cause.source);
    let time = forecast.at.text();
    let id = format!("{sku}/forecast/{}", time.as_str());
    let headers = CloudEvent::new(plan.content_type(Sink::Forecasts), &id, "waybill.stock.forecast", time.as_str(), None);
    let to = plan.sink(Sink::Forecasts, sku.as_bytes());
    headers.push(out, to, sku, |value| {
        plan.write(Sink::Forecasts, &Named { event: forecast, key: sku, id: &id, topic }, value);
    });
}

/// Key, value and headers as they came, then why and where from. The `__streams.errors.*` names are those of KIP-1034,
/// so that tools made for Kafka Streams read them.
pub fn dead_letter(plan: &Plan, out: &mut Records, record: &Original<'_>, reject: &Reject) {
    let topic = plan.source_name(record.source);
    let partition = record.partition.to_string();
    let offset = record.offset.to_string();
    let timestamp = record.timestamp.to_string();
    let reason = reject.reason.word();
    let reader = Processor::of(record.source).map_or("feedback", Processor::name);
    let mut headers = record.headers.to_vec();
    headers.extend::<[HeaderRef<'_>; 13]>([
        ("waybill.error.reason", Some(reason.as_bytes())),
        ("waybill.error.message", Some(reject.message.as_bytes())),
        ("waybill.source.topic", Some(topic.as_bytes())),
        ("waybill.source.partition", Some(partition.as_bytes())),
        ("waybill.source.offset", Some(offset.as_bytes())),
        ("waybill.source.timestamp", Some(timestamp.as_bytes())),
        ("waybill.processor", Some(reader.as_bytes())),
        ("waybill.version", Some(env!("CARGO_PKG_VERSION").as_bytes())),
        ("__streams.errors.exception", Some(reason.as_bytes())),
        ("__streams.errors.message", Some(reject.message.as_bytes())),
        ("__streams.errors.topic", Some(topic.as_bytes())),
        ("__streams.errors.partition", Some(partition.as_bytes())),
        ("__streams.errors.offset", Some(offset.as_bytes())),
    ]);
    let to = plan.sink(Sink::DeadLetters, record.key.unwrap_or_default());
    out.push(to, record.key, record.value, &headers);
}

/// When a record is further ahead of the wall clock than this, its producer's clock is wrong.
pub const MOST_AHEAD_MILLIS: i64 = 3_600_000;

/// The sentence for a record from the future.
pub fn ahead_of_time(timestamp: i64, now: i64) -> Reject {
    Reject::new(
        schemas::Reason::TimestampInFuture,
        format!(
            "the record's timestamp {} is more than an hour ahead of now, {}; is the producer's clock right?",
            Timestamp(timestamp),
            Timestamp(now)
        ),
    )
}
