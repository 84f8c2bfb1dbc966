//! The course of every order: its events one by one, and what was held, sold and brought back for it. Events and
//! movements may be read in any mix; what needs both is checked at the end. Knows nothing of SKUs' figures.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::facts::{At, Findings, Registry, Role, Topic, Units};
use crate::report::Kind;
use crate::wire::{EventKind, MovementKind, OrderEvent};

/// What an order has been through; bits of [`Order::been`].
mod been {
    pub const ACCEPTED: u16 = 1;
    pub const REJECTED: u16 = 1 << 1;
    pub const PAID: u16 = 1 << 2;
    /// Not if it was reinstated since.
    pub const EXPIRED: u16 = 1 << 3;
    /// In full: nothing is left to ship.
    pub const CANCELLED: u16 = 1 << 4;
    pub const SHIPPED: u16 = 1 << 5;
    pub const DELIVERED: u16 = 1 << 6;
    /// Holds were confirmed at payment, so that units leave the shelf when they are shipped.
    pub const CONFIRMED: u16 = 1 << 7;
    /// A line did not say where its units are: sums by place cannot be compared.
    pub const UNPLACED: u16 = 1 << 8;

    pub const DECIDED: u16 = ACCEPTED | REJECTED;
    pub const CLOSED: u16 = REJECTED | EXPIRED | CANCELLED;
}

/// One merged line of an accepted order.
#[derive(Clone, Copy, Debug)]
struct Line {
    sku: u32,
    /// Neither shipped nor cancelled.
    left: i64,
    /// Shipped and not returned.
    shipped: i64,
}

#[derive(Debug)]
struct Order {
    /// The last event, or the last movement if there is none.
    at: At,
    /// When anything last happened to it, by the outputs' record timestamps.
    timestamp: i64,
    seq: u32,
    been: u16,
    /// Cancels after payment whose `refund_required` has not come.
    refunds: u16,
    lines: Box<[Line]>,
    /// What was accepted.
    accepted: Units,
    /// What was held because of the place.
    held: Units,
    /// What was accepted or reinstated, less what was cancelled before it was shipped.
    due: Units,
    /// Held and not ended.
    open: Units,
    sold: Units,
    /// Sold, and put back because of a cancel.
    put_back: Units,
    shipped: Units,
}

impl Order {
    fn new(at: At) -> Order {
        Order {
            at,
            timestamp: i64::MIN,
            seq: 0,
            been: 0,
            refunds: 0,
            lines: Box::default(),
            accepted: Units::NONE,
            held: Units::NONE,
            due: Units::NONE,
            open: Units::NONE,
            sold: Units::NONE,
            put_back: Units::NONE,
            shipped: Units::NONE,
        }
    }

    fn has(&self, bits: u16) -> bool {
        self.been & bits != 0
    }

    fn left(&self) -> i64 {
        self.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.left))
    }
}

/// Where and when an event was read, and whether a record on `orders` led to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub at: At,
    pub timestamp: i64,
    pub by_command: bool,
}

/// A movement of a hold, as the order sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub at: At,
    pub timestamp: i64,
    pub order: u32,
    pub sku: u32,
    /// Number of the pair of SKU and location.
    pub row: u32,
    pub kind: MovementKind,
    pub quantity: i64,
    /// The same, as [`Role::Row`].
    pub units: Units,
    /// The topic of its cause.
    pub because: Topic,
}

#[derive(Default)]
pub(crate) struct Orders {
    /// By number; an order that only inputs speak of has none, or an empty one.
    list: Vec<Option<Order>>,
    /// Units still held, by order and row.
    open: FxHashMap<(u32, u32), i64>,
    /// Units sold and not back, by order and row.
    sold: FxHashMap<(u32, u32), i64>,
    /// Orders that the catalogue refused, and the SKU: nothing of it may ever be held for them.
    refused: FxHashSet<(u32, u32)>,
    /// What was held, by order and SKU, before any event of the order was read; nothing, if events are read first.
    early: FxHashSet<(u32, u32)>,
}

/// Reasons of the catalogue: the SKU's own task says no before it holds anything.
const CATALOGUE_REASONS: [&str; 3] = ["withdrawn_sku", "price_mismatch", "currency_mismatch"];

impl Orders {
    /// The order holds units at the row.
    pub fn holds(&self, order: u32, row: u32) -> bool {
        self.open.contains_key(&(order, row))
    }

    /// When anything last happened to it, if nothing has to wait for its place any more: it is decided or cancelled.
    pub fn decided(&self, order: u32) -> Option<i64> {
        let order = self.list.get(order as usize)?.as_ref()?;
        order.has(been::DECIDED | been::CANCELLED).then_some(order.timestamp)
    }

