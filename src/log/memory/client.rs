//! The engine's hold on the model: one group member and one transactional producer, as [`Log`] wants them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::MemoryBroker;
use super::commit::{Committer, Running};
use super::faults::{Client, ClientId, crashed};
use super::groups::View;
use super::membership::Membership;
use super::producer::refused;
use super::reader::MemoryReader;
use super::reading::Reading;
use super::record::{MemoryMessage, Packed};
use super::state::{Identity, Refused, Slot, State};
use crate::log::{Commit, Event, Log, LogError, TopicId, Topics, Tp, Transaction};

/// Who a client is and what it reads. Times in milliseconds of the broker's clock.
#[derive(Clone, Debug)]
pub struct MemoryConfig {
    pub group: String,
    /// The static member's name; a dynamic member has none.
    pub instance_id: Option<String>,
    pub transactional_id: String,
    /// All topics, with as many partitions as they have on the broker.
    pub topics: Topics,
    pub subscribe: Vec<TopicId>,
    pub session_timeout_ms: i64,
    pub max_poll_interval_ms: i64,
    pub transaction_timeout_ms: i64,
}

impl MemoryConfig {
    /// A configuration with Kafka's default times.
    pub fn new(group: &str, transactional_id: &str, topics: Topics, subscribe: Vec<TopicId>) -> MemoryConfig {
        MemoryConfig {
            group: group.to_owned(),
            instance_id: None,
            transactional_id: transactional_id.to_owned(),
            topics,
            subscribe,
            session_timeout_ms: 45_000,
            max_poll_interval_ms: 300_000,
            transaction_timeout_ms: 60_000,
        }
    }
}

/// A client of a [`MemoryBroker`]. Dropped without [`Log::close`] it is gone as after a crash: its place in the group
/// and its open transaction stay until their timeouts.
#[derive(Debug)]
pub struct MemoryLog {
    pub(super) broker: MemoryBroker,
    pub(super) id: ClientId,
    pub(super) config: MemoryConfig,
    /// The first slot of each topic.
    pub(super) slots: Vec<Slot>,
    /// Subscribed topics by the broker's index.
    pub(super) subscribed: Vec<usize>,
    pub(super) transactional_id: Arc<str>,
    pub(super) producer: Identity,
    pub(super) membership: Membership,
    pub(super) member: String,
    pub(super) generation: u32,
    pub(super) reading: Vec<Reading>,
    /// The partition that the next poll begins with.
    pub(super) turn: usize,
    pub(super) commit: Committing,
    pub(super) closed: bool,
}

#[derive(Debug)]
pub(super) enum Committing {
    No,
    Running(Box<Running>),
    Ended(Commit),
    /// A commit has failed: nothing goes before [`Log::recover`].
    Broken,
}

impl MemoryLog {
    /// Joins nothing yet: the group hears of it with the first poll. Its producer fences the one before it.
    pub fn new(broker: &MemoryBroker, config: MemoryConfig) -> Result<MemoryLog, LogError> {
        let transactional_id: Arc<str> = config.transactional_id.as_str().into();
        let mut state = broker.lock();
        let mut slots = Vec::new();
        for id in config.topics.ids() {
            let (name, partitions) = (config.topics.name(id), config.topics.partitions(id));
            match state.topic(name) {
                Some(topic) if topic.partitions == partitions => slots.push(topic.first),
                Some(topic) => {
                    let there = topic.partitions;
                    return Err(LogError::Fatal(format!("topic {name} has {there} partitions, not {partitions}")));
                }
                None => return Err(LogError::Fatal(format!("topic {name} does not exist"))),
            }
        }
        let subscribed = config.subscribe.iter().filter_map(|id| state.names.get(config.topics.name(*id)).copied());
        let mut subscribed: Vec<_> = subscribed.collect();
        subscribed.sort_unstable();
        let id = ClientId(state.clients.len() as u64 + 1);
        state.clients.insert(id, Client { group: config.group.clone(), ..Client::default() });
        state.groups.entry(config.group.clone()).or_default();
        let producer = state.init_producer(&transactional_id, config.transaction_timeout_ms);
        broker.changed(&mut state);
        drop(state);
        Ok(MemoryLog {
            broker: broker.clone(),
            id,
            config,
            slots,
            subscribed,
            transactional_id,
            producer,
            membership: Membership::Outside,
            member: String::new(),
            generation: 0,
            reading: Vec::new(),
            turn: 0,
            commit: Committing::No,
            closed: false,
        })
    }

    /// For [`super::Faults`].
    pub fn client(&self) -> ClientId {
        self.id
    }

