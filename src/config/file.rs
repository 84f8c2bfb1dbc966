//! Reads and checks `topology.toml`. Every error is reported, not only the first, each with its place and what to
//! write instead. What a key means is in `mod.rs`; what the file may say, and within which limits, is here.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use processors::catalogue::{MAX_COMPLAINTS, Terms};
use processors::demand::{self, reorder::z_of};
use processors::orders::DeductOn;
use toml::de::{DeTable, DeValue};

use super::section::{Finding, Section};
use super::{Config, Topic, signatures, topics};
use crate::engine::plan::{ClockMode, Processor, changelog_name, inbox_name};

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Errors(pub Vec<Located>);

/// One error and where it is; lines and columns count from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Located {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(|e| format!("{}:{}:{}: {}", e.file, e.line, e.column, e.message)).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Errors {}

/// Longest name that Kafka gives a topic; an application's name leaves room for `-orders-changelog`.
const MAX_TOPIC_NAME: usize = 249;
const MAX_APP_NAME: usize = 200;
const MAX_TASKS: i64 = 1_000;
const MAX_WORKERS: i64 = 256;
const MAX_PRICE_JUMP_PERCENT: i64 = 1_000_000;
const MAX_PRICE_TOLERANCE_PERCENT: i64 = 1_000;
const MAX_COMPLAINT_DAYS: i64 = 365;
/// A delay before an alert: a month.
const MAX_DELAY_SECONDS: i64 = 2_592_000;
/// From UTC to the furthest local time.
const MAX_OFFSET_MINUTES: i64 = 14 * 60;
const MAX_LEAD_DAYS: f64 = 3_650.0;
/// Minor units.
const MAX_COST: f64 = 1e12;

/// Properties that belong to the engine: another value would break exactly-once without a word.
const OWN_PROPERTIES: [&str; 13] = [
    "bootstrap.servers",
    "client.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "auto.offset.reset",
    "group.id",
    "group.instance.id",
    "isolation.level",
    "partition.assignment.strategy",
    "transactional.id",
    "transaction.timeout.ms",
];

/// The configuration that `text` describes; what it does not say is as by default. `file` is its name in errors.
pub fn parse(text: &str, file: &Path) -> Result<Config, Errors> {
    let (table, broken) = DeTable::parse_recoverable(text);
    let mut findings: Vec<Finding> = broken
        .iter()
        .map(|e| Finding { at: e.span().map_or(0, |s| s.start), message: ::signatures::redacted(e.message().trim_end()).into_owned() })
        .collect();
    let config = read(table.get_ref(), &mut findings);
    if findings.is_empty() {
        return Ok(config);
    }
    findings.sort_by_key(|f| f.at);
    let file = file.display().to_string();
    Err(Errors(
        findings
            .into_iter()
            .map(|Finding { at, message }| {
                let before = &text[..text.floor_char_boundary(at)];
                let line_start = before.rfind('\n').map_or(0, |i| i + 1);
                let line = before.matches('\n').count() + 1;
                Located { file: file.clone(), line, column: before[line_start..].chars().count() + 1, message }
            })
            .collect(),
    ))
}

