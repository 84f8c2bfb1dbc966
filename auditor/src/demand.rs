//! Low-stock alerts and forecasts: episodes alternate and are numbered, figures agree with each other. Recomputes no
//! demand.

use rustc_hash::FxHashMap;

use crate::facts::{At, Findings, Registry};
use crate::report::Kind;
use crate::wire::demand::{Alert, AlertState, Forecast, Severity};

/// Days of cover are written rounded: so much, or so much of the figure, may be lost.
const ROUNDING_DAYS: f64 = 0.06;
const ROUNDING_SHARE: f64 = 0.02;
/// Nobody waits longer for a stock-out; beyond it the figure may be capped.
const MOST_DAYS: f64 = 3_650.0;

/// The alerts of one SKU at one place so far.
#[derive(Clone, Copy, Debug)]
struct Episodes {
    at: At,
    time: i64,
    episode: u64,
    raised: bool,
}

#[derive(Default)]
pub(crate) struct Demand {
    alerts: FxHashMap<(u32, u32), Episodes>,
    /// The last forecast of each SKU: where, and its `at`.
    forecasts: FxHashMap<u32, (At, i64)>,
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
        let this = Episodes { at, time: alert.millis, episode: alert.episode, raised };
        let before = self.alerts.insert(key, this);
        if let Some(before) = &before {
            if before.at.partition != at.partition {
                let message = format!("`{word}` of {place}, whose alerts so far are in partition {}", before.at.partition);
                findings.add(Kind::WrongPartition, at, message);
            }
            if alert.millis < before.time {
                findings.add(Kind::TimeBackwards, at, format!("`{word}` of {place} is at {}, earlier than the one before", alert.at));
            }
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
        if let Some((before, time)) = self.forecasts.insert(sku, (at, forecast.millis)) {
            if before.partition != at.partition {
                let message = format!("the forecast of {}, whose forecasts so far are in partition {}", forecast.sku, before.partition);
                findings.add(Kind::WrongPartition, at, message);
            }
            if forecast.millis < time {
                let message = format!("the forecast of {} is at {}, earlier than the one before", forecast.sku, forecast.at);
                findings.add(Kind::TimeBackwards, at, message);
            }
        }
        let figures = [
            ("demand_per_day", forecast.demand_per_day),
            ("sigma", forecast.sigma),
            ("reorder_point", forecast.reorder_point),
            ("order_quantity", forecast.order_quantity),
        ];
        let cover = cover(forecast.available, forecast.demand_per_day, forecast.days_of_cover);
        if let Some(why) = unlikely(&figures).or(cover) {
            findings.add(Kind::WrongForecast, at, format!("the forecast of {}: {why}", forecast.sku));
        }
    }

    pub fn finish(&self, findings: &mut Findings) {
        findings.counts().open_alerts = self.alerts.values().filter(|episodes| episodes.raised).count() as u64;
    }
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
    if alert.severity == Some(Severity::Out) && alert.available > 0 {
        return Some(format!("it says `out`, and {} are available", alert.available));
    }
    if alert.suggested_quantity.is_some_and(|quantity| quantity < 0) {
        return Some("the suggested quantity is negative".into());
    }
    let figures = [("demand_per_day", alert.demand_per_day), ("demand_sigma", alert.demand_sigma)];
    unlikely(&figures).or_else(|| cover(Some(alert.available as f64), alert.demand_per_day, alert.days_of_cover))
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
    // The demand is rounded as well: two places of it, which is much of a slow seller's.
    let least = (available.max(0.0) / (demand + 0.005)).min(MOST_DAYS);
    let most = available.max(0.0) / (demand - 0.005).max(f64::MIN_POSITIVE);
    let fits = days >= least * (1.0 - ROUNDING_SHARE) - ROUNDING_DAYS && days <= most * (1.0 + ROUNDING_SHARE) + ROUNDING_DAYS;
    (!fits).then(|| format!("{days} days of cover, where {available} are available and {demand} go a day"))
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
            (100.0, 0.0, 9.0, true),
        ] {
            assert_eq!(cover(Some(available), Some(demand), Some(days)).is_none(), fits, "{available} {demand} {days}");
        }
        assert!(cover(None, Some(5.1), Some(3.4)).is_none(), "what is not known is not compared");
        assert!(cover(None, None, Some(f64::INFINITY)).is_some());
    }
}
