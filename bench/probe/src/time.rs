//! The wall clock, and how its times are written.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Milliseconds since the epoch.
pub fn now_unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock stands before 1970").as_millis() as i64
}

/// RFC 3339 in UTC, always with three decimals: they are sent, and every record of a benchmark should be of one length.
pub fn rfc3339(unix_ms: i64) -> String {
    let time = Timestamp::from_millisecond(unix_ms).expect("a time before the year 10000");
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_decimals_and_z() {
        let expected = [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (1_709_164_800_123, "2024-02-29T00:00:00.123Z"),
            (1_767_225_600_010, "2026-01-01T00:00:00.010Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        ];
        for (unix_ms, text) in expected {
            assert_eq!(rfc3339(unix_ms), text);
        }
    }
}
