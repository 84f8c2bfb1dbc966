//! Stops in order, and starts without the state that was there.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::live::app::{App, Shape};
use crate::live::broker::Broker;
use crate::live::process::Process;
use crate::live::sender::Partitioner;
use crate::live::shop::{Load, Shop};

fn open_shop(app: &App, seed: u64, per_second: u32) -> Load {
    let mut shop = Shop::new(app, seed, Partitioner::Murmur2);
    shop.fill_shelves();
    Load::start(shop, per_second)
}

pub fn a_stop_under_load_is_quick_and_clean(broker: &Broker) {
    let app = App::new(broker, "stop", Shape::default());
    let load = open_shop(&app, 31, 300);
    for workers in [1, 3, 1] {
        let mut process = app.run(0).workers(workers).ready();
        std::thread::sleep(Duration::from_secs(2));
        let took = process.terminate();
        println!("stopped {workers} workers under load in {took:?}");
        assert!(took < Duration::from_secs(5), "it took {took:?}\n{}", process.tail());
        app.assert_no_open_transaction();
    }
    let mut last = app.run(0).ready();
    load.stop();
    app.settle();
    app.verify();
    last.terminate();
    app.assert_no_open_transaction();
}

/// Everything comes back from the changelogs, and every question has the answer it had before.
pub fn deleted_state_is_restored(broker: &Broker) {
    let app = App::new(broker, "restore", Shape::default());
    let load = open_shop(&app, 32, 400);
    let mut process = app.run(0).workers(2).ready();
    std::thread::sleep(Duration::from_secs(5));
    let orders = load.stop().orders;
    app.settle();
    let before = answers(&app, &process);
    assert!(before.len() as u64 > orders / 10, "every tenth order has an answer, and every SKU");
    process.terminate();
    std::fs::remove_dir_all(app.state_dir()).unwrap();
    process = app.run(0).workers(2).ready();
    let (records, rebuilt) = process.restored();
    println!("restored {rebuilt} tasks from {records} changelog records");
    assert_eq!(rebuilt, 8, "{}", process.tail());
    // What was restored in bulk stays, even if the process dies before it has written anything of its own.
    process.kill();
    process = app.run(0).workers(2).ready();
    assert_eq!(process.restored().1, 0, "{}", process.tail());
    app.settle();
    let after = answers(&app, &process);
    for (path, answer) in &before {
        assert_eq!(after.get(path), Some(answer), "{path} has another answer after the restore");
    }
    app.verify();
    process.terminate();
    // And once more with the restored state.
    process = app.run(0).workers(1).ready();
    assert_eq!(process.restored().1, 0, "{}", process.tail());
    process.terminate();
}

/// What the process says about every tenth order and about every SKU that was ever heard of.
fn answers(app: &App, process: &Process) -> BTreeMap<String, Value> {
    let ids = app.reader.order_events(&app.topic("order-events")).into_keys();
    let mut keys: Vec<String> = ids.step_by(10).map(|id| format!("/orders/{id}")).collect();
    let mut skus: Vec<String> = app.reader.read(&app.topic("stock-movements")).iter().map(|m| m.key_text().to_owned()).collect();
    skus.sort();
    skus.dedup();
    keys.extend(skus.into_iter().map(|sku| format!("/stock/{sku}")));
    keys.into_iter()
        .map(|path| {
            let (status, body) = process.get(&path);
            assert_eq!(status, 200, "{path}: {body}");
            let mut answer: Value = serde_json::from_str(&body).unwrap();
            // A forecast is as of when it is asked for.
            if let Some(forecast) = answer.get_mut("forecast").and_then(Value::as_object_mut) {
                forecast.remove("at");
            }
            (path, answer)
        })
        .collect()
}