    /// The next event of an order. False if it has been read before, so that it must not count again.
    pub fn event(&mut self, number: u32, event: &OrderEvent, seen: Seen, registry: &mut Registry, findings: &mut Findings) -> bool {
        let Seen { at, timestamp, by_command } = seen;
        let rows = rows(event, registry);
        let order = find(&mut self.list, number, at);
        let (id, word) = (&event.order_id, event.kind.word());
        if order.seq > 0 && order.at.topic == at.topic && order.at.partition != at.partition {
            let message = format!("`{word}` of order {id}, whose events so far are in partition {}", order.at.partition);
            findings.add(Kind::WrongPartition, at, message);
        }
        if event.seq <= order.seq {
            findings.add(Kind::DuplicateId, at, format!("`{word}` has seq {} of order {id}, which had {} already", event.seq, order.seq));
            return false;
        }
        if event.seq != order.seq + 1 {
            findings.add(Kind::OrderSequence, at, format!("`{word}` has seq {} of order {id}, expected {}", event.seq, order.seq + 1));
        }
        order.seq = event.seq;
        order.at = at;
        order.timestamp = order.timestamp.max(timestamp);
        if event.kind == EventKind::Cancelled && order.has(been::PAID) {
            order.refunds = order.refunds.saturating_add(1);
        } else if event.kind == EventKind::RefundRequired && by_command {
            order.refunds = order.refunds.saturating_sub(1);
        }
        step(order, event.kind, &rows, &format_args!("order {id}"), at, registry, findings);
        let by_catalogue = event.reason.as_deref().filter(|reason| CATALOGUE_REASONS.contains(reason));
        if let (EventKind::Rejected, Some(reason), Some(sku)) = (event.kind, by_catalogue, &event.sku) {
            let refused = (number, registry.sku(sku));
            self.refused.insert(refused);
            if self.early.contains(&refused) {
                findings.add(Kind::RefusedAndHeld, at, format!("order {id} is rejected for {reason} of {sku}, which was held for it"));
            }
        }
        true
    }

    /// A movement that holds, ends or brings back units of an order.
    pub fn held(&mut self, held: Held, name: &dyn Fn() -> String, findings: &mut Findings) {
        use MovementKind as M;
        let Held { at, quantity, units, kind, .. } = held;
        let key = (held.order, held.row);
        let order = find(&mut self.list, held.order, at);
        order.timestamp = order.timestamp.max(held.timestamp);
        if order.seq == 0 {
            order.at = at;
        }
        match kind {
            M::Held => {
                order.open += units;
                if held.because == Topic::Orders {
                    order.held += units;
                    if self.refused.contains(&(held.order, held.sku)) {
                        findings.add(Kind::RefusedAndHeld, at, format!("`held` for {}, which the catalogue refused", name()));
                    } else if order.seq == 0 {
                        self.early.insert((held.order, held.sku));
                    }
                }
                add(self.open.entry(key).or_default(), quantity);
            }
            M::Released | M::Expired | M::Sold | M::Confirmed => {
                let open = self.open.get(&key).copied().unwrap_or_default();
                if quantity > open {
                    let message = format!("{} `{}` for {}, where {open} are held", quantity, kind.word(), name());
                    findings.add(Kind::HoldEndedTwice, at, message);
                }
                let ended = quantity.min(open);
                if kind == M::Confirmed {
                    order.been |= been::CONFIRMED;
                    return;
                }
                order.open -= units;
                match open - ended {
                    0 => self.open.remove(&key),
                    rest => self.open.insert(key, rest),
                };
                if kind == M::Sold {
                    order.sold += units;
                    add(self.sold.entry(key).or_default(), quantity);
                }
            }
            M::Returned => {
                let sold = self.sold.get(&key).copied().unwrap_or_default();
                if quantity > sold {
                    findings.add(Kind::ReturnedUnsold, at, format!("{quantity} `returned` for {}, where {sold} are sold", name()));
                }
                match sold - quantity.min(sold) {
                    0 => self.sold.remove(&key),
                    rest => self.sold.insert(key, rest),
                };
            }
            _ => {}
        }
    }

    /// Sold units came back because of a cancel.
    pub fn put_back(&mut self, number: u32, units: Units, at: At) {
        find(&mut self.list, number, at).put_back += units;
    }

