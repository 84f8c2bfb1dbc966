//! What is sold of a SKU at its places, day by day, and what follows: when to order, how much, and the alert that says
//! so. Fed by the movements that the stock rules make; knows no order and moves no unit.
//!
//! | file | what |
//! | --- | --- |
//! | `place.rs` | one place: the open day, and what becomes of it when it ends |
//! | `model.rs` | five models of its demand side by side, and which was right of late |
//! | `reorder.rs` | the formulas |
//! | `plan.rs` | a place's demand through the formulas |
//! | `alert.rs` | episodes of low stock |
//! | `forecast.rs` | the SKU's forecast over its places |
//!
//! Time is that of the records. A day ends when something happens after it or when the timer says so, whichever is
//! first, with the same figures but for rounding: whole idle weeks at once have a closed form.

use schemas::alert::Alert;
use schemas::event::LevelDemand;
use schemas::forecast::Forecast;
use schemas::{Cause, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{DecodeError, Trigger, codec};

mod alert;
mod forecast;
pub mod model;
mod place;
mod plan;
pub mod reorder;

pub use place::{Day, LEAST_SPIKE, SPIKE};
pub use plan::Plan;

use place::Place;

/// Most places of a SKU whose demand is watched: those that came first. A further place sells as well as any, without
/// forecast and alert.
pub const MAX_WATCHED_PLACES: usize = 64;

const FORMAT: u8 = 1;

/// What a shop may decide about forecasts and alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Standard deviations of demand in the safety stock; [`reorder::z_of`] a service level.
    pub z: f64,
    /// How far above the reorder point an episode ends, as a share of it; at least one unit.
    pub hysteresis: f64,
    /// How long a position must be low before that is said; seconds.
    pub raise_after_seconds: u32,
    /// Where the shop's days begin, from UTC to the east.
    pub utc_offset_minutes: i32,
    /// For products that do not say.
    pub defaults: Defaults,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            z: reorder::z_of(0.95),
            hysteresis: 0.1,
            raise_after_seconds: 0,
            utc_offset_minutes: 0,
            defaults: Defaults {
                lead_time_days: 7.0,
                lead_time_sigma_days: 0.0,
                order_cost: 1_000.0,
                holding_rate: 0.25,
                unit_cost: 500.0,
            },
        }
    }
}

/// What holds for a product whose catalogue entry does not say otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    pub lead_time_days: f64,
    /// Standard deviation of the lead time.
    pub lead_time_sigma_days: f64,
    /// Of one order, minor units.
    pub order_cost: f64,
    /// Holding cost of a year as a share of the price.
    pub holding_rate: f64,
    /// Minor units, where the price is not known either.
    pub unit_cost: f64,
}

/// What is known of a product, with the defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    pub lead_time_days: f64,
    /// Standard deviation of the lead time.
    pub lead_time_sigma_days: f64,
    /// Of one order, minor units.
    pub order_cost: f64,
    /// Of one unit for a year, minor units.
    pub holding_cost: f64,
    /// Goes before the computed one at each place, units.
    pub reorder_point: Option<i64>,
    /// Nothing is raised; what is raised is still resolved.
    pub mute: bool,
}

/// What the catalogue says of a product; nothing for one that is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Product {
    pub lead_time_days: Option<u32>,
    /// Of one order, minor units.
    pub order_cost: Option<i64>,
    /// Of one unit for a year, minor units.
    pub holding_cost: Option<i64>,
    /// Minor units.
    pub price: Option<i64>,
    /// Units.
    pub reorder_point: Option<i64>,
    pub mute: bool,
}

impl Parameters {
    pub fn of(config: &Config, product: &Product) -> Parameters {
        let Defaults { lead_time_days, lead_time_sigma_days, order_cost, holding_rate, unit_cost } = config.defaults;
        let from_price = holding_rate * product.price.map_or(unit_cost, |price| price as f64);
        Parameters {
            lead_time_days: product.lead_time_days.map_or(lead_time_days, f64::from),
            lead_time_sigma_days,
            order_cost: product.order_cost.map_or(order_cost, |cost| cost as f64),
            holding_cost: product.holding_cost.map_or(from_price, |cost| cost as f64),
            reorder_point: product.reorder_point,
            mute: product.mute,
        }
    }
}

