//! A tiny engine over the processors, for tests: one thread, no log, time under control. It delivers commands and
//! replies in order, fires due timers, keeps every state as bytes between two steps, and checks the books after each.

mod check;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use schemas::event::{Movement, OrderEvent};
use schemas::input::Input;
use schemas::message::{FleetMessage, ShipmentNews, StockCommand, StockReply, ToFleet, ToOrder, ToStock};
use schemas::product::ProductEvent;
use schemas::{Cause, Reject, ShortText, Source, Timestamp, TopicNames};
use waybill_processors::catalogue::{self, Listing, Terms};
use waybill_processors::feedback::{Subject, route};
use waybill_processors::orders::{self, DeductOn, Order};
use waybill_processors::stock::{self, Reservation, Seen, State, Stock};
use waybill_processors::{Trigger, Verdict};

/// What a step says to the outside, in order; movements are kept apart, in [`World::journal`].
#[derive(Clone, Debug)]
pub enum Output {
    Event(String, OrderEvent),
    Product(String, ProductEvent),
    DeadLetter(Reject),
    Duplicate,
    ToVehicle(String, FleetMessage),
}

#[expect(clippy::struct_excessive_bools, reason = "what a scenario may switch")]
pub struct World {
    pub orders_config: orders::Config,
    pub stock_config: stock::Config,
    pub catalogue_config: catalogue::Config,
    /// Product updates carry a signature.
    pub signed: bool,
    /// Timers fire after the record that moves the clock beyond them, not before it.
    pub late_timers: bool,
    /// Replies wait until they are delivered by hand.
    pub hold_replies: bool,
    /// After every step; only a test that needs thousands of steps does without.
    pub check_books: bool,
    orders: BTreeMap<String, Vec<u8>>,
    stock: BTreeMap<String, Vec<u8>>,
    listings: BTreeMap<String, Vec<u8>>,
    /// By SKU and order.
    reservations: BTreeMap<(String, String), Vec<u8>>,
    /// Where the replies said that they are kept.
    slots: BTreeMap<(String, String), u32>,
    /// By SKU and id.
    seen: BTreeMap<(String, String), Vec<u8>>,
    clock: Timestamp,
    next_offset: [i64; Source::ALL.len()],
    commands: VecDeque<ToStock>,
    replies: VecDeque<ToOrder>,
    answered: BTreeMap<String, ToOrder>,
    outputs: Vec<Output>,
    /// Every order event so far.
    pub events: Vec<(String, OrderEvent)>,
    /// Every product event so far, by SKU.
    pub product_events: BTreeMap<String, Vec<ProductEvent>>,
    /// Every movement so far, by SKU.
    pub journal: BTreeMap<String, Vec<Movement>>,
}

impl World {
    pub fn new() -> World {
        World {
            orders_config: orders::Config { hold_seconds: 900, deduct_on: DeductOn::Payment },
            stock_config: stock::Config { split: false, terms: Terms::default(), names: TopicNames::default() },
            catalogue_config: catalogue::Config::default(),
            signed: false,
            late_timers: false,
            hold_replies: false,
            check_books: true,
            orders: BTreeMap::new(),
            stock: BTreeMap::new(),
            listings: BTreeMap::new(),
            reservations: BTreeMap::new(),
            slots: BTreeMap::new(),
            seen: BTreeMap::new(),
            clock: Timestamp(i64::MIN),
            next_offset: [0; Source::ALL.len()],
            commands: VecDeque::new(),
            replies: VecDeque::new(),
            answered: BTreeMap::new(),
            outputs: vec![],
            events: vec![],
            product_events: BTreeMap::new(),
            journal: BTreeMap::new(),
        }
    }

    pub fn order(&self, id: &str) -> Option<Order> {
        self.orders.get(id).map(|bytes| Order::decode(bytes).expect("an order decodes"))
    }

    pub fn stock(&self, sku: &str) -> Option<Stock> {
        self.stock.get(sku).map(|bytes| Stock::decode(bytes).expect("stock decodes"))
    }

