//! Orders from a seed. The same seed gives the same bytes: results of different days are compared by them, so nothing
//! here may change what is drawn, or in which order.

use std::fmt::Write as _;

use crate::rfc3339;

/// splitmix64.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    #[expect(clippy::should_implement_trait, reason = "it has no end, and nobody wants to iterate over it")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 up to, but not including, `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// 0 up to, but not including, 1.
    pub fn f(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The id of the n-th SKU; the first is 1.
pub fn sku(number: usize) -> String {
    format!("S-{number:05}")
}

/// What a unit of the n-th SKU costs, in minor units of GBP.
pub fn price(number: usize) -> usize {
    100 + (number * 37) % 4900
}

/// Lines of an order at most.
const MOST_LINES: usize = 5;

/// Makes orders of 1–5 lines (2.55 in the mean) of distinct SKUs, which are drawn by Zipf's law with exponent 1.
pub struct OrderGen {
    rng: Rng,
    /// Of each SKU: the share of all draws that it and those before it have.
    shares: Vec<f64>,
}

impl OrderGen {
    /// `skus`: how many there are to draw from.
    pub fn new(seed: u64, skus: usize) -> OrderGen {
        let mut sum = 0.0;
        let mut shares: Vec<f64> = Vec::with_capacity(skus);
        for number in 1..=skus {
            sum += 1.0 / number as f64;
            shares.push(sum);
        }
        for share in &mut shares {
            *share /= sum;
        }
        OrderGen { rng: Rng::new(seed), shares }
    }

    /// Replaces `out` by the next order as JSON.
    pub fn order(&mut self, order_id: &str, placed_ms: i64, out: &mut String) {
        let lines = self.line_count();
        let customer = self.rng.below(10_000) + 1;
        out.clear();
        // A string takes all that is written to it.
        let _ = write!(
            out,
            r#"{{"type":"place","order_id":"{order_id}","customer_id":"C-{customer}","placed_at":"{}","currency":"GBP","lines":["#,
            rfc3339(placed_ms)
        );
        let mut drawn = [0; MOST_LINES];
        for index in 0..lines {
            let number = self.another_sku(&drawn[..index]);
            drawn[index] = number;
            let comma = if index > 0 { "," } else { "" };
            let (quantity, price) = (self.rng.below(6) + 1, price(number));
            let _ = write!(out, r#"{comma}{{"sku":"S-{number:05}","quantity":{quantity},"unit_price":{price}}}"#);
        }
        out.push_str("]}");
    }

    fn line_count(&mut self) -> usize {
        let lines = match self.rng.below(100) {
            0..=24 => 1,
            25..=54 => 2,
            55..=74 => 3,
            75..=89 => 4,
            _ => MOST_LINES,
        };
        lines.min(self.shares.len())
    }

    /// A SKU that the order has not got yet.
    fn another_sku(&mut self, drawn: &[usize]) -> usize {
        let mut number = self.draw_sku();
        while drawn.contains(&number) {
            // Of few SKUs the next one is taken: a draw might hit those that are taken again and again.
            number = if self.shares.len() > 16 { self.draw_sku() } else { number % self.shares.len() + 1 };
        }
        number
    }

    fn draw_sku(&mut self) -> usize {
        let lot = self.rng.f();
        self.shares.partition_point(|share| *share < lot).min(self.shares.len() - 1) + 1
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// Results of different days are compared by these orders: they must not change.
    #[test]
    fn the_orders_of_a_seed_stay_the_same() {
        let mut generator = OrderGen::new(1, 5_000);
        let (mut hash, mut order) = (Sha256::new(), String::new());
        for number in 1..=1_000 {
            generator.order(&format!("O-{number:06}"), 1_767_225_600_000 + number * 10, &mut order);
            hash.update(&order);
        }
        assert_eq!(hex::encode(hash.finalize()), "badd4574da67f2186d72ad42ea8e9d48f783ce0b910583aaac3e87e724022670");
    }
}
