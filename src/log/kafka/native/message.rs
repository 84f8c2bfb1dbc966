//! A message as librdkafka holds it: borrowed, never copied, given back on drop.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use rdkafka::bindings as c;

use super::{Code, text};

/// A message or an error event from a consumer. The memory is librdkafka's and is given back on drop.
#[derive(Debug)]
pub struct RawMessage(pub(super) NonNull<c::rd_kafka_message_t>);

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
