//! A clean history of a shop that also has a catalogue, alerts and vehicles: every kind of product event, alert,
//! shipment event and verdict, on top of what happens in `shop.rs`.

use serde_json::{Value, json};

use super::shop::shop;
use super::{Body, History, Input};

/// When the story begins, milliseconds since the epoch.
const BEGIN: i64 = 1_291_190_400_000;

/// Not sealed, so that a test may spoil it.
pub fn whole() -> History {
    let mut h = shop();
    catalogue(&mut h);
    withdrawn(&mut h);
    alerts(&mut h);
    for order in ["30", "31"] {
        paid(&mut h, order);
    }
    delivered_and_failed(&mut h);
    recalled_and_open(&mut h);
    bad_input(&mut h);
    reported(&mut h);
    h
}

fn catalogue(h: &mut History) {
    let first = h.product("D", "upsert", json!({"price": 255, "currency": "GBP", "name": " Heart "}));
    h.product_event("D", "updated", first, json!({"version": 1}));
    h.listing("D", 1);
    h.product("D", "upsert", json!({"currency": "GBP", "name": " Heart ", "price": 255}));
    let stale = h.product("D", "upsert", json!({"price": 260, "expected_version": 7}));
    h.product_event("D", "refused", stale, json!({"reason": "version_conflict", "current_version": 1}));
    let jump = h.product("D", "upsert", json!({"price": 25500, "expected_version": 1}));
    h.product_event("D", "quarantined", jump, json!({"version": 2, "reason": "price_jump", "held": {"price": 25500}}));
    let spelled = h.json("products", "d", json!({"type": "upsert", "sku": "d ", "price": 270, "expected_version": 2}));
    h.product_event("D", "updated", spelled, json!({"version": 3}));
    h.json("products", "D", json!({"type": "upsert", "sku": "D", "price": 270, "expected_version": 3, "name": "\u{200b} "}));
    h.listing("D", 3);
    let received = h.json("restocks", "d", json!({"restock_id": "R-30", "sku": " d", "quantity": 50, "kind": "received"}));
    h.moved("received", ("D", 50, "main"), received);
    h.restock("D", "R-30", "received", 50, json!({}));
}

/// E is withdrawn: what was promised stays, who comes later is refused.
fn withdrawn(h: &mut History) {
    let listed = h.product("E", "upsert", json!({"price": 100}));
    h.product_event("E", "updated", listed, json!({"version": 1}));
    let received = h.restock("E", "R-31", "received", 5, json!({}));
    h.moved("received", ("E", 5, "main"), received);
    let place = h.place("32", &[("E", 1)]);
    h.order_moved("32", "held", ("E", 1, "main"), place);
    h.event_lines("32", "accepted", place, &[("E", 1, "main")]);
    let withdraw = h.product("E", "withdraw", json!({}));
    h.product_event("E", "withdrawn", withdraw, json!({"version": 2}));
    h.listing("E", 2);
    h.payment("32", "P-32", "failed");
    let failed = h.one("payments", &json!({"payment_id": "P-32"}));
    h.event("32", "payment_failed", failed, json!({}));
    let place = h.place("33", &[("D", 1), ("E", 1)]);
    h.order_moved("33", "held", ("D", 1, "main"), place);
    h.order_moved("33", "released", ("D", 1, "main"), place);
    h.event("33", "rejected", place, json!({"reason": "withdrawn_sku", "sku": "E"}));
}

fn alerts(h: &mut History) {
    let place = h.one("orders", &json!({"order_id": "32", "type": "place"}));
    let came = h.one("restocks", &json!({"restock_id": "R-31"}));
    h.alert("E", "raised", 1, (4, 4, 10), came, json!({"severity": "low"}));
    h.forecast("E", json!({"available": 4, "demand_per_day": 2.0, "days_of_cover": 2.0}));
    h.alert("E", "resolved", 1, (25, 5, 10), came, json!({}));
    h.alert("E", "raised", 2, (10, 0, 10), place, json!({"severity": "out", "demand_per_day": 2.0, "days_of_cover": 0.0}));
    h.alert(
        "D",
        "raised",
        1,
        (9, 9, 10),
        place,
        json!({"severity": "low", "demand_per_day": 5.13, "days_of_cover": 1.75,
        "suggested_quantity": 20, "forecast_stockout_at": "2010-12-03T02:32:19.000Z"}),
    );
    let rows = [("main", 1.6, 7), ("shop", 0.5, 3)];
    let rows = rows.map(|(at, demand, point)| json!({"location": at, "demand_per_day": demand, "sigma": 1.0, "reorder_point": point}));
    h.forecast(
        "E",
        json!({"demand_per_day": 2.1, "days_of_cover": 5.2, "order_quantity": 200, "locations": rows,
        "forecast_stockout_at": "2010-12-06T13:14:00.000Z"}),
    );
}

