//! Low-stock alerts and forecasts: episodes alternate and are numbered, figures agree with each other. Recomputes no
//! demand.

use rustc_hash::FxHashMap;

use crate::facts::{At, Findings, Registry};
use crate::report::Kind;
use crate::wire::demand::{Alert, AlertState, Forecast, ForecastRow, Severity};

/// Days are written rounded: so much, or so much of the figure, may be lost.
const ROUNDING_DAYS: f64 = 0.06;
const ROUNDING_SHARE: f64 = 0.02;
/// Units a day are rounded, too, to four decimals.
const ROUNDING_DEMAND: f64 = 0.000_06;
const DAY_MILLIS: f64 = 86_400_000.0;

/// The alerts of one SKU at one place so far.
#[derive(Clone, Copy, Debug)]
struct Episodes {
    at: At,
    episode: u64,
    raised: bool,
}

#[derive(Default)]
pub(crate) struct Demand {
    alerts: FxHashMap<(u32, u32), Episodes>,
    /// The last forecast of each SKU.
    forecasts: FxHashMap<u32, At>,
}

impl Demand {
    /// The next alert of a SKU at a place.
    pub fn alert(&mut self, alert: &Alert, at: At, registry: &mut Registry, findings: &mut Findings) {
        let (word, place) = (alert.state.word(), format!("{} at {}", alert.sku, alert.location));
        if alert.id != format!("{}|{}|{}", alert.sku, alert.location, alert.episode) {
            findings.add(Kind::WrongId, at, format!("the id `{}` is not that of episode {} of {place}", alert.id, alert.episode));
        }
        let key = (registry.skus.number(&alert.sku), registry.locations.number(&alert.location));
        let raised = alert.state == AlertState::Raised;
        let this = Episodes { at, episode: alert.episode, raised };
        let before = self.alerts.insert(key, this);
        if let Some(before) = before.filter(|before| before.at.partition != at.partition) {
            let message = format!("`{word}` of {place}, whose alerts so far are in partition {}", before.at.partition);
            findings.add(Kind::WrongPartition, at, message);
        }
        let (was_raised, last) = before.map_or((false, 0), |before| (before.raised, before.episode));
        let want = if raised { last.saturating_add(1) } else { last };
        if was_raised == raised {
            let why = if raised { "is raised already" } else { "is not raised" };
            findings.add(Kind::AlertOutOfTurn, at, format!("`{word}` of {place}, which {why}"));
        } else if alert.episode != want {
            findings.add(Kind::WrongEpisode, at, format!("`{word}` of {place} has the episode {}, expected {want}", alert.episode));
        }
        if let Some(why) = figures_of_alert(alert) {
            findings.add(Kind::WrongAlert, at, format!("`{word}` of {place}: {why}"));
        }
    }

    /// The next forecast of a SKU.
    pub fn forecast(&mut self, forecast: &Forecast, at: At, registry: &mut Registry, findings: &mut Findings) {
        let sku = registry.skus.number(&forecast.sku);
        if let Some(before) = self.forecasts.insert(sku, at).filter(|before| before.partition != at.partition) {
            let message = format!("the forecast of {}, whose forecasts so far are in partition {}", forecast.sku, before.partition);
            findings.add(Kind::WrongPartition, at, message);
        }
        if let Some(why) = figures_of_forecast(forecast) {
            findings.add(Kind::WrongForecast, at, format!("the forecast of {}: {why}", forecast.sku));
        }
    }

    pub fn finish(&self, findings: &mut Findings) {
        findings.counts().open_alerts = self.alerts.values().filter(|episodes| episodes.raised).count() as u64;
    }
}

/// What is wrong with a forecast's figures, if anything is.
fn figures_of_forecast(f: &Forecast) -> Option<String> {
    let whole = [
        ("demand_per_day", f.demand_per_day),
        ("sigma", f.sigma),
        ("reorder_point", f.reorder_point),
        ("order_quantity", f.order_quantity),
    ];
    let rows = f.locations.iter().find_map(|row| {
        let figures = [("demand_per_day", row.demand_per_day), ("sigma", row.sigma), ("reorder_point", row.reorder_point)];
        let wrong = unlikely(&figures).or_else(|| cover(None, row.demand_per_day, row.days_of_cover));
        wrong.map(|why| format!("at {} {why}", row.location))
    });
    unlikely(&whole)
        .or(rows)
        .or_else(|| sums(f))
        .or_else(|| cover(f.available, f.demand_per_day, f.days_of_cover))
        .or_else(|| stockout(f.millis, f.days_of_cover, f.stockout))
}

