//! `forecasts` (compacted): what a SKU is expected to sell, and when to order how much. Field names are the public
//! contract.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::event::{CauseJson, Named};
use crate::{Cause, Timestamp};

/// The forecast of one SKU, over all its places; the key is the SKU.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Units; four decimals.
    pub demand_per_day: f64,
    /// Standard deviation of a day's forecast error, units; four decimals.
    pub sigma: f64,
    /// The model of the place that sells most.
    pub model: &'static str,
    /// The sum of the places' reorder points, units.
    pub reorder_point: i64,
    /// Units to order at a time.
    pub order_quantity: i64,
    /// How many days lasts what is available; two decimals. `None`: nothing is sold.
    pub days_of_cover: Option<f64>,
    pub forecast_stockout_at: Option<Timestamp>,
    /// Sorted by name.
    pub locations: Vec<ForecastRow>,
    pub at: Timestamp,
    pub cause: Cause,
}

/// The same of one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForecastRow {
    pub location: Box<str>,
    pub demand_per_day: f64,
    pub sigma: f64,
    pub model: &'static str,
    pub reorder_point: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_of_cover: Option<f64>,
}

impl Serialize for Named<'_, Forecast> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let f = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sku", self.key)?;
        map.serialize_entry("demand_per_day", &f.demand_per_day)?;
        map.serialize_entry("sigma", &f.sigma)?;
        map.serialize_entry("model", f.model)?;
        map.serialize_entry("reorder_point", &f.reorder_point)?;
        map.serialize_entry("order_quantity", &f.order_quantity)?;
        if let Some(days) = f.days_of_cover {
            map.serialize_entry("days_of_cover", &days)?;
        }
        if let Some(at) = f.forecast_stockout_at {
            map.serialize_entry("forecast_stockout_at", &at.text())?;
        }
        map.serialize_entry("locations", &f.locations)?;
        map.serialize_entry("at", &f.at.text())?;
        map.serialize_entry("cause", &CauseJson::new(self.topic, f.cause))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    #[test]
    fn a_forecast_reads_as_the_contract_says() {
        let forecast = Forecast {
            demand_per_day: 5.1,
            sigma: 2.0,
            model: "ses",
            reorder_point: 40,
            order_quantity: 200,
            days_of_cover: None,
            forecast_stockout_at: None,
            locations: vec![ForecastRow {
                location: "main".into(),
                demand_per_day: 5.1,
                sigma: 2.0,
                model: "ses",
                reorder_point: 40,
                days_of_cover: Some(2.35),
            }],
            at: Timestamp(0),
            cause: Cause { source: Source::Orders, partition: 3, offset: 17 },
        };
        let mut out = vec![];
        Named { event: &forecast, key: "85123A", id: "", topic: "orders" }.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"sku":"85123A","demand_per_day":5.1,"sigma":2.0,"model":"ses","reorder_point":40,"order_quantity":200,"locations":[{"location":"main","demand_per_day":5.1,"sigma":2.0,"model":"ses","reorder_point":40,"days_of_cover":2.35}],"at":"1970-01-01T00:00:00.000Z","cause":{"topic":"orders","partition":3,"offset":17}}"#
        );
    }
}