fn read(table: &DeTable<'_>, findings: &mut Vec<Finding>) -> Config {
    let mut config = Config::default();
    let mut root = Section::root(table, findings);
    if let Some(mut app) = root.section("app") {
        read_app(&mut app, &mut config);
        app.finish();
    }
    if let Some(mut kafka) = root.section("kafka") {
        read_kafka(&mut kafka, &mut config);
        kafka.finish();
    }
    if let Some(mut orders) = root.section("orders") {
        config.orders_tasks = orders.integer("tasks", 1, MAX_TASKS).map_or(config.orders_tasks, |n| n as i32);
        let most = schemas::input::MAX_HOLD_SECONDS;
        config.orders.hold_seconds = orders.integer("hold_seconds", 1, most).map_or(config.orders.hold_seconds, |n| n as u32);
        let deduct_on = orders.choice("deduct_on", &[("payment", DeductOn::Payment), ("shipment", DeductOn::Shipment)]);
        config.orders.deduct_on = deduct_on.unwrap_or(config.orders.deduct_on);
        orders.finish();
    }
    if let Some(mut stock) = root.section("stock") {
        config.stock_tasks = stock.integer("tasks", 1, MAX_TASKS).map_or(config.stock_tasks, |n| n as i32);
        config.split = stock.flag("split").unwrap_or(config.split);
        config.terms = read_terms(&mut stock);
        stock.finish();
    }
    if let Some(mut catalogue) = root.section("catalogue") {
        let own = &mut config.catalogue;
        let jump = catalogue.integer("price_jump_percent", 0, MAX_PRICE_JUMP_PERCENT);
        // A factor below one and a little would hold back a price that does not change.
        let jump = jump.map_or(own.price_jump_percent, |percent| (percent > 0).then_some(percent.max(100) as u32));
        own.price_jump_percent = jump;
        let complaints = catalogue.integer("complaints", 0, i64::from(MAX_COMPLAINTS));
        own.complaints = complaints.map_or(own.complaints, |n| (n > 0).then_some(n as u16));
        own.complaint_days = catalogue.integer("complaint_days", 1, MAX_COMPLAINT_DAYS).map_or(own.complaint_days, |n| n as u16);
        catalogue.finish();
    }
    if let Some(mut section) = root.section("demand") {
        config.demand = read_demand(&mut section);
        section.finish();
    }
    // As many partitions as the processor at their other end has tasks: then nothing has to be forwarded.
    for (default, _, processor) in topics::public() {
        let tasks = topics::tasks(&config, processor);
        if let Some(topic) = config.topics.get_mut(default) {
            topic.partitions = tasks;
        }
    }
    if let Some(mut section) = root.section("topics") {
        read_topics(&mut section, &mut config);
    }
    root.finish();
    config
}

/// The price's tolerance counts only if prices are checked.
fn read_terms(stock: &mut Section<'_, '_>) -> Terms {
    let tolerance = stock.integer("price_tolerance_percent", 0, MAX_PRICE_TOLERANCE_PERCENT).unwrap_or(0) as u32;
    Terms {
        price_tolerance_percent: stock.flag("check_prices").unwrap_or(false).then_some(tolerance),
        listed_only: stock.flag("listed_only").unwrap_or(false),
    }
}

/// `None`: it is switched off; the other keys are checked all the same.
fn read_demand(section: &mut Section<'_, '_>) -> Option<demand::Config> {
    let mut demand = demand::Config::default();
    let on = section.flag("watch").unwrap_or(true);
    demand.z = section.number("service_level", 0.5, 0.9999).map_or(demand.z, z_of);
    demand.hysteresis = section.number("hysteresis", 0.0, 10.0).unwrap_or(demand.hysteresis);
    let seconds = section.integer("raise_after_seconds", 0, MAX_DELAY_SECONDS);
    demand.raise_after_seconds = seconds.map_or(demand.raise_after_seconds, |n| n as u32);
    let offset = section.integer("utc_offset_minutes", -MAX_OFFSET_MINUTES, MAX_OFFSET_MINUTES);
    demand.utc_offset_minutes = offset.map_or(demand.utc_offset_minutes, |n| n as i32);
    let defaults = &mut demand.defaults;
    defaults.lead_time_days = section.number("lead_time_days", 0.0, MAX_LEAD_DAYS).unwrap_or(defaults.lead_time_days);
    defaults.lead_time_sigma_days = section.number("lead_time_sigma_days", 0.0, MAX_LEAD_DAYS).unwrap_or(defaults.lead_time_sigma_days);
    defaults.order_cost = section.number("order_cost", 0.0, MAX_COST).unwrap_or(defaults.order_cost);
    defaults.holding_rate = section.number("holding_rate", 0.0, 100.0).unwrap_or(defaults.holding_rate);
    defaults.unit_cost = section.number("unit_cost", 0.0, MAX_COST).unwrap_or(defaults.unit_cost);
    on.then_some(demand)
}

