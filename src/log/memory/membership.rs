//! A client's side of its group: joining, being given partitions, giving them back, losing them.

use super::client::MemoryLog;
use super::groups::{Join, View};
use super::record::MemoryMessage;
use super::state::State;
use crate::log::{Event, LogError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    Outside,
    /// Joined; the group has not said what to read.
    Joining,
    /// Owns its partitions.
    Member,
    /// Was told to give them back, and has not yet.
    GivingBack,
    /// They were taken.
    Lost,
    /// Another member has its instance id.
    Fenced,
}

impl MemoryLog {
    /// Sees what the group wants of this member and tells it as events.
    pub(super) fn follow_group(&mut self, state: &mut State, events: &mut Vec<Event<MemoryMessage>>) -> Result<(), LogError> {
        if self.membership == Membership::Outside && !self.subscribed.is_empty() {
            self.join(state, false);
        }
        if matches!(self.membership, Membership::Outside | Membership::Lost) {
            return Ok(());
        }
        let now = state.now;
        let Some(group) = state.groups.get_mut(&self.config.group) else { return Ok(()) };
        let silent = state.clients.get(&self.id).is_some_and(|c| c.paused);
        if !silent {
            group.polled(&self.member, now);
        }
        match (self.membership, group.view(&self.member, self.config.instance_id.as_deref())) {
            (_, View::Fenced) => {
                self.membership = Membership::Fenced;
                self.reading.clear();
                self.check(state)?;
            }
            (Membership::Joining, View::Unknown) => self.join(state, false),
            (Membership::Joining, View::Rejoin) => self.join(state, true),
            (Membership::Joining, View::Stable { generation }) => {
                self.generation = generation;
                self.membership = Membership::Member;
                let slots = group.assignment(&self.member).to_vec();
                let mut tps: Vec<_> = slots.into_iter().filter_map(|slot| self.tp(slot)).collect();
                tps.sort_unstable();
                events.push(Event::Assigned(tps));
            }
            (Membership::Member, View::Rejoin) => {
                self.membership = Membership::GivingBack;
                events.push(Event::Revoked);
            }
            (Membership::Member | Membership::GivingBack, view) if self.is_out(&view) => {
                self.membership = Membership::Lost;
                self.reading.clear();
                events.push(Event::Lost);
            }
            _ => {}
        }
        Ok(())
    }

    fn is_out(&self, view: &View) -> bool {
        match view {
            View::Unknown => true,
            View::Stable { generation } => *generation != self.generation,
            _ => false,
        }
    }

    pub(super) fn join(&mut self, state: &mut State, again: bool) {
        let State { groups, topics, clients, now, .. } = state;
        let join = Join {
            client: self.id,
            member: again.then_some(self.member.as_str()),
            instance: self.config.instance_id.as_deref(),
            topics: &self.subscribed,
            session_timeout_ms: self.config.session_timeout_ms,
            max_poll_interval_ms: self.config.max_poll_interval_ms,
        };
        let id = groups.entry(self.config.group.clone()).or_default().join(*now, &join, topics);
        if let Some(client) = clients.get_mut(&self.id) {
            client.member = Some(id.clone());
        }
        self.member = id;
        self.membership = Membership::Joining;
    }
}
