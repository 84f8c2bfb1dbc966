//! How far along a line a vehicle is, from its last known place on it and a new fix. Needs no graph, does a bounded amount
//! of work, and holds integers only, so that it can be part of a state.

use schemas::plan::Point;

use crate::ground::{self, Plane};

/// A place on a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The piece of the line, from point `piece` to the next.
    pub piece: u32,
    /// Millimetres along the line to where that piece begins.
    pub before: u64,
    /// Millimetres along the line to the place itself.
    pub along: u64,
    /// Millimetres between the fix and the line.
    pub off: u64,
}

/// So many pieces ahead of the last place are looked at, and behind it. A piece is some ten metres long in towns.
pub const PIECES_AHEAD: usize = 128;
pub const PIECES_BEHIND: usize = 8;
/// Where a line passes the same street twice, the passage that comes first counts, if it is at most this much farther
/// from the fix than the nearest: fixes are not more exact.
pub const LEVEL_MILLIMETRES: u64 = 10_000;

/// The place on `line` that `fix` stands for, near `last`, and at most `reach` metres ahead of it: what the vehicle can
/// have driven since. A line of less than two points has one place only.
pub fn progress(line: &[Point], last: Progress, fix: Point, reach: u32) -> Progress {
    let pieces = line.len().saturating_sub(1);
    if pieces == 0 {
        let off = line.first().map_or(0, |&p| ground::millimetres(p, fix));
        return Progress { off, ..Progress::default() };
    }
    let plane = Plane::at(fix);
    let present = (last.piece as usize).min(pieces - 1);
    let first = present.saturating_sub(PIECES_BEHIND);
    let mut before = last.before;
    for piece in (first..present).rev() {
        before = before.saturating_sub(ground::millimetres(line[piece], line[piece + 1]));
    }
    let end = last.along.saturating_add(u64::from(reach) * 1000);
    let mut best: Option<Progress> = None;
    for piece in first..pieces.min(present + PIECES_AHEAD) {
        if before > end && best.is_some() {
            break;
        }
        let length = ground::millimetres(line[piece], line[piece + 1]);
        let (share, off) = plane.nearest(line[piece], line[piece + 1]);
        let along = before + (length as f64 * share).round() as u64;
        let here = Progress { piece: piece as u32, before, along, off: (off * 1000.0).round() as u64 };
        if best.is_none_or(|b| better(&here, &b, last.along)) {
            best = Some(here);
        }
        before += length;
    }
    best.unwrap_or(last)
}

/// Whether `here`, which comes later on the line than `best`, is where the vehicle is.
fn better(here: &Progress, best: &Progress, last: u64) -> bool {
    let nearer = here.off < best.off;
    // The same passage of the street, or another one?
    let near_last = here.along.abs_diff(last) < best.along.abs_diff(last);
    nearer && (near_last || here.off + LEVEL_MILLIMETRES < best.off || here.before <= best.along + LEVEL_MILLIMETRES)
}

/// The length of a line in millimetres.
pub fn length(line: &[Point]) -> u64 {
    line.windows(2).map(|w| ground::millimetres(w[0], w[1])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metres east and north of a place in Helsinki.
    fn at(east: f64, north: f64) -> Point {
        let (lat, lon) = (60.17, 24.94);
        let per_degree = ground::EARTH_METRES * std::f64::consts::PI / 180.0;
        Point::from_degrees(lat + north / per_degree, lon + east / (per_degree * f64::to_radians(lat).cos()))
    }

    fn metres(p: Progress) -> (i64, i64) {
        ((p.along as f64 / 1000.0).round() as i64, (p.off as f64 / 1000.0).round() as i64)
    }

    #[test]
    fn a_drive_with_noise_moves_forward() {
        let line = [at(0.0, 0.0), at(100.0, 0.0), at(100.0, 200.0)];
        let mut p = Progress::default();
        for (fix, expected) in [
            (at(10.0, 3.0), (10, 3)),
            (at(60.0, -8.0), (60, 8)),
            (at(108.0, 20.0), (120, 8)),
            (at(95.0, 150.0), (250, 5)),
            (at(100.0, 230.0), (300, 30)),
        ] {
            p = progress(&line, p, fix, 200);
            assert_eq!(metres(p), expected);
        }
    }

    /// A cul-de-sac: in and out on the same street. The way back is 5 mm nearer, and still the fix belongs to the way in.
    #[test]
    fn the_first_of_two_passages_counts() {
        let line = [at(0.0, 0.0), at(300.0, 0.0), at(300.0, 2.0), at(0.0, 2.0)];
        let p = progress(&line, Progress::default(), at(50.0, 2.0), 600);
        assert_eq!(metres(p), (50, 2));
        let mut last = p;
        for east in [150.0, 250.0, 299.0] {
            last = progress(&line, last, at(east, 1.5), 150);
        }
        for (east, expected) in [(280.0, 322), (180.0, 422), (20.0, 582)] {
            last = progress(&line, last, at(east, 1.5), 170);
            assert!((last.along as i64 / 1000 - expected).abs() <= 40, "{} {expected}", last.along / 1000);
        }
    }

    #[test]
    fn nobody_is_farther_than_he_can_have_driven() {
        // A spiral: the end of the line comes back to its beginning.
        let line = [at(0.0, 0.0), at(1000.0, 0.0), at(1000.0, 500.0), at(0.0, 500.0), at(0.0, 30.0)];
        assert_eq!(metres(progress(&line, Progress::default(), at(0.0, 30.0), 100)), (0, 30));
    }

    #[test]
    fn a_vehicle_that_turns_back_moves_back() {
        let line = [at(0.0, 0.0), at(100.0, 0.0), at(200.0, 0.0)];
        let p = progress(&line, Progress { piece: 1, before: 100_000, along: 150_000, off: 0 }, at(40.0, 5.0), 100);
        assert_eq!(metres(p), (40, 5));
    }

    #[test]
    fn lines_without_length() {
        let here = at(3.0, 4.0);
        assert_eq!(metres(progress(&[], Progress::default(), here, 100)), (0, 0));
        assert_eq!(metres(progress(&[at(0.0, 0.0)], Progress::default(), here, 100)), (0, 5));
        assert_eq!(metres(progress(&[at(0.0, 0.0), at(0.0, 0.0)], Progress::default(), here, 100)), (0, 5));
        // A place beyond the line's end, from another line.
        let p = Progress { piece: 99, before: 5_000_000, along: 5_000_000, off: 0 };
        assert_eq!(progress(&[at(0.0, 0.0), at(9.0, 0.0)], p, here, 1).piece, 0);
    }

    /// The work is bounded: a line of a million points costs no more than the window.
    #[test]
    fn a_long_line_is_looked_at_in_part() {
        let line: Vec<Point> = (0..1_000_000).map(|i| Point { lat: i, lon: 0 }).collect();
        let p = progress(&line, Progress::default(), Point { lat: 900_000, lon: 0 }, u32::MAX);
        assert_eq!(p.piece as usize, PIECES_AHEAD - 1);
    }
}
