//! One SKU at one place: the day that is open, and what becomes of it when it ends. Returned units are taken out of the
//! day on which they come back, a spike is cut, and a day on which there was nothing to sell does not count.

use schemas::Timestamp;
use serde::{Deserialize, Serialize};

use super::Figures;
use super::alert::Episodes;
use super::model::Models;

/// A day with more than `size + SPIKE·spread` units is cut to that; 5 mean distances are about 4σ of a normal.
pub const SPIKE: f64 = 5.0;
/// … but never to less than so many times `size`: there may be few days to judge by.
pub const LEAST_SPIKE: f64 = 3.0;
/// Of the units that were cut off, one in so many is forgotten a day: a return that comes later is not one of them.
const FORGET_CUT: i64 = 32;
/// Most units of a day, or that are remembered as cut off or as to come off later days.
const MOST_UNITS: i64 = 1_000_000_000_000_000;

/// 1970-01-01 was a Thursday; weekdays are counted from Monday.
const EPOCH_WEEKDAY: i64 = 3;
const DAY_MILLIS: i64 = 86_400_000;

/// A day of the shop's own calendar: whole days since 1970-01-01, local time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(pub i64);

impl Day {
    pub fn of(at: Timestamp, utc_offset_minutes: i32) -> Day {
        Day(at.0.saturating_add(offset_millis(utc_offset_minutes)).div_euclid(DAY_MILLIS))
    }

    /// The instant at which it ends.
    pub fn end(self, utc_offset_minutes: i32) -> Timestamp {
        Timestamp((self.0 + 1) * DAY_MILLIS - offset_millis(utc_offset_minutes))
    }

    /// 0 is Monday.
    pub fn weekday(self) -> usize {
        (self.0 + EPOCH_WEEKDAY).rem_euclid(7) as usize
    }
}

fn offset_millis(utc_offset_minutes: i32) -> i64 {
    i64::from(utc_offset_minutes) * 60_000
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    pub name: Box<str>,
    /// The open day; what comes from an earlier one counts here, too.
    pub day: Day,
    /// Units sold and returned on the open day.
    sold: i64,
    returned: i64,
    /// There was something to sell at some time of the open day.
    stocked: bool,
    /// There was something to sell at some time.
    pub ever_stocked: bool,
    /// Units cut off from spikes that may still come back.
    cut: i64,
    /// Units that came back beyond what their day sold: they come off the next days.
    credit: i64,
    pub models: Models,
    pub episodes: Episodes,
}

impl Place {
    pub fn new(name: &str, day: Day) -> Place {
        Place {
            name: name.into(),
            day,
            sold: 0,
            returned: 0,
            stocked: false,
            ever_stocked: false,
            cut: 0,
            credit: 0,
            models: Models::default(),
            episodes: Episodes::default(),
        }
    }

    /// Something was sold or came back on the open day.
    pub fn has_open_sales(&self) -> bool {
        self.sold != 0 || self.returned != 0
    }

    /// Notes what happened on the open day. The order within a day makes no difference.
    pub fn note(&mut self, sold: i64, returned: i64, before: Figures, after: Figures) {
        self.sold = (self.sold + sold).min(MOST_UNITS);
        self.returned = (self.returned + returned).min(MOST_UNITS);
        self.stocked |= before.available > 0 || after.available > 0;
        self.ever_stocked |= self.stocked;
    }

    /// Ends the open day and all that follow up to `today`, which becomes the open one. `available`: units that could
    /// be sold all the while, since nothing has happened.
    pub fn roll(&mut self, today: Day, available: i64) {
        if today <= self.day {
            return;
        }
        self.stocked |= available > 0;
        self.close();
        let next = Day(self.day.0 + 1);
        let idle = u32::try_from(today.0 - next.0).unwrap_or(u32::MAX);
        if available > 0 {
            self.models.idle(next.weekday(), idle);
            self.fade_credit();
        }
        for _ in 0..idle {
            if self.cut == 0 {
                break;
            }
            self.forget_cut();
        }
        self.day = today;
        self.stocked = available > 0;
        self.ever_stocked |= self.stocked;
    }

    fn close(&mut self) {
        let (sold, returned) = (std::mem::take(&mut self.sold), std::mem::take(&mut self.returned));
        self.forget_cut();
        // Nothing was sold because there was nothing to sell: that says nothing of what was wanted.
        if sold == 0 && !self.stocked {
            self.take_back(returned);
            return;
        }
        let wanted = (sold - returned).max(0);
        let credited = self.credit.min(wanted);
        self.credit -= credited;
        let wanted = wanted - credited;
        let counted = self.spike().map_or(wanted, |most| wanted.min(most));
        self.cut = (self.cut + (wanted - counted)).min(MOST_UNITS);
        self.models.day(self.day.weekday(), counted as f64);
        self.take_back((returned - sold).max(0));
    }

    /// Units that were sold on an earlier day have come back: first those that a cut has left out, the others come off
    /// the days to come, as far as the models remember them.
    fn take_back(&mut self, units: i64) {
        let uncounted = units.min(self.cut);
        self.cut -= uncounted;
        self.credit += units - uncounted;
        self.fade_credit();
    }

