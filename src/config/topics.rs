//! The topics that a configuration needs, and how those on a broker differ from that. Pure: `log/kafka/admin.rs` asks
//! the broker and creates.

use std::collections::BTreeMap;
use std::fmt;

use schemas::{Sink, Source};
use signatures::Policy;

use super::Config;
use crate::engine::plan::{Processor, changelog_name, inbox_name};

/// What a topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whose records they are; `None`: each says whom it concerns.
    Source(Option<Processor>),
    /// Written for consumers.
    Sink {
        compacted: bool,
    },
    DeadLetters,
    Inbox(Processor),
    Changelog(Processor),
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Role::Source(_) => "source",
            Role::Sink { .. } => "sink",
            Role::DeadLetters => "dead letters",
            Role::Inbox(_) => "inbox",
            Role::Changelog(_) => "changelog",
        }
    }
}

/// A topic as `waybill topics create` makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub role: Role,
    pub partitions: i32,
    /// `None`: the broker's default.
    pub replication: Option<i32>,
    /// Topic properties; what is not named stays with the broker's defaults.
    pub settings: Vec<(&'static str, String)>,
}

/// A topic as it is on the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Existing {
    pub partitions: i32,
    /// All its properties, defaults included.
    pub settings: BTreeMap<String, String>,
}

/// Something about a topic that is not as it has to be, or should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub topic: String,
    /// Waybill does not run with it.
    pub is_error: bool,
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.topic, self.what, self.remedy)
    }
}

/// Whose clock gives a record its timestamp.
const TIMESTAMPS: &str = "message.timestamp.type";
const BROKERS: &str = "LogAppendTime";

const DAY_MS: i64 = 86_400_000;
/// Messages between tasks, and deletions in changelogs, must outlive the longest stop of a task.
const INTERNAL_RETENTION_MS: i64 = 7 * DAY_MS;
const DEAD_LETTER_RETENTION_MS: i64 = 30 * DAY_MS;
/// The largest batch that Waybill's producer sends (`log/kafka/settings.rs`); a batch may be one record.
pub const MAX_MESSAGE_BYTES: i64 = 16 << 20;
/// What a dead letter or a forwarded record has more than the record it carries: headers.
const ENVELOPE_BYTES: i64 = 64 << 10;
/// What brokers take unless told otherwise.
const DEFAULT_MAX_MESSAGE_BYTES: i64 = 1_048_588;

/// The number of tasks of a processor.
pub fn tasks(config: &Config, processor: Processor) -> i32 {
    match processor {
        Processor::Orders => config.orders_tasks,
        Processor::Stock => config.stock_tasks,
        Processor::Fleet => config.fleet_tasks,
    }
}

/// The public topics by default name, each with the processor at its other end, sources first.
pub fn public() -> impl Iterator<Item = (&'static str, Role, Processor)> {
    let sources = Source::ALL.into_iter().map(|source| {
        let reader = Processor::of(source);
        (source.name(), Role::Source(reader), reader.unwrap_or(Processor::Orders))
    });
    let sinks = Sink::ALL.into_iter().map(|sink| {
        let role = if sink == Sink::DeadLetters { Role::DeadLetters } else { Role::Sink { compacted: sink.is_compacted() } };
        (sink.name(), role, Processor::writing(sink))
    });
    sources.chain(sinks)
}

/// The first partition of each of `topics`, named as on the broker, that does not begin at offset 0, and where it begins;
/// `bounds`: beginning and end of each partition. Compacted topics are left out: the last record of a key says all there,
/// so nothing is missing.
pub fn cut_short<'a>(config: &Config, topics: &[&'a str], bounds: &BTreeMap<(String, i32), (i64, i64)>) -> Vec<(&'a str, i32, i64)> {
    let compacted: Vec<String> = Sink::ALL.into_iter().filter(|s| s.is_compacted()).map(|s| config.topic_name(s.name())).collect();
    let first = |topic: &&'a str| {
        let cut = bounds.iter().find(|((name, _), (begin, _))| name == topic && *begin > 0);
        cut.map(|((_, partition), (begin, _))| (*topic, *partition, *begin))
    };
    topics.iter().filter(|topic| !compacted.iter().any(|name| name == *topic)).filter_map(first).collect()
}

