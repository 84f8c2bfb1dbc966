//! A transactional producer beside the engine, as any other program on the cluster may have one: tests use it to hold
//! transactions open, to abort them and to be fenced.

use std::sync::Arc;

use super::MemoryBroker;
use super::broker::unknown;
use super::record::Packed;
use super::state::{Identity, Refused};
use crate::log::{HeaderRef, LogError};

/// One transactional producer. Dropped, it leaves its transaction open, as a crash does.
#[derive(Debug)]
pub struct MemoryProducer {
    broker: MemoryBroker,
    identity: Identity,
}

impl MemoryProducer {
    /// A producer under `transactional_id`; fences the one before it and aborts what that one left open.
    pub fn new(broker: &MemoryBroker, transactional_id: &str, timeout_ms: i64) -> MemoryProducer {
        let transactional_id: Arc<str> = transactional_id.into();
        let mut state = broker.lock();
        let identity = state.init_producer(&transactional_id, timeout_ms);
        broker.changed(&mut state);
        MemoryProducer { broker: broker.clone(), identity }
    }

    /// Appends a record to the transaction, which begins with its first record. Returns the offset.
    pub fn send(
        &mut self,
        topic: &str,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
    ) -> Result<i64, LogError> {
        let mut state = self.broker.lock();
        let slot = state.slot(topic, partition).ok_or_else(|| unknown(topic, partition))?;
        let producer = state.add_partition(&self.identity, slot).map_err(refused)?;
        let packed = Packed::one(key, value, headers, state.now);
        let offset = state.partitions[slot].append(Some(producer), packed);
        self.broker.changed(&mut state);
        Ok(offset)
    }

    /// Adds an offset of a group to the transaction, as a program that is no member of it may.
    pub fn send_offset(&mut self, group: &str, topic: &str, partition: i32, offset: i64) -> Result<(), LogError> {
        let mut state = self.broker.lock();
        let slot = state.slot(topic, partition).ok_or_else(|| unknown(topic, partition))?;
        state.add_offsets(&self.identity, group, None, &[(slot, offset)]).map_err(refused)
    }

    pub fn commit(&mut self) -> Result<(), LogError> {
        self.end(true)
    }

    pub fn abort(&mut self) -> Result<(), LogError> {
        self.end(false)
    }

    /// Sends the decision to commit so that it arrives after `after_ms`; whatever is open under this epoch then is
    /// committed.
    pub fn commit_late(&mut self, after_ms: i64) {
        self.broker.lock().end_later(&self.identity, after_ms);
    }

    fn end(&mut self, commit: bool) -> Result<(), LogError> {
        let mut state = self.broker.lock();
        state.end(&self.identity, commit).map_err(refused)?;
        self.broker.changed(&mut state);
        Ok(())
    }
}

pub(super) fn refused(refused: Refused) -> LogError {
    match refused {
        Refused::ProducerFenced => LogError::Fenced("a newer producer has this transactional id, or the transaction timed out".into()),
        Refused::InstanceFenced => LogError::Fenced("another member has this instance id".into()),
        Refused::Concurrent => LogError::Retry("a transaction is still being ended".into()),
        Refused::Stale => LogError::Retry("the group has moved on: not a member of its present generation".into()),
    }
}
