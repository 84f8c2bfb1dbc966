//! The words of the scenario tables, as `tests/scenarios/README.md` describes them. Strict: what is not understood is
//! an error.

use std::borrow::Cow;

use schemas::ShortText;
use schemas::input::{Count, Input, Line as OrderLine, OrderCommand, Payment, PaymentStatus, Place, Restock, RestockKind};
use schemas::message::ShipmentNews;
use schemas::{Source, Timestamp};
use waybill_processors::orders::DeductOn;

use super::listings;
use super::words::{Words, time};

/// One line of a scenario.
#[derive(Debug)]
pub enum Line<'a> {
    Set(Setting),
    /// Without a time where none is needed.
    Step(Option<Timestamp>, Act<'a>),
    /// What must come out next, as it is printed.
    Expect(String),
    Check(Check<'a>),
}

#[derive(Debug)]
pub enum Setting {
    DeductOn(DeductOn),
    Split(bool),
    HoldSeconds(u32),
    LateTimers(bool),
    /// Percent; `None`: prices are not checked.
    Tolerance(Option<u32>),
    ListedOnly(bool),
    PriceJump(Option<u32>),
    Complaints(Option<u16>),
    ComplaintDays(u16),
    Signed(bool),
}

#[derive(Debug)]
pub enum Act<'a> {
    /// `name`: what outputs call it that come later.
    Record {
        name: String,
        key: &'a str,
        input: Input<'a>,
    },
    /// What a vehicle's task says to an order.
    News {
        name: String,
        order_id: &'a str,
        shipment_id: &'a str,
        vehicle_id: &'a str,
        news: ShipmentNews,
    },
    /// A record as its producer writes it.
    Write {
        source: Source,
        key: &'a str,
        value: &'a str,
    },
    Tick,
    FireTimer(&'a str),
    HoldReplies,
    /// All, or the first of one SKU.
    DeliverReplies(Option<&'a str>),
    RepeatReply(&'a str),
}

#[derive(Debug)]
pub enum Check<'a> {
    Stock { sku: &'a str, location: Option<&'a str>, figures: String },
    Order { id: &'a str, status: String },
    Total { id: &'a str, total: String },
    Movements { sku: &'a str, movements: String },
    Listing { sku: &'a str, shown: String },
    Ratings { sku: &'a str, figures: String },
}

pub fn parse(text: &str) -> Result<Line<'_>, String> {
    if let Some(expected) = text.strip_prefix("->") {
        return Ok(Line::Expect(one_spaced(expected)));
    }
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(at) = time(first) {
        if let Some(raw) = rest.strip_prefix("write ") {
            return listings::write(raw).map(|act| Line::Step(Some(at), act));
        }
        let mut words = Words::new(rest);
        let act = act(&mut words)?;
        return words.end().map(|()| Line::Step(Some(at), act));
    }
    if first.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("`{first}` is not a time like 10:00 or 10:00:00.250"));
    }
    let (before, after) = text.split_once(": ").unwrap_or((text, ""));
    let after = one_spaced(after);
    let words: Vec<&str> = before.split_whitespace().collect();
    Ok(match words[..] {
        ["config", setting] if after.is_empty() => Line::Set(set(setting)?),
        ["hold", "replies"] => Line::Step(None, Act::HoldReplies),
        ["deliver", "replies"] => Line::Step(None, Act::DeliverReplies(None)),
        ["deliver", "reply", "of", sku] => Line::Step(None, Act::DeliverReplies(Some(sku))),
        ["repeat", "reply", "of", sku] => Line::Step(None, Act::RepeatReply(sku)),
        ["stock", sku] => Line::Check(Check::Stock { sku, location: None, figures: after }),
        ["stock", sku, location] => Line::Check(Check::Stock { sku, location: Some(location), figures: after }),
        ["order", id, "is", status] => Line::Check(Check::Order { id, status: status.into() }),
        ["total", "of", id, "is", total] => Line::Check(Check::Total { id, total: total.into() }),
        ["listing", sku] => Line::Check(Check::Listing { sku, shown: after }),
        ["ratings", "of", sku] => Line::Check(Check::Ratings { sku, figures: after }),
        ["movements", "of", sku] => Line::Check(Check::Movements { sku, movements: after }),
        _ => return Err("not a line of a scenario".into()),
    })
}

fn one_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn set(setting: &str) -> Result<Setting, String> {
    Ok(match setting.split_once('=') {
        Some(("deduct_on", "payment")) => Setting::DeductOn(DeductOn::Payment),
        Some(("deduct_on", "shipment")) => Setting::DeductOn(DeductOn::Shipment),
        Some(("split", "true")) => Setting::Split(true),
        Some(("split", "false")) => Setting::Split(false),
        Some(("timers", "late")) => Setting::LateTimers(true),
        Some(("hold", seconds)) => Setting::HoldSeconds(seconds.parse().map_err(|_| format!("`{seconds}` are no seconds"))?),
        Some((name, value)) => return listings::set(name, value),
        None => return Err(format!("`{setting}` is not a setting")),
    })
}

fn act<'a>(words: &mut Words<'a>) -> Result<Act<'a>, String> {
    let verb = words.next("a verb")?;
    Ok(match verb {
        "tick" => Act::Tick,
        "timer" => {
            words.must("of")?;
            Act::FireTimer(words.next("an order")?)
        }
        "restock" => restock(words, verb, |_| Ok(RestockKind::Received))?,
        "expect" => restock(words, verb, |_| Ok(RestockKind::Expected { expected_at: None }))?,
        "damage" => restock(words, verb, |_| Ok(RestockKind::Damaged))?,
        "transfer" => restock(words, verb, |words| {
            words.must("to")?;
            Ok(RestockKind::Transfer { to_location: words.next("a place")?.into() })
        })?,
        "count" => {
            let (id, sku, location) = (words.next("a count's id")?, words.next("a SKU")?, words.next("a place")?);
            let count =
                Count { count_id: id.into(), sku: sku.into(), location: location.into(), counted: words.units()?, counted_at: None };
            record(verb, id, sku, Input::Count(count))
        }
        "pay" => payment(words, verb, PaymentStatus::Captured)?,
        "payment" => match words.next("failed or refunded")? {
            "failed" => payment(words, verb, PaymentStatus::Failed)?,
            "refunded" => payment(words, verb, PaymentStatus::Refunded)?,
            other => return Err(format!("a payment is failed or refunded, not `{other}`")),
        },
        "place" | "cancel" | "ship" | "deliver" | "return" => {
            let id = words.next("an order")?;
            record(verb, id, id, Input::Order(command(words, verb)?))
        }
        "dispatched" | "delivered" | "failed" | "recalled" => news(words, verb)?,
        "list" | "withdraw" | "feedback" => return listings::act(words, verb),
        other => return Err(format!("`{other}` is not a verb")),
    })
}

pub fn record<'a>(verb: &str, id: &str, key: &'a str, input: Input<'a>) -> Act<'a> {
    Act::Record { name: format!("{verb} {id}"), key, input }
}

/// `1 on S-1 V-1`, with the stop for a proof; `because` and a reason for what did not work.
fn news<'a>(words: &mut Words<'a>, verb: &str) -> Result<Act<'a>, String> {
    let order_id = words.next("an order")?;
    words.must("on")?;
    let (shipment_id, vehicle_id) = (words.next("a shipment")?, words.next("a vehicle")?);
    let mut stop = || words.must("at").and_then(|()| words.next("a stop")).map(Into::into);
    let news = match verb {
        "dispatched" => ShipmentNews::Dispatched,
        "delivered" => ShipmentNews::Delivered { stop_id: stop()? },
        "failed" => ShipmentNews::Failed { stop_id: stop()?, reason: because(words)? },
        _ => ShipmentNews::Recalled { reason: because(words)? },
    };
    Ok(Act::News { name: format!("{verb} {order_id}"), order_id, shipment_id, vehicle_id, news })
}

