//! The records of one transaction, packed into one buffer that is reused from commit to commit.

use super::Tp;

/// A header: name and value; the value may be null.
pub type HeaderRef<'a> = (&'a str, Option<&'a [u8]>);

/// Records in the order in which they are produced.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// (end of the name, end of the value; the same as the name's end and `null` for a null value).
    headers: Vec<Header>,
}

#[derive(Debug)]
struct Entry {
    tp: Tp,
    key: Option<usize>,
    value: Option<usize>,
    headers_end: usize,
    /// Where this record's bytes begin.
    start: usize,
    end: usize,
}

#[derive(Debug)]
struct Header {
    name_end: usize,
    value_end: Option<usize>,
}

/// One record of [`Records`].
#[derive(Debug, Clone)]
pub struct RecordRef<'a> {
    pub tp: Tp,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    headers: &'a [Header],
    bytes: &'a [u8],
    headers_start: usize,
}

impl<'a> RecordRef<'a> {
    /// Names, which are UTF-8, and values.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let bytes = self.bytes;
        let mut at = self.headers_start;
        self.headers.iter().map(move |h| {
            let name = &bytes[at..h.name_end];
            let value = h.value_end.map(|end| &bytes[h.name_end..end]);
            at = h.value_end.unwrap_or(h.name_end);
            (name, value)
        })
    }

    pub fn header_count(&self) -> usize {
        self.headers.len()
    }
}

impl Records {
    /// Appends a record whose value `write` appends to the buffer.
    pub fn push_with(&mut self, tp: Tp, key: Option<&[u8]>, headers: &[HeaderRef<'_>], write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        let key = key.map(|key| {
            self.bytes.extend_from_slice(key);
            self.bytes.len()
        });
        write(&mut self.bytes);
        let value = self.bytes.len();
        self.finish(tp, start, key, Some(value), headers);
    }

    /// Appends a record; a null value is a tombstone.
    pub fn push(&mut self, tp: Tp, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[HeaderRef<'_>]) {
        let start = self.bytes.len();
        let key = key.map(|key| {
            self.bytes.extend_from_slice(key);
            self.bytes.len()
        });
        let value = value.map(|value| {
            self.bytes.extend_from_slice(value);
            self.bytes.len()
        });
        self.finish(tp, start, key, value, headers);
    }

    fn finish(&mut self, tp: Tp, start: usize, key: Option<usize>, value: Option<usize>, headers: &[HeaderRef<'_>]) {
        for (name, value) in headers {
            self.bytes.extend_from_slice(name.as_bytes());
            let name_end = self.bytes.len();
            let value_end = value.map(|value| {
                self.bytes.extend_from_slice(value);
                self.bytes.len()
            });
            self.headers.push(Header { name_end, value_end });
        }
        self.entries.push(Entry { tp, key, value, headers_end: self.headers.len(), start, end: self.bytes.len() });
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys, values and headers.
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
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        order.sort_by_key(|index| self.entries[*index].tp);
        order.into_iter().map(|index| self.record(index))
    }

    fn record(&self, index: usize) -> RecordRef<'_> {
        let e = &self.entries[index];
        let headers_from = index.checked_sub(1).map_or(0, |before| self.entries[before].headers_end);
        let key_end = e.key.unwrap_or(e.start);
        let value_end = e.value.unwrap_or(key_end);
        debug_assert!(e.end >= value_end);
        RecordRef {
            tp: e.tp,
            key: e.key.map(|end| &self.bytes[e.start..end]),
            value: e.value.map(|end| &self.bytes[key_end..end]),
            headers: &self.headers[headers_from..e.headers_end],
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
        records.push_with(tp(2), Some(b""), &[("z", Some(b"26"))], |out| out.extend_from_slice(b"written"));
        let all: Vec<_> = records.iter().collect();
        assert_eq!((all[0].tp, all[0].key, all[0].value), (tp(0), Some(&b"k"[..]), Some(&b"v"[..])));
        assert_eq!(all[0].headers().collect::<Vec<_>>(), [(&b"a"[..], Some(&b"1"[..])), (b"n", None), (b"", Some(b""))]);
        assert_eq!((all[1].key, all[1].value, all[1].header_count()), (None, None, 0));
        assert_eq!((all[2].key, all[2].value), (Some(&b""[..]), Some(&b"written"[..])));
        assert_eq!(all[2].headers().collect::<Vec<_>>(), [(&b"z"[..], Some(&b"26"[..]))]);
        records.clear();
        assert_eq!((records.len(), records.size()), (0, 0));
    }
}
