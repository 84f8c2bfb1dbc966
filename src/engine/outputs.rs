//! Decisions as records: order events, movements, levels, the catalogue, dead letters, with their CloudEvents headers. Writes into
//! the transaction's buffer; decides nothing.

use schemas::alert::{Alert, alert_id};
use schemas::event::{Level, Movement, Named, OrderEvent, event_id};
use schemas::forecast::Forecast;
use schemas::product::{CatalogueRow, ProductEvent};
use schemas::{Reject, Sink, Source, Timestamp};

use super::plan::{Plan, Processor};
use crate::log::{HeaderRef, Records};

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

const JSON: &[u8] = b"application/json";

/// What every CloudEvent says of itself; the id and type differ.
fn cloud_event<'a>(id: &'a str, kind: &'a str, time: &'a str, trace: Option<&'a str>) -> ([HeaderRef<'a>; 7], usize) {
    let headers: [HeaderRef<'a>; 7] = [
        ("ce_specversion", Some(b"1.0")),
        ("ce_id", Some(id.as_bytes())),
        ("ce_type", Some(kind.as_bytes())),
        ("ce_source", Some(b"/waybill")),
        ("ce_time", Some(time.as_bytes())),
        ("content-type", Some(JSON)),
        ("traceparent", trace.map(str::as_bytes)),
    ];
    (headers, if trace.is_some() { 7 } else { 6 })
}

pub fn order_event(plan: &Plan, out: &mut Records, order_id: &str, event: &OrderEvent, trace: Option<&str>) {
    let topic = plan.source_name(event.cause.source);
    let id = event_id(topic, event.cause, order_id, u64::from(event.seq));
    let time = event.at.text();
    let (headers, used) = cloud_event(&id, event.kind.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::OrderEvents, order_id.as_bytes());
    out.push_with(to, Some(order_id.as_bytes()), &headers[..used], |value| {
        Named { event, key: order_id, id: &id, topic }.write(value);
    });
}

pub fn movement(plan: &Plan, out: &mut Records, sku: &str, movement: &Movement, trace: Option<&str>) {
    let topic = plan.source_name(movement.cause.source);
    let id = event_id(topic, movement.cause, sku, movement.seq);
    let time = movement.at.text();
    let (headers, used) = cloud_event(&id, movement.kind.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::StockMovements, sku.as_bytes());
    out.push_with(to, Some(sku.as_bytes()), &headers[..used], |value| {
        Named { event: movement, key: sku, id: &id, topic }.write(value);
    });
}

pub fn level(plan: &Plan, out: &mut Records, sku: &str, level: &Level) {
    let topic = plan.source_name(level.cause.source);
    let id = event_id(topic, level.cause, sku, level.version);
    let time = level.at.text();
    let (headers, used) = cloud_event(&id, "waybill.stock.level", time.as_str(), None);
    let to = plan.sink(Sink::StockLevels, sku.as_bytes());
    out.push_with(to, Some(sku.as_bytes()), &headers[..used], |value| {
        Named { event: level, key: sku, id: &id, topic }.write(value);
    });
}

pub fn product_event(plan: &Plan, out: &mut Records, sku: &str, event: &ProductEvent, trace: Option<&str>) {
    let topic = plan.source_name(event.cause.source);
    let id = event_id(topic, event.cause, sku, event.seq);
    let time = event.at.text();
    let (headers, used) = cloud_event(&id, event.kind.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::ProductEvents, sku.as_bytes());
    out.push_with(to, Some(sku.as_bytes()), &headers[..used], |value| {
        Named { event, key: sku, id: &id, topic }.write(value);
    });
}

pub fn catalogue_row(plan: &Plan, out: &mut Records, sku: &str, row: &CatalogueRow) {
    let topic = plan.source_name(row.cause.source);
    let id = event_id(topic, row.cause, sku, row.version);
    let time = row.at.text();
    let (headers, used) = cloud_event(&id, "waybill.product.listing", time.as_str(), None);
    let to = plan.sink(Sink::ProductCatalog, sku.as_bytes());
    out.push_with(to, Some(sku.as_bytes()), &headers[..used], |value| {
        Named { event: row, key: sku, id: &id, topic }.write(value);
    });
}

/// The CloudEvents id names the episode and which of its ends: it follows from the SKU's history.
pub fn alert(plan: &Plan, out: &mut Records, sku: &str, alert: &Alert, trace: Option<&str>) {
    let topic = plan.source_name(alert.cause.source);
    let id = alert_id(sku, alert);
    let event_id = format!("{id}/{}", alert.state.word());
    let time = alert.at.text();
    let (headers, used) = cloud_event(&event_id, alert.state.event_type(), time.as_str(), trace);
    let to = plan.sink(Sink::LowStockAlerts, sku.as_bytes());
    out.push_with(to, Some(sku.as_bytes()), &headers[..used], |value| {
        Named { event: alert, key: sku, id: &id, topic }.write(value);
    });
}

pub fn forecast(plan: &Plan, out: &mut Records, sku: &str, forecast: &Forecast) {
    let topic = plan.source_name(forecast.cause.source);
    let time = forecast.at.text();
    let id = format!("{sku}/forecast/{}", time.as_str());
    let (headers, used) = cloud_event(&id, "waybill.stock.forecast", time.as_str(), None);
    let to = plan.sink(Sink::Forecasts, sku.as_bytes());
    out.push_with(to, Some(sku.as_bytes()), &headers[..used], |value| {
        Named { event: forecast, key: sku, id: &id, topic }.write(value);
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
