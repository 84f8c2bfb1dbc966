//! Measures a map: how long it takes to prepare, how large it is, how fast it answers.
//!
//! `cargo run --release -p waybill-roads --example measure -- data/roads/helsinki.osm.pbf`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use schemas::plan::Point;
use waybill_roads::{Roads, Snap};

const QUERIES: usize = 100_000;
const STOPS: usize = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let map = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "data/roads/helsinki.osm.pbf".into()));
    let started = Instant::now();
    let (roads, report) = waybill_roads::build(&map, &mut |_| {})?;
    println!("build       {:?}; {report:?}", started.elapsed());
    let file = std::env::temp_dir().join(format!("measure-{}.roads", std::process::id()));
    let bytes = roads.save(&file)?;
    let started = Instant::now();
    let roads = Roads::open(&file);
    println!("open        {:?}; {bytes} bytes on disk", started.elapsed());
    std::fs::remove_file(&file)?;
    let roads = roads?;
    println!("memory      {} bytes", roads.bytes());

    let graph = roads.graph();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut places: Vec<(Point, Snap)> = Vec::new();
    while places.len() < 10_000 {
        // Some metres beside a road, as addresses are.
        let on = graph.points[random.random_range(0..graph.points.len())];
        let point = Point { lat: on.lat + random.random_range(-2000..2000), lon: on.lon + random.random_range(-4000..4000) };
        places.extend(roads.snap(point).map(|snap| (point, snap)));
    }
    let mut any = || random.random_range(0..places.len());
    let pairs: Vec<(usize, usize)> = (0..QUERIES).map(|_| (any(), any())).collect();
    time("snap", &pairs, |&(a, _)| roads.snap(places[a].0).map_or(0, |s| s.road as usize));
    time("route", &pairs, |&(a, b)| roads.route(&places[a].1, &places[b].1).map_or(0, |r| r.leg.points.len()));
    time("snap+route", &pairs, |&(a, b)| {
        let (Some(from), Some(to)) = (roads.snap(places[a].0), roads.snap(places[b].0)) else { return 0 };
        roads.route(&from, &to).map_or(0, |r| r.leg.points.len())
    });
    let sets: Vec<Vec<Snap>> = (0..50).map(|i| places[i * STOPS..][..STOPS].iter().map(|(_, s)| *s).collect()).collect();
    time("matrix 100", &sets, |set| roads.matrix(set).ms.len());
    Ok(())
}

/// Prints the distribution of what one call takes.
fn time<T>(what: &str, inputs: &[T], mut call: impl FnMut(&T) -> usize) {
    let mut taken: Vec<Duration> = Vec::with_capacity(inputs.len());
    let mut sum = 0;
    for input in inputs {
        let started = Instant::now();
        sum += call(input);
        taken.push(started.elapsed());
    }
    taken.sort();
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize];
    println!("{what:<11} p50 {:?}, p99 {:?}, most {:?} ({} calls, {sum})", at(0.5), at(0.99), at(1.0), taken.len());
}
