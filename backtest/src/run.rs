//! All methods over all SKUs: one pass over the days for forecasts and for shelves at every level of caution.

use processors::demand::reorder::{reorder_point, z_of};
use processors::demand::{Config, Parameters, Product};

use crate::accuracy::{Accuracy, Errors};
use crate::history::{History, Rows, Series};
use crate::method::{Estimate, Estimator, Method, Policy};
use crate::simulate::{Costs, Outcome, Shelf};

/// How to try.
#[derive(Clone, Debug)]
pub struct Options {
    pub config: Config,
    pub lead_days: u32,
    /// Days from a SKU's first sale on that only teach; the measures begin after them.
    pub warm_up_days: usize,
    /// Service at which costs are compared: the share of days with demand on which all of it is served.
    pub service: f64,
}

impl Options {
    /// For so many days of history: a lead time of a week and four weeks to learn, or less if there is less.
    pub fn for_days(days: usize) -> Options {
        let short = days < SHORT_DAYS;
        Options {
            config: Config::default(),
            lead_days: if short { 2 } else { 7 },
            warm_up_days: if short { (days / 3).max(1) } else { 28 },
            // More can hardly be reached by anybody who knows a SKU for two days.
            service: if short { 0.9 } else { 0.95 },
        }
    }
}

/// A history shorter than this is tried with short lead times.
const SHORT_DAYS: usize = 90;
/// Levels of caution that are tried: z, also below 0, where the reorder point is less than the expected demand.
const CAUTION: [f64; 19] = [-2.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0];
/// The quantile of the pinball loss.
pub const QUANTILE: f64 = 0.95;

/// A policy at one level of caution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub z: f64,
    pub outcome: Outcome,
}

/// What one method came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Result {
    pub method: Method,
    pub accuracy: Accuracy,
    /// From the least caution to the most.
    pub points: Vec<Point>,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub options: Options,
    pub days: usize,
    pub skus: usize,
    /// SKUs with a day after their warm-up.
    pub judged: usize,
    pub rows: Rows,
    pub results: Vec<Result>,
}

pub fn run(history: &History, options: &Options) -> Report {
    let mut results: Vec<Result> = Method::ALL
        .into_iter()
        .map(|method| Result {
            method,
            accuracy: Accuracy::default(),
            points: CAUTION.map(|z| Point { z, outcome: Outcome::default() }).to_vec(),
        })
        .collect();
    let mut judged = 0;
    for series in history.series.values() {
        let Some(begins) = series.begins() else { continue };
        if begins + options.warm_up_days >= history.days {
            continue;
        }
        judged += 1;
        let tried: Vec<(Errors, Vec<Outcome>)> =
            Method::ALL.into_iter().map(|method| try_one(history, series, begins, method, options)).collect();
        let naive = tried[Method::Naive as usize].0;
        for (result, (errors, outcomes)) in results.iter_mut().zip(&tried) {
            result.accuracy.add(errors, &naive);
            for (point, outcome) in result.points.iter_mut().zip(outcomes) {
                point.outcome.add(outcome);
            }
        }
    }
    Report { options: options.clone(), days: history.days, skus: history.series.len(), judged, rows: history.rows, results }
}

fn parameters(series: &Series, options: &Options) -> Parameters {
    let price = (series.price > 0.0).then(|| series.price.round().max(1.0) as i64);
    Parameters::of(&options.config, &Product { lead_time_days: Some(options.lead_days), price, ..Product::default() })
}

/// One method on one SKU.
fn try_one(history: &History, series: &Series, begins: usize, method: Method, options: &Options) -> (Errors, Vec<Outcome>) {
    let parameters = parameters(series, options);
    let costs =
        Costs { lead_days: options.lead_days as usize, order_cost: parameters.order_cost, holding_cost: parameters.holding_cost / 365.0 };
    let mut estimator = Estimator::new(method, &options.config, &parameters);
    let mut errors = Errors::default();
    let mut shelves: Vec<Shelf> = vec![];
    let judged_from = begins + options.warm_up_days;
    let lead = options.lead_days as usize;
    let z = z_of(QUANTILE);
    for day in begins..history.days {
        let wanted = series.wanted(day);
        if day >= judged_from {
            let estimate = estimator.estimate();
            errors.day(estimate.demand, wanted as f64);
            if day + lead <= history.days {
                let quantile = reorder_point(estimate.demand, estimate.sigma, lead as f64, 0.0, z);
                let demand: i64 = (day..day + lead).map(|day| series.wanted(day)).sum();
                errors.quantile(QUANTILE, quantile, demand as f64);
            }
            if shelves.is_empty() {
                shelves = CAUTION.map(|z| Shelf::new(costs, Policy::of(estimate, &parameters, z))).to_vec();
            }
            for shelf in &mut shelves {
                shelf.day(day, wanted);
            }
        }
        estimator.observe(history.first + day as i64, series.sold[day], series.returned[day]);
        if day >= judged_from {
            let estimate = estimator.estimate();
            for (shelf, z) in shelves.iter_mut().zip(CAUTION) {
                shelf.review(day, Policy::of(estimate, &parameters, z));
            }
        }
    }
    (errors, shelves.iter().map(|shelf| shelf.outcome).collect())
}

/// What a method expected at the end of each day from a SKU's first sale on.
pub fn trace(history: &History, sku: &str, method: Method, options: &Options) -> Vec<(usize, Estimate)> {
    let Some(series) = history.series.get(sku) else { return vec![] };
    let Some(begins) = series.begins() else { return vec![] };
    let mut estimator = Estimator::new(method, &options.config, &parameters(series, options));
    (begins..history.days)
        .map(|day| {
            estimator.observe(history.first + day as i64, series.sold[day], series.returned[day]);
            (day, estimator.estimate())
        })
        .collect()
}
