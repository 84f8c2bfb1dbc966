//! Distances and places on the ground, in metres. Good to a thousandth where a vehicle's day happens; exact enough far
//! away to tell that something is far away. Knows no vehicle.

use schemas::fleet::Area;
use schemas::plan::Point;

/// Mean radius of the earth (IUGG), metres.
const EARTH_METRES: f64 = 6_371_008.8;
/// Metres of one unit of latitude, 10⁻⁷ degrees.
const UNIT_METRES: f64 = EARTH_METRES * std::f64::consts::PI / 180.0 / 1e7;
/// Units of a full turn.
const TURN: i64 = 3_600_000_000;
/// Beyond this many units of either angle (one degree) the ground is not flat.
const FLAT: i64 = 10_000_000;

/// A flat piece of ground: east and north of its origin, in metres.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    origin: Point,
    /// Metres of one unit of longitude.
    east: f64,
}

impl Ground {
    pub fn around(origin: Point) -> Ground {
        let (lat, _) = origin.degrees();
        Ground { origin, east: UNIT_METRES * libm::cos(lat.to_radians()) }
    }

    pub fn place(&self, point: Point) -> (f64, f64) {
        (longitudes(self.origin, point) as f64 * self.east, latitudes(self.origin, point) as f64 * UNIT_METRES)
    }

    /// The other way round; east and north are far less than the earth.
    pub fn point(&self, east: f64, north: f64) -> Point {
        let lat = i64::from(self.origin.lat) + (north / UNIT_METRES).round() as i64;
        // At a pole every longitude is the same place.
        let turned = if self.east > 1e-9 { (east / self.east).round() as i64 } else { 0 };
        let lon = (i64::from(self.origin.lon) + turned + TURN / 2).rem_euclid(TURN) - TURN / 2;
        Point { lat: lat.clamp(-TURN / 4, TURN / 4) as i32, lon: lon as i32 }
    }
}

/// Units from `a` north to `b`.
fn latitudes(a: Point, b: Point) -> i64 {
    i64::from(b.lat) - i64::from(a.lat)
}

/// Units from `a` east to `b`, the short way round.
fn longitudes(a: Point, b: Point) -> i64 {
    (i64::from(b.lon) - i64::from(a.lon) + TURN / 2).rem_euclid(TURN) - TURN / 2
}

/// Between two places: flat where they are near each other, by the haversine formula where they are not.
pub(super) fn metres(a: Point, b: Point) -> f64 {
    let (north, east) = (latitudes(a, b), longitudes(a, b));
    let ((lat_a, _), (lat_b, _)) = (a.degrees(), b.degrees());
    if north.abs() <= FLAT && east.abs() <= FLAT {
        let middle = f64::midpoint(lat_a, lat_b).to_radians();
        let (x, y) = (east as f64 * UNIT_METRES * libm::cos(middle), north as f64 * UNIT_METRES);
        return libm::sqrt(x * x + y * y);
    }
    let half = |units: i64| libm::sin((units as f64 / 1e7).to_radians() / 2.0);
    let (up, across) = (half(north), half(east));
    let haversine = up * up + libm::cos(lat_a.to_radians()) * libm::cos(lat_b.to_radians()) * across * across;
    2.0 * EARTH_METRES * libm::asin(libm::sqrt(haversine.min(1.0)))
}

