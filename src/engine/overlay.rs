//! A task's uncommitted writes: the last value per key, in two layers. What is being committed stays readable while
//! the next batch is decided on top of it; what fails is thrown away with all that was built on it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::task::Key;
use super::values::Value;

/// `None`: deleted.
type Layer = FxHashMap<Key, Option<Value>>;
/// (due time, key) → set or cleared.
type TimerLayer = BTreeMap<(i64, Key), bool>;

#[derive(Debug, Default)]
pub struct Overlay {
    active: Layer,
    committing: Layer,
    timers: TimerLayer,
    committing_timers: TimerLayer,
}

impl Overlay {
    /// `None`: the store knows. `Some(None)`: deleted.
    pub fn get(&self, key: &[u8]) -> Option<Option<&Value>> {
        self.active.get(key).or_else(|| self.committing.get(key)).map(Option::as_ref)
    }

    pub fn put(&mut self, key: &[u8], value: Option<Value>) {
        match self.active.get_mut(key) {
            Some(slot) => *slot = value,
            None => {
                self.active.insert(key.into(), value);
            }
        }
    }

    pub fn set_timer(&mut self, due: i64, key: &[u8]) {
        self.timers.insert((due, key.into()), true);
    }

    pub fn clear_timer(&mut self, due: i64, key: &[u8]) {
        self.timers.insert((due, key.into()), false);
    }

    /// What the layers say of a timer; `None`: the store knows.
    pub fn timer(&self, due: i64, key: &[u8]) -> Option<bool> {
        let at = (due, Key::from(key));
        self.timers.get(&at).or_else(|| self.committing_timers.get(&at)).copied()
    }

    /// Timers set and not cleared that are due by `horizon`, in order.
    pub fn due(&self, horizon: i64) -> Vec<(i64, Key)> {
        let until = (horizon.saturating_add(1), Key::default());
        let below = self.committing_timers.range(..&until).filter(|(at, _)| !self.timers.contains_key(*at));
        let mut all: Vec<_> = self.timers.range(..&until).chain(below).filter(|(_, set)| **set).map(|(at, _)| at.clone()).collect();
        all.sort();
        all
    }

    /// Uncommitted keys that begin with `prefix`, with their values.
    pub fn with_prefix<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = (&'a [u8], Option<&'a Value>)> {
        let below = self.committing.iter().filter(|(key, _)| !self.active.contains_key(*key));
        self.active.iter().chain(below).filter(move |(key, _)| key.starts_with(prefix)).map(|(k, v)| (&**k, v.as_ref()))
    }

    /// The active layer is what the next commit holds; a fresh one goes on top. Only when no commit is under way.
    pub fn seal(&mut self) {
        debug_assert!(self.committing.is_empty() && self.committing_timers.is_empty(), "one commit at a time");
        std::mem::swap(&mut self.active, &mut self.committing);
        std::mem::swap(&mut self.timers, &mut self.committing_timers);
    }

    /// What the running commit holds, for the changelog. A value may be put into the form in which it goes on.
    pub fn sealed(&mut self) -> impl Iterator<Item = (&[u8], &mut Option<Value>)> {
        self.committing.iter_mut().map(|(k, v)| (&**k, v))
    }

    pub fn sealed_timers(&self) -> impl Iterator<Item = (i64, &[u8], bool)> {
        self.committing_timers.iter().map(|((due, key), set)| (*due, &**key, *set))
    }

    /// The commit is applied to the store; gives what it held.
    pub fn applied(&mut self) -> impl Iterator<Item = (Key, Option<Value>)> {
        self.committing_timers.clear();
        // The next batch will be about as large; an exceptional one is not kept.
        self.committing.shrink_to(KEEP_KEYS);
        self.committing.drain()
    }

    /// The commit failed: nothing that was not applied ever happened.
    pub fn discard(&mut self) {
        self.active.clear();
        self.timers.clear();
        self.committing.clear();
        self.committing_timers.clear();
    }
}

/// Room for so many keys is kept between batches.
const KEEP_KEYS: usize = 1 << 14;
