//! What the broker knows, behind one lock: partitions, transactional producers, groups, clients and what is due later.
//! Every access first settles what has become due, so that time acts the same whoever looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::faults::{Client, ClientId, Pace};
use super::groups::Group;
use super::partition::{Partition, ProducerId};

/// A partition's place in [`State::partitions`].
pub(super) type Slot = usize;

#[derive(Debug)]
pub(super) struct Topic {
    pub name: Arc<str>,
    pub first: Slot,
    pub partitions: i32,
}

/// Who a producer is to the broker; what carries an old epoch is fenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub transactional_id: Arc<str>,
    pub epoch: u32,
}

/// Why the broker refuses a transactional request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A newer producer has this transactional id, or the transaction timed out.
    ProducerFenced,
    /// The markers of the transaction before are still to be written: ask again.
    Concurrent,
    /// The member is no longer in the group, or of an older generation.
    Stale,
    /// Another member has the same instance id.
    InstanceFenced,
}

#[derive(Debug)]
struct Producer {
    id: ProducerId,
    epoch: u32,
    timeout_ms: i64,
    transaction: TransactionState,
}

#[derive(Debug, Default)]
enum TransactionState {
    #[default]
    None,
    Open {
        since: i64,
        slots: BTreeSet<Slot>,
        groups: BTreeSet<String>,
    },
    /// Decided; so many markers are still to be written.
    Ending {
        markers: usize,
    },
}

/// Where a marker goes.
#[derive(Clone, Debug)]
enum Target {
    Partition(Slot),
    Offsets(String),
}

#[derive(Debug)]
enum Due {
    Marker {
        transactional_id: Arc<str>,
        target: Target,
        commit: bool,
    },
    /// An `EndTxn` that was under way for long.
    End {
        identity: Identity,
    },
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// A manual clock's time; the wall clock's at the last look otherwise.
    pub now: i64,
    pub topics: Vec<Topic>,
    pub names: BTreeMap<String, usize>,
    pub partitions: Vec<Partition>,
    pub groups: BTreeMap<String, Group>,
    pub clients: BTreeMap<ClientId, Client>,
    pub pace: Pace,
    /// Threads that wait for a change.
    pub waiting: usize,
    producers: BTreeMap<Arc<str>, Producer>,
    due: BTreeMap<(i64, u64), Due>,
    scheduled: u64,
    /// No open transaction times out before this.
    timeouts_from: Option<i64>,
}

