//! What an operator may decide about a fleet.

use super::arrival;

/// Limits and tolerances, with their units in their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How long a ping waits for older ones, by fix time and by record time, milliseconds; 0: not at all.
    pub reorder_millis: i64,
    /// A fix that may be farther off is inaccurate, metres.
    pub accuracy_metres: u32,
    /// What no vehicle of the fleet reaches, metres per second.
    pub max_speed: f64,
    /// How far ahead of its record a fix may be, seconds.
    pub future_seconds: i64,
    /// Without an accepted fix for so long a vehicle is silent, seconds.
    pub silent_seconds: i64,
    /// A vehicle that stays inside so many metres for so many seconds has stopped.
    pub stop_metres: f64,
    pub stop_seconds: i64,
    /// Faster than this for so many seconds is an overspeed; centimetres per second.
    pub overspeed: u16,
    pub overspeed_seconds: i64,
    /// Around a stop or depot that says nothing itself, metres.
    pub stop_radius: u32,
    pub depot_radius: u32,
    /// Who is this near to a place has not left it, metres.
    pub edge_metres: f64,
    /// In or out counts once it was seen for so long by two fixes, seconds …
    pub fence_seconds: i64,
    /// … or by one, if nothing is heard for so long.
    pub fence_alone_seconds: i64,
    /// The next stop is approached from here, metres.
    pub approach_metres: f64,
    /// Farther from its route than this, by so many fixes in so many seconds, a vehicle has left it.
    pub off_route_metres: f64,
    pub off_route_fixes: u8,
    pub off_route_seconds: i64,
    /// Between two new plans for one shipment, seconds.
    pub replan_seconds: i64,
    /// How much longer than the great circle a way is of which nothing is known.
    pub detour: f64,
    /// An arrival time that moves by less is not told again, however certain it is; seconds.
    pub eta_seconds: i64,
    pub arrival: arrival::Config,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            reorder_millis: 5_000,
            accuracy_metres: 200,
            max_speed: 70.0,
            future_seconds: 60,
            silent_seconds: 300,
            stop_metres: 50.0,
            stop_seconds: 120,
            overspeed: 3_694, // 133 km/h
            overspeed_seconds: 10,
            stop_radius: 100,
            depot_radius: 150,
            edge_metres: 30.0,
            fence_seconds: 15,
            fence_alone_seconds: 60,
            approach_metres: 1_000.0,
            off_route_metres: 150.0,
            off_route_fixes: 3,
            off_route_seconds: 20,
            replan_seconds: 60,
            detour: 1.4,
            eta_seconds: 120,
            arrival: arrival::Config::default(),
        }
    }
}
