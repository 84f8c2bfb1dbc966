//! A task: one processor × one partition. Its store, its uncommitted writes, its timers, its place in the changelog.
//!
//! Reads go through the overlay to the store; nothing reaches the store before the transaction that holds it is
//! committed.

use std::borrow::Cow;

use processors::orders::Order;
use rustc_hash::FxHashMap;
use state::{Batch, Store, StoreError};

use super::overlay::Overlay;
use super::parking::Hold;
use super::plan::TaskId;
use super::recent::Recent;
use super::timers;
use crate::log::{Records, Tp};

/// First byte of a key: which kind of state it is. All but [`LOCAL`] and [`TIMER`] are in the changelog as they are.
pub const ORDER: u8 = b'o';
pub const STOCK: u8 = b's';
pub const RESERVATION: u8 = b'r';
pub const SEEN: u8 = b'd';
pub const PRODUCT: u8 = b'p';
pub const DEMAND: u8 = b'f';
/// Ids of signed records.
pub const SIGNED: u8 = b'w';
/// Of this store alone: [`POSITION`] and what else need not be restored.
const LOCAL: u8 = 0;
/// Timers, by due time; they follow from the states that set them, so the changelog has none. Above all other kinds.
const TIMER: u8 = b'~';

// `m`: what the task itself remembers.
/// Value: changelog offset up to which the view of every changed state has been written.
pub const VIEWS_MARK: &[u8] = b"mviews";
/// Value: the task's record time, for `clock = "record"`.
pub const CLOCK_MARK: &[u8] = b"mclock";
/// Value: next changelog offset to apply.
const POSITION: &[u8] = b"\0position";
/// Value: number of open holds.
const HOLDS: &[u8] = b"\0holds";

#[derive(Debug)]
pub struct Task<S> {
    pub id: TaskId,
    /// Name for messages and the store's directory.
    pub name: String,
    store: S,
    overlay: Overlay,
    recent: Recent,
    /// Next changelog offset: everything below is in the store.
    position: i64,
    /// The largest record timestamp seen.
    pub record_time: i64,
    /// No timer is due before this.
    next_due: i64,
    /// Accepted orders that are neither paid nor ended.
    pub open_holds: i64,
    /// As many there were when the running commit was sealed.
    sealed_holds: i64,
    /// A bulk restore has begun: they are counted when it ends.
    uncounted: bool,
    /// Keys of states that have changed since their view was last written, with the changelog offset from which that
    /// follows.
    pub stale_views: FxHashMap<Box<[u8]>, i64>,
    /// Wall time of the last writing of views.
    pub views_at: i64,
    scratch: Vec<u8>,
    /// Comes after the store: that is closed first.
    hold: Hold,
}

impl<S: Store> Task<S> {
    /// A task whose store holds everything up to where it says it does.
    pub fn open(id: TaskId, store: S, hold: Hold) -> Result<Task<S>, StoreError> {
        let number = |key: &[u8]| Ok(store.get(key)?.and_then(|v| v.try_into().ok()).map(i64::from_be_bytes));
        let position = number(POSITION)?.unwrap_or(0);
        let holds = number(HOLDS)?;
        let open_holds = holds.unwrap_or(0);
        let record_time = number(CLOCK_MARK)?.unwrap_or(0);
        Ok(Task {
            id,
            name: id.name(),
            store,
            overlay: Overlay::default(),
            recent: Recent::default(),
            position,
            record_time,
            next_due: i64::MIN,
            open_holds,
            sealed_holds: open_holds,
            uncounted: position > 0 && holds.is_none(),
            stale_views: FxHashMap::default(),
            views_at: 0,
            scratch: vec![],
            hold,
        })
    }

    /// Closes the store; nobody else may open it yet.
    pub fn close(self) -> Hold {
        self.hold
    }

    /// Next changelog offset to apply.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Up to where views have been written, by the changelog.
    pub fn views_written_to(&self) -> Result<i64, StoreError> {
        Ok(self.store.get(VIEWS_MARK)?.and_then(|v| v.try_into().ok()).map_or(0, i64::from_be_bytes))
    }