impl State {
    pub fn add_topic(&mut self, name: &str, partitions: i32) {
        let first = self.partitions.len();
        self.partitions.extend((0..partitions).map(|_| Partition::default()));
        self.names.insert(name.to_owned(), self.topics.len());
        self.topics.push(Topic { name: name.into(), first, partitions });
    }

    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.names.get(name).map(|i| &self.topics[*i])
    }

    pub fn slot(&self, topic: &str, partition: i32) -> Option<Slot> {
        let topic = self.topic(topic)?;
        (0..topic.partitions).contains(&partition).then(|| topic.first + partition as usize)
    }

    /// Stops a client's heartbeats, or lets them go on.
    pub fn silence(&mut self, id: ClientId, silent: bool) {
        let Some(client) = self.clients.get(&id) else { return };
        if let (Some(group), Some(member)) = (self.groups.get_mut(&client.group), &client.member) {
            group.set_silent(member, silent, self.now);
        }
    }

    // --- Time

    /// Lets happen what is due by `now`.
    pub fn settle(&mut self, now: i64) {
        self.now = self.now.max(now);
        while let Some(entry) = self.due.first_entry().filter(|e| e.key().0 <= self.now) {
            match entry.remove() {
                Due::Marker { transactional_id, target, commit } => self.write_marker(&transactional_id, &target, commit),
                // Whoever sent it no longer waits for an answer.
                Due::End { identity } => {
                    let _ = self.end(&identity, true);
                }
            }
        }
        if self.timeouts_from.is_some_and(|at| at <= self.now) {
            self.time_out_transactions();
        }
        let State { groups, topics, .. } = self;
        for group in groups.values_mut() {
            group.settle(self.now, topics);
        }
    }

    /// When something will happen by itself next, at the earliest.
    pub fn next_due(&self) -> Option<i64> {
        let groups = self.groups.values().filter_map(Group::next_due);
        self.due.keys().map(|k| k.0).take(1).chain(self.timeouts_from).chain(groups).min()
    }

    fn schedule(&mut self, at: i64, what: Due) {
        self.scheduled += 1;
        self.due.insert((at, self.scheduled), what);
    }

    // --- Transactions

    /// A new epoch for a transactional id: ends what the one before left open and fences it. Waits, as it were, for
    /// the markers of a transaction that is decided.
    pub fn init_producer(&mut self, transactional_id: &Arc<str>, timeout_ms: i64) -> Identity {
        let next_id = self.producers.len() as ProducerId + 1;
        let producer = self.producers.entry(transactional_id.clone()).or_insert_with(|| Producer {
            id: next_id,
            epoch: 0,
            timeout_ms,
            transaction: TransactionState::None,
        });
        producer.epoch += 1;
        producer.timeout_ms = timeout_ms;
        let identity = Identity { transactional_id: transactional_id.clone(), epoch: producer.epoch };
        if matches!(producer.transaction, TransactionState::Open { .. }) {
            self.decide(transactional_id, false, false);
        }
        self.write_markers_of(transactional_id);
        identity
    }

    /// Adds a partition to the transaction, which begins if need be.
    pub fn add_partition(&mut self, identity: &Identity, slot: Slot) -> Result<ProducerId, Refused> {
        self.open(identity, |slots, _| slots.insert(slot))
    }

    /// Adds a group's offsets to the transaction; they count when it is committed. Who is a member (id, instance id,
    /// generation) must still be one.
    pub fn add_offsets(
        &mut self,
        identity: &Identity,
        group: &str,
        member: Option<(&str, Option<&str>, u32)>,
        offsets: &[(Slot, i64)],
    ) -> Result<(), Refused> {
        let id = self.open(identity, |_, groups| groups.insert(group.to_owned()))?;
        let group = self.groups.entry(group.to_owned()).or_default();
        if let Some((member, instance, generation)) = member {
            group.check(member, instance, generation)?;
        }
        group.hold_offsets(id, offsets);
        Ok(())
    }

    /// Decides the transaction. The answer comes before the markers are written.
    pub fn end(&mut self, identity: &Identity, commit: bool) -> Result<(), Refused> {
        let producer = self.producer(identity)?;
        match producer.transaction {
            TransactionState::None => Ok(()),
            TransactionState::Ending { .. } => Err(Refused::Concurrent),
            TransactionState::Open { .. } => {
                let transactional_id = identity.transactional_id.clone();
                self.decide(&transactional_id, commit, true);
                Ok(())
            }
        }
    }

    /// Sends the decision to commit so that it arrives after `after_ms`.
    pub fn end_later(&mut self, identity: &Identity, after_ms: i64) {
        self.schedule(self.now + after_ms, Due::End { identity: identity.clone() });
    }

    fn producer(&mut self, identity: &Identity) -> Result<&mut Producer, Refused> {
        let producer = self.producers.get_mut(&identity.transactional_id);
        producer.filter(|p| p.epoch == identity.epoch).ok_or(Refused::ProducerFenced)
    }

    fn open(
        &mut self,
        identity: &Identity,
        add: impl FnOnce(&mut BTreeSet<Slot>, &mut BTreeSet<String>) -> bool,
    ) -> Result<ProducerId, Refused> {
        let now = self.now;
        let producer = self.producer(identity)?;
        let (id, timeout) = (producer.id, now + producer.timeout_ms);
        if matches!(producer.transaction, TransactionState::None) {
            producer.transaction = TransactionState::Open { since: now, slots: BTreeSet::new(), groups: BTreeSet::new() };
        }
        match &mut producer.transaction {
            TransactionState::Open { slots, groups, .. } => add(slots, groups),
            _ => return Err(Refused::Concurrent),
        };
        self.timeouts_from = Some(self.timeouts_from.map_or(timeout, |at| at.min(timeout)));
        Ok(id)
    }

    fn decide(&mut self, transactional_id: &Arc<str>, commit: bool, delayed: bool) {
        let Some(producer) = self.producers.get_mut(transactional_id) else { return };
        let TransactionState::Open { slots, groups, .. } = std::mem::take(&mut producer.transaction) else { return };
        let targets: Vec<_> = slots.into_iter().map(Target::Partition).chain(groups.into_iter().map(Target::Offsets)).collect();
        producer.transaction = TransactionState::Ending { markers: targets.len() };
        for target in targets {
            let delay = if delayed { self.pace.marker() } else { 0 };
            if delay > 0 {
                let transactional_id = transactional_id.clone();
                self.schedule(self.now + delay, Due::Marker { transactional_id, target, commit });
            } else {
                self.write_marker(transactional_id, &target, commit);
            }
        }
    }

    fn write_marker(&mut self, transactional_id: &str, target: &Target, commit: bool) {
        let Some(producer) = self.producers.get_mut(transactional_id) else { return };
        match target {
            Target::Partition(slot) => self.partitions[*slot].end_transaction(producer.id, commit),
            Target::Offsets(group) => {
                if let Some(group) = self.groups.get_mut(group) {
                    group.end_offsets(producer.id, commit);
                }
            }
        }
        if let TransactionState::Ending { markers } = &mut producer.transaction {
            *markers -= 1;
            if *markers == 0 {
                producer.transaction = TransactionState::None;
            }
        }
    }

    /// Writes now whatever markers of this producer are still to be written.
    fn write_markers_of(&mut self, id: &str) {
        let mine = |due: &Due| matches!(due, Due::Marker { transactional_id, .. } if &**transactional_id == id);
        let keys: Vec<_> = self.due.iter().filter(|(_, due)| mine(due)).map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(Due::Marker { target, commit, .. }) = self.due.remove(&key) {
                self.write_marker(id, &target, commit);
            }
        }
    }

    /// Aborts what has been open too long; its producer is fenced.
    fn time_out_transactions(&mut self) {
        let mut next = None;
        let mut expired = Vec::new();
        for (id, producer) in &mut self.producers {
            if let TransactionState::Open { since, .. } = producer.transaction {
                let at = since + producer.timeout_ms;
                if at <= self.now {
                    producer.epoch += 1;
                    expired.push(id.clone());
                } else {
                    next = Some(next.map_or(at, |n: i64| n.min(at)));
                }
            }
        }
        self.timeouts_from = next;
        for id in expired {
            self.decide(&id, false, false);
        }
    }
}
