//! Waybill's rules and three simple policies, each fed the same sales day by day, each saying at the end of a day what
//! it expects and when it would order how much. None is ever shown a later day.
//!
//! | method | expects of a day | σ |
//! | --- | --- | --- |
//! | `waybill` | what the demand rules say | of their one-step error |
//! | `naive` | what the last day sold | of that forecast's error, over all days |
//! | `average` | the mean of the last 28 days | of the days' demand |
//! | `fixed` | the mean of the first 28 days, for ever: a threshold that somebody set once | of those days' demand |
//!
//! All use the same formulas for reorder point and order quantity, so that only the forecast differs.

use std::collections::VecDeque;

use processors::Trigger;
use processors::demand::reorder::{economic_order_quantity, reorder_point};
use processors::demand::{self, Change, Config, Demand, Figures, Parameters};
use schemas::{Cause, Source, Timestamp};

use crate::history::Day;

/// Days that the moving average looks back, and that the fixed threshold is made from.
pub const WINDOW_DAYS: usize = 28;
const DAY_MILLIS: i64 = 86_400_000;
/// The backtest has one place.
const PLACE: &str = "main";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Waybill,
    Naive,
    Average,
    Fixed,
}

impl Method {
    pub const ALL: [Method; 4] = [Method::Waybill, Method::Naive, Method::Average, Method::Fixed];

    pub fn word(self) -> &'static str {
        match self {
            Method::Waybill => "waybill",
            Method::Naive => "naive",
            Method::Average => "average",
            Method::Fixed => "fixed",
        }
    }
}

/// What a method expects of the days to come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Units a day.
    pub demand: f64,
    /// Standard deviation of a day.
    pub sigma: f64,
}

/// One method at work on one SKU.
pub enum Estimator {
    Waybill { config: Box<Config>, parameters: Parameters, demand: Option<Demand> },
    Naive { last: f64, errors: Spread },
    Average { window: VecDeque<f64> },
    Fixed { days: Spread },
}

/// Mean and variance of what was seen so far (Welford).
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    count: usize,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    fn sigma(&self) -> f64 {
        if self.count > 1 { (self.squares / (self.count - 1) as f64).sqrt() } else { 0.0 }
    }
}

impl Estimator {
    pub fn new(method: Method, config: &Config, parameters: &Parameters) -> Estimator {
        match method {
            Method::Waybill => Estimator::Waybill { config: Box::new(config.clone()), parameters: parameters.clone(), demand: None },
            Method::Naive => Estimator::Naive { last: 0.0, errors: Spread::default() },
            Method::Average => Estimator::Average { window: VecDeque::with_capacity(WINDOW_DAYS) },
            Method::Fixed => Estimator::Fixed { days: Spread::default() },
        }
    }

    /// A day has ended. What is cancelled on its day was never wanted; of later returns only Waybill makes something.
    pub fn observe(&mut self, day: Day, sold: i64, returned: i64) {
        let wanted = (sold - returned).max(0) as f64;
        match self {
            Estimator::Waybill { config, parameters, demand } => {
                // There is always something to sell: demand is known in full.
                let figures = Figures { available: 1, incoming: 0 };
                let tell = |demand: Option<Demand>, at: i64, sold, returned| {
                    let cause = Cause { source: Source::Orders, partition: 0, offset: day };
                    let change = [Change { location: PLACE, sold, returned, before: figures, after: figures }];
                    let step = demand::apply(
                        config,
                        parameters,
                        Trigger { at: Timestamp(at), cause },
                        &demand::Event::Stock(&change),
                        demand.as_ref(),
                    );
                    step.demand.or(demand)
                };
                let noted = tell(demand.take(), day * DAY_MILLIS, sold, returned);
                *demand = tell(noted, (day + 1) * DAY_MILLIS, 0, 0);
            }
            Estimator::Naive { last, errors } => {
                errors.add(wanted - *last);
                *last = wanted;
            }
            Estimator::Average { window } => {
                if window.len() == WINDOW_DAYS {
                    window.pop_front();
                }
                window.push_back(wanted);
            }
            Estimator::Fixed { days } => {
                if days.count < WINDOW_DAYS {
                    days.add(wanted);
                }
            }
        }
    }

    pub fn estimate(&self) -> Estimate {
        match self {
            Estimator::Waybill { config, parameters, demand } => {
                let plan = demand.as_ref().and_then(|demand| demand.plan(config, parameters, PLACE));
                plan.map_or_else(Estimate::default, |plan| Estimate { demand: plan.demand_per_day, sigma: plan.sigma })
            }
            Estimator::Naive { last, errors } => Estimate { demand: *last, sigma: errors.sigma() },
            Estimator::Average { window } => {
                let mut days = Spread::default();
                for day in window {
                    days.add(*day);
                }
                Estimate { demand: days.mean, sigma: days.sigma() }
            }
            Estimator::Fixed { days } => Estimate { demand: days.mean, sigma: days.sigma() },
        }
    }
}

/// Order when so many are there or on their way, and how many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    pub reorder_point: i64,
    pub order_quantity: i64,
}

impl Policy {
    /// The same formulas for all.
    pub fn of(estimate: Estimate, parameters: &Parameters, z: f64) -> Policy {
        let Estimate { demand, sigma } = estimate;
        let s = reorder_point(demand, sigma, parameters.lead_time_days, parameters.lead_time_sigma_days, z);
        let quantity = economic_order_quantity(parameters.order_cost, demand * 365.0, parameters.holding_cost);
        Policy { reorder_point: (s.ceil() as i64).max(0), order_quantity: (quantity.ceil() as i64).max(1) }
    }
}
