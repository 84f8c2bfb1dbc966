//! `waybill roads build`: from an OpenStreetMap extract to a prepared graph, and what was made of it in a few lines.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stderr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use roads::{Progress, Report};

use super::Failure;
use super::roads::Build;

pub fn build(own: &Build) -> Result<(), Failure> {
    let out = own.out.clone().unwrap_or_else(|| beside(&own.map));
    if out == own.map {
        return Err(Failure::Wrong(format!("the graph would overwrite the map {}; give another --out FILE", out.display())));
    }
    // A large map takes minutes: what would fail at their end is better said now.
    let folder = out.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::Wrong(format!("there is no folder {} to write {} to", folder.display(), out.display())));
    }
    let started = Instant::now();
    let mut shown = Shown::new();
    let built = roads::build(&own.map, &mut |progress| shown.show(progress));
    shown.done();
    let (roads, report) = built.map_err(Failure::failed)?;
    let bytes = roads.save(&out).map_err(Failure::failed)?;
    print!("{}", summary(&report));
    println!("{}: {bytes} bytes, {} bytes in memory, prepared in {:.1} s", out.display(), roads.bytes(), started.elapsed().as_secs_f64());
    println!("Name it in topology.toml: [fleet] roads = \"{}\"", out.display());
    Ok(())
}

/// `finland-latest.osm.pbf` becomes `finland-latest.roads`.
fn beside(map: &Path) -> PathBuf {
    let name = map.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".osm.pbf").or_else(|| name.strip_suffix(".pbf")).unwrap_or(&name);
    map.with_file_name(format!("{stem}.roads"))
}

fn summary(report: &Report) -> String {
    let Report { ways, roads_found, roads, kilometres, states, turns, restrictions, missing_nodes } = report;
    let mut text = format!(
        "{ways} ways for cars, cut at junctions into {roads_found} roads; {roads} of them, {kilometres} km, are connected\n\
         {states} roads by direction and {turns} turns; {} turn restrictions applied, {} say nothing that matters to cars here",
        restrictions.applied, restrictions.idle
    );
    // Writing to a String cannot fail.
    if restrictions.unclear > 0 {
        let _ = write!(text, ", {} cannot be understood and are left out", restrictions.unclear);
    }
    text.push('\n');
    if *missing_nodes > 0 {
        let _ = writeln!(
            text,
            "{missing_nodes} nodes of its ways are not in the map: it was cut out of a larger one, and roads end at its edge"
        );
    }
    text
}

/// Progress on standard error: one line that changes on a terminal, one line for each kind of work elsewhere.
struct Shown {
    terminal: bool,
    doing: &'static str,
    last: Instant,
}

impl Shown {
    /// Between two changes of the line.
    const PACE: Duration = Duration::from_millis(100);

    fn new() -> Shown {
        Shown { terminal: stderr().is_terminal(), doing: "", last: Instant::now() }
    }

    fn show(&mut self, Progress { doing, share }: Progress) {
        let new = doing != self.doing;
        if !new && (!self.terminal || self.last.elapsed() < Self::PACE) {
            return;
        }
        self.doing = doing;
        self.last = Instant::now();
        // Who closes the terminal does not want to know.
        let _ = match (self.terminal, share > 0.0) {
            (true, true) => write!(stderr(), "\r\x1b[K{doing} {:.0} %", share * 100.0),
            (true, false) => write!(stderr(), "\r\x1b[K{doing}"),
            (false, _) => writeln!(stderr(), "{doing}"),
        };
    }

    /// Leaves no line behind.
    fn done(&self) {
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
