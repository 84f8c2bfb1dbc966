//! The loops of a worker: a commit after each batch, no transaction at all, or a commit on another thread meanwhile.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{mpsc, Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::bindings::*;

use crate::client::*;
use crate::millis;
use crate::worker::*;

pub(crate) fn run_serial(w: &mut Worker, cfg: &Cfg) {
    while !w.done(cfg) {
        let tw = Instant::now();
        if w.poll(cfg.batch.min(4096), Duration::from_millis(100), cfg.one_by_one) == 0 {
            continue;
        }
        let t0 = Instant::now();
        w.st.wait_ms.push(millis(t0 - tw));
        let mut out = Outs::default();
        let of = cfg.offsets_first;
        if !of {
            w.p.begin();
        }
        let mut emit = |p: &Prod, t, k: &[u8], v: &[u8]| if of { out.push(t, k, v) } else { p.produce(t, k, v) };
        let mut offs = Offs::default();
        let mut n = w.handle(&mut offs, &mut emit);
        while (n as usize) < cfg.batch {
            let wait = match cfg.commit {
                Some(t) => match t.checked_sub(t0.elapsed()) {
                    Some(d) if d.as_millis() > 0 => d,
                    _ => break,
                },
                None => Duration::ZERO,
            };
            if cfg.commit.is_none() && t0.elapsed() > Duration::from_millis(200) {
                break;
            }
            if w.poll((cfg.batch - n as usize).min(4096), wait, cfg.one_by_one) == 0 && cfg.commit.is_none() {
                break;
            }
            n += w.handle(&mut offs, &mut emit);
        }
        if n == 0 {
            // Only error events came: nothing to commit, but the transaction is open and empty (a local no-op to commit).
            if !of {
                w.p.commit();
            }
            continue;
        }
        let (p, c) = (w.p.clone(), w.c.clone());
        commit_job(&p, &c, Job { offs, n, t0, out: of.then_some(out) }, &mut w.st);
    }
}

pub(crate) fn run_plain(w: &mut Worker, cfg: &Cfg) {
    // Idempotent producer, at-least-once: offsets committed every 100 ms, after a flush.
    let mut offs = Offs::default();
    let mut last = Instant::now();
    let mut since = 0u64;
    while !w.done(cfg) {
        if w.poll(4096, Duration::from_millis(20), cfg.one_by_one) > 0 {
            let n = w.handle(&mut offs, |p, t, k, v| p.produce(t, k, v));
            w.st.records += n;
            since += n;
            RECORDS.fetch_add(n, Relaxed);
        }
        unsafe { rd_kafka_poll(w.p.rk, 0) };
        if since > 0 && last.elapsed() > Duration::from_millis(100) {
            w.p.flush();
            unsafe {
                let l = offs.list();
                rd_kafka_commit(w.c.rk, l, 1);
                rd_kafka_topic_partition_list_destroy(l);
            }
            last = Instant::now();
            since = 0;
            w.st.txns += 1;
        }
    }
    w.p.flush();
}

unsafe extern "C" fn wake_cb(_: *mut rd_kafka_t, o: *mut c_void) {
    (*(o as *const std::thread::Thread)).unpark();
}

/// The commit (offsets, flush, EndTxn) runs on a helper thread; meanwhile this thread polls, computes and buffers its outputs.
pub(crate) fn run_pipeline(w: &mut Worker, cfg: &Cfg) {
    let me = Box::leak(Box::new(std::thread::current()));
    unsafe { rd_kafka_queue_cb_event_enable(w.c.q, Some(wake_cb), me as *mut _ as *mut c_void) };
    let (tx, rx) = mpsc::channel::<Job>();
    let busy = Arc::new(AtomicBool::new(false));
    let stats = Arc::new(Mutex::new(Stats::default()));
    let (p, c, b2, s2, th) = (w.p.clone(), w.c.clone(), busy.clone(), stats.clone(), std::thread::current());
    let h = std::thread::spawn(move || {
        while let Ok(j) = rx.recv() {
            commit_job(&p, &c, j, &mut s2.lock().unwrap());
            b2.store(false, Release);
            th.unpark();
        }
    });
    let of = cfg.offsets_first;
    let mut out = Outs::default();
    let mut offs = Offs::default();
    let mut n = 0u64;
    let mut begun = false;
    let mut t0 = Instant::now();
    while !w.done(cfg) {
        let in_flight = busy.load(Acquire);
        if !in_flight && !begun && !of && n > 0 {
            // The commit returned while outputs were waiting.
            w.p.begin();
            begun = true;
            out.produce_all(&w.p);
        }
        let room = cfg.batch.saturating_sub(n as usize);
        let mut got = 0;
        if room > 0 {
            got = w.poll(room.min(4096), Duration::ZERO, cfg.one_by_one);
            if got > 0 {
                if n == 0 {
                    t0 = Instant::now();
                    if !in_flight && !of && !begun {
                        w.p.begin();
                        begun = true;
                    }
                }
                let direct = begun;
                n += w.handle(&mut offs, |p, t, k, v| if direct { p.produce(t, k, v) } else { out.push(t, k, v) });
            }
        }
        if !in_flight && n > 0 && (begun || of) {
            let full = n as usize >= cfg.batch;
            let timeup = cfg.commit.map_or(t0.elapsed() > Duration::from_millis(200), |t| t0.elapsed() >= t);
            let drained = got == 0 && cfg.commit.is_none();
            if full || timeup || drained {
                busy.store(true, Release);
                let o = of.then(|| std::mem::take(&mut out));
                tx.send(Job { offs: std::mem::take(&mut offs), n, t0, out: o }).unwrap();
                n = 0;
                begun = false;
                continue;
            }
        }
        if got == 0 {
            std::thread::park_timeout(if n > 0 && !in_flight { Duration::from_millis(1) } else { Duration::from_millis(100) });
        }
    }
    drop(tx);
    h.join().unwrap();
    let s = std::mem::take(&mut *stats.lock().unwrap());
    w.st = s;
}
