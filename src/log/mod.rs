//! The log, as the engine needs it: group membership, reading, transactions, changelog reading. Two implementations:
//! Kafka (`kafka/`) and a model of it in memory (`memory/`); one conformance suite holds both to the same behaviour.
//!
//! Nothing here knows what a record means. A log handle belongs to one worker and is used from one thread.

#[cfg(feature = "kafka")]
pub mod kafka;
pub mod memory;
mod records;
mod topics;

use std::time::Duration;

pub use records::{Constants, HeaderRef, RecordRef, Records};
pub use topics::{TopicId, Topics, Tp};

/// What a poll brings, in the order in which it happened.
#[derive(Debug)]
pub enum Event<M> {
    Record(M),
    /// Everything committed in this partition has been delivered up to `next`, the offset read next. Said once each
    /// time the end is reached.
    End {
        tp: Tp,
        next: i64,
    },
    /// The group gave these partitions to this member (all of them, not a difference). Nothing is read from them
    /// until [`Log::assign`] is called.
    Assigned(Vec<Tp>),
    /// The group takes all partitions back; this member still owns them until it calls [`Log::unassign`], so it may
    /// commit first.
    Revoked,
    /// The partitions are already somebody else's: what is not committed must be thrown away.
    Lost,
}

/// A record read from the log. Owned: it may be kept while the log is used.
pub trait Message {
    fn tp(&self) -> Tp;
    fn offset(&self) -> i64;
    /// Milliseconds since the epoch; -1 where the record has none.
    fn timestamp(&self) -> i64;
    fn key(&self) -> Option<&[u8]>;
    fn value(&self) -> Option<&[u8]>;
    /// In their order; a header's value may be null.
    fn headers(&self) -> Vec<HeaderRef<'_>>;
}

/// One transaction: records and the offsets of what they follow from, all or nothing.
#[derive(Debug, Default)]
pub struct Transaction {
    pub records: Records,
    /// Next offset to read, per source partition. Every partition whose task is touched has one, changed or not: a
    /// new owner's offset fetch then waits for this transaction to end.
    pub offsets: Vec<(Tp, i64)>,
}

impl Transaction {
    /// With room for so many bytes of records: to grow to that by doubling would copy them, and take three times the room.
    pub fn with_room(bytes: usize) -> Transaction {
        Transaction { records: Records::with_room(bytes), offsets: vec![] }
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.offsets.is_empty()
    }

    pub fn clear(&mut self) {
        self.records.clear();
        self.offsets.clear();
    }
}

/// How a transaction ended.
#[derive(Debug)]
pub enum Commit {
    /// It is committed. `ends`: for each partition written, the offset after the last record.
    Done { transaction: Transaction, ends: Vec<(Tp, i64)>, took: Duration },
    /// It is aborted, or nobody knows. [`Log::recover`] settles it; nothing of it may be applied before.
    Failed { error: LogError },
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another client has this slot's identity; this one must not go on.
    #[error("fenced: {0}")]
    Fenced(String),
    /// The group, broker or network is not there just now; recovering and trying again is right.
    #[error("{0}")]
    Retry(String),
    /// Trying again cannot help; the message says what to do.
    #[error("{0}")]
    Fatal(String),
}

/// A worker's hold on the log: one group member and one transactional producer.
pub trait Log {
    type Message: Message;
    type Reader: Reader + Send + 'static;

    /// Waits up to `wait` for something, then takes at most `most` events that are there. A running commit that ends
    /// cuts the wait short.
    fn poll(&mut self, wait: Duration, most: usize, events: &mut Vec<Event<Self::Message>>) -> Result<(), LogError>;

    /// Starts to read the partitions given by [`Event::Assigned`] at their committed offsets (stable ones: a
    /// transaction that holds offsets of them has ended), or at their beginning. `paused` ones deliver nothing until
    /// resumed. Returns where each starts.
    fn assign(&mut self, partitions: &[Tp], paused: &[Tp]) -> Result<Vec<(Tp, i64)>, LogError>;

    /// Gives the partitions back after [`Event::Revoked`] or [`Event::Lost`].
    fn unassign(&mut self) -> Result<(), LogError>;

    /// Delivers nothing from these partitions until they are resumed; then it goes on after the last record that was
    /// delivered.
    fn pause(&mut self, partitions: &[Tp]) -> Result<(), LogError>;

    fn resume(&mut self, partitions: &[Tp]) -> Result<(), LogError>;

    /// Starts to commit; only one commit runs at a time.
    fn commit(&mut self, transaction: Transaction);

    /// The running commit's end, if it has ended.
    fn committed(&mut self) -> Option<Commit>;

    /// After a failed commit: a new producer under the same identity, which ends whatever the old one left open, and
    /// reading again from the committed offsets. Returns where each assigned partition starts.
    fn recover(&mut self) -> Result<Vec<(Tp, i64)>, LogError>;

    /// The offset after the last record of each partition, committed or not. Reading up to there is to have read
    /// everything that a transaction that has ended by now has written.
    fn ends(&mut self, partitions: &[Tp]) -> Result<Vec<i64>, LogError>;

    /// Offsets the group has committed, by whichever member; `None` where it has none. One that a transaction has just
    /// committed may not be seen yet.
    fn group_offsets(&mut self, partitions: &[Tp]) -> Result<Vec<Option<i64>>, LogError>;

    /// The partition's end as far as this member has heard, for the lag; no request is made.
    fn known_end(&self, tp: Tp) -> Option<i64>;

    /// Reads one partition's committed records from an offset to its present end, outside the group.
    fn reader(&self, tp: Tp, from: i64) -> Result<Self::Reader, LogError>;

    /// Leaves: aborts an open transaction. The group keeps a static member's place for its session timeout.
    fn close(&mut self);
}

/// Reads one partition to the end that it had when the reader was made, transactions then open included.
pub trait Reader {
    /// Where it stands; nothing is read.
    fn progress(&self) -> Progress;

    /// Hands the next records (offset, key, value) to `each`. A record without a key is skipped.
    fn next(&mut self, each: &mut dyn FnMut(i64, &[u8], Option<&[u8]>)) -> Result<Progress, LogError>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The offset read next.
    pub position: i64,
    /// The offset to reach.
    pub end: i64,
    /// The first offset that the log still has.
    pub start: i64,
}

impl Progress {
    pub fn is_complete(&self) -> bool {
        self.position >= self.end
    }
}
