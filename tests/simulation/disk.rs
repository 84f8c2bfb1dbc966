//! A worker's disk: its stores outlive the worker's crash. It may fail at a write, lose what was not flushed, or be
//! lost. A store that is open twice at once is refused, as RocksDB's lock does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use state::memory::{MemoryStore, MemoryStores};
use state::{Batch, Pair, Store, StoreError, Stores};

use crate::tally::Tally;

/// How many of a store's last writes a loss of power may take.
const UNFLUSHED: usize = 40;

/// What the next write meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// It fails, and nothing of it is there.
    Failed,
    /// It fails, and all of it is there.
    Unconfirmed,
    /// A bulk fill leaves half behind.
    Half,
}

/// Old values by key, to take one write back.
type Undo = Vec<(Box<[u8]>, Option<Vec<u8>>)>;

#[derive(Debug, Default)]
struct Shared {
    open: BTreeSet<String>,
    undo: BTreeMap<String, VecDeque<Undo>>,
    fault: Option<DiskFault>,
}

#[derive(Clone, Debug)]
pub struct Disk {
    stores: MemoryStores,
    shared: Arc<Mutex<Shared>>,
    tally: Tally,
}

#[derive(Debug)]
pub struct DiskStore {
    name: String,
    store: MemoryStore,
    disk: Disk,
}

impl Disk {
    pub fn new(tally: &Tally) -> Disk {
        Disk { stores: MemoryStores::default(), shared: Arc::default(), tally: tally.clone() }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next write that can meet it does.
    pub fn fail_next(&self, fault: DiskFault) {
        self.shared().fault = Some(fault);
    }

    /// No write fails any more.
    pub fn mend(&self) {
        self.shared().fault = None;
    }

    /// Takes back some of the last writes of every store, of each its own number. Nothing may be open.
    pub fn lose_power(&self, rng: &mut ChaCha8Rng) {
        let mut shared = self.shared();
        assert!(shared.open.is_empty(), "still open: {:?}", shared.open);
        let mut lost = false;
        for (name, undo) in &mut shared.undo {
            let Ok(mut store) = self.stores.open(name) else { continue };
            for _ in 0..rng.random_range(0..=undo.len()) {
                let mut batch = Batch::default();
                for (key, value) in undo.pop_back().unwrap_or_default().iter().rev() {
                    match value {
                        Some(value) => batch.put(key, value),
                        None => batch.delete(key),
                    }
                }
                lost |= !batch.is_empty() && store.apply(&batch).is_ok();
            }
        }
        if lost {
            self.tally.add("disk rolled back");
        }
    }

    /// Everything in a store, opened or not.
    pub fn content(&self, name: &str) -> Vec<Pair> {
        self.stores.open(name).and_then(|store| store.scan(&[], &[0xff], usize::MAX)).unwrap_or_default()
    }

    fn fault(doing: &'static str, message: &str) -> StoreError {
        StoreError { path: "simulated".into(), doing, message: message.into() }
    }
}

impl Stores for Disk {
    type Store = DiskStore;

    fn open(&self, name: &str) -> Result<DiskStore, StoreError> {
        let mut shared = self.shared();
        if !shared.open.insert(name.to_owned()) {
            return Err(Disk::fault("open", &format!("{name} is open already")));
        }
        shared.undo.entry(name.to_owned()).or_default();
        drop(shared);
        Ok(DiskStore { name: name.to_owned(), store: self.stores.open(name)?, disk: self.clone() })
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        let mut shared = self.shared();
        if shared.open.contains(name) {
            return Err(Disk::fault("delete", &format!("{name} is still open")));
        }
        shared.undo.remove(name);
        self.stores.delete(name)
    }
}

impl DiskStore {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let undo = batch.iter().map(|(key, _)| Ok((key.into(), self.store.get(key)?))).collect::<Result<Undo, StoreError>>()?;
        self.store.apply(batch)?;
        let mut shared = self.disk.shared();
        let journal = shared.undo.entry(self.name.clone()).or_default();
        journal.push_back(undo);
        if journal.len() > UNFLUSHED {
            journal.pop_front();
        }
        Ok(())
    }

    fn take_fault(&self, wanted: impl Fn(DiskFault) -> bool) -> Option<DiskFault> {
        let mut shared = self.disk.shared();
        shared.fault.take_if(|fault| wanted(*fault))
    }
}

impl Store for DiskStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, StoreError> {
        self.store.scan(from, to, limit)
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), StoreError> {
        match self.take_fault(|fault| fault != DiskFault::Half) {
            Some(DiskFault::Unconfirmed) => {
                self.write(batch)?;
                self.disk.tally.add("write to the store unconfirmed");
                Err(Disk::fault("write", "simulated: all of it is there"))
            }
            Some(_) => {
                self.disk.tally.add("write to the store failed");
                Err(Disk::fault("write", "simulated: nothing of it is there"))
            }
            None => self.write(batch),
        }
    }

    fn fill(&mut self, sorted: &Batch) -> Result<(), StoreError> {
        if sorted.len() < 2 || self.take_fault(|fault| fault == DiskFault::Half).is_none() {
            return self.write(sorted);
        }
        let mut half = Batch::default();
        for (key, value) in sorted.iter().take(sorted.len() / 2) {
            match value {
                Some(value) => half.put(key, value),
                None => half.delete(key),
            }
        }
        self.write(&half)?;
        self.disk.tally.add("bulk restore cut short");
        Err(Disk::fault("fill", "simulated: half of it is there"))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.disk.shared().undo.insert(self.name.clone(), VecDeque::new());
        Ok(())
    }

    /// It is only begun: the next moment may take it back.
    fn flush_soon(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn size(&self) -> u64 {
        self.store.size()
    }
}

impl Drop for DiskStore {
    fn drop(&mut self) {
        self.disk.shared().open.remove(&self.name);
    }
}
