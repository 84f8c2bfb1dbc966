//! Customers, the bank and the carrier: what follows when Waybill has accepted an order, or has not.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use schemas::Source;

use super::{Shop, Task, generator, hours, records};
use crate::demo::ledger::OrderHeard;

/// How a customer deals with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Temper {
    Prompt,
    /// When the hold has run out.
    Late,
    Never,
    /// A pound too much or too little, first.
    Wrong,
    Twice,
    CardFails,
    CallsOffUnpaid,
    CallsOffPaid,
    /// The money is there before the order.
    Early,
}

/// Of a hundred customers.
const TEMPERS: [(Temper, u32); 9] = [
    (Temper::Prompt, 78),
    (Temper::Late, 4),
    (Temper::Never, 4),
    (Temper::Wrong, 3),
    (Temper::Twice, 2),
    (Temper::CardFails, 3),
    (Temper::CallsOffUnpaid, 3),
    (Temper::CallsOffPaid, 2),
    (Temper::Early, 1),
];

/// Of all orders, the share that the shop's own vans deliver.
const BY_VAN: f64 = 0.6;

/// Where an order stands, as far as the shop has heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Undecided,
    Held,
    Paid,
    Closed,
}

#[derive(Debug)]
pub(super) struct Order {
    rng: ChaCha8Rng,
    temper: Temper,
    pub stage: Stage,
    delivered: bool,
    lines: BTreeMap<String, Goods>,
    payments: u32,
    /// It goes with one of the shop's own vans, not by carrier.
    by_van: bool,
}

/// One SKU of an order.
#[derive(Debug, Default)]
struct Goods {
    /// Units and their price, without those called off.
    prices: Vec<(i64, i64)>,
    shipped: i64,
    returned: i64,
}

impl Goods {
    fn to_ship(&self) -> i64 {
        self.prices.iter().map(|(quantity, _)| quantity).sum::<i64>() - self.shipped
    }

    fn to_return(&self) -> i64 {
        self.shipped - self.returned
    }

    /// The last priced go first, as everybody agrees to count.
    fn call_off(&mut self, mut units: i64) {
        while units > 0
            && let Some((quantity, _)) = self.prices.last_mut()
        {
            let fewer = units.min(*quantity);
            *quantity -= fewer;
            units -= fewer;
            if *quantity == 0 {
                self.prices.pop();
            }
        }
    }
}

impl Order {
    /// Paid, and somebody waits for it.
    pub(super) fn is_to_go(&self) -> bool {
        self.stage == Stage::Paid && !self.delivered
    }

    /// Pence.
    fn due(&self) -> i64 {
        self.lines.values().flat_map(|goods| &goods.prices).map(|(quantity, price)| quantity * price).sum()
    }
}

impl Shop {
    pub(super) fn plan_orders(&mut self, seed: u64) {
        for index in 0..self.invoices.len() {
            let mut rng = generator(seed, 1 + index as u64);
            let mut draw = rng.random_range(0..TEMPERS.iter().map(|(_, share)| share).sum::<u32>());
            let temper = TEMPERS.iter().find(|(_, share)| {
                let hit = draw < *share;
                draw = draw.saturating_sub(*share);
                hit
            });
            let temper = temper.map_or(Temper::Prompt, |(temper, _)| *temper);
            let by_van = rng.random_bool(BY_VAN);
            let invoice = &self.invoices[index];
            let (id, at) = (invoice.number.clone(), invoice.at);
            let mut lines: BTreeMap<String, Goods> = BTreeMap::new();
            for line in &invoice.lines {
                lines.entry(line.sku.clone()).or_default().prices.push((line.quantity, line.unit_price));
            }
            if let Some(customer) = &invoice.customer {
                self.by_customer.entry(customer.clone()).or_default().push(id.clone());
            }
            self.orders.insert(id.clone(), Order { rng, temper, stage: Stage::Undecided, delivered: false, lines, payments: 0, by_van });
            self.plan(at, Task::Place(index));
            if temper == Temper::Early {
                self.plan(at - 60_000, Task::Pay { order: id, surplus: 0 });
            }
        }
    }

    pub(super) fn place(&mut self, at: i64, index: usize) {
        let key = self.invoices[index].number.clone();
        let by_van = self.orders.get(&key).is_some_and(|order| order.by_van);
        let value = records::place(&self.invoices[index], by_van.then(|| self.fleet.address(&key)));
        self.send_once_or_twice(at, Source::Orders, &key, value);
    }

