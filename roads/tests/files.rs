//! Files that are not what they should be: every one is an error that names the file, none a panic.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping")]

mod common;

use std::path::Path;

use common::pbf;
use common::town::{Town, blocks};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;
use waybill_roads::{Error, Roads};

fn town() -> Town {
    blocks().restriction("no_u_turn", "ad", "a", "ad")
}

/// What comes of a map with these bytes.
fn build(bytes: &[u8]) -> Result<Roads, Error> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("map.osm.pbf");
    std::fs::write(&path, bytes).unwrap();
    let built = waybill_roads::build(&path, &mut |_| {}).map(|(roads, _)| roads);
    if let Err(error) = &built {
        assert!(error.to_string().contains("map.osm.pbf"), "{error}");
    }
    built
}

fn message(bytes: &[u8]) -> String {
    build(bytes).err().expect("an error").to_string()
}

#[test]
fn a_map_cut_off_anywhere_is_refused() {
    let bytes = town().bytes();
    assert!(build(&bytes).is_ok());
    // Between two blocks a file may end: who has only the first of them cannot know of the others.
    let mut ends = vec![0];
    while let Some(&at) = ends.last()
        && at < bytes.len()
    {
        let head = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let body = bytes[at + 4 + head - 1] as usize;
        let long = bytes[at + 4 + head - 2] as usize;
        // The length is the head's last number, of one or two bytes.
        ends.push(at + 4 + head + if long >= 0x80 { (long & 0x7f) | body << 7 } else { body });
    }
    assert_eq!(ends.last(), Some(&bytes.len()), "the test knows where blocks end");
    for length in (0..bytes.len()).filter(|l| !ends.contains(l)) {
        let error = message(&bytes[..length]);
        assert!(error.contains("not a whole OpenStreetMap PBF file"), "{length}: {error}");
    }
    assert!(message(&[]).contains("it is empty"));
    assert!(message(&bytes[..2]).contains("cut off"));
    assert!(message(&bytes[..ends[2]]).contains("no road for cars"));
}

#[test]
fn no_changed_byte_makes_a_panic() {
    let bytes = town().bytes();
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let _ = build(&changed);
        }
    }
}

#[test]
fn the_real_map_with_changed_bytes_is_refused_or_read() {
    let bytes = std::fs::read(common::helsinki_map()).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut refused = 0;
    for _ in 0..30 {
        let mut changed = bytes.clone();
        for _ in 0..3 {
            let at = random.random_range(0..changed.len());
            changed[at] ^= random.random_range(1..=255u8);
        }
        refused += usize::from(build(&changed).is_err());
        let length = random.random_range(0..bytes.len());
        refused += usize::from(build(&bytes[..length]).is_err());
    }
    assert!(refused > 50, "compressed blocks have checksums: {refused} of 60");
}

#[test]
fn other_files_are_named_for_what_they_are() {
    assert!(message(b"<?xml version='1.0'?><osm/>").contains("PBF"));
    assert!(message(&vec![0xff; 1000]).contains("not a whole"));
    let history = [pbf::header(&["OsmSchema-V0.6", "HistoricalInformation"]), town().bytes()].concat();
    assert!(message(&history).contains("\"HistoricalInformation\""), "{}", message(&history));
    // A block compressed with lzma (field 4), which the format allows and nobody writes.
    let mut body = Vec::new();
    pbf::bytes(&mut body, 4, b"...");
    let lzma = [pbf::header(&[]), pbf::blob_of("OSMData", &body)].concat();
    assert!(message(&lzma).contains("block that begins at byte"), "{}", message(&lzma));
    let no_header = pbf::block([].into_iter());
    assert!(message(&no_header).contains("no header"));
    let unknown = pbf::Object::relation(1, &[("via", pbf::Member::Unknown(1))], &[("type", "restriction"), ("restriction", "no_u_turn")]);
    let unknown = [town().bytes(), pbf::block([unknown].iter())].concat();
    assert!(message(&unknown).contains("contradicts itself"), "{}", message(&unknown));
    let missing = waybill_roads::build(Path::new("no/such.osm.pbf"), &mut |_| {}).err().unwrap().to_string();
    assert!(missing.starts_with("cannot read no/such.osm.pbf"), "{missing}");
    let footpaths = Town::map("a b").way("ab", &[("highway", "footway")]).bytes();
    assert!(message(&footpaths).contains("no road for cars"));
    let trap = Town::map("a b").way("ab", &[("highway", "primary"), ("oneway", "yes")]).bytes();
    assert!(message(&trap).contains("not connected"));
}

#[test]
fn a_graph_comes_back_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("town.roads");
    let built = town().build();
    let length = built.roads.save(&path).unwrap();
    assert_eq!(length, std::fs::metadata(&path).unwrap().len());
    let opened = Roads::open(&path).unwrap();
    assert_eq!(opened.graph(), built.roads.graph());
    let (from, to) = (built.middle("ab"), built.middle("ef"));
    assert_eq!(opened.route(&from, &to), built.roads.route(&from, &to));
    // Written again, over the old one; nothing else is left in the folder.
    built.roads.save(&path).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_graph_that_is_damaged_or_of_another_version_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("town.roads");
    town().build().roads.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Roads::open(&path).map(|_| ()).unwrap_err()
    };
    for length in 8..bytes.len() {
        assert!(matches!(open(&bytes[..length]), Error::Damaged { .. }), "{length}");
    }
    assert!(matches!(open(&[]), Error::NotAGraph { .. }));
    assert!(matches!(open(b"PK\x03\x04 something else"), Error::NotAGraph { .. }));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        match (at, open(&changed)) {
            (0..8, Error::NotAGraph { .. }) | (8..12, Error::Version { .. }) | (12.., Error::Damaged { .. }) => {}
            (at, other) => panic!("byte {at}: {other}"),
        }
    }
    let mut newer = bytes.clone();
    newer[8] = 2;
    let error = open(&newer).to_string();
    assert!(error.contains("has format 2") && error.contains("reads 1") && error.contains("town.roads"), "{error}");
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(open(&longer).to_string().contains("bytes should follow its head"));
}

#[test]
fn a_graph_is_written_whole_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let roads = town().build().roads;
    let error = roads.save(&folder.path().join("no/such/town.roads")).unwrap_err().to_string();
    assert!(error.starts_with("cannot write") && error.contains("town.roads"), "{error}");
    // A folder with that name: the rename fails, and what was written beside it is gone again.
    let taken = folder.path().join("taken");
    std::fs::create_dir_all(taken.join("something")).unwrap();
    assert!(roads.save(&taken).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
