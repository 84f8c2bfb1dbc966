//! Reads OpenStreetMap PBF files (<https://wiki.openstreetmap.org/wiki/PBF_Format>), twice: ways and relations first, then
//! the places of the nodes on those ways. Understands no tag.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use osmpbf::{BlobDecode, BlobReader, Element, HeaderBlock, PrimitiveBlock, RelMemberType};
use rustc_hash::FxHashSet;
use schemas::plan::Point;

use crate::build::Progress;
use crate::error::Error;
use crate::extract::{Extract, Member};
use crate::tags::Tags;

/// What a file may ask of its reader.
const KNOWN_FEATURES: [&str; 2] = ["OsmSchema-V0.6", "DenseNodes"];
/// |latitude| and |longitude| in units of 10⁻⁷ degrees.
const HIGHEST_LAT: i64 = 900_000_000;
const HIGHEST_LON: i64 = 1_800_000_000;

/// Reads what a car needs of the map at `path`.
pub fn read(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Extract, Error> {
    let mut extract = Extract::default();
    each(path, "reading roads", progress, |element| match element {
        Element::Way(way) => extract.way(way.id(), way.refs(), Tags(&way.tags().collect::<Vec<_>>())),
        Element::Relation(relation) => {
            let tags: Vec<_> = relation.tags().collect();
            if Tags(&tags).get("type") == Some("restriction") {
                let members = relation.members().map(|m| {
                    let member = match m.member_type {
                        RelMemberType::Node => Member::Node(m.member_id),
                        RelMemberType::Way => Member::Way(m.member_id),
                        RelMemberType::Relation => Member::Other,
                    };
                    (m.role().unwrap_or_default(), member)
                });
                extract.relation(relation.id(), Tags(&tags), members);
            }
        }
        Element::Node(_) | Element::DenseNode(_) => {}
    })?;
    if extract.ways.is_empty() {
        return Err(Error::Useless { path: path.to_owned(), what: "there is no road for cars in it".into() });
    }
    let wanted: FxHashSet<i64> = extract.ways.iter().flat_map(|w| w.nodes.iter().copied()).collect();
    let mut outside = None;
    each(path, "reading places", progress, |element| {
        let (id, lat, lon) = match &element {
            Element::Node(node) => (node.id(), node.nano_lat() / 100, node.nano_lon() / 100),
            Element::DenseNode(node) => (node.id(), node.nano_lat() / 100, node.nano_lon() / 100),
            _ => return,
        };
        if !wanted.contains(&id) {
            return;
        }
        if lat.abs() > HIGHEST_LAT || lon.abs() > HIGHEST_LON {
            outside.get_or_insert(id);
            return;
        }
        let tags: Vec<_> = match &element {
            Element::Node(node) => node.tags().collect(),
            Element::DenseNode(node) => node.tags().collect(),
            _ => return,
        };
        extract.node(id, Point { lat: lat as i32, lon: lon as i32 }, Tags(&tags));
    })?;
    match outside {
        Some(id) => Err(Error::Useless { path: path.to_owned(), what: format!("node {id} lies outside the Earth") }),
        None => Ok(extract),
    }
}

/// Calls `f` with every element of the file.
fn each(path: &Path, doing: &'static str, progress: &mut dyn FnMut(Progress), mut f: impl FnMut(Element)) -> Result<(), Error> {
    let io = |source| Error::Io { doing: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let read = Arc::new(AtomicU64::new(0));
    let reader = Counted { inner: BufReader::with_capacity(1 << 20, file), read: read.clone() };
    let mut blobs = BlobReader::new(reader);
    let mut headed = false;
    loop {
        let at = read.load(Ordering::Relaxed);
        progress(Progress { doing, share: at as f64 / length.max(1) as f64 });
        let wrong = |what: String| Error::Map { path: path.to_owned(), at, what };
        // The reader trusts a block that could be unpacked, and panics at a kind of member that it does not know.
        let step = catch_unwind(AssertUnwindSafe(|| match blobs.next() {
            None => Ok(false),
            Some(blob) => match blob.and_then(|b| b.decode().map(owned)).map_err(|e| e.to_string())? {
                Block::Header(header) => {
                    headed = true;
                    understood(&header).map(|()| true)
                }
                Block::Data(_) if !headed => Err("there is no header before the data".into()),
                Block::Data(block) => {
                    block.for_each_element(&mut f);
                    Ok(true)
                }
                Block::Unknown => Ok(true),
            },
        }));
        match step.unwrap_or_else(|_| Err("its content contradicts itself".into())) {
            Ok(true) => {}
            // The reader takes up to three bytes too many for the end of the file.
            Ok(false) if read.load(Ordering::Relaxed) != at => return Err(wrong("the file is cut off".into())),
            Ok(false) if !headed => return Err(wrong("it is empty".into())),
            Ok(false) => return Ok(()),
            Err(what) => return Err(wrong(what)),
        }
    }
}

enum Block {
    Header(Box<HeaderBlock>),
    Data(PrimitiveBlock),
    Unknown,
}

fn owned(decoded: BlobDecode) -> Block {
    match decoded {
        BlobDecode::OsmHeader(header) => Block::Header(header),
        BlobDecode::OsmData(block) => Block::Data(block),
        BlobDecode::Unknown(_) => Block::Unknown,
    }
}

fn understood(header: &HeaderBlock) -> Result<(), String> {
    match header.required_features().iter().find(|f| !KNOWN_FEATURES.contains(&f.as_str())) {
        None => Ok(()),
        Some(feature) => Err(format!("it needs a reader that knows {feature:?}, which this one does not; export it without")),
    }
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}
