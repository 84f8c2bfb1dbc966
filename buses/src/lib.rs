//! The buses' file (`data/buses`) as reports, in the order of its rows. Changes nothing, leaves nothing out: what a report
//! means is its reader's matter.

use std::io::Read;

use schemas::Timestamp;
use serde::Deserialize;

/// One position report of a bus.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub vehicle: String,
    /// One run along the line, of the data's own numbering.
    pub trip: String,
    pub at: Timestamp,
    /// Degrees.
    pub lat: f64,
    pub lon: f64,
    /// Degrees clockwise from north; a quarter of the rows have none.
    pub bearing: Option<f64>,
}

/// Why the file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("row {row}: {fault}")]
    Row { row: usize, fault: csv::Error },
    #[error("row {row}: `{text}` is no time")]
    Time { row: usize, text: String },
}

#[derive(Deserialize)]
struct Row {
    vehicle_id: String,
    trip_id: String,
    timestamp: String,
    latitude: f64,
    longitude: f64,
    bearing: Option<f64>,
}

/// Reads all rows.
pub fn read(file: impl Read) -> Result<Vec<Report>, Error> {
    let mut reports = vec![];
    for (index, row) in csv::Reader::from_reader(file).deserialize().enumerate() {
        // The first row has the names.
        let row_number = index + 2;
        let row: Row = row.map_err(|fault| Error::Row { row: row_number, fault })?;
        // British time in January is UTC.
        let at = Timestamp::parse(&format!("{}Z", row.timestamp));
        let at = at.ok_or(Error::Time { row: row_number, text: row.timestamp })?;
        reports.push(Report {
            vehicle: row.vehicle_id,
            trip: row.trip_id,
            at,
            lat: row.latitude,
            lon: row.longitude,
            bearing: row.bearing,
        });
    }
    Ok(reports)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_read_whole_and_a_bad_row_is_named() {
        let text = include_str!("../../data/buses/liverpool-route14.csv");
        let reports = read(text.as_bytes()).unwrap();
        assert_eq!(reports.len(), 1_533);
        let first = Report {
            vehicle: "4716".into(),
            trip: "1091".into(),
            at: Timestamp::parse("2026-01-26T15:57:02Z").unwrap(),
            lat: 53.444_51,
            lon: -2.925_173,
            bearing: None,
        };
        assert_eq!((&reports[0], reports[1].bearing), (&first, Some(53.0)));
        let bad = text.replacen("2026-01-26 15:57:24", "noon", 1);
        assert_eq!(read(bad.as_bytes()).unwrap_err().to_string(), "row 3: `noon` is no time");
        let short = text.replacen("53.445026", "north", 1);
        assert!(read(short.as_bytes()).unwrap_err().to_string().starts_with("row 3: "));
    }
}