    /// All is read: what was held and sold agrees with what the events say.
    pub fn finish(self, rows: &[(u32, u32)], registry: &Registry, findings: &mut Findings) {
        findings.counts().open_holds = self.open.len() as u64;
        for (number, order) in self.list.iter().enumerate() {
            let Some(order) = order else { continue };
            if findings.in_flight(order.at.topic, order.timestamp) {
                findings.counts().unsettled += 1;
            } else {
                balance(order, number as u32, registry, findings);
            }
        }
        let mut open: Vec<_> = self.open.into_iter().collect();
        open.sort_unstable();
        for ((number, row), units) in open {
            let Some(Some(order)) = self.list.get(number as usize) else { continue };
            let why = if order.has(been::CLOSED) {
                "is closed"
            } else if order.has(been::PAID) && !order.has(been::CONFIRMED) {
                "is paid"
            } else {
                continue;
            };
            if !findings.in_flight(order.at.topic, order.timestamp) {
                let (sku, location) = rows[row as usize];
                let (id, sku) = (registry.orders.text(number), registry.skus.text(sku));
                let message =
                    format!("order {id} {why}, and {units} of {sku} are still held for it at {}", registry.locations.text(location));
                findings.add(Kind::HoldLeftOpen, order.at, message);
            }
        }
    }
}

/// The order with this number, new if nothing was read of it.
fn find(orders: &mut Vec<Option<Order>>, number: u32, at: At) -> &mut Order {
    let index = number as usize;
    if index >= orders.len() {
        orders.resize_with(index + 1, || None);
    }
    orders[index].get_or_insert_with(|| Order::new(at))
}

/// The lines of an event: (SKU, units, the same as [`Role::Row`] if the line says where).
fn rows(event: &OrderEvent, registry: &mut Registry) -> Vec<(u32, i64, Option<Units>)> {
    let mut row = |line: &crate::wire::EventLine| {
        let sku = registry.sku(&line.sku);
        let location = line.location.as_ref().map(|location| registry.locations.number(location));
        (sku, line.quantity, location.map(|location| Units::of(line.quantity, Role::Row, sku, location)))
    };
    event.lines.iter().map(&mut row).collect()
}

/// One event: is it allowed here, and what changes with it?
fn step(
    order: &mut Order,
    kind: EventKind,
    rows: &[(u32, i64, Option<Units>)],
    name: &std::fmt::Arguments,
    at: At,
    registry: &Registry,
    findings: &mut Findings,
) {
    use EventKind as E;
    let decision = matches!(kind, E::Accepted | E::Rejected);
    if decision && order.has(been::DECIDED) {
        let before = if order.has(been::ACCEPTED) { "accepted" } else { "rejected" };
        findings.add(Kind::TwoDecisions, at, format!("{name} is `{}` and was `{before}` before", kind.word()));
        return;
    }
    if let Some(why) = forbidden(order, kind) {
        findings.add(Kind::IllegalTransition, at, format!("`{}` of {name}, which {why}", kind.word()));
    }
    let mut total = Units::NONE;
    for (_, _, units) in rows {
        match units {
            Some(units) => total += *units,
            None => order.been |= been::UNPLACED,
        }
    }
    let mut exceeded = |sku: u32, units: i64, of: i64| {
        let message = format!("`{}` of {name} has {units} of {} out of {of}", kind.word(), registry.skus.text(sku));
        findings.add(Kind::QuantityExceeded, at, message);
    };
    match kind {
        E::Accepted => {
            order.been |= been::ACCEPTED;
            order.lines = merge(rows);
            (order.accepted, order.due) = (total, total);
        }
        E::Reinstated => {
            order.been &= !been::EXPIRED;
            if !rows.is_empty() {
                order.lines = merge(rows);
                order.due = total;
            }
        }
        E::Rejected => order.been |= been::REJECTED,
        E::Paid => order.been |= been::PAID,
        E::Expired => order.been |= been::EXPIRED,
        E::Delivered => order.been |= been::DELIVERED,
        E::PartShipped | E::Shipped => {
            order.been |= been::SHIPPED;
            order.shipped += total;
            for &(sku, units, _) in rows {
                let left = take(order, sku, |line| &mut line.left, units);
                left.unwrap_or_else(|left| exceeded(sku, units, left));
                if let Some(line) = order.lines.iter_mut().find(|line| line.sku == sku) {
                    add(&mut line.shipped, units);
                }
            }
            let left = order.left();
            if (kind == E::Shipped) != (left == 0) {
                let message = format!("`{}` of {name}, after which {left} units are left to ship", kind.word());
                findings.add(Kind::IllegalTransition, at, message);
            }
        }
        E::Returned => {
            for &(sku, units, _) in rows {
                take(order, sku, |line| &mut line.shipped, units).unwrap_or_else(|shipped| exceeded(sku, units, shipped));
            }
        }
        E::Cancelled => {
            for &(sku, units, _) in rows {
                take(order, sku, |line| &mut line.left, units).unwrap_or_else(|left| exceeded(sku, units, left));
            }
            order.due -= total;
            if rows.is_empty() || order.left() == 0 {
                order.been |= been::CANCELLED;
            }
        }
        E::PaymentFailed | E::RefundRequired | E::OutForDelivery | E::Noted => {}
    }
}

