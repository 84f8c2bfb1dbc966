//! What `topology.toml` may say about the rules, and within which limits: `[orders]`, `[stock]`, `[catalogue]`,
//! `[demand]`, `[fleet]`. What a rule does with it is in `processors/`.

use processors::catalogue::{self, MAX_COMPLAINTS, Terms};
use processors::demand::{self, reorder::z_of};
use processors::orders::DeductOn;

use super::Config;
use super::section::Section;

const MAX_TASKS: i64 = 1_000;
/// A ping that waits for older ones for longer than an hour is no news.
const MAX_REORDER_MS: i64 = 3_600_000;
const MAX_PRICE_JUMP_PERCENT: i64 = 1_000_000;
const MAX_PRICE_TOLERANCE_PERCENT: i64 = 1_000;
const MAX_COMPLAINT_DAYS: i64 = 365;
/// A delay before an alert: a month.
const MAX_DELAY_SECONDS: i64 = 2_592_000;
/// From UTC to the furthest local time.
const MAX_OFFSET_MINUTES: i64 = 14 * 60;
const MAX_LEAD_DAYS: f64 = 3_650.0;
/// Minor units.
const MAX_COST: f64 = 1e12;

/// `[orders]`
pub(super) fn read_orders(orders: &mut Section<'_, '_>, config: &mut Config) {
    config.orders_tasks = orders.integer("tasks", 1, MAX_TASKS).map_or(config.orders_tasks, |n| n as i32);
    let most = schemas::input::MAX_HOLD_SECONDS;
    config.orders.hold_seconds = orders.integer("hold_seconds", 1, most).map_or(config.orders.hold_seconds, |n| n as u32);
    let deduct_on = orders.choice("deduct_on", &[("payment", DeductOn::Payment), ("shipment", DeductOn::Shipment)]);
    config.orders.deduct_on = deduct_on.unwrap_or(config.orders.deduct_on);
}

/// `[stock]`
pub(super) fn read_stock(stock: &mut Section<'_, '_>, config: &mut Config) {
    config.stock_tasks = stock.integer("tasks", 1, MAX_TASKS).map_or(config.stock_tasks, |n| n as i32);
    config.split = stock.flag("split").unwrap_or(config.split);
    config.terms = read_terms(stock);
}

/// The price's tolerance counts only if prices are checked.
fn read_terms(stock: &mut Section<'_, '_>) -> Terms {
    let tolerance = stock.integer("price_tolerance_percent", 0, MAX_PRICE_TOLERANCE_PERCENT).unwrap_or(0) as u32;
    Terms {
        price_tolerance_percent: stock.flag("check_prices").unwrap_or(false).then_some(tolerance),
        listed_only: stock.flag("listed_only").unwrap_or(false),
    }
}

/// `[catalogue]`
pub(super) fn read_catalogue(catalogue: &mut Section<'_, '_>, own: &mut catalogue::Config) {
    let jump = catalogue.integer("price_jump_percent", 0, MAX_PRICE_JUMP_PERCENT);
    // A factor below one and a little would hold back a price that does not change.
    let jump = jump.map_or(own.price_jump_percent, |percent| (percent > 0).then_some(percent.max(100) as u32));
    own.price_jump_percent = jump;
    let complaints = catalogue.integer("complaints", 0, i64::from(MAX_COMPLAINTS));
    own.complaints = complaints.map_or(own.complaints, |n| (n > 0).then_some(n as u16));
    own.complaint_days = catalogue.integer("complaint_days", 1, MAX_COMPLAINT_DAYS).map_or(own.complaint_days, |n| n as u16);
}

/// `[demand]`. `None`: it is switched off; the other keys are checked all the same.
pub(super) fn read_demand(section: &mut Section<'_, '_>) -> Option<demand::Config> {
    let mut demand = demand::Config::default();
    let on = section.flag("watch").unwrap_or(true);
    demand.z = section.number("service_level", 0.5, 0.9999).map_or(demand.z, z_of);
    demand.hysteresis = section.number("hysteresis", 0.0, 10.0).unwrap_or(demand.hysteresis);
    let seconds = section.integer("raise_after_seconds", 0, MAX_DELAY_SECONDS);
    demand.raise_after_seconds = seconds.map_or(demand.raise_after_seconds, |n| n as u32);
    let offset = section.integer("utc_offset_minutes", -MAX_OFFSET_MINUTES, MAX_OFFSET_MINUTES);
    demand.utc_offset_minutes = offset.map_or(demand.utc_offset_minutes, |n| n as i32);
    let defaults = &mut demand.defaults;
    defaults.lead_time_days = section.number("lead_time_days", 0.0, MAX_LEAD_DAYS).unwrap_or(defaults.lead_time_days);
    defaults.lead_time_sigma_days = section.number("lead_time_sigma_days", 0.0, MAX_LEAD_DAYS).unwrap_or(defaults.lead_time_sigma_days);
    defaults.order_cost = section.number("order_cost", 0.0, MAX_COST).unwrap_or(defaults.order_cost);
    defaults.holding_rate = section.number("holding_rate", 0.0, 100.0).unwrap_or(defaults.holding_rate);
    defaults.unit_cost = section.number("unit_cost", 0.0, MAX_COST).unwrap_or(defaults.unit_cost);
    on.then_some(demand)
}

/// `[fleet]`
pub(super) fn read_fleet(fleet: &mut Section<'_, '_>, config: &mut Config) {
    config.fleet_tasks = fleet.integer("tasks", 1, MAX_TASKS).map_or(config.fleet_tasks, |n| n as i32);
    config.verdicts = fleet.flag("verdicts").unwrap_or(config.verdicts);
    config.roads = fleet.text("roads").map(|(file, _)| file.into());
    let own = &mut config.fleet;
    own.reorder_millis = fleet.integer("reorder_ms", 0, MAX_REORDER_MS).unwrap_or(own.reorder_millis);
    own.accuracy_metres = fleet.integer("accuracy_metres", 1, 100_000).map_or(own.accuracy_metres, |n| n as u32);
    own.max_speed = fleet.integer("max_speed_kmh", 1, 1_000).map_or(own.max_speed, |n| n as f64 / 3.6);
    own.overspeed = fleet.integer("speed_limit_kmh", 1, 1_000).map_or(own.overspeed, |n| (n as f64 / 0.036).round() as u16);
    own.silent_seconds = fleet.integer("silent_seconds", 10, 86_400).unwrap_or(own.silent_seconds);
    own.stop_radius = fleet.integer("stop_radius_metres", 10, 10_000).map_or(own.stop_radius, |n| n as u32);
    own.depot_radius = fleet.integer("depot_radius_metres", 10, 10_000).map_or(own.depot_radius, |n| n as u32);
    own.approach_metres = fleet.integer("approach_metres", 10, 100_000).map_or(own.approach_metres, |n| n as f64);
    own.off_route_metres = fleet.integer("off_route_metres", 10, 100_000).map_or(own.off_route_metres, |n| n as f64);
}
