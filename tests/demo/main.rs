//! `waybill demo` through the real binary: its figures against the shipped files, against each other and against the
//! auditor; the same seed twice; and what it serves afterwards.
#![allow(clippy::unwrap_used, clippy::format_push_string)]

mod fleet;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Counted from `data/online-retail/*.csv` by another program:
/// ```text
/// python3 -c '
/// import csv, glob
/// rows = [r for f in glob.glob("data/online-retail/*.csv") for r in csv.DictReader(open(f))]
/// goods = [r for r in rows if r["StockCode"][0].isdigit()]
/// sold = [r for r in goods if r["InvoiceNo"][0] != "C" and int(r["Quantity"]) > 0]
/// back = [r for r in goods if r["InvoiceNo"][0] == "C"]
/// print(len(rows), len({r["InvoiceNo"] for r in sold}), len(sold), sum(int(r["Quantity"]) for r in sold))
/// print(len({r["StockCode"] for r in sold}), len({r["InvoiceNo"] for r in back}), len(back))
/// print(sum(int(r["Quantity"]) * round(100 * float(r["UnitPrice"])) for r in sold))'
/// ```
const ROWS: i64 = 19_632;
const ORDERS: i64 = 754;
const LINES: usize = 19_263;
const UNITS: i64 = 161_507;
const SKUS: usize = 2_374;
const CANCELLATIONS: i64 = 88;
const CANCELLED_LINES: i64 = 240;
const PENCE: i64 = 35_919_605;

/// Orders of the latency measurement.
const PACED: i64 = 2_000;

