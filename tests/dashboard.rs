//! Every query of the shipped dashboard, asked of a real Prometheus that scrapes a working Waybill: each must be
//! understood, and those about things that a working Waybill always does must have an answer.
#![cfg(all(feature = "kafka", feature = "rocksdb"))]
#![allow(clippy::unwrap_used)]

#[path = "support/live/mod.rs"]
mod live;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use live::app::{App, Shape};
use live::broker::Broker;
use live::sender::Partitioner;
use live::shop::{Load, Shop};
use live::wait_until;
use serde_json::Value;

/// Ends with the test.
struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// On the PATH, or where `scripts/setup.sh test` puts it.
fn program() -> PathBuf {
    let cache =
        std::env::var_os("XDG_CACHE_HOME").map_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".cache"), PathBuf::from);
    let installed = cache.join("waybill/prometheus/usr/bin/prometheus");
    if installed.exists() { installed } else { "prometheus".into() }
}

fn ask(address: &str, query: &str) -> Value {
    let mut response = ureq::get(format!("http://{address}/api/v1/query")).config().http_status_as_error(false).build();
    response = response.query("query", query);
    serde_json::from_str(&response.call().unwrap().body_mut().read_to_string().unwrap()).unwrap()
}

/// What a Waybill without trouble has nothing to show for.
const MAY_BE_EMPTY: [&str; 5] = ["dead_letters", "result!=", "restored", "restore_remaining", "rejected"];

#[test]
fn every_panel_has_an_answer() {
    let broker = Broker::start("dashboard");
    let app = App::new(&broker, "dashboard", Shape::default());
    let waybill = app.run(0).ready();
    let mut shop = Shop::new(&app, 7, Partitioner::Murmur2);
    shop.fill_shelves();
    let load = Load::start(shop, 50);

    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("prometheus.yml");
    let scrape = format!(
        "global: {{scrape_interval: 500ms}}\nscrape_configs: [{{job_name: waybill, static_configs: [{{targets: ['{}']}}]}}]\n",
        waybill.http()
    );
    std::fs::write(&config, scrape).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let child = Command::new(program())
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Prometheus; `make setup-test` installs it");
    let _prometheus = Prometheus(child);
    // It listens before it can answer.
    let is_ready = || ureq::get(format!("http://{address}/-/ready")).call().is_ok_and(|answer| answer.status() == 200);
    wait_until(Duration::from_secs(30), is_ready, || "Prometheus does not get ready".into());
    let decided = "sum(rate(waybill_decisions_total[5s])) > 0";
    let has = |query: &str| ask(&address, query)["data"]["result"].as_array().is_some_and(|r| !r.is_empty());
    wait_until(Duration::from_secs(40), || has(decided), || format!("no answer to {decided}"));

    let dashboard = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/grafana/dashboards/waybill.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    let mut asked = 0;
    let mut wrong = vec![];
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap().replace("$__rate_interval", "10s").replace("$instance", ".*");
            let answer = ask(&address, &query);
            let empty = answer["data"]["result"].as_array().is_none_or(Vec::is_empty);
            if answer["status"] != "success" || (empty && !MAY_BE_EMPTY.iter().any(|part| query.contains(part))) {
                wrong.push(format!("{}: {query}: {answer}", panel["title"]));
            }
            asked += 1;
        }
    }
    load.stop();
    assert!(asked >= 20, "the dashboard has {asked} queries");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
