//! Thin, safe handles over librdkafka's C functions, as the measurements need them. No policy here: a call that fails
//! ends the run. Clients are never closed, so that what they hand out is good for as long as the process lives.
#![expect(unsafe_code, reason = "librdkafka is a C library; what is unsafe about it is in this folder")]

mod consumer;
mod producer;

use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::atomic::{AtomicU64, Ordering};

use rdkafka::bindings as c;
use rdkafka::bindings::rd_kafka_resp_err_t as Code;

pub(crate) use consumer::{Consumer, Message};
pub(crate) use producer::{Producer, Reports, delivery_errors};

/// Names and values, as librdkafka has them; the last of one name holds.
pub(crate) type Properties = Vec<(String, String)>;

/// Any partition, or all of a topic.
const ANY: i32 = -1;
/// For requests outside what is measured, milliseconds.
const PATIENCE_MS: c_int = 10_000;

static ADD_PARTITIONS_RETRIES: AtomicU64 = AtomicU64::new(0);
static OFFSETS_RETRIES: AtomicU64 = AtomicU64::new(0);

/// How often partitions and offsets were added again because the transaction before had not ended; with `debug=eos` only.
pub(crate) fn retries() -> (u64, u64) {
    (ADD_PARTITIONS_RETRIES.load(Ordering::Relaxed), OFFSETS_RETRIES.load(Ordering::Relaxed))
}

unsafe extern "C" fn on_log(_: *const c::rd_kafka_t, level: c_int, facility: *const c_char, message: *const c_char) {
    const DEBUG: c_int = 7;
    let (facility, message) = unsafe { (text(facility), text(message)) };
    if level != DEBUG {
        eprintln!("[{level}] {facility}: {message}");
        return;
    }
    if message.contains("concurrent") || message.contains("CONCURRENT") {
        let retries = if facility == "ADDPARTS" { &ADD_PARTITIONS_RETRIES } else { &OFFSETS_RETRIES };
        retries.fetch_add(1, Ordering::Relaxed);
    }
    if std::env::var_os("CEILING_LOG").is_some() {
        eprintln!("{facility}: {message}");
    }
}

unsafe fn text(from: *const c_char) -> String {
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
}

fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| panic!("{text:?} contains a zero byte"))
}

fn check(error: *mut c::rd_kafka_error_t, doing: &str) {
    if error.is_null() {
        return;
    }
    // Safe: a live error object.
    let (text, retriable, abort) = unsafe {
        (text(c::rd_kafka_error_string(error)), c::rd_kafka_error_is_retriable(error), c::rd_kafka_error_txn_requires_abort(error))
    };
    panic!("{doing}: {text} retriable={retriable} abort={abort}");
}

unsafe fn configuration(properties: &Properties) -> *mut c::rd_kafka_conf_t {
    unsafe {
        let configuration = c::rd_kafka_conf_new();
        let mut message: [c_char; 512] = [0; 512];
        for (name, value) in properties {
            let (n, v) = (c_string(name), c_string(value));
            let result = c::rd_kafka_conf_set(configuration, n.as_ptr(), v.as_ptr(), message.as_mut_ptr(), message.len());
            assert!(result == c::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK, "{name}={value}: {}", text(message.as_ptr()));
        }
        c::rd_kafka_conf_set_log_cb(configuration, Some(on_log));
        configuration
    }
}

/// Takes the configuration.
unsafe fn client(kind: c::rd_kafka_type_t, configuration: *mut c::rd_kafka_conf_t) -> *mut c::rd_kafka_t {
    let mut message: [c_char; 512] = [0; 512];
    unsafe {
        let client = c::rd_kafka_new(kind, configuration, message.as_mut_ptr(), message.len());
        assert!(!client.is_null(), "librdkafka makes no client: {}", text(message.as_ptr()));
        client
    }
}

/// A client's handle on a topic. Two are equal if they are one handle, not if they are of one name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topic(*mut c::rd_kafka_topic_t);

// Safe: librdkafka's handles are thread safe.
unsafe impl Send for Topic {}
unsafe impl Sync for Topic {}

impl Topic {
    pub(crate) fn name(self) -> String {
        unsafe { text(c::rd_kafka_topic_name(self.0)) }
    }
}

/// Partitions with the offsets that are to be read next.
pub(crate) struct Offsets(*mut c::rd_kafka_topic_partition_list_t);

impl Offsets {
    pub(crate) fn of(positions: &[(Topic, i32, i64)]) -> Offsets {
        unsafe {
            let list = c::rd_kafka_topic_partition_list_new(positions.len() as c_int);
            for (topic, partition, offset) in positions {
                (*c::rd_kafka_topic_partition_list_add(list, c::rd_kafka_topic_name(topic.0), *partition)).offset = *offset;
            }
            Offsets(list)
        }
    }

    pub(crate) fn of_one(topic: &str, partition: i32, offset: i64) -> Offsets {
        let topic = c_string(topic);
        unsafe {
            let list = c::rd_kafka_topic_partition_list_new(1);
            (*c::rd_kafka_topic_partition_list_add(list, topic.as_ptr(), partition)).offset = offset;
            Offsets(list)
        }
    }
}

impl Drop for Offsets {
    fn drop(&mut self) {
        unsafe { c::rd_kafka_topic_partition_list_destroy(self.0) }
    }
}

/// What a group knows a member by; transactions are fenced with it.
pub(crate) struct Group(*mut c::rd_kafka_consumer_group_metadata_t);

impl Group {
    /// Of a group without members.
    pub(crate) fn new(name: &str) -> Group {
        Group(unsafe { c::rd_kafka_consumer_group_metadata_new(c_string(name).as_ptr()) })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        unsafe { c::rd_kafka_consumer_group_metadata_destroy(self.0) }
    }
}