/// What all places sell is the sum of what each sells, and so are the reorder points.
fn sums(f: &Forecast) -> Option<String> {
    if f.locations.is_empty() {
        return None;
    }
    let fits = |told: Option<f64>, of: fn(&ForecastRow) -> Option<f64>, rounding: f64| {
        let parts: Option<f64> = f.locations.iter().map(of).sum();
        told.zip(parts).is_none_or(|(told, sum)| (told - sum).abs() <= rounding + sum.abs() * 1e-9)
    };
    if !fits(f.demand_per_day, |row| row.demand_per_day, ROUNDING_DEMAND * f.locations.len() as f64) {
        return Some("demand_per_day is not that of its places together".into());
    }
    (!fits(f.reorder_point, |row| row.reorder_point, 0.5)).then(|| "reorder_point is not that of its places together".into())
}

/// What is wrong with an alert's figures, if anything is.
fn figures_of_alert(alert: &Alert) -> Option<String> {
    let (position, point) = (alert.inventory_position, alert.reorder_point);
    if alert.available > position {
        return Some(format!("{} are available and the inventory position is {position}", alert.available));
    }
    if alert.state == AlertState::Raised && position > point {
        return Some(format!("the inventory position {position} is above the reorder point {point}"));
    }
    if alert.state == AlertState::Resolved && position <= point {
        return Some(format!("the inventory position {position} is not above the reorder point {point}"));
    }
    // A resolve tells the worst that it came to.
    if alert.state == AlertState::Raised && (alert.severity == Some(Severity::Out)) != (alert.available <= 0) {
        return Some(format!("its severity is {:?}, and {} are available", alert.severity, alert.available));
    }
    match (alert.state, alert.suggested_quantity) {
        (_, Some(quantity)) if quantity < 0 => return Some("the suggested quantity is negative".into()),
        (AlertState::Raised, Some(quantity)) if position + quantity <= point => {
            return Some(format!("who orders the suggested {quantity} is still not above the reorder point {point}"));
        }
        _ => {}
    }
    let figures = [("demand_per_day", alert.demand_per_day), ("demand_sigma", alert.demand_sigma)];
    unlikely(&figures)
        .or_else(|| cover(Some(alert.available as f64), alert.demand_per_day, alert.days_of_cover))
        .or_else(|| stockout(alert.millis, alert.days_of_cover, alert.stockout))
}

/// The first figure that is no number, or less than nothing.
fn unlikely(figures: &[(&str, Option<f64>)]) -> Option<String> {
    let wrong = figures.iter().find(|(_, figure)| figure.is_some_and(|figure| !(0.0..=f64::MAX).contains(&figure)));
    wrong.and_then(|(name, figure)| figure.map(|figure| format!("{name} is {figure}")))
}

/// Days of cover are what is available over what goes in a day.
fn cover(available: Option<f64>, demand: Option<f64>, days: Option<f64>) -> Option<String> {
    let days = days?;
    if !(0.0..=f64::MAX).contains(&days) {
        return Some(format!("days_of_cover is {days}"));
    }
    let (available, demand) = (available?, demand?);
    if demand <= 0.0 {
        return None;
    }
    let least = available.max(0.0) / (demand + ROUNDING_DEMAND);
    let most = available.max(0.0) / (demand - ROUNDING_DEMAND).max(f64::MIN_POSITIVE);
    let fits = days >= least * (1.0 - ROUNDING_SHARE) - ROUNDING_DAYS && days <= most * (1.0 + ROUNDING_SHARE) + ROUNDING_DAYS;
    (!fits).then(|| format!("{days} days of cover, where {available} are available and {demand} go a day"))
}

/// The date of the stock-out is so many days from now.
fn stockout(at: i64, days: Option<f64>, date: Option<i64>) -> Option<String> {
    let told = (date? as f64 - at as f64) / DAY_MILLIS;
    let Some(days) = days else { return Some("it has a date of the stock-out and no days of cover".into()) };
    let fits = (told - days).abs() <= ROUNDING_DAYS + days * ROUNDING_SHARE;
    (!fits).then(|| format!("the stock-out is {told:.2} days away, and it says {days} days of cover"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_cover_are_available_over_demand_give_or_take_rounding() {
        for (available, demand, days, fits) in [
            (12.0, 5.1, 2.4, true),
            (12.0, 5.1, 2.35, true),
            (12.0, 5.1, 3.4, false),
            (12.0, 5.1, 1.0, false),
            (-3.0, 5.1, 0.0, true),
            (100.0, 0.01, 10_000.0, true),
            (100.0, 0.01, 12_000.0, false),
            (100.0, 0.0, 9.0, true),
        ] {
            assert_eq!(cover(Some(available), Some(demand), Some(days)).is_none(), fits, "{available} {demand} {days}");
        }
        assert!(cover(None, Some(5.1), Some(3.4)).is_none(), "what is not known is not compared");
        assert!(cover(None, None, Some(f64::INFINITY)).is_some());
    }
}