    pub fn store_size(&self) -> u64 {
        self.store.size()
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, StoreError> {
        match self.overlay.get(key) {
            Some(value) => Ok(value.map(Cow::Borrowed)),
            None => match self.recent.get(key) {
                Some(value) => Ok(value.map(Cow::Borrowed)),
                None => Ok(self.store.get(key)?.map(Cow::Owned)),
            },
        }
    }

    /// Like [`Task::get`], and remembers what it read, also that there is nothing: for keys that are read far more often
    /// than written. What is written later goes before it, uncommitted in the overlay and then in its place.
    pub fn get_often(&mut self, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, StoreError> {
        debug_assert!(is_hot(key), "a later write would not replace what is remembered");
        if self.overlay.get(key).is_none() && self.recent.get(key).is_none() {
            let value = self.store.get(key)?;
            self.recent.put(key.into(), value.map(Into::into));
        }
        self.get(key)
    }

    /// The committed value, for queries.
    pub fn committed(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    /// Writes what `encode` appends.
    pub fn put(&mut self, key: &[u8], encode: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        encode(&mut self.scratch);
        self.overlay.put(key, Some(&self.scratch));
    }

    pub fn delete(&mut self, key: &[u8]) {
        self.overlay.put(key, None);
    }

    /// The view of the state under `key` is to be written when its time comes.
    pub fn view_is_stale(&mut self, key: &[u8]) {
        if !self.stale_views.contains_key(key) {
            self.stale_views.insert(key.into(), self.position);
        }
    }

    /// Up to `limit` entries whose key begins with `prefix`, uncommitted ones first.
    pub fn with_prefix(&self, prefix: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let mut end = prefix.to_vec();
        end.push(0xff);
        let mut found: Vec<_> = self.overlay.with_prefix(prefix).filter_map(|(k, v)| v.map(|v| (k.to_vec(), v.to_vec()))).collect();
        found.sort();
        found.truncate(limit);
        for (key, value) in self.store.scan(prefix, &end, limit)? {
            if found.len() >= limit {
                break;
            }
            if self.overlay.get(&key).is_none() {
                found.push((key.to_vec(), value.to_vec()));
            }
        }
        Ok(found)
    }

    /// Asks for [`Task::due`] to name `key` when `due` has come.
    pub fn set_timer(&mut self, due: i64, key: &[u8]) {
        self.overlay.set_timer(due, key);
        self.next_due = self.next_due.min(due);
    }

    /// Nothing is due by `horizon` for certain; cheap.
    pub fn is_quiet(&self, horizon: i64) -> bool {
        horizon < self.next_due
    }

    /// Takes up to `limit` timers that are due by `horizon`, in order.
    pub fn due(&mut self, horizon: i64, limit: usize) -> Result<Vec<(i64, Box<[u8]>)>, StoreError> {
        let mut found = self.overlay.due(horizon);
        // Cleared ones that the store still has may fill a scan: look further until enough are found or all seen.
        let mut from = timer_key(i64::MIN, b"");
        let to = timer_key(horizon.saturating_add(1), b"");
        loop {
            let page = self.store.scan(&from, &to, limit)?;
            let whole = page.len() < limit;
            for (entry, _) in &page {
                let (due, key) = read_timer_key(entry);
                if self.overlay.timer(due, key).is_none() {
                    found.push((due, key.into()));
                }
            }
            match page.last() {
                Some((last, _)) if !whole && found.len() < limit => {
                    from = last.to_vec();
                    from.push(0);
                }
                _ => break,
            }
        }
        found.sort();
        self.next_due = if found.len() >= limit {
            found.truncate(limit);
            horizon
        } else {
            // Everything due was found; what comes next is beyond the horizon.
            self.first_after(horizon)?
        };
        for (due, key) in &found {
            self.overlay.clear_timer(*due, key);
        }
        Ok(found)
    }

    fn first_after(&self, horizon: i64) -> Result<i64, StoreError> {
        let from = timer_key(horizon.saturating_add(1), b"");
        let stored = self.store.scan(&from, &timer_key(i64::MAX, b""), 1)?;
        let stored = stored.first().map_or(i64::MAX, |(entry, _)| read_timer_key(entry).0);
        let pending = self.overlay.due(i64::MAX - 1).iter().map(|(due, _)| *due).find(|due| *due > horizon);
        Ok(stored.min(pending.unwrap_or(i64::MAX)))
    }

    /// Hands the writes since the last commit to the next: their last values go to the changelog.
    pub fn seal(&mut self, changelog: Tp, records: &mut Records) {
        self.overlay.seal();
        self.sealed_holds = self.open_holds;
        for (key, value) in self.overlay.sealed() {
            records.push(changelog, Some(key), value, &[]);
        }
    }

    /// The transaction is committed: its writes, the place in the changelog and what else is local go to the store as
    /// one batch. `end`: the changelog's offset after the last record of the transaction, if it wrote one.
    pub fn apply(&mut self, end: Option<i64>, batch: &mut Batch) -> Result<(), StoreError> {
        batch.clear();
        for (key, value) in self.overlay.sealed() {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        for (due, key, set) in self.overlay.sealed_timers() {
            let timer = timer_key(due, key);
            if set { batch.put(&timer, b"") } else { batch.delete(&timer) }
        }
        if let Some(end) = end {
            self.position = end;
            batch.put(POSITION, &end.to_be_bytes());
            // Not the present number: the next batch is being decided.
            batch.put(HOLDS, &self.sealed_holds.to_be_bytes());
        }
        if !batch.is_empty() {
            self.store.apply(batch)?;
        }
        for (key, value) in self.overlay.applied() {
            if is_hot(&key) {
                self.recent.put(key, value);
            }
        }
        Ok(())
    }

    /// The transaction failed: back to what is in the store.
    pub fn discard(&mut self) -> Result<(), StoreError> {
        self.overlay.discard();
        self.next_due = i64::MIN;
        self.open_holds = self.store.get(HOLDS)?.and_then(|v| v.try_into().ok()).map_or(0, i64::from_be_bytes);
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.store.flush()
    }

    /// Applies changelog records up to, not including, `position`.
    pub fn restore(&mut self, changes: &[Change], position: i64, empty: bool, batch: &mut Batch) -> Result<(), StoreError> {
        batch.clear();
        self.recent.clear();
        let mut timers = vec![];
        for change in changes {
            if !empty && change.key.first() == Some(&ORDER) {
                let before = self.store.get(&change.key)?;
                self.open_holds += holds(change.value.as_deref()) - holds(before.as_deref());
            }
            match &change.value {
                Some(value) => batch.put(&change.key, value),
                None => batch.delete(&change.key),
            }
            if let Some(due) = change.due() {
                timers.push(timer_key(due, &change.key));
            }
        }
        if empty {
            timers.sort();
            timers.dedup();
            for timer in &timers {
                batch.put(timer, b"");
            }
            // Keys of changes are sorted and all their kinds are below the timers'.
            self.store.fill(batch)?;
            batch.clear();
        } else {
            for timer in &timers {
                batch.put(timer, b"");
            }
        }
        batch.put(POSITION, &position.to_be_bytes());
        self.uncounted |= empty;
        if self.uncounted {
            batch.delete(HOLDS);
        } else {
            batch.put(HOLDS, &self.open_holds.to_be_bytes());
        }
        self.store.apply(batch)?;
        self.position = position;
        Ok(())
    }

    /// After a restore: counts what is only counted along, and reads the marks again.
    pub fn restored(&mut self) -> Result<(), StoreError> {
        self.next_due = i64::MIN;
        if let Some(time) = self.store.get(CLOCK_MARK)?.and_then(|v| v.try_into().ok()).map(i64::from_be_bytes) {
            self.record_time = self.record_time.max(time);
        }
        if self.uncounted {
            let (mut from, mut count) = (vec![ORDER], 0);
            loop {
                let page = self.store.scan(&from, &[ORDER + 1], 1000)?;
                count += page.iter().map(|(_, v)| holds(Some(v))).sum::<i64>();
                match page.last() {
                    Some((last, _)) => {
                        from = last.to_vec();
                        from.push(0);
                    }
                    None => break,
                }
            }
            self.open_holds = count;
            self.uncounted = false;
            let mut batch = Batch::default();
            batch.put(HOLDS, &count.to_be_bytes());
            self.store.apply(&batch)?;
        }
        Ok(())
    }
}

/// Whether the state under `key` is likely to be read again soon and often: to keep the others would cost more, in
/// time and memory, than to read them from the store when they are wanted.
fn is_hot(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(STOCK | PRODUCT | DEMAND)))
}

/// 1 for an order with an open hold.
fn holds(order: Option<&[u8]>) -> i64 {
    i64::from(order.is_some_and(|bytes| Order::decode(bytes).is_ok_and(|o| o.is_holding())))
}

/// A changelog record.
#[derive(Debug)]
pub struct Change {
    pub key: Box<[u8]>,
    pub value: Option<Box<[u8]>>,
}

impl Change {
    /// When this state wants to be woken. A timer of an earlier value may be left over; it finds nothing due.
    fn due(&self) -> Option<i64> {
        timers::due_of(&self.key, self.value.as_deref()?)
    }
}

/// Ordered by due time: the sign bit is flipped so that bytes sort as numbers do.
fn timer_key(due: i64, key: &[u8]) -> Vec<u8> {
    let mut timer = Vec::with_capacity(9 + key.len());
    timer.push(TIMER);
    timer.extend_from_slice(&(due ^ i64::MIN).to_be_bytes());
    timer.extend_from_slice(key);
    timer
}

fn read_timer_key(timer: &[u8]) -> (i64, &[u8]) {
    // Only `timer_key` makes keys of this kind.
    let due = timer[1..9].try_into().map_or(i64::MAX, i64::from_be_bytes) ^ i64::MIN;
    (due, &timer[9..])
}

// Kinds are letters: they sort below the timers, which `restore` relies on, and `LOCAL` is not a changelog key.
const _: () = assert!(TIMER > b'z' && LOCAL < b'a');

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parking::{Found, Parking};
    use crate::engine::plan::Processor;
    use state::Stores;
    use state::memory::MemoryStores;

    /// A task on an empty store in memory.
    fn open() -> Task<<MemoryStores as Stores>::Store> {
        let id = TaskId { processor: Processor::Stock, partition: 0 };
        let Found::Closed(hold) = Parking::<()>::default().take(id) else { panic!("nobody has it") };
        Task::open(id, MemoryStores::default().open("t").unwrap(), hold).unwrap()
    }

    /// What is read often is remembered, and never longer than it is true: not when it is written, nor while that is
    /// being committed, nor after it, nor when it fails, nor when another owner has written meanwhile.
    #[test]
    fn what_is_remembered_is_never_older_than_what_was_written() {
        const KEY: &[u8] = b"pA";
        let mut task = open();
        let mut batch = Batch::default();
        let mut end = 0;
        let read = |task: &mut Task<_>| task.get_often(KEY).unwrap().map(Cow::into_owned);
        assert_eq!(read(&mut task), None, "and that is remembered, too");
        // A small random history against what must be read; the numbers are the values.
        let (mut committed, mut sealed, mut active): (Option<Vec<u8>>, Option<Option<Vec<u8>>>, Option<Option<Vec<u8>>>) =
            (None, None, None);
        let mut state = 1u64;
        for step in 0..20_000u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = step.to_be_bytes().to_vec();
            match (state >> 33) % 8 {
                0 | 1 => {
                    task.put(KEY, |out| out.extend_from_slice(&value));
                    active = Some(Some(value));
                }
                2 => {
                    task.delete(KEY);
                    active = Some(None);
                }
                3 if sealed.is_none() => {
                    task.overlay.seal();
                    sealed = active.take();
                    if sealed.is_none() {
                        task.apply(None, &mut batch).unwrap();
                    }
                }
                4 if sealed.is_some() => {
                    end += 1;
                    task.apply(Some(end), &mut batch).unwrap();
                    committed = sealed.take().unwrap_or_default();
                }
                5 if (state >> 40).is_multiple_of(8) => {
                    task.discard().unwrap();
                    (sealed, active) = (None, None);
                    // Somebody else had the task, and wrote.
                    end += 1;
                    let change = Change { key: KEY.into(), value: Some(value.clone().into()) };
                    task.restore(&[change], end, false, &mut batch).unwrap();
                    committed = Some(value);
                }
                // Others push it out of the younger half of what is remembered.
                6 if (state >> 40).is_multiple_of(64) => {
                    for other in 0..20_000u32 {
                        task.recent.put(other.to_be_bytes().into(), None);
                    }
                }
                _ => {}
            }
            let expected = active.clone().or_else(|| sealed.clone()).unwrap_or_else(|| committed.clone());
            assert_eq!(read(&mut task), expected, "step {step}");
        }
    }