fn read_app(app: &mut Section<'_, '_>, config: &mut Config) {
    if let Some((name, at)) = app.text("name") {
        match name_fault(name, MAX_APP_NAME) {
            Some(fault) => app.complain(at, format!("`name` {fault}")),
            None => name.clone_into(&mut config.app),
        }
    }
    config.workers = app.integer("workers", 1, MAX_WORKERS).map_or(config.workers, |n| n as usize);
    if let Some((dir, _)) = app.text("state_dir") {
        config.state_dir = dir.into();
    }
    config.store_memory = app.integer("store_memory_mb", 8, 1 << 20).map_or(config.store_memory, |mb| (mb as usize) << 20);
    if let Some((http, at)) = app.text("http") {
        match parse_http(http) {
            Ok(address) => config.http = address,
            Err(fault) => app.complain(at, format!("`http` {fault}")),
        }
    }
    let clock = app.choice("clock", &[("wall", ClockMode::Wall), ("record", ClockMode::Record)]);
    config.clock = clock.unwrap_or(config.clock);
}

/// An address to serve HTTP at, or none for `off`.
pub fn parse_http(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| format!("must be an IP address and a port such as \"127.0.0.1:8080\", or \"off\", not \"{text}\""))
}

fn read_kafka(kafka: &mut Section<'_, '_>, config: &mut Config) {
    if let Some((bootstrap, at)) = kafka.text("bootstrap") {
        match bootstrap_fault(bootstrap) {
            Some(fault) => kafka.complain(at, format!("`bootstrap` {fault}")),
            None => bootstrap.clone_into(&mut config.kafka.bootstrap),
        }
    }
    let own = &mut config.kafka;
    own.session_timeout_ms = kafka.integer("session_timeout_ms", 1_000, 1_800_000).map_or(own.session_timeout_ms, |n| n as u32);
    own.transaction_timeout_ms = kafka.integer("transaction_timeout_ms", 1_000, 900_000).map_or(own.transaction_timeout_ms, |n| n as u32);
    own.replication = kafka.integer("replication", 1, 100).map(|n| n as i32);
    let Some(properties) = kafka.section("properties") else { return };
    properties.each(|section, name, value, at| {
        if OWN_PROPERTIES.contains(&name) {
            section.complain(at, format!("`{name}` is set by Waybill: another value would break its promises. Leave it out"));
            return;
        }
        match value {
            DeValue::String(text) => own.properties.push((name.to_owned(), text.clone().into_owned())),
            DeValue::Boolean(flag) => own.properties.push((name.to_owned(), flag.to_string())),
            DeValue::Integer(number) => own.properties.push((name.to_owned(), number.to_string())),
            // Bare `a.b = 1` is a table in TOML; librdkafka's names are full of dots.
            DeValue::Table(_) => {
                section.complain(at, "a property's name has dots: put it in quotes, such as \"security.protocol\" = \"ssl\"".into());
            }
            _ => section.complain(at, format!("`{name}` must be text, a number, true or false")),
        }
    });
}

/// Why `text` is not a list of `host:port`.
pub fn bootstrap_fault(text: &str) -> Option<String> {
    let good = |server: &str| {
        server.trim().rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0))
    };
    let bad = text.split(',').find(|server| !good(server))?;
    Some(format!("must be HOST:PORT such as \"127.0.0.1:9092\", several separated by commas, not \"{}\"", bad.trim()))
}

/// Why Kafka would not take `name` for a topic, or for a part of one.
fn name_fault(name: &str, longest: usize) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > longest {
        Some(format!("must have 1 to {longest} characters"))
    } else if matches!(name, "." | "..") || !name.chars().all(legal) {
        Some(format!("may have letters, digits, `.`, `_` and `-`, not \"{name}\""))
    } else {
        None
    }
}

