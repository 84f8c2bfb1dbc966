//! `low-stock-alerts`: a SKU at a place has to be ordered, or no longer has to. Field names are the public contract.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::event::{CauseJson, Named};
use crate::{Cause, Timestamp};

/// One end of an episode of low stock; the key is the SKU. Per SKU and place, `raised` and `resolved` alternate, and
/// an episode has one of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub location: Box<str>,
    pub state: AlertState,
    /// 1, 2, 3 … per SKU and place.
    pub episode: u32,
    /// Of a raise: how it is; of a resolve: the worst that it came to.
    pub severity: Severity,
    /// `available` and what is on its way, units.
    pub inventory_position: i64,
    pub available: i64,
    /// Units; the fixed one of the catalogue, if there is one.
    pub reorder_point: i64,
    /// Units to order now; 0 in a resolve.
    pub suggested_quantity: i64,
    /// Units; four decimals.
    pub demand_per_day: f64,
    /// Standard deviation of a day's forecast error, units; four decimals.
    pub demand_sigma: f64,
    /// How many days `available` lasts; two decimals. `None`: nothing is sold.
    pub days_of_cover: Option<f64>,
    pub forecast_stockout_at: Option<Timestamp>,
    pub at: Timestamp,
    pub cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertState {
    Raised,
    Resolved,
}

impl AlertState {
    pub fn word(self) -> &'static str {
        match self {
            AlertState::Raised => "raised",
            AlertState::Resolved => "resolved",
        }
    }

    /// The CloudEvents type.
    pub fn event_type(self) -> &'static str {
        match self {
            AlertState::Raised => "waybill.low_stock.raised",
            AlertState::Resolved => "waybill.low_stock.resolved",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// There is something left to sell.
    Low,
    /// There is not.
    Out,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Out => "out",
        }
    }
}

/// `85123A|main|3`: the same in the raise and in the resolve of an episode.
pub fn alert_id(sku: &str, alert: &Alert) -> String {
    format!("{sku}|{}|{}", alert.location, alert.episode)
}

/// `id` is what [`alert_id`] says.
impl Serialize for Named<'_, Alert> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let a = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("alert_id", self.id)?;
        map.serialize_entry("sku", self.key)?;
        map.serialize_entry("location", &a.location)?;
        map.serialize_entry("state", a.state.word())?;
        map.serialize_entry("episode", &a.episode)?;
        map.serialize_entry("severity", a.severity.word())?;
        map.serialize_entry("inventory_position", &a.inventory_position)?;
        map.serialize_entry("available", &a.available)?;
        map.serialize_entry("reorder_point", &a.reorder_point)?;
        map.serialize_entry("suggested_quantity", &a.suggested_quantity)?;
        map.serialize_entry("demand_per_day", &a.demand_per_day)?;
        map.serialize_entry("demand_sigma", &a.demand_sigma)?;
        if let Some(days) = a.days_of_cover {
            map.serialize_entry("days_of_cover", &days)?;
        }
        if let Some(at) = a.forecast_stockout_at {
            map.serialize_entry("forecast_stockout_at", &at.text())?;
        }
        map.serialize_entry("at", &a.at.text())?;
        map.serialize_entry("cause", &CauseJson::new(self.topic, a.cause))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    #[test]
    fn an_alert_reads_as_the_contract_says() {
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
            days_of_cover: Some(2.35),
            forecast_stockout_at: Some(Timestamp(203_294_118)),
            at: Timestamp(0),
            cause: Cause { source: Source::Orders, partition: 3, offset: 17 },
        };
        let id = alert_id("85123A", &alert);
        let mut out = vec![];
        Named { event: &alert, key: "85123A", id: &id, topic: "orders" }.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"alert_id":"85123A|main|3","sku":"85123A","location":"main","state":"raised","episode":3,"severity":"low","inventory_position":12,"available":12,"reorder_point":40,"suggested_quantity":200,"demand_per_day":5.1,"demand_sigma":2.0,"days_of_cover":2.35,"forecast_stockout_at":"1970-01-03T08:28:14.118Z","at":"1970-01-01T00:00:00.000Z","cause":{"topic":"orders","partition":3,"offset":17}}"#
        );
    }
}
