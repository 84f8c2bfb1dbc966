//! What `topology.toml` may say about the public topics, `[topics.…]`: names that Kafka takes and that no two share, and
//! how they are created. What a topic needs to have on the broker is in `topics.rs`.

use std::collections::BTreeMap;

use schemas::Sink;

use super::section::Section;
use super::{Config, Topic, signatures, topics};
use crate::engine::plan::{Format, Processor, changelog_name, inbox_name};

/// Longest name that Kafka gives a topic.
const MAX_TOPIC_NAME: usize = 249;

/// Why Kafka would not take `name` for a topic, or for a part of one.
pub(super) fn fault(name: &str, longest: usize) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > longest {
        Some(format!("must have 1 to {longest} characters"))
    } else if matches!(name, "." | "..") || !name.chars().all(legal) {
        Some(format!("may have letters, digits, `.`, `_` and `-`, not \"{name}\""))
    } else {
        None
    }
}

/// All of `[topics]`.
pub(super) fn read_topics(section: &mut Section<'_, '_>, config: &mut Config) {
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
        if default == Sink::DeadLetters.name()
            && topic.format == Format::Avro
            && let Some((_, at)) = one.text("format")
        {
            one.complain(at, "`format` of dead letters must be left out: they are the bytes that came".into());
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
        match fault(name, MAX_TOPIC_NAME) {
            Some(fault) => one.complain(at, format!("`name` {fault}")),
            None => name.clone_into(&mut topic.name),
        }
    }
    topic.partitions = one.integer("partitions", 1, 100_000).map_or(topic.partitions, |n| n as i32);
    topic.replication = one.integer("replication", 1, 100).map(|n| n as i32);
    topic.retention_ms = one.integer("retention_hours", 1, 1_000_000).map(|hours| hours * 3_600_000);
    topic.format = one.choice("format", &[("json", Format::Json), ("avro", Format::Avro)]).unwrap_or(topic.format);
    name.map(|(_, at)| at)
}
