//! The streets of central Helsinki as the vans drive them: the shipped graph, the same that the engine's planner answers
//! from. Knows no shipment and no time but a driver's.

use std::path::Path;
use std::sync::Arc;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use roads::ground::metres;
use roads::{CircleRule, Roads, Ways};
use schemas::plan::Point;

const GRAPH: &[u8] = include_bytes!("../../../data/roads/helsinki.roads");
const NAME: &str = "data/roads/helsinki.roads";
/// Metres that a door may be away from the middle of the street.
const TO_THE_DOOR: f64 = 12.0;
/// One degree of latitude.
const METRES_PER_DEGREE: f64 = 111_195.0;

#[derive(Clone)]
pub struct Streets {
    ways: Arc<Ways>,
    pub depot: Point,
}

impl std::fmt::Debug for Streets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Streets")
    }
}

/// The fastest way from one place to another.
pub struct Way {
    /// Both ends included.
    pub points: Vec<Point>,
    pub metres: f64,
    /// With nobody else on the street.
    pub seconds: f64,
}

impl Streets {
    pub fn open() -> Result<Streets, roads::Error> {
        let roads = Roads::from_bytes(Path::new(NAME), GRAPH)?;
        // Goods come from the west.
        let depot = roads.graph().points.iter().min_by_key(|p| (p.lon, p.lat)).copied().unwrap_or_default();
        Ok(Streets { ways: Arc::new(Ways::new(Some(roads), CircleRule::default())), depot })
    }

    /// For the engine's planner.
    pub fn ways(&self) -> Arc<Ways> {
        Arc::clone(&self.ways)
    }

    /// A door at any street of the map.
    pub fn address(&self, rng: &mut ChaCha8Rng) -> Point {
        let points = self.ways.roads().map_or(&[][..], |roads| &roads.graph().points);
        let street = points.get(rng.random_range(0..points.len().max(1))).copied().unwrap_or(self.depot);
        moved(street, rng.random_range(0.0..TO_THE_DOOR), rng.random_range(0.0..360.0))
    }

    pub fn way(&self, from: Point, to: Point) -> Way {
        let (leg, _) = self.ways.leg(from, to);
        let metres = leg.points.windows(2).map(|w| metres(w[0], w[1])).sum();
        Way { points: leg.points, metres, seconds: f64::from(leg.seconds) }
    }
}

/// `metres` away from a place; `heading`: degrees clockwise from north.
pub fn moved(from: Point, metres: f64, heading: f64) -> Point {
    let (lat, lon) = from.degrees();
    let (east, north) = (metres * heading.to_radians().sin(), metres * heading.to_radians().cos());
    Point::from_degrees(lat + north / METRES_PER_DEGREE, lon + east / METRES_PER_DEGREE / lat.to_radians().cos())
}

/// Degrees clockwise from north.
pub fn heading(from: Point, to: Point) -> f64 {
    let ((lat, lon), (to_lat, to_lon)) = (from.degrees(), to.degrees());
    ((to_lon - lon) * lat.to_radians().cos()).atan2(to_lat - lat).to_degrees().rem_euclid(360.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use schemas::plan::Basis;

    #[test]
    fn every_address_is_reached_by_the_streets() {
        let streets = Streets::open().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..200 {
            let (a, b) = (streets.address(&mut rng), streets.address(&mut rng));
            for (from, to) in [(streets.depot, a), (a, b), (b, streets.depot)] {
                let (leg, basis) = streets.ways.leg(from, to);
                assert_eq!(basis, Basis::Roads);
                assert!(leg.points.len() >= 2 && metres(leg.points[leg.points.len() - 1], to) < 2.0 * TO_THE_DOOR, "{to:?}");
                let way = streets.way(from, to);
                assert!(way.metres < 5_000.0 && way.metres >= metres(way.points[0], way.points[way.points.len() - 1]) - 1.0);
            }
        }
    }

    #[test]
    fn a_place_is_as_far_and_in_that_direction() {
        let here = Point::from_degrees(60.17, 24.94);
        for (far, direction) in [(15.0, 0.0), (500.0, 90.0), (3_000.0, 200.0)] {
            let there = moved(here, far, direction);
            assert!((metres(here, there) - far).abs() < far * 0.003 + 0.02, "{far}");
            assert!((heading(here, there) - direction).abs() < 0.3, "{}", heading(here, there));
        }
    }
}
