//! `waybill roads`: prepares a map's roads into a file for `[fleet] roads`, and shows a way on them. Talks to no Kafka.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stderr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use roads::{Progress, Report, Ways};
use schemas::plan::{Basis, Leg, Point, RoadClass};
use serde_json::{Value, json};

use super::Failure;

#[derive(Debug, Subcommand)]
pub enum Roads {
    /// Prepare the roads of an OpenStreetMap extract, for cars
    #[command(after_help = "Reads one-way streets, access, speeds and turn restrictions, keeps the largest connected part, and writes one
file, whole or not at all. Extracts: https://download.geofabrik.de. The data is © OpenStreetMap contributors, ODbL 1.0:
say so where you show it.

Examples:
  waybill roads build finland-latest.osm.pbf                     writes finland-latest.roads
  waybill roads build data/roads/helsinki.osm.pbf --out /var/lib/waybill/helsinki.roads

Exit codes: 0 written, 1 the map or the file is at fault, 2 wrong usage.")]
    Build(Build),
    /// Show the fastest way between two places
    #[command(after_help = "Places are latitude and longitude in degrees. A place farther than 300 m from every road is reached by a great
circle, and the answer says so.

Examples:
  waybill roads route --graph helsinki.roads 60.1665,24.9414 60.1712,24.9449
  waybill roads route --graph helsinki.roads --geojson 60.1665,24.9414 60.1712,24.9449 > way.geojson

Exit codes: 0 found, 1 the graph cannot be read, 2 wrong usage.")]
    Route(Route),
}

#[derive(Debug, Args)]
pub struct Build {
    /// The map: an OpenStreetMap extract in PBF format
    #[arg(value_name = "FILE.osm.pbf")]
    pub map: PathBuf,
    /// Where the graph goes [default: the map's name with .roads, beside it]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Route {
    /// What `waybill roads build` has written
    #[arg(long, value_name = "FILE")]
    pub graph: PathBuf,
    #[arg(value_name = "FROM", value_parser = place, allow_hyphen_values = true)]
    pub from: Point,
    #[arg(value_name = "TO", value_parser = place, allow_hyphen_values = true)]
    pub to: Point,
    /// Print the line as GeoJSON, for a map
    #[arg(long)]
    pub geojson: bool,
}

pub fn roads(own: &Roads) -> Result<(), Failure> {
    match own {
        Roads::Build(own) => build(own),
        Roads::Route(own) => route(own),
    }
}

/// `LAT,LON` in degrees.
fn place(text: &str) -> Result<Point, String> {
    let wanted = "a place is LAT,LON in degrees, such as 60.1699,24.9384";
    let (lat, lon) = text.split_once(',').ok_or(wanted)?;
    let degrees = |text: &str| text.trim().parse::<f64>().map_err(|_| wanted.to_owned());
    let (lat, lon) = (degrees(lat)?, degrees(lon)?);
    let within = |n: f64, most: f64| n.is_finite() && n.abs() <= most;
    if within(lat, 90.0) && within(lon, 180.0) {
        return Ok(Point::from_degrees(lat, lon));
    }
    let swapped = if within(lon, 90.0) && within(lat, 180.0) { "; are the two swapped?" } else { "" };
    Err(format!("latitude must be from -90 to 90 and longitude from -180 to 180{swapped}"))
}

fn build(own: &Build) -> Result<(), Failure> {
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

fn route(own: &Route) -> Result<(), Failure> {
    let roads = roads::Roads::open(&own.graph).map_err(Failure::failed)?;
    let far = [("start", own.from), ("end", own.to)].map(|(what, p)| roads.snap(p).is_none().then_some(what));
    let ways = Ways::new(Some(roads), roads::CircleRule::default());
    let (leg, basis) = ways.leg(own.from, own.to);
    if own.geojson {
        println!("{:#}", geojson(&leg, basis));
        return Ok(());
    }
    let metres: u32 = leg.stretches.iter().map(|s| s.metres).sum();
    let seconds = leg.seconds;
    println!("{metres} m in {} min {} s at free flow, {} points", seconds / 60, seconds % 60, leg.points.len());
    match basis {
        Basis::Roads => {
            for class in RoadClass::ALL {
                let metres: u32 = leg.stretches.iter().filter(|s| s.class == class).map(|s| s.metres).sum();
                if metres > 0 {
                    println!("{:>8} m {}", metres, word(class));
                }
            }
        }
        Basis::GreatCircle => {
            let far: Vec<&str> = far.into_iter().flatten().collect();
            let why = match far.as_slice() {
                [] => "there is no way by road".to_owned(),
                far => format!("the {} is farther than {} m from every road", far.join(" and the "), roads::Roads::SNAP_METRES),
            };
            println!("by a great circle and a detour of {}: {why}", roads::CircleRule::DETOUR);
        }
    }
    Ok(())
}

fn geojson(leg: &Leg, basis: Basis) -> Value {
    let line: Vec<[f64; 2]> = leg.points.iter().map(|p| p.degrees()).map(|(lat, lon)| [lon, lat]).collect();
    let stretches: Vec<Value> = leg.stretches.iter().map(|s| json!({ "class": word(s.class), "metres": s.metres })).collect();
    json!({
        "type": "Feature",
        "properties": {
            "seconds": leg.seconds,
            "metres": leg.stretches.iter().map(|s| s.metres).sum::<u32>(),
            "basis": match basis { Basis::Roads => "roads", Basis::GreatCircle => "great_circle" },
            "stretches": stretches,
            "attribution": "© OpenStreetMap contributors, ODbL 1.0",
        },
        "geometry": { "type": "LineString", "coordinates": line },
    })
}

fn word(class: RoadClass) -> &'static str {
    match class {
        RoadClass::Motorway => "motorway",
        RoadClass::Trunk => "trunk",
        RoadClass::Primary => "primary",
        RoadClass::Secondary => "secondary",
        RoadClass::Tertiary => "tertiary",
        RoadClass::Minor => "minor",
        RoadClass::Service => "service",
        RoadClass::Unknown => "unknown",
    }
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
