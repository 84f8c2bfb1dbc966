//! Low-stock alerts and forecasts as `wire.md` describes them. Shape only: nothing is compared but a figure's range.

use std::borrow::Cow;

use serde::Deserialize;

use super::fleet::figure;
use super::{Cause, MAX_FIGURE, json, same_as_key, time};
use crate::Record;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertState {
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    Low,
    Out,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Alert<'a> {
    #[serde(borrow, rename = "alert_id")]
    pub id: Cow<'a, str>,
    #[serde(borrow)]
    pub sku: Cow<'a, str>,
    #[serde(borrow)]
    pub location: Cow<'a, str>,
    pub state: AlertState,
    pub episode: u64,
    pub severity: Option<Severity>,
    pub inventory_position: i64,
    pub available: i64,
    pub reorder_point: i64,
    pub suggested_quantity: Option<i64>,
    pub demand_per_day: Option<f64>,
    pub demand_sigma: Option<f64>,
    pub days_of_cover: Option<f64>,
    #[serde(borrow, rename = "forecast_stockout_at")]
    pub stockout_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub at: Cow<'a, str>,
    #[serde(borrow)]
    pub cause: Cause<'a>,
    /// `at`, read.
    #[serde(skip)]
    pub millis: i64,
    /// `forecast_stockout_at`, read.
    #[serde(skip)]
    pub stockout: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Forecast<'a> {
    #[serde(borrow)]
    pub sku: Cow<'a, str>,
    pub demand_per_day: Option<f64>,
    pub sigma: Option<f64>,
    pub reorder_point: Option<f64>,
    pub order_quantity: Option<f64>,
    pub days_of_cover: Option<f64>,
    /// Not in the contract, so often not there.
    pub available: Option<f64>,
    #[serde(default)]
    pub locations: Vec<ForecastRow>,
    #[serde(borrow, rename = "forecast_stockout_at")]
    pub stockout_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub at: Cow<'a, str>,
    #[serde(borrow)]
    pub cause: Option<Cause<'a>>,
    /// `at`, read.
    #[serde(skip)]
    pub millis: i64,
    /// `forecast_stockout_at`, read.
    #[serde(skip)]
    pub stockout: Option<i64>,
}

/// The same of one place.
#[derive(Debug, Deserialize)]
pub(crate) struct ForecastRow {
    pub location: String,
    pub demand_per_day: Option<f64>,
    pub sigma: Option<f64>,
    pub reorder_point: Option<f64>,
    pub days_of_cover: Option<f64>,
}

impl<'a> Alert<'a> {
    pub fn read(record: &Record<'a>) -> Result<Alert<'a>, String> {
        let mut alert: Alert = json(record)?;
        same_as_key("sku", &alert.sku, record)?;
        alert.millis = time(&alert.at)?;
        alert.stockout = alert.stockout_at.as_deref().map(time).transpose()?;
        let figures = [alert.inventory_position, alert.available, alert.reorder_point, alert.suggested_quantity.unwrap_or_default()];
        if let Some(wrong) = figures.into_iter().find(|f| !(-MAX_FIGURE..=MAX_FIGURE).contains(f)) {
            return Err(format!("the figure {wrong} is out of range"));
        }
        if alert.state == AlertState::Raised && alert.severity.is_none() {
            return Err("`raised` has no severity".into());
        }
        Ok(alert)
    }
}

impl<'a> Forecast<'a> {
    pub fn read(record: &Record<'a>) -> Result<Forecast<'a>, String> {
        let mut forecast: Forecast = json(record)?;
        same_as_key("sku", &forecast.sku, record)?;
        forecast.millis = time(&forecast.at)?;
        forecast.stockout = forecast.stockout_at.as_deref().map(time).transpose()?;
        figure("available", forecast.available, -(MAX_FIGURE as f64)..=MAX_FIGURE as f64)?;
        Ok(forecast)
    }
}