fn read_topics(section: &mut Section<'_, '_>, config: &mut Config) {
    // On the broker: the name, and what it was first used for.
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for processor in Processor::ALL {
        for name in [inbox_name(&config.app, processor), changelog_name(&config.app, processor)] {
            taken.insert(name.clone(), format!("{} itself", config.app));
        }
    }
    let mut places = BTreeMap::new();
    for (default, role, _) in topics::public() {
        let Some(mut one) = section.section(default) else { continue };
        let Some(topic) = config.topics.get_mut(default) else { continue };
        if let Some(at) = read_topic(&mut one, topic) {
            places.insert(default, at);
        }
        if matches!(role, topics::Role::Source(_)) {
            topic.signatures = signatures::read(&mut one);
        }
        one.finish();
    }
    for (default, topic) in &config.topics {
        if let Some(other) = taken.insert(topic.name.clone(), format!("topics.{default}"))
            && let Some(at) = places.get(default.as_str()).or(places.values().next())
        {
            section.complain(*at, format!("`{}` is the name of {other} already; every topic needs its own", topic.name));
        }
    }
    section.finish_with("is no topic of Waybill's");
}

/// Returns where the topic's name is written.
fn read_topic(one: &mut Section<'_, '_>, topic: &mut Topic) -> Option<usize> {
    let name = one.text("name");
    if let Some((name, at)) = name {
        match name_fault(name, MAX_TOPIC_NAME) {
            Some(fault) => one.complain(at, format!("`name` {fault}")),
            None => name.clone_into(&mut topic.name),
        }
    }
    topic.partitions = one.integer("partitions", 1, 100_000).map_or(topic.partitions, |n| n as i32);
    topic.replication = one.integer("replication", 1, 100).map(|n| n as i32);
    topic.retention_ms = one.integer("retention_hours", 1, 1_000_000).map(|hours| hours * 3_600_000);
    if let Some((format, at)) = one.text("format")
        && format != "json"
    {
        one.complain(at, format!("`format` must be \"json\", the only one there is so far, not \"{format}\""));
    }
    name.map(|(_, at)| at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use super::signatures::Signatures;
    use super::*;

    fn parse_text(text: &str) -> Result<Config, Errors> {
        parse(text, Path::new("topology.toml"))
    }

    fn errors(text: &str) -> Vec<String> {
        parse_text(text).unwrap_err().0.iter().map(|e| format!("{}:{}: {}", e.line, e.column, e.message)).collect()
    }

    #[test]
    fn the_shipped_file_is_the_default() {
        let text = include_str!("../../topology.toml");
        assert_eq!(parse_text(text), Ok(Config::default()));
        // Each key is there, so that the file shows all there is.
        for key in [
            "name",
            "workers",
            "state_dir",
            "store_memory_mb",
            "http",
            "clock",
            "bootstrap",
            "tasks",
            "hold_seconds",
            "split",
            "check_prices",
            "price_tolerance_percent",
            "listed_only",
            "price_jump_percent",
            "complaints",
            "complaint_days",
            "signatures",
        ] {
            assert!(text.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key} is missing");
        }
        assert_eq!(parse_text(""), Ok(Config::default()));
    }

    #[test]
    fn all_it_may_say() {
        let config = parse_text(
            r#"
            [app]
            name = "shop"
            workers = 3
            state_dir = "/var/lib/shop"
            store_memory_mb = 64
            http = "off"
            clock = "record"
            [kafka]
            bootstrap = "a:1,b:2"
            session_timeout_ms = 20_000
            transaction_timeout_ms = 30_000
            replication = 3
            [kafka.properties]
            "security.protocol" = "ssl"
            "socket.keepalive.enable" = true
            "fetch.wait.max.ms" = 1_000
            [orders]
            tasks = 8
            hold_seconds = 60
            deduct_on = "shipment"
            [stock]
            tasks = 2
            split = true
            check_prices = true
            price_tolerance_percent = 5
            listed_only = true
            [catalogue]
            price_jump_percent = 0
            complaints = 3
            complaint_days = 7
            [topics.orders]
            name = "shop.orders"
            partitions = 12
            replication = 2
            retention_hours = 48
            format = "json"
            "#,
        )
        .unwrap();
        assert_eq!((config.app.as_str(), config.workers, config.http, config.clock), ("shop", 3, None, ClockMode::Record));
        assert_eq!((config.state_dir.as_path(), config.store_memory), (Path::new("/var/lib/shop"), 64 << 20));
        let properties: Vec<_> = config.kafka.properties.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(properties, [("fetch.wait.max.ms", "1000"), ("security.protocol", "ssl"), ("socket.keepalive.enable", "true")]);
        assert_eq!((config.kafka.bootstrap.as_str(), config.kafka.replication), ("a:1,b:2", Some(3)));
        assert_eq!((config.kafka.session_timeout_ms, config.kafka.transaction_timeout_ms), (20_000, 30_000));
        assert_eq!((config.orders.hold_seconds, config.orders.deduct_on, config.split), (60, DeductOn::Shipment, true));
        assert_eq!(config.terms, Terms { price_tolerance_percent: Some(5), listed_only: true });
        let catalogue = processors::catalogue::Config { price_jump_percent: None, complaints: Some(3), complaint_days: 7 };
        assert_eq!(config.catalogue, catalogue);
        let orders = Topic {
            name: "shop.orders".into(),
            partitions: 12,
            replication: Some(2),
            retention_ms: Some(172_800_000),
            signatures: Signatures::default(),
        };
        assert_eq!(config.topics["orders"], orders);
        // What is not said follows the tasks.
        let partitions = |name: &str| config.topics[name].partitions;
        assert_eq!(["payments", "order-events", "restocks", "stock-movements"].map(partitions), [8, 8, 2, 2]);
    }

    #[test]
    fn every_error_at_once_with_its_place_and_a_way_out() {
        let found = errors(
            "[app]\nworkers = 0\nhttp = \"8080\"\n\n[kafka]\nbootstrap = \"broker\"\n[orders]\nhold_secconds = 60\n  tasks = \"four\"\n\
             deduct_on = \"delivery\"\n[stok]\nx = 1\n[topics.order]\n[topics.orders]\nformat = \"avro\"\nname = \"a b\"\n",
        );
        let expected = [
            "2:11: `workers` must be a whole number from 1 to 256, not 0",
            "3:8: `http` must be an IP address and a port such as \"127.0.0.1:8080\", or \"off\", not \"8080\"",
            "6:13: `bootstrap` must be HOST:PORT such as \"127.0.0.1:9092\", several separated by commas, not \"broker\"",
            "8:1: unknown key `hold_secconds` in [orders]; did you mean `hold_seconds`?",
            "9:11: `tasks` must be a whole number from 1 to 1000, not \"four\"",
            "10:13: `deduct_on` must be \"payment\" or \"shipment\", not \"delivery\"",
            "11:2: unknown key `stok`; did you mean `stock`?",
            "13:9: `order` is no topic of Waybill's; did you mean `orders`?",
            "15:10: `format` must be \"json\", the only one there is so far, not \"avro\"",
            "16:8: `name` may have letters, digits, `.`, `_` and `-`, not \"a b\"",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_not_toml_is_named_with_its_place() {
        let found = errors("[app]\nname = \nworkers = 0\n");
        assert!(found[0].starts_with("2:"), "{found:?}");
        assert!(found.iter().any(|e| e.starts_with("3:11: `workers`")), "the rest is checked all the same: {found:?}");
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(errors("[app]\nname = \"ä\" # ö\n\"ü\" = 1\n").len(), 2);
        assert!(errors("app = { \"ü\" = 1, workers = 0 }")[1].starts_with("1:28: "), "{:?}", errors("app = { \"ü\" = 1, workers = 0 }"));
    }

    #[test]
    fn properties_of_the_engine_are_refused() {
        let found = errors("[kafka.properties]\n\"isolation.level\" = \"read_uncommitted\"\nsecurity.protocol = \"ssl\"\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("2:1: `isolation.level` is set by Waybill"), "{found:?}");
        assert!(found[1].contains("put it in quotes"), "{found:?}");
    }

    #[test]
    fn topics_need_different_names() {
        for (text, name) in [
            ("[topics.orders]\nname = \"payments\"\n", "payments"),
            ("[topics.payments]\nname = \"orders\"\n", "orders"),
            ("[topics.orders]\nname = \"waybill-orders-inbox\"\n", "waybill-orders-inbox"),
        ] {
            let found = errors(text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with("2:8: ") && found[0].contains(name), "{found:?}");
        }
    }
}
