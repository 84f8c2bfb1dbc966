//! Reads and checks `topology.toml`. Every error is reported, not only the first, each with its place and what to
//! write instead. What a key means is in `mod.rs`; what `[app]` may say is here, the other sections have files of their
//! own.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use toml::de::DeTable;

use super::section::{Finding, Section};
use super::{Config, kafka, names, registry, rules, topics};
use crate::engine::plan::ClockMode;

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

/// It leaves room for `-orders-changelog`.
const MAX_APP_NAME: usize = 200;
const MAX_WORKERS: i64 = 256;

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
        kafka::read(&mut kafka, &mut config.kafka);
        kafka.finish();
    }
    if let Some(mut orders) = root.section("orders") {
        rules::read_orders(&mut orders, &mut config);
        orders.finish();
    }
    if let Some(mut stock) = root.section("stock") {
        rules::read_stock(&mut stock, &mut config);
        stock.finish();
    }
    if let Some(mut registry) = root.section("registry") {
        config.registry = registry::read(&mut registry);
        registry.finish();
    }
    if let Some(mut fleet) = root.section("fleet") {
        rules::read_fleet(&mut fleet, &mut config);
        fleet.finish();
    }
    if let Some(mut catalogue) = root.section("catalogue") {
        rules::read_catalogue(&mut catalogue, &mut config.catalogue);
        catalogue.finish();
    }
    if let Some(mut section) = root.section("demand") {
        config.demand = rules::read_demand(&mut section);
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
        names::read_topics(&mut section, &mut config);
    }
    root.finish();
    config
}

fn read_app(app: &mut Section<'_, '_>, config: &mut Config) {
    if let Some((name, at)) = app.text("name") {
        match names::fault(name, MAX_APP_NAME) {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use processors::catalogue::Terms;
    use processors::orders::DeductOn;

    use super::*;
    use crate::config::Topic;
    use crate::config::registry::Registry;
    use crate::config::signatures::Signatures;
    use crate::engine::plan::Format;

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
            [fleet]
            roads = "/var/lib/shop/finland.roads"
            [catalogue]
            price_jump_percent = 0
            complaints = 3
            complaint_days = 7
            [topics.orders]
            name = "shop.orders"
            partitions = 12
            replication = 2
            retention_hours = 48
            format = "avro"
            [registry]
            url = "http://registry:8081/"
            timeout_ms = 300
            "#,
        )
        .unwrap();
        assert_eq!((config.app.as_str(), config.workers, config.http, config.clock), ("shop", 3, None, ClockMode::Record));
        assert_eq!((config.state_dir.as_path(), config.store_memory), (Path::new("/var/lib/shop"), 64 << 20));
        assert_eq!(config.roads.as_deref(), Some(Path::new("/var/lib/shop/finland.roads")));
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
            format: Format::Avro,
            signatures: Signatures::default(),
        };
        assert_eq!(config.topics["orders"], orders);
        assert_eq!(config.registry, Some(Registry { url: "http://registry:8081".into(), timeout_ms: 300 }));
        // What is not said follows the tasks.
        let partitions = |name: &str| config.topics[name].partitions;
        assert_eq!(["payments", "order-events", "restocks", "stock-movements"].map(partitions), [8, 8, 2, 2]);
    }

    #[test]
    fn every_error_at_once_with_its_place_and_a_way_out() {
        let found = errors(
            "[app]\nworkers = 0\nhttp = \"8080\"\n\n[kafka]\nbootstrap = \"broker\"\n[orders]\nhold_secconds = 60\n  tasks = \"four\"\n\
             deduct_on = \"delivery\"\n[stok]\nx = 1\n[topics.order]\n[topics.orders]\nformat = \"avrro\"\nname = \"a b\"\n",
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
            "15:10: `format` must be \"json\" or \"avro\", not \"avrro\"",
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
