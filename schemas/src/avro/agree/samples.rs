//! Records of every sink, such that each field is there in one of them, and left out, where it may be, in another.

use serde::Serialize;
use serde_json::Value as Json;

use super::super::{Framing, SinkEncoder};
use crate::alert::{Alert, AlertState, Severity, alert_id};
use crate::event::{EventLine, Level, LevelDemand, LevelRow, Movement, MovementKind, Named, OrderEvent, OrderEventKind};
use crate::feedback::{About, Remark};
use crate::fleet::{Judgement, Motion, PingVerdict, PlannedRoute, PlannedStop, ShipmentEvent, ShipmentEventKind, VehiclePosition};
use crate::forecast::{Forecast, ForecastRow};
use crate::gtin::Gtin;
use crate::plan::{Basis, Point};
use crate::product::{CatalogueRow, CountRequest, Product, ProductEvent, ProductEventKind, RatingFigures};
use crate::{Cause, Currency, Sink, Source, Timestamp};

/// A record as JSON and as Avro.
pub type Sample = (Sink, Json, Vec<u8>);

const CAUSE: Cause = Cause { source: Source::Orders, partition: 3, offset: 17 };

pub fn all() -> Vec<Sample> {
    [Some(()), None]
        .into_iter()
        .flat_map(|full| [orders(full), stock(full), catalogue(full), demand(full), fleet(full)])
        .flatten()
        .collect()
}

fn sample<T>(sink: Sink, event: &T, key: &str, id: &str) -> Sample
where
    for<'a> Named<'a, T>: Serialize,
{
    let named = Named { event, key, id, topic: "orders" };
    let (mut json, mut avro) = (vec![], vec![]);
    named.write(&mut json);
    let encoder = SinkEncoder::new(sink, Framing::SingleObject).unwrap_or_else(|| panic!("{} has no schema", sink.name()));
    encoder.try_write(&named, &mut avro).unwrap_or_else(|e| panic!("{}: {e}", sink.name()));
    (sink, serde_json::from_slice(&json).unwrap(), avro)
}

fn remark(full: Option<()>) -> Remark {
    Remark {
        feedback_id: "F".into(),
        about: About::Product,
        kind: "counterfeit".into(),
        rating: full.map(|()| 2),
        text: full.map(|()| "broken".into()),
        order_id: full.map(|()| "536365".into()),
    }
}

fn orders(full: Option<()>) -> Vec<Sample> {
    let event = OrderEvent {
        kind: OrderEventKind::Accepted,
        seq: 1,
        at: Timestamp(1_291_191_960_123),
        cause: CAUSE,
        lines: full.iter().map(|()| EventLine { sku: "A".into(), quantity: 6, location: Some("main".into()) }).collect(),
        expires_at: full.map(|()| Timestamp(900_000)),
        reason: full.map(|()| "insufficient_stock".into()),
        sku: full.map(|()| "A".into()),
        amount: full.map(|()| -15),
        currency: full.map(|()| "GBP".into()),
        payment_id: full.map(|()| "P".into()),
        shipment_id: full.map(|()| "S-1".into()),
        vehicle_id: full.map(|()| "V-7".into()),
        stop_id: full.map(|()| "1".into()),
        detail: full.map(|()| "nobody there".into()),
        feedback: full.map(|()| remark(full).into()),
    };
    vec![sample(Sink::OrderEvents, &event, "536365", "orders/3/17/536365/1")]
}

fn stock(full: Option<()>) -> Vec<Sample> {
    let movement = Movement {
        kind: MovementKind::Held,
        seq: u64::from(u32::MAX),
        location: "main".into(),
        quantity: -6,
        on_hand: 100,
        reserved: 6,
        order_id: full.map(|()| "536365".into()),
        at: Timestamp(-1),
        cause: CAUSE,
        shortage: full.map(|()| 3),
        orders_at_risk: full.iter().map(|()| "536365".into()).collect(),
        previous: [0; 32],
        hash: [0xab; 32],
    };
    let row = LevelRow { location: "main".into(), on_hand: 1, reserved: 2, available: -1, incoming: 4 };
    let level = Level {
        on_hand: 1,
        reserved: 2,
        available: -1,
        incoming: 4,
        // A block's number of items has room for 63 in one byte.
        locations: vec![row; full.map_or(0, |()| 70)],
        version: 5,
        demand: full.map(|()| LevelDemand { demand_per_day: 5.1, demand_sigma: 2.0, reorder_point: 40 }),
        at: Timestamp(0),
        cause: CAUSE,
    };
    vec![sample(Sink::StockMovements, &movement, "A", "orders/3/17/A/1"), sample(Sink::StockLevels, &level, "A", "")]
}

