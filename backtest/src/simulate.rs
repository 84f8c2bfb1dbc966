//! A shelf under a policy, day by day: what arrives, what is wanted and served, what is ordered, what it costs. What
//! cannot be served is lost. Knows no forecast.

use std::collections::VecDeque;

use crate::method::Policy;

/// What a shelf came to; sums of days and SKUs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    pub days: u64,
    /// Days on which something was wanted, and of them those on which all of it was served.
    pub wanted_days: u64,
    pub served_days: u64,
    pub wanted_units: i64,
    pub served_units: i64,
    pub orders: u64,
    /// Sum of the units at each day's end.
    pub unit_days: i64,
    /// Minor units.
    pub holding_cost: f64,
    pub ordering_cost: f64,
}

impl Outcome {
    /// Share of days with demand on which all of it was served.
    pub fn service(&self) -> f64 {
        if self.wanted_days == 0 { 1.0 } else { self.served_days as f64 / self.wanted_days as f64 }
    }

    /// Share of wanted units that were served.
    pub fn fill(&self) -> f64 {
        if self.wanted_units == 0 { 1.0 } else { self.served_units as f64 / self.wanted_units as f64 }
    }

    /// Minor units.
    pub fn cost(&self) -> f64 {
        self.holding_cost + self.ordering_cost
    }

    /// Units on the shelf at the end of a SKU's day.
    pub fn average_stock(&self) -> f64 {
        self.unit_days as f64 / self.days.max(1) as f64
    }

    pub fn add(&mut self, other: &Outcome) {
        self.days += other.days;
        self.wanted_days += other.wanted_days;
        self.served_days += other.served_days;
        self.wanted_units += other.wanted_units;
        self.served_units += other.served_units;
        self.orders += other.orders;
        self.unit_days += other.unit_days;
        self.holding_cost += other.holding_cost;
        self.ordering_cost += other.ordering_cost;
    }
}

/// What does not change from day to day.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    pub lead_days: usize,
    /// Of one order, minor units.
    pub order_cost: f64,
    /// Of one unit for a day, minor units.
    pub holding_cost: f64,
}

/// One SKU's shelf.
#[derive(Clone, Debug)]
pub struct Shelf {
    costs: Costs,
    on_hand: i64,
    /// Day of arrival and units.
    on_order: VecDeque<(usize, i64)>,
    pub outcome: Outcome,
}

impl Shelf {
    /// Begins just above the reorder point: whether that was right shows at once, not when a first delivery has run out.
    pub fn new(costs: Costs, policy: Policy) -> Shelf {
        Shelf { costs, on_hand: policy.reorder_point + 1, on_order: VecDeque::new(), outcome: Outcome::default() }
    }

    /// A day: deliveries in the morning, then what is wanted. Until its end, [`Shelf::review`], nothing is ordered.
    pub fn day(&mut self, day: usize, wanted: i64) {
        while self.on_order.front().is_some_and(|(arrival, _)| *arrival <= day) {
            self.on_hand += self.on_order.pop_front().map_or(0, |(_, units)| units);
        }
        let served = wanted.min(self.on_hand);
        self.on_hand -= served;
        let outcome = &mut self.outcome;
        outcome.days += 1;
        outcome.wanted_days += u64::from(wanted > 0);
        outcome.served_days += u64::from(wanted > 0 && served == wanted);
        outcome.wanted_units += wanted;
        outcome.served_units += served;
        outcome.unit_days += self.on_hand;
        outcome.holding_cost += self.on_hand as f64 * self.costs.holding_cost;
    }

    /// The end of a day: orders if the position has fallen to the reorder point, enough to be above it. What is ordered
    /// at the end of day t with a lead time of L days is there on the morning of day t + L + 1.
    pub fn review(&mut self, day: usize, policy: Policy) {
        let position = self.on_hand + self.on_order.iter().map(|(_, units)| units).sum::<i64>();
        // Nothing is ordered of what nobody is expected to want.
        if position > policy.reorder_point || (policy.reorder_point == 0 && policy.order_quantity <= 1) {
            return;
        }
        let units = policy.order_quantity.max(policy.reorder_point + 1 - position);
        self.on_order.push_back((day + self.costs.lead_days + 1, units));
        self.outcome.orders += 1;
        self.outcome.ordering_cost += self.costs.order_cost;
    }
}
