//! Stars to figures. In integers: the same ratings are the same figures everywhere.

use schemas::feedback::MAX_RATING;
use schemas::product::RatingFigures;
use serde::{Deserialize, Serialize};

/// How often each number of stars was given, one star first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratings([u32; MAX_RATING as usize]);

impl Ratings {
    /// `stars`: 1 to [`MAX_RATING`].
    pub(super) fn add(&mut self, stars: u8) {
        if let Some(times) = self.0.get_mut(usize::from(stars) - 1) {
            *times = times.saturating_add(1);
        }
    }

    /// `None`: nobody has rated.
    pub fn figures(&self) -> Option<RatingFigures> {
        let count: u64 = self.0.iter().map(|times| u64::from(*times)).sum();
        let stars: u64 = (1..).zip(self.0).map(|(stars, times)| stars * u64::from(times)).sum();
        let mean_milli = (stars * 1000 + count / 2).checked_div(count)? as i64;
        Some(RatingFigures { count, mean_milli, lower_bound_milli: lower_bound_milli(self.0) })
    }
}

/// Thousandths of a star that the true mean exceeds with a probability of 95 %, from how often one to five stars were
/// given.
///
/// Evan Miller, "Ranking Items With Star Ratings" (2014): before anybody has rated, each number of stars is as likely
/// as the others (one imagined rating of each), and the mean of the posterior less 1.65 of its standard deviations is
/// the bound:
///
/// ```text
/// S = Σ s·(n_s + 1) / (N + K) − z · √( (Σ s²·(n_s + 1) / (N + K) − (Σ s·(n_s + 1) / (N + K))²) / (N + K + 1) )
/// ```
///
/// One rating of five stars is 2.404, a hundred of them 4.820: a few good ones are not yet a good product.
pub fn lower_bound_milli(times: [u32; MAX_RATING as usize]) -> i64 {
    let prior = |times: u32| u128::from(times) + 1;
    let all: u128 = times.into_iter().map(prior).sum();
    let sum: u128 = (1..).zip(times).map(|(stars, times)| stars * prior(times)).sum();
    let squares: u128 = (1..).zip(times).map(|(stars, times)| stars * stars * prior(times)).sum();
    // Σs²/M − (Σs/M)² = (Σs²·M − (Σs)²) / M². At most 2^72, and never negative (Cauchy–Schwarz).
    let spread = squares * all - sum * sum;
    let deviation = (Z_SQUARED * 1_000_000 * spread / (all * all * (all + 1) * Z_SQUARED_UNIT)).isqrt();
    (sum * 1000 / all) as i64 - deviation as i64
}

/// 1.65², in units of 1/[`Z_SQUARED_UNIT`]: nineteen of twenty, on one side.
const Z_SQUARED: u128 = 27_225;
const Z_SQUARED_UNIT: u128 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula as it is printed, in floating point.
    fn by_the_book(times: [u32; 5]) -> f64 {
        let (n, k) = (times.iter().map(|t| f64::from(*t)).sum::<f64>(), 5.0);
        let moment = |power: i32| (1..).zip(times).map(|(s, t)| f64::from(s).powi(power) * (f64::from(t) + 1.0) / (n + k)).sum::<f64>();
        moment(1) - 1.65 * ((moment(2) - moment(1).powi(2)) / (n + k + 1.0)).sqrt()
    }

    #[test]
    fn the_bound_is_that_of_the_formula() {
        for times in [
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 1],
            [0, 0, 0, 0, 100],
            [1, 0, 0, 0, 0],
            [3, 1, 4, 1, 5],
            [60, 80, 75, 20, 25],
            [u32::MAX; 5],
            [u32::MAX, 0, 0, 0, u32::MAX],
            [0, 0, 0, 0, u32::MAX],
        ] {
            let (exact, bound) = (by_the_book(times), lower_bound_milli(times) as f64 / 1000.0);
            assert!((exact - bound).abs() < 0.0021, "{times:?}: {exact} and {bound}");
        }
        assert_eq!(lower_bound_milli([0, 0, 0, 0, 1]), 2_404);
        assert_eq!(lower_bound_milli([0, 0, 0, 0, 100]), 4_820);
    }

    #[test]
    fn a_few_good_ratings_are_below_many() {
        assert!(lower_bound_milli([0, 0, 0, 0, 2]) < lower_bound_milli([0, 0, 0, 30, 70]));
        let mut ratings = Ratings::default();
        assert_eq!(ratings.figures(), None);
        for stars in [5, 4, 5] {
            ratings.add(stars);
        }
        let figures = ratings.figures().unwrap();
        assert_eq!((figures.count, figures.mean_milli), (3, 4_667));
        assert!(figures.lower_bound_milli < figures.mean_milli);
    }
}
