//! Percentiles and rounding, as the reports show them.

use serde_json::{Value, json};

/// Count, mean and percentiles of milliseconds, to two decimals; null of nothing. Sorts them.
pub fn summary(millis: &mut [f64]) -> Value {
    if millis.is_empty() {
        return Value::Null;
    }
    millis.sort_by(f64::total_cmp);
    let count = millis.len();
    // The nearest rank: always a value that was measured.
    let quantile = |share: f64| {
        let rank = ((share * count as f64).ceil() as usize).clamp(1, count);
        round_to(2, millis[rank - 1])
    };
    let mean = millis.iter().sum::<f64>() / count as f64;
    json!({
        "n": count, "mean": round_to(2, mean), "p50": quantile(0.5), "p90": quantile(0.9), "p99": quantile(0.99),
        "p99.9": quantile(0.999), "max": quantile(1.0),
    })
}

pub fn round_to(decimals: i32, number: f64) -> f64 {
    let scale = 10f64.powi(decimals);
    (number * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let mut millis: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let expected = json!({"n": 200, "mean": 100.5, "p50": 100.0, "p90": 180.0, "p99": 198.0, "p99.9": 200.0, "max": 200.0});
        assert_eq!(summary(&mut millis), expected);
        assert_eq!(summary(&mut [1.005, 0.994])["p50"], json!(0.99));
        assert_eq!(summary(&mut []), Value::Null);
    }
}
