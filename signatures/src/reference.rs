//! Where a key is: a file or a variable of the environment, never the configuration itself. Reads it when asked, and
//! repeats nothing of what it read.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::key::{MAX_KEY_TEXT, looks_like_a_key};

/// `file:PATH` or `env:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    File(PathBuf),
    Env(String),
}

/// Why a text names no place of a key. Never says what the text was: it may be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error(
        "looks like a key itself. A key never stands here: put it into a file and write \"file:/path/to/it\", or into a variable of the \
         environment and write \"env:NAME\". This one has been shown now: replace it by a new one"
    )]
    Inline,
    #[error("must be \"file:/path/to/a/key\" or \"env:NAME\"")]
    Unknown,
    #[error("must name a variable with letters, digits and _ after \"env:\"")]
    BadName,
    #[error("must name a file after \"file:\"")]
    NoPath,
}

/// Why a key could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read it: {0}")]
    Io(#[from] std::io::Error),
    #[error("the variable is not set")]
    NotSet,
    #[error("it is empty")]
    Empty,
    #[error("it is not text")]
    NotText,
    #[error("it has more than {MAX_READ} bytes: that is no key")]
    TooLong,
}

/// Most bytes that are read for a key: its text and some white space.
const MAX_READ: usize = MAX_KEY_TEXT + 256;

impl Reference {
    pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
        if looks_like_a_key(text) {
            return Err(ReferenceError::Inline);
        }
        if let Some(path) = text.strip_prefix("file:") {
            return if path.is_empty() { Err(ReferenceError::NoPath) } else { Ok(Reference::File(path.into())) };
        }
        if let Some(name) = text.strip_prefix("env:") {
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let is_name = name.chars().all(legal) && name.starts_with(|c: char| !c.is_ascii_digit());
            return if is_name { Ok(Reference::Env(name.to_owned())) } else { Err(ReferenceError::BadName) };
        }
        Err(ReferenceError::Unknown)
    }

    /// The key's text, without white space around it.
    pub fn read(&self) -> Result<Zeroizing<String>, ReadError> {
        match self {
            Reference::File(path) => read_file(path),
            Reference::Env(name) => {
                let value = std::env::var_os(name).ok_or(ReadError::NotSet)?;
                // The process keeps its environment; this is a copy.
                text(&Zeroizing::new(value.into_encoded_bytes()))
            }
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::File(path) => write!(f, "file:{}", path.display()),
            Reference::Env(name) => write!(f, "env:{name}"),
        }
    }
}

fn read_file(path: &Path) -> Result<Zeroizing<String>, ReadError> {
    // Large enough at once: a buffer that grows leaves its old bytes behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_READ + 1));
    File::open(path)?.take(MAX_READ as u64 + 1).read_to_end(&mut bytes)?;
    text(&bytes)
}

fn text(bytes: &[u8]) -> Result<Zeroizing<String>, ReadError> {
    if bytes.len() > MAX_READ {
        return Err(ReadError::TooLong);
    }
    let whole = std::str::from_utf8(bytes).map_err(|_| ReadError::NotText)?;
    match whole.trim() {
        "" => Err(ReadError::Empty),
        trimmed => {
            let mut kept = String::with_capacity(trimmed.len());
            kept.push_str(trimmed);
            Ok(Zeroizing::new(kept))
        }
    }
}
