//! Thin handles on librdkafka's producer and consumer, as the measurements need them. A failed call ends the run.

use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::sync::atomic::{AtomicU64, Ordering::*};

use probe::Args;
use rdkafka::bindings::*;

pub(crate) static CONCURRENT: AtomicU64 = AtomicU64::new(0);
pub(crate) static CONC_PARTS: AtomicU64 = AtomicU64::new(0);
pub(crate) static CONC_OFFS: AtomicU64 = AtomicU64::new(0);
unsafe extern "C" fn log_cb(_: *const rd_kafka_t, level: c_int, fac: *const c_char, buf: *const c_char) {
    let f = CStr::from_ptr(fac).to_string_lossy();
    let b = CStr::from_ptr(buf).to_string_lossy();
    if level == 7 {
        if b.contains("concurrent") || b.contains("CONCURRENT") || b.contains("another concurrent operation") {
            CONCURRENT.fetch_add(1, Relaxed);
            match &*f {
                "ADDPARTS" => CONC_PARTS.fetch_add(1, Relaxed),
                _ => CONC_OFFS.fetch_add(1, Relaxed),
            };
        }
        if std::env::var_os("CEILING_LOG").is_some() {
            eprintln!("{f}: {b}");
        }
        return;
    }
    eprintln!("[{level}] {f}: {b}");
}
unsafe extern "C" fn dr_cb(_: *mut rd_kafka_t, m: *const rd_kafka_message_t, _: *mut c_void) {
    if (*m).err as i32 != 0 {
        DR_ERR.fetch_add(1, Relaxed);
    }
}
pub(crate) static DR_ERR: AtomicU64 = AtomicU64::new(0);

