//! `waybill verify`: hands every public record to the auditor and prints what it found. Decides nothing itself.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use auditor::{Auditor, Names, Options, Report, dump};
use serde_json::{Value, json};
use waybill::config::Config;

use super::Failure;
use super::args::Verify;

pub fn verify(config: &Config, own: &Verify) -> Result<(), Failure> {
    let report = match &own.dump {
        Some(path) => of_dump(config, path)?,
        None => of_kafka(config, own)?,
    };
    if own.json {
        println!("{:#}", as_json(&report));
    } else {
        print!("{report}");
    }
    if report.counts.records == 0 {
        tracing::warn!("there was nothing to check");
    }
    if report.ok() { Ok(()) } else { Err(Failure::Said) }
}

fn names(config: &Config) -> Names {
    Names::by(|topic| config.topic_name(topic))
}

/// The topics that this Waybill reads and writes, in the order in which the auditor wants them: only they must be there.
#[cfg(feature = "kafka")]
fn known<'a>(config: &Config, names: &'a Names) -> Vec<&'a str> {
    names.topics().into_iter().filter(|name| config.topics.values().any(|topic| topic.name == *name)).collect()
}

/// A dump is of a log that was finished.
fn of_dump(config: &Config, path: &Path) -> Result<Report, Failure> {
    let file = File::open(path).map_err(|e| Failure::Failed(format!("cannot open {}: {e}", path.display())))?;
    let mut auditor = Auditor::new(names(config), Options::default());
    dump::read(BufReader::new(file), |record| auditor.record(record)).map_err(|e| Failure::Failed(format!("{}: {e}", path.display())))?;
    Ok(auditor.finish())
}

#[cfg(not(feature = "kafka"))]
fn of_kafka(_: &Config, _: &Verify) -> Result<Report, Failure> {
    Err(Failure::Failed("this waybill was built without Kafka; audit a file with --dump FILE, or build it with `make build`".into()))
}

#[cfg(feature = "kafka")]
fn of_kafka(config: &Config, own: &Verify) -> Result<Report, Failure> {
    use waybill::log::kafka::history::{History, Settled};

    let names = names(config);
    let history = History::open(config, &known(config, &names)).map_err(Failure::failed)?;
    let settled = history.settled();
    match settled {
        Settled::Everything => {}
        Settled::AllButViews => tracing::info!("no worker is running: the last stock levels may still be missing"),
        Settled::No { .. } if own.complete => {}
        Settled::No { why } => tracing::info!("Waybill is not done with its input ({why}): what may be on its way counts as pending"),
    }
    let complete = own.complete || !matches!(settled, Settled::No { .. });
    let options = Options { complete, levels_final: *settled == Settled::Everything, ..Options::default() };
    let mut auditor = Auditor::new(names.clone(), options);
    history.read(|record| auditor.record(record)).map_err(Failure::failed)?;
    Ok(auditor.finish())
}

fn as_json(report: &Report) -> Value {
    let c = &report.counts;
    let moved: serde_json::Map<String, Value> =
        c.moved.iter().map(|(kind, m)| ((*kind).to_owned(), json!({ "records": m.records, "units": m.units }))).collect();
    let violations: Vec<Value> = report
        .violations
        .iter()
        .map(|v| json!({ "kind": v.kind.word(), "topic": v.topic, "partition": v.partition, "offset": v.offset, "message": v.message }))
        .collect();
    let by_kind: serde_json::Map<String, Value> = report.by_kind.iter().map(|(k, n)| (k.word().to_owned(), json!(n))).collect();
    json!({
        "ok": report.ok(),
        "counts": {
            "records": c.records,
            "inputs": c.inputs,
            "orders": c.orders,
            "decisions": c.decisions(),
            "accepted": c.accepted,
            "rejected": c.rejected,
            "rejections": c.rejections,
            "order_events": c.order_events,
            "events": c.events,
            "movements": c.movements,
            "moved": moved,
            "skus": c.skus,
            "places": c.places,
            "levels": c.levels,
            "dead_letters": c.dead_letters,
            "dead_letter_reasons": c.dead_letter_reasons,
            "duplicates": c.duplicates,
            "pending": c.pending,
            "unsettled": c.unsettled,
            "open_holds": c.open_holds,
            "products": c.products,
            "product_events": c.product_events,
            "listings": c.listings,
            "alerts": c.alerts,
            "open_alerts": c.open_alerts,
            "forecasts": c.forecasts,
            "feedback": c.feedback,
            "pings": c.pings,
            "verdicts": c.verdicts,
            "vehicles": c.vehicles,
            "positions": c.positions,
            "shipments": c.shipments,
            "open_shipments": c.open_shipments,
            "shipment_events": c.shipment_events,
        },
        "total_violations": report.total(),
        "by_kind": by_kind,
        "violations": violations,
    })
}
