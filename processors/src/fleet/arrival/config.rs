//! What an arrival time is estimated with: each figure with its unit and why it is what it is. Decides nothing.

/// Parameters of the estimate. All finite and positive; fractions are of 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// A cell of [`super::Speeds`] remembers about this many metres: older ones fade. 50 km are some 200 observations, so
    /// that chance moves a mean by a few percent only.
    pub memory_metres: f64,
    /// What was learned of a class counts as much as free flow once this many metres were driven on it: two observations,
    /// because one varies by about 70 %, and free flow may be as wrong as that.
    pub class_prior_metres: f64,
    /// An hour of the day counts as much as its class over all hours once this many metres were driven in it: twenty
    /// observations, because hours differ from each other by 15 % or so.
    pub hour_prior_metres: f64,
    /// How far ahead of the vehicle its own speed says something: at this distance a quarter of the weight is left.
    pub live_reach_metres: f64,
    /// Time over which the vehicle's own speed fades.
    pub live_memory_seconds: f64,
    /// The vehicle's own speed counts as much as the learned one once it was measured over this many metres. It also keeps a
    /// vehicle that stands from "never arriving".
    pub live_prior_metres: f64,
    /// Driving takes this many times as long as at free flow, until something is learned.
    pub free_flow_factor: f64,
    /// Metres per second where there is neither a free-flow time nor anything learned; 30 km/h.
    pub unknown_speed: f64,
    /// Standard deviation of the driving time of one kilometre, as a fraction of it, until something is learned.
    pub spread_per_km: f64,
    /// What does not average out over a way (the traffic of the day, the driver), as a fraction of the driving time.
    pub common_spread: f64,
    /// Standard deviation of the time spent at stops, as a fraction of it.
    pub dwell_spread: f64,
    /// Seconds that no estimate is more certain than: fixes come every few seconds, and "arrived" is a circle.
    pub floor_seconds: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            memory_metres: 50_000.0,
            class_prior_metres: 500.0,
            hour_prior_metres: 5_000.0,
            live_reach_metres: 500.0,
            live_memory_seconds: 180.0,
            live_prior_metres: 200.0,
            free_flow_factor: 1.2,
            unknown_speed: 30.0 / 3.6,
            spread_per_km: 0.35,
            common_spread: 0.1,
            dwell_spread: 0.5,
            floor_seconds: 15.0,
        }
    }
}