    /// Whether a fault has killed this client; every call on it fails.
    pub fn is_crashed(&self) -> bool {
        self.broker.faults().is_crashed(self.id)
    }

    pub(super) fn slot(&self, tp: Tp) -> Slot {
        self.slots[usize::from(tp.topic.0)] + tp.partition as usize
    }

    pub(super) fn tp(&self, slot: Slot) -> Option<Tp> {
        self.config.subscribe.iter().find_map(|topic| {
            let partition = slot.checked_sub(self.slots[usize::from(topic.0)])? as i32;
            (partition < self.config.topics.partitions(*topic)).then(|| Tp::new(*topic, partition))
        })
    }

    pub(super) fn check(&self, state: &State) -> Result<(), LogError> {
        if state.clients.get(&self.id).is_none_or(|c| c.crashed) {
            return Err(crashed());
        }
        if self.closed {
            return Err(LogError::Fatal("the log is closed".into()));
        }
        if self.membership == Membership::Fenced {
            return Err(refused(Refused::InstanceFenced));
        }
        Ok(())
    }

    /// As [`MemoryLog::check`], for calls that faults may fail.
    pub(super) fn check_call(&self, state: &mut State) -> Result<(), LogError> {
        self.check(state)?;
        match state.clients.get_mut(&self.id) {
            Some(client) if client.failing_calls > 0 => {
                client.failing_calls -= 1;
                Err(LogError::Retry("simulated: the broker did not answer".into()))
            }
            _ => Ok(()),
        }
    }

    fn advance_commit(&mut self, state: &mut State) {
        match std::mem::replace(&mut self.commit, Committing::No) {
            Committing::Running(running) => {
                self.commit = match running.advance(state, self.broker.is_manual()) {
                    Ok(commit) => Committing::Ended(commit),
                    Err(running) => Committing::Running(running),
                };
                self.broker.changed(state);
            }
            other => self.commit = other,
        }
    }
}

impl Log for MemoryLog {
    type Message = MemoryMessage;
    type Reader = MemoryReader;

    fn poll(&mut self, wait: Duration, most: usize, events: &mut Vec<Event<MemoryMessage>>) -> Result<(), LogError> {
        let deadline = Instant::now() + wait;
        let before = events.len();
        let broker = self.broker.clone();
        let mut state = broker.lock();
        loop {
            self.check(&state)?;
            if let Some(client) = state.clients.get_mut(&self.id).filter(|c| c.failing_polls > 0) {
                client.failing_polls -= 1;
                return Err(LogError::Retry("simulated: the broker is not there".into()));
            }
            self.follow_group(&mut state, events)?;
            self.advance_commit(&mut state);
            let room = most.saturating_sub(events.len() - before);
            self.read(&state, room, events);
            if events.len() > before || matches!(self.commit, Committing::Ended(_)) {
                return Ok(());
            }
            let deadline = match &self.commit {
                Committing::Running(running) if running.due() > state.now => {
                    deadline.min(Instant::now() + Duration::from_millis((running.due() - state.now) as u64))
                }
                _ => deadline,
            };
            let (next, waited) = broker.wait(state, deadline);
            if !waited {
                return Ok(());
            }
            state = next;
        }
    }

    fn assign(&mut self, partitions: &[Tp], paused: &[Tp]) -> Result<Vec<(Tp, i64)>, LogError> {
        let starts = self.starts(partitions)?;
        let reading = starts.iter().map(|(tp, position)| Reading {
            tp: *tp,
            slot: self.slot(*tp),
            position: *position,
            paused: paused.contains(tp),
            said_end: -1,
        });
        self.reading = reading.collect();
        Ok(starts)
    }

    fn unassign(&mut self) -> Result<(), LogError> {
        let broker = self.broker.clone();
        let mut state = broker.lock();
        self.check(&state)?;
        self.reading.clear();
        match self.membership {
            Membership::GivingBack => self.join(&mut state, true),
            Membership::Lost => self.membership = Membership::Outside,
            _ => {}
        }
        broker.changed(&mut state);
        Ok(())
    }

    fn pause(&mut self, partitions: &[Tp]) -> Result<(), LogError> {
        self.check_call(&mut self.broker.lock())?;
        for reading in self.reading.iter_mut().filter(|r| partitions.contains(&r.tp)) {
            reading.paused = true;
        }
        Ok(())
    }

    fn resume(&mut self, partitions: &[Tp]) -> Result<(), LogError> {
        self.check_call(&mut self.broker.lock())?;
        for reading in self.reading.iter_mut().filter(|r| partitions.contains(&r.tp)) {
            reading.paused = false;
        }
        Ok(())
    }