    #[test]
    fn timers_fire_in_order_once_whether_committed_or_not() {
        let id = TaskId { processor: Processor::Orders, partition: 0 };
        let stores = MemoryStores::default();
        let Found::Closed(hold) = Parking::<()>::default().take(id) else { panic!("nobody has it") };
        let mut task = Task::open(id, stores.open("t").unwrap(), hold).unwrap();
        let mut batch = Batch::default();
        let keys =
            |found: Vec<(i64, Box<[u8]>)>| found.iter().map(|(d, k)| (*d, String::from_utf8_lossy(k).into_owned())).collect::<Vec<_>>();
        for (due, key) in [(30, "c"), (-5, "a"), (10, "b")] {
            task.set_timer(due, key.as_bytes());
        }
        task.overlay.seal();
        task.apply(Some(1), &mut batch).unwrap();
        task.set_timer(20, b"d");
        assert!(!task.is_quiet(-6), "nothing is known yet");
        assert!(task.due(-6, 1).unwrap().is_empty() && task.is_quiet(-6));
        assert_eq!(keys(task.due(10, 1).unwrap()), [(-5, "a".into())]);
        assert!(!task.is_quiet(10), "another one is due");
        assert_eq!(keys(task.due(20, 10).unwrap()), [(10, "b".into()), (20, "d".into())]);
        assert!(task.is_quiet(29) && !task.is_quiet(30));
        assert!(task.due(20, 10).unwrap().is_empty(), "fired timers do not fire again before the commit");
        task.overlay.seal();
        assert!(task.due(20, 10).unwrap().is_empty(), "nor while it runs");
        task.apply(Some(2), &mut batch).unwrap();
        assert!(task.due(20, 10).unwrap().is_empty(), "nor after it");
        task.set_timer(25, b"e");
        task.discard().unwrap();
        assert_eq!(keys(task.due(100, 10).unwrap()), [(30, "c".into())], "what was discarded never was");
    }
}