fn paid(h: &mut History, order: &str) {
    let place = h.place(order, &[("D", 2)]);
    h.order_moved(order, "held", ("D", 2, "main"), place);
    h.event_lines(order, "accepted", place, &[("D", 2, "main")]);
    let payment = h.payment(order, &format!("P-{order}"), "captured");
    h.order_moved(order, "sold", ("D", 2, "main"), payment);
    h.event(order, "paid", payment, json!({}));
}

/// V-7 drives S-1 to two stops; one is delivered, one fails; the tracker is silent and lost for a while.
fn delivered_and_failed(h: &mut History) {
    let dispatch = h.dispatch("V-7", "S-1", &[("1", "30"), ("2", "31")]);
    for order in ["30", "31"] {
        h.event_lines(order, "shipped", dispatch, &[("D", 2, "main")]);
        h.event(order, "out_for_delivery", dispatch, json!({}));
    }
    h.shipment("S-1", "V-7", "planned", dispatch, json!({"order_ids": ["30", "31"]}));
    let at = |h: &mut History, verdict: &str| h.judged("V-7", verdict);
    for kind in ["departed", "approaching", "arrived"] {
        let ping = at(h, "accepted");
        h.shipment("S-1", "V-7", kind, ping, if kind == "departed" { json!({}) } else { json!({"stop_id": "1"}) });
    }
    let delivered = h.proof("V-7", "S-1", "delivered", "1");
    h.shipment("S-1", "V-7", "delivered", delivered, json!({"stop_id": "1", "order_ids": ["30"]}));
    h.event("30", "delivered", delivered, json!({}));
    h.proof("V-7", "S-1", "delivered", "1");
    let ping = at(h, "accepted");
    h.shipment("S-1", "V-7", "left", ping, json!({"stop_id": "1"}));
    h.position("V-7", ping, (60.171, 24.941), 4, json!({"state": "moving", "speed": 8.3, "heading": 90}));
    for verdict in ["late", "outlier", "inaccurate"] {
        at(h, verdict);
    }
    let again = h.again("gps-pings", ping);
    h.verdict("V-7", "duplicate", again);
    for kind in ["eta_changed", "late", "off_route", "back_on_route", "overspeed", "silent", "resumed"] {
        let ping = at(h, "accepted");
        h.shipment("S-1", "V-7", kind, ping, json!({"eta": "2010-12-01T09:00:00.000Z", "eta_sigma_seconds": 12.5}));
    }
    let ping = at(h, "accepted");
    h.shipment("S-1", "V-7", "arrived", ping, json!({"stop_id": "2"}));
    h.position("V-7", ping, (60.175, 24.950), 40, json!({"state": "stopped"}));
    let failed = h.proof("V-7", "S-1", "failed", "2");
    h.shipment("S-1", "V-7", "failed", failed, json!({"stop_id": "2"}));
    h.event("31", "noted", failed, json!({"reason": "delivery_failed"}));
    h.shipment("S-1", "V-7", "left", failed, json!({"stop_id": "2"}));
    h.shipment("S-1", "V-7", "completed", failed, json!({}));
    h.position("V-7", ping, (60.175, 24.950), 40, json!({"state": "silent"}));
}

