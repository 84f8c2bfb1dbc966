//! A consumer: reads, and is told of rebalances. Keeps what it is told and answers nothing itself.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::bindings as c;

use super::list::entries;
use super::{Code, Fault, PartitionList, Properties, RawMessage, check_code, config_fault, configuration, millis, text};

/// What the group told this member; kept until the next poll returns.
#[derive(Debug)]
pub enum Rebalance {
    Assigned(Vec<(String, i32)>),
    Revoked { lost: bool },
}

/// A group member, or a group-less reader when no topic is subscribed.
pub struct Consumer {
    rk: *mut c::rd_kafka_t,
    queue: *mut c::rd_kafka_queue_t,
    /// What the rebalance callback was told.
    rebalances: Box<Mutex<Vec<Rebalance>>>,
}

// Safe: librdkafka handles are thread safe.
unsafe impl Send for Consumer {}
unsafe impl Sync for Consumer {}

unsafe extern "C" fn on_rebalance(
    rk: *mut c::rd_kafka_t,
    code: Code,
    partitions: *mut c::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // Safe: the opaque is the box in `Consumer`, which outlives the handle.
    let rebalances = unsafe { &*opaque.cast::<Mutex<Vec<Rebalance>>>() };
    let event = if code == Code::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
        Rebalance::Assigned(unsafe { entries(partitions) }.into_iter().map(|(topic, partition, ..)| (topic, partition)).collect())
    } else {
        Rebalance::Revoked { lost: unsafe { c::rd_kafka_assignment_lost(rk) } != 0 }
    };
    // The answer (`rd_kafka_assign`) is given later, by the worker: librdkafka waits for it.
    rebalances.lock().unwrap_or_else(PoisonError::into_inner).push(event);
}

impl Consumer {
    pub fn new(properties: &Properties) -> Result<Consumer, Fault> {
        let rebalances: Box<Mutex<Vec<Rebalance>>> = Box::default();
        // Safe: the configuration is given to rd_kafka_new, which owns it on success.
        unsafe {
            let conf = configuration(properties)?;
            c::rd_kafka_conf_set_opaque(conf, ptr::from_ref(&*rebalances).cast_mut().cast());
            c::rd_kafka_conf_set_rebalance_cb(conf, Some(on_rebalance));
            let mut message: [c_char; 512] = [0; 512];
            let rk = c::rd_kafka_new(c::rd_kafka_type_t::RD_KAFKA_CONSUMER, conf, message.as_mut_ptr(), message.len());
            if rk.is_null() {
                c::rd_kafka_conf_destroy(conf);
                return Err(config_fault(text(message.as_ptr())));
            }
            c::rd_kafka_poll_set_consumer(rk);
            let queue = c::rd_kafka_queue_get_consumer(rk);
            Ok(Consumer { rk, queue, rebalances })
        }
    }

    pub fn subscribe<'a>(&self, topics: impl IntoIterator<Item = &'a str>) -> Result<(), Fault> {
        let list = PartitionList::new(topics.into_iter().map(|t| (t, -1, 0)));
        check_code(unsafe { c::rd_kafka_subscribe(self.rk, list.0) }, "subscribe")
    }

    /// The next message or error; `None` when none came in time or the wait was cut short by [`Consumer::wake`].
    pub fn poll(&self, wait: Duration) -> Option<RawMessage> {
        NonNull::new(unsafe { c::rd_kafka_consumer_poll(self.rk, millis(wait)) }).map(RawMessage)
    }

    /// Cuts a running or the next wait short.
    pub fn wake(&self) {
        unsafe { c::rd_kafka_queue_yield(self.queue) }
    }

    pub fn take_rebalances(&self) -> Vec<Rebalance> {
        std::mem::take(&mut *self.rebalances.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads these partitions from these offsets, and no others.
    pub fn assign(&self, list: &PartitionList) -> Result<(), Fault> {
        check_code(unsafe { c::rd_kafka_assign(self.rk, list.0) }, "assign")
    }

    pub fn unassign(&self) -> Result<(), Fault> {
        check_code(unsafe { c::rd_kafka_assign(self.rk, ptr::null()) }, "unassign")
    }

    pub fn pause(&self, list: &PartitionList) -> Result<(), Fault> {
        check_code(unsafe { c::rd_kafka_pause_partitions(self.rk, list.0) }, "pause")
    }

    pub fn resume(&self, list: &PartitionList) -> Result<(), Fault> {
        check_code(unsafe { c::rd_kafka_resume_partitions(self.rk, list.0) }, "resume")
    }

    /// Fills in the offsets the group has committed, waiting for transactions that hold some.
    pub fn committed(&self, list: &PartitionList, wait: Duration) -> Result<(), Fault> {
        check_code(unsafe { c::rd_kafka_committed(self.rk, list.0, millis(wait)) }, "fetch committed offsets")
    }

    /// Replaces each entry's offset, a time or [`OFFSET_LATEST`], by the offset there, by this handle's isolation level.
    pub fn offsets_at(&self, list: &PartitionList, wait: Duration) -> Result<(), Fault> {
        check_code(unsafe { c::rd_kafka_offsets_for_times(self.rk, list.0, millis(wait)) }, "list offsets")
    }

    /// First and next offset of a partition, asked of the broker.
    pub fn watermarks(&self, topic: &str, partition: i32, wait: Duration) -> Result<(i64, i64), Fault> {
        let name = CString::new(topic).unwrap_or_default();
        let (mut low, mut high) = (0, 0);
        let code =
            unsafe { c::rd_kafka_query_watermark_offsets(self.rk, name.as_ptr(), partition, &raw mut low, &raw mut high, millis(wait)) };
        check_code(code, "query watermarks").map(|()| (low, high))
    }

    /// The partition's end as the last fetch reported it; no request is made.
    pub fn known_end(&self, topic: &str, partition: i32) -> Option<i64> {
        let name = CString::new(topic).ok()?;
        let (mut low, mut high) = (0, 0);
        let code = unsafe { c::rd_kafka_get_watermark_offsets(self.rk, name.as_ptr(), partition, &raw mut low, &raw mut high) };
        (code == Code::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }

    pub fn group_metadata(&self) -> GroupMetadata {
        GroupMetadata(unsafe { c::rd_kafka_consumer_group_metadata(self.rk) })
    }

    /// A fatal error, if the client has met one (a static member was fenced, for example).
    pub fn fatal_error(&self) -> Option<Fault> {
        let mut message: [c_char; 512] = [0; 512];
        let code = unsafe { c::rd_kafka_fatal_error(self.rk, message.as_mut_ptr(), message.len()) };
        (code != Code::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| Fault { code, text: unsafe { text(message.as_ptr()) }, retriable: false })
    }
}

impl Drop for Consumer {
    /// Goes without librdkafka's close. That would tell the group, which a static member does not: it keeps its place until
    /// its session ends. And it may hang: it serves the rebalances that have not been polled, and librdkafka throws away
    /// the callback's `rd_kafka_assign` if the group's end comes just then; who called waits for ever (once in some
    /// thousand closes).
    fn drop(&mut self) {
        unsafe {
            c::rd_kafka_queue_destroy(self.queue);
            c::rd_kafka_destroy_flags(self.rk, c::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE as c_int);
        }
    }
}

/// The member's identity and generation, for fencing in a transaction.
pub struct GroupMetadata(pub(super) *mut c::rd_kafka_consumer_group_metadata_t);

// Safe: plain data, owned by the handle.
unsafe impl Send for GroupMetadata {}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        if !self.0.is_null() {
            unsafe { c::rd_kafka_consumer_group_metadata_destroy(self.0) }
        }
    }
}
