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
    let mut transcript = Transcript::new(config)?;
    history.read(|record| transcript.with_json(record, |record| auditor.record(record))).map_err(Failure::failed)?;
    Ok(auditor.finish())
}

#[cfg(feature = "kafka")]
const AVRO: (&str, &[u8]) = ("content-type", b"application/avro");
#[cfg(feature = "kafka")]
const JSON: (&str, &[u8]) = ("content-type", b"application/json");

/// Values of topics in Avro as JSON, which is what the auditor knows.
#[cfg(feature = "kafka")]
struct Transcript {
    /// The default names of the topics in Avro by what they are called on the broker.
    avro: std::collections::BTreeMap<String, &'static str>,
    transcriber: schemas::avro::Transcriber,
    registry: Option<waybill::registry::Registry>,
}

#[cfg(feature = "kafka")]
impl Transcript {
    fn new(config: &Config) -> Result<Transcript, Failure> {
        use waybill::engine::plan::Format;
        use waybill::registry::{Registry, userinfo};

        let public = waybill::config::public_topics();
        let avro = public.filter(|name| config.topics.get(*name).is_some_and(|topic| topic.format == Format::Avro));
        let registry = config.registry.as_ref().map(|r| Registry::start(r, userinfo().as_deref())).transpose();
        let registry = registry.map_err(|e| Failure::Failed(format!("cannot start a thread: {e}")))?;
        Ok(Transcript {
            avro: avro.map(|name| (config.topic_name(name), name)).collect(),
            transcriber: schemas::avro::Transcriber::default(),
            registry,
        })
    }

    /// A dead letter has the format of the topic that it came from.
    fn with_json(&mut self, record: &auditor::Record<'_>, take: impl FnOnce(&auditor::Record<'_>)) {
        let source = record.headers.iter().rev().find(|(name, _)| *name == "waybill.source.topic");
        let topic = source.and_then(|(_, value)| std::str::from_utf8(value).ok()).unwrap_or(record.topic);
        let json = match (self.avro.get(topic), record.value) {
            (Some(default), Some(value)) => self.transcriber.json(default, value, |id| match &self.registry {
                Some(registry) => registry.wait_for(id),
                None => schemas::avro::Lookup::NotYet,
            }),
            _ => None,
        };
        let Some(json) = json else { return take(record) };
        // It says that it is Avro, and is JSON now; another word stays, to be found wrong.
        let told = |(name, value)| if (name, value) == AVRO { JSON } else { (name, value) };
        let headers: Vec<(&str, &[u8])> = record.headers.iter().copied().map(told).collect();
        take(&auditor::Record { value: Some(&json), headers: &headers, ..*record });
    }
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
