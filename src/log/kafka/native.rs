//! The one place that talks to librdkafka: thin, safe handles over its C functions. No policy here.
//!
//! Why not rdkafka's own consumer and producer: their commit waits in steps of 100 ms, their abort may hang without a
//! polling thread, and a consumer's poll makes one allocation per message (`BaseProducer::commit_transaction` takes
//! 106 ms where the call beneath takes 7).
#![expect(unsafe_code, reason = "librdkafka is a C library; every unsafe block of the project is in this file")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::bindings::rd_kafka_resp_err_t as Code;

/// An error of librdkafka: its code, its text, and whether the same call may be made again.
#[derive(Debug, Clone)]
pub struct Fault {
    pub code: Code,
    pub text: String,
    pub retriable: bool,
}

impl Fault {
    pub fn of(code: Code, doing: &str) -> Fault {
        // Safe: returns a static string.
        let text = unsafe { text(c::rd_kafka_err2str(code)) };
        Fault { code, text: format!("{doing}: {text}"), retriable: false }
    }
}

unsafe fn text(from: *const c_char) -> String {
    if from.is_null() { String::new() } else { unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned() }
}

fn check(error: *mut c::rd_kafka_error_t, doing: &str) -> Result<(), Fault> {
    if error.is_null() {
        return Ok(());
    }
    // Safe: `error` is a live error object that we own until it is destroyed.
    unsafe {
        let fault = Fault {
            code: c::rd_kafka_error_code(error),
            text: format!("{doing}: {}", text(c::rd_kafka_error_string(error))),
            retriable: c::rd_kafka_error_is_retriable(error) != 0,
        };
        c::rd_kafka_error_destroy(error);
        Err(fault)
    }
}

fn check_code(code: Code, doing: &str) -> Result<(), Fault> {
    if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(Fault::of(code, doing)) }
}

fn millis(time: Duration) -> c_int {
    c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX)
}

/// Configuration as librdkafka's property names and values.
pub type Properties = Vec<(String, String)>;

unsafe fn configuration(properties: &Properties) -> Result<*mut c::rd_kafka_conf_t, Fault> {
    unsafe {
        let conf = c::rd_kafka_conf_new();
        let mut message: [c_char; 512] = [0; 512];
        for (name, value) in properties {
            let (Ok(n), Ok(v)) = (CString::new(name.as_str()), CString::new(value.as_str())) else {
                return Err(config_fault(format!("the property `{name}` contains a zero byte")));
            };
            let result = c::rd_kafka_conf_set(conf, n.as_ptr(), v.as_ptr(), message.as_mut_ptr(), message.len());
            if result != c::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
                c::rd_kafka_conf_destroy(conf);
                return Err(config_fault(format!("Kafka client property `{name}`: {}", text(message.as_ptr()))));
            }
        }
        c::rd_kafka_conf_set_log_cb(conf, Some(on_log));
        Ok(conf)
    }
}

fn config_fault(text: String) -> Fault {
    Fault { code: Code::RD_KAFKA_RESP_ERR__INVALID_ARG, text, retriable: false }
}

/// Said again and again, many times a second, while a broker is away or just starting; each comes after a complaint that
/// says why.
const CHATTER: [&str; 2] = ["brokers are down", "Coordinator load in progress"];

unsafe extern "C" fn on_log(_: *const c::rd_kafka_t, level: c_int, facility: *const c_char, message: *const c_char) {
    let (facility, message) = unsafe { (text(facility), text(message)) };
    match level {
        _ if CHATTER.iter().any(|chatter| message.contains(chatter)) => tracing::debug!(target: "librdkafka", "{facility}: {message}"),
        0..=3 => tracing::error!(target: "librdkafka", "{facility}: {message}"),
        4 => tracing::warn!(target: "librdkafka", "{facility}: {message}"),
        5 | 6 => tracing::info!(target: "librdkafka", "{facility}: {message}"),
        _ => tracing::debug!(target: "librdkafka", "{facility}: {message}"),
    }
}

/// A list of partitions with offsets, as librdkafka wants it.
pub struct PartitionList(*mut c::rd_kafka_topic_partition_list_t);

/// Start at the beginning / there is no committed offset / the latest, as librdkafka numbers them.
pub const OFFSET_BEGINNING: i64 = -2;
pub const OFFSET_NONE: i64 = -1001;
pub const OFFSET_LATEST: i64 = -1;

