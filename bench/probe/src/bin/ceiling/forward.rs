//! Sets up workers for one hop or more, waits for their groups to settle, runs them and reports.

use std::sync::atomic::Ordering::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

use probe::*;
use rdkafka::bindings::*;
use serde_json::json;

use crate::client::*;
use crate::run::{run_pipeline, run_plain, run_serial};
use crate::worker::*;

pub(crate) fn forward(a: &Args) {
    unsafe {
        libc::signal(libc::SIGTERM, on_sig as *const () as usize);
        libc::signal(libc::SIGINT, on_sig as *const () as usize);
    }
    let hops: Vec<String> = a.str("hops", "orders,order-events").split(',').map(String::from).collect();
    let one = a.str("mode", "threads") == "one";
    let threads: usize = a.num("threads", 1);
    let group = a.str("group", "ceiling").to_string();
    let plain = a.flag("plain");
    let adaptive = a.flag("adaptive") || a.opt("commit-ms").is_none();
    let cfg = Arc::new(Cfg {
        commit: if adaptive { None } else { Some(Duration::from_millis(a.num("commit-ms", 100))) },
        batch: a.num("batch", 10_000),
        plain,
        pipeline: a.flag("pipeline"),
        offsets_first: a.flag("offsets-first"),
        one_by_one: a.flag("one-by-one"),
        stop_after: a.num("stop-after", 0),
    });
    // Work units: (group, input topics with their outputs)
    let mut units: Vec<(String, Vec<(String, String)>)> = vec![];
    let pairs: Vec<(String, String)> = hops.windows(2).map(|w| (w[0].clone(), w[1].clone())).collect();
    for _ in 0..threads {
        if one {
            units.push((group.clone(), pairs.clone()));
        } else {
            for (i, p) in pairs.iter().enumerate() {
                units.push((format!("{group}-{i}"), vec![p.clone()]));
            }
        }
    }
    let mut ws: Vec<Worker> = vec![];
    for (i, (g, routes)) in units.iter().enumerate() {
        let outs: Vec<&str> = routes.iter().map(|r| r.1.as_str()).collect();
        let ins: Vec<&str> = routes.iter().map(|r| r.0.as_str()).collect();
        let txn = format!("{group}-{i}");
        let p = Prod::new(&prod_conf(a, if plain { None } else { Some(&txn) }), &outs, !plain, Dr::Cb);
        let c = unsafe { new_consumer(a, g, &ins) };
        let route = routes.iter().map(|(i, o)| (i.clone(), p.topics[o])).collect();
        ws.push(Worker { c: Arc::new(c), p: Arc::new(p), route, by_ptr: vec![], buf: vec![], msgs: vec![], st: Stats::default() });
    }
    // Let the groups settle: poll (and throw away) until every worker has partitions, stable for 500 ms; then rewind.
    let mut stable = Instant::now();
    let mut prev = vec![];
    loop {
        let now: Vec<i32> = ws
            .iter_mut()
            .map(|w| unsafe {
                w.poll(1000, Duration::from_millis(10), false);
                for m in w.msgs.drain(..) {
                    rd_kafka_message_destroy(m);
                }
                assigned(&w.c)
            })
            .collect();
        if now != prev {
            stable = Instant::now();
            prev = now;
        } else if prev.iter().all(|x| *x > 0) && stable.elapsed() > Duration::from_millis(500) {
            break;
        }
    }
    for w in &ws {
        unsafe { rewind(&w.c, a.str("reset", "earliest") == "latest") };
    }
    eprintln!("ceiling: ready pid={} assignments={prev:?}", std::process::id());
    if let Some(f) = a.opt("go-file") {
        while !std::path::Path::new(f).exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let (t0, cpu0) = (Instant::now(), self_cpu());
    let secs: f64 = a.num("secs", 0.0);
    let hs: Vec<_> = ws
        .into_iter()
        .map(|mut w| {
            let cfg = cfg.clone();
            std::thread::spawn(move || {
                if cfg.plain {
                    run_plain(&mut w, &cfg)
                } else if cfg.pipeline {
                    run_pipeline(&mut w, &cfg)
                } else {
                    run_serial(&mut w, &cfg)
                }
                (w, Instant::now())
            })
        })
        .collect();
    if secs > 0.0 {
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs_f64(secs));
            STOP.store(true, SeqCst);
        });
    }
    let done: Vec<_> = hs.into_iter().map(|h| h.join().unwrap()).collect();
    let end = done.iter().map(|d| d.1).max().unwrap();
    let cpu = self_cpu() - cpu0;
    let recs: u64 = done.iter().map(|d| d.0.st.records).sum();
    let el = (end - t0).as_secs_f64();
    let per: Vec<_> = done
        .into_iter()
        .map(|(mut w, _)| {
            json!({"txns": w.st.txns, "records": w.st.records, "batch": summary(&mut w.st.batch),
        "send_offsets_ms": summary(&mut w.st.offsets_ms), "commit_ms": summary(&mut w.st.commit_ms), "txn_ms": summary(&mut w.st.total_ms)})
        })
        .collect();
    println!(
        "{}",
        json!({"records": recs, "secs": (el*1000.0).round()/1000.0, "records_per_s": (recs as f64/el).round(),
        "app_cpu_us_per_record": (cpu*1e6/recs.max(1) as f64*100.0).round()/100.0, "app_cpu_s": (cpu*100.0).round()/100.0,
        "delivery_errors": DR_ERR.load(Relaxed), "workers": per,
        "concurrent_txn_retries": if a.flag("eos-debug") {json!({"all": CONCURRENT.load(Relaxed), "add_partitions": CONC_PARTS.load(Relaxed), "offsets": CONC_OFFS.load(Relaxed)})} else {json!(null)}})
    );
    std::process::exit(0);
}
