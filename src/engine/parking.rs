//! Tasks between two assignments, shared by the workers of a process. A rebalance takes everything back and gives most
//! of it again, to this worker or to its neighbour: the store stays open and goes from hand to hand.
//!
//! A store is open at most once in a process, RocksDB insists on it. Whoever opens one holds a [`Hold`]; as long as it
//! lives, nobody else opens that task's store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::plan::TaskId;
use super::task::Task;

/// Tasks whose stores are open somewhere in the process.
type Open = Arc<Mutex<BTreeSet<TaskId>>>;

/// Wall time at which a task was set aside, and the task.
type Parked<S> = BTreeMap<TaskId, (i64, Task<S>)>;

/// The right to have a task's store open; gives it back when it is dropped.
#[derive(Debug)]
pub struct Hold {
    id: TaskId,
    open: Open,
}

impl Drop for Hold {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.id);
    }
}

/// What there is of a task that a worker is to take over.
pub enum Found<S> {
    /// Set aside with its store open.
    Parked(Task<S>),
    /// Nobody has its store open.
    Closed(Hold),
    /// Another worker, or a restore that is over for nothing, still has its store open; it will let go of it.
    Busy,
}

/// Cheap to clone; all clones are one.
pub struct Parking<S> {
    parked: Arc<Mutex<Parked<S>>>,
    open: Open,
}

impl<S> Parking<S> {
    pub fn park(&self, task: Task<S>, now: i64) {
        lock(&self.parked).insert(task.id, (now, task));
    }

    pub fn take(&self, id: TaskId) -> Found<S> {
        let mut parked = lock(&self.parked);
        if let Some((_, task)) = parked.remove(&id) {
            return Found::Parked(task);
        }
        if lock(&self.open).insert(id) { Found::Closed(Hold { id, open: Arc::clone(&self.open) }) } else { Found::Busy }
    }

    /// Takes out those that were set aside before `before`: no worker of this process got them again.
    pub fn take_left(&self, before: i64) -> Vec<Task<S>> {
        let mut parked = lock(&self.parked);
        let left: Vec<TaskId> = parked.iter().filter(|(_, (at, _))| *at < before).map(|(id, _)| *id).collect();
        left.iter().filter_map(|id| parked.remove(id)).map(|(_, task)| task).collect()
    }
}

impl<S> Clone for Parking<S> {
    fn clone(&self) -> Parking<S> {
        Parking { parked: Arc::clone(&self.parked), open: Arc::clone(&self.open) }
    }
}

impl<S> Default for Parking<S> {
    fn default() -> Parking<S> {
        Parking { parked: Arc::default(), open: Arc::default() }
    }
}

/// A panic in another thread ends the process: nothing half done is behind a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::Processor;
    use state::Stores;
    use state::memory::MemoryStores;

    #[test]
    fn a_store_is_open_once_and_goes_from_hand_to_hand() {
        let id = TaskId { processor: Processor::Orders, partition: 0 };
        let (one, stores) = (Parking::default(), MemoryStores::default());
        let other = one.clone();
        let Found::Closed(hold) = one.take(id) else { panic!("nobody has it") };
        assert!(matches!(other.take(id), Found::Busy));
        let task = Task::open(id, stores.open("t").unwrap(), hold).unwrap();
        assert!(matches!(other.take(id), Found::Busy));
        one.park(task, 5);
        let Found::Parked(task) = other.take(id) else { panic!("it was set aside") };
        assert!(matches!(one.take(id), Found::Busy));
        other.park(task, 6);
        assert!(one.take_left(6).is_empty());
        let left = one.take_left(7);
        assert_eq!(left.len(), 1);
        assert!(matches!(one.take(id), Found::Busy), "whoever closes it still has it open");
        drop(left);
        assert!(matches!(one.take(id), Found::Closed(_)));
    }
}
