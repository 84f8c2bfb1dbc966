//! What surrounds a stop or depot: a circle or a polygon. Integer geometry, so that a polygon is taken or refused
//! alike everywhere.

use serde::{Deserialize, Serialize};

use super::ping::point;
use crate::plan::Point;
use crate::{Reason, Reject};

/// Most corners of one polygon.
pub const MAX_VERTICES: usize = 64;
/// A circle's radius in metres.
pub const MIN_RADIUS_METRES: i64 = 10;
pub const MAX_RADIUS_METRES: i64 = 10_000;
/// Most degrees × 10⁷ that a polygon extends north or east: half a degree. One over the date line would be wider.
pub const MAX_SPAN: i64 = 5_000_000;

/// When a vehicle is "at" a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Area {
    /// Metres around the place itself.
    Radius(u32),
    /// Corners in their order, the first not repeated, no two sides crossing.
    Polygon(Box<[Point]>),
}

/// Checks `[[lat, lon], …]`; a last corner that repeats the first is dropped.
pub(super) fn polygon(field: &str, corners: &[impl AsRef<[f64]>]) -> Result<Area, Reject> {
    let refuse = |reason, text: String| Err(Reject::new(reason, format!("`{field}` {text}")));
    if corners.len() > MAX_VERTICES + 1 {
        return refuse(Reason::TooManyVertices, format!("has {} corners, at most {MAX_VERTICES} are taken", corners.len()));
    }
    let mut points = vec![];
    for (i, corner) in corners.iter().enumerate() {
        let [lat, lon] = corner.as_ref() else {
            let numbers = corner.as_ref().len();
            return refuse(Reason::InvalidValue, format!("has {numbers} numbers for corner {i}; it is latitude and longitude"));
        };
        points.push(point(&format!("{field}[{i}]."), Some(*lat), Some(*lon))?);
    }
    if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    if !(3..=MAX_VERTICES).contains(&points.len()) {
        return refuse(Reason::InvalidPolygon, format!("has {} corners; a polygon has 3 to {MAX_VERTICES}", points.len()));
    }
    let span = |of: fn(&Point) -> i32| {
        let (least, most) = points.iter().map(of).fold((i32::MAX, i32::MIN), |(a, b), v| (a.min(v), b.max(v)));
        i64::from(most) - i64::from(least)
    };
    if span(|p| p.lat) > MAX_SPAN || span(|p| p.lon) > MAX_SPAN {
        return refuse(Reason::InvalidPolygon, "is wider or higher than half a degree; a stop's surroundings are not".into());
    }
    match crossing(&points) {
        Some((a, b)) => refuse(Reason::InvalidPolygon, format!("crosses itself: the sides from corners {a} and {b} touch")),
        None => Ok(Area::Polygon(points.into())),
    }
}

/// Two sides that touch though they are no neighbours, or neighbours that fold back, by the numbers of their first
/// corners.
fn crossing(points: &[Point]) -> Option<(usize, usize)> {
    let corners = points.len();
    let side = |i: usize| (points[i], points[(i + 1) % corners]);
    for one in 0..corners {
        for other in one + 1..corners {
            let ((a, b), (c, d)) = (side(one), side(other));
            let touch = if other == one + 1 {
                folds(a, b, d)
            } else if (other + 1) % corners == one {
                folds(c, a, b)
            } else {
                touches((a, b), (c, d))
            };
            if touch || a == b {
                return Some((one, other));
            }
        }
    }
    None
}

/// The way from `a` by `b` to `c` goes back on itself.
fn folds(a: Point, b: Point, c: Point) -> bool {
    let (ux, uy) = (i64::from(b.lon) - i64::from(a.lon), i64::from(b.lat) - i64::from(a.lat));
    let (vx, vy) = (i64::from(c.lon) - i64::from(b.lon), i64::from(c.lat) - i64::from(b.lat));
    turn(a, b, c) == 0 && ux * vx + uy * vy < 0
}

/// Two sides have a point in common.
fn touches((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let (of_c, of_d, of_a, of_b) = (turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b));
    (of_c != of_d && of_a != of_b)
        || (of_c == 0 && within(a, b, c))
        || (of_d == 0 && within(a, b, d))
        || (of_a == 0 && within(c, d, a))
        || (of_b == 0 && within(c, d, b))
}

/// The sign of the turn from `a` by `b` to `c`. In range: corners are half a degree apart at most.
fn turn(a: Point, b: Point, c: Point) -> i64 {
    let from_a = |p: Point| (i64::from(p.lon) - i64::from(a.lon), i64::from(p.lat) - i64::from(a.lat));
    let ((b_east, b_north), (c_east, c_north)) = (from_a(b), from_a(c));
    (b_east * c_north - b_north * c_east).signum()
}

/// `c`, which is on the line of `a` and `b`, is between them.
fn within(a: Point, b: Point, c: Point) -> bool {
    (a.lon.min(b.lon)..=a.lon.max(b.lon)).contains(&c.lon) && (a.lat.min(b.lat)..=a.lat.max(b.lat)).contains(&c.lat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygons_that_cross_themselves_are_none() {
        let word = |corners: &[[f64; 2]]| polygon("polygon", corners).map_or_else(|r| r.reason.word(), |_| "ok");
        let (a, b, c, d) = ([60.0, 24.0], [60.0, 24.01], [60.01, 24.01], [60.01, 24.0]);
        assert_eq!(word(&[a, b, c, d]), "ok");
        assert_eq!(word(&[a, b, c, d, a]), "ok", "closed by a repeated corner");
        assert_eq!(word(&[d, c, b, a]), "ok", "clockwise");
        assert_eq!(word(&[a, b, c]), "ok");
        assert_eq!(word(&[a, c, b, d]), "invalid_polygon", "a bow tie");
        assert_eq!(word(&[a, b, a, d]), "invalid_polygon", "folds back");
        assert_eq!(word(&[a, b, [60.0, 24.005]]), "invalid_polygon", "flat");
        assert_eq!(word(&[a, [60.0, 24.005], b, c, d]), "ok", "a corner on a straight side");
        assert_eq!(word(&[a, a, b, c]), "invalid_polygon", "a corner twice");
        assert_eq!(word(&[a, b, c, [60.0, 24.005], d]), "invalid_polygon", "touches a side");
        assert_eq!(word(&[a, b]), "invalid_polygon");
        assert_eq!(word(&[a, b, [61.0, 24.0]]), "invalid_polygon", "too large");
        assert_eq!(word(&[[0.0, 179.99], [0.0, -179.99], [0.01, -179.99]]), "invalid_polygon", "over the date line");
        assert_eq!(word(&[a, b, [400.0, 24.0]]), "value_out_of_range");
        assert_eq!(word(&vec![a; MAX_VERTICES + 2]), "too_many_vertices");
        // A comb of the largest size.
        let comb: Vec<[f64; 2]> = (0..62)
            .map(|i| [60.0 + f64::from(i % 4 / 2) * 0.01, 24.0 + f64::from(i) * 0.001])
            .chain([[59.9, 24.061], [59.9, 24.0]])
            .collect();
        assert_eq!(word(&comb), "ok");
    }
}
