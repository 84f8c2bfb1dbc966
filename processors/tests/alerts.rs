//! Runs `tests/scenarios/alerts/*.txt`: demand, forecasts and low-stock alerts of one SKU as tables that a buyer can
//! read and write. Stock is moved by the real stock rules; its movements feed the demand rules.
//!
//! `tests/scenarios/alerts/README.md` describes every word. An unknown word, a missing or an unexpected output is a
//! failure. After every step it is checked that alerts alternate and keep what they promise (`alerts/shelf.rs`).
#![allow(clippy::unwrap_used, reason = "a test that cannot read its tables has failed")]

#[path = "alerts/shelf.rs"]
mod shelf;
#[path = "alerts/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[test]
fn every_scenario_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios/alerts");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    files.sort();
    let only = std::env::var("SCENARIO").ok();
    let (mut count, mut failures, mut titles) = (0, vec![], BTreeSet::new());
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy();
        let text = std::fs::read_to_string(file).unwrap();
        for (number, title, lines) in split(&text) {
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
    assert!(count >= 60 || only.is_some(), "only {count} scenarios were found in {}", folder.display());
}

/// The runner itself must fail when it should.
#[test]
fn a_wrong_table_fails() {
    let good =
        "config fixed=20\nday 1\n10:00 restock 30\n11:00 sell 12\n-> raised 1 main low: 18 of 20, order 4\nstock: on hand 18, reserved 0";
    let outcome = |text: &str| run(&(1..).zip(text.lines()).collect::<Vec<_>>());
    assert_eq!(outcome(good), Ok(()));
    for (from, to) in [
        ("-> raised 1 main low: 18 of 20, order 4\n", ""),
        ("raised 1", "raised 2"),
        ("18 of", "17 of"),
        ("order 4", "order 5"),
        ("-> raised", "-> resolved 1 main: 1 of 1\n-> raised"),
        ("restock", "restok"),
        ("sell 12", "sell 12 quickly"),
        ("on hand 18", "on hand 19"),
        ("11:00", "11:60"),
        ("fixed=20", "fixed=much"),
        ("day 1", "day one"),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(outcome(&good.replacen(from, to, 1)).is_err(), "`{from}` as `{to}` passed");
    }
}

/// Line number, title and numbered lines of each scenario.
fn split(text: &str) -> Vec<(usize, &str, Vec<(usize, &str)>)> {
    let mut scenarios: Vec<(usize, &str, Vec<(usize, &str)>)> = vec![];
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
        if let Some(title) = line.strip_prefix("scenario:") {
            scenarios.push((number, title.trim(), vec![]));
        } else if !line.is_empty() {
            let scenario = scenarios.last_mut().unwrap_or_else(|| panic!("line {number}: `{line}` is before the first scenario"));
            scenario.2.push((number, line));
        }
    }
    scenarios
}

fn run(lines: &[(usize, &str)]) -> Result<(), String> {
    let mut table = table::Table::new();
    for &(number, text) in lines {
        let done = catch_unwind(AssertUnwindSafe(|| table.line(text)));
        let message = |panic: Box<dyn std::any::Any + Send>| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            format!("panic: {}", text.unwrap_or("without words"))
        };
        done.unwrap_or_else(|panic| Err(message(panic))).map_err(|e| format!("line {number}: {text}\n    {e}"))?;
    }
    table.nothing_left()
}
