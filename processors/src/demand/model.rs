//! What a place sells a day: five smoothers side by side, each a few numbers, and how wrong each was of late. Knows
//! days and units; nothing of orders, stock or alerts.
//!
//! | model | for | source |
//! | --- | --- | --- |
//! | `ses` | steady sellers | simple exponential smoothing, Brown 1959 |
//! | `ses_fast` | sellers that change | the same, with a larger gain |
//! | `sba` | now and then | Croston 1972 with the correction of Syntetos and Boylan 2005 |
//! | `tsb` | now and then, and may end | Teunter, Syntetos, Babai 2011: the chance of a sale falls on every day without one |
//! | `weekly` | steady, by day of the week | a level times a factor for the weekday, Winters 1960 without trend |
//!
//! A gain is 1/n at first, until it reaches its constant: the first days are a plain mean, so that one week of data is
//! not wasted. Figures are kept as 32-bit floats, for short state; sums and products are IEEE operations in a fixed
//! order, so that they are the same everywhere.

use serde::{Deserialize, Serialize};

/// Gain of `ses` and of the level of `weekly`: a memory of about 20 days.
pub const SLOW: f64 = 0.05;
/// Gain of `ses_fast`; a memory of about 10 days.
pub const FAST: f64 = 0.1;
/// Gain of the size of a day with sales, and of how far sizes lie from it.
pub const SIZE: f64 = 0.1;
/// Gain of the days between sales.
pub const INTERVAL: f64 = 0.1;
/// Gain of the chance of a sale.
pub const CHANCE: f64 = 0.05;
/// Gain of a weekday's mean; each has one update a week.
pub const WEEKDAY: f64 = 0.1;
/// Gain of the mean squared error; a memory of about a month.
pub const ERROR: f64 = 0.03;
/// Before so many days `ses`, which is a plain mean then, is used: errors of a few days say nothing.
pub const LEAST_DAYS: u32 = 14;
/// … and `weekly` is not chosen before so many: each weekday was seen four times.
pub const LEAST_WEEKLY_DAYS: u32 = 28;
/// After so many days every gain is at its constant, so that a run of equal days has a closed form.
const SETTLED: u32 = 70;

/// A model of a place's demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Model {
    Ses,
    SesFast,
    Sba,
    Tsb,
    Weekly,
}

impl Model {
    pub const ALL: [Model; 5] = [Model::Ses, Model::SesFast, Model::Sba, Model::Tsb, Model::Weekly];

    pub fn word(self) -> &'static str {
        match self {
            Model::Ses => "ses",
            Model::SesFast => "ses_fast",
            Model::Sba => "sba",
            Model::Tsb => "tsb",
            Model::Weekly => "weekly",
        }
    }
}

/// All models of one place, as of the end of a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Models {
    /// Days that counted.
    days: u32,
    /// Of them, those with sales.
    hits: u32,
    /// Days since the last one with sales.
    since: u32,
    slow: f32,
    fast: f32,
    /// Of `weekly`: mean units a day without the weekdays' share.
    level: f32,
    /// Mean units of a day with sales.
    size: f32,
    /// Mean distance of such a day from `size`.
    spread: f32,
    /// Mean days from one day with sales to the next.
    interval: f32,
    /// Chance of a day with sales.
    chance: f32,
    /// Mean units of each weekday, Monday first.
    weekdays: [f32; 7],
    /// Mean squared one-step error of each model, in the order of [`Model::ALL`].
    errors: [f32; Model::ALL.len()],
}

impl Models {
    /// Days that counted so far.
    pub fn days(&self) -> u32 {
        self.days
    }

    /// Days with sales so far.
    pub fn hits(&self) -> u32 {
        self.hits
    }

    /// Units that `ses` remembers: its level times the length of its memory.
    pub fn remembered(&self) -> f64 {
        f64::from(self.slow) / SLOW
    }

    /// Mean units of a day with sales, and how far such days lie from it; `None` before the first.
    pub fn sizes(&self) -> Option<(f64, f64)> {
        (self.hits > 0).then(|| (f64::from(self.size), f64::from(self.spread)))
    }

    /// What `model` expects of a day, units. `weekday`: 0 is Monday.
    pub fn expect(&self, model: Model, weekday: usize) -> f64 {
        match model {
            Model::Ses => self.slow.into(),
            Model::SesFast => self.fast.into(),
            Model::Sba if self.hits == 0 => 0.0,
            Model::Sba => (1.0 - INTERVAL / 2.0) * f64::from(self.size) / f64::from(self.interval),
            Model::Tsb => f64::from(self.size) * f64::from(self.chance),
            Model::Weekly => f64::from(self.level) * self.factor(weekday),
        }
    }

