//! One partition: records and control markers by offset, which transactions are open in it, and how far a
//! `read_committed` reader may go. Markers and aborted or removed records take an offset and are never shown.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::record::Packed;

/// A transactional producer's number; one has at most one open transaction.
pub(super) type ProducerId = u64;

#[derive(Debug)]
enum Entry {
    Record(Packed),
    /// Of a transaction that was aborted: only `read_uncommitted` readers see it.
    Aborted(Packed),
    /// A commit or abort marker, or a record that compaction or retention took away.
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct Partition {
    /// From `start` on.
    entries: VecDeque<Entry>,
    /// The first offset that is still there.
    start: i64,
    /// Offsets written by each open transaction, as ranges, in order.
    open: BTreeMap<ProducerId, Vec<(i64, i64)>>,
}

/// Whose records a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    Committed,
    Uncommitted,
}

impl Partition {
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The offset after the last entry (Kafka's high watermark).
    pub fn end(&self) -> i64 {
        self.start + self.entries.len() as i64
    }

    /// Where the entry at an offset is. What retention took is none: its offset counts as the first that is there.
    fn index(&self, offset: i64) -> usize {
        (offset - self.start).max(0) as usize
    }

    /// Where the first open transaction begins, else the end (Kafka's last stable offset).
    pub fn stable_end(&self) -> i64 {
        self.open.values().filter_map(|ranges| ranges.first()).map(|r| r.0).min().unwrap_or_else(|| self.end())
    }

    /// Appends a record, of `producer`'s open transaction or of none, and returns its offset.
    pub fn append(&mut self, producer: Option<ProducerId>, packed: Packed) -> i64 {
        let offset = self.end();
        self.entries.push_back(Entry::Record(packed));
        if let Some(producer) = producer {
            let ranges = self.open.entry(producer).or_default();
            match ranges.last_mut() {
                Some(last) if last.1 == offset => last.1 = offset + 1,
                _ => ranges.push((offset, offset + 1)),
            }
        }
        offset
    }

    /// Writes the marker that ends `producer`'s transaction here.
    pub fn end_transaction(&mut self, producer: ProducerId, commit: bool) {
        for (from, to) in self.open.remove(&producer).unwrap_or_default() {
            if commit {
                continue;
            }
            let (from, to) = (self.index(from), self.index(to));
            for entry in self.entries.range_mut(from..to) {
                if let Entry::Record(packed) = std::mem::replace(entry, Entry::Nothing) {
                    *entry = Entry::Aborted(packed);
                }
            }
        }
        self.entries.push_back(Entry::Nothing);
    }

    /// Hands the records from `from` on to `each` until it refuses one or the readable end is reached. Returns the
    /// offset to read next: the refused record's, or the one after everything that is not shown.
    pub fn read(&self, isolation: Isolation, from: i64, mut each: impl FnMut(i64, &Packed) -> bool) -> i64 {
        let end = match isolation {
            Isolation::Committed => self.stable_end(),
            Isolation::Uncommitted => self.end(),
        };
        let mut at = from.max(self.start);
        while at < end {
            let taken = match (&self.entries[self.index(at)], isolation) {
                (Entry::Record(packed), _) | (Entry::Aborted(packed), Isolation::Uncommitted) => each(at, packed),
                _ => true,
            };
            if !taken {
                break;
            }
            at += 1;
        }
        at
    }

    /// Takes away all that is before `offset`, as retention does.
    pub fn delete_before(&mut self, offset: i64) {
        let offset = offset.min(self.end()).max(self.start);
        self.entries.drain(..self.index(offset));
        self.start = offset;
        // Its memory, too: a log that is read and trimmed in turn stays as large as what is unread.
        if self.entries.capacity() > 4 * self.entries.len() {
            self.entries.shrink_to(2 * self.entries.len());
        }
    }

    /// Keeps only the last record of each key below the stable end, as compaction does; offsets stay.
    pub fn compact(&mut self) {
        let end = self.stable_end();
        // Looked up only, never iterated: its order cannot matter.
        let mut last: HashMap<Vec<u8>, i64> = HashMap::new();
        let mut superseded = Vec::new();
        self.read(Isolation::Committed, self.start, |offset, packed| {
            if let Some(before) = packed.key().and_then(|key| last.insert(key.to_vec(), offset)) {
                superseded.push(before);
            }
            true
        });
        for offset in superseded {
            debug_assert!(offset < end);
            let index = self.index(offset);
            self.entries[index] = Entry::Nothing;
        }
    }
}