    pub fn listing(&self, sku: &str) -> Option<Listing> {
        self.listings.get(sku).map(|bytes| Listing::decode(bytes).expect("a listing decodes"))
    }

    /// What the next record on `source` will be known as.
    pub fn next_cause(&self, source: Source) -> Cause {
        Cause { source, partition: 0, offset: self.next_offset[source as usize] }
    }

    /// One record, and all that follows from it at once.
    pub fn record(&mut self, key: &str, at: Timestamp, input: Input<'_>) -> Vec<Output> {
        if !self.late_timers {
            self.fire_timers(at);
        }
        let source = source(&input);
        let trigger = Trigger { at, cause: self.next_cause(source) };
        self.next_offset[source as usize] += 1;
        match input {
            Input::Order(command) => self.tell_order(key, trigger, orders::Event::Command(command)),
            Input::Payment(payment) => self.tell_order(key, trigger, orders::Event::Payment(payment)),
            Input::Restock(restock) => self.tell_stock(key, trigger, stock::Event::Restock(restock)),
            Input::Count(count) => {
                let location = count.location.to_string();
                self.tell_stock(key, trigger, stock::Event::Count(count));
                let refused = self.outputs.iter().any(|output| matches!(output, Output::Duplicate | Output::DeadLetter(_)));
                if !refused && self.listings.contains_key(key) {
                    self.tell_catalogue(key, trigger, catalogue::Event::Counted { location: &location });
                }
            }
            Input::Product(command) => {
                let signed = self.signed;
                self.tell_catalogue(key, trigger, catalogue::Event::Command { command, signed });
            }
            Input::Feedback(feedback) => match route(&feedback) {
                Subject::Order(order_id) => {
                    let order_id = order_id.to_owned();
                    self.tell_order(&order_id, trigger, orders::Event::Feedback(feedback));
                }
                Subject::Sku(sku) => {
                    let sku = sku.to_owned();
                    self.tell_catalogue(&sku, trigger, catalogue::Event::Feedback(feedback));
                }
            },
            Input::Ping(_) | Input::Fleet(_) => unreachable!("the fleet has a world of its own"),
        }
        self.settle();
        self.fire_timers(at);
        self.finish()
    }

    /// What a vehicle's task says to an order; its cause is a record of its own.
    pub fn news(&mut self, order_id: &str, at: Timestamp, shipment_id: &str, vehicle_id: &str, news: ShipmentNews) -> Vec<Output> {
        if !self.late_timers {
            self.fire_timers(at);
        }
        let trigger = Trigger { at, cause: self.next_cause(Source::Orders) };
        self.next_offset[Source::Orders as usize] += 1;
        self.tell_order(order_id, trigger, orders::Event::Shipment { shipment_id, vehicle_id, news });
        self.settle();
        self.fire_timers(at);
        self.finish()
    }

    /// Time passes and nothing else.
    pub fn tick(&mut self, at: Timestamp) -> Vec<Output> {
        self.fire_timers(at);
        self.finish()
    }

    /// The order's timer fires, due or not.
    pub fn fire(&mut self, order_id: &str, at: Timestamp) -> Vec<Output> {
        let cause = self.order(order_id).expect("the order exists").cause();
        self.tell_order(order_id, Trigger { at, cause }, orders::Event::Due);
        self.settle();
        self.finish()
    }

    /// Delivers the replies that wait: all, or the first of one SKU. False if there is none.
    pub fn deliver_replies(&mut self, sku: Option<&str>) -> Option<Vec<Output>> {
        let hold = std::mem::replace(&mut self.hold_replies, sku.is_some());
        match sku {
            Some(sku) => {
                let index = self.replies.iter().position(|reply| &*reply.sku == sku)?;
                let reply = self.replies.remove(index)?;
                self.reply(reply);
            }
            None if self.replies.is_empty() => return None,
            None => {}
        }
        self.settle();
        self.hold_replies = hold && sku.is_some();
        Some(self.finish())
    }

    /// Delivers the SKU's last reply once more, as a stale message.
    pub fn repeat_reply(&mut self, sku: &str) -> Option<Vec<Output>> {
        let reply = self.answered.get(sku)?.clone();
        self.reply(reply);
        self.settle();
        Some(self.finish())
    }

