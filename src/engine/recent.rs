//! Values lately written or read, so that a hot SKU is not looked up in the store a thousand times a second.
//!
//! Two generations: when the young one is full it becomes the old one, and the old one is dropped. Bounded, and O(1).
//! Holds only what is committed; the overlay goes before it.

use rustc_hash::FxHashMap;

type Generation = FxHashMap<Box<[u8]>, Option<Box<[u8]>>>;

/// Bytes of keys and values that a generation may have.
const GENERATION_BYTES: usize = 1 << 20;

#[derive(Debug, Default)]
pub struct Recent {
    young: Generation,
    young_bytes: usize,
    old: Generation,
}

impl Recent {
    /// `None`: not known here. `Some(None)`: known not to be there.
    pub fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.young.get(key).or_else(|| self.old.get(key)).map(|value| value.as_deref())
    }

    pub fn put(&mut self, key: Box<[u8]>, value: Option<Box<[u8]>>) {
        let bytes = key.len() + value.as_ref().map_or(0, |v| v.len()) + OVERHEAD;
        if self.young_bytes + bytes > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        self.young.insert(key, value);
    }

    pub fn clear(&mut self) {
        *self = Recent::default();
    }
}

/// Of an entry in a map, about.
const OVERHEAD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_wins_and_memory_is_bounded() {
        let mut recent = Recent::default();
        recent.put((*b"k").into(), Some((*b"1").into()));
        recent.put((*b"k").into(), None);
        assert_eq!(recent.get(b"k"), Some(None));
        for n in 0..100_000u32 {
            recent.put(n.to_be_bytes().into(), Some((*b"v").into()));
        }
        assert_eq!(recent.get(b"k"), None, "forgotten");
        assert_eq!(recent.get(&99_999u32.to_be_bytes()), Some(Some(&b"v"[..])));
        assert!(recent.young.len() + recent.old.len() <= 2 * GENERATION_BYTES / OVERHEAD);
        recent.put((*b"k").into(), Some((*b"2").into()));
        assert_eq!(recent.get(b"k"), Some(Some(&b"2"[..])));
    }
}
