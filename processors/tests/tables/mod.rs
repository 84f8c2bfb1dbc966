//! What the runners of `tests/scenarios` share: finding the tables, cutting them into scenarios, running them line by
//! line, and the check that a wrong table fails. Knows no grammar and no rule.
//!
//! `SCENARIO=part of a title` runs only the scenarios with it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A line and its number in the file.
pub type Numbered<'a> = (usize, &'a str);

/// What a runner makes of the lines of a scenario.
pub type Outcome = Result<(), String>;

struct Scenario<'a> {
    number: usize,
    title: &'a str,
    lines: Vec<Numbered<'a>>,
}

/// Runs every scenario in these folders of `tests/scenarios`, of which there are at least so many.
pub fn every_scenario_holds(folders: &[&str], least: usize, run: impl Fn(&[Numbered<'_>]) -> Outcome) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let files = files(&root, folders);
    let only = std::env::var("SCENARIO").ok();
    let (mut count, mut failures, mut titles) = (0, vec![], BTreeSet::new());
    for file in &files {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy();
        let text = std::fs::read_to_string(file).unwrap();
        for Scenario { number, title, lines } in split(&text).unwrap_or_else(|e| panic!("{name}: {e}")) {
            assert!(titles.insert(title.to_owned()), "{name}:{number}: there are two scenarios `{title}`");
            if only.as_ref().is_some_and(|only| !title.contains(only.as_str())) {
                continue;
            }
            count += 1;
            if let Err(failure) = run(&lines) {
                failures.push(format!("{name}:{number}: {title}\n    {failure}"));
            }
        }
    }
    println!("{count} scenarios in {} files, {} failed", files.len(), failures.len());
    assert!(failures.is_empty(), "{} of {count} scenarios failed:\n{}", failures.len(), failures.join("\n"));
    assert!(count >= least || only.is_some(), "only {count} scenarios were found in {folders:?} of {}", root.display());
}

/// The runner itself must fail when it should: `good` holds, and does not with any one of the changes.
pub fn wrong_tables_fail(good: &str, changes: &[(&str, &str)], run: impl Fn(&[Numbered<'_>]) -> Outcome) {
    let outcome = |text: &str| run(&(1..).zip(text.lines()).collect::<Vec<_>>());
    assert_eq!(outcome(good), Ok(()));
    for (from, to) in changes {
        assert!(good.contains(from), "{from}");
        assert!(outcome(&good.replacen(from, to, 1)).is_err(), "`{from}` as `{to}` passed");
    }
}

/// Hands over line after line, up to the first that fails. A panic is a failure of its line.
pub fn each_line(lines: &[Numbered<'_>], mut line: impl FnMut(&str) -> Outcome) -> Outcome {
    for &(number, text) in lines {
        caught(|| line(text)).map_err(|e| format!("line {number}: {text}\n    {e}"))?;
    }
    Ok(())
}

/// A panic as a failure.
pub fn caught(line: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(line)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("without words")))
    })
}

fn files(root: &Path, folders: &[&str]) -> Vec<PathBuf> {
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "txt")).collect();
    files.sort();
    files
}

fn split(text: &str) -> Result<Vec<Scenario<'_>>, String> {
    let mut scenarios: Vec<Scenario<'_>> = vec![];
    for (number, line) in (1..).zip(text.lines()) {
        // What follows a number sign that stands alone, or begins the line, is a comment; `#1` is a plan's number.
        let line = if line.starts_with('#') { "" } else { line.split_once(" # ").map_or(line, |(before, _)| before) }.trim();
        if let Some(title) = line.strip_prefix("scenario:") {
            scenarios.push(Scenario { number, title: title.trim(), lines: vec![] });
        } else if !line.is_empty() {
            let scenario = scenarios.last_mut().ok_or(format!("line {number}: `{line}` is before the first scenario"))?;
            scenario.lines.push((number, line));
        }
    }
    Ok(scenarios)
}