fn waybill(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

fn run(arguments: &[&str]) -> Output {
    waybill(arguments).output().unwrap()
}

/// Standard output of a demo that ended well.
fn demo(arguments: &[&str]) -> String {
    let output = run(&[&["demo", "--exit"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    text
}

/// Everything but what was measured.
fn without_speed(text: &str) -> String {
    let (before, after) = text.split_once("\nSPEED\n").unwrap();
    let rest = before.to_owned() + &after[after.find("\nAUDIT\n").unwrap()..];
    // A van that has left its route gets a new one when the planner has it, as in life: what it tells until then depends on
    // the moment.
    let depends = |line: &&str| !["10 minutes before", "told on the way"].iter().any(|head| line.trim_start().starts_with(head));
    rest.lines().filter(depends).collect::<Vec<_>>().join("\n")
}

/// The numbers of the line under `section` that begins with `name`.
fn figures(text: &str, section: &str, name: &str) -> Vec<i64> {
    let (_, section) = text.split_once(&format!("\n{section}")).unwrap_or_else(|| panic!("no {section} in {text}"));
    let section = section.split("\n\n").next().unwrap();
    let line =
        section.lines().find_map(|line| line.strip_prefix(&format!("  {name}  "))).unwrap_or_else(|| panic!("no {name} in {section}"));
    let line = line.replace(',', "").replace("invalid_utf8", "");
    let numbers = line.split(|c: char| !(c.is_ascii_digit() || c == '-')).filter(|word| !word.is_empty());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

fn figure(text: &str, section: &str, name: &str) -> i64 {
    figures(text, section, name)[0]
}

/// What every summary has to say, whatever the seed.
fn adds_up(text: &str) {
    let first = text.lines().nth(2).unwrap().replace(',', "");
    assert!(first.ends_with(&format!("{ROWS} invoice lines.")), "{first}");
    let second = text.lines().nth(3).unwrap().replace(',', "");
    let files = format!("{LINES} are goods of {ORDERS} orders {CANCELLED_LINES} of {CANCELLATIONS} cancellations;");
    assert!(second.starts_with(&files), "{second}");

    let of = |name| figure(text, "ORDERS", name);
    assert_eq!(of("accepted") + of("refused"), ORDERS);
    let refused = figures(text, "ORDERS", "refused");
    assert_eq!(refused[1..].iter().sum::<i64>(), refused[0], "reasons");
    assert!(refused[0] > 10 && refused[0] < ORDERS / 4, "some goods run out: {refused:?}");
    let cancelled = figures(text, "ORDERS", "cancelled lines");
    assert_eq!((cancelled[0], cancelled[1..].iter().sum()), (CANCELLED_LINES, CANCELLED_LINES));
    for name in ["paid", "expired holds", "cancelled", "shipped", "returned", "refunds required"] {
        assert!(of(name) > 0, "{name}");
    }

    let unit = |name| figure(text, "UNITS", name);
    let received = figures(text, "UNITS", "received");
    let counts = figures(text, "UNITS", "counts");
    let on_hand = received[0] - received[1] - unit("sold") + unit("returned") + counts[1];
    assert_eq!(on_hand, unit("available") + unit("held"), "what came and did not go is there");

    let dead = figures(text, "DEAD LETTERS", "records");
    assert_eq!(dead[1..].iter().sum::<i64>(), dead[0]);
    let tightest = text.split_once("TIGHTEST ARTICLES").unwrap().1.split_once("\n\n").unwrap().0;
    assert_eq!(tightest.lines().skip(1).filter(|line| !line.contains("below zero")).count(), 10);

    assert_eq!(figure(text, "AUDIT", "decisions"), ORDERS + PACED);
    assert_eq!(figure(text, "AUDIT", "dead letters"), dead[0]);
    assert_eq!(figure(text, "AUDIT", "duplicates"), figure(text, "DEAD LETTERS", "duplicates"));
    assert_eq!(figure(text, "AUDIT", "still open"), 0);
    assert!(text.contains("\n  every invariant holds: 0 violations\n"));
    fleet::adds_up(text);
    let [p50, p99] = latency(text);
    assert!(0.0 < p50 && p50 <= p99, "{p50} {p99}");
}

fn latency(text: &str) -> [f64; 2] {
    let line = text.lines().find(|line| line.contains("order to decision")).unwrap();
    ["p50 ", "p99 "].map(|name| line.split_once(name).unwrap().1.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn the_same_seed_gives_the_same_figures_and_another_seed_others() {
    let once = demo(&["--seed", "5"]);
    adds_up(&once);
    assert!(once.starts_with("Waybill demo, seed 5\n"));
    assert_eq!(without_speed(&once), without_speed(&demo(&["--seed", "5"])));
    let other = demo(&["--seed", "6"]);
    adds_up(&other);
    assert_ne!(figures(&once, "UNITS", "received"), figures(&other, "UNITS", "received"));
}

#[test]
fn several_workers_keep_every_promise_too() {
    let text = demo(&["--workers", "3"]);
    adds_up(&text);
    assert!(text.contains("figures differ from run to run"));
}

#[test]
fn the_dump_holds_the_invoices_and_passes_the_audit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.jsonl");
    let path = path.to_str().unwrap();
    let text = demo(&["--dump", path]);
    let verified = run(&["verify", "--json", "--dump", path]);
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert!(verified.status.success() && report["ok"] == true, "{report}");
    for (name, section, row) in
        [("inputs", "AUDIT", "input records"), ("movements", "AUDIT", "movements"), ("order_events", "AUDIT", "order events")]
    {
        assert_eq!(report["counts"][name].as_i64(), Some(figure(&text, section, row)), "{name}");
    }
    assert_eq!(report["counts"]["rejected"].as_i64(), Some(figure(&text, "ORDERS", "refused")));

    // What was placed is what the files say, whoever counts.
    let mut placed: BTreeMap<String, Value> = BTreeMap::new();
    auditor::dump::read(BufReader::new(std::fs::File::open(path).unwrap()), |record| {
        let Ok(value) = serde_json::from_slice::<Value>(record.value.unwrap_or_default()) else { return };
        let id = value["order_id"].as_str().unwrap_or_default().to_owned();
        if record.topic == "orders" && value["type"] == "place" && id.parse::<u32>().is_ok() {
            placed.entry(id).or_insert(value);
        }
    })
    .unwrap();
    let lines: Vec<&Value> = placed.values().flat_map(|order| order["lines"].as_array().unwrap()).collect();
    let quantity = |line: &Value| line["quantity"].as_i64().unwrap();
    assert_eq!((placed.len() as i64, lines.len()), (ORDERS, LINES));
    assert_eq!(lines.iter().map(|line| quantity(line)).sum::<i64>(), UNITS);
    assert_eq!(lines.iter().map(|line| quantity(line) * line["unit_price"].as_i64().unwrap()).sum::<i64>(), PENCE);
    assert_eq!(lines.iter().map(|line| line["sku"].as_str().unwrap()).collect::<BTreeSet<_>>().len(), SKUS);
}

#[test]
fn state_may_be_kept_in_rocksdb() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().to_str().unwrap();
    if cfg!(feature = "rocksdb") {
        let in_memory = demo(&["--seed", "5"]);
        for _ in 0..2 {
            assert_eq!(without_speed(&demo(&["--seed", "5", "--state-dir", state])), without_speed(&in_memory));
            assert!(Path::new(state).join("orders-0").is_dir());
        }
    } else {
        let output = run(&["demo", "--exit", "--state-dir", state]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1));
        assert!(error.contains("built without RocksDB") && error.contains("STORE=rocksdb"), "{error}");
    }
}

/// A demo that serves; ended with the test.
struct Serving {
    child: Child,
    base: String,
    summary: String,
    client: ureq::Agent,
}

impl Serving {
    fn start() -> Serving {
        let mut child = waybill(&["demo", "--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut summary = String::new();
        let base = loop {
            let line = lines.next().expect("it serves in the end").unwrap();
            summary += &format!("{line}\n");
            if let Some((_, rest)) = line.split_once("Waybill goes on at ") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        // What follows is for the person in front of it, to the last line: it must not write to nobody.
        for line in lines.by_ref() {
            summary += &format!("{}\n", line.unwrap());
            if summary.ends_with("says otherwise.\n") {
                break;
            }
        }
        assert_eq!(summary.matches(&format!("curl {base}")).count() + summary.matches(&format!("curl -N {base}")).count(), 5);
        let client = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build().into();
        Serving { child, base, summary, client }
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let mut response = self.client.get(format!("{}{path}", self.base)).call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn post(&self, path: &str, body: &[u8]) -> (u16, Value) {
        let mut response = self.client.post(format!("{}{path}", self.base)).send(body).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The values of a stream, as they come.
    fn follow(&self, path: &str) -> impl Iterator<Item = Value> + use<> {
        let response = self.client.get(format!("{}{path}", self.base)).call().unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let lines = BufReader::new(response.into_body().into_reader()).lines().map(Result::unwrap);
        lines.filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_order_by_http_is_answered_held_paid_and_in_the_books() {
    let demo = Serving::start();
    adds_up(&demo.summary);
    let stock = |sku: &str| demo.get(&format!("/stock/{sku}")).1;
    let before = stock("85123A");

    let mut answers =
        demo.follow("/topics/order-events").filter(|event| event["order_id"].as_str().is_some_and(|id| id.starts_with("mine")));
    let place = json!({ "type": "place", "order_id": "mine-1", "currency": "GBP", "lines": [{ "sku": "85123A", "quantity": 6, "unit_price": 255 }] });
    let (status, receipt) = demo.post("/topics/orders", place.to_string().as_bytes());
    assert_eq!((status, receipt["topic"].as_str(), receipt["key"].as_str()), (202, Some("orders"), Some("mine-1")));
    let accepted = answers.next().unwrap();
    assert_eq!((accepted["type"].as_str(), accepted["order_id"].as_str()), (Some("accepted"), Some("mine-1")));
    assert_eq!((&accepted["cause"]["partition"], &accepted["cause"]["offset"]), (&receipt["partition"], &receipt["offset"]));
    assert_eq!(demo.get("/orders/mine-1").1["status"], "accepted");
    let held = |level: &Value| (level["on_hand"].as_i64().unwrap(), level["reserved"].as_i64().unwrap());
    assert_eq!(held(&stock("85123A")), (held(&before).0, held(&before).1 + 6));

    let payment = json!({ "payment_id": "P-mine", "order_id": "mine-1", "status": "captured", "amount": 1530, "currency": "GBP" });
    assert_eq!(demo.post("/topics/payments", payment.to_string().as_bytes()).0, 202);
    assert_eq!(answers.next().unwrap()["type"], "paid");
    assert_eq!(held(&stock("85123A")), (held(&before).0 - 6, held(&before).1));

    // A SKU that nobody knows until it comes; and time goes on by the wall.
    let place =
        |id: &str| json!({ "type": "place", "order_id": id, "hold_seconds": 1, "lines": [{ "sku": "NEW", "quantity": 1 }] }).to_string();
    demo.post("/topics/orders", place("mine-2").as_bytes());
    let refused = answers.next().unwrap();
    assert_eq!((&refused["type"], &refused["reason"]), (&json!("rejected"), &json!("unknown_sku")));
    let restock = json!({ "restock_id": "R-NEW", "sku": "NEW", "quantity": 1, "kind": "received" }).to_string();
    assert_eq!(demo.post("/topics/restocks", restock.as_bytes()).0, 202);
    // Two topics have no common order: the restock counts once it is decided.
    let until = Instant::now() + Duration::from_secs(30);
    while stock("NEW")["on_hand"] != 1 {
        assert!(Instant::now() < until, "the restock is not decided");
        std::thread::sleep(Duration::from_millis(10));
    }
    demo.post("/topics/orders", place("mine-3").as_bytes());
    assert_eq!(answers.next().unwrap()["type"], "accepted");
    assert_eq!(answers.next().unwrap()["type"], "expired", "nobody sends anything, and yet time passes");

    // A shipment of the days, by its first event: all of its stops have an end.
    let event = demo.follow("/topics/shipment-events?from=beginning").next().unwrap();
    let [shipment, vehicle] = ["shipment_id", "vehicle_id"].map(|field| event[field].as_str().unwrap().to_owned());
    let (status, shown) = demo.get(&format!("/shipments/{shipment}?vehicle={vehicle}"));
    assert_eq!((status, &shown["shipment_id"], &shown["vehicle_id"]), (200, &event["shipment_id"], &event["vehicle_id"]));
    assert!(["completed", "recalled"].iter().any(|ended| shown["status"] == *ended), "{shown}");
    assert!(!shown["stops"].as_array().unwrap().is_empty(), "{shown}");
    assert!(shown["stops"].as_array().unwrap().iter().all(|stop| stop["state"] != "open"), "{shown}");
    let (status, shown) = demo.get(&format!("/vehicles/{vehicle}"));
    assert_eq!((status, &shown["state"], &shown["shipments"]), (200, &json!("silent"), &json!([])), "{shown}");
    assert_eq!(demo.get(&format!("/shipments/{shipment}")).1["error"], "missing_vehicle");

    // From the beginning: the first invoice is there, and so is ours.
    let mut all = demo.follow("/topics/order-events?from=beginning");
    let mut wanted: BTreeSet<&str> = ["536365", "mine-1", "mine-3"].into();
    while !wanted.is_empty() {
        let event = all.next().unwrap();
        wanted.remove(event["order_id"].as_str().unwrap());
    }
}

#[test]
fn what_cannot_be_a_record_is_refused_with_a_reason() {
    let mut demo = Serving::start();
    for (path, body, status, word, says) in [
        ("/topics/orders", &b"{\"type\":"[..], 400, "invalid_json", "no JSON"),
        ("/topics/orders", b"\xff", 400, "invalid_json", "no JSON"),
        ("/topics/orders", b"[1]", 400, "missing_key", "`order_id`"),
        ("/topics/orders", b"{\"order_id\":7}", 400, "missing_key", "`order_id`"),
        ("/topics/payments", b"{\"sku\":\"85123A\"}", 400, "missing_key", "`order_id`"),
        ("/topics/restocks", b"{\"order_id\":\"1\"}", 400, "missing_key", "`sku`"),
        ("/topics/order-events", b"{}", 404, "unknown_topic", "orders, payments"),
        ("/topics/waybill-orders-inbox", b"{}", 404, "unknown_topic", "none of them"),
    ] {
        let (found, error) = demo.post(path, body);
        assert_eq!((found, error["error"].as_str()), (status, Some(word)), "{path} {error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
    // Refused before it is read: a client that still sends may see the connection end instead.
    let large = demo.client.post(format!("{}/topics/orders", demo.base)).send(&vec![b' '; (1 << 20) + 1][..]);
    assert!(large.is_err() || large.is_ok_and(|response| response.status() == 413));
    assert_eq!(demo.get("/topics/waybill-orders-changelog").0, 404);
    assert_eq!(demo.get("/topics/orders?from=tomorrow").1["error"], "invalid_from");
    assert_eq!(demo.get("/orders/nobody").0, 404);
    assert_eq!(demo.get("/health").0, 200);
    // A record that is JSON and no order is Waybill's to judge, as on Kafka.
    let mut dead = demo.follow("/topics/dead-letters");
    assert_eq!(demo.post("/topics/orders", br#"{"order_id":"odd","type":"guess"}"#).0, 202);
    assert_eq!(dead.next().unwrap()["order_id"], "odd");

    // The port is taken, which is said before anything is replayed.
    let port = demo.base.rsplit_once(':').unwrap().1.to_owned();
    let second = run(&["demo", "--port", &port]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("--port"));
    assert!(second.stdout.is_empty());

    // SIGTERM ends it with exit 0.
    let killed = Command::new("kill").arg(demo.child.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert!(demo.child.wait().unwrap().success());
}
