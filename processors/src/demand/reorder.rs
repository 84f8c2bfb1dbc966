//! When to order and how much: the formulas, by themselves. `docs/models.md` explains each with a worked example that
//! runs as a test. Knows no state.
//!
//! Sources: Silver, Pyke, Thomas, *Inventory and Production Management in Supply Chains*, 4th edition, 2017: chapter 6
//! for the reorder point with uncertain lead time, chapter 4 for the order quantity.

use statrs::distribution::{ContinuousCDF, Normal};

/// z is kept to so many decimals: the last bits of a logarithm differ between platforms.
const Z_DECIMALS: f64 = 1e6;

/// How many standard deviations cover `service_level`, a share between 0 and 1: the normal quantile.
///
/// Panics if it is no such share.
pub fn z_of(service_level: f64) -> f64 {
    assert!(service_level > 0.0 && service_level < 1.0, "a service level is between 0 and 1, not {service_level}");
    (Normal::standard().inverse_cdf(service_level) * Z_DECIMALS).round() / Z_DECIMALS
}

/// `z·√(L·σ² + d²·σ_L²)`, units: demand varies by `sigma` a day, lead time by `lead_sigma` days.
pub fn safety_stock(demand: f64, sigma: f64, lead_days: f64, lead_sigma: f64, z: f64) -> f64 {
    z * (lead_days * sigma * sigma + demand * demand * lead_sigma * lead_sigma).sqrt()
}

/// `d·L + z·√(L·σ² + d²·σ_L²)`, units: order when so many are available or on their way.
pub fn reorder_point(demand: f64, sigma: f64, lead_days: f64, lead_sigma: f64, z: f64) -> f64 {
    demand * lead_days + safety_stock(demand, sigma, lead_days, lead_sigma, z)
}

/// `√(2·K·D/h)`, units: the order quantity at which a period's ordering and holding cost the least. `demand` and
/// `holding_cost` are for the same period, `order_cost` for one order; 0 if holding costs nothing.
pub fn economic_order_quantity(order_cost: f64, demand: f64, holding_cost: f64) -> f64 {
    if holding_cost > 0.0 { (2.0 * order_cost * demand / holding_cost).sqrt() } else { 0.0 }
}

/// Demand of less than this a day, units, is none: it would take years to sell one.
pub const LEAST_DEMAND: f64 = 0.001;

/// How many days `available` units last; `None` if nothing is sold.
pub fn days_of_cover(available: i64, demand: f64) -> Option<f64> {
    (demand >= LEAST_DEMAND).then(|| available.max(0) as f64 / demand)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(decimals: usize, value: f64) -> String {
        format!("{value:.decimals$}")
    }

    #[test]
    fn textbook_values_to_the_printed_digit() {
        assert_eq!(at(1, reorder_point(30.0, 5.0, 10.0, 0.0, 1.65)), "326.1");
        assert_eq!(at(2, reorder_point(120.0, 35.0, 10.0, 0.0, z_of(0.95))), "1382.05");
        assert_eq!(at(2, reorder_point(800.0, 120.0, 4.0, 0.0, z_of(0.90))), "3507.57");
        let demand: f64 = 10_000.0 / 30.0; // Poisson: the variance is the mean.
        assert_eq!(at(1, reorder_point(demand, demand.sqrt(), 2.0, 0.0, 1.645)), "709.1");
        assert_eq!(at(1, safety_stock(demand, demand.sqrt(), 2.0, 0.0, 1.645)), "42.5");
        assert_eq!(at(0, economic_order_quantity(100.0, 10_000.0, 50.0)), "200");
        // Holding cost per year and demand per month: not the same period.
        assert_eq!(at(1, economic_order_quantity(100.0, 120_000.0, 50.0)), "692.8");
    }

    #[test]
    fn an_uncertain_lead_time_needs_more() {
        assert_eq!(at(3, safety_stock(30.0, 5.0, 10.0, 2.0, 1.65)), "102.380");
        assert_eq!(at(3, safety_stock(30.0, 0.0, 10.0, 2.0, 1.65)), "99.000");
        assert_eq!(at(3, safety_stock(30.0, 0.0, 10.0, 0.0, 1.65)), "0.000");
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (level, z) in [(0.5, "0.000000"), (0.9, "1.281552"), (0.95, "1.644854"), (0.975, "1.959964"), (0.99, "2.326348")] {
            assert_eq!(at(6, z_of(level)), z);
        }
    }

    #[test]
    fn cover_without_demand_has_no_end() {
        assert_eq!(days_of_cover(12, 5.0), Some(2.4));
        assert_eq!(days_of_cover(-3, 5.0), Some(0.0));
        assert_eq!(days_of_cover(12, 0.0), None);
    }
}
