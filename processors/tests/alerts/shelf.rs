//! One SKU under the stock rules, whose movements feed the demand rules; time under control. Keeps every state as
//! bytes between two steps, fires due timers, and checks what must always hold.

use std::collections::BTreeMap;

use schemas::alert::{Alert, AlertState, Severity};
use schemas::forecast::Forecast;
use schemas::input::{Count, Restock, RestockKind};
use schemas::message::{Row, StockCommand, StockReply};
use schemas::{Cause, Few, Source, Timestamp, TopicNames};
use waybill_processors::demand::{self, Config, Demand, Parameters, Plan, Product};
use waybill_processors::stock::{self, Reservation, Seen, State, Stock};
use waybill_processors::{Trigger, Verdict};

const SKU: &str = "A";

/// Most bytes that one place may add to the state.
const MOST_STATE_BYTES: usize = 200;

pub struct Shelf {
    pub config: Config,
    pub product: Product,
    stock: Option<Vec<u8>>,
    demand: Option<Vec<u8>>,
    /// Timers fire after the record that moves the clock beyond them, not before it.
    pub late_timers: bool,
    reservations: BTreeMap<String, Reservation>,
    seen: BTreeMap<String, Seen>,
    offset: i64,
    clock: Timestamp,
    pub alerts: Vec<Alert>,
    /// How many of them were printed.
    pub told: usize,
    pub forecasts: Vec<Forecast>,
}

impl Shelf {
    pub fn new() -> Shelf {
        Shelf {
            config: Config::default(),
            product: Product::default(),
            stock: None,
            demand: None,
            late_timers: false,
            reservations: BTreeMap::new(),
            seen: BTreeMap::new(),
            offset: 0,
            clock: Timestamp(i64::MIN),
            alerts: vec![],
            told: 0,
            forecasts: vec![],
        }
    }

    pub fn stock(&self) -> Option<Stock> {
        self.stock.as_ref().map(|bytes| Stock::decode(bytes).expect("stock decodes"))
    }

    pub fn demand(&self) -> Option<Demand> {
        self.demand.as_ref().map(|bytes| Demand::decode(bytes).expect("demand decodes"))
    }

    pub fn parameters(&self) -> Parameters {
        Parameters::of(&self.config, &self.product)
    }

    pub fn plan(&self, location: &str) -> Option<Plan> {
        self.demand()?.plan(&self.config, &self.parameters(), location)
    }

    /// As a query would be answered at `at`.
    pub fn forecast(&self, at: Timestamp) -> Option<Forecast> {
        let (stock, demand) = (self.stock()?, self.demand()?);
        Some(demand::forecast(&self.config, &self.parameters(), &demand, &stock.rows(), at))
    }

    pub fn restock(&mut self, at: Timestamp, id: &str, location: &str, quantity: i64, kind: RestockKind<'_>) -> Result<(), String> {
        let restock = Restock { restock_id: id.to_owned().into(), sku: SKU.into(), location: location.to_owned().into(), quantity, kind };
        self.tell(at, stock::Event::Restock(restock)).map(drop)
    }

    pub fn count(&mut self, at: Timestamp, id: &str, location: &str, counted: i64) -> Result<(), String> {
        let (count_id, location) = (id.to_owned().into(), location.to_owned().into());
        self.tell(at, stock::Event::Count(Count { count_id, sku: SKU.into(), location, counted, counted_at: None })).map(drop)
    }

    /// False: there is not enough.
    pub fn hold(&mut self, at: Timestamp, order_id: &str, location: Option<&str>, quantity: i64) -> Result<bool, String> {
        let command =
            StockCommand::Reserve { attempt: 1, quantity, location: location.map(Into::into), quote: schemas::message::Quote::default() };
        let reply = self.tell(at, stock::Event::Command { order_id, command })?;
        Ok(matches!(reply, Some(StockReply::Held { .. })))
    }

    /// Ends all that the order holds.
    pub fn end(&mut self, at: Timestamp, order_id: &str, command: fn(Few<Row>) -> StockCommand) -> Result<Few<Row>, String> {
        let held = self.reservations.get(order_id).ok_or(format!("order {order_id} holds nothing"))?;
        let rows: Few<Row> = held.units().map(|(location, quantity)| Row { location: location.into(), quantity }).collect();
        self.tell(at, stock::Event::Command { order_id, command: command(rows.clone()) })?;
        Ok(rows)
    }

    pub fn put_back(&mut self, at: Timestamp, order_id: &str, rows: Few<Row>) -> Result<(), String> {
        self.tell(at, stock::Event::Command { order_id, command: StockCommand::Return { rows } }).map(drop)
    }

