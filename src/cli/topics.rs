//! `waybill topics create`, and the look at the topics that every start begins with.

use std::collections::BTreeMap;

use waybill::config::Config;
use waybill::config::topics::{Difference, Existing, Wanted, differences, wanted};
use waybill::log::kafka::admin::{Admin, Creation};

use super::Failure;

/// The topics as they should be and as they are.
pub struct Survey {
    pub wanted: Vec<Wanted>,
    pub existing: BTreeMap<String, Existing>,
    pub differences: Vec<Difference>,
}

impl Survey {
    pub fn missing(&self) -> Vec<&Wanted> {
        self.wanted.iter().filter(|w| !self.existing.contains_key(&w.name)).collect()
    }

    /// What keeps Waybill from running.
    pub fn errors(&self) -> Vec<&Difference> {
        self.differences.iter().filter(|d| d.is_error).collect()
    }
}

pub fn survey(admin: &Admin, config: &Config) -> Result<Survey, Failure> {
    let wanted = wanted(config);
    let names: Vec<&str> = wanted.iter().map(|w| w.name.as_str()).collect();
    let existing = admin.existing(&names).map_err(Failure::failed)?;
    let differences = differences(&wanted, &existing);
    Ok(Survey { wanted, existing, differences })
}

/// The topics that are there, if Waybill can run with them.
#[cfg(feature = "rocksdb")]
pub fn usable(admin: &Admin, config: &Config) -> Result<BTreeMap<String, Existing>, Failure> {
    let survey = survey(admin, config)?;
    let missing: Vec<&str> = survey.missing().iter().map(|w| w.name.as_str()).collect();
    if !missing.is_empty() {
        return Err(Failure::Failed(format!(
            "{} of {} topics are missing on {}: {}. Create them with `waybill topics create`",
            missing.len(),
            survey.wanted.len(),
            config.kafka.bootstrap,
            missing.join(", ")
        )));
    }
    refuse(&survey)?;
    for difference in &survey.differences {
        tracing::warn!("{difference}");
    }
    Ok(survey.existing)
}

fn refuse(survey: &Survey) -> Result<(), Failure> {
    let errors: Vec<String> = survey.errors().iter().map(ToString::to_string).collect();
    if errors.is_empty() { Ok(()) } else { Err(Failure::Failed(format!("the topics do not fit\n{}", errors.join("\n")))) }
}

pub fn create(config: &Config, dry_run: bool) -> Result<(), Failure> {
    let admin = Admin::new(&config.kafka).map_err(Failure::failed)?;
    let before = survey(&admin, config)?;
    let Creation { created, failed } = admin.create(&before.missing(), dry_run).map_err(Failure::failed)?;
    // Looked at again: a topic may have been made meanwhile, by somebody else and in another way.
    let after = if before.missing().is_empty() { before } else { survey(&admin, config)? };
    print!("{}", table(&after, &created, dry_run));
    if !failed.is_empty() {
        return Err(Failure::Failed(format!("not all topics could be created\n{}", failed.join("\n"))));
    }
    for difference in after.differences.iter().filter(|d| !d.is_error) {
        tracing::warn!("{difference}");
    }
    refuse(&after)
}

/// One line for each topic: what it is for, its partitions, what was done, with which settings.
fn table(survey: &Survey, created: &[String], dry_run: bool) -> String {
    let width = survey.wanted.iter().map(|w| w.name.len()).max().unwrap_or(0);
    let mut text = format!("{:width$}  {:12}  partitions  {:7}  settings\n", "topic", "role", "");
    for wanted in &survey.wanted {
        let existing = survey.existing.get(&wanted.name);
        let is_new = created.contains(&wanted.name);
        let what = match existing {
            _ if is_new => {
                if dry_run {
                    "create"
                } else {
                    "created"
                }
            }
            None => "missing",
            Some(_) if survey.differences.iter().any(|d| d.topic == wanted.name) => "differs",
            Some(_) => "exists",
        };
        let mut settings: Vec<String> = vec![];
        if is_new {
            settings.extend(wanted.replication.map(|n| format!("replication={n}")));
            settings.extend(wanted.settings.iter().map(|(name, value)| format!("{name}={value}")));
        }
        let partitions = existing.map_or(wanted.partitions, |e| e.partitions);
        let line = format!("{:width$}  {:12}  {partitions:>10}  {what:7}  {}", wanted.name, wanted.role.word(), settings.join(" "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