/// V-8 has S-2, which is recalled while it is at its stop, and goes out again with V-9, which is still on its way.
fn recalled_and_open(h: &mut History) {
    let dispatch = h.dispatch("V-8", "S-2", &[("1", "31")]);
    h.dispatch("V-8", "S-2", &[("1", "31")]);
    h.shipment("S-2", "V-8", "planned", dispatch, json!({}));
    h.event("31", "noted", dispatch, json!({"reason": "dispatched_again"}));
    let ping = h.judged("V-8", "accepted");
    h.shipment("S-2", "V-8", "arrived", ping, json!({"stop_id": "1"}));
    let recall = h.proof("V-8", "S-2", "recall", "1");
    h.shipment("S-2", "V-8", "left", recall, json!({"stop_id": "1"}));
    h.shipment("S-2", "V-8", "recalled", recall, json!({}));
    let dispatch = h.dispatch("V-9", "S-2", &[("1", "31")]);
    h.shipment("S-2", "V-9", "planned", dispatch, json!({}));
    h.event("31", "out_for_delivery", dispatch, json!({}));
}

fn bad_input(h: &mut History) {
    let swapped = h.json("gps-pings", "V-7", json!({"vehicle_id": "V-7", "fix_time": 0, "lat": 120.0, "lon": 24.0}));
    h.dead_letter(swapped, "out_of_range");
    let nowhere = h.json("dispatches", "V-7", json!({"type": "dispatch", "shipment_id": "S-3", "vehicle_id": "V-7", "stops": []}));
    h.dead_letter(nowhere, "missing_field");
    let torn = h.push("products", Some(b"D"), Body::Bytes(Some(b"{".to_vec())));
    h.dead_letter(torn, "invalid_json");
}

fn reported(h: &mut History) {
    let report = h.feedback("order", "30", "F-1", "damaged");
    h.event("30", "noted", report, json!({"reason": "feedback"}));
    h.shipment("S-1", "V-7", "investigated", report, json!({"feedback_id": "F-1"}));
    h.feedback("order", "30", "F-1", "damaged");
    let praise = h.feedback("product", "D", "F-2", "praise");
    h.product_event("D", "rated", praise, json!({"version": 3, "ratings": {"count": 1, "mean": 2.0, "lower_bound": 1.9}}));
    let missing = h.feedback("stock", "D", "F-3", "missing");
    h.product_event("D", "count_requested", missing, json!({"version": 3, "reason": "missing"}));
    let moan = h.json("feedback", "d", json!({"feedback_id": "F-4", "about": "product", "id": "d", "kind": "late"}));
    h.product_event("D", "noted", moan, json!({"version": 3}));
    h.json("feedback", "D", json!({"feedback_id": "F-4", "about": "product", "id": "D", "kind": " LATE"}));
}

/// The records of these topics.
impl History {
    pub fn product(&mut self, sku: &str, kind: &str, more: Value) -> Input {
        self.json("products", sku, super::merged(json!({"type": kind, "sku": sku}), more))
    }

    pub fn product_event(&mut self, sku: &str, kind: &str, cause: Input, more: Value) -> Input {
        self.json("product-events", sku, super::merged(json!({"sku": sku, "type": kind, "cause": super::cause_json(cause)}), more))
    }

    pub fn listing(&mut self, sku: &str, version: u64) -> Input {
        self.json("product-catalog", sku, json!({"sku": sku, "version": version, "price": 255, "currency": "GBP"}))
    }

    /// The figures are inventory position, available and reorder point.
    pub fn alert(&mut self, sku: &str, state: &str, episode: u64, figures: (i64, i64, i64), cause: Input, more: Value) -> Input {
        let value = json!({"alert_id": format!("{sku}|main|{episode}"), "sku": sku, "location": "main", "state": state, "episode": episode,
            "inventory_position": figures.0, "available": figures.1, "reorder_point": figures.2, "cause": super::cause_json(cause)});
        self.json("low-stock-alerts", sku, super::merged(value, more))
    }

    pub fn forecast(&mut self, sku: &str, more: Value) -> Input {
        self.json("forecasts", sku, super::merged(json!({"sku": sku, "sigma": 1.5, "model": "ses", "reorder_point": 10}), more))
    }

