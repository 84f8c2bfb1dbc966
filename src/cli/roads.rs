//! `waybill roads`: prepares a map's roads into a file for `[fleet] roads`, and shows a way on them. Talks to no Kafka.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use roads::Ways;
use schemas::plan::{Basis, Leg, Point, RoadClass};
use serde_json::{Value, json};

use super::Failure;
#[cfg(feature = "osm")]
use super::roads_build::build;

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
        #[cfg(feature = "osm")]
        Roads::Build(own) => build(own),
        #[cfg(not(feature = "osm"))]
        Roads::Build(_) => Err(Failure::Failed(
            "this waybill was built without OpenStreetMap's file format, which `roads build` needs; build it with `make build`".into(),
        )),
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