/// The nearest place of the side `a`–`b` to the origin: its squared distance, and how far along the side it is, 0 to 1.
pub(super) fn nearest((ax, ay): (f64, f64), (bx, by): (f64, f64)) -> (f64, f64) {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let share = if length > 0.0 { (-(ax * dx + ay * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    let (x, y) = (ax + share * dx, ay + share * dy);
    (x * x + y * y, share)
}

/// Where somebody is, seen from an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    Inside,
    /// Outside by less than the margin: neither in nor gone.
    AtTheEdge,
    Outside,
}

/// Where `point` is, seen from the area around `centre`. Whoever is within `margin` metres of it has not gone.
pub(super) fn whereabouts(area: &Area, centre: Point, point: Point, margin: f64) -> Whereabouts {
    let outside_by = match area {
        // Far north or south: no cosine is needed to see it.
        Area::Radius(radius) if latitudes(centre, point).abs() as f64 * UNIT_METRES > f64::from(*radius) + margin => f64::INFINITY,
        Area::Radius(radius) => metres(centre, point) - f64::from(*radius),
        Area::Polygon(corners) => outside_polygon(corners, point),
    };
    match outside_by {
        by if by <= 0.0 => Whereabouts::Inside,
        by if by <= margin => Whereabouts::AtTheEdge,
        _ => Whereabouts::Outside,
    }
}

/// Metres from `point` to the polygon; 0 inside and on its sides.
fn outside_polygon(corners: &[Point], point: Point) -> f64 {
    let ground = Ground::around(point);
    let sides = corners.iter().zip(corners.iter().cycle().skip(1));
    let (mut inside, mut least) = (false, f64::INFINITY);
    for (a, b) in sides {
        let (a, b) = (ground.place(*a), ground.place(*b));
        least = least.min(nearest(a, b).0);
        // A ray to the east crosses the side.
        if (a.1 > 0.0) != (b.1 > 0.0) && a.0 - a.1 * (b.0 - a.0) / (b.1 - a.1) > 0.0 {
            inside = !inside;
        }
    }
    if inside { 0.0 } else { libm::sqrt(least) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Point {
        Point::from_degrees(lat, lon)
    }

    #[test]
    fn distances_are_those_of_the_earth() {
        for (a, b, want, within) in [
            // One degree of latitude: R·π/180.
            (at(60.0, 24.0), at(61.0, 24.0), 111_195.08, 0.1),
            // One degree of longitude at 60° is half of that, along the parallel; the great circle is a little less.
            (at(60.0, 24.0), at(60.0, 25.0), 55_597.5, 2.0),
            (at(60.0, 24.0), at(60.0, 24.001), 55.5975, 0.001),
            // Helsinki to Tokyo, by the haversine formula.
            (at(60.17, 24.94), at(35.68, 139.69), 7_819_000.0, 10_000.0),
            (at(0.0, 179.999), at(0.0, -179.999), 222.39, 0.01),
            (at(90.0, 0.0), at(-90.0, 0.0), 20_015_114.0, 1.0),
            (at(60.0, 24.0), at(60.0, 24.0), 0.0, 0.0),
        ] {
            let d = metres(a, b);
            assert!((d - want).abs() <= within, "{a:?} {b:?}: {d} instead of {want}");
        }
        // Where the two formulas meet they agree to a thousandth.
        let (near, far) = (metres(at(60.0, 24.0), at(60.99, 24.99)), metres(at(60.0, 24.0), at(61.01, 25.01)));
        assert!((far / near - 1.01 / 0.99).abs() < 1e-3, "{near} {far}");
    }

    #[test]
    fn ground_goes_both_ways() {
        for origin in [at(60.17, 24.94), at(-33.9, 179.999), at(0.0, -179.9999)] {
            let ground = Ground::around(origin);
            for (east, north) in [(0.0, 0.0), (150.0, -70.0), (-2000.0, 900.0)] {
                let point = ground.point(east, north);
                let (x, y) = ground.place(point);
                assert!((x - east).abs() < 0.02 && (y - north).abs() < 0.02, "{origin:?} {east} {north}: {point:?} {x} {y}");
            }
        }
    }

    #[test]
    fn inside_outside_and_at_the_edge() {
        let centre = at(60.0, 24.0);
        let circle = Area::Radius(100);
        // 0.001° of latitude are 111 metres.
        assert_eq!(whereabouts(&circle, centre, at(60.0008, 24.0), 30.0), Whereabouts::Inside);
        assert_eq!(whereabouts(&circle, centre, at(60.001, 24.0), 30.0), Whereabouts::AtTheEdge);
        assert_eq!(whereabouts(&circle, centre, at(60.0012, 24.0), 30.0), Whereabouts::Outside);
        // An L: the corner that is cut out is outside.
        let l = Area::Polygon(
            [(60.0, 24.0), (60.0, 24.02), (60.01, 24.02), (60.01, 24.01), (60.02, 24.01), (60.02, 24.0)].map(|(a, o)| at(a, o)).into(),
        );
        for (lat, lon, want) in [
            (60.005, 24.015, Whereabouts::Inside),
            (60.015, 24.005, Whereabouts::Inside),
            (60.015, 24.015, Whereabouts::Outside),
            (60.0101, 24.015, Whereabouts::AtTheEdge),
            (60.0, 24.01, Whereabouts::Inside),
            (59.999, 24.01, Whereabouts::Outside),
            (60.01, 23.99, Whereabouts::Outside),
        ] {
            assert_eq!(whereabouts(&l, centre, at(lat, lon), 30.0), want, "{lat} {lon}");
        }
    }
}