    /// What the models have forgotten of the sales cannot come off any more.
    fn fade_credit(&mut self) {
        self.credit = self.credit.min(self.models.remembered().round() as i64);
    }

    /// Most units that a day may count; `None` before the first day with sales.
    fn spike(&self) -> Option<i64> {
        let (size, spread) = self.models.sizes()?;
        Some((size + SPIKE * spread).max(LEAST_SPIKE * size).ceil() as i64)
    }

    fn forget_cut(&mut self) {
        // Rounded up, so that it ends.
        self.cut -= (self.cut + FORGET_CUT - 1) / FORGET_CUT;
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::*;

    fn full() -> Figures {
        Figures { available: 100, incoming: 0 }
    }

    fn empty() -> Figures {
        Figures { available: 0, incoming: 0 }
    }

    /// A place that has sold so much a day, from day 0, with enough on the shelf; the next day is open.
    fn sold(days: &[i64]) -> Place {
        let mut place = Place::new("main", Day(0));
        for (day, units) in (1..).zip(days) {
            place.note(*units, 0, full(), full());
            place.roll(Day(day), 100);
        }
        place
    }

    fn mean(place: &Place) -> f64 {
        (place.models.expect(Model::Ses, 0) * 1000.0).round() / 1000.0
    }

    #[test]
    fn days_are_those_of_the_shop() {
        let at = Timestamp::parse("2011-01-18T23:30:00Z").unwrap();
        assert_eq!((Day::of(at, 0).weekday(), Day::of(at, 60).weekday()), (1, 2), "a Tuesday in London, a Wednesday in Paris");
        assert_eq!(Day::of(at, 60).end(60), Timestamp::parse("2011-01-19T23:00:00Z").unwrap());
        assert_eq!(Day::of(Timestamp(-1), 0), Day(-1));
        assert_eq!(Day::of(Timestamp(i64::MAX), 840).0, i64::MAX / DAY_MILLIS);
    }

    #[test]
    fn what_is_cancelled_on_the_same_day_was_never_wanted() {
        let mut place = sold(&[4, 4, 4]);
        place.note(74_215, 0, full(), full());
        place.note(0, 74_215, full(), full());
        place.note(4, 0, full(), full());
        place.roll(Day(4), 100);
        assert_eq!((mean(&place), place.cut, place.credit), (4.0, 0, 0));
    }

    #[test]
    fn what_is_returned_later_comes_off_later_days() {
        let mut place = sold(&[4, 4, 4, 4]);
        place.note(0, 6, full(), full());
        place.roll(Day(5), 100);
        assert_eq!((mean(&place), place.credit), (3.2, 6));
        for day in [6, 7] {
            place.note(4, 0, full(), full());
            place.roll(Day(day), 100);
        }
        // 16 − 6 + 8 in seven days.
        assert_eq!((mean(&place), place.credit), ((18.0_f64 / 7.0 * 1000.0).round() / 1000.0, 0));
    }

    #[test]
    fn a_spike_is_cut_and_its_return_finds_little_to_take_back() {
        let mut place = sold(&[4, 4, 4, 4]);
        place.note(1000, 0, full(), full());
        place.roll(Day(5), 100);
        // Three times the size of a day counts.
        assert_eq!((mean(&place), place.cut), (5.6, 988));
        place.note(0, 1000, full(), full());
        place.roll(Day(6), 100);
        assert_eq!(place.cut, 0);
        // 988, less 31 forgotten in a day, were cut off; the rest comes off later days.
        assert_eq!(place.credit, 43);
    }

    #[test]
    fn more_than_is_remembered_is_not_taken_back() {
        let mut place = sold(&[4, 4, 4, 4]);
        place.note(0, 1_000_000, full(), full());
        place.roll(Day(5), 100);
        assert_eq!(place.credit, 64, "3.2 a day for 20 days");
    }

    #[test]
    fn a_day_without_anything_to_sell_does_not_count() {
        let mut place = sold(&[4, 4]);
        place.note(4, 0, full(), empty());
        place.roll(Day(30), 0);
        assert_eq!((mean(&place), place.models.days()), (4.0, 3), "sold out on the third day, and empty since");
        place.note(0, 0, empty(), full());
        place.roll(Day(31), 100);
        assert_eq!((mean(&place), place.models.days()), (3.0, 4), "the day of the restock counts");
    }

    #[test]
    fn an_idle_day_counts() {
        let mut place = sold(&[4]);
        place.roll(Day(4), 100);
        assert_eq!((mean(&place), place.models.days()), (1.0, 4));
    }

    #[test]
    fn the_order_within_a_day_makes_no_difference() {
        let notes = [(5, 0), (0, 3), (2, 0), (70, 0), (0, 70)];
        let mut forward = sold(&[4, 4]);
        let mut backward = forward.clone();
        for (sold, returned) in notes {
            forward.note(sold, returned, full(), full());
        }
        for (sold, returned) in notes.into_iter().rev() {
            backward.note(sold, returned, full(), full());
        }
        assert_eq!(forward, backward);
    }

    #[test]
    fn what_comes_late_counts_on_the_open_day() {
        let mut place = sold(&[4, 4, 4]);
        place.roll(Day(1), 100);
        assert_eq!(place.day, Day(3));
    }
}