/// Why this event cannot follow what the order has been through.
fn forbidden(order: &Order, kind: EventKind) -> Option<&'static str> {
    use EventKind as E;
    let refused = |bits: u16, why: &'static str| order.has(bits).then_some(why);
    let needs = |bits: u16, why: &'static str| (!order.has(bits)).then_some(why);
    let accepted = needs(been::ACCEPTED, "was not accepted");
    let cancelled = refused(been::CANCELLED, "is cancelled");
    match kind {
        E::Accepted => cancelled,
        E::Paid => {
            accepted.or(cancelled).or(refused(been::EXPIRED, "is expired and not reinstated")).or(refused(been::PAID, "is paid already"))
        }
        E::Expired => accepted.or(cancelled).or(refused(been::PAID, "is paid")).or(refused(been::EXPIRED, "is expired already")),
        E::Reinstated => accepted.or(cancelled).or(needs(been::EXPIRED, "is not expired")),
        E::PartShipped | E::Shipped => accepted.or(cancelled).or(needs(been::PAID, "is not paid")),
        E::OutForDelivery => accepted.or(needs(been::SHIPPED, "is not shipped")),
        E::Delivered => needs(been::SHIPPED, "is not shipped").or(refused(been::DELIVERED, "is delivered already")),
        E::Returned => needs(been::SHIPPED, "is not shipped"),
        E::Cancelled => {
            let nothing_left = order.has(been::ACCEPTED) && order.left() == 0;
            cancelled.or(refused(been::REJECTED, "is rejected")).or(nothing_left.then_some("has nothing left to cancel"))
        }
        E::Rejected | E::PaymentFailed | E::RefundRequired | E::Noted => None,
    }
}

/// Absurd figures are reported elsewhere; here they must not overflow.
fn add(sum: &mut i64, units: i64) {
    *sum = sum.saturating_add(units);
}

/// One line per SKU.
fn merge(rows: &[(u32, i64, Option<Units>)]) -> Box<[Line]> {
    let mut lines: Vec<Line> = Vec::with_capacity(rows.len());
    let mut sorted: Vec<(u32, i64)> = rows.iter().map(|&(sku, units, _)| (sku, units)).collect();
    sorted.sort_unstable();
    for (sku, units) in sorted {
        match lines.last_mut() {
            Some(line) if line.sku == sku => add(&mut line.left, units),
            _ => lines.push(Line { sku, left: units, shipped: 0 }),
        }
    }
    lines.into()
}

/// Takes units of a SKU from one of a line's figures, or says how many there were.
fn take(order: &mut Order, sku: u32, figure: impl Fn(&mut Line) -> &mut i64, units: i64) -> Result<(), i64> {
    let Some(line) = order.lines.iter_mut().find(|line| line.sku == sku) else { return Err(0) };
    let figure = figure(line);
    let before = *figure;
    *figure -= units.min(before);
    if units <= before { Ok(()) } else { Err(before) }
}

/// What an order's movements must add up to. One violation an order is enough.
fn balance(order: &Order, number: u32, registry: &Registry, findings: &mut Findings) {
    let id = || registry.orders.text(number);
    if order.refunds > 0 {
        let message = format!("order {} was cancelled after payment, and {} times no refund_required followed", id(), order.refunds);
        findings.add(Kind::RefundMissing, order.at, message);
    }
    if order.has(been::UNPLACED) {
        return;
    }
    let gone = order.sold - order.put_back;
    let (paid, closed) = (order.has(been::PAID), order.has(been::CLOSED));
    if order.has(been::ACCEPTED) && order.held != order.accepted {
        let message = format!("what `accepted` of order {} lists is not what was held for it", id());
        findings.add(Kind::AcceptedNotHeld, order.at, message);
    } else if order.has(been::ACCEPTED) && !closed && order.open + gone != order.due {
        let message = format!("what is held and sold for order {} is not what it was promised", id());
        findings.add(Kind::HoldLost, order.at, message);
    } else if !paid && (order.sold != Units::NONE || order.has(been::CONFIRMED)) {
        findings.add(Kind::SoldMismatch, order.at, format!("units were sold or confirmed for order {}, which is not paid", id()));
    } else if paid && (order.has(been::CONFIRMED) || closed) && gone != order.shipped {
        let message = format!("what was sold for order {} is not what was shipped", id());
        findings.add(Kind::SoldMismatch, order.at, message);
    }
}
