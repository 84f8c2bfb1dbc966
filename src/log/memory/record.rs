//! Records as the model keeps them: the bytes of one commit packed into one shared buffer, a few words beside it per
//! record. A reader gets a handle on the buffer and never a copy.

use std::sync::Arc;

use crate::log::{HeaderRef, Message, Records, Tp};

/// A null key or value.
const NULL: u32 = u32::MAX;

/// One record's bytes (key, value, headers, in this order) within a shared buffer.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    bytes: Arc<[u8]>,
    timestamp: i64,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    key: u32,
    value: u32,
    headers: u32,
}

impl Packed {
    /// Packs a single record.
    pub fn one(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[HeaderRef<'_>], timestamp: i64) -> Packed {
        let mut bytes = Vec::with_capacity(key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len));
        let place = pack(&mut bytes, key, value, headers.iter().map(|(name, value)| (name.as_bytes(), *value)));
        Packed { bytes: bytes.into(), timestamp, place }
    }

    /// Packs a transaction's records into one buffer, in their order.
    pub fn all(records: &Records, timestamp: i64) -> Vec<(Tp, Packed)> {
        let mut bytes = Vec::with_capacity(records.size());
        let places: Vec<_> = records.iter().map(|r| (r.tp, pack(&mut bytes, r.key, r.value, r.headers()))).collect();
        let bytes: Arc<[u8]> = bytes.into();
        places.into_iter().map(|(tp, place)| (tp, Packed { bytes: bytes.clone(), timestamp, place })).collect()
    }

    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    pub fn key(&self) -> Option<&[u8]> {
        self.part(self.place.start, self.place.key)
    }

    pub fn value(&self) -> Option<&[u8]> {
        self.part(self.place.value_start(), self.place.value)
    }

    /// Bytes of key, value and headers.
    pub fn size(&self) -> usize {
        let p = self.place;
        (p.value_start() - p.start + length(p.value) + p.headers) as usize
    }

    pub fn headers(&self) -> Vec<HeaderRef<'_>> {
        let start = (self.place.value_start() + length(self.place.value)) as usize;
        let mut rest = &self.bytes[start..start + self.place.headers as usize];
        let mut headers = Vec::new();
        while !rest.is_empty() {
            let name = take(&mut rest).unwrap_or_default();
            let value = take(&mut rest);
            // Names are packed from `str`, so they are UTF-8.
            headers.push((std::str::from_utf8(name).unwrap_or_default(), value));
        }
        headers
    }

    fn part(&self, start: u32, length: u32) -> Option<&[u8]> {
        (length != NULL).then(|| &self.bytes[start as usize..(start + length) as usize])
    }
}

impl Place {
    fn value_start(self) -> u32 {
        self.start + length(self.key)
    }
}

fn length(length: u32) -> u32 {
    if length == NULL { 0 } else { length }
}

fn pack<'a>(
    bytes: &mut Vec<u8>,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
) -> Place {
    let start = small(bytes.len());
    for part in [key, value].into_iter().flatten() {
        bytes.extend_from_slice(part);
    }
    let headers_start = bytes.len();
    for (name, value) in headers {
        put(bytes, Some(name));
        put(bytes, value);
    }
    let size = |part: Option<&[u8]>| part.map_or(NULL, |p| small(p.len()));
    Place { start, key: size(key), value: size(value), headers: small(bytes.len() - headers_start) }
}

/// A header's part: its length in four bytes, then the bytes.
fn put(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    bytes.extend_from_slice(&part.map_or(NULL, |p| small(p.len())).to_le_bytes());
    bytes.extend_from_slice(part.unwrap_or_default());
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    *rest = after;
    if length == NULL {
        return None;
    }
    let (part, after) = after.split_at(length as usize);
    *rest = after;
    Some(part)
}

fn small(n: usize) -> u32 {
    u32::try_from(n).ok().filter(|n| *n != NULL).expect("a transaction of this model is smaller than 4 GiB")
}

/// A record as a client reads it.
#[derive(Clone, Debug)]
pub struct MemoryMessage {
    pub(super) tp: Tp,
    pub(super) offset: i64,
    pub(super) packed: Packed,
}

impl Message for MemoryMessage {
    fn tp(&self) -> Tp {
        self.tp
    }

    fn offset(&self) -> i64 {
        self.offset
    }

    fn timestamp(&self) -> i64 {
        self.packed.timestamp()
    }

    fn key(&self) -> Option<&[u8]> {
        self.packed.key()
    }

    fn value(&self) -> Option<&[u8]> {
        self.packed.value()
    }

    fn headers(&self) -> Vec<HeaderRef<'_>> {
        self.packed.headers()
    }
}

/// A record as somebody outside the engine reads it: a test, the auditor, the demo's pages.
#[derive(Clone, Debug)]
pub struct MemoryRecord {
    pub partition: i32,
    pub offset: i64,
    pub(super) packed: Packed,
}

impl MemoryRecord {
    /// Milliseconds since the epoch.
    pub fn timestamp(&self) -> i64 {
        self.packed.timestamp()
    }

    pub fn key(&self) -> Option<&[u8]> {
        self.packed.key()
    }

    pub fn value(&self) -> Option<&[u8]> {
        self.packed.value()
    }

    /// In their order; a header's value may be null.
    pub fn headers(&self) -> Vec<HeaderRef<'_>> {
        self.packed.headers()
    }
}
