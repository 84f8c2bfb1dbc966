//! Runs `tests/scenarios/*.txt`: the rules as tables that a shop's domain expert can read and write.
//!
//! ```text
//! scenario: a payment confirms the hold and takes the goods off the shelf
//!   10:00:00 restock R-1 A main 10
//!   10:00:01 place 1: A x6 @ 2.55 GBP
//!     -> 1 accepted: A x6 main, expires 10:15:01
//!   10:05:00 pay P-1 1: 15.30 GBP
//!     -> 1 paid: P-1 15.30 GBP
//!   stock A main: on hand 4, reserved 0
//! ```
//!
//! `tests/scenarios/README.md` describes every word. An unknown word, a missing or an unexpected output is a failure.
//! After every step the books are checked against each other (`world/check.rs`).
#![allow(clippy::unwrap_used, reason = "a test that cannot read its tables has failed")]

#[path = "scenarios/grammar.rs"]
mod grammar;
#[path = "scenarios/listings.rs"]
mod listings;
#[path = "scenarios/show.rs"]
mod show;
mod tables;
#[path = "tables/words.rs"]
mod words;
mod world;

use std::collections::BTreeMap;
use std::fmt::Write;

use grammar::{Act, Check, Line, Setting};
use schemas::message::FleetMessage;
use schemas::{Cause, Source, Timestamp, input};
use tables::{Numbered, Outcome};
use world::{Output, World, source};

/// Where tables in this grammar are.
const FOLDERS: [&str; 3] = [".", "catalogue", "feedback"];

#[test]
fn every_scenario_holds() {
    tables::every_scenario_holds(&FOLDERS, 190, run);
}

#[test]
fn a_wrong_table_fails() {
    let good = "10:00 restock R-1 A main 10\n10:01 place 1: A x6\n-> 1 accepted: A x6 main, expires 10:16:00\nstock A main: on hand 10, reserved 6";
    let changes = [
        ("-> 1 accepted: A x6 main, expires 10:16:00\n", ""),
        ("expires 10:16:00", "expires 10:16:01"),
        ("-> 1", "-> 1 cancelled\n-> 1"),
        ("reserved 6", "reserved 5"),
        ("restock", "restok"),
        ("A x6\n", "A x6 quickly\n"),
        ("stock A main", "stock A shop"),
        ("10:01 place", "config split=maybe\n10:01 place"),
        ("10:01 place", "10:61 place"),
    ];
    tables::wrong_tables_fail(good, &changes, run);
}