fn because(words: &mut Words<'_>) -> Result<Option<ShortText>, String> {
    Ok(if words.eat("because") { Some(words.next("a reason")?.into()) } else { None })
}

/// `R-1 A main 10`, and what `kind` reads after it.
fn restock<'a>(words: &mut Words<'a>, verb: &str, kind: fn(&mut Words<'a>) -> Result<RestockKind<'a>, String>) -> Result<Act<'a>, String> {
    let (id, sku, location) = (words.next("a restock's id")?, words.next("a SKU")?, words.next("a place")?);
    let quantity = words.units()?;
    let restock = Restock { restock_id: id.into(), sku: sku.into(), location: location.into(), quantity, kind: kind(words)? };
    Ok(record(verb, id, sku, Input::Restock(restock)))
}

/// `P-1 1: 15.30 GBP`; the money may be missing.
fn payment<'a>(words: &mut Words<'a>, verb: &str, status: PaymentStatus) -> Result<Act<'a>, String> {
    let (id, order_id) = (words.next("a payment's id")?, words.next("an order")?);
    let (mut amount, mut currency) = (None, None);
    if words.eat(":") {
        amount = Some(words.money()?);
        currency = words.next("a currency").ok().map(Cow::Borrowed);
    }
    let payment = Payment { payment_id: id.into(), order_id: order_id.into(), status, amount, currency };
    Ok(record(verb, id, order_id, Input::Payment(payment)))
}

