//! Brings a task's store up to its changelog: in bulk when the store is empty, the tail alone when it is not.
//!
//! Runs before the task decides anything, beside the worker's other tasks.

use std::collections::BTreeMap;

use state::{Batch, Store, Stores};

use super::parking::Found;
use super::plan::{Plan, TaskId};
use super::task::{Change, Task, VIEWS_MARK};
use super::views;
use super::work::Fault;
use crate::log::{Log, LogError, Progress, Reader};
use crate::metrics::Metrics;

/// Changelog bytes held before they are written to the store.
const RUN_BYTES: usize = 16 << 20;

/// So many records are worth a flush.
const LONG_TAIL: u64 = 200;

/// A task that is being brought up to date.
pub struct Restore<S: Store, R> {
    task: Task<S>,
    reader: R,
    /// The store had nothing: records are gathered, sorted and filled in.
    bulk: bool,
    views_from: i64,
}

/// Opens a task's store and a reader from where it stands. A store that claims to be ahead of its changelog, or has
/// missed what the changelog no longer has, belongs to another life of the topic: it is deleted and built anew.
/// `None`: the store is still open elsewhere in the process.
pub fn begin<L: Log, S: Stores>(
    log: &L,
    stores: &S,
    plan: &Plan,
    id: TaskId,
    found: Found<S::Store>,
) -> Result<Option<Restore<S::Store, L::Reader>>, Fault> {
    let mut task = match found {
        Found::Parked(task) => task,
        Found::Closed(hold) => Task::open(id, stores.open(&id.name())?, hold)?,
        Found::Busy => return Ok(None),
    };
    let changelog = plan.changelog(id);
    loop {
        let position = task.position();
        // States that changed after their views were last written must be found again, too.
        let views_from = if id.processor.has_views() { task.views_written_to()? } else { position };
        let from = position.min(views_from);
        let reader = log.reader(changelog, from)?;
        let Progress { start, end, .. } = reader.progress();
        if position > end || (position > 0 && position < start) {
            tracing::warn!(
                task = %task.name,
                "the store stands at changelog offset {position}, but {} has {start} to {end}: it is of another life of the topic; rebuilding it",
                plan.topics.show(changelog)
            );
            let hold = task.close();
            stores.delete(&id.name())?;
            task = Task::open(id, stores.open(&id.name())?, hold)?;
            continue;
        }
        return Ok(Some(Restore { task, reader, bulk: position == 0, views_from }));
    }
}

impl<S: Store, R: Reader> Restore<S, R> {
    /// So little is missing that another thread is not worth it.
    pub fn is_short(&self) -> bool {
        let progress = self.reader.progress();
        progress.end - progress.position < 1_000
    }

    /// Reads to the end. `should_stop` is asked now and then.
    pub fn run(mut self, metrics: &Metrics, should_stop: &dyn Fn() -> bool) -> Result<Task<S>, Fault> {
        let mut batch = Batch::default();
        let mut run: BTreeMap<Box<[u8]>, Option<Box<[u8]>>> = BTreeMap::new();
        let (mut size, mut records) = (0, 0u64);
        let position = self.task.position();
        let mut views_from = self.views_from;
        self.task.stale_views.clear();
        loop {
            let stale = &mut self.task.stale_views;
            let progress = self.reader.next(&mut |offset, key, value| {
                records += 1;
                if offset >= views_from && views::has_view(key) {
                    stale.insert(key.into(), offset);
                } else if key == VIEWS_MARK
                    && let Some(mark) = value.and_then(|v| v.try_into().ok()).map(i64::from_be_bytes)
                {
                    views_from = views_from.max(mark);
                    stale.retain(|_, at| *at >= mark);
                }
                if offset >= position {
                    size += key.len() + value.map_or(0, <[u8]>::len) + 64;
                    run.insert(key.into(), value.map(Into::into));
                }
            })?;
            let complete = progress.is_complete();
            metrics.restoring(self.task.id, progress.end - progress.position);
            if size >= RUN_BYTES || complete {
                let changes: Vec<Change> = std::mem::take(&mut run).into_iter().map(|(key, value)| Change { key, value }).collect();
                let to = progress.position.max(position);
                if !changes.is_empty() || to != self.task.position() {
                    self.task.restore(&changes, to, self.bulk, &mut batch)?;
                }
                size = 0;
            }
            if complete {
                break;
            }
            if should_stop() {
                return Err(Fault::Log(LogError::Retry("stopped while restoring".into())));
            }
        }
        metrics.restored(self.task.id, records);
        self.task.restored()?;
        if self.bulk && records > 0 {
            // What was filled in is on disk, where it stands is not yet: without that, all would be restored again.
            self.task.flush()?;
        } else if records >= LONG_TAIL {
            // Who dies again and again must not have more to replay each time.
            self.task.flush_soon()?;
        }
        if records > 0 {
            tracing::info!(task = %self.task.name, records, bulk = self.bulk, "restored");
        }
        Ok(self.task)
    }
}
