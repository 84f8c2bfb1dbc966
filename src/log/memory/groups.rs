//! A consumer group as Kafka's classic protocol with the eager range assignor runs it: everyone gives everything back,
//! joins again, and gets contiguous ranges per topic. A static member that returns takes its place without a
//! rebalance. Also the group's offsets, those held by open transactions included.

use std::collections::BTreeMap;

use super::faults::ClientId;
use super::partition::ProducerId;
use super::state::{Refused, Slot, Topic};

#[derive(Debug)]
pub(super) struct Member {
    pub instance: Option<String>,
    /// Subscribed topics, by their index.
    pub topics: Vec<usize>,
    pub session_timeout_ms: i64,
    pub max_poll_interval_ms: i64,
    /// Has joined the generation that is being formed.
    joined: bool,
    assignment: Vec<Slot>,
    last_poll: i64,
    /// Its heartbeats stopped then: it crashed or stands still.
    silent_since: Option<i64>,
}

/// What a member sees of its group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum View {
    /// The group does not know the member (any more).
    Unknown,
    /// Another member has its instance id.
    Fenced,
    /// The group waits for it to give its partitions back and join again.
    Rejoin,
    /// It has joined and the group waits for others.
    Waiting,
    Stable {
        generation: u32,
    },
}

#[derive(Debug, Default)]
pub(super) struct Group {
    generation: u32,
    /// Since when a new generation is being formed.
    forming: Option<i64>,
    members: BTreeMap<String, Member>,
    instances: BTreeMap<String, String>,
    next_member: u64,
    /// The assignor begins with another member: test control.
    pub rotate: usize,
    offsets: BTreeMap<Slot, i64>,
    /// Offsets in transactions that have not ended.
    held: BTreeMap<ProducerId, BTreeMap<Slot, i64>>,
    /// No member expires before this.
    expiry_from: Option<i64>,
}

/// What a client brings when it joins.
pub(super) struct Join<'a> {
    pub client: ClientId,
    pub member: Option<&'a str>,
    pub instance: Option<&'a str>,
    pub topics: &'a [usize],
    pub session_timeout_ms: i64,
    pub max_poll_interval_ms: i64,
}

impl Member {
    /// When its session ends if nothing more is heard of it.
    fn expires(&self) -> i64 {
        let too_slow = self.last_poll + self.max_poll_interval_ms;
        self.silent_since.map_or(too_slow, |at| at.min(too_slow)) + self.session_timeout_ms
    }
}

impl Group {
    // --- Members

    /// Joins, or joins again after giving partitions back. Returns the member's id.
    pub fn join(&mut self, now: i64, join: &Join<'_>, topics: &[Topic]) -> String {
        if let Some(id) = join.member.filter(|id| self.members.contains_key(*id)) {
            self.rebalance(now);
            let member = self.members.get_mut(id).expect("it was there just now");
            member.joined = true;
            member.last_poll = now;
            self.try_form(topics);
            return id.to_owned();
        }
        self.next_member += 1;
        let id = match join.instance {
            Some(instance) => format!("{instance}-{:06}", self.next_member),
            None => format!("client-{:06}-{:06}", join.client.0, self.next_member),
        };
        let before = join.instance.and_then(|instance| self.instances.insert(instance.to_owned(), id.clone()));
        let before = before.and_then(|old| self.members.remove(&old));
        if before.as_ref().is_none_or(|b| b.topics != join.topics) {
            self.rebalance(now);
        }
        let member = Member {
            instance: join.instance.map(str::to_owned),
            topics: join.topics.to_vec(),
            session_timeout_ms: join.session_timeout_ms,
            max_poll_interval_ms: join.max_poll_interval_ms,
            joined: true,
            assignment: before.map(|b| b.assignment).unwrap_or_default(),
            last_poll: now,
            silent_since: None,
        };
        self.expect_expiry(member.expires());
        self.members.insert(id.clone(), member);
        self.try_form(topics);
        id
    }

    pub fn leave(&mut self, now: i64, id: &str, topics: &[Topic]) {
        if self.remove(id) {
            self.rebalance(now);
            self.try_form(topics);
        }
    }

    /// Asks every member to join again.
    pub fn rebalance(&mut self, now: i64) {
        if self.forming.is_none() {
            self.forming = Some(now);
            for member in self.members.values_mut() {
                member.joined = false;
            }
        }
    }

    pub fn view(&self, id: &str, instance: Option<&str>) -> View {
        let Some(member) = self.members.get(id) else {
            let taken = instance.and_then(|i| self.instances.get(i)).is_some_and(|other| other != id);
            return if taken { View::Fenced } else { View::Unknown };
        };
        match (self.forming, member.joined) {
            (Some(_), false) => View::Rejoin,
            (Some(_), true) => View::Waiting,
            (None, _) => View::Stable { generation: self.generation },
        }
    }

