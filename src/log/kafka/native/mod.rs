//! The one place that talks to librdkafka: thin, safe handles over its C functions. No policy here.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | errors, configuration, the log |
//! | `list.rs` | partitions with offsets |
//! | `consumer.rs` | a member of a group, or a reader without one |
//! | `message.rs` | what a consumer was given |
//! | `producer.rs` | a transactional producer |
//!
//! Why not rdkafka's own consumer and producer: their commit waits in steps of 100 ms, their abort may hang without a
//! polling thread, and a consumer's poll makes one allocation per message (`BaseProducer::commit_transaction` takes
//! 106 ms where the call beneath takes 7).
#![expect(unsafe_code, reason = "librdkafka is a C library; every unsafe block of the project is in this folder")]

mod consumer;
mod list;
mod message;
mod producer;

use std::ffi::{CStr, CString, c_char, c_int};
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::bindings::rd_kafka_resp_err_t as Code;

pub use self::consumer::{Consumer, GroupMetadata, Rebalance};
pub use self::list::{OFFSET_BEGINNING, OFFSET_LATEST, OFFSET_NONE, PartitionList};
pub use self::message::RawMessage;
pub use self::producer::Producer;

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
