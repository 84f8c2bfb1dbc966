//! A store in memory. It outlives the handle that a task holds, as a directory would, so that a simulated crash can
//! drop the task and open the store again.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Batch, Pair, Store, StoreError, Stores};

type Map = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// One task's map.
#[derive(Debug, Default, Clone)]
pub struct MemoryStore(Arc<Mutex<Map>>);

impl MemoryStore {
    fn map(&self) -> MutexGuard<'_, Map> {
        // A panic elsewhere cannot leave the map half changed: each change is one insert or remove.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.map().get(key).map(|v| v.to_vec()))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        let map = self.map();
        let range = map.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        Ok(range.take(limit).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut map = self.map();
        for (key, value) in batch.iter() {
            match value {
                Some(value) => map.insert(key.into(), value.into()),
                None => map.remove(key),
            };
        }
        Ok(())
    }

    fn fill(&mut self, sorted: &Batch) -> Result<(), StoreError> {
        self.apply(sorted)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn flush_soon(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn size(&self) -> u64 {
        self.map().iter().map(|(k, v)| (k.len() + v.len()) as u64).sum()
    }
}

/// All tasks' maps.
#[derive(Debug, Default, Clone)]
pub struct MemoryStores(Arc<Mutex<BTreeMap<String, MemoryStore>>>);

impl Stores for MemoryStores {
    type Store = MemoryStore;

    fn open(&self, name: &str) -> Result<MemoryStore, StoreError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.entry(name.to_owned()).or_default().clone())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}
