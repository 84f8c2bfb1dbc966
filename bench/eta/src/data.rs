//! The buses' file as trips: rows of one vehicle and trip, by time. Changes nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use schemas::Timestamp;
use serde::Deserialize;

/// Metres of one degree of latitude on the sphere of the same volume as the earth.
const METRES_PER_DEGREE: f64 = 111_195.08;

/// One report of a vehicle, in metres east and north of the file's first row. The line is 10 km long: a plane will do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    pub at: Timestamp,
    pub east: f64,
    pub north: f64,
}

/// One run along the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    pub vehicle: String,
    /// Of the data's own numbering.
    pub id: String,
    /// Sorted by time, each time once.
    pub fixes: Vec<Fix>,
}

#[derive(Deserialize)]
struct Row {
    vehicle_id: String,
    trip_id: String,
    timestamp: String,
    latitude: f64,
    longitude: f64,
}

/// Reads the file; trips by vehicle and number.
pub fn read(path: &Path) -> Result<Vec<Trip>, String> {
    let mut reader = csv::Reader::from_path(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut trips: BTreeMap<(String, String), Vec<Fix>> = BTreeMap::new();
    let mut origin = None;
    for (index, row) in reader.deserialize().enumerate() {
        let bad = |what: String| format!("{}, row {}: {what}", path.display(), index + 2);
        let row: Row = row.map_err(|e| bad(e.to_string()))?;
        // British time in January is UTC.
        let at = Timestamp::parse(&format!("{}Z", row.timestamp)).ok_or_else(|| bad(format!("`{}` is no time", row.timestamp)))?;
        let (lat, lon): (f64, f64) = *origin.get_or_insert((row.latitude, row.longitude));
        trips.entry((row.vehicle_id, row.trip_id)).or_default().push(Fix {
            at,
            east: (row.longitude - lon) * METRES_PER_DEGREE * lat.to_radians().cos(),
            north: (row.latitude - lat) * METRES_PER_DEGREE,
        });
    }
    Ok(trips
        .into_iter()
        .map(|((vehicle, id), mut fixes)| {
            fixes.sort_by_key(|f| f.at);
            fixes.dedup_by_key(|f| f.at);
            Trip { vehicle, id, fixes }
        })
        .collect())
}