/// One scenario on an empty world.
fn run(lines: &[Numbered<'_>]) -> Outcome {
    let mut runner = Runner { world: World::new(), causes: BTreeMap::new(), outputs: vec![], checked: BTreeMap::new() };
    tables::each_line(lines, |text| runner.line(grammar::parse(text)?))?;
    runner.nothing_left()
}

struct Runner {
    world: World,
    /// What the records are called in the tables.
    causes: BTreeMap<(usize, i64), String>,
    /// Of the last step, not yet expected by a line; printed.
    outputs: Vec<String>,
    /// How many movements of a SKU earlier lines have checked.
    checked: BTreeMap<String, usize>,
}

impl Runner {
    fn line(&mut self, line: Line<'_>) -> Result<(), String> {
        match line {
            Line::Expect(expected) => {
                if self.outputs.is_empty() {
                    return Err("nothing more came".into());
                }
                let actual = self.outputs.remove(0);
                if actual == expected { Ok(()) } else { Err(format!("came: {actual}")) }
            }
            Line::Set(setting) => {
                self.nothing_left()?;
                match setting {
                    Setting::DeductOn(deduct_on) => self.world.orders_config.deduct_on = deduct_on,
                    Setting::Split(split) => self.world.stock_config.split = split,
                    Setting::HoldSeconds(seconds) => self.world.orders_config.hold_seconds = seconds,
                    Setting::LateTimers(late) => self.world.late_timers = late,
                    Setting::Tolerance(percent) => self.world.stock_config.terms.price_tolerance_percent = percent,
                    Setting::ListedOnly(only) => self.world.stock_config.terms.listed_only = only,
                    Setting::PriceJump(percent) => self.world.catalogue_config.price_jump_percent = percent,
                    Setting::Complaints(most) => self.world.catalogue_config.complaints = most,
                    Setting::ComplaintDays(days) => self.world.catalogue_config.complaint_days = days,
                    Setting::Signed(signed) => self.world.signed = signed,
                }
                Ok(())
            }
            Line::Step(at, act) => {
                self.nothing_left()?;
                self.step(at, act)
            }
            Line::Check(check) => {
                self.nothing_left()?;
                self.check(check)
            }
        }
    }

    fn nothing_left(&self) -> Result<(), String> {
        if self.outputs.is_empty() { Ok(()) } else { Err(format!("came and is not expected: {}", self.outputs.join(" | "))) }
    }

    fn step(&mut self, at: Option<Timestamp>, act: Act<'_>) -> Result<(), String> {
        let mut own = None;
        let time = at.ok_or("this line needs a time");
        let outputs = match act {
            Act::Record { name, key, input } => {
                let cause = self.world.next_cause(source(&input));
                self.causes.insert((cause.source as usize, cause.offset), name);
                own = Some(cause);
                self.world.record(key, time?, input)
            }
            Act::News { name, order_id, shipment_id, vehicle_id, news } => {
                let cause = self.world.next_cause(Source::Orders);
                self.causes.insert((cause.source as usize, cause.offset), name);
                own = Some(cause);
                self.world.news(order_id, time?, shipment_id, vehicle_id, news)
            }
            Act::Write { source, key, value } => {
                let decoded = input::decode_key(source, Some(key.as_bytes()))
                    .and_then(|key| input::decode(source, &key, Some(value.as_bytes())).map(|input| (key, input)));
                match decoded {
                    Ok((clean, input)) => return self.step(at, Act::Record { name: format!("write {key}"), key: &clean, input }),
                    Err(reject) => vec![Output::DeadLetter(reject)],
                }
            }
            Act::Tick => self.world.tick(time?),
            Act::FireTimer(order_id) => self.world.fire(order_id, time?),
            Act::HoldReplies => {
                self.world.hold_replies = true;
                vec![]
            }
            Act::DeliverReplies(sku) => self.world.deliver_replies(sku).ok_or("no reply waits")?,
            Act::RepeatReply(sku) => self.world.repeat_reply(sku).ok_or("nothing was replied")?,
        };
        self.outputs = outputs.iter().map(|output| self.show(output, at, own)).collect();
        Ok(())
    }

    fn show(&self, output: &Output, at: Option<Timestamp>, own: Option<Cause>) -> String {
        match output {
            Output::Duplicate => "duplicate".into(),
            Output::ToVehicle(vehicle_id, FleetMessage::HandedOver { shipment_id, order_id }) => {
                format!("{vehicle_id} hears: {shipment_id} goes on without {order_id}")
            }
            Output::ToVehicle(vehicle_id, FleetMessage::Investigate { shipment_id, order_id, feedback_id, kind }) => {
                let order_id = order_id.as_deref().unwrap_or("no order");
                format!("{vehicle_id} hears: {feedback_id} {kind}, {shipment_id} for {order_id}")
            }
            Output::ToVehicle(vehicle_id, other) => format!("{vehicle_id} hears: {other:?}"),
            Output::DeadLetter(reject) => format!("dead letter {}", reject.reason.word()),
            Output::Product(sku, event) => listings::event(sku, event),
            Output::Event(order_id, event) => {
                let mut text = show::event(order_id, event);
                if Some(event.at) != at || Some(event.cause) != own {
                    let cause = &self.causes[&(event.cause.source as usize, event.cause.offset)];
                    let _ = write!(text, " ({} {cause})", words::show_time(event.at));
                }
                text
            }
        }
    }

    fn check(&mut self, check: Check<'_>) -> Result<(), String> {
        let (actual, expected) = match check {
            Check::Stock { sku, location, figures } => {
                let level = self.world.stock(sku).ok_or("nothing was heard of this SKU")?.level();
                (show::figures(&level, location).ok_or("the SKU was never there")?, figures)
            }
            Check::Listing { sku, shown } => (listings::row(self.world.listing(sku).and_then(|listing| listing.row()).as_ref()), shown),
            Check::Ratings { sku, figures } => {
                let ratings = self.world.listing(sku).and_then(|listing| listing.ratings());
                (ratings.map_or("none".into(), |figures| listings::ratings(&figures)), figures)
            }
            Check::Order { id, status } => (self.world.order(id).map_or("unknown", |order| order.view().status).into(), status),
            Check::Total { id, total } => {
                let order = self.world.order(id).ok_or("unknown order")?;
                (order.view().total.map_or("unknown".into(), show::money), total)
            }
            Check::Movements { sku, movements } => {
                let all = self.world.journal.get(sku).map_or(&[][..], Vec::as_slice);
                let from = self.checked.insert(sku.into(), all.len()).unwrap_or(0);
                (all[from..].iter().map(show::movement).collect::<Vec<_>>().join("; "), movements)
            }
        };
        if actual == expected { Ok(()) } else { Err(format!("is: {actual}")) }
    }
}
