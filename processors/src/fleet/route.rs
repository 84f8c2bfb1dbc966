//! The way a shipment's vehicle drives, in pieces that each have a key of their own: a ping reads the piece where the
//! vehicle was last and the one after it, and rewrites none. Knows no shipment.

use schemas::plan::{Leg, Point, RoadClass, Stretch};
use serde::{Deserialize, Serialize};

use super::geo::{Ground, nearest};
use crate::{DecodeError, codec};

/// Most points of one piece.
const PIECE_POINTS: usize = 96;
/// Most pieces of one route; what is longer is not followed along its line.
pub const MAX_PIECES: usize = 4_096;

const FORMAT: u8 = 1;

/// Metres by class of road, in the order of [`RoadClass::ALL`].
pub(super) type ByClass = [u32; RoadClass::ALL.len()];

/// Part of one leg of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The request that its plan answers.
    pub(super) revision: u32,
    /// The leg's number: how many visits come before its end.
    pub(super) leg: u16,
    /// Where it begins, metres from the route's start.
    pub(super) from: u32,
    /// Its first is the last of the piece before.
    pub(super) points: Vec<Point>,
    /// Its length by class, in the order of driving.
    pub(super) stretches: Vec<Stretch>,
    /// What comes after it on this leg.
    pub(super) after: ByClass,
}

/// A place on a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// The index among the pieces that were looked at.
    pub index: usize,
    /// Metres from the route's start.
    pub along: f64,
    /// Metres from the line.
    pub off: f64,
}

/// Where a route comes by the same street twice, the passage nearer to where the vehicle was counts, if it is at most so much
/// farther from the fix than the other: fixes are not more exact, and who is thought to be on the way back already is off
/// the route for the rest of the way out. Metres.
const LEVEL_METRES: f64 = 25.0;

/// The place on the line that is nearest to `point`, not before `from` and not beyond `to` metres along; the vehicle was at
/// `last`. Of equal ones the first.
pub(super) fn find(pieces: &[Piece], point: Point, last: f64, (from, to): (f64, f64)) -> Option<Found> {
    let mut best: Option<Found> = None;
    for (index, piece) in pieces.iter().enumerate() {
        let ground = ground(&piece.points);
        let (x, y) = ground.place(point);
        let mut along = f64::from(piece.from);
        for (a, b, length) in sides(&ground, &piece.points) {
            if along + length >= from && along <= to {
                let (square, share) = nearest((a.0 - x, a.1 - y), (b.0 - x, b.1 - y));
                let here = Found { index, along: along + share * length, off: libm::sqrt(square) };
                // The same passage goes on, it is the one where the vehicle was, or there is no doubt.
                let is_better = |best: &Found| {
                    here.off < best.off
                        && (along <= best.along + LEVEL_METRES
                            || (here.along - last).abs() < (best.along - last).abs()
                            || here.off + LEVEL_METRES < best.off)
                };
                if best.as_ref().is_none_or(is_better) {
                    best = Some(here);
                }
            }
            along += length;
        }
    }
    best
}

/// A piece is measured flat, from its first point on: always alike, and without a cosine for each side.
fn ground(points: &[Point]) -> Ground {
    Ground::around(points.first().copied().unwrap_or_default())
}

type Side = ((f64, f64), (f64, f64), f64);

/// The sides of a line with their lengths in metres.
fn sides(ground: &Ground, points: &[Point]) -> impl Iterator<Item = Side> {
    points.windows(2).map(|pair| {
        let (a, b) = (ground.place(pair[0]), ground.place(pair[1]));
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        (a, b, libm::sqrt(dx * dx + dy * dy))
    })
}

/// A leg's line in pieces, with the length of each in metres.
fn lines(leg: &Leg) -> Vec<(&[Point], f64)> {
    let mut lines = vec![];
    let mut first = 0;
    while first + 1 < leg.points.len() {
        let last = (first + PIECE_POINTS - 1).min(leg.points.len() - 1);
        let points = &leg.points[first..=last];
        lines.push((points, sides(&ground(points), points).map(|(_, _, length)| length).sum()));
        first = last;
    }
    lines
}

/// Metres by class of a leg.
pub(super) fn by_class(stretches: &[Stretch]) -> ByClass {
    let mut sums = ByClass::default();
    for stretch in stretches {
        let sum = &mut sums[stretch.class as usize];
        *sum = sum.saturating_add(stretch.metres);
    }
    sums
}

