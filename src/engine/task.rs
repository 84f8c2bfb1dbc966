//! A task: one processor × one partition. Its store, its uncommitted writes, its timers, its place in the changelog.
//!
//! Reads go through the overlay to the store; nothing reaches the store before the transaction that holds it is
//! committed.

use std::sync::Arc;

use processors::orders::Order;
use rustc_hash::FxHashMap;
use state::{Batch, Store, StoreError};

use super::overlay::Overlay;
use super::parking::Hold;
use super::plan::TaskId;
use super::recent::Recent;
use super::timers;
use super::values::{self, Value};
use super::work::Fault;
use crate::log::{Records, Tp};

/// A key of the store. Most fit in here, and need no memory of their own.
pub type Key = smallvec::SmallVec<[u8; 32]>;

/// First byte of a key: which kind of state it is. All but [`LOCAL`] and [`TIMER`] are in the changelog as they are.
pub const ORDER: u8 = b'o';
pub const STOCK: u8 = b's';
pub const RESERVATION: u8 = b'r';
pub const SEEN: u8 = b'd';
pub const PRODUCT: u8 = b'p';
pub const DEMAND: u8 = b'f';
/// Ids of signed records.
pub const SIGNED: u8 = b'w';
/// A vehicle; with it: its shipments, the pieces of their routes, plans that are wanted.
pub const VEHICLE: u8 = b'v';
pub const SHIPMENT: u8 = b'h';
pub const PIECE: u8 = b'l';
pub const WANTED_PLAN: u8 = b'q';
/// What the task has learned of roads.
pub const SPEEDS: u8 = b'e';
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
    pub stale_views: FxHashMap<Key, i64>,
    /// Wall time of the last writing of views.
    pub views_at: i64,
    unflushed: Option<Unflushed>,
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
            unflushed: None,
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

    /// The bytes under `key`, of a kind that is kept as bytes.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.overlay.get(key) {
            Some(value) => Ok(value.and_then(Value::bytes).map(<[u8]>::to_vec)),
            None => self.store.get(key),
        }
    }

    /// The state under `key`. That of a hot kind is remembered, also that there is none; what is written later goes
    /// before it, uncommitted in the overlay and then in its place.
    pub fn read<T: values::State>(&mut self, key: &[u8]) -> Result<Option<Arc<T>>, Fault> {
        let decode = |name: &str, bytes: &[u8]| T::decode(bytes).map(Arc::new).map_err(|e| Fault::damaged(name, key, &e));
        if let Some(known) = self.overlay.get(key).or_else(|| self.recent.get(key)) {
            return match known {
                None => Ok(None),
                Some(value) => match (T::of(value), value) {
                    (Some(state), _) => Ok(Some(Arc::clone(state))),
                    (None, value) => decode(&self.name, value.bytes().unwrap_or_default()).map(Some),
                },
            };
        }
        let stored = self.store.get(key)?;
        let state = stored.as_deref().map(|bytes| decode(&self.name, bytes)).transpose()?;
        if is_hot(key) {
            let encoded = stored.map_or(0, |bytes| bytes.len());
            self.recent.put(key.into(), state.clone().map(T::into_value), encoded);
        }
        Ok(state)
    }

    /// Keeps a state that was read or is new.
    pub fn keep<T: values::State>(&mut self, key: &[u8], state: T) {
        self.overlay.put(key, Some(T::into_value(Arc::new(state))));
    }

    /// The committed value, for queries.
    pub fn committed(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    /// Up to `limit` committed entries whose key begins with `prefix`, in order.
    pub fn committed_with_prefix(&self, prefix: &[u8], limit: usize) -> Result<Vec<state::Pair>, StoreError> {
        let mut end = prefix.to_vec();
        end.push(0xff);
        self.store.scan(prefix, &end, limit)
    }

    /// Writes what `encode` appends, of a kind that is kept as bytes.
    pub fn put(&mut self, key: &[u8], encode: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        encode(&mut self.scratch);
        self.overlay.put(key, Some(Value::Bytes(self.scratch.as_slice().into())));
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

    /// Up to `limit` entries of a kind that is kept as bytes whose key begins with `prefix`, uncommitted ones first.
    pub fn with_prefix(&self, prefix: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let mut end = prefix.to_vec();
        end.push(0xff);
        let mut found: Vec<_> = self.overlay.with_prefix(prefix).filter_map(|(k, v)| Some((k.to_vec(), v?.bytes()?.to_vec()))).collect();
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
    pub fn due(&mut self, horizon: i64, limit: usize) -> Result<Vec<(i64, Key)>, StoreError> {
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
            let Some(state) = value else {
                records.push(changelog, Some(key), None, &[]);
                continue;
            };
            self.scratch.clear();
            state.encode(&mut self.scratch);
            records.push(changelog, Some(key), Some(&self.scratch), &[]);
            if !is_hot(key) {
                // It will not be read soon: bytes are smaller, and the store wants them.
                *state = Value::Bytes(self.scratch.as_slice().into());
            }
        }
    }

    /// The transaction is committed: its writes, the place in the changelog and what else is local go to the store as
    /// one batch. `end`: the changelog's offset after the last record of the transaction, if it wrote one.
    pub fn apply(&mut self, end: Option<i64>, now: i64, batch: &mut Batch) -> Result<(), StoreError> {
        batch.clear();
        let since = self.unflushed.map_or(now, |unflushed| unflushed.since);
        self.unflushed = Some(Unflushed { since, last: now });
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
        for (key, value) in self.overlay.applied() {
            let encoded = if let Some(value) = &value {
                batch.put_with(&key, |out| value.encode(out))
            } else {
                batch.delete(&key);
                0
            };
            if is_hot(&key) {
                self.recent.put(key, value, encoded);
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        let applied = self.store.apply(batch);
        if applied.is_err() {
            self.recent.clear();
        }
        applied
    }

    /// The transaction failed: back to what is in the store.
    pub fn discard(&mut self) -> Result<(), StoreError> {
        self.overlay.discard();
        self.next_due = i64::MIN;
        self.open_holds = self.store.get(HOLDS)?.and_then(|v| v.try_into().ok()).map_or(0, i64::from_be_bytes);
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.unflushed = None;
        self.store.flush()
    }

    /// Begins to flush what a crash would lose.
    pub fn flush_soon(&mut self) -> Result<(), StoreError> {
        self.unflushed = None;
        self.store.flush_soon()
    }

    /// Begins to flush what a crash would lose, when the task rests or has not flushed for long: so little is replayed
    /// after a crash.
    pub fn flush_if_due(&mut self, now: i64) -> Result<(), StoreError> {
        let due = |unflushed: &mut Unflushed| now - unflushed.last >= RESTS_MILLIS || now - unflushed.since >= MOST_UNFLUSHED_MILLIS;
        if self.unflushed.as_mut().is_some_and(due) { self.flush_soon() } else { Ok(()) }
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

/// Writes that are not flushed yet, as far as the task knows: RocksDB flushes by itself when there are many.
#[derive(Clone, Copy, Debug)]
struct Unflushed {
    /// Wall times of the first and the last of them.
    since: i64,
    last: i64,
}

/// A task that has written nothing for so long rests.
const RESTS_MILLIS: i64 = 1_000;
/// So old may writes become that are not flushed.
const MOST_UNFLUSHED_MILLIS: i64 = 300_000;

/// Whether the state under `key` is likely to be read again soon and often: to keep the others would cost more, in
/// time and memory, than to read them from the store when they are wanted.
fn is_hot(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(STOCK | PRODUCT | DEMAND | VEHICLE | SHIPMENT | PIECE | SPEEDS)))
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
mod tests;