    pub fn assignment(&self, id: &str) -> &[Slot] {
        self.members.get(id).map(|m| &m.assignment[..]).unwrap_or_default()
    }

    pub fn polled(&mut self, id: &str, now: i64) {
        if let Some(member) = self.members.get_mut(id) {
            member.last_poll = now;
        }
    }

    /// Stops the member's heartbeats, or lets them go on.
    pub fn set_silent(&mut self, id: &str, silent: bool, now: i64) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.silent_since = silent.then_some(member.silent_since.unwrap_or(now));
        let expires = member.expires();
        self.expect_expiry(expires);
    }

    /// Ids of the members, in the assignor's order.
    pub fn members(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    // --- Time

    pub fn next_due(&self) -> Option<i64> {
        let forming = self.forming.map(|since| since + self.join_timeout());
        self.expiry_from.into_iter().chain(forming).min()
    }

    /// Takes members out whose sessions have ended, and no longer waits for those that do not join.
    pub fn settle(&mut self, now: i64, topics: &[Topic]) {
        if self.expiry_from.is_some_and(|at| at <= now) {
            let expired: Vec<_> = self.members.iter().filter(|(_, m)| m.expires() <= now).map(|(id, _)| id.clone()).collect();
            for id in &expired {
                self.leave(now, id, topics);
            }
            self.expiry_from = self.members.values().map(Member::expires).min();
        }
        if self.forming.is_some_and(|since| since + self.join_timeout() <= now) {
            // As Kafka does: a dynamic member that did not come is out, a static one keeps its place until its
            // session ends.
            let late = |m: &Member| !m.joined && m.instance.is_none();
            let late: Vec<_> = self.members.iter().filter(|(_, m)| late(m)).map(|(id, _)| id.clone()).collect();
            for id in &late {
                self.remove(id);
            }
            self.form(topics);
        }
    }

    fn join_timeout(&self) -> i64 {
        self.members.values().map(|m| m.max_poll_interval_ms).max().unwrap_or(0)
    }

    fn expect_expiry(&mut self, at: i64) {
        self.expiry_from = Some(self.expiry_from.map_or(at, |e| e.min(at)));
    }

    fn remove(&mut self, id: &str) -> bool {
        let Some(member) = self.members.remove(id) else { return false };
        if let Some(instance) = member.instance
            && self.instances.get(&instance).is_some_and(|current| current == id)
        {
            self.instances.remove(&instance);
        }
        true
    }

    fn try_form(&mut self, topics: &[Topic]) {
        if self.forming.is_some() && self.members.values().all(|m| m.joined) {
            self.form(topics);
        }
    }

    /// Begins the new generation: the range assignor over the members in the order of their ids.
    fn form(&mut self, topics: &[Topic]) {
        self.forming = None;
        self.generation += 1;
        for member in self.members.values_mut() {
            member.assignment.clear();
        }
        for (index, topic) in topics.iter().enumerate() {
            let mut takers: Vec<_> = self.members.values_mut().filter(|m| m.topics.contains(&index)).collect();
            if takers.is_empty() {
                continue;
            }
            let count = takers.len();
            takers.rotate_left(self.rotate % count);
            let (each, extra) = (topic.partitions as usize / count, topic.partitions as usize % count);
            let mut next = topic.first;
            for (i, member) in takers.iter_mut().enumerate() {
                let take = each + usize::from(i < extra);
                member.assignment.extend(next..next + take);
                next += take;
            }
        }
    }

    // --- Offsets

    /// Whether offsets may be committed by this member of this generation.
    pub fn check(&self, id: &str, instance: Option<&str>, generation: u32) -> Result<(), Refused> {
        match self.view(id, instance) {
            View::Fenced => Err(Refused::InstanceFenced),
            View::Unknown => Err(Refused::Stale),
            _ if generation != self.generation => Err(Refused::Stale),
            _ => Ok(()),
        }
    }

    pub fn hold_offsets(&mut self, producer: ProducerId, offsets: &[(Slot, i64)]) {
        self.held.entry(producer).or_default().extend(offsets.iter().copied());
    }

    pub fn end_offsets(&mut self, producer: ProducerId, commit: bool) {
        let held = self.held.remove(&producer).unwrap_or_default();
        if commit {
            self.offsets.extend(held);
        }
    }

    /// The committed offset, whatever open transactions hold.
    pub fn offset(&self, slot: Slot) -> Option<i64> {
        self.offsets.get(&slot).copied()
    }

    /// The committed offset, once no open transaction holds one for this partition.
    pub fn stable_offset(&self, slot: Slot) -> Result<Option<i64>, Refused> {
        if self.held.values().any(|held| held.contains_key(&slot)) {
            return Err(Refused::Concurrent);
        }
        Ok(self.offsets.get(&slot).copied())
    }
}