/// Cuts legs into pieces; `None` if there would be too many.
pub(super) fn cut(revision: u32, legs: &[Leg]) -> Option<Vec<Piece>> {
    let mut pieces = vec![];
    let mut from = 0.0;
    for (number, leg) in legs.iter().enumerate() {
        let lines = lines(leg);
        if pieces.len() + lines.len() > MAX_PIECES {
            return None;
        }
        // The planner measures on its graph; here the line counts.
        let length: f64 = lines.iter().map(|(_, length)| length).sum();
        let said: u32 = leg.stretches.iter().map(|s| s.metres).fold(0, u32::saturating_add);
        let scale = if length > 0.0 { f64::from(said) / length } else { 0.0 };
        let mut after = by_class(&leg.stretches);
        let mut rest = leg.stretches.iter().copied().peekable();
        let mut owed = 0.0;
        for (i, (points, length)) in lines.iter().enumerate() {
            owed += length * scale;
            let stretches = take(&mut rest, &mut owed, i + 1 == lines.len());
            for stretch in &stretches {
                let left = &mut after[stretch.class as usize];
                *left = left.saturating_sub(stretch.metres);
            }
            pieces.push(Piece { revision, leg: number as u16, from: from as u32, points: points.to_vec(), stretches, after });
            from += length;
        }
    }
    Some(pieces)
}

/// Takes `owed` metres off the front of `rest`, or all of it.
fn take(rest: &mut std::iter::Peekable<impl Iterator<Item = Stretch>>, owed: &mut f64, all: bool) -> Vec<Stretch> {
    let mut taken: Vec<Stretch> = vec![];
    let mut add = |stretch: Stretch| match taken.last_mut() {
        Some(last) if last.class == stretch.class => last.metres += stretch.metres,
        _ if stretch.metres > 0 => taken.push(stretch),
        _ => {}
    };
    while let Some(stretch) = rest.peek_mut() {
        let metres = if all { stretch.metres } else { stretch.metres.min(*owed as u32) };
        add(Stretch { class: stretch.class, metres });
        *owed -= f64::from(metres);
        stretch.metres -= metres;
        if stretch.metres > 0 {
            break;
        }
        rest.next();
    }
    taken
}

