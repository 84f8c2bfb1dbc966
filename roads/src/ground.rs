//! Distances on the ground. The same bits on every machine: `libm` instead of the platform's sine, millimetres as
//! integers where sums are kept.

use schemas::plan::Point;

/// Mean radius of the Earth in metres (IUGG, R₁).
pub const EARTH_METRES: f64 = 6_371_008.8;
/// One unit of [`Point`] in radians.
const UNIT: f64 = std::f64::consts::PI / 180.0 / 1e7;

/// Great-circle distance in metres, by the haversine formula.
pub fn metres(a: Point, b: Point) -> f64 {
    let (lat_a, lat_b) = (f64::from(a.lat) * UNIT, f64::from(b.lat) * UNIT);
    let half_lat = libm::sin((lat_b - lat_a) / 2.0);
    let half_lon = libm::sin((f64::from(b.lon) - f64::from(a.lon)) * UNIT / 2.0);
    let h = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_lon * half_lon;
    2.0 * EARTH_METRES * libm::asin(libm::sqrt(h.min(1.0)))
}

/// The same in whole millimetres.
pub fn millimetres(a: Point, b: Point) -> u64 {
    libm::round(metres(a, b) * 1e3) as u64
}

/// The plane that touches the ground at a point: metres east and north of it. Good for some tens of kilometres: at
/// 60° north, 10 km away, it is wrong by less than 0.3 %.
#[derive(Clone, Copy, Debug)]
pub struct Plane {
    origin: Point,
    east: f64,
    north: f64,
}

impl Plane {
    pub fn at(origin: Point) -> Plane {
        let north = EARTH_METRES * UNIT;
        Plane { origin, east: north * libm::cos(f64::from(origin.lat) * UNIT), north }
    }

    /// Metres east and north of the origin; the shorter way round the Earth.
    pub fn metres(&self, point: Point) -> (f64, f64) {
        const ROUND: i64 = 3_600_000_000;
        let mut lon = i64::from(point.lon) - i64::from(self.origin.lon);
        if lon > ROUND / 2 {
            lon -= ROUND;
        } else if lon < -ROUND / 2 {
            lon += ROUND;
        }
        (lon as f64 * self.east, (f64::from(point.lat) - f64::from(self.origin.lat)) * self.north)
    }

    /// How far `metres` are in units of latitude and of longitude, rounded up.
    pub fn units(&self, metres: f64) -> (f64, f64) {
        // At the poles a metre is any number of degrees of longitude.
        (libm::ceil(metres / self.north), libm::ceil(metres / self.east.max(1e-6)).min(1.8e9))
    }

    /// The point of the line from `a` to `b` that is nearest to the origin: how far along, from 0 to 1, and metres off.
    pub fn nearest(&self, a: Point, b: Point) -> (f64, f64) {
        let (ax, ay) = self.metres(a);
        let (bx, by) = self.metres(b);
        let (dx, dy) = (bx - ax, by - ay);
        let square = dx * dx + dy * dy;
        let along = if square > 0.0 { (-(ax * dx + ay * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
        let (x, y) = (ax + along * dx, ay + along * dy);
        (along, libm::sqrt(x * x + y * y))
    }
}

/// The point `share` (0 to 1) of the way from `a` to `b`.
pub fn between(a: Point, b: Point, share: f64) -> Point {
    let mix = |a: i32, b: i32| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as i32;
    Point { lat: mix(a.lat, b.lat), lon: mix(a.lon, b.lon) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_of_latitude_is_111_kilometres() {
        let (a, b) = (Point::from_degrees(60.0, 24.0), Point::from_degrees(61.0, 24.0));
        assert!((metres(a, b) - 111_195.1).abs() < 0.5, "{}", metres(a, b));
    }

    /// Helsinki to Turku: 150.2 km by any geodesic calculator (the ellipsoid differs from the sphere by up to 0.5 %).
    #[test]
    fn a_known_distance() {
        let d = metres(Point::from_degrees(60.1699, 24.9384), Point::from_degrees(60.4518, 22.2666));
        assert!((d - 150_300.0).abs() < 800.0, "{d}");
    }

    #[test]
    fn the_plane_agrees_with_the_sphere_nearby() {
        let origin = Point::from_degrees(60.17, 24.94);
        let plane = Plane::at(origin);
        for (lat, lon) in [(60.175, 24.94), (60.17, 24.96), (60.16, 24.92)] {
            let p = Point::from_degrees(lat, lon);
            let (x, y) = plane.metres(p);
            let flat = (x * x + y * y).sqrt();
            assert!((flat - metres(origin, p)).abs() < 0.002 * flat, "{flat} {}", metres(origin, p));
        }
    }

    #[test]
    fn the_plane_goes_round_the_date_line() {
        let (x, _) = Plane::at(Point::from_degrees(0.0, 179.999)).metres(Point::from_degrees(0.0, -179.999));
        assert!((x - 222.4).abs() < 0.5, "{x}");
    }

    #[test]
    fn nearest_is_an_end_or_the_foot() {
        let plane = Plane::at(Point { lat: 0, lon: 0 });
        let (along, off) = plane.nearest(Point { lat: 1000, lon: -1000 }, Point { lat: 1000, lon: 3000 });
        assert!((along - 0.25).abs() < 1e-6 && (off - 11.12).abs() < 0.01, "{along} {off}");
        assert!(plane.nearest(Point { lat: 0, lon: 10 }, Point { lat: 0, lon: 20 }).0 == 0.0);
        assert!(plane.nearest(Point { lat: 5, lon: 5 }, Point { lat: 5, lon: 5 }).0 == 0.0);
    }
}
