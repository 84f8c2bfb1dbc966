//! Signed source records at their task: the signature by the topic's rule, and each id once. What a rule says is in the
//! crate `signatures`; here is what a task remembers for it.

use schemas::{Reject, Source, Timestamp};
use signatures::{Checked, Guard, Seen};
use state::Store;

use super::outputs::Original;
use super::task::{Key, SIGNED, Task};
use super::work::Fault;

/// The id of a record that passed, to be kept if the record is taken.
#[derive(Debug)]
pub struct Used {
    key: Key,
    seen: Seen,
}

/// The verdict on a record; nothing is changed. `Ok(None)`: it is not signed, and need not be.
pub fn check<S: Store>(task: &Task<S>, guard: &Guard, original: &Original<'_>) -> Result<Result<Option<Used>, Reject>, Fault> {
    let at = Timestamp(original.timestamp);
    let (id, seen) = match guard.check(original.headers, original.value, at) {
        Ok(Checked::Unsigned) => return Ok(Ok(None)),
        Ok(Checked::Signed { id, seen }) => (id, seen),
        Err(reject) => return Ok(Err(reject)),
    };
    let key = key_of(original.source, id);
    let before = match task.get(&key)? {
        Some(bytes) => Some(Seen::decode(&bytes).map_err(|e| Fault::damaged(&task.name, &key, &e))?),
        None => None,
    };
    Ok(Seen::once(id, before, at).map(|()| Some(Used { key, seen })))
}

impl Used {
    /// From now on the id is used, until its time is over.
    pub fn keep<S: Store>(self, task: &mut Task<S>) {
        task.put(&self.key, |out| self.seen.encode(out));
        task.set_timer(self.seen.due().0, &self.key);
    }
}

/// The time of the id under `key` is over at `at`, unless it was used anew meanwhile.
pub fn forget<S: Store>(task: &mut Task<S>, key: &[u8], at: i64) -> Result<(), Fault> {
    let Some(bytes) = task.get(key)? else { return Ok(()) };
    let seen = Seen::decode(&bytes).map_err(|e| Fault::damaged(&task.name, key, &e))?;
    if seen.due().0 == at {
        task.delete(key);
    }
    Ok(())
}

/// Ids are the topic's own: producers of two topics need not know of each other.
fn key_of(source: Source, id: &str) -> Key {
    let mut key = Key::new();
    key.push(SIGNED);
    key.extend_from_slice(source.name().as_bytes());
    key.push(b'|');
    key.extend_from_slice(id.as_bytes());
    key
}
