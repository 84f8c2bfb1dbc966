//! `gps-pings`: one fix of one vehicle, decoded and checked. Whether it is believed is the rules' matter.

use std::borrow::Cow;

use serde::Deserialize;

use crate::input::{id, required, same_as_key, some_text};
use crate::plan::Point;
use crate::{Reason, Reject, Timestamp};

/// No fix is older: 2000-01-01T00:00:00Z. What is says "no time", or a receiver that lost count of its weeks.
pub const FIRST_FIX_TIME: Timestamp = Timestamp(946_684_800_000);
/// No vehicle says that it is faster, metres per second.
pub const MAX_SPEED: f64 = 400.0;
/// The largest accuracy that means anything: half of the earth's circumference, in metres.
pub const MAX_ACCURACY_METRES: f64 = 20_000_000.0;

/// A fix as a tracker sends it; the vehicle is the key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ping {
    /// When the receiver saw it.
    pub fix_time: Timestamp,
    pub point: Point,
    /// Metres per second, 0 to [`MAX_SPEED`].
    pub speed: Option<f64>,
    /// Degrees clockwise from north, 0 to 360.
    pub heading: Option<f64>,
    /// Radius in metres, 0 to [`MAX_ACCURACY_METRES`].
    pub accuracy: Option<f64>,
}

#[derive(Deserialize)]
pub(crate) struct RawPing<'a> {
    #[serde(borrow, default, deserialize_with = "some_text")]
    vehicle_id: Option<Cow<'a, str>>,
    fix_time: Option<Timestamp>,
    lat: Option<f64>,
    lon: Option<f64>,
    speed: Option<f64>,
    heading: Option<f64>,
    accuracy: Option<f64>,
}

impl RawPing<'_> {
    pub fn check(self, key: &str) -> Result<Ping, Reject> {
        same_as_key("vehicle_id", &id("vehicle_id", self.vehicle_id)?, key)?;
        Ok(Ping {
            fix_time: fix_time(required("fix_time", self.fix_time)?)?,
            point: point("", self.lat, self.lon)?,
            speed: optional("speed", self.speed, MAX_SPEED, "metres per second")?,
            heading: optional("heading", self.heading, 360.0, "degrees clockwise from north")?,
            accuracy: optional("accuracy", self.accuracy, MAX_ACCURACY_METRES, "metres")?,
        })
    }
}

fn fix_time(at: Timestamp) -> Result<Timestamp, Reject> {
    if at >= FIRST_FIX_TIME {
        return Ok(at);
    }
    let hint =
        if (FIRST_FIX_TIME.0 / 1000..FIRST_FIX_TIME.0 / 100).contains(&at.0) { "; a number is milliseconds, not seconds" } else { "" };
    Err(Reject::new(Reason::ValueOutOfRange, format!("`fix_time` is {at}; no fix is older than {FIRST_FIX_TIME}{hint}")))
}

fn optional(field: &str, value: Option<f64>, most: f64, unit: &str) -> Result<Option<f64>, Reject> {
    match value {
        Some(value) if !(0.0..=most).contains(&value) => {
            Err(Reject::new(Reason::ValueOutOfRange, format!("`{field}` is {value}; it is 0 to {most} {unit}")))
        }
        other => Ok(other),
    }
}

