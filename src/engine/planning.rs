//! Plans of shipments are made outside the worker's thread, because one may take seconds. A plan that is wanted is state,
//! in the changelog, until its answer has taken effect; the answer is a record of the task's inbox, written in a
//! transaction like any other. So a crash on the way asks again, and an answer counts once: a second one is stale.
//!
//! Only what is committed is asked for. Nothing here knows what a good plan is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Instant;

use schemas::message::{FleetMessage, ToFleet};
use schemas::plan::Plan;
use state::Stores;

use super::fleet::WantedPlan;
use super::message::{Body, Message};
use super::plan::{Processor, TaskId};
use super::task::{Key, WANTED_PLAN};
use super::work::Fault;
use super::worker::{Slot, Worker};
use crate::log::{Log, LogError};
use crate::planner::Planner;

/// Who makes plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanBy {
    /// A thread of its own.
    Thread,
    /// The worker, one a turn beside its other work: to the simulation what a thread is to the program.
    Turn,
}

/// Plans that one worker has given to the planner and not got back, at most.
const MOST_ASKED: usize = 64;
/// Wanted plans that are looked at in one go: those that are with the planner already, and as many more.
const MOST_SEEN: usize = 2 * MOST_ASKED;

/// What a worker knows of plans under way.
#[derive(Default)]
pub(super) struct Planning {
    /// Tasks that may want plans which nobody was asked for.
    look: BTreeSet<TaskId>,
    /// By task and key: the revision that the planner was asked for, and whether its answer has been written.
    asked: BTreeMap<(TaskId, Key), (u32, bool)>,
    /// Answers to what was asked before this are of an earlier assignment.
    generation: u64,
    desk: Option<Desk>,
}

/// Where plans are made.
enum Desk {
    Thread(Sender<Job>, Receiver<Done>),
    Turn(VecDeque<Job>),
}

struct Job {
    generation: u64,
    id: TaskId,
    key: Key,
    wanted: WantedPlan,
}

struct Done {
    job: Job,
    plan: Plan,
}

impl Planning {
    /// These tasks may want plans: they are new here, or their wishes have changed.
    pub fn look(&mut self, tasks: impl IntoIterator<Item = TaskId>) {
        self.look.extend(tasks.into_iter().filter(|id| id.processor == Processor::Fleet));
    }

    /// Ownership has changed, or a commit failed: what is still wanted is asked for again.
    pub fn forget(&mut self) {
        self.generation += 1;
        self.asked.clear();
        self.look.clear();
        if let Some(Desk::Turn(jobs)) = &mut self.desk {
            jobs.clear();
        }
    }

    /// A plan is being made.
    pub fn is_waiting(&self) -> bool {
        self.with_planner() > 0
    }

    fn with_planner(&self) -> usize {
        self.asked.values().filter(|(_, answered)| !answered).count()
    }

    fn ask(&mut self, by: PlanBy, planner: &Planner, job: Job) -> Result<(), Fault> {
        if self.desk.is_none() {
            self.desk = Some(match by {
                PlanBy::Thread => thread(planner.clone())?,
                PlanBy::Turn => Desk::Turn(VecDeque::new()),
            });
        }
        self.asked.insert((job.id, job.key.clone()), (job.wanted.request.revision, false));
        match &mut self.desk {
            // It lives as long as this end: its panic ends the process.
            Some(Desk::Thread(jobs, _)) => drop(jobs.send(job)),
            Some(Desk::Turn(jobs)) => jobs.push_back(job),
            None => {}
        }
        Ok(())
    }

    /// The next answer to what was asked since the last change of ownership.
    fn done(&mut self, planner: &Planner) -> Option<Done> {
        loop {
            let done = match &mut self.desk {
                Some(Desk::Thread(_, done)) => match done.try_recv() {
                    Ok(done) => done,
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
                },
                Some(Desk::Turn(jobs)) => {
                    let job = jobs.pop_front()?;
                    Done { plan: planner.plan(&job.wanted.request), job }
                }
                None => return None,
            };
            if done.job.generation == self.generation {
                return Some(done);
            }
        }
    }
}

fn thread(planner: Planner) -> Result<Desk, Fault> {
    let ((ask, jobs), (answer, answers)) = (channel::<Job>(), channel());
    std::thread::Builder::new()
        .name("planner".into())
        .spawn(move || {
            for job in jobs {
                let plan = planner.plan(&job.wanted.request);
                if answer.send(Done { job, plan }).is_err() {
                    return; // The worker has ended.
                }
            }
        })
        .map_err(|e| Fault::Log(LogError::Fatal(format!("cannot start a thread: {e}"))))?;
    Ok(Desk::Thread(ask, answers))
}

impl<L: Log, S: Stores> Worker<L, S> {
    /// Asks for plans that are wanted, and writes those that are made into their tasks' inboxes.
    pub(super) fn plan_shipments(&mut self) -> Result<(), Fault> {
        while let Some(Done { job, plan }) = self.planning.done(&self.plan.planner) {
            self.answer_plan(job, plan);
            if self.options.plan == PlanBy::Turn {
                break;
            }
        }
        while let Some(id) = self.planning.look.first().copied() {
            if !self.ask_for_plans(id)? {
                break;
            }
            self.planning.look.remove(&id);
        }
        Ok(())
    }

    fn answer_plan(&mut self, job: Job, plan: Plan) {
        let Job { id, key, wanted, .. } = job;
        if let Some((_, answered)) = self.planning.asked.get_mut(&(id, key)) {
            *answered = true;
        }
        let WantedPlan { request, cause } = wanted;
        // Of the time for which it was asked: it must not be ahead of what the vehicle has still to say.
        let body = ToFleet { vehicle_id: request.vehicle_id.into(), body: FleetMessage::Plan(plan), at: request.depart_at, cause };
        let message = Message { body: Body::ToFleet(Box::new(body)), trace: None };
        let inbox = self.plan.inbox(id);
        self.batch.began.get_or_insert_with(Instant::now);
        // So that the group can refuse it if the task has gone to somebody else.
        self.batch.touched.insert(id);
        self.send(inbox, &message);
    }

    /// Hands what a task wants to the planner. False: the planner has enough to do, there is more.
    fn ask_for_plans(&mut self, id: TaskId) -> Result<bool, Fault> {
        let Some(Slot::Ready(task)) = self.tasks.get(&id) else { return Ok(true) };
        let wanted = task.committed_with_prefix(&[WANTED_PLAN], MOST_SEEN)?;
        let name = task.name.clone();
        // What is committed as answered is done with.
        let keys: BTreeSet<&[u8]> = wanted.iter().map(|(key, _)| &**key).collect();
        self.planning.asked.retain(|(of, key), (_, answered)| *of != id || !*answered || keys.contains(&**key));
        for (key, value) in &wanted {
            let wanted = WantedPlan::decode(value).map_err(|e| Fault::damaged(&name, key, &e))?;
            let revision = wanted.request.revision;
            if self.planning.asked.get(&(id, Key::from(&**key))).is_some_and(|(asked, _)| *asked == revision) {
                continue;
            }
            if self.planning.with_planner() >= MOST_ASKED {
                return Ok(false);
            }
            let job = Job { generation: self.planning.generation, id, key: Key::from(&**key), wanted };
            self.planning.ask(self.options.plan, &self.plan.planner, job)?;
        }
        Ok(true)
    }
}
