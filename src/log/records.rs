//! The records of one transaction, packed into one buffer that is reused from commit to commit.
//!
//! Headers that many records have with the same values stand in the program, and not once more in the buffer with each
//! of them: there they would be a fifth of it.

use super::Tp;

/// A header: name and value; the value may be null.
pub type HeaderRef<'a> = (&'a str, Option<&'a [u8]>);

/// A header of many records.
pub type Constant = (&'static str, &'static [u8]);

/// What stands before a record's own headers.
pub type Constants = [Constant; 4];

/// Records in the order in which they are produced.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// (end of the name, end of the value; the same as the name's end and `null` for a null value).
    headers: Vec<Header>,
    /// Every set of constants that was ever used here: there are as many as the program has kinds of records.
    constants: Vec<Constants>,
}

/// A place in the buffer. Four bytes: there are as many of these as there are bytes in a small record.
type Place = u32;

/// `None` would double it; no record ends there.
const NULL: Place = Place::MAX;

#[derive(Debug)]
struct Entry {
    tp: Tp,
    /// Where key and value end, or [`NULL`].
    key: Place,
    value: Place,
    headers_end: Place,
    /// Where this record's bytes begin.
    start: Place,
    /// Which constants, or [`NULL`].
    constants: Place,
}

#[derive(Debug)]
struct Header {
    name_end: Place,
    /// Or [`NULL`].
    value_end: Place,
}

/// Panics at 4 GB: a batch is committed at a thousandth of that.
fn place(at: usize) -> Place {
    Place::try_from(at).ok().filter(|place| *place != NULL).unwrap_or_else(|| panic!("a transaction of {at} bytes"))
}

fn at(place: Place) -> Option<usize> {
    (place != NULL).then_some(place as usize)
}

/// One record of [`Records`].
#[derive(Debug, Clone)]
pub struct RecordRef<'a> {
    pub tp: Tp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    constants: &'a [Constant],
    headers: &'a [Header],
    bytes: &'a [u8],
    headers_start: usize,
}

impl<'a> RecordRef<'a> {
    /// Names, which are UTF-8, and values.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let bytes = self.bytes;
        let mut from = self.headers_start;
        let constants = self.constants.iter().map(|(name, value)| (name.as_bytes(), Some(*value)));
        constants.chain(self.headers.iter().map(move |h| {
            let name_end = h.name_end as usize;
            let value_end = self::at(h.value_end);
            let name = &bytes[from..name_end];
            from = value_end.unwrap_or(name_end);
            (name, value_end.map(|end| &bytes[name_end..end]))
        }))
    }

    pub fn header_count(&self) -> usize {
        self.constants.len() + self.headers.len()
    }
}

impl Records {
    pub fn with_room(bytes: usize) -> Records {
        Records { bytes: Vec::with_capacity(bytes), ..Records::default() }
    }