/// A place from `lat` and `lon` in degrees. `at` comes before the field's name in messages: `stops[3].`.
pub(super) fn point(at: &str, lat: Option<f64>, lon: Option<f64>) -> Result<Point, Reject> {
    let (lat_name, lon_name) = (format_args!("{at}lat"), format_args!("{at}lon"));
    let missing = |name: std::fmt::Arguments<'_>| Reject::new(Reason::MissingField, format!("`{name}` is missing"));
    let (lat, lon) = (lat.ok_or_else(|| missing(lat_name))?, lon.ok_or_else(|| missing(lon_name))?);
    if lat.abs() <= 90.0 && lon.abs() <= 180.0 {
        return Ok(Point::from_degrees(lat, lon));
    }
    let fits = |lat: f64, lon: f64| lat.abs() <= 90.0 && lon.abs() <= 180.0;
    let hint = if fits(lon, lat) {
        "; they look swapped"
    } else if lat.fract() == 0.0 && lon.fract() == 0.0 && fits(lat / 1e7, lon / 1e7) {
        "; they look like millionths or ten-millionths of degrees"
    } else {
        ""
    };
    Err(Reject::new(
        Reason::ValueOutOfRange,
        format!("`{lat_name}` is {lat} and `{lon_name}` is {lon}; they are -90 to 90 and -180 to 180 degrees{hint}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::decode_ping;

    #[test]
    fn a_ping_is_taken_or_named() {
        let fix = r#""vehicle_id":"V-7","fix_time":"2026-03-01T10:00:00Z""#;
        for (value, want) in [
            (format!(r#"{{{fix},"lat":60.17,"lon":24.94,"speed":8.3,"heading":90,"accuracy":5}}"#), "ok"),
            (format!(r#"{{{fix},"lat":60,"lon":-180}}"#), "ok"),
            (format!(r#"{{{fix},"lat":0,"lon":0,"speed":null,"altitude":{{"x":1}}}}"#), "ok"),
            (r#"{"vehicle_id":"V-7","fix_time":1772445600000,"lat":60.17,"lon":24.94}"#.into(), "ok"),
            (
                r#"{"vehicle_id":"V-7","fix_time":1772445600,"lat":60.17,"lon":24.94}"#.into(),
                "value_out_of_range milliseconds, not seconds",
            ),
            (r#"{"vehicle_id":"V-7","fix_time":"1970-01-01T00:00:00Z","lat":60.17,"lon":24.94}"#.into(), "value_out_of_range older than"),
            (r#"{"vehicle_id":"V-7","fix_time":"now","lat":60.17,"lon":24.94}"#.into(), "invalid_value RFC 3339"),
            (r#"{"vehicle_id":"V-7","lat":60.17,"lon":24.94}"#.into(), "missing_field `fix_time`"),
            (r#"{"vehicle_id":"V-8","fix_time":1772445600000,"lat":60.17,"lon":24.94}"#.into(), "key_mismatch V-8"),
            (format!(r#"{{{fix},"lon":24.94}}"#), "missing_field `lat`"),
            (format!(r#"{{{fix},"lat":400,"lon":24.94}}"#), "value_out_of_range -90 to 90"),
            (format!(r#"{{{fix},"lat":139.69,"lon":35.68}}"#), "value_out_of_range swapped"),
            (format!(r#"{{{fix},"lat":60170000,"lon":24940000}}"#), "value_out_of_range millionths"),
            (format!(r#"{{{fix},"lat":601700000,"lon":249400000}}"#), "value_out_of_range millionths"),
            (format!(r#"{{{fix},"lat":NaN,"lon":24.94}}"#), "invalid_json expected value"),
            (format!(r#"{{{fix},"lat":"60.17","lon":24.94}}"#), "invalid_value string"),
            (format!(r#"{{{fix},"lat":1e999,"lon":24.94}}"#), "invalid_json out of range"),
            (format!(r#"{{{fix},"lat":60.17,"lon":24.94,"speed":-1}}"#), "value_out_of_range `speed`"),
            (format!(r#"{{{fix},"lat":60.17,"lon":24.94,"heading":361}}"#), "value_out_of_range `heading`"),
            (format!(r#"{{{fix},"lat":60.17,"lon":24.94,"accuracy":-5}}"#), "value_out_of_range `accuracy`"),
            ("[]".into(), "invalid_value object"),
        ] {
            let (word, hint) = want.split_once(' ').unwrap_or((want, ""));
            match decode_ping("V-7", &value) {
                Ok(_) => assert_eq!(word, "ok", "{value}"),
                Err(reject) => {
                    assert_eq!(reject.reason.word(), word, "{value}: {reject}");
                    assert!(reject.message.contains(hint), "{value}: {reject}");
                }
            }
        }
    }
}
