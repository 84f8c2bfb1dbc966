//! `waybill roads` on the map that the repository ships.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{run, waybill};

fn map() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/roads/helsinki.osm.pbf").display().to_string()
}

/// The graph that the repository ships, as a copy in a folder of its own.
fn graph() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("helsinki.roads");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/roads/helsinki.roads"), &copy).unwrap();
    let copy = copy.display().to_string();
    (folder, copy)
}

#[cfg(feature = "osm")]
#[test]
fn a_map_becomes_a_graph() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("helsinki.roads").display().to_string();
    run(&mut waybill(&["roads", "build", &map(), "--out", &out])).says(&[
        "911 ways for cars",
        "37 turn restrictions applied",
        "it was cut out of a larger one",
        "prepared in",
        &format!("[fleet] roads = \"{out}\""),
    ]);
    // Written whole, and nothing is left beside it.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/roads/helsinki.roads");
    assert!(std::fs::read(&out).unwrap() == std::fs::read(shipped).unwrap(), "the same map gives the same bytes");
}

#[cfg(feature = "osm")]
#[test]
fn what_is_wrong_with_a_map_is_said() {
    let (folder, graph) = graph();
    run(&mut waybill(&["roads", "build", "no/such.osm.pbf"])).fails(2, &["no folder no"]);
    run(&mut waybill(&["roads", "build", "such.osm.pbf"])).fails(1, &["cannot read such.osm.pbf"]);
    run(&mut waybill(&["roads", "build", &graph, "--out", &graph])).fails(2, &["would overwrite the map"]);
    run(&mut waybill(&["roads", "build", &graph, "--out", &format!("{graph}2")])).fails(1, &["not a whole OpenStreetMap PBF file"]);
    let half = folder.path().join("half.osm.pbf");
    let bytes = std::fs::read(map()).unwrap();
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    run(&mut waybill(&["roads", "build", &half.display().to_string()])).fails(1, &["half.osm.pbf", "not a whole"]);
}

#[cfg(not(feature = "osm"))]
#[test]
fn a_build_without_the_format_says_so() {
    run(&mut waybill(&["roads", "build", &map()])).fails(1, &["built without OpenStreetMap's file format", "make build"]);
}

#[test]
fn a_graph_gives_a_way() {
    let (_folder, graph) = graph();
    let route = run(&mut waybill(&["roads", "route", "--graph", &graph, "60.1665,24.9414", "60.1712,24.9449"]));
    route.says(&[" m in ", "at free flow"]);
    let geojson = run(&mut waybill(&["roads", "route", "--geojson", "--graph", &graph, "60.1665,24.9414", "60.1712,24.9449"]));
    let feature: Value = serde_json::from_str(&geojson.stdout).unwrap();
    assert_eq!(feature["properties"]["basis"], "roads");
    assert!(feature["properties"]["attribution"].as_str().unwrap().contains("OpenStreetMap"));
    let metres = feature["properties"]["metres"].as_u64().unwrap();
    // 560 m as the crow flies.
    assert!((560..2000).contains(&metres), "{metres}");
    assert!(route.stdout.starts_with(&format!("{metres} m in ")), "{}", route.stdout);
    // Longitude comes first in GeoJSON.
    let [lon, lat] = [0, 1].map(|i| feature["geometry"]["coordinates"][0][i].as_f64().unwrap());
    assert!((lon - 24.9414).abs() < 0.001 && (lat - 60.1665).abs() < 0.001, "{lon} {lat}");
}

#[test]
fn a_place_without_roads_is_reached_by_a_great_circle() {
    let (_folder, graph) = graph();
    let route = run(&mut waybill(&["roads", "route", "--graph", &graph, "60.1665,24.9414", "-33.86,151.2"]));
    route.says(&["by a great circle", "the end is farther than 300 m from every road"]);
}

#[test]
fn what_is_wrong_is_said() {
    let (_folder, graph) = graph();
    run(&mut waybill(&["roads", "route", "--graph", &graph, "24.94,160.17", "60,24"])).says(&["great circle"]);
    for (wrong, text) in [("160.17,24.94", "swapped"), ("60.17", "LAT,LON"), ("here,there", "LAT,LON"), ("NaN,1", "from -90 to 90")] {
        run(&mut waybill(&["roads", "route", "--graph", &graph, wrong, "60,24"])).fails(2, &[text]);
    }
    run(&mut waybill(&["roads", "route", "--graph", "no/such.roads", "60,24", "60,25"])).fails(1, &["cannot read no/such.roads"]);
    run(&mut waybill(&["roads", "route", "--graph", &map(), "60,24", "60,25"])).fails(1, &["no road graph", "waybill roads build"]);
    // A damaged graph, and one of another version.
    let mut bytes = std::fs::read(&graph).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&graph, &bytes).unwrap();
    run(&mut waybill(&["roads", "route", "--graph", &graph, "60,24", "60,25"])).fails(1, &["is damaged", "checksum"]);
    bytes[8] = 9;
    std::fs::write(&graph, &bytes).unwrap();
    run(&mut waybill(&["roads", "route", "--graph", &graph, "60,24", "60,25"])).fails(1, &["has format 9"]);
}

#[test]
fn help_has_examples() {
    for verb in ["build", "route"] {
        run(&mut waybill(&["roads", verb, "--help"])).says(&["Examples:", "Exit codes:"]);
    }
}