    fn commit(&mut self, transaction: Transaction) {
        let broker = self.broker.clone();
        match self.commit {
            Committing::No => {}
            Committing::Broken => {
                let error = LogError::Retry("a commit has failed: recover first".into());
                self.commit = Committing::Ended(Commit::Failed { error });
                return;
            }
            Committing::Running(_) | Committing::Ended(_) => {
                let error = LogError::Fatal("a commit while another one runs".into());
                self.commit = Committing::Ended(Commit::Failed { error });
                return;
            }
        }
        // Packed before the lock is taken: this is the work, and others need not wait for it.
        let packed = Packed::all(&transaction.records, broker.now());
        let records = packed.into_iter().map(|(tp, packed)| (tp, self.slot(tp), packed)).collect();
        let offsets = transaction.offsets.iter().map(|(tp, offset)| (self.slot(*tp), *offset)).collect();
        let by = Committer {
            client: self.id,
            identity: self.producer.clone(),
            group: self.config.group.clone(),
            member: self.member.clone(),
            instance: self.config.instance_id.clone(),
            generation: self.generation,
        };
        let mut running = Box::new(Running::new(by, transaction, records, offsets));
        let mut state = broker.lock();
        match self.check(&state) {
            Ok(()) => {
                running.begin(&mut state);
                self.commit = Committing::Running(running);
                self.advance_commit(&mut state);
            }
            Err(error) => self.commit = Committing::Ended(Commit::Failed { error }),
        }
    }

    fn committed(&mut self) -> Option<Commit> {
        let broker = self.broker.clone();
        self.advance_commit(&mut broker.lock());
        match std::mem::replace(&mut self.commit, Committing::No) {
            Committing::Ended(commit) => {
                if matches!(commit, Commit::Failed { .. }) {
                    self.commit = Committing::Broken;
                }
                Some(commit)
            }
            other => {
                self.commit = other;
                None
            }
        }
    }

    fn recover(&mut self) -> Result<Vec<(Tp, i64)>, LogError> {
        let broker = self.broker.clone();
        let mut state = broker.lock();
        // A fenced member must not fence its successor's producer in its turn; its heartbeats would have told it.
        let group = state.groups.get(&self.config.group);
        let has_joined = self.membership != Membership::Outside;
        if has_joined && group.is_some_and(|g| g.view(&self.member, self.config.instance_id.as_deref()) == View::Fenced) {
            self.membership = Membership::Fenced;
        }
        self.check_call(&mut state)?;
        self.producer = state.init_producer(&self.transactional_id, self.config.transaction_timeout_ms);
        self.commit = Committing::Broken;
        broker.changed(&mut state);
        drop(state);
        let partitions: Vec<_> = self.reading.iter().map(|r| r.tp).collect();
        let starts = self.starts(&partitions)?;
        for (reading, (_, position)) in self.reading.iter_mut().zip(&starts) {
            reading.position = *position;
            reading.said_end = -1;
        }
        self.commit = Committing::No;
        Ok(starts)
    }

    fn ends(&mut self, partitions: &[Tp]) -> Result<Vec<i64>, LogError> {
        let mut state = self.broker.lock();
        self.check_call(&mut state)?;
        Ok(partitions.iter().map(|tp| state.partitions[self.slot(*tp)].end()).collect())
    }

    fn group_offsets(&mut self, partitions: &[Tp]) -> Result<Vec<Option<i64>>, LogError> {
        self.stable_offsets(partitions)
    }

    fn known_end(&self, tp: Tp) -> Option<i64> {
        Some(self.broker.lock().partitions[self.slot(tp)].end())
    }

    fn reader(&self, tp: Tp, from: i64) -> Result<MemoryReader, LogError> {
        self.check_call(&mut self.broker.lock())?;
        Ok(MemoryReader::new(&self.broker, self.id, self.slot(tp), from))
    }

    fn close(&mut self) {
        let broker = self.broker.clone();
        let mut state = broker.lock();
        let dead = state.clients.get(&self.id).is_none_or(|c| c.crashed);
        if dead || self.closed {
            return;
        }
        self.closed = true;
        self.reading.clear();
        self.commit = Committing::No;
        // A fenced producer has nothing open; one whose last transaction is being ended need not wait for it.
        let _ = state.end(&self.producer, false);
        if self.config.instance_id.is_none() && self.membership != Membership::Outside {
            let State { groups, topics, now, .. } = &mut *state;
            if let Some(group) = groups.get_mut(&self.config.group) {
                group.leave(*now, &self.member, topics);
            }
        }
        state.silence(self.id, true);
        broker.changed(&mut state);
    }
}

impl Drop for MemoryLog {
    fn drop(&mut self) {
        self.broker.lock().silence(self.id, true);
    }
}