    fn finish(&mut self) -> Vec<Output> {
        if self.check_books {
            self.check();
        }
        std::mem::take(&mut self.outputs)
    }

    /// Moves the clock and fires what is due, by time and order.
    fn fire_timers(&mut self, at: Timestamp) {
        self.clock = self.clock.max(at);
        loop {
            let due = self.orders.keys().filter_map(|id| Some((self.order(id)?.due()?, id.clone()))).min();
            let Some((due, id)) = due.filter(|(due, _)| *due <= self.clock) else { return };
            let cause = self.order(&id).expect("it has a timer").cause();
            self.tell_order(&id, Trigger { at: due, cause }, orders::Event::Due);
            self.settle();
            let again = self.order(&id).and_then(|order| order.due());
            assert_ne!(again, Some(due), "the timer of order {id} has fired and is still due");
        }
    }

    /// Delivers messages until none is left, but for replies that are held back.
    fn settle(&mut self) {
        loop {
            if let Some(ToStock { order_id, sku, slot, command, at, cause }) = self.commands.pop_front() {
                if !matches!(command, StockCommand::Reserve { .. } | StockCommand::Return { .. }) {
                    let held_in = self.slots.get(&(sku.to_string(), order_id.to_string()));
                    assert_eq!(Some(&slot), held_in, "order {order_id} does not say where its {sku} is held");
                }
                self.tell_stock(&sku, Trigger { at, cause }, stock::Event::Command { order_id: &order_id, command });
            } else if !self.hold_replies
                && let Some(reply) = self.replies.pop_front()
            {
                self.reply(reply);
            } else {
                return;
            }
        }
    }

    fn reply(&mut self, reply: ToOrder) {
        self.answered.insert(reply.sku.to_string(), reply.clone());
        let ToOrder { order_id, sku, slot, reply, at, cause } = reply;
        self.tell_order(&order_id, Trigger { at, cause }, orders::Event::Reply { sku: &sku, slot, reply });
    }

    fn tell_order(&mut self, id: &str, trigger: Trigger, event: orders::Event<'_>) {
        let before = self.order(id);
        let step = orders::apply(&self.orders_config, id, trigger, event, before);
        if step.verdict != Verdict::Applied {
            assert!(
                step.order.is_none() && step.events.is_empty() && step.commands.is_empty() && step.to_fleet.is_empty(),
                "what is not applied changes nothing: {step:?}"
            );
        }
        if let Some(order) = step.order {
            self.orders.insert(id.into(), bytes(|out| order.encode(out)));
            assert_eq!(self.order(id), Some(order), "what is written is what is read");
        }
        self.commands.extend(step.commands);
        for ToFleet { vehicle_id, body, .. } in step.to_fleet {
            self.outputs.push(Output::ToVehicle(vehicle_id.into(), body));
        }
        for event in step.events {
            self.events.push((id.into(), event.clone()));
            self.outputs.push(Output::Event(id.into(), event));
        }
        self.verdict(step.verdict);
    }