impl PartitionList {
    pub fn new<'a>(partitions: impl IntoIterator<Item = (&'a str, i32, i64)>) -> PartitionList {
        // Safe: the list is created here and owned by the handle; `add` copies the topic's name.
        unsafe {
            let list = c::rd_kafka_topic_partition_list_new(8);
            for (topic, partition, offset) in partitions {
                // Topic names come from Kafka or from checked configuration; neither has zero bytes.
                let name = CString::new(topic).unwrap_or_default();
                (*c::rd_kafka_topic_partition_list_add(list, name.as_ptr(), partition)).offset = offset;
            }
            PartitionList(list)
        }
    }

    /// (topic, partition, offset, error) of each.
    pub fn entries(&self) -> Vec<(String, i32, i64, Code)> {
        unsafe { entries(self.0) }
    }
}

unsafe fn entries(list: *const c::rd_kafka_topic_partition_list_t) -> Vec<(String, i32, i64, Code)> {
    if list.is_null() {
        return vec![];
    }
    // Safe: `elems` has `cnt` entries.
    unsafe {
        let elements = std::slice::from_raw_parts((*list).elems, usize::try_from((*list).cnt).unwrap_or(0));
        elements.iter().map(|e| (text(e.topic), e.partition, e.offset, e.err)).collect()
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        unsafe { c::rd_kafka_topic_partition_list_destroy(self.0) }
    }
}

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
    shared: Box<Shared>,
    closed: bool,
}

/// What the rebalance callback sees.
#[derive(Default)]
struct Shared {
    rebalances: Mutex<Vec<Rebalance>>,
    closing: AtomicBool,
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
    let shared = unsafe { &*opaque.cast::<Shared>() };
    if shared.closing.load(Ordering::Acquire) {
        // Nobody polls any more: librdkafka's close waits for this answer.
        unsafe { c::rd_kafka_assign(rk, ptr::null()) };
        return;
    }
    let event = if code == Code::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
        Rebalance::Assigned(unsafe { entries(partitions) }.into_iter().map(|(topic, partition, ..)| (topic, partition)).collect())
    } else {
        Rebalance::Revoked { lost: unsafe { c::rd_kafka_assignment_lost(rk) } != 0 }
    };
    // The answer (`rd_kafka_assign`) is given later, by the worker: librdkafka waits for it.
    shared.rebalances.lock().unwrap_or_else(PoisonError::into_inner).push(event);
}

impl Consumer {
    pub fn new(properties: &Properties) -> Result<Consumer, Fault> {
        let shared: Box<Shared> = Box::default();
        // Safe: the configuration is given to rd_kafka_new, which owns it on success.
        unsafe {
            let conf = configuration(properties)?;
            c::rd_kafka_conf_set_opaque(conf, ptr::from_ref(&*shared).cast_mut().cast());
            c::rd_kafka_conf_set_rebalance_cb(conf, Some(on_rebalance));
            let mut message: [c_char; 512] = [0; 512];
            let rk = c::rd_kafka_new(c::rd_kafka_type_t::RD_KAFKA_CONSUMER, conf, message.as_mut_ptr(), message.len());
            if rk.is_null() {
                c::rd_kafka_conf_destroy(conf);
                return Err(config_fault(text(message.as_ptr())));
            }
            c::rd_kafka_poll_set_consumer(rk);
            let queue = c::rd_kafka_queue_get_consumer(rk);
            Ok(Consumer { rk, queue, shared, closed: false })
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
        std::mem::take(&mut *self.shared.rebalances.lock().unwrap_or_else(PoisonError::into_inner))
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

    /// Leaves the group (a static member keeps its place) and waits for it.
    pub fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            self.shared.closing.store(true, Ordering::Release);
            unsafe {
                c::rd_kafka_assign(self.rk, ptr::null());
                c::rd_kafka_consumer_close(self.rk);
            }
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.close();
        unsafe {
            c::rd_kafka_queue_destroy(self.queue);
            c::rd_kafka_destroy_flags(self.rk, c::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE as c_int);
        }
    }
}

/// A message or an error event from a consumer. The memory is librdkafka's and is given back on drop.
#[derive(Debug)]
pub struct RawMessage(NonNull<c::rd_kafka_message_t>);

// Safe: a message is owned by one handle and librdkafka's reference counts are atomic.
unsafe impl Send for RawMessage {}

impl RawMessage {
    fn get(&self) -> &c::rd_kafka_message_t {
        // Safe: alive until drop.
        unsafe { self.0.as_ref() }
    }

    pub fn error(&self) -> Code {
        self.get().err
    }

    /// The text that comes with an error.
    pub fn error_text(&self) -> String {
        unsafe { text(c::rd_kafka_message_errstr(self.0.as_ptr())) }
    }

    /// The topic's handle: the same for every message of one topic from one consumer.
    pub fn topic_handle(&self) -> usize {
        self.get().rkt as usize
    }

    pub fn topic(&self) -> String {
        let rkt = self.get().rkt;
        if rkt.is_null() { String::new() } else { unsafe { text(c::rd_kafka_topic_name(rkt)) } }
    }

    pub fn partition(&self) -> i32 {
        self.get().partition
    }

