//! How good are Waybill's arrival times? `eta-report FILE DIR` replays real buses, predicts when they come to later
//! places of their line, and writes figures and plots to DIR. Ends with 1 if the promises do not hold: better than both
//! baselines, and 80 to 97 % of the arrivals in the 90 % interval. `make eta-report` runs it.
//!
//! | file | what |
//! | --- | --- |
//! | `data.rs` | the file as trips |
//! | `line.rs` | the line's geometry, from the traces of other vehicles |
//! | `replay.rs` | predictions, without a look ahead, and two baselines |
//! | `score.rs` | figures |
//! | `plots.rs`, `report.rs` | how they are shown |

mod data;
mod line;
mod plots;
mod replay;
mod report;
mod score;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;

use replay::{Learned, leave_one_out, parameters};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, folder] = &arguments[..] else {
        eprintln!("eta-report needs the buses' file and a folder for the report: eta-report data/buses/liverpool-route14.csv docs/eta");
        return ExitCode::from(2);
    };
    match run(Path::new(file), Path::new(folder)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("the promises do not hold: see the report");
            ExitCode::FAILURE
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the promises hold.
fn run(file: &Path, folder: &Path) -> Result<bool, String> {
    let trips = data::read(file)?;
    let all_day = leave_one_out(&parameters(), &trips, Learned::AllDay);
    let so_far = leave_one_out(&parameters(), &trips, Learned::SoFar);
    let score = score::Score::of(&all_day).ok_or("no prediction could be made")?;
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    plots::write(folder, &all_day)?;
    let text = report::markdown(&trips, &all_day, &so_far)?;
    let path = folder.join("README.md");
    std::fs::write(&path, &text).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("{text}");
    Ok(score.holds())
}