    fn tell_stock(&mut self, sku: &str, trigger: Trigger, event: stock::Event<'_>) {
        let order_id = match &event {
            stock::Event::Command { order_id, .. } => (*order_id).to_owned(),
            _ => String::new(),
        };
        let held = (sku.to_owned(), order_id.clone());
        let is_command = matches!(event, stock::Event::Command { .. });
        let state = State {
            stock: self.stock(sku),
            reservation: self.reservations.get(&held).map(|bytes| Reservation::decode(bytes).expect("a reservation decodes")),
            seen: stock::seen_ids(&event).map(|id| {
                let bytes = self.seen.get(&(sku.to_owned(), id?))?;
                Some(Seen::decode(bytes).expect("what was seen decodes"))
            }),
            listing: if stock::wants_listing(&event) { self.listing(sku).map(Arc::new) } else { None },
            open: if stock::wants_reservations(&event) { self.open(sku) } else { vec![] },
        };
        let step = stock::apply(&self.stock_config, sku, trigger, event, state);
        if step.verdict != Verdict::Applied {
            let silent = step.movements.is_empty() && step.reply.is_none() && step.seen.is_empty();
            assert!(step.stock.is_none() && step.reservation.is_none() && silent, "what is not applied changes nothing: {step:?}");
        }
        if let Some(stock) = step.stock {
            self.stock.insert(sku.into(), bytes(|out| stock.encode(out)));
            assert_eq!(self.stock(sku), Some(stock), "what is written is what is read");
        }
        match step.reservation {
            Some(Some(reservation)) => drop(self.reservations.insert(held, bytes(|out| reservation.encode(out)))),
            Some(None) => drop(self.reservations.remove(&held)),
            None => {}
        }
        for (id, seen) in step.seen {
            self.seen.insert((sku.into(), id), bytes(|out| seen.encode(out)));
        }
        self.journal.entry(sku.into()).or_default().extend(step.movements);
        if let Some(reply) = step.reply {
            let Trigger { at, cause } = trigger;
            let slot = self.slots.len() as u32 + 1;
            if matches!(reply, StockReply::Held { .. }) {
                self.slots.insert((sku.to_owned(), order_id.clone()), slot);
            }
            self.replies.push_back(ToOrder { order_id: order_id.into(), sku: sku.into(), slot, reply, at, cause });
        } else {
            assert!(!is_command || step.verdict == Verdict::Applied, "a command cannot be refused");
        }
        self.verdict(step.verdict);
    }

    fn tell_catalogue(&mut self, sku: &str, trigger: Trigger, event: catalogue::Event<'_>) {
        let id = match &event {
            catalogue::Event::Feedback(feedback) => Some(catalogue::seen_id(feedback)),
            _ => None,
        };
        let counted = matches!(event, catalogue::Event::Counted { .. });
        let seen = id.and_then(|id| self.seen.get(&(sku.to_owned(), id)));
        let state = catalogue::State {
            listing: self.listing(sku),
            seen: seen.map(|bytes| Seen::decode(bytes).expect("what was seen decodes")),
            stocked: self.stock.contains_key(sku),
        };
        let step = catalogue::apply(&self.catalogue_config, trigger, event, state);
        if step.verdict != Verdict::Applied {
            let silent = step.listing.is_none() && step.seen.is_none() && step.events.is_empty();
            assert!(silent, "what is not applied changes nothing: {step:?}");
        }
        if let Some(listing) = step.listing {
            self.listings.insert(sku.into(), bytes(|out| listing.encode(out)));
            assert_eq!(self.listing(sku), Some(listing), "what is written is what is read");
        }
        if let Some((id, seen)) = step.seen {
            self.seen.insert((sku.into(), id), bytes(|out| seen.encode(out)));
        }
        for event in step.events {
            self.product_events.entry(sku.into()).or_default().push(event.clone());
            self.outputs.push(Output::Product(sku.into(), event));
        }
        if !counted {
            self.verdict(step.verdict);
        }
    }

    fn open(&self, sku: &str) -> Vec<(ShortText, Reservation)> {
        self.reservations
            .iter()
            .filter(|((of, _), _)| of == sku)
            .take(stock::MAX_AT_RISK_SCAN)
            .map(|((_, order_id), bytes)| (order_id.as_str().into(), Reservation::decode(bytes).expect("a reservation decodes")))
            .collect()
    }

    fn verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Applied => {}
            Verdict::Duplicate => self.outputs.push(Output::Duplicate),
            Verdict::Refused(reject) => self.outputs.push(Output::DeadLetter(reject)),
        }
    }
}

fn bytes(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![];
    encode(&mut out);
    out
}

/// The topic that an input comes from.
pub fn source(input: &Input<'_>) -> Source {
    match input {
        Input::Order(_) => Source::Orders,
        Input::Payment(_) => Source::Payments,
        Input::Restock(_) => Source::Restocks,
        Input::Count(_) => Source::StockCounts,
        Input::Ping(_) | Input::Fleet(_) => unreachable!("the fleet has a world of its own"),
        Input::Product(_) => Source::Products,
        Input::Feedback(_) => Source::Feedback,
    }
}
