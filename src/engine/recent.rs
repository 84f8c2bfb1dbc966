//! Values lately written or read, so that a hot SKU is not looked up in the store a thousand times a second.
//!
//! Two generations: when the young one is full it becomes the old one, and the old one is dropped. Bounded, and O(1).
//! Holds only what is committed; the overlay goes before it.

use rustc_hash::FxHashMap;

use super::task::Key;
use super::values::Value;

type Generation = FxHashMap<Key, Option<Value>>;

/// Bytes of keys and values that a generation may have, about.
const GENERATION_BYTES: usize = 1 << 19;

#[derive(Debug, Default)]
pub struct Recent {
    young: Generation,
    young_bytes: usize,
    old: Generation,
}

impl Recent {
    /// `None`: not known here. `Some(None)`: known not to be there.
    pub fn get(&self, key: &[u8]) -> Option<Option<&Value>> {
        self.young.get(key).or_else(|| self.old.get(key)).map(Option::as_ref)
    }

    /// `encoded`: bytes of the value in the store.
    pub fn put(&mut self, key: Key, value: Option<Value>, encoded: usize) {
        let bytes = key.len() + DECODED * encoded + OVERHEAD;
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
const OVERHEAD: usize = 96;
/// How much larger a state is when it is decoded, about.
const DECODED: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(of: &[u8]) -> Value {
        Value::Bytes(of.into())
    }

    #[test]
    fn the_last_value_wins_and_memory_is_bounded() {
        let mut recent = Recent::default();
        let get = |recent: &Recent, key: &[u8]| recent.get(key).map(|value| value.and_then(Value::bytes).map(<[u8]>::to_vec));
        recent.put(b"k"[..].into(), Some(bytes(b"1")), 1);
        recent.put(b"k"[..].into(), None, 0);
        assert_eq!(get(&recent, b"k"), Some(None));
        for n in 0..100_000u32 {
            recent.put(n.to_be_bytes()[..].into(), Some(bytes(b"v")), 1);
        }
        assert_eq!(get(&recent, b"k"), None, "forgotten");
        assert_eq!(get(&recent, &99_999u32.to_be_bytes()), Some(Some(b"v".to_vec())));
        assert!(recent.young.len() + recent.old.len() <= 2 * GENERATION_BYTES / OVERHEAD);
        recent.put(b"k"[..].into(), Some(bytes(b"2")), 1);
        assert_eq!(get(&recent, b"k"), Some(Some(b"2".to_vec())));
    }
}
