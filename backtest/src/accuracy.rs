//! How wrong forecasts were. Each measure is pooled over all SKUs and days, and 1 for the naive forecast where it says
//! so, so that a figure below 1 is better than "tomorrow as today".
//!
//! | measure | of | source |
//! | --- | --- | --- |
//! | MASE | absolute one-step errors, over the naive forecast's on the same days | Hyndman, Koehler 2006 |
//! | RMSSE | the root of squared ones, likewise | the M5 competition, 2020 |
//! | pinball loss at 0.95 | the 95 % quantile of the demand of a lead time, in units | Koenker, Bassett 1978 |
//!
//! MASE is least for the median, which is 0 for a SKU that sells on fewer than half of its days; RMSSE is least for the
//! mean, which is what stock is planned by.

/// Sums over SKUs and days.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// Over SKUs: of each, its mean absolute error over that of the naive forecast; and how many there were.
    scaled: f64,
    scaled_squares: f64,
    skus: u64,
    pinball: f64,
    quantiles: u64,
}

/// One SKU's sums.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors {
    pub absolute: f64,
    pub squared: f64,
    pub pinball: f64,
    pub quantiles: u64,
}

impl Errors {
    /// One day: what was expected, what was wanted.
    pub fn day(&mut self, expected: f64, wanted: f64) {
        let off = wanted - expected;
        self.absolute += off.abs();
        self.squared += off * off;
    }

    /// The demand of one lead time against its quantile.
    pub fn quantile(&mut self, level: f64, quantile: f64, wanted: f64) {
        let off = wanted - quantile;
        self.pinball += if off >= 0.0 { level * off } else { (level - 1.0) * off };
        self.quantiles += 1;
    }
}

impl Accuracy {
    /// A SKU, scaled by the naive forecast's errors on the same days; one that never changed has no scale and does not
    /// count.
    pub fn add(&mut self, errors: &Errors, naive: &Errors) {
        if naive.absolute > 0.0 {
            self.scaled += errors.absolute / naive.absolute;
            self.scaled_squares += (errors.squared / naive.squared).sqrt();
            self.skus += 1;
        }
        self.pinball += errors.pinball;
        self.quantiles += errors.quantiles;
    }

    pub fn mase(&self) -> f64 {
        self.scaled / self.skus.max(1) as f64
    }

    pub fn rmsse(&self) -> f64 {
        self.scaled_squares / self.skus.max(1) as f64
    }

    /// Units.
    pub fn pinball(&self) -> f64 {
        self.pinball / self.quantiles.max(1) as f64
    }
}
