//! Local state: an ordered map of bytes per task, written in atomic batches. Knows no event and no topic.
//!
//! Two stores behind one trait: [`memory::MemoryStore`] and, with the feature `rocksdb`, [`rocks::RocksStore`].
//! What was applied and not flushed may be lost when the process dies: then the last batches are gone, never one without
//! those after it. Whoever needs them has them elsewhere (the changelog) and knows from the store where it stands.

pub mod memory;
#[cfg(feature = "rocksdb")]
pub mod rocks;

use std::path::PathBuf;

/// Puts and deletes that take effect together. Later ones win over earlier ones of the same key.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// (end of the key, end of the value; `None`: delete).
    ends: Vec<(usize, Option<usize>)>,
}

impl Batch {
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((key_end, Some(self.bytes.len())));
    }

    /// Puts what `write` appends; returns how many bytes that is.
    pub fn put_with(&mut self, key: &[u8], write: impl FnOnce(&mut Vec<u8>)) -> usize {
        self.bytes.extend_from_slice(key);
        let key_end = self.bytes.len();
        write(&mut self.bytes);
        self.ends.push((key_end, Some(self.bytes.len())));
        self.bytes.len() - key_end
    }

    pub fn delete(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push((self.bytes.len(), None));
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Keys with their new values, `None` for a delete, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let mut at = 0;
        self.ends.iter().map(move |&(key_end, value_end)| {
            let key = &self.bytes[at..key_end];
            let value = value_end.map(|end| &self.bytes[key_end..end]);
            at = value_end.unwrap_or(key_end);
            (key, value)
        })
    }
}

/// An entry of a scan.
pub type Pair = (Box<[u8]>, Box<[u8]>);

/// One task's state.
pub trait Store: Send + Sized + 'static {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Up to `limit` entries with `from <= key < to`, in key order.
    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError>;

    /// Makes the whole batch visible, or none of it. It may be lost with the process until it is flushed.
    fn apply(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Adds many entries at once, sorted by key and each key once; for filling an empty store. A crash in between may
    /// leave a part, and afterwards these entries without what was applied before or after them.
    fn fill(&mut self, sorted: &Batch) -> Result<(), StoreError>;

    /// Makes everything applied so far survive the process and a loss of power.
    fn flush(&mut self) -> Result<(), StoreError>;

    /// Begins what [`Store::flush`] does and does not wait for it.
    fn flush_soon(&mut self) -> Result<(), StoreError>;

    /// Bytes on disk, or in memory where there is no disk.
    fn size(&self) -> u64;
}

/// Where tasks' stores are opened and deleted. `name` is a task's: `orders-3`.
pub trait Stores: Clone + Send + Sync + 'static {
    type Store: Store;
    fn open(&self, name: &str) -> Result<Self::Store, StoreError>;
    /// Removes a closed store with all its data.
    fn delete(&self, name: &str) -> Result<(), StoreError>;
}

#[derive(Debug, thiserror::Error)]
#[error("state store {path:?}: cannot {doing}: {message}")]
pub struct StoreError {
    pub path: PathBuf,
    pub doing: &'static str,
    pub message: String,
}