/// Every topic that Waybill reads or writes, sources first.
pub fn wanted(config: &Config) -> Vec<Wanted> {
    let mut all = vec![];
    for (default, role, _) in public() {
        let Some(topic) = config.topics.get(default) else { continue };
        let mut settings = vec![];
        if role == (Role::Sink { compacted: true }) {
            settings.push(("cleanup.policy", "compact".to_owned()));
        }
        if !matches!(role, Role::Source(_)) {
            settings.push(("max.message.bytes", MAX_MESSAGE_BYTES.to_string()));
        }
        if topic.signatures.policy != Policy::Off {
            settings.push((TIMESTAMPS, BROKERS.to_owned()));
        }
        match (topic.retention_ms, role) {
            (Some(ms), _) => settings.push(("retention.ms", ms.to_string())),
            (None, Role::DeadLetters) => settings.push(("retention.ms", DEAD_LETTER_RETENTION_MS.to_string())),
            (None, _) => {}
        }
        all.push(Wanted {
            name: topic.name.clone(),
            role,
            partitions: topic.partitions,
            replication: topic.replication.or(config.kafka.replication),
            settings,
        });
    }
    for processor in Processor::ALL {
        let internal = |name, role, settings| Wanted {
            name,
            role,
            partitions: tasks(config, processor),
            replication: config.kafka.replication,
            settings,
        };
        all.push(internal(inbox_name(&config.app, processor), Role::Inbox(processor), inbox_settings()));
        all.push(internal(changelog_name(&config.app, processor), Role::Changelog(processor), changelog_settings()));
    }
    all
}

fn inbox_settings() -> Vec<(&'static str, String)> {
    vec![
        ("cleanup.policy", "delete".to_owned()),
        ("retention.ms", INTERNAL_RETENTION_MS.to_string()),
        // A limit by size, where a cluster sets one for all topics, would remove messages that nobody has read.
        ("retention.bytes", "-1".to_owned()),
        ("max.message.bytes", MAX_MESSAGE_BYTES.to_string()),
    ]
}

fn changelog_settings() -> Vec<(&'static str, String)> {
    vec![
        ("cleanup.policy", "compact".to_owned()),
        // The segment being written is never compacted; small ones keep what a restore has to read small.
        ("segment.bytes", (64 << 20).to_string()),
        ("segment.ms", DAY_MS.to_string()),
        // Half by default. Compaction then starts earlier: a little more of the broker's time, a shorter restore.
        ("min.cleanable.dirty.ratio", "0.3".to_owned()),
        // A store that was away for longer than this would not hear of what was deleted meanwhile.
        ("delete.retention.ms", INTERNAL_RETENTION_MS.to_string()),
        ("max.message.bytes", MAX_MESSAGE_BYTES.to_string()),
    ]
}

/// How the topics that exist differ from what is wanted, in a way that matters. Missing topics are no difference.
pub fn differences(wanted: &[Wanted], existing: &BTreeMap<String, Existing>) -> Vec<Difference> {
    let largest_source = wanted
        .iter()
        .filter(|w| matches!(w.role, Role::Source(_)))
        .filter_map(|w| existing.get(&w.name))
        .map(max_message_bytes)
        .max()
        .unwrap_or(DEFAULT_MAX_MESSAGE_BYTES);
    let mut found = vec![];
    for topic in wanted {
        if let Some(is) = existing.get(&topic.name) {
            compare(topic, is, largest_source, &mut found);
        }
    }
    found
}

fn max_message_bytes(topic: &Existing) -> i64 {
    topic.settings.get("max.message.bytes").and_then(|v| v.parse().ok()).unwrap_or(DEFAULT_MAX_MESSAGE_BYTES)
}

