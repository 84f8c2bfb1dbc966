//! A producer, transactional or not. Waits where the queue is full; anything else that fails ends the run.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::bindings as c;

use super::{ANY, Code, Group, Offsets, PATIENCE_MS, Properties, Topic, c_string, check, client, configuration};

/// For what has to come about before anything can be measured, milliseconds.
const INIT_MS: c_int = 30_000;
/// Waits until it is done.
const FOREVER: c_int = -1;

static DELIVERY_ERRORS: AtomicU64 = AtomicU64::new(0);

/// Records that were not delivered.
pub(crate) fn delivery_errors() -> u64 {
    DELIVERY_ERRORS.load(Ordering::Relaxed)
}

unsafe extern "C" fn on_delivery(_: *mut c::rd_kafka_t, message: *const c::rd_kafka_message_t, _: *mut c_void) {
    if unsafe { (*message).err } != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
        DELIVERY_ERRORS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether librdkafka reports each record's delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reports {
    Errors,
    None,
}

pub(crate) struct Producer {
    client: *mut c::rd_kafka_t,
    topics: HashMap<String, Topic>,
    transactional: bool,
}

// Safe: librdkafka's handles are thread safe.
unsafe impl Send for Producer {}
unsafe impl Sync for Producer {}

impl Producer {
    /// `topics`: all that it will write to. A transactional one ends what another of its id has left open.
    pub(crate) fn new(properties: &Properties, topics: &[&str], transactional: bool, reports: Reports) -> Producer {
        unsafe {
            let configuration = configuration(properties);
            if reports == Reports::Errors {
                c::rd_kafka_conf_set_dr_msg_cb(configuration, Some(on_delivery));
            }
            let client = client(c::rd_kafka_type_t::RD_KAFKA_PRODUCER, configuration);
            let handle = |name: &str| Topic(c::rd_kafka_topic_new(client, c_string(name).as_ptr(), ptr::null_mut()));
            let topics = topics.iter().map(|name| ((*name).to_owned(), handle(name))).collect();
            if transactional {
                check(c::rd_kafka_init_transactions(client, INIT_MS), "init_transactions");
            }
            Producer { client, topics, transactional }
        }
    }

    pub(crate) fn topic(&self, name: &str) -> Topic {
        self.topics[name]
    }

    /// Copies both; waits where the queue is full.
    pub(crate) fn produce(&self, topic: Topic, key: &[u8], value: &[u8]) {
        let produce = || unsafe {
            c::rd_kafka_produce(
                topic.0,
                ANY,
                c::RD_KAFKA_MSG_F_COPY as c_int,
                value.as_ptr().cast_mut().cast(),
                value.len(),
                key.as_ptr().cast(),
                key.len(),
                ptr::null_mut(),
            )
        };
        while produce() != 0 {
            let error = unsafe { c::rd_kafka_last_error() };
            assert!(error == Code::RD_KAFKA_RESP_ERR__QUEUE_FULL, "produce: {error:?}");
            self.poll(Duration::from_millis(10));
        }
    }

    /// Has delivery reports called.
    pub(crate) fn poll(&self, wait: Duration) {
        unsafe { c::rd_kafka_poll(self.client, wait.as_millis() as c_int) };
    }

    /// Of one without transactions: nothing.
    pub(crate) fn begin(&self) {
        if self.transactional {
            check(unsafe { c::rd_kafka_begin_transaction(self.client) }, "begin");
        }
    }

    pub(crate) fn flush(&self) {
        while unsafe { c::rd_kafka_flush(self.client, PATIENCE_MS) } != Code::RD_KAFKA_RESP_ERR_NO_ERROR {}
    }

    pub(crate) fn send_offsets(&self, offsets: &Offsets, group: &Group) {
        check(unsafe { c::rd_kafka_send_offsets_to_transaction(self.client, offsets.0, group.0, FOREVER) }, "send_offsets");
    }

    pub(crate) fn commit(&self) {
        check(unsafe { c::rd_kafka_commit_transaction(self.client, FOREVER) }, "commit");
    }
}
