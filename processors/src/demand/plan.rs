//! When to order and how much, for one place as of one day: the models' figures through the formulas, rounded as they
//! are shown.

use schemas::Timestamp;

use super::model::Model;
use super::place::Place;
use super::reorder::{LEAST_DEMAND, days_of_cover, economic_order_quantity, reorder_point};
use super::{Config, Parameters};

/// Days of a year, for costs that are given per year.
const YEAR_DAYS: f64 = 365.0;
/// A stock-out further away than this, days, has no date.
const MOST_COVER_DAYS: f64 = 36_500.0;
/// Most units to order at a time or to order at; far from where an `i64` ends.
const MOST_UNITS: f64 = 1e15;

/// What follows from a place's demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub model: Model,
    /// Units; four decimals.
    pub demand_per_day: f64,
    /// Standard deviation of a day's forecast error, units; four decimals.
    pub sigma: f64,
    /// Units: order at that inventory position.
    pub reorder_point: i64,
    /// Units: at that inventory position an episode ends.
    pub resolve_point: i64,
    /// Units to order at a time.
    pub order_quantity: i64,
    pub mute: bool,
}

impl Plan {
    pub(super) fn of(config: &Config, parameters: &Parameters, place: &Place) -> Plan {
        let model = place.models.best();
        let (mean, busiest) = expected(place, model, parameters.lead_time_days);
        let demand = rounded(mean, 1e4);
        let sigma = rounded(place.models.sigma(model), 1e4);
        let (lead, lead_sigma) = (parameters.lead_time_days, parameters.lead_time_sigma_days);
        // Of what is not sold any more nothing is ordered, although its last errors have not faded yet.
        let computed =
            if demand < LEAST_DEMAND { 0 } else { units(reorder_point(rounded(busiest, 1e4), sigma, lead, lead_sigma, config.z)) };
        let reorder_point = parameters.reorder_point.unwrap_or(computed);
        let step = units(config.hysteresis * reorder_point as f64).max(1);
        Plan {
            model,
            demand_per_day: demand,
            sigma,
            reorder_point,
            resolve_point: reorder_point.saturating_add(step),
            order_quantity: order_quantity(parameters, demand),
            mute: parameters.mute,
        }
    }

    /// Units to order at this inventory position: the usual quantity, or more if that would not end the episode.
    pub fn order_at(&self, position: i64) -> i64 {
        self.order_quantity.max(self.resolve_point.saturating_sub(position))
    }

    /// How many days so much lasts; two decimals.
    pub fn days_of_cover(&self, available: i64) -> Option<f64> {
        days_of_cover(available, self.demand_per_day).map(|days| rounded(days, 1e2))
    }

    /// When so much is sold out, from `at` on.
    pub fn stockout_at(&self, available: i64, at: Timestamp) -> Option<Timestamp> {
        stockout_at(available, self.demand_per_day, at)
    }

    /// Something is sold: tomorrow's figures are not today's.
    pub(super) fn is_alive(&self) -> bool {
        self.demand_per_day >= LEAST_DEMAND
    }
}

/// Units to order at a time, at `demand` a day.
pub(super) fn order_quantity(parameters: &Parameters, demand: f64) -> i64 {
    units(economic_order_quantity(parameters.order_cost, demand * YEAR_DAYS, parameters.holding_cost)).max(1)
}

/// When `available` units are sold out at `demand` a day, from `at` on; `None` if that is more than a century.
pub(super) fn stockout_at(available: i64, demand: f64, at: Timestamp) -> Option<Timestamp> {
    let days = days_of_cover(available, demand).filter(|days| *days <= MOST_COVER_DAYS)?;
    Some(at.plus_seconds((days * 86_400.0).round() as i64))
}

/// What the model expects of a day: over a whole week, and over the busiest stretch of it that is as long as the lead
/// time. The reorder point is for the latter: one that followed the weekdays would raise and resolve every weekend.
fn expected(place: &Place, model: Model, lead_days: f64) -> (f64, f64) {
    let week: [f64; 7] = std::array::from_fn(|weekday| place.models.expect(model, weekday));
    let mean = week.iter().sum::<f64>() / 7.0;
    if lead_days >= 7.0 || model != Model::Weekly {
        return (mean, mean);
    }
    let stretch = (lead_days.ceil() as usize).max(1);
    let sum = |first: usize| (first..first + stretch).map(|weekday| week[weekday % 7]).sum::<f64>();
    let busiest = (0..7).map(sum).fold(0.0, f64::max);
    (mean, (busiest / stretch as f64).max(mean))
}

/// Whole units, rounded up; a sum that is a hair above a whole number by its arithmetic is that number.
fn units(value: f64) -> i64 {
    (value - 1e-6).ceil().clamp(0.0, MOST_UNITS) as i64
}

/// Rounded to 1/`scale`.
pub(super) fn rounded(value: f64, scale: f64) -> f64 {
    (value * scale).round() / scale
}