    /// What everybody does now that this has happened to an order.
    pub(super) fn answer(&mut self, event: &OrderHeard) {
        let Some(order) = self.orders.get_mut(&event.order_id) else { return };
        let rng = &mut order.rng;
        let id = event.order_id.clone();
        let pay = |order| Task::Pay { order, surplus: 0 };
        let mut plans = vec![];
        match &*event.kind {
            "accepted" => {
                order.stage = Stage::Held;
                match order.temper {
                    Temper::Prompt => plans.push((hours(rng, 3, 14), pay(id))),
                    Temper::CallsOffPaid => plans.push((hours(rng, 3, 6), pay(id))),
                    Temper::Late => plans.push((hours(rng, 25, 34), pay(id))),
                    Temper::Wrong => {
                        let surplus = if rng.random_bool(0.5) { 100 } else { -100 };
                        plans.push((hours(rng, 3, 7), Task::Pay { order: id, surplus }));
                    }
                    Temper::Twice => {
                        plans.push((hours(rng, 3, 6), pay(id.clone())));
                        plans.push((hours(rng, 7, 10), pay(id)));
                    }
                    Temper::CardFails => plans.push((hours(rng, 3, 5), Task::FailToPay { order: id })),
                    Temper::CallsOffUnpaid => plans.push((hours(rng, 3, 8), Task::CallOff { order: id })),
                    Temper::Never | Temper::Early => {}
                }
            }
            "rejected" => {
                order.stage = Stage::Closed;
                // The money was on its way already.
                if rng.random_ratio(1, 20) {
                    plans.push((hours(rng, 3, 5), pay(id)));
                }
            }
            "payment_failed" => plans.push((hours(rng, 3, 6), pay(id))),
            "refund_required" if event.reason.as_deref() == Some("amount_mismatch") && rng.random_bool(0.7) => {
                plans.push((hours(rng, 4, 8), pay(id)));
            }
            "reinstated" => order.stage = Stage::Held,
            "paid" => {
                order.stage = Stage::Paid;
                if order.temper == Temper::CallsOffPaid {
                    plans.push((hours(rng, 3, 5), Task::CallOff { order: id }));
                } else if order.by_van {
                    self.fleet.packs(&id, event.at.0 + hours(rng, 4, 20));
                } else {
                    let partly = rng.random_bool(0.25);
                    plans.push((hours(rng, 4, 26), Task::Ship { order: id, partly }));
                }
            }
            "part_shipped" | "shipped" => {
                for line in &event.lines {
                    order.lines.entry(line.sku.clone()).or_default().shipped += line.quantity;
                }
                if event.kind == "part_shipped" {
                    plans.push((hours(rng, 4, 20), Task::Ship { order: id, partly: false }));
                } else if !order.by_van {
                    if rng.random_bool(0.9) {
                        plans.push((hours(rng, 20, 50), Task::Deliver { order: id.clone() }));
                    }
                    if rng.random_bool(0.05) {
                        plans.push((hours(rng, 24, 72), Task::SendBack { order: id }));
                    }
                }
            }
            "delivered" => {
                order.delivered = true;
                if order.by_van && rng.random_bool(0.05) {
                    plans.push((hours(rng, 24, 72), Task::SendBack { order: id }));
                }
            }
            // The van comes back with it; it goes out again.
            "noted" if order.by_van && matches!(event.reason.as_deref(), Some("delivery_failed" | "recalled")) => {
                self.fleet.packs(&id, event.at.0 + hours(rng, 4, 6));
            }
            "returned" => {
                for line in &event.lines {
                    order.lines.entry(line.sku.clone()).or_default().returned += line.quantity;
                }
            }
            "cancelled" => {
                for line in &event.lines {
                    order.lines.entry(line.sku.clone()).or_default().call_off(line.quantity);
                }
                if order.lines.values().all(|goods| goods.to_ship() == 0) || event.lines.is_empty() {
                    order.stage = Stage::Closed;
                }
            }
            "expired" => order.stage = Stage::Closed,
            _ => {}
        }
        for (delay, task) in plans {
            self.plan(event.at.0 + delay, task);
        }
    }