/// What is at a place, units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// On hand and not reserved.
    pub available: i64,
    /// On its way.
    pub incoming: i64,
}

impl Figures {
    /// What an order is decided by: available and incoming.
    pub fn position(self) -> i64 {
        self.available.saturating_add(self.incoming)
    }
}

/// What one step of the stock rules did at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    pub location: &'a str,
    /// Units that left the shelf for orders.
    pub sold: i64,
    /// Units that came back from orders.
    pub returned: i64,
    pub before: Figures,
    pub after: Figures,
}

/// What is at a place, where nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    pub location: &'a str,
    pub figures: Figures,
}

/// What can happen to the demand of a SKU.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// Stock has changed; one change per place.
    Stock(&'a [Change<'a>]),
    /// The time that [`Demand::due`] named has come. All places of the SKU.
    Due(&'a [Row<'a>]),
    /// The catalogue says something else than before. All places of the SKU.
    Product(&'a [Row<'a>]),
}

/// What follows from one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `None`: unchanged.
    pub demand: Option<Demand>,
    pub alerts: Vec<Alert>,
    /// At the end of a day.
    pub forecast: Option<Forecast>,
}

/// The demand of one SKU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Demand {
    /// What changed it last.
    cause: Cause,
    /// The end of the day that brings the next forecast, if anything is sold at all.
    forecast_at: Option<Timestamp>,
    /// Sorted by name.
    places: Vec<Place>,
}

impl Demand {
    fn new(cause: Cause) -> Demand {
        Demand { cause, forecast_at: None, places: vec![] }
    }

    /// When it wants to be woken: at the end of a delay or of a day.
    pub fn due(&self) -> Option<Timestamp> {
        let delays = self.places.iter().filter_map(|place| place.episodes.due());
        delays.chain(self.forecast_at).min()
    }

