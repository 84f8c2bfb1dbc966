//! Small towns for tests: drawn as a grid of letters, written as a real PBF file, read by the reader under test.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping")]

use std::path::{Path, PathBuf};

use schemas::plan::Point;
use tempfile::TempDir;
use waybill_roads::{Report, Roads, Snap};

use super::pbf::{self, Member, Object};

pub const STREET: &[(&str, &str)] = &[("highway", "residential")];

/// Two blocks; all streets 100 m long and open both ways.
pub fn blocks() -> Town {
    Town::map(
        "a b c
         d e f",
    )
    .street("abc")
    .street("def")
    .street("ad")
    .street("be")
    .street("cf")
}

/// Letters are nodes, 100 m apart; a street is a word of letters.
pub struct Town {
    rows: Vec<String>,
    objects: Vec<Object>,
    words: Vec<String>,
}

impl Town {
    pub fn map(map: &str) -> Town {
        Town { rows: map.lines().map(|l| l.replace(' ', "")).filter(|l| !l.is_empty()).collect(), objects: Vec::new(), words: Vec::new() }
    }

    pub fn point(&self, letter: char) -> Point {
        let found = self.rows.iter().enumerate().find_map(|(r, row)| row.chars().position(|c| c == letter).map(|c| (r, c)));
        let (row, column) = found.unwrap_or_else(|| panic!("no {letter} on the map"));
        at(100.0 * column as f64, -100.0 * row as f64)
    }

    pub fn street(self, word: &str) -> Town {
        self.way(word, STREET)
    }

    pub fn way(mut self, word: &str, tags: &[(&str, &str)]) -> Town {
        self.objects.push(Object::way(way_id(self.words.len()), word.chars().map(node_id), tags));
        self.words.push(word.to_owned());
        self
    }

    /// `via` is a letter, or a street's word.
    pub fn restriction(self, kind: &str, from: &str, via: &str, to: &str) -> Town {
        self.restriction_with(&[("restriction", kind)], from, via, to)
    }

    pub fn restriction_with(mut self, tags: &[(&str, &str)], from: &str, via: &str, to: &str) -> Town {
        let way = |word: &str| way_id(self.words.iter().position(|w| w == word).unwrap_or_else(|| panic!("no street {word}")));
        let via = match via.chars().collect::<Vec<_>>()[..] {
            [letter] => ("via", Member::Node(node_id(letter))),
            _ => ("via", Member::Way(way(via))),
        };
        let members = vec![("from", Member::Way(way(from))), via, ("to", Member::Way(way(to)))];
        let mut all = vec![("type", "restriction")];
        all.extend(tags);
        self.objects.push(Object::relation(900 + self.objects.len() as i64, &members, &all));
        self
    }

    pub fn barrier(mut self, letter: char, tags: &[(&str, &str)]) -> Town {
        self.objects.push(Object::node(node_id(letter), self.point(letter), tags));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let tagged: Vec<i64> = self.objects.iter().filter_map(Object::node_id).collect();
        let letters = self.rows.iter().flat_map(|r| r.chars()).filter(|c| c.is_alphabetic() && !tagged.contains(&node_id(*c)));
        let mut objects: Vec<Object> = letters.map(|c| Object::node(node_id(c), self.point(c), &[])).collect();
        objects.extend(self.objects.iter().cloned());
        pbf::file(&objects)
    }

    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("town.osm.pbf");
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }

    pub fn build(self) -> Built {
        self.try_build().expect("there are roads in it")
    }

    /// `None` if nothing in it is connected.
    pub fn try_build(self) -> Option<Built> {
        let folder = TempDir::new().unwrap();
        let (roads, report) = waybill_roads::build(&self.write(folder.path()), &mut |_| {}).ok()?;
        Some(Built { roads, report, town: self })
    }
}

pub struct Built {
    pub roads: Roads,
    pub report: Report,
    pub town: Town,
}

impl Built {
    /// The middle of the road between two letters.
    pub fn middle(&self, of: &str) -> Snap {
        self.part(of, 0.5)
    }

    /// The place `share` of the way between two letters.
    pub fn part(&self, of: &str, share: f64) -> Snap {
        let ends: Vec<Point> = of.chars().map(|c| self.town.point(c)).collect();
        let snap = self.roads.snap(waybill_roads::ground::between(ends[0], ends[1], share)).unwrap();
        assert!(snap.metres_off < 1.0, "{of} is {} m from a road", snap.metres_off);
        snap
    }

    /// The middle of the road between two letters, if it is part of the graph.
    pub fn try_middle(&self, a: char, b: char) -> Option<Snap> {
        let middle = waybill_roads::ground::between(self.town.point(a), self.town.point(b), 0.5);
        self.roads.snap_within(middle, 1.0)
    }

    /// The letters passed from the middle of one road to the middle of another; `-` if there is no way.
    pub fn drive(&self, from: &str, to: &str) -> String {
        self.letters(&self.middle(from), &self.middle(to))
    }

    pub fn letters(&self, from: &Snap, to: &Snap) -> String {
        let Some(route) = self.roads.route(from, to) else { return "-".into() };
        let all: Vec<char> = self.town.rows.iter().flat_map(|r| r.chars()).filter(|c| c.is_alphabetic()).collect();
        let points = &route.leg.points;
        let inner = &points[1..points.len() - 1];
        inner.iter().filter_map(|p| all.iter().find(|&&c| self.town.point(c) == *p)).collect()
    }
}

/// Metres east and north of a place in Helsinki.
pub fn at(east: f64, north: f64) -> Point {
    let (lat, lon) = (60.17f64, 24.94);
    let per_degree = waybill_roads::ground::EARTH_METRES * std::f64::consts::PI / 180.0;
    Point::from_degrees(lat + north / per_degree, lon + east / (per_degree * lat.to_radians().cos()))
}

fn node_id(letter: char) -> i64 {
    letter as i64
}

fn way_id(number: usize) -> i64 {
    500 + number as i64
}
