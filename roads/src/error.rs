//! What can go wrong with files, in words for whoever runs the command.

use std::path::PathBuf;

/// Why a map or a graph could not be read or written. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    /// Not an OpenStreetMap PBF file, or a damaged one.
    #[error("{} is not a whole OpenStreetMap PBF file: {what}, in the block that begins at byte {at}", path.display())]
    Map { path: PathBuf, at: u64, what: String },
    /// A whole file, but of no use.
    #[error("{}: {what}", path.display())]
    Useless { path: PathBuf, what: String },
    #[error("{} is no road graph of Waybill: it begins with other bytes. Make one with `waybill roads build FILE.osm.pbf`", path.display())]
    NotAGraph { path: PathBuf },
    #[error("{} has format {found} of a road graph; this version reads {known}. Make it anew with `waybill roads build`", path.display())]
    Version { path: PathBuf, found: u32, known: u32 },
    #[error("the road graph {} is damaged: {what}. Make it anew with `waybill roads build`", path.display())]
    Damaged { path: PathBuf, what: String },
}
