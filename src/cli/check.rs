//! `waybill check`: would `run` start with this configuration on this Kafka, and which records take the long way.

use std::fmt::Write;

use signatures::Policy;
use waybill::config::Config;
use waybill::config::topics::{Role, tasks};
use waybill::log::kafka::admin::Admin;

use super::topics::{Survey, survey};
use super::{Failure, guards};

pub fn check(config: &Config) -> Result<(), Failure> {
    guards(config)?;
    let admin = Admin::new(&config.kafka).map_err(Failure::failed)?;
    let survey = survey(&admin, config)?;
    print!("{}", report(config, &survey));
    let missing = survey.missing().len();
    let errors = survey.errors().len();
    if missing + errors == 0 {
        println!("`waybill run` would start: {} order tasks and {} stock tasks", config.orders_tasks, config.stock_tasks);
        return Ok(());
    }
    if missing > 0 {
        println!("`waybill run` would not start: {missing} topics are missing. Create them with `waybill topics create`");
    }
    if errors > 0 {
        println!("`waybill run` would not start: {errors} settings of topics do not fit, see above");
    }
    Err(Failure::Said)
}

/// One line for each topic, and one more for each difference.
fn report(config: &Config, survey: &Survey) -> String {
    let width = survey.wanted.iter().map(|w| w.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for wanted in &survey.wanted {
        let state = match survey.existing.get(&wanted.name) {
            None => "missing".to_owned(),
            Some(existing) => format!("{} partitions{}", existing.partitions, way(config, wanted.role, existing.partitions)),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:width$}  {:12}  {state}", wanted.name, wanted.role.word());
        if let Some(own) = config.topics.values().find(|t| t.name == wanted.name).map(|t| &t.signatures)
            && own.policy != Policy::Off
        {
            let (policy, keys, window) = (own.policy.word(), own.keys.len(), own.window_seconds);
            let _ = writeln!(text, "{:width$}  signatures {policy}: keys read: {keys}; window: {window} s", "");
        }
        for difference in survey.differences.iter().filter(|d| d.topic == wanted.name) {
            let weight = if difference.is_error { "error" } else { "warning" };
            let _ = writeln!(text, "{:width$}  {weight}: {}. {}", "", difference.what, difference.remedy);
        }
    }
    text
}

/// How a source topic's records come to their tasks.
fn way(config: &Config, role: Role, partitions: i32) -> String {
    let Role::Source(reader) = role else { return String::new() };
    let Some(processor) = reader else { return "; each record is sent to the task that it concerns".to_owned() };
    let tasks = tasks(config, processor);
    if partitions == tasks {
        "; read straight by its tasks, as far as producers use the Java client's partitioner (murmur2)".to_owned()
    } else {
        format!("; {} has {tasks} tasks, so every record is forwarded to its task: right, and one hop slower", processor.name())
    }
}