    /// Stops are (stop, order).
    pub fn dispatch(&mut self, vehicle: &str, shipment: &str, stops: &[(&str, &str)]) -> Input {
        let stops: Vec<Value> =
            stops.iter().map(|(stop, order)| json!({"stop_id": stop, "order_id": order, "lat": 60.175, "lon": 24.95})).collect();
        let value = json!({"type": "dispatch", "shipment_id": shipment, "vehicle_id": vehicle, "depot": {"lat": 60.171, "lon": 24.941}, "stops": stops});
        self.json("dispatches", vehicle, value)
    }

    /// A dispatch that is planned, and that each of its orders takes note of.
    pub fn sent(&mut self, vehicle: &str, shipment: &str, stops: &[(&str, &str)]) -> Input {
        let dispatch = self.dispatch(vehicle, shipment, stops);
        self.shipment(shipment, vehicle, "planned", dispatch, json!({}));
        for (_, order) in stops {
            self.event(order, "noted", dispatch, json!({"reason": "order_closed"}));
        }
        dispatch
    }

    /// `delivered`, `failed` or `recall`.
    pub fn proof(&mut self, vehicle: &str, shipment: &str, kind: &str, stop: &str) -> Input {
        self.json("dispatches", vehicle, json!({"type": kind, "shipment_id": shipment, "vehicle_id": vehicle, "stop_id": stop}))
    }

    pub fn shipment(&mut self, shipment: &str, vehicle: &str, kind: &str, cause: Input, more: Value) -> Input {
        let value = json!({"shipment_id": shipment, "vehicle_id": vehicle, "type": kind, "cause": super::cause_json(cause)});
        self.json("shipment-events", shipment, super::merged(value, more))
    }

    /// A ping with a fix of now.
    pub fn ping(&mut self, vehicle: &str) -> Input {
        let now = BEGIN + 1000 * self.entries.len() as i64;
        self.fix(vehicle, now)
    }

    pub fn fix(&mut self, vehicle: &str, time: i64) -> Input {
        self.json("gps-pings", vehicle, json!({"vehicle_id": vehicle, "fix_time": time, "lat": 60.17, "lon": 24.94}))
    }

    pub fn verdict(&mut self, vehicle: &str, verdict: &str, ping: Input) -> Input {
        let mut value = json!({"vehicle_id": vehicle, "verdict": verdict, "cause": super::cause_json(ping)});
        let cause = self.entries.iter().find(|e| (e.topic, e.offset) == ping).map(|e| e.value.clone());
        if let Some(Body::Json(cause)) = cause
            && let Some(Ok(time)) = cause["fix_time"].as_i64().map(jiff::Timestamp::from_millisecond)
        {
            value["fix_time"] = json!(time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string());
        }
        self.json("ping-verdicts", vehicle, value)
    }

    /// A ping and its verdict; a late one is older than the vehicle's others.
    pub fn judged(&mut self, vehicle: &str, verdict: &str) -> Input {
        let ping = if verdict == "late" { self.fix(vehicle, BEGIN) } else { self.ping(vehicle) };
        self.verdict(vehicle, verdict, ping);
        ping
    }

    /// A minute later somebody else is heard: what was waiting until then waits no longer.
    pub fn a_minute_later(&mut self) {
        let ping = self.judged("V-10", "accepted");
        let index = self.find(ping.0, ping.1);
        self.entries[index].timestamp += 60_000;
    }

    pub fn position(&mut self, vehicle: &str, cause: Input, (lat, lon): (f64, f64), minute: u32, more: Value) -> Input {
        let fix_time = format!("2010-12-01T08:{minute:02}:00.000Z");
        let value = json!({"vehicle_id": vehicle, "lat": lat, "lon": lon, "fix_time": fix_time, "cause": super::cause_json(cause)});
        self.json("vehicle-positions", vehicle, super::merged(value, more))
    }

    pub fn feedback(&mut self, about: &str, id: &str, feedback: &str, kind: &str) -> Input {
        self.json("feedback", id, json!({"feedback_id": feedback, "about": about, "id": id, "kind": kind, "rating": 2}))
    }

    /// The same record once more.
    pub fn again(&mut self, topic: &'static str, (_, offset): Input) -> Input {
        let entry = self.entries[self.find(topic, offset)].clone();
        let again = self.push(topic, entry.key.as_deref(), entry.value);
        if let Some(last) = self.entries.last_mut() {
            last.headers = entry.headers;
        }
        again
    }
}
