//! Time as Waybill's records carry it: milliseconds since the Unix epoch, UTC. Reads no clock.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Later by `seconds`, saturating.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// RFC 3339 text, or `None` if it is not that.
    pub fn parse(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Timestamp(t.as_millisecond()))
    }
}

/// RFC 3339 with milliseconds and `Z`: `2010-12-01T08:26:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeText([u8; 24]);

impl TimeText {
    pub fn as_str(&self) -> &str {
        // Digits and separators: always UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Serialize for TimeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl Timestamp {
    /// The time as text. Times outside years 0–9999 are clamped.
    pub fn text(self) -> TimeText {
        let stamp = jiff::Timestamp::from_millisecond(self.0.clamp(MIN_MILLIS, MAX_MILLIS)).unwrap_or_default();
        let civil = jiff::tz::Offset::UTC.to_datetime(stamp);
        // Digit by digit: this is in every output record several times, and a general formatter costs ten times as much.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut digits = |at: std::ops::Range<usize>, mut number: i32| {
            for place in text[at].iter_mut().rev() {
                *place = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        digits(0..4, i32::from(civil.year()));
        digits(5..7, i32::from(civil.month()));
        digits(8..10, i32::from(civil.day()));
        digits(11..13, i32::from(civil.hour()));
        digits(14..16, i32::from(civil.minute()));
        digits(17..19, i32::from(civil.second()));
        digits(20..23, i32::from(civil.millisecond()));
        TimeText(text)
    }
}

/// 0000-01-01T00:00:00Z.
const MIN_MILLIS: i64 = -62_167_219_200_000;
/// 9999-12-30T22:00:00.000Z, the last instant that jiff knows (rounded down).
const MAX_MILLIS: i64 = 253_402_207_200_000;

/// Accepts RFC 3339 text or integer milliseconds.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Timestamp);
        }
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("RFC 3339 text or integer milliseconds since the epoch")
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Timestamp, E> {
                Ok(Timestamp(v))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Timestamp, E> {
                i64::try_from(v).map(Timestamp).map_err(|_| E::custom("milliseconds out of range"))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Timestamp, E> {
                Timestamp::parse(v).ok_or_else(|| E::custom(format_args!("`{v}` is not an RFC 3339 time")))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_rfc_3339() {
        for (millis, text) in
            [(0, "1970-01-01T00:00:00.000Z"), (1_291_191_960_000, "2010-12-01T08:26:00.000Z"), (-1, "1969-12-31T23:59:59.999Z")]
        {
            assert_eq!(Timestamp(millis).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp(millis)));
        }
        assert_eq!(Timestamp::parse("2010-12-01T10:26:00+02:00"), Some(Timestamp(1_291_191_960_000)));
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(&Timestamp(i64::MAX).to_string()[..4], "9999");
        assert_eq!(&Timestamp(i64::MIN).to_string()[..4], "0000");
    }
}