    /// A weekday's mean relative to the whole week's; 1 before there was a whole week.
    fn factor(&self, weekday: usize) -> f64 {
        let week: f64 = self.weekdays.iter().copied().map(f64::from).sum();
        if self.days >= 7 && week > 0.0 { 7.0 * f64::from(self.weekdays[weekday]) / week } else { 1.0 }
    }

    /// The model with the least squared error of late; of equals the simplest.
    pub fn best(&self) -> Model {
        let may = |model: &Model| match model {
            Model::Ses => true,
            Model::SesFast | Model::Sba | Model::Tsb => self.days >= LEAST_DAYS,
            Model::Weekly => self.days >= LEAST_WEEKLY_DAYS,
        };
        let error = |model: Model| self.errors[model as usize];
        let best = Model::ALL.into_iter().filter(may).min_by(|a, b| error(*a).total_cmp(&error(*b)));
        best.unwrap_or(Model::Ses)
    }

    /// Standard deviation of the model's one-step error, units.
    pub fn sigma(&self, model: Model) -> f64 {
        f64::from(self.errors[model as usize]).sqrt()
    }

    /// One more day: `units` were wanted on a `weekday`.
    pub fn day(&mut self, weekday: usize, units: f64) {
        if self.days > 0 {
            for model in Model::ALL {
                let off = units - self.expect(model, weekday);
                smooth(&mut self.errors[model as usize], off * off, ERROR, self.days);
            }
        }
        let off = units - self.expect(Model::Weekly, weekday);
        self.days = self.days.saturating_add(1);
        self.since = self.since.saturating_add(1);
        smooth(&mut self.slow, units, SLOW, self.days);
        smooth(&mut self.fast, units, FAST, self.days);
        // Not divided by the factor: on a weekday without sales there would be nothing to divide by.
        let level = f64::from(self.level);
        smooth(&mut self.level, level + off, SLOW, self.days);
        smooth(&mut self.chance, if units > 0.0 { 1.0 } else { 0.0 }, CHANCE, self.days);
        smooth(&mut self.weekdays[weekday], units, WEEKDAY, self.days.div_ceil(7));
        if units > 0.0 {
            self.hits = self.hits.saturating_add(1);
            let off = (units - f64::from(self.size)).abs();
            if self.hits > 1 {
                smooth(&mut self.spread, off, SIZE, self.hits - 1);
            }
            smooth(&mut self.size, units, SIZE, self.hits);
            smooth(&mut self.interval, f64::from(self.since), INTERVAL, self.hits);
            self.since = 0;
        }
    }

    /// So many days on which nothing was wanted, the first of them a `weekday`. The work is bounded however many.
    pub fn idle(&mut self, mut weekday: usize, mut days: u32) {
        while days > 0 && (self.days < SETTLED || days < 14) {
            self.day(weekday, 0.0);
            weekday = (weekday + 1) % 7;
            days -= 1;
        }
        self.idle_weeks(weekday, days / 7);
        for _ in 0..days % 7 {
            self.day(weekday, 0.0);
            weekday = (weekday + 1) % 7;
        }
    }

    /// Whole weeks without demand, in closed form: all gains are constant, so in a week every forecast shrinks by the
    /// same factor c, and adds c² times as much to its mean squared error as in the week before.
    fn idle_weeks(&mut self, weekday: usize, weeks: u32) {
        if weeks == 0 {
            return;
        }
        let mut first = Models { errors: [0.0; Model::ALL.len()], ..self.clone() };
        for day in 0..7 {
            first.day((weekday + day) % 7, 0.0);
        }
        let keep = power(1.0 - ERROR, 7);
        let weekly = if self.level > 0.0 { f64::from(first.level) / f64::from(self.level) } else { 1.0 };
        for model in Model::ALL {
            let shrink = match model {
                Model::Ses => power(1.0 - SLOW, 7),
                Model::SesFast => power(1.0 - FAST, 7),
                Model::Sba => 1.0,
                Model::Tsb => power(1.0 - CHANCE, 7),
                Model::Weekly => weekly,
            };
            let error = &mut self.errors[model as usize];
            let added = f64::from(first.errors[model as usize]) * geometric(keep, shrink * shrink, weeks);
            *error = (f64::from(*error) * power(keep, weeks) + added) as f32;
        }
        let shrink = |level: &mut f32, gain: f64, times: u32| *level = (f64::from(*level) * power(1.0 - gain, times)) as f32;
        let days = weeks.saturating_mul(7);
        shrink(&mut self.slow, SLOW, days);
        shrink(&mut self.fast, FAST, days);
        shrink(&mut self.chance, CHANCE, days);
        self.level = (f64::from(self.level) * power(weekly, weeks)) as f32;
        self.weekdays.iter_mut().for_each(|mean| shrink(mean, WEEKDAY, weeks));
        self.days = self.days.saturating_add(days);
        self.since = self.since.saturating_add(days);
    }
}