    /// Appends a record whose value `write` appends to the buffer.
    pub fn push_with(
        &mut self,
        tp: Tp,
        key: Option<&[u8]>,
        constants: Option<&Constants>,
        headers: &[HeaderRef<'_>],
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.bytes.len();
        let key = self.append(key);
        write(&mut self.bytes);
        let value = place(self.bytes.len());
        let constants = constants.map_or(NULL, |constants| self.kept(constants));
        self.finish(tp, start, key, value, constants, headers);
    }

    /// Appends a record; a null value is a tombstone.
    pub fn push(&mut self, tp: Tp, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[HeaderRef<'_>]) {
        let start = self.bytes.len();
        let key = self.append(key);
        let value = self.append(value);
        self.finish(tp, start, key, value, NULL, headers);
    }

    /// Where these constants are kept. They are told apart by their addresses: the same text at another one is kept twice.
    fn kept(&mut self, constants: &Constants) -> Place {
        let same = |known: &Constants| known.iter().zip(constants).all(|(a, b)| std::ptr::eq(a.0, b.0) && std::ptr::eq(a.1, b.1));
        place(self.constants.iter().position(same).unwrap_or_else(|| {
            self.constants.push(*constants);
            self.constants.len() - 1
        }))
    }

    /// Where it ends.
    fn append(&mut self, bytes: Option<&[u8]>) -> Place {
        let Some(bytes) = bytes else { return NULL };
        self.bytes.extend_from_slice(bytes);
        place(self.bytes.len())
    }

    fn finish(&mut self, tp: Tp, start: usize, key: Place, value: Place, constants: Place, headers: &[HeaderRef<'_>]) {
        for (name, value) in headers {
            let name_end = self.append(Some(name.as_bytes()));
            let value_end = self.append(*value);
            self.headers.push(Header { name_end, value_end });
        }
        let (headers_end, start) = (place(self.headers.len()), place(start));
        self.entries.push(Entry { tp, key, value, headers_end, start, constants });
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys, values and headers, without constant ones.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Empties, keeping at most a bounded buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.headers.clear();
        self.bytes.shrink_to(KEEP_BYTES);
    }

    pub fn iter(&self) -> impl Iterator<Item = RecordRef<'_>> {
        (0..self.entries.len()).map(|index| self.record(index))
    }

    /// Partition by partition; within one, in their order.
    pub fn by_partition(&self) -> impl Iterator<Item = RecordRef<'_>> {
        let mut order: Vec<Place> = (0..place(self.entries.len())).collect();
        order.sort_by_key(|index| self.entries[*index as usize].tp);
        order.into_iter().map(|index| self.record(index as usize))
    }

    fn record(&self, index: usize) -> RecordRef<'_> {
        let e = &self.entries[index];
        let headers_from = index.checked_sub(1).map_or(0, |before| self.entries[before].headers_end as usize);
        let (start, key, value) = (e.start as usize, at(e.key), at(e.value));
        let key_end = key.unwrap_or(start);
        let value_end = value.unwrap_or(key_end);
        RecordRef {
            tp: e.tp,
            key: key.map(|end| &self.bytes[start..end]),
            value: value.map(|end| &self.bytes[key_end..end]),
            constants: at(e.constants).map_or(&[], |index| &self.constants[index]),
            headers: &self.headers[headers_from..e.headers_end as usize],
            bytes: &self.bytes,
            headers_start: value_end,
        }
    }
}

/// A buffer larger than this is given back after use.
const KEEP_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::TopicId;

    #[test]
    fn records_come_out_as_they_went_in() {
        let tp = |p| Tp::new(TopicId(7), p);
        let mut records = Records::default();
        records.push(tp(0), Some(b"k"), Some(b"v"), &[("a", Some(b"1")), ("n", None), ("", Some(b""))]);
        records.push(tp(1), None, None, &[]);
        let constants: Constants = [("one", b"1"), ("two", b"2"), ("three", b""), ("four", b"4")];
        records.push_with(tp(2), Some(b""), Some(&constants), &[("z", Some(b"26"))], |out| out.extend_from_slice(b"written"));
        records.push_with(tp(2), None, Some(&constants), &[], |_| ());
        let all: Vec<_> = records.iter().collect();
        assert_eq!((all[0].tp, all[0].key, all[0].value), (tp(0), Some(&b"k"[..]), Some(&b"v"[..])));
        assert_eq!(all[0].headers().collect::<Vec<_>>(), [(&b"a"[..], Some(&b"1"[..])), (b"n", None), (b"", Some(b""))]);
        assert_eq!((all[1].key, all[1].value, all[1].header_count()), (None, None, 0));
        assert_eq!((all[2].key, all[2].value), (Some(&b""[..]), Some(&b"written"[..])));
        let mut headers: Vec<_> = constants.iter().map(|(name, value)| (name.as_bytes(), Some(*value))).collect();
        assert_eq!((all[3].header_count(), all[3].headers().collect::<Vec<_>>()), (4, headers.clone()));
        headers.push((b"z", Some(b"26")));
        assert_eq!((all[2].header_count(), all[2].headers().collect::<Vec<_>>()), (5, headers));
        assert_eq!(records.constants.len(), 1, "kept once");
        records.clear();
        assert_eq!((records.len(), records.size()), (0, 0));
    }
}
