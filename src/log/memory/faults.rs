//! What tests and the simulation may do to a client, a group or the broker. Always compiled, so that the model that
//! the demo runs is the one that was tested; without a call here nothing ever goes wrong.

use std::collections::BTreeMap;
use std::fmt;

use super::MemoryBroker;
use crate::log::LogError;

/// One [`super::MemoryLog`]; a new one under the same identity has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// A place in a commit, which goes: offsets, records, end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    BeforeOffsets,
    AfterOffsets,
    /// Half of the records are in the log.
    HalfProduced,
    BeforeEnd,
    /// The broker has decided the transaction; the client has not heard.
    AfterEnd,
}

/// What happens to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// The process dies there.
    Crash(At),
    /// The connection does: the client gets an error that a retry may cure, and the transaction is left as it is.
    /// With [`At::AfterEnd`] it is in truth committed.
    Fail(At),
    /// The request to end the transaction is under way for so long (ms); the client gives up at once.
    EndLate(i64),
    /// The process stands still there, heartbeats too, until [`Faults::resume`].
    Stall(At),
}

/// What takes its time; see [`Faults::pace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// From one step of a commit to the next.
    CommitStep,
    /// From the decision over a transaction to its marker in one partition, or in the group's offsets.
    Marker,
}

/// What the broker remembers of a client, for tests.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub group: String,
    pub member: Option<String>,
    pub crashed: bool,
    pub paused: bool,
    pub next_commit: Option<CommitFault>,
    pub failing_polls: u32,
    pub failing_calls: u32,
}

type PaceFn = Box<dyn FnMut(Delay) -> i64 + Send>;

#[derive(Default)]
pub(super) struct Pace(Option<PaceFn>);

impl Pace {
    pub fn marker(&mut self) -> i64 {
        self.0.as_mut().map_or(0, |pace| pace(Delay::Marker))
    }

    pub fn commit_step(&mut self) -> i64 {
        self.0.as_mut().map_or(0, |pace| pace(Delay::CommitStep))
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Pace(set)" } else { "Pace(none)" })
    }
}

/// The error that every call on a crashed client returns; see [`super::MemoryLog::is_crashed`].
pub(super) fn crashed() -> LogError {
    LogError::Fatal("simulated crash".into())
}

/// Fault control over a broker and its clients.
#[derive(Debug)]
pub struct Faults<'a> {
    pub(super) broker: &'a MemoryBroker,
}

impl Faults<'_> {
    /// The client's next commit meets this.
    pub fn next_commit(&self, client: ClientId, fault: CommitFault) {
        self.client(client, |c| c.next_commit = Some(fault));
    }

    /// The process dies now: its heartbeats stop, its transaction stays open, every call on it fails from now on.
    pub fn crash(&self, client: ClientId) {
        self.client(client, |c| c.crashed = true);
        self.silence(client, true);
    }

    pub fn is_crashed(&self, client: ClientId) -> bool {
        self.broker.lock().clients.get(&client).is_some_and(|c| c.crashed)
    }

    /// The process stands still: no heartbeats, and a running commit does not go on. Whoever drives it must not call
    /// it meanwhile. After [`Faults::resume`] it knows nothing of what it slept through: a zombie.
    pub fn pause(&self, client: ClientId) {
        self.client(client, |c| c.paused = true);
        self.silence(client, true);
    }

    pub fn resume(&self, client: ClientId) {
        self.client(client, |c| c.paused = false);
        self.silence(client, false);
    }

    pub fn is_paused(&self, client: ClientId) -> bool {
        self.broker.lock().clients.get(&client).is_some_and(|c| c.paused)
    }

    /// The next polls fail in a way that a retry cures.
    pub fn fail_polls(&self, client: ClientId, count: u32) {
        self.client(client, |c| c.failing_polls = count);
    }

    /// The next calls other than poll, commit and close fail in a way that a retry cures.
    pub fn fail_calls(&self, client: ClientId, count: u32) {
        self.client(client, |c| c.failing_calls = count);
    }

    /// Ends the client's session now: it is out of the group and hears of it at its next poll.
    pub fn expire_session(&self, client: ClientId) {
        let mut state = self.broker.lock();
        let state = &mut *state;
        let Some(client) = state.clients.get(&client) else { return };
        if let (Some(group), Some(member)) = (state.groups.get_mut(&client.group), &client.member) {
            group.leave(state.now, member, &state.topics);
        }
        self.broker.changed(state);
    }

    /// Makes every member of the group give its partitions back and join again.
    pub fn rebalance(&self, group: &str) {
        let mut state = self.broker.lock();
        let now = state.now;
        if let Some(group) = state.groups.get_mut(group) {
            group.rebalance(now);
        }
        self.broker.changed(&mut state);
    }

    /// From the next rebalance on, the assignor begins so many members later: partitions change owners.
    pub fn rotate_assignment(&self, group: &str, by: usize) {
        if let Some(group) = self.broker.lock().groups.get_mut(group) {
            group.rotate = by;
        }
    }

    /// `pace` says how many milliseconds of the broker's clock each thing takes; without it nothing takes any. The
    /// markers of one transaction get each their own, so that its partitions become readable at different times.
    pub fn pace(&self, pace: impl FnMut(Delay) -> i64 + Send + 'static) {
        self.broker.lock().pace = Pace(Some(Box::new(pace)));
    }

    /// From now on nothing takes time again.
    pub fn no_pace(&self) {
        self.broker.lock().pace = Pace::default();
    }

    fn client(&self, id: ClientId, change: impl FnOnce(&mut Client)) {
        let mut state = self.broker.lock();
        let clients: &mut BTreeMap<_, _> = &mut state.clients;
        if let Some(client) = clients.get_mut(&id) {
            change(client);
        }
        self.broker.changed(&mut state);
    }

    fn silence(&self, id: ClientId, silent: bool) {
        self.broker.lock().silence(id, silent);
    }
}