/// Moves `mean` towards `value`, of which it is the `nth`: by 1/n until that is less than `gain`.
fn smooth(mean: &mut f32, value: f64, gain: f64, nth: u32) {
    let before = f64::from(*mean);
    *mean = (before + gain.max(1.0 / f64::from(nth.max(1))) * (value - before)) as f32;
}

/// `base` to the `exponent`th. The library's `powi` may differ between platforms in the last bit.
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    result
}

/// `Σ p^(n−1−i)·q^i` for i from 0 to n−1.
fn geometric(p: f64, q: f64, n: u32) -> f64 {
    if (p - q).abs() < 1e-9 { f64::from(n) * power(p, n - 1) } else { (power(p, n) - power(q, n)) / (p - q) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(days: &[f64]) -> Models {
        let mut models = Models::default();
        days.iter().enumerate().for_each(|(day, units)| models.day(day % 7, *units));
        models
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-4 * (1e-3 + a.abs().max(b.abs()))
    }

    #[test]
    fn the_first_days_are_a_plain_mean() {
        let models = after(&[4.0, 8.0, 0.0, 8.0]);
        assert!(close(models.expect(Model::Ses, 0), 5.0));
        // Sizes 4, 8, 8; intervals 1, 1, 2; three days of four.
        assert!(close(models.expect(Model::Tsb, 0), 20.0 / 3.0 * 0.75));
        assert!(close(models.expect(Model::Sba, 0), 0.95 * (20.0 / 3.0) / (4.0 / 3.0)));
    }

    #[test]
    fn then_the_old_days_fade() {
        let mut models = after(&[10.0; 100]);
        assert!(close(models.expect(Model::Ses, 0), 10.0) && close(models.sigma(Model::Ses), 0.0));
        models.day(0, 30.0);
        assert!(close(models.expect(Model::Ses, 0), 11.0));
        assert!(close(models.expect(Model::SesFast, 0), 12.0));
        assert!(close(models.expect(Model::Tsb, 0), 12.0));
        assert!(close(models.sigma(Model::Ses), (0.03_f64 * 400.0).sqrt()));
    }

    #[test]
    fn each_model_is_chosen_where_it_belongs() {
        let week = [9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0];
        let weekly: Vec<f64> = (0..140).map(|day| week[day % 7]).collect();
        assert_eq!(after(&weekly).best(), Model::Weekly);
        assert_ne!(after(&weekly[..21]).best(), Model::Weekly, "three weeks are too few");
        let steps: Vec<f64> = (0..120).map(|day| f64::from(day / 10 % 2) * 20.0 + 10.0).collect();
        assert_eq!(after(&steps).best(), Model::SesFast);
        let mut ended: Vec<f64> = (0..140).map(|day| if day % 7 == 0 { 10.0 } else { 0.0 }).collect();
        ended.extend([0.0; 60]);
        let models = after(&ended);
        assert!(models.expect(Model::Tsb, 0) < 0.1, "the chance of a sale falls without sales");
        assert!(models.expect(Model::Sba, 0) > 1.0, "Croston does not notice that a seller has ended");
        assert_ne!(models.best(), Model::Sba);
    }

    #[test]
    fn a_long_gap_in_closed_form_is_the_same_day_by_day() {
        for (history, weekday, gap) in [(0, 0, 400), (3, 2, 90), (30, 5, 41), (200, 1, 15), (200, 3, 700), (500, 6, 3650)] {
            let days: Vec<f64> = (0..history).map(|day| f64::from(day * 7 % 11)).collect();
            let (mut closed, mut walked) = (after(&days), after(&days));
            closed.idle(weekday, gap);
            (0..gap).for_each(|day| walked.day((weekday + day as usize) % 7, 0.0));
            assert_eq!((closed.days, closed.hits, closed.since), (walked.days, walked.hits, walked.since));
            for model in Model::ALL {
                let (a, b) = (closed.expect(model, 2), walked.expect(model, 2));
                assert!(close(a, b), "{model:?} after {history}+{gap}: {a} and {b}");
                let (a, b) = (closed.sigma(model), walked.sigma(model));
                assert!(close(a, b), "σ of {model:?} after {history}+{gap}: {a} and {b}");
            }
        }
    }

    #[test]
    fn a_gap_of_any_length_is_done_at_once() {
        let mut models = after(&[5.0; 10]);
        models.idle(0, u32::MAX);
        assert_eq!(models.days, u32::MAX);
        assert!(close(models.expect(Model::Ses, 0), 0.0) && models.sigma(Model::Ses).is_finite());
    }
}