fn catalogue(full: Option<()>) -> Vec<Sample> {
    let product = Product {
        gtin: full.map(|()| Gtin::parse("4006381333931").unwrap()),
        name: full.map(|()| "Heart".into()),
        price: full.map(|()| 255),
        currency: full.map(|()| Currency::new("GBP").unwrap()),
        lead_time_days: full.map(|()| 7),
        order_cost: full.map(|()| 1000),
        holding_cost: full.map(|()| 20),
        reorder_point: full.map(|()| 40),
        mute: full.is_some(),
    };
    let ratings = full.map(|()| RatingFigures { count: 3, mean_milli: 4_333, lower_bound_milli: 2_100 });
    let kinds = [ProductEventKind::Updated, ProductEventKind::Quarantined, ProductEventKind::Refused];
    let mut samples: Vec<Sample> = kinds
        .into_iter()
        .map(|kind| {
            let event = ProductEvent {
                kind,
                seq: 4,
                version: 3,
                at: Timestamp(0),
                cause: CAUSE,
                reason: full.map(|()| "price_jump".into()),
                product: full.map(|()| product.clone().into()),
                feedback: full.map(|()| remark(full).into()),
                ratings,
                request: full.map(|()| CountRequest { location: Some("main".into()), reports: 2 }),
            };
            sample(Sink::ProductEvents, &event, "A", "orders/3/17/A/4")
        })
        .collect();
    let held = full.map(|()| product.clone());
    let row = CatalogueRow { version: 3, state: "listed", product, held, ratings, at: Timestamp(0), cause: CAUSE };
    samples.push(sample(Sink::ProductCatalog, &row, "A", ""));
    samples
}

fn demand(full: Option<()>) -> Vec<Sample> {
    let alert = Alert {
        location: "main".into(),
        state: AlertState::Raised,
        episode: 3,
        severity: Severity::Low,
        inventory_position: 12,
        available: 12,
        reorder_point: 40,
        suggested_quantity: 200,
        demand_per_day: 5.1,
        demand_sigma: 2.0,
        days_of_cover: full.map(|()| 2.35),
        forecast_stockout_at: full.map(|()| Timestamp(203_294_118)),
        at: Timestamp(0),
        cause: CAUSE,
    };
    let row = ForecastRow {
        location: "main".into(),
        demand_per_day: 5.1,
        sigma: 2.0,
        model: "ses",
        reorder_point: 40,
        days_of_cover: full.map(|()| 2.35),
    };
    let forecast = Forecast {
        demand_per_day: 5.1,
        sigma: 2.0,
        model: "ses",
        reorder_point: 40,
        order_quantity: 200,
        days_of_cover: full.map(|()| 2.35),
        forecast_stockout_at: full.map(|()| Timestamp(203_294_118)),
        locations: vec![row],
        at: Timestamp(0),
        cause: CAUSE,
    };
    let id = alert_id("A", &alert);
    vec![sample(Sink::LowStockAlerts, &alert, "A", &id), sample(Sink::Forecasts, &forecast, "A", "")]
}

fn fleet(full: Option<()>) -> Vec<Sample> {
    let eta = full.map(|()| Timestamp(1_772_359_500_000));
    let position = VehiclePosition {
        point: Point::from_degrees(60.17, 24.94),
        fix_time: Timestamp(1_772_359_200_000),
        speed: 830,
        heading: full.map(|()| 905),
        motion: Motion::Moving,
        shipment_id: full.map(|()| "S-1".into()),
        next_stop: full.map(|()| "1".into()),
        eta,
        eta_sigma_seconds: full.map(|()| 40),
        remaining_metres: full.map(|()| 1234),
        cause: CAUSE,
    };
    let verdict = PingVerdict {
        judgement: Judgement::Late,
        reason: "behind",
        fix_time: Timestamp(1_772_359_200_000),
        at: Timestamp(1_772_359_200_500),
        cause: CAUSE,
    };
    let stop = PlannedStop { stop_id: "1".into(), order_id: "536365".into(), metres: 1234, eta, eta_sigma_seconds: full.map(|()| 40) };
    let event = ShipmentEvent {
        kind: ShipmentEventKind::Planned,
        seq: 1,
        at: Timestamp(1_772_359_200_000),
        cause: CAUSE,
        vehicle_id: "V-7".into(),
        order_ids: full.iter().map(|()| "536365".into()).collect(),
        stop_id: full.map(|()| "1".into()),
        eta,
        eta_sigma_seconds: full.map(|()| 40),
        reason: full.map(|()| "recipient_absent".into()),
        since: full.map(|()| Timestamp(1_772_359_100_000)),
        dwell_seconds: full.map(|()| 120),
        distance_metres: full.map(|()| 15),
        speed: full.map(|()| 3_611),
        plan: full.map(|()| PlannedRoute { revision: 2, basis: Basis::Roads, route_metres: 1234, stops: vec![stop] }),
        feedback_id: full.map(|()| "F".into()),
    };
    vec![
        sample(Sink::VehiclePositions, &position, "V-7", ""),
        sample(Sink::PingVerdicts, &verdict, "V-7", "orders/3/17/V-7/1"),
        sample(Sink::ShipmentEvents, &event, "S-1", "orders/3/17/V-7/S-1/1"),
    ]
}