impl Piece {
    /// What is left of its leg from `along` metres of the route on: first as it will be driven, then by class.
    pub(super) fn rest_of_leg(&self, along: f64) -> Vec<Stretch> {
        let mut skip = (along - f64::from(self.from)).max(0.0) as u32;
        let mut rest = vec![];
        for stretch in &self.stretches {
            let gone = skip.min(stretch.metres);
            skip -= gone;
            if stretch.metres > gone {
                rest.push(Stretch { class: stretch.class, metres: stretch.metres - gone });
            }
        }
        rest.extend(of_classes(&self.after));
        rest
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        let first = self.points.first().copied().unwrap_or_default();
        // Neighbours are near each other: their differences are short numbers.
        let steps = self.points.windows(2).map(|pair| (pair[1].lat.wrapping_sub(pair[0].lat), pair[1].lon.wrapping_sub(pair[0].lon)));
        let coded = Coded {
            revision: self.revision,
            leg: self.leg,
            from: self.from,
            first,
            steps: steps.collect(),
            stretches: self.stretches.clone(),
            after: self.after,
        };
        codec::encode(FORMAT, &coded, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Piece, DecodeError> {
        let Coded { revision, leg, from, first, steps, stretches, after } = codec::decode(FORMAT, "piece of a route", bytes)?;
        let mut points = Vec::with_capacity(steps.len() + 1);
        points.push(first);
        let mut at = first;
        for (lat, lon) in steps {
            at = Point { lat: at.lat.wrapping_add(lat), lon: at.lon.wrapping_add(lon) };
            points.push(at);
        }
        Ok(Piece { revision, leg, from, points, stretches, after })
    }
}

/// Metres by class as stretches, without the empty ones.
pub(super) fn of_classes(by_class: &ByClass) -> impl Iterator<Item = Stretch> {
    RoadClass::ALL.into_iter().zip(*by_class).filter(|(_, metres)| *metres > 0).map(|(class, metres)| Stretch { class, metres })
}

#[derive(Serialize, Deserialize)]
struct Coded {
    revision: u32,
    leg: u16,
    from: u32,
    first: Point,
    steps: Vec<(i32, i32)>,
    stretches: Vec<Stretch>,
    after: ByClass,
}

#[cfg(test)]
mod tests {
    use super::super::geo::metres;
    use super::*;

    /// North along 24° east, one point every 0.001° (111.2 metres); half on a primary road, half on minor ones.
    fn leg(from: i32, to: i32) -> Leg {
        let points: Vec<Point> = (from..=to).map(|i| Point::from_degrees(60.0 + f64::from(i) * 0.001, 24.0)).collect();
        let length = metres(points[0], points[points.len() - 1]).round() as u32;
        let half = length / 2;
        let stretches =
            vec![Stretch { class: RoadClass::Primary, metres: half }, Stretch { class: RoadClass::Minor, metres: length - half }];
        Leg { points, stretches, seconds: length / 10 }
    }

    #[test]
    fn a_route_is_cut_and_nothing_of_it_is_lost() {
        let legs = [leg(0, 200), leg(200, 210)];
        let pieces = cut(3, &legs).unwrap();
        assert_eq!(pieces.iter().map(|p| (p.leg, p.points.len())).collect::<Vec<_>>(), [(0, 96), (0, 96), (0, 11), (1, 11)]);
        for pair in pieces.windows(2) {
            assert_eq!(pair[0].points.last(), pair[1].points.first());
        }
        for (number, leg) in legs.iter().enumerate() {
            let of_leg: Vec<_> = pieces.iter().filter(|p| usize::from(p.leg) == number).collect();
            let stretches: Vec<Stretch> = of_leg.iter().flat_map(|p| p.stretches.iter().copied()).collect();
            assert_eq!(by_class(&stretches), by_class(&leg.stretches));
            assert_eq!(of_leg.last().unwrap().after, ByClass::default());
            assert_eq!(by_class(&of_leg[0].rest_of_leg(f64::from(of_leg[0].from))), by_class(&leg.stretches));
        }
        // 95 sides of 111.195 metres: nearly half of the leg, all of it primary.
        assert_eq!(pieces[0].stretches, [Stretch { class: RoadClass::Primary, metres: 10_563 }]);
        assert_eq!(pieces[3].from, 22_239);
        for piece in &pieces {
            let mut bytes = vec![];
            piece.encode(&mut bytes);
            assert_eq!(Piece::decode(&bytes).as_ref(), Ok(piece));
            assert!(bytes.len() < 64 + 5 * piece.points.len(), "{} bytes for {} points", bytes.len(), piece.points.len());
        }
    }

    #[test]
    fn the_nearest_place_is_found_inside_the_bounds_alone() {
        let pieces = cut(1, &[leg(0, 120)]).unwrap();
        let beside = Point::from_degrees(60.0505, 24.001);
        let found = find(&pieces, beside, 0.0, (0.0, 20_000.0)).unwrap();
        assert!((found.along - 5_615.3).abs() < 0.5 && (found.off - 55.5).abs() < 0.2 && found.index == 0, "{found:?}");
        let found = find(&pieces, beside, 6_000.0, (6_000.0, 20_000.0)).unwrap();
        assert!((found.along - 5_949.0).abs() < 60.0, "the side that the bound is on: {found:?}");
        assert!(find(&pieces, beside, 20_000.0, (20_000.0, 30_000.0)).is_none());
        let rest = pieces[0].rest_of_leg(10_000.0);
        // 13,343 metres in all, the second half minor; this piece ends after 10,563.
        assert_eq!(by_class(&rest)[RoadClass::Minor as usize], 3_343);
        assert_eq!(rest[0], Stretch { class: RoadClass::Minor, metres: 563 });
    }

    /// 200 metres up a street, across, and back: whatever the noise, who goes up is not coming back, unless that is far away.
    #[test]
    fn a_street_that_is_passed_twice_is_passed_once_at_a_time() {
        let place = |north: f64, east: f64| Point::from_degrees(60.0 + north / 111_195.0, 24.0 + east / 55_597.0);
        for (across, last, (north, east), along) in [
            (5.0, 30.0, (60.0, 6.0), 60.0),
            (5.0, 60.0, (90.0, 14.0), 90.0),
            (5.0, 330.0, (40.0, -6.0), 365.0),
            (60.0, 30.0, (60.0, 40.0), 60.0),
            (60.0, 30.0, (60.0, 55.0), 400.0),
        ] {
            let points = vec![place(0.0, 0.0), place(200.0, 0.0), place(200.0, across), place(0.0, across)];
            let pieces = cut(1, &[Leg { points, stretches: vec![], seconds: 60 }]).unwrap();
            let found = find(&pieces, place(north, east), last, (last - 100.0, last + 700.0)).unwrap();
            assert!((found.along - along).abs() < 5.0, "from {last} to {north} north, {east} east: {found:?}, not {along}");
        }
    }

    #[test]
    fn a_route_of_too_many_pieces_is_not_followed() {
        let points: Vec<Point> = (0..i32::try_from(MAX_PIECES * 95 + 2).unwrap()).map(|i| Point { lat: i * 10, lon: 0 }).collect();
        let long = Leg { points, stretches: vec![], seconds: 0 };
        assert!(cut(1, std::slice::from_ref(&long)).is_none());
        let fits = Leg { points: long.points[..long.points.len() - 2].to_vec(), ..long };
        assert_eq!(cut(1, &[fits]).unwrap().len(), MAX_PIECES);
    }
}
