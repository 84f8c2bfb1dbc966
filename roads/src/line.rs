//! Lines with fewer points: a plan is a record, and a record has a longest length.

use schemas::plan::Point;

use crate::ground::Plane;

/// So far the thinned line may lie from the road's. Fixes of satellites are several times less exact.
pub const TOLERANCE_METRES: f64 = 1.0;
/// Points of one leg at most: some 5 kB of a plan. A longer line loses its smallest bends first.
pub const MAX_POINTS: usize = 500;

/// The line with only those points that keep it within [`TOLERANCE_METRES`] of itself, or within the least power of two
/// of that which leaves [`MAX_POINTS`]. Both ends stay.
pub fn thin(line: &[Point]) -> Vec<Point> {
    let mut tolerance = TOLERANCE_METRES;
    loop {
        let thinned = thin_to(line, tolerance);
        if thinned.len() <= MAX_POINTS {
            return thinned;
        }
        tolerance *= 2.0;
    }
}

/// Douglas and Peucker's algorithm (1973), with a stack of its own.
fn thin_to(line: &[Point], tolerance: f64) -> Vec<Point> {
    if line.len() < 3 {
        return line.to_vec();
    }
    let last = line.len() - 1;
    let mut kept = vec![false; line.len()];
    (kept[0], kept[last]) = (true, true);
    let mut work = vec![(0, last)];
    while let Some((a, b)) = work.pop() {
        let off = |i: &usize| Plane::at(line[*i]).nearest(line[a], line[b]).1;
        let farthest = (a + 1..b).map(|i| (off(&i), i)).max_by(|x, y| x.0.total_cmp(&y.0));
        if let Some((_, at)) = farthest.filter(|(off, _)| *off > tolerance) {
            kept[at] = true;
            work.push((a, at));
            work.push((at, b));
        }
    }
    line.iter().zip(kept).filter_map(|(&p, kept)| kept.then_some(p)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A point is 1.1 cm.
    fn line(points: &[(i32, i32)]) -> Vec<Point> {
        points.iter().map(|&(lat, lon)| Point { lat, lon }).collect()
    }

    #[test]
    fn bends_stay_and_the_straight_goes() {
        let bent = line(&[(0, 0), (10, 1000), (-20, 2000), (0, 3000), (1000, 3000), (1000, 3001)]);
        assert_eq!(thin(&bent), line(&[(0, 0), (0, 3000), (1000, 3001)]));
        for short in [line(&[]), line(&[(1, 1)]), line(&[(1, 1), (1, 1)])] {
            assert_eq!(thin(&short), short);
        }
    }

    /// In and out of a cul-de-sac: the ends are one place, and what lies between is not lost.
    #[test]
    fn a_way_back_stays() {
        let there_and_back = line(&[(0, 0), (5000, 0), (0, 0)]);
        assert_eq!(thin(&there_and_back), there_and_back);
    }

    #[test]
    fn a_wild_line_is_cut_down_to_the_most_points() {
        let wild: Vec<Point> = (0..100_000).map(|i| Point { lat: (i * 7919) % 10_007, lon: i * 100 }).collect();
        let thinned = thin(&wild);
        assert!(thinned.len() <= MAX_POINTS && thinned.len() >= 2);
        assert_eq!((thinned[0], thinned[thinned.len() - 1]), (wild[0], wild[99_999]));
    }
}