    pub fn offset(&self) -> i64 {
        self.get().offset
    }

    pub fn timestamp(&self) -> i64 {
        let mut kind = c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        unsafe { c::rd_kafka_message_timestamp(self.0.as_ptr(), &raw mut kind) }
    }

    pub fn key(&self) -> Option<&[u8]> {
        let m = self.get();
        // Safe: key and payload point into the message's memory with these lengths.
        (!m.key.is_null()).then(|| unsafe { std::slice::from_raw_parts(m.key.cast(), m.key_len) })
    }

    pub fn value(&self) -> Option<&[u8]> {
        let m = self.get();
        (!m.payload.is_null()).then(|| unsafe { std::slice::from_raw_parts(m.payload.cast(), m.len) })
    }

    pub fn headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        let mut headers: *mut c::rd_kafka_headers_t = ptr::null_mut();
        let mut all = vec![];
        // Safe: names and values point into the message's memory.
        unsafe {
            if c::rd_kafka_message_headers(self.0.as_ptr(), &raw mut headers) != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                return all;
            }
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            while c::rd_kafka_header_get_all(headers, all.len(), &raw mut name, &raw mut value, &raw mut size)
                == Code::RD_KAFKA_RESP_ERR_NO_ERROR
            {
                // A name that is not UTF-8 is a producer's fault that no output could repeat.
                let name = CStr::from_ptr(name).to_str().unwrap_or("?");
                let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size));
                all.push((name, value));
            }
        }
        all
    }
}

impl Drop for RawMessage {
    fn drop(&mut self) {
        unsafe { c::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

/// The member's identity and generation, for fencing in a transaction.
pub struct GroupMetadata(*mut c::rd_kafka_consumer_group_metadata_t);

// Safe: plain data, owned by the handle.
unsafe impl Send for GroupMetadata {}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        if !self.0.is_null() {
            unsafe { c::rd_kafka_consumer_group_metadata_destroy(self.0) }
        }
    }
}

/// What delivery reports said since the last [`Producer::take_delivered`].
#[derive(Default)]
struct Delivered {
    /// (topic handle, partition, last offset).
    last: Vec<(usize, i32, i64)>,
    failed: Option<Code>,
}

/// A transactional producer.
pub struct Producer {
    rk: *mut c::rd_kafka_t,
    topics: Vec<*mut c::rd_kafka_topic_t>,
    delivered: Box<Mutex<Delivered>>,
}

// Safe: librdkafka handles are thread safe.
unsafe impl Send for Producer {}

unsafe extern "C" fn on_delivery(_: *mut c::rd_kafka_t, message: *const c::rd_kafka_message_t, opaque: *mut c_void) {
    // Safe: the opaque is the box in `Producer`, which outlives the handle.
    let (m, delivered) = unsafe { (&*message, &*opaque.cast::<Mutex<Delivered>>()) };
    let mut delivered = delivered.lock().unwrap_or_else(PoisonError::into_inner);
    if m.err != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
        delivered.failed = Some(m.err);
        return;
    }
    let (topic, partition, offset) = (m.rkt as usize, m.partition, m.offset);
    match delivered.last.iter_mut().find(|(t, p, _)| (*t, *p) == (topic, partition)) {
        Some(entry) => entry.2 = entry.2.max(offset),
        None => delivered.last.push((topic, partition, offset)),
    }
}

