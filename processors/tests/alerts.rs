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
mod tables;

use tables::{Numbered, Outcome};

#[test]
fn every_scenario_holds() {
    tables::every_scenario_holds(&["alerts"], 60, run);
}

#[test]
fn a_wrong_table_fails() {
    let good =
        "config fixed=20\nday 1\n10:00 restock 30\n11:00 sell 12\n-> raised 1 main low: 18 of 20, order 4\nstock: on hand 18, reserved 0";
    let changes = [
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
    ];
    tables::wrong_tables_fail(good, &changes, run);
}

fn run(lines: &[Numbered<'_>]) -> Outcome {
    let mut table = table::Table::new();
    tables::each_line(lines, |text| table.line(text))?;
    table.nothing_left()
}
