//! Smoothing: a Kalman filter with a constant velocity, east and north apart, in metres around where the vehicle was.
//! The filter is `minikalman`'s; here is what goes in and out of it.

use minikalman::models::motion::constant_velocity;
use minikalman::prelude::*;
use minikalman::regular::builder::KalmanFilterBuilder;
use schemas::Timestamp;

use super::geo::Ground;
use super::judge::USUAL_ACCURACY;
use super::vehicle::{Reading, Track};

/// What a vehicle does between two fixes without saying so, (m/s²)²: a car that brakes or turns in town.
const ACCELERATION_VARIANCE: f32 = 1.5 * 1.5;
/// Of a velocity that is not known, (m/s)².
const VELOCITY_VARIANCE: f32 = 15.0 * 15.0;
/// No fix is better than this, decimetres, whatever it says of itself.
const BEST_ACCURACY: u32 = 30;
/// A gap after which the old velocity says nothing, seconds.
const LONG_GAP: f32 = 60.0;
/// A gap after which the average says more of the speed than the filter, which takes a vehicle to speed up or slow down
/// all the way; seconds.
const LONG_STEP: f32 = 8.0;
/// Below this a direction is noise, metres per second.
const SLOWEST_HEADING: f32 = 1.0;

/// The track before the first fix, or after a jump.
pub(super) fn start(reading: &Reading) -> Track {
    let covariance = [variance(reading), 0.0, VELOCITY_VARIANCE];
    let track = Track { point: reading.point, velocity: [0.0; 2], covariance, speed: 0, heading: None };
    said(reading, track, track.velocity)
}

/// The track after one more fix.
pub(super) fn step(track: &Track, before: Timestamp, reading: &Reading) -> Track {
    let seconds = (reading.fix_time.0 - before.0) as f32 / 1000.0;
    let ground = Ground::around(track.point);
    let (east, north) = ground.place(reading.point);
    let measured = [east as f32, north as f32];
    let next = if seconds > LONG_GAP {
        // How fast it was on average is the best guess.
        let velocity = measured.map(|metres| metres / seconds);
        Track { point: reading.point, velocity, covariance: [variance(reading), 0.0, VELOCITY_VARIANCE / 9.0], ..*track }
    } else {
        let mut places = [0.0; 2];
        let mut velocity = [0.0; 2];
        let mut covariance = track.covariance;
        for axis in 0..2 {
            (places[axis], velocity[axis], covariance) =
                axis_step(track.velocity[axis], track.covariance, seconds, measured[axis], variance(reading));
        }
        Track { point: ground.point(f64::from(places[0]), f64::from(places[1])), velocity, covariance, ..*track }
    };
    let average = || {
        let (east, north) = ground.place(next.point);
        [east as f32 / seconds, north as f32 / seconds]
    };
    said(reading, next, if seconds > LONG_STEP { average() } else { next.velocity })
}

/// Predicts one axis by `seconds` and corrects it by what was measured: metres from the last place. Returns place,
/// velocity and covariance.
fn axis_step(velocity: f32, [pp, pv, vv]: [f32; 3], seconds: f32, measured: f32, variance: f32) -> (f32, f32, [f32; 3]) {
    let builder = KalmanFilterBuilder::<2, f32>::default();
    let mut filter = builder.build();
    filter.state_vector_mut().apply(|state| {
        state.set_at(0, 0, 0.0);
        state.set_at(1, 0, velocity);
    });
    filter.estimate_covariance_mut().apply(|p| {
        p.set_at(0, 0, pp);
        p.set_at(0, 1, pv);
        p.set_at(1, 0, pv);
        p.set_at(1, 1, vv);
    });
    let model = constant_velocity(seconds, ACCELERATION_VARIANCE);
    filter.state_transition_mut().apply(|a| model.fill_transition(a));
    filter.direct_process_noise_mut().apply(|q| model.fill_process_noise(q));
    filter.predict();
    let mut fix = builder.observations().build::<1>();
    fix.observation_matrix_mut().apply(|h| {
        h.set_at(0, 0, 1.0);
        h.set_at(0, 1, 0.0);
    });
    fix.measurement_noise_covariance_mut().apply(|r| r.set_at(0, 0, variance));
    fix.measurement_vector_mut().apply(|z| z.set_at(0, 0, measured));
    filter.correct(&mut fix);
    let (state, p) = (filter.state_vector(), filter.estimate_covariance());
    (state.get_at(0, 0), state.get_at(1, 0), [p.get_at(0, 0), p.get_at(0, 1), p.get_at(1, 1)])
}