impl Producer {
    /// `topics`: those that records go to, by index.
    pub fn new<'a>(properties: &Properties, topics: impl IntoIterator<Item = &'a str>) -> Result<Producer, Fault> {
        let delivered: Box<Mutex<Delivered>> = Box::default();
        // Safe: as for the consumer.
        unsafe {
            let conf = configuration(properties)?;
            c::rd_kafka_conf_set_opaque(conf, ptr::from_ref(&*delivered).cast_mut().cast());
            c::rd_kafka_conf_set_dr_msg_cb(conf, Some(on_delivery));
            let mut message: [c_char; 512] = [0; 512];
            let rk = c::rd_kafka_new(c::rd_kafka_type_t::RD_KAFKA_PRODUCER, conf, message.as_mut_ptr(), message.len());
            if rk.is_null() {
                c::rd_kafka_conf_destroy(conf);
                return Err(config_fault(text(message.as_ptr())));
            }
            let topics = topics
                .into_iter()
                .map(|name| {
                    let name = CString::new(name).unwrap_or_default();
                    c::rd_kafka_topic_new(rk, name.as_ptr(), ptr::null_mut())
                })
                .collect();
            Ok(Producer { rk, topics, delivered })
        }
    }

    /// Takes the transactional id: ends what a predecessor left open and fences it.
    pub fn init_transactions(&self, wait: Duration) -> Result<(), Fault> {
        check(unsafe { c::rd_kafka_init_transactions(self.rk, millis(wait)) }, "init transactions")
    }

    pub fn begin(&self) -> Result<(), Fault> {
        let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        delivered.last.clear();
        delivered.failed = None;
        drop(delivered);
        check(unsafe { c::rd_kafka_begin_transaction(self.rk) }, "begin transaction")
    }

    pub fn send_offsets(&self, offsets: &PartitionList, group: &GroupMetadata, wait: Duration) -> Result<(), Fault> {
        let error = unsafe { c::rd_kafka_send_offsets_to_transaction(self.rk, offsets.0, group.0, millis(wait)) };
        check(error, "send offsets to transaction")
    }

    /// Queues a record; the bytes are copied. Waits while the queue is full.
    pub fn produce<'a>(
        &self,
        topic: usize,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<(), Fault> {
        let memory = |bytes: Option<&[u8]>| c::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
            ptr: bytes.map_or(ptr::null_mut(), |b| b.as_ptr().cast_mut().cast()),
            size: bytes.map_or(0, <[u8]>::len),
        };
        use c::rd_kafka_vtype_t as V;
        type U = c::rd_kafka_vu_s__bindgen_ty_1;
        let vu = |vtype, u| c::rd_kafka_vu_t { vtype, u };
        // Safe: librdkafka copies key, value (F_COPY) and header bytes before it returns, and owns `list` on success.
        unsafe {
            let count = headers.len();
            let list = if count == 0 { ptr::null_mut() } else { c::rd_kafka_headers_new(count) };
            for (name, value) in headers {
                let (data, size) = value.map_or((ptr::null(), 0), |v| (v.as_ptr(), v.len() as isize));
                c::rd_kafka_header_add(list, name.as_ptr().cast(), name.len() as isize, data.cast(), size);
            }
            let mut arguments = [
                vu(V::RD_KAFKA_VTYPE_RKT, U { rkt: self.topics[topic] }),
                vu(V::RD_KAFKA_VTYPE_PARTITION, U { i32_: partition }),
                vu(V::RD_KAFKA_VTYPE_MSGFLAGS, U { i: c::RD_KAFKA_MSG_F_COPY as c_int }),
                vu(V::RD_KAFKA_VTYPE_KEY, U { mem: memory(key) }),
                vu(V::RD_KAFKA_VTYPE_VALUE, U { mem: memory(value) }),
                vu(V::RD_KAFKA_VTYPE_HEADERS, U { headers: list }),
            ];
            let used = if count == 0 { 5 } else { 6 };
            loop {
                match check(c::rd_kafka_produceva(self.rk, arguments.as_mut_ptr(), used), "produce") {
                    Err(fault) if fault.code == Code::RD_KAFKA_RESP_ERR__QUEUE_FULL => {
                        c::rd_kafka_poll(self.rk, 5);
                    }
                    Ok(()) => return Ok(()),
                    Err(fault) => {
                        if !list.is_null() {
                            c::rd_kafka_headers_destroy(list);
                        }
                        return Err(fault);
                    }
                }
            }
        }
    }

    /// Serves delivery reports that are there.
    pub fn serve(&self) {
        unsafe { c::rd_kafka_poll(self.rk, 0) };
    }

    /// Waits for every queued record and commits.
    pub fn commit(&self, wait: Duration) -> Result<(), Fault> {
        check(unsafe { c::rd_kafka_commit_transaction(self.rk, millis(wait)) }, "commit transaction")
    }

    pub fn abort(&self, wait: Duration) -> Result<(), Fault> {
        unsafe { c::rd_kafka_purge(self.rk, (c::RD_KAFKA_PURGE_F_QUEUE | c::RD_KAFKA_PURGE_F_INFLIGHT) as c_int) };
        check(unsafe { c::rd_kafka_abort_transaction(self.rk, millis(wait)) }, "abort transaction")
    }

    /// For each partition written since `begin`: (topic index, partition, offset after the last record). An error if
    /// a record could not be delivered.
    pub fn take_delivered(&self) -> Result<Vec<(usize, i32, i64)>, Fault> {
        let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = delivered.failed.take() {
            return Err(Fault::of(code, "deliver"));
        }
        let last = std::mem::take(&mut delivered.last);
        Ok(last
            .into_iter()
            .filter_map(|(handle, partition, offset)| {
                let topic = self.topics.iter().position(|t| *t as usize == handle)?;
                Some((topic, partition, offset + 1))
            })
            .collect())
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        unsafe {
            c::rd_kafka_purge(self.rk, (c::RD_KAFKA_PURGE_F_QUEUE | c::RD_KAFKA_PURGE_F_INFLIGHT) as c_int);
            for topic in &self.topics {
                c::rd_kafka_topic_destroy(*topic);
            }
            c::rd_kafka_destroy(self.rk);
        }
    }
}