    /// The catalogue says something new.
    pub fn product_changed(&mut self, at: Timestamp) {
        self.fire_timers(at);
        let Some(stock) = self.stock() else { return };
        let trigger = self.trigger(at);
        self.step(trigger, &demand::Event::Product(&stock.rows()));
    }

    /// Moves the clock and fires what is due.
    pub fn fire_timers(&mut self, at: Timestamp) {
        self.clock = self.clock.max(at);
        while let Some(demand) = self.demand() {
            let Some(due) = demand.due().filter(|due| *due <= self.clock) else { return };
            let rows = self.stock().expect("where there is demand, there is stock");
            self.step(Trigger { at: due, cause: demand.cause() }, &demand::Event::Due(&rows.rows()));
            let again = self.demand().and_then(|demand| demand.due());
            assert!(again.is_none_or(|again| again > due), "the timer of {due} has fired and is due at {again:?}");
        }
    }

    fn trigger(&mut self, at: Timestamp) -> Trigger {
        self.offset += 1;
        Trigger { at, cause: Cause { source: Source::Orders, partition: 0, offset: self.offset } }
    }

    fn tell(&mut self, at: Timestamp, event: stock::Event<'_>) -> Result<Option<StockReply>, String> {
        if !self.late_timers {
            self.fire_timers(at);
        }
        let trigger = self.trigger(at);
        let order_id = match &event {
            stock::Event::Command { order_id, .. } => (*order_id).to_owned(),
            _ => String::new(),
        };
        let before = self.stock();
        let state = State {
            listing: None,
            stock: before.clone(),
            reservation: self.reservations.get(&order_id).cloned(),
            seen: stock::seen_ids(&event).map(|id| self.seen.get(&id?).cloned()),
            open: vec![],
        };
        let config = stock::Config { split: false, terms: waybill_processors::catalogue::Terms::default(), names: TopicNames::default() };
        let step = stock::apply(&config, SKU, trigger, event, state);
        if step.verdict != Verdict::Applied {
            return Err(format!("{:?}", step.verdict));
        }
        match step.reservation {
            Some(Some(reservation)) => drop(self.reservations.insert(order_id, reservation)),
            Some(None) => drop(self.reservations.remove(&order_id)),
            None => {}
        }
        self.seen.extend(step.seen);
        if let Some(stock) = step.stock {
            let changes = stock::changes(before.as_ref(), &stock, &step.movements);
            self.step(trigger, &demand::Event::Stock(&changes));
            let mut bytes = vec![];
            stock.encode(&mut bytes);
            self.stock = Some(bytes);
        }
        if self.late_timers {
            self.fire_timers(at);
        }
        Ok(step.reply)
    }

    fn step(&mut self, trigger: Trigger, event: &demand::Event<'_>) {
        let parameters = self.parameters();
        let step = demand::apply(&self.config, &parameters, trigger, event, self.demand().as_ref());
        if let Some(demand) = step.demand {
            let mut bytes = vec![];
            demand.encode(&mut bytes);
            let places = self.stock().map_or(1, |stock| stock.rows().len().max(1));
            assert!(bytes.len() <= 32 + MOST_STATE_BYTES * places, "{} bytes for {places} places", bytes.len());
            self.demand = Some(bytes);
            assert_eq!(self.demand(), Some(demand), "what is written is what is read");
        }
        for alert in step.alerts {
            self.check(&alert);
            self.alerts.push(alert);
        }
        self.forecasts.extend(step.forecast);
    }

    /// What every alert promises.
    fn check(&self, alert: &Alert) {
        let last = self.alerts.iter().rev().find(|before| before.location == alert.location);
        let step = ((self.config.hysteresis * alert.reorder_point as f64 - 1e-6).ceil() as i64).max(1);
        match alert.state {
            AlertState::Raised => {
                assert!(last.is_none_or(|last| last.state == AlertState::Resolved), "raised twice: {alert:?}");
                assert_eq!(alert.episode, last.map_or(0, |last| last.episode) + 1, "episodes are counted");
                assert!(alert.inventory_position <= alert.reorder_point, "raised and not low: {alert:?}");
                assert_eq!(alert.severity == Severity::Out, alert.available <= 0, "{alert:?}");
                let ordered = alert.inventory_position + alert.suggested_quantity;
                assert!(ordered >= alert.reorder_point + step, "what is suggested is not enough: {alert:?}");
            }
            AlertState::Resolved => {
                let raise = last.filter(|last| last.state == AlertState::Raised).expect("a resolve follows a raise");
                assert_eq!(alert.episode, raise.episode);
                assert!(alert.inventory_position >= alert.reorder_point + step, "resolved and still low: {alert:?}");
                assert!(alert.severity >= raise.severity);
            }
        }
    }
}
