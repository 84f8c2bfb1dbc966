//! The SKU's forecast: its places' figures, added up.

use schemas::Timestamp;
use schemas::event::LevelDemand;
use schemas::forecast::{Forecast, ForecastRow};

use super::plan::{Plan, rounded, stockout_at};
use super::reorder::days_of_cover;
use super::{Config, Demand, Parameters, Row};
use crate::Trigger;

/// Demands add up, errors of different places as independent ones do: by their squares. The order quantity is that of
/// the whole SKU: places that order together save orders.
pub(super) fn of(config: &Config, parameters: &Parameters, demand: &Demand, rows: &[Row<'_>], now: Trigger) -> Forecast {
    let plans: Vec<(&str, Plan)> = demand.places.iter().map(|place| (&*place.name, Plan::of(config, parameters, place))).collect();
    let available = |name: &str| rows.iter().find(|row| row.location == name).map_or(0, |row| row.figures.available);
    let per_day = rounded(plans.iter().map(|(_, plan)| plan.demand_per_day).sum(), 1e4);
    let variance: f64 = plans.iter().map(|(_, plan)| plan.sigma * plan.sigma).sum();
    // Of equals the first by name.
    let largest = plans.iter().rev().max_by(|a, b| a.1.demand_per_day.total_cmp(&b.1.demand_per_day));
    let total = plans.iter().map(|(name, _)| available(name).max(0)).sum();
    Forecast {
        demand_per_day: per_day,
        sigma: rounded(variance.sqrt(), 1e4),
        model: largest.map_or("ses", |(_, plan)| plan.model.word()),
        reorder_point: plans.iter().map(|(_, plan)| plan.reorder_point).sum(),
        order_quantity: super::plan::order_quantity(parameters, per_day),
        days_of_cover: days_of_cover(total, per_day).map(|days| rounded(days, 1e2)),
        forecast_stockout_at: stockout_at(total, per_day, now.at),
        locations: plans
            .iter()
            .map(|(name, plan)| ForecastRow {
                location: (*name).into(),
                demand_per_day: plan.demand_per_day,
                sigma: plan.sigma,
                model: plan.model.word(),
                reorder_point: plan.reorder_point,
                days_of_cover: plan.days_of_cover(available(name)),
            })
            .collect(),
        at: now.at,
        cause: now.cause,
    }
}

/// The part of it that needs no stock.
pub(super) fn level(config: &Config, parameters: &Parameters, demand: &Demand) -> LevelDemand {
    let Forecast { demand_per_day, sigma, reorder_point, .. } =
        of(config, parameters, demand, &[], Trigger { at: Timestamp::default(), cause: demand.cause });
    LevelDemand { demand_per_day, demand_sigma: sigma, reorder_point }
}
