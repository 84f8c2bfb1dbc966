//! The report as a table, and costs at equal service.

use std::fmt::Write;

use crate::method::Method;
use crate::run::{Point, QUANTILE, Report, Result};

/// A method's policy at the service that all are compared at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    pub z: f64,
    pub service: f64,
    pub fill: f64,
    pub average_stock: f64,
    /// Minor units a year.
    pub cost: f64,
}

impl Result {
    /// Between the two levels of caution around `service`; `None` if no level reaches it.
    pub fn at_service(&self, service: f64) -> Option<Comparison> {
        let above = self.points.iter().position(|point| point.outcome.service() >= service)?;
        let high = &self.points[above];
        let low = &self.points[above.saturating_sub(1)];
        let (a, b) = (low.outcome.service(), high.outcome.service());
        let share = if b > a { ((service - a) / (b - a)).clamp(0.0, 1.0) } else { 1.0 };
        let between = |figure: fn(&Point) -> f64| figure(low) + share * (figure(high) - figure(low));
        Some(Comparison {
            z: between(|p| p.z),
            service: between(|p| p.outcome.service()),
            fill: between(|p| p.outcome.fill()),
            average_stock: between(|p| p.outcome.average_stock()),
            cost: between(|p| p.outcome.cost()),
        })
    }
}

impl Report {
    /// The method that costs the least at this service, if any reaches it.
    pub fn best(&self, service: f64) -> Option<Method> {
        let costs = self.results.iter().filter_map(|result| Some((result.method, result.at_service(service)?.cost)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(method, _)| method)
    }

    pub fn of(&self, method: Method) -> &Result {
        &self.results[method as usize]
    }

    /// From minor units over the judged days to currency units a year.
    pub(crate) fn yearly(&self) -> f64 {
        YEAR_DAYS / self.days.saturating_sub(self.options.warm_up_days).max(1) as f64 / MINOR_UNITS
    }

    /// The service asked for, one below and one above it.
    pub fn services(&self) -> [f64; 3] {
        let missing = 1.0 - self.options.service;
        [1.0 - 2.0 * missing, 1.0 - missing, 1.0 - 0.6 * missing]
    }
}

const YEAR_DAYS: f64 = 365.0;
/// Of a currency unit.
const MINOR_UNITS: f64 = 100.0;

/// Plain text, at most 100 columns.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(report, &mut text);
    text
}

fn write(report: &Report, text: &mut String) -> std::fmt::Result {
    let (rows, options) = (report.rows, &report.options);
    let defaults = &options.config.defaults;
    writeln!(
        text,
        "{} rows: {} sales, {} cancelled, {} charges, {} write-offs, {} unreadable",
        rows.all, rows.sales, rows.cancelled, rows.charges, rows.write_offs, rows.unreadable
    )?;
    writeln!(
        text,
        "{} days, {} SKUs; {} of them judged, from {} days after their first sale on",
        report.days, report.skus, report.judged, options.warm_up_days
    )?;
    writeln!(
        text,
        "lead time {} days, an order costs {:.2}, holding costs {:.0} % of the price a year",
        options.lead_days,
        defaults.order_cost / MINOR_UNITS,
        defaults.holding_rate * 100.0
    )?;
    writeln!(text, "\nForecast of a day       MASE   RMSSE   pinball loss at {QUANTILE} of the demand of a lead time, units")?;
    for result in &report.results {
        let (name, a) = (result.method.word(), &result.accuracy);
        writeln!(text, "  {name:<16}    {:>7.3} {:>7.3}   {:>10.3}", a.mase(), a.rmsse(), a.pinball())?;
    }
    for service in report.services() {
        writeln!(text, "\nAt {:>4.1} % service          z   units served   average stock   cost a year   beside waybill", service * 100.0)?;
        let own = report.of(Method::Waybill).at_service(service);
        for result in &report.results {
            let name = result.method.word();
            let Some(at) = result.at_service(service) else {
                let most = result.points.last().map_or(0.0, |point| point.outcome.service());
                writeln!(text, "  {name:<16}    does not reach it: {:.1} % at the most caution tried", most * 100.0)?;
                continue;
            };
            let beside = own.map_or(String::new(), |own| format!("{:+.1} %", (at.cost / own.cost - 1.0) * 100.0));
            writeln!(
                text,
                "  {name:<16}    {:>7.2} {:>12.1} % {:>15.1} {:>13.0} {beside:>16}",
                at.z,
                at.fill * 100.0,
                at.average_stock,
                at.cost * report.yearly()
            )?;
        }
        let best = report.best(service).map_or("none", Method::word);
        writeln!(text, "  least cost: {best}")?;
    }
    Ok(())
}