    pub(super) fn pay(&mut self, at: i64, id: &str, surplus: i64) {
        let Some(order) = self.orders.get_mut(id) else { return };
        order.payments += 1;
        let value = records::captured(&format!("P-{id}-{}", order.payments), id, (order.due() + surplus).max(0));
        self.send_once_or_twice(at, Source::Payments, id, value);
    }

    pub(super) fn fail_to_pay(&mut self, at: i64, id: &str) {
        let Some(order) = self.orders.get_mut(id) else { return };
        order.payments += 1;
        let value = records::failed(&format!("P-{id}-{}", order.payments), id);
        self.send_once_or_twice(at, Source::Payments, id, value);
    }

    pub(super) fn call_off(&mut self, at: i64, id: &str) {
        self.command(at, "cancel", id, &[]);
    }

    /// All that is left, or about half of it.
    pub(super) fn ship(&mut self, at: i64, id: &str, partly: bool) {
        let Some(order) = self.orders.get(id).filter(|order| order.stage == Stage::Paid) else { return };
        let open = order.lines.iter().map(|(sku, goods)| (sku.clone(), goods.to_ship())).filter(|(_, units)| *units > 0);
        let mut lines: Vec<(String, i64)> = open.collect();
        if partly {
            lines.truncate(lines.len().div_ceil(2));
            if let [(_, units)] = &mut lines[..] {
                *units = (*units + 1) / 2;
            }
        } else {
            lines.clear();
        }
        self.command(at, "ship", id, &lines);
    }

    pub(super) fn deliver(&mut self, at: i64, id: &str) {
        self.command(at, "deliver", id, &[]);
    }

    /// A customer sends something back; some of it cannot be sold again.
    pub(super) fn send_back(&mut self, at: i64, id: &str) {
        let Some(order) = self.orders.get_mut(id) else { return };
        let Some((sku, goods)) = order.lines.iter().find(|(_, goods)| goods.to_return() > 0) else { return };
        let lines = [(sku.clone(), order.rng.random_range(1..=goods.to_return()))];
        let restock = order.rng.random_bool(0.7);
        let value = records::return_of(id, &lines, restock);
        self.send(at, Source::Orders, Some(id.into()), value);
    }

    /// The invoices do not say which order a cancellation is about: it is taken for the customer's last order with that
    /// SKU. What was shipped comes back, the rest is called off.
    pub(super) fn cancellation(&mut self, at: i64, index: usize) {
        let cancellation = &self.cancellations[index];
        let placed = cancellation.customer.as_ref().and_then(|customer| self.by_customer.get(customer));
        // Order and whether it was shipped.
        let mut found: BTreeMap<(String, bool), Vec<(String, i64)>> = BTreeMap::new();
        for line in &cancellation.lines {
            let fits = placed.into_iter().flatten().rev().find_map(|id| {
                let order = self.orders.get(id).filter(|order| matches!(order.stage, Stage::Held | Stage::Paid))?;
                let goods = order.lines.get(&line.sku)?;
                let taken = |shipped| {
                    let lines = found.get(&(id.clone(), shipped)).into_iter().flatten();
                    lines.filter(|(sku, _)| *sku == line.sku).map(|(_, units)| units).sum::<i64>()
                };
                if goods.to_return() >= line.quantity + taken(true) {
                    Some((id.clone(), true))
                } else {
                    (goods.to_ship() >= line.quantity + taken(false)).then(|| (id.clone(), false))
                }
            });
            match fits {
                Some(place) => {
                    self.tally.taken_back += u64::from(place.1);
                    self.tally.called_off += u64::from(!place.1);
                    found.entry(place).or_default().push((line.sku.clone(), line.quantity));
                }
                None => self.tally.unmatched += 1,
            }
        }
        for ((id, shipped), lines) in found {
            if shipped {
                let value = records::return_of(&id, &lines, true);
                self.send(at, Source::Orders, Some(id.into()), value);
            } else {
                self.command(at, "cancel", &id, &lines);
            }
        }
    }

    /// An order that waits for its money, if there is one.
    pub(super) fn some_unpaid_order(&self) -> Option<String> {
        self.orders.iter().find(|(_, order)| order.stage == Stage::Held && order.temper == Temper::Never).map(|(id, _)| id.clone())
    }

    pub(super) fn command(&mut self, at: i64, kind: &str, id: &str, lines: &[(String, i64)]) {
        self.send(at, Source::Orders, Some(id.into()), records::command(kind, id, lines));
    }
}