fn command<'a>(words: &mut Words<'a>, verb: &str) -> Result<OrderCommand<'a>, String> {
    let lines = if words.eat(":") { order_lines(words)? } else { vec![] };
    Ok(match verb {
        "place" => {
            let mut place =
                Place { customer_id: None, placed_at: None, currency: None, lines, hold_seconds: None, location: None, ship_to: None };
            while let Ok(word) = words.next("") {
                match word {
                    "from" => place.location = Some(words.next("a place")?.into()),
                    "hold" => {
                        let seconds = words.next("seconds like 60s")?;
                        place.hold_seconds = Some(seconds.strip_suffix('s').and_then(|s| s.parse().ok()).ok_or("seconds are like 60s")?);
                    }
                    "for" => place.customer_id = Some(words.next("a customer")?.into()),
                    code if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => place.currency = Some(code.into()),
                    other => return Err(format!("`{other}` is not said of a place")),
                }
            }
            OrderCommand::Place(place)
        }
        "cancel" => {
            let reason = if words.eat("because") { Some(words.next("a reason")?.into()) } else { None };
            OrderCommand::Cancel { lines, reason }
        }
        "ship" => OrderCommand::Ship { lines },
        "deliver" => OrderCommand::Deliver,
        "return" => match words.next("restock or discard")? {
            "restock" => OrderCommand::Return { lines, restock: true },
            "discard" => OrderCommand::Return { lines, restock: false },
            other => return Err(format!("returned goods are restock or discard, not `{other}`")),
        },
        _ => return Err(format!("`{verb}` is not said to an order")),
    })
}

/// `A x6 @ 2.55, B x1`.
fn order_lines<'a>(words: &mut Words<'a>) -> Result<Vec<OrderLine<'a>>, String> {
    let mut lines = vec![];
    loop {
        let sku = words.next("a SKU")?.into();
        let units = words.next("units like x6")?;
        let quantity = units.strip_prefix('x').and_then(|n| n.parse().ok()).ok_or(format!("`{units}` are not units like x6"))?;
        let unit_price = if words.eat("@") { Some(words.money()?) } else { None };
        lines.push(OrderLine { sku, quantity, unit_price });
        if !words.eat(",") {
            return Ok(lines);
        }
    }
}

impl Words<'_> {
    fn units(&mut self) -> Result<i64, String> {
        let word = self.next("a number of units")?;
        word.parse().map_err(|_| format!("`{word}` is not a number of units"))
    }

    /// `15.30`, in minor units.
    pub fn money(&mut self) -> Result<i64, String> {
        let word = self.next("an amount")?;
        let parsed = word
            .split_once('.')
            .filter(|(_, cents)| cents.len() == 2)
            .and_then(|(units, cents)| Some(units.parse::<i64>().ok()?.checked_mul(100)? + cents.parse::<i64>().ok()?));
        parsed.ok_or(format!("`{word}` is not an amount like 15.30"))
    }
}