pub(crate) fn cs(s: &str) -> CString {
    CString::new(s).unwrap()
}
pub(crate) unsafe fn conf(kv: &[(String, String)]) -> *mut rd_kafka_conf_t {
    let c = rd_kafka_conf_new();
    let mut e = [0 as c_char; 512];
    for (k, v) in kv {
        let r = rd_kafka_conf_set(c, cs(k).as_ptr(), cs(v).as_ptr(), e.as_mut_ptr(), e.len());
        assert!(r as i32 == 0, "{k}={v}: {}", CStr::from_ptr(e.as_ptr()).to_string_lossy());
    }
    rd_kafka_conf_set_log_cb(c, Some(log_cb));
    c
}
pub(crate) fn kvs(pairs: &[(&str, &str)], extra: &[String]) -> Vec<(String, String)> {
    let mut v: Vec<(String, String)> = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    for e in extra {
        let (k, x) = e.split_once('=').expect("k=v");
        v.push((k.into(), x.into()));
    }
    v
}
pub(crate) unsafe fn check(e: *mut rd_kafka_error_t, what: &str) {
    if !e.is_null() {
        let s = CStr::from_ptr(rd_kafka_error_string(e)).to_string_lossy().into_owned();
        panic!("{what}: {s} retriable={} abort={}", rd_kafka_error_is_retriable(e), rd_kafka_error_txn_requires_abort(e));
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Dr {
    Cb,
    None,
}
pub(crate) struct Prod {
    pub(crate) rk: *mut rd_kafka_t,
    pub(crate) topics: HashMap<String, *mut rd_kafka_topic_t>,
    pub(crate) txn: bool,
}
unsafe impl Send for Prod {}
unsafe impl Sync for Prod {}
impl Prod {
    pub(crate) fn new(kv: &[(String, String)], topics: &[&str], txn: bool, dr: Dr) -> Prod {
        unsafe {
            let c = conf(kv);
            if dr == Dr::Cb {
                rd_kafka_conf_set_dr_msg_cb(c, Some(dr_cb));
            }
            let mut e = [0 as c_char; 512];
            let rk = rd_kafka_new(rd_kafka_type_t::RD_KAFKA_PRODUCER, c, e.as_mut_ptr(), e.len());
            assert!(!rk.is_null(), "producer: {}", CStr::from_ptr(e.as_ptr()).to_string_lossy());
            let topics = topics.iter().map(|t| (t.to_string(), rd_kafka_topic_new(rk, cs(t).as_ptr(), std::ptr::null_mut()))).collect();
            if txn {
                check(rd_kafka_init_transactions(rk, 30_000), "init_transactions");
            }
            Prod { rk, topics, txn }
        }
    }
    pub(crate) fn produce(&self, rkt: *mut rd_kafka_topic_t, key: &[u8], val: &[u8]) {
        unsafe {
            while rd_kafka_produce(
                rkt,
                -1,
                RD_KAFKA_MSG_F_COPY as c_int,
                val.as_ptr() as *mut c_void,
                val.len(),
                key.as_ptr() as *const c_void,
                key.len(),
                std::ptr::null_mut(),
            ) != 0
            {
                let e = rd_kafka_last_error();
                assert!(e == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__QUEUE_FULL, "produce: {e:?}");
                rd_kafka_poll(self.rk, 10);
            }
        }
    }
    pub(crate) fn begin(&self) {
        if self.txn {
            unsafe { check(rd_kafka_begin_transaction(self.rk), "begin") }
        }
    }
    pub(crate) fn flush(&self) {
        unsafe { while rd_kafka_flush(self.rk, 10_000) as i32 != 0 {} }
    }
    pub(crate) fn commit(&self) {
        unsafe { check(rd_kafka_commit_transaction(self.rk, -1), "commit") }
    }
    pub(crate) fn send_offsets(&self, l: *const rd_kafka_topic_partition_list_t, g: *const rd_kafka_consumer_group_metadata_t) {
        unsafe { check(rd_kafka_send_offsets_to_transaction(self.rk, l, g, -1), "send_offsets") }
    }
}

pub(crate) fn prod_conf(a: &Args, txn_id: Option<&str>) -> Vec<(String, String)> {
    let mut kv = kvs(
        &[
            ("bootstrap.servers", a.bootstrap()),
            ("broker.address.family", "v4"),
            ("client.id", "ceiling"),
            ("enable.idempotence", "true"),
            ("partitioner", "murmur2_random"),
            ("linger.ms", a.str("linger", "0")),
            ("retry.backoff.ms", a.str("retry-backoff", "1")),
            ("retry.backoff.max.ms", a.str("retry-backoff-max", "1000")),
            ("queue.buffering.max.messages", "1000000"),
            ("queue.buffering.max.kbytes", "1048576"),
        ],
        &[],
    );
    if let Some(t) = txn_id {
        kv.push(("transactional.id".into(), t.into()));
        kv.push(("transaction.timeout.ms".into(), "60000".into()));
    }
    if a.flag("eos-debug") {
        kv.push(("debug".into(), "eos".into()));
    }
    kv.extend(kvs(&[], &a.all("set")));
    kv
}

pub(crate) struct Cons {
    pub(crate) rk: *mut rd_kafka_t,
    pub(crate) q: *mut rd_kafka_queue_t,
}
unsafe impl Send for Cons {}
unsafe impl Sync for Cons {}

pub(crate) unsafe fn new_consumer(a: &Args, group: &str, topics: &[&str]) -> Cons {
    let kv = kvs(
        &[
            ("bootstrap.servers", a.bootstrap()),
            ("broker.address.family", "v4"),
            ("client.id", "ceiling"),
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("isolation.level", if a.flag("plain") && !a.flag("rc") { "read_uncommitted" } else { "read_committed" }),
            ("auto.offset.reset", a.str("reset", "earliest")),
            ("fetch.wait.max.ms", a.str("fetch-wait", "500")),
            ("partition.assignment.strategy", "range"),
            ("session.timeout.ms", "10000"),
        ],
        &a.all("cset"),
    );
    let c = conf(&kv);
    let mut e = [0 as c_char; 512];
    let rk = rd_kafka_new(rd_kafka_type_t::RD_KAFKA_CONSUMER, c, e.as_mut_ptr(), e.len());
    assert!(!rk.is_null(), "consumer: {}", CStr::from_ptr(e.as_ptr()).to_string_lossy());
    rd_kafka_poll_set_consumer(rk);
    let l = rd_kafka_topic_partition_list_new(1);
    for t in topics {
        rd_kafka_topic_partition_list_add(l, cs(t).as_ptr(), -1);
    }
    assert!(rd_kafka_subscribe(rk, l) as i32 == 0);
    rd_kafka_topic_partition_list_destroy(l);
    Cons { rk, q: rd_kafka_queue_get_consumer(rk) }
}
pub(crate) unsafe fn assigned(c: &Cons) -> i32 {
    let mut l = std::ptr::null_mut();
    rd_kafka_assignment(c.rk, &mut l);
    if l.is_null() {
        return 0;
    }
    let n = (*l).cnt;
    rd_kafka_topic_partition_list_destroy(l);
    n
}
/// Put all assigned partitions back to the committed position (or the start): what was polled while the group settled is read again.
pub(crate) unsafe fn rewind(c: &Cons, latest: bool) {
    let mut l = std::ptr::null_mut();
    rd_kafka_assignment(c.rk, &mut l);
    rd_kafka_committed(c.rk, l, 10_000);
    for i in 0..(*l).cnt {
        let e = (*l).elems.offset(i as isize);
        if (*e).offset < 0 {
            (*e).offset = if latest { -1 } else { -2 };
        }
    }
    check(rd_kafka_seek_partitions(c.rk, l, 10_000), "seek");
    rd_kafka_topic_partition_list_destroy(l);
}