fn compare(wanted: &Wanted, is: &Existing, largest_source: i64, found: &mut Vec<Difference>) {
    let mut add =
        |is_error: bool, what: String, remedy: String| found.push(Difference { topic: wanted.name.clone(), is_error, what, remedy });
    let alter = |property: &str, value: &str| {
        format!("Set it with: kafka-configs.sh --alter --entity-type topics --entity-name {} --add-config {property}={value}", wanted.name)
    };
    let policy = is.settings.get("cleanup.policy").map_or("delete", String::as_str);
    let compacts = policy.contains("compact");
    match wanted.role {
        Role::Inbox(processor) | Role::Changelog(processor) if is.partitions != wanted.partitions => add(
            true,
            format!("it has {} partitions, and {} has {} tasks", is.partitions, processor.name(), wanted.partitions),
            format!(
                "Set `tasks = {}` in [{}]. The number of tasks cannot change while there is state: to change it, start anew with \
                 another `name` in [app]",
                is.partitions,
                processor.name()
            ),
        ),
        _ => {}
    }
    match wanted.role {
        Role::Changelog(_) if policy != "compact" => {
            add(true, format!("its cleanup.policy is `{policy}`: state would be lost"), alter("cleanup.policy", "compact"));
        }
        Role::Source(_) | Role::Inbox(_) | Role::DeadLetters if compacts => add(
            true,
            format!("its cleanup.policy is `{policy}`: compaction removes records that share a key"),
            alter("cleanup.policy", "delete"),
        ),
        Role::Sink { .. } if compacts != wanted.settings.iter().any(|(name, value)| *name == "cleanup.policy" && value == "compact") => {
            let should = if compacts { "delete" } else { "compact" };
            add(false, format!("its cleanup.policy is `{policy}`, and `{should}` is meant"), alter("cleanup.policy", should));
        }
        _ => {}
    }
    let signed = matches!(wanted.role, Role::Source(_)) && wanted.settings.iter().any(|(name, _)| *name == TIMESTAMPS);
    let clock = is.settings.get(TIMESTAMPS).map_or("CreateTime", String::as_str);
    if signed && clock != BROKERS {
        add(
            true,
            format!(
                "its {TIMESTAMPS} is `{clock}`: signatures are held against the record's timestamp, and here its producer chooses that, so \
                 an old record could be sent again"
            ),
            alter(TIMESTAMPS, BROKERS),
        );
    }
    let takes = max_message_bytes(is);
    match wanted.role {
        Role::Source(_) if takes > MAX_MESSAGE_BYTES - ENVELOPE_BYTES => add(
            true,
            format!("it takes records of {takes} bytes, more than a dead letter can carry"),
            alter("max.message.bytes", &(MAX_MESSAGE_BYTES - ENVELOPE_BYTES).to_string()),
        ),
        Role::DeadLetters | Role::Inbox(_) if takes < largest_source + ENVELOPE_BYTES => add(
            true,
            format!("its max.message.bytes is {takes}; a source topic takes records of {largest_source}, which it could not carry"),
            alter("max.message.bytes", &MAX_MESSAGE_BYTES.to_string()),
        ),
        _ => {}
    }
    let retention: Option<i64> = is.settings.get("retention.ms").and_then(|v| v.parse().ok());
    if let (Role::Inbox(_), Some(ms)) = (wanted.role, retention)
        && (0..INTERNAL_RETENTION_MS).contains(&ms)
    {
        add(
            false,
            format!("its retention.ms is {ms}: messages are lost when Waybill stands still for longer"),
            alter("retention.ms", &INTERNAL_RETENTION_MS.to_string()),
        );
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use super::*;

    /// The topics as `create` would have made them.
    fn created(wanted: &[Wanted]) -> BTreeMap<String, Existing> {
        wanted
            .iter()
            .map(|w| {
                let settings = w.settings.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
                (w.name.clone(), Existing { partitions: w.partitions, settings })
            })
            .collect()
    }

    /// The differences after `change` of one topic of the default configuration.
    fn after(topic: &str, change: impl FnOnce(&mut Existing)) -> Vec<Difference> {
        let wanted = wanted(&Config::default());
        let mut existing = created(&wanted);
        change(existing.get_mut(topic).unwrap());
        differences(&wanted, &existing)
    }

    fn set(name: &str, value: &str) -> impl FnOnce(&mut Existing) {
        let pair = (name.to_owned(), value.to_owned());
        move |topic| {
            topic.settings.extend([pair]);
        }
    }

    #[test]
    fn every_topic_is_wanted_and_nothing_differs_once_they_are_created() {
        let wanted = wanted(&Config::default());
        assert_eq!(wanted.len(), Source::ALL.len() + Sink::ALL.len() + 2 * Processor::ALL.len());
        assert_eq!(differences(&wanted, &created(&wanted)), []);
        assert_eq!(differences(&wanted, &BTreeMap::new()), []);
    }

    #[test]
    fn a_beginning_is_missed_only_where_records_say_more_than_the_last_of_their_key() {
        let mut config = Config::default();
        for topic in config.topics.values_mut() {
            topic.name.insert_str(0, "shop.");
        }
        let names: Vec<&str> = config.topics.values().map(|topic| topic.name.as_str()).collect();
        let bounds = |begin: i64| names.iter().flat_map(|n| [0, 1].map(|p| (((*n).to_owned(), p), (begin * i64::from(p), 9)))).collect();
        assert_eq!(cut_short(&config, &names, &bounds(0)), []);
        let views = ["shop.forecasts", "shop.product-catalog", "shop.stock-levels", "shop.vehicle-positions"];
        let rest: Vec<_> = names.iter().filter(|name| !views.contains(name)).map(|name| (*name, 1, 5)).collect();
        assert_eq!(rest.len(), names.len() - views.len());
        assert_eq!(cut_short(&config, &names, &bounds(5)), rest);
        // Only what is asked for, and not a topic that happens to have a view's default name.
        config.topics.get_mut("orders").unwrap().name = "stock-levels".into();
        let bounds = BTreeMap::from([(("stock-levels".to_owned(), 0), (3, 9)), (("other".to_owned(), 0), (3, 9))]);
        assert_eq!(cut_short(&config, &["stock-levels"], &bounds), [("stock-levels", 0, 3)]);
    }

    #[test]
    fn what_would_lose_data_is_an_error() {
        for (topic, change) in [
            ("waybill-orders-changelog", ("cleanup.policy", "delete")),
            ("waybill-orders-changelog", ("cleanup.policy", "compact,delete")),
            ("waybill-stock-inbox", ("cleanup.policy", "compact")),
            ("orders", ("cleanup.policy", "compact")),
            ("dead-letters", ("cleanup.policy", "compact")),
            ("dead-letters", ("max.message.bytes", "1048588")),
            ("waybill-orders-inbox", ("max.message.bytes", "1048588")),
            ("payments", ("max.message.bytes", "16777216")),
        ] {
            let found = after(topic, set(change.0, change.1));
            assert!(found.iter().any(|d| d.is_error && d.topic == topic), "{topic} {change:?}: {found:?}");
        }
    }

    #[test]
    fn internal_topics_have_as_many_partitions_as_tasks_and_others_what_they_like() {
        let found = after("waybill-stock-changelog", |t| t.partitions = 3);
        assert_eq!(found.len(), 1);
        assert!(found[0].is_error && found[0].remedy.contains("tasks = 3"), "{found:?}");
        assert_eq!(after("orders", |t| t.partitions = 12), []);
        assert_eq!(after("order-events", |t| t.partitions = 1), []);
    }

    #[test]
    fn a_signed_topic_has_the_brokers_time() {
        let mut config = Config::default();
        config.topics.get_mut("orders").unwrap().signatures.policy = Policy::Accepted;
        let wanted = wanted(&config);
        let orders = wanted.iter().find(|w| w.name == "orders").unwrap();
        assert_eq!(orders.settings, [("message.timestamp.type", "LogAppendTime".to_owned())]);
        let mut existing = created(&wanted);
        assert_eq!(differences(&wanted, &existing), []);
        for chosen in [Some("CreateTime"), None] {
            let settings = &mut existing.get_mut("orders").unwrap().settings;
            settings.clear();
            settings.extend(chosen.map(|clock| ("message.timestamp.type".to_owned(), clock.to_owned())));
            let found = differences(&wanted, &existing);
            assert!(found.len() == 1 && found[0].is_error && found[0].remedy.contains("LogAppendTime"), "{found:?}");
        }
    }

    #[test]
    fn what_is_unwise_is_said_and_allowed() {
        for (topic, change) in [("stock-levels", ("cleanup.policy", "delete")), ("waybill-orders-inbox", ("retention.ms", "3600000"))] {
            let found = after(topic, set(change.0, change.1));
            assert_eq!(found.iter().map(|d| (d.topic.as_str(), d.is_error)).collect::<Vec<_>>(), [(topic, false)]);
        }
    }
}
