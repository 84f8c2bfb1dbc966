//! The buses' file as trips: rows of one vehicle and trip, by time. Changes nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use schemas::Timestamp;

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

/// Reads the file; trips by vehicle and number.
pub fn read(path: &Path) -> Result<Vec<Trip>, String> {
    let bad = |what: String| format!("{}: {what}", path.display());
    let file = File::open(path).map_err(|e| bad(e.to_string()))?;
    let mut trips: BTreeMap<(String, String), Vec<Fix>> = BTreeMap::new();
    let mut origin = None;
    for report in buses::read(file).map_err(|e| bad(e.to_string()))? {
        let (lat, lon): (f64, f64) = *origin.get_or_insert((report.lat, report.lon));
        trips.entry((report.vehicle, report.trip)).or_default().push(Fix {
            at: report.at,
            east: (report.lon - lon) * METRES_PER_DEGREE * lat.to_radians().cos(),
            north: (report.lat - lat) * METRES_PER_DEGREE,
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
