//! Seeded faults in low-stock alerts and forecasts.

use crate::history::faults::faults;
use serde_json::json;

// Episodes.
faults! {
    raised_twice: whole, [AlertOutOfTurn], |h| {
        let came = h.one("restocks", &json!({"restock_id": "R-31"}));
        h.alert("E", "raised", 3, (4, 4, 10), came, json!({"severity": "low"}))
    }
    resolved_and_never_raised: whole, [AlertOutOfTurn], |h| {
        let came = h.one("restocks", &json!({"restock_id": "R-31"}));
        h.alert("B", "resolved", 1, (40, 40, 10), came, json!({}))
    }
    an_alert_that_was_lost: whole, [AlertOutOfTurn], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "E", "state": "resolved"}));
        h.remove(at);
        h.one("low-stock-alerts", &json!({"sku": "E", "state": "raised", "episode": 2}))
    }
    an_alert_that_comes_twice: whole, [AlertOutOfTurn], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.again("low-stock-alerts", at)
    }
    an_episode_that_was_skipped: whole, [WrongEpisode], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.edit(at, json!({"episode": 2, "alert_id": "D|main|2"}));
        at
    }
    an_episode_ended_under_another_number: whole, [WrongEpisode], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "E", "state": "resolved"}));
        h.edit(at, json!({"episode": 3, "alert_id": "E|main|3"}));
        at
    }
    an_alert_id_of_another_place: whole, [WrongId], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.edit(at, json!({"alert_id": "D|shop|1"}));
        at
    }
}

// Figures.
faults! {
    raised_above_the_reorder_point: whole, [WrongAlert], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.edit(at, json!({"inventory_position": 11}));
        at
    }
    resolved_at_the_reorder_point: whole, [WrongAlert], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "E", "state": "resolved"}));
        h.edit(at, json!({"inventory_position": 10}));
        at
    }
    out_while_there_is_some: whole, [WrongAlert], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.edit(at, json!({"severity": "out"}));
        at
    }
    low_while_there_is_none: whole, [WrongAlert], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "E", "episode": 2}));
        h.edit(at, json!({"severity": "low"}));
        at
    }
    a_suggestion_that_is_too_little: whole, [WrongAlert], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.edit(at, json!({"suggested_quantity": 1}));
        at
    }
    more_available_than_there_is_and_will_be: whole, [WrongAlert], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "E", "episode": 2}));
        h.edit(at, json!({"severity": "low", "available": 11, "days_of_cover": 5.5}));
        at
    }
    days_of_cover_that_are_not: whole, [WrongAlert], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.edit(at, json!({"days_of_cover": 3.5}));
        at
    }
    raised_without_severity: whole, [MalformedOutput], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.edit(at, json!({"severity": null}));
        at
    }
    an_alert_without_cause: whole, [UnknownCause], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        h.edit(at, json!({"cause": {"topic": "orders", "partition": 0, "offset": 1000}}));
        at
    }
    an_alert_because_of_a_bad_record: whole, [WrongCause], |h| {
        let at = h.one("low-stock-alerts", &json!({"sku": "D"}));
        let torn = h.push("restocks", Some(b"D"), crate::history::Body::Bytes(Some(b"{".to_vec())));
        h.dead_letter(torn, "invalid_json");
        h.edit(at, json!({"cause": {"topic": "restocks", "partition": 0, "offset": torn.1}}));
        at
    }
}

// Forecasts.
faults! {
    a_demand_below_nothing: whole, [WrongForecast], |h| {
        h.forecast("D", json!({"demand_per_day": -0.1}))
    }
    a_cover_that_never_ends: whole, [MalformedOutput], |h| {
        let raw = br#"{"sku":"D","days_of_cover":1e999,"at":"2010-12-01T08:26:00.000Z"}"#;
        h.push("forecasts", Some(b"D"), crate::history::Body::Bytes(Some(raw.to_vec())))
    }
    a_cover_that_does_not_fit_the_demand: whole, [WrongForecast], |h| {
        let at = h.one("forecasts", &json!({"sku": "E", "available": 4}));
        h.edit(at, json!({"days_of_cover": 4.0}));
        at
    }
    a_stock_out_on_another_day: whole, [WrongForecast], |h| {
        let at = h.one("forecasts", &json!({"sku": "E", "order_quantity": 200}));
        h.edit(at, json!({"forecast_stockout_at": "2010-12-09T08:26:00.000Z"}));
        at
    }
    a_demand_that_is_not_its_places_together: whole, [WrongForecast], |h| {
        let at = h.one("forecasts", &json!({"sku": "E", "order_quantity": 200}));
        h.edit(at, json!({"demand_per_day": 2.2}));
        at
    }
    a_place_with_a_spread_below_nothing: whole, [WrongForecast], |h| {
        let at = h.one("forecasts", &json!({"sku": "E", "order_quantity": 200}));
        h.edit(at, json!({"locations": [{"location": "main", "demand_per_day": 2.1, "sigma": -1.0, "reorder_point": 10}]}));
        at
    }
    one_skus_forecasts_in_two_partitions: whole, [WrongPartition], |h| {
        let at = h.one("forecasts", &json!({"sku": "E", "available": 4}));
        let index = h.find(at.0, at.1);
        h.entries[index].partition = 1;
        h.one("forecasts", &json!({"sku": "E", "order_quantity": 200}))
    }
}
