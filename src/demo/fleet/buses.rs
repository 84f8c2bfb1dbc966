//! Real buses: what eight buses of route 14 in Liverpool reported on a Monday, as they drove on the Monday of the shop's
//! week. Times are moved by whole days, nothing else; they carry nothing of the shop's.

use serde_json::json;

use super::mishaps::Sent;

const FILE: &[u8] = include_bytes!("../../../data/buses/liverpool-route14.csv");
/// 2010-12-06, a Monday as the file's day is; milliseconds since the epoch.
const MONDAY: i64 = 1_291_593_600_000;
const DAY: i64 = 86_400_000;
/// From a report's time until it is sent, in milliseconds; the file does not say.
const DELAY: i64 = 1_000;

/// Vehicle and ping, in the file's order.
pub fn pings() -> Result<Vec<(String, Sent)>, buses::Error> {
    let reports = buses::read(FILE)?;
    let first = reports.iter().map(|report| report.at.0).min().unwrap_or_default();
    let moved = MONDAY - (first - first % DAY);
    let ping = |report: &buses::Report| {
        let at = report.at.0 + moved;
        let vehicle = format!("{}{}", super::BUS, report.vehicle);
        let mut value = json!({ "vehicle_id": vehicle, "fix_time": at, "lat": report.lat, "lon": report.lon });
        if let Some(bearing) = report.bearing {
            value["heading"] = json!(bearing);
        }
        (vehicle, (at + DELAY, value.to_string().into_bytes()))
    };
    Ok(reports.iter().map(ping).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Timestamp;
    use std::collections::BTreeSet;

    #[test]
    fn every_report_on_the_monday_of_the_week_at_its_time_of_day() {
        let pings = pings().unwrap();
        assert_eq!(pings.len(), 1_533);
        assert_eq!(pings.iter().map(|(vehicle, _)| vehicle).collect::<BTreeSet<_>>().len(), 8);
        let times: Vec<i64> = pings.iter().map(|(_, (at, _))| at - DELAY).collect();
        let text = |at: Option<&i64>| Timestamp(*at.unwrap()).to_string();
        assert!(text(times.iter().min()).starts_with("2010-12-06T15:55") && text(times.iter().max()).starts_with("2010-12-06T18:19"));
        let file: serde_json::Value = serde_json::from_slice(&pings[1].1.1).unwrap();
        assert_eq!(file["heading"], 53.0);
        assert_eq!(Timestamp(file["fix_time"].as_i64().unwrap()).to_string(), "2010-12-06T15:57:24.000Z");
    }
}