    /// Of the record that changed it last.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// What is known of a place as of the last event there; `None` if it is not watched.
    pub fn plan(&self, config: &Config, parameters: &Parameters, location: &str) -> Option<Plan> {
        self.find(location).ok().map(|index| Plan::of(config, parameters, &self.places[index]))
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Demand, DecodeError> {
        codec::decode(FORMAT, "demand", bytes)
    }

    fn find(&self, location: &str) -> Result<usize, usize> {
        self.places.binary_search_by(|place| (*place.name).cmp(location))
    }

    fn find_or_add(&mut self, location: &str, today: Day) -> Option<&mut Place> {
        let index = match self.find(location) {
            Ok(index) => index,
            Err(_) if self.places.len() >= MAX_WATCHED_PLACES => return None,
            Err(index) => {
                self.places.insert(index, Place::new(location, today));
                index
            }
        };
        self.places.get_mut(index)
    }
}

/// One event of one SKU's demand.
pub fn apply(config: &Config, parameters: &Parameters, trigger: Trigger, event: &Event<'_>, before: Option<&Demand>) -> Step {
    let mut demand = before.map_or_else(|| Demand::new(trigger.cause), Demand::clone);
    let mut alerts = vec![];
    let mut forecast = None;
    match event {
        Event::Stock(changes) => {
            for change in *changes {
                alerts.extend(observe(config, parameters, &mut demand, trigger, change));
            }
        }
        Event::Due(rows) => {
            alerts.extend(review(config, parameters, &mut demand, trigger, rows));
            if demand.forecast_at.is_some_and(|at| at <= trigger.at) {
                forecast = Some(forecast::of(config, parameters, &demand, rows, trigger));
                demand.forecast_at = None;
            }
        }
        Event::Product(rows) => alerts.extend(review(config, parameters, &mut demand, trigger, rows)),
    }
    set_forecast(config, parameters, &mut demand);
    // One that was never kept and has nothing to say is not kept either.
    let changed = before.map_or(!demand.places.is_empty(), |before| demand != *before);
    if changed && !matches!(event, Event::Due(_)) {
        demand.cause = trigger.cause;
    }
    Step { demand: changed.then_some(demand), alerts, forecast }
}

/// The last end of a day that is not after `at`.
pub fn last_day_end(config: &Config, at: Timestamp) -> Timestamp {
    Day(Day::of(at, config.utc_offset_minutes).0 - 1).end(config.utc_offset_minutes)
}

/// The demand of a SKU over its places, as `stock-levels` shows it.
pub fn level(config: &Config, parameters: &Parameters, demand: &Demand) -> LevelDemand {
    forecast::level(config, parameters, demand)
}

/// The forecast as it would be at `at`, on demand. All places of the SKU.
pub fn forecast(config: &Config, parameters: &Parameters, demand: &Demand, rows: &[Row<'_>], at: Timestamp) -> Forecast {
    let mut demand = demand.clone();
    let today = Day::of(at, config.utc_offset_minutes);
    for row in rows {
        if let Ok(index) = demand.find(row.location) {
            demand.places[index].roll(today, row.figures.available);
        }
    }
    let cause = demand.cause;
    forecast::of(config, parameters, &demand, rows, Trigger { at, cause })
}

/// What happened at one place, and before it what should have been said by then.
fn observe(config: &Config, parameters: &Parameters, demand: &mut Demand, trigger: Trigger, change: &Change<'_>) -> Vec<Alert> {
    let today = Day::of(trigger.at, config.utc_offset_minutes);
    let cause = demand.cause;
    let Some(place) = demand.find_or_add(change.location, today) else { return vec![] };
    let late = raise_late(config, parameters, place, change.before, trigger.at, cause);
    place.roll(today, change.before.available);
    place.note(change.sold, change.returned, change.before, change.after);
    let now = look(config, parameters, place, change.after, trigger);
    late.into_iter().chain(now).collect()
}

/// Looks at every place when nothing has happened there.
fn review(config: &Config, parameters: &Parameters, demand: &mut Demand, trigger: Trigger, rows: &[Row<'_>]) -> Vec<Alert> {
    let today = Day::of(trigger.at, config.utc_offset_minutes);
    let cause = demand.cause;
    let mut alerts = vec![];
    for row in rows {
        let Ok(index) = demand.find(row.location) else { continue };
        let place = &mut demand.places[index];
        alerts.extend(raise_late(config, parameters, place, row.figures, trigger.at, cause));
        place.roll(today, row.figures.available);
        alerts.extend(look(config, parameters, place, row.figures, trigger));
    }
    alerts
}

/// A delay that has ended by `at` is judged by the figures at its end, however late it is noticed.
fn raise_late(config: &Config, parameters: &Parameters, place: &mut Place, figures: Figures, at: Timestamp, cause: Cause) -> Option<Alert> {
    let until = place.episodes.due().filter(|until| *until <= at)?;
    look(config, parameters, place, figures, Trigger { at: until, cause })
}

fn look(config: &Config, parameters: &Parameters, place: &mut Place, figures: Figures, now: Trigger) -> Option<Alert> {
    let plan = Plan::of(config, parameters, place);
    let wanted = place.ever_stocked;
    place.episodes.review(config, wanted, &place.name, figures, &plan, now)
}

/// While something is sold, every day brings a forecast.
fn set_forecast(config: &Config, parameters: &Parameters, demand: &mut Demand) {
    if demand.forecast_at.is_some() {
        return;
    }
    let alive = |place: &&Place| place.has_open_sales() || Plan::of(config, parameters, place).is_alive();
    let day = demand.places.iter().filter(alive).map(|place| place.day).max();
    demand.forecast_at = day.map(|day| day.end(config.utc_offset_minutes));
}