/// Of a measured place, m².
fn variance(reading: &Reading) -> f32 {
    let metres = reading.accuracy.unwrap_or(USUAL_ACCURACY).max(BEST_ACCURACY) as f32 / 10.0;
    metres * metres
}

/// Speed and heading: what the receiver says, else what the filter found.
fn said(reading: &Reading, track: Track, [east, north]: [f32; 2]) -> Track {
    let speed = libm::sqrtf(east * east + north * north);
    let found = || {
        let degrees = libm::atan2f(east, north).to_degrees().rem_euclid(360.0);
        (speed >= SLOWEST_HEADING).then_some((degrees * 10.0).round() as u16 % 3600)
    };
    Track {
        speed: reading.speed.unwrap_or((speed * 100.0).round() as u16),
        // A vehicle that stands still looks where it looked before.
        heading: reading.heading.or_else(found).or(track.heading),
        ..track
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::plan::Point;

    fn reading(seconds: i64, lat: f64, lon: f64) -> Reading {
        Reading { fix_time: Timestamp(seconds * 1000), point: Point::from_degrees(lat, lon), speed: None, heading: None, accuracy: None }
    }

    /// The filter against the equations by hand: Δt = 2 s, σ² = 100 m², one step from rest.
    #[test]
    fn one_step_is_the_textbooks() {
        let (pp, vv, dt, r, a) = (100.0f32, 225.0f32, 2.0f32, 100.0f32, 2.25f32);
        let predicted = [pp + dt * dt * vv + a * dt.powi(4) / 4.0, dt * vv + a * dt.powi(3) / 2.0, vv + a * dt * dt];
        let gain = [predicted[0] / (predicted[0] + r), predicted[1] / (predicted[0] + r)];
        let (place, velocity, covariance) = axis_step(0.0, [pp, 0.0, vv], dt, 30.0, r);
        let near = |a: f32, b: f32| assert!((a - b).abs() <= 1e-3 * b.abs().max(1.0), "{a} instead of {b}");
        near(place, gain[0] * 30.0);
        near(velocity, gain[1] * 30.0);
        near(covariance[0], (1.0 - gain[0]) * predicted[0]);
        near(covariance[1], (1.0 - gain[0]) * predicted[1]);
        near(covariance[2], predicted[2] - gain[1] * predicted[1]);
    }

    /// A straight drive east at 10 m/s with noise of ±8 metres across: the filter's place is nearer to the road than the
    /// fixes, and it knows the speed.
    #[test]
    fn noise_is_smoothed_and_speed_is_found() {
        let metres_east = 1.0 / 55_597.5; // Degrees of longitude at 60°.
        let metres_north = 1.0 / 111_195.0;
        let mut track = start(&reading(0, 60.0, 24.0));
        let (mut raw, mut smoothed) = (0.0, 0.0);
        for second in 1..60 {
            let across = if second % 2 == 0 { 8.0 } else { -8.0 };
            let fix = reading(second, 60.0 + across * metres_north, 24.0 + second as f64 * 10.0 * metres_east);
            track = step(&track, Timestamp((second - 1) * 1000), &fix);
            if second > 20 {
                raw += across.abs();
                smoothed += ((f64::from(track.point.lat) / 1e7 - 60.0) / metres_north).abs();
            }
        }
        assert!(smoothed < raw / 3.0, "smoothed {smoothed} of {raw}");
        assert!((950..=1050).contains(&track.speed), "{} cm/s", track.speed);
        assert!((850..=950).contains(&track.heading.unwrap()), "{:?}", track.heading);
        let there = Ground::around(Point::from_degrees(60.0, 24.0)).place(track.point).0;
        assert!((there - 590.0).abs() < 15.0, "{there} metres east");
    }

    #[test]
    fn after_a_gap_the_speed_is_the_average() {
        let track = start(&reading(0, 60.0, 24.0));
        let track = step(&track, Timestamp(0), &reading(200, 60.02, 24.0));
        assert_eq!(track.point, Point::from_degrees(60.02, 24.0));
        assert!((1110..=1114).contains(&track.speed), "{} cm/s", track.speed);
        assert_eq!(track.heading, Some(0));
    }
}
