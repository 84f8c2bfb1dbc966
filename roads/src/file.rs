//! The graph on disk: one file, written whole or not at all, and read only if it is whole.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `WAYROADS` |
//! | 4 | version of the format, little-endian |
//! | 8 | length of the rest, little-endian |
//! | 4 | CRC-32 (IEEE) of the rest, little-endian |
//! | … | the graph, in postcard's format |
//!
//! The hierarchy is not in it: from the order of contraction, which is, it is made anew in less time than it would take
//! to read. A graph that changes its shape gets a new version.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::graph::Graph;

const MAGIC: &[u8; 8] = b"WAYROADS";
const VERSION: u32 = 1;
const HEAD: usize = 8 + 4 + 8 + 4;

/// Writes to a file beside `path` and renames it, so that `path` is the old file or the new one, never half of it.
pub fn write(path: &Path, graph: &Graph) -> Result<u64, Error> {
    let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
    let body = postcard::to_allocvec(graph).map_err(|e| Error::Useless { path: path.to_owned(), what: e.to_string() })?;
    let temporary = beside(path);
    let written = write_all(&temporary, &body).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // It may not be there: that is what went wrong.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(io("write"))?;
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        File::open(folder).and_then(|f| f.sync_all()).map_err(io("write"))?;
    }
    Ok((HEAD + body.len()) as u64)
}

fn write_all(path: &Path, body: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(MAGIC)?;
    file.write_all(&VERSION.to_le_bytes())?;
    file.write_all(&(body.len() as u64).to_le_bytes())?;
    file.write_all(&crc32fast::hash(body).to_le_bytes())?;
    file.write_all(body)?;
    file.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

pub fn read(path: &Path) -> Result<Graph, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Io { doing: "read", path: path.to_owned(), source })?;
    parse(path, &bytes)
}

/// What a file of that name holds.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Graph, Error> {
    let damaged = |what: String| Error::Damaged { path: path.to_owned(), what };
    if !bytes.starts_with(MAGIC) {
        return Err(Error::NotAGraph { path: path.to_owned() });
    }
    let Some((head, body)) = bytes.split_at_checked(HEAD) else {
        return Err(damaged(format!("{} bytes are less than its head", bytes.len())));
    };
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let found = number(8);
    if found != VERSION {
        return Err(Error::Version { path: path.to_owned(), found, known: VERSION });
    }
    let length = u64::from(number(12)) | u64::from(number(16)) << 32;
    if length != body.len() as u64 {
        return Err(damaged(format!("{length} bytes should follow its head, and {} do", body.len())));
    }
    if crc32fast::hash(body) != number(20) {
        return Err(damaged("its checksum is another".into()));
    }
    let (graph, rest) = postcard::take_from_bytes::<Graph>(body).map_err(|e| damaged(e.to_string()))?;
    if !rest.is_empty() {
        return Err(damaged(format!("{} bytes too many", rest.len())));
    }
    graph.check().map_err(damaged)?;
    Ok(graph)
}
