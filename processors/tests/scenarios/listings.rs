//! The words of the tables that are about the catalogue and feedback, read and shown.

use std::fmt::Write;

use schemas::feedback::{About, Comment, Feedback, Remark};
use schemas::gtin::Gtin;
use schemas::input::Input;
use schemas::product::{CatalogueRow, Product, ProductCommand, ProductEvent, RatingFigures};
use schemas::{Currency, Source};

use super::grammar::{Act, Setting, record};
use super::show::money;
use super::words::Words;

/// `products 85123a {…}`: topic, key, value.
pub fn write(raw: &str) -> Result<Act<'_>, String> {
    let mut parts = raw.trim().splitn(3, ' ');
    let (topic, key, value) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().ok_or("a value is missing")?);
    let source = Source::ALL.into_iter().find(|source| source.name() == topic).ok_or(format!("`{topic}` is no source topic"))?;
    Ok(Act::Write { source, key, value })
}

pub fn set(name: &str, value: &str) -> Result<Setting, String> {
    let number = || value.parse().map_err(|_| format!("`{value}` is no number"));
    let unless_off = || if value == "off" { Ok(None) } else { number().map(Some) };
    let flag = || value.parse().map_err(|_| format!("`{value}` is neither true nor false"));
    Ok(match name {
        "price_tolerance" => Setting::Tolerance(unless_off()?),
        "price_jump" => Setting::PriceJump(unless_off()?),
        "complaints" => Setting::Complaints(unless_off()?.map(|n: u32| n as u16)),
        "complaint_days" => Setting::ComplaintDays(number()? as u16),
        "listed_only" => Setting::ListedOnly(flag()?),
        "signed" => Setting::Signed(flag()?),
        _ => return Err(format!("`{name}={value}` is not a setting")),
    })
}

pub fn act<'a>(words: &mut Words<'a>, verb: &str) -> Result<Act<'a>, String> {
    match verb {
        "list" => list(words),
        "withdraw" => withdraw(words),
        _ => feedback(words),
    }
}

fn number<T: std::str::FromStr>(words: &mut Words<'_>) -> Result<T, String> {
    let word = words.next("a number")?;
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

fn version(word: &str) -> Option<u64> {
    word.strip_prefix('v')?.parse().ok()
}

/// `A v3 @ 2.55 GBP name Heart gtin 4006381333931 lead 7 reorder 40 mute`.
fn list<'a>(words: &mut Words<'a>) -> Result<Act<'a>, String> {
    let sku = words.next("a SKU")?;
    let (mut product, mut expected_version) = (Product::default(), None);
    while let Ok(word) = words.next("") {
        match word {
            "@" => {
                product.price = Some(words.money()?);
                let code = words.next("a currency")?;
                product.currency = Some(Currency::new(code).ok_or(format!("`{code}` is no currency"))?);
            }
            "name" => product.name = Some(words.next("a name")?.into()),
            "gtin" => product.gtin = Some(Gtin::parse(words.next("a GTIN")?).map_err(|e| e.message)?),
            "lead" => product.lead_time_days = Some(number(words)?),
            "reorder" => product.reorder_point = Some(number(words)?),
            "mute" => product.mute = true,
            other => expected_version = Some(version(other).ok_or(format!("`{other}` is not said of a product"))?),
        }
    }
    let command = ProductCommand::Upsert { product: Box::new(product), expected_version };
    Ok(record("list", sku, sku, Input::Product(command)))
}

/// `A v3 because recall`.
fn withdraw<'a>(words: &mut Words<'a>) -> Result<Act<'a>, String> {
    let sku = words.next("a SKU")?;
    let (mut reason, mut expected_version) = (None, None);
    while let Ok(word) = words.next("") {
        match word {
            "because" => reason = Some(words.next("a reason")?.into()),
            other => expected_version = Some(version(other).ok_or(format!("`{other}` is not said of a withdrawal"))?),
        }
    }
    Ok(record("withdraw", sku, sku, Input::Product(ProductCommand::Withdraw { reason, expected_version })))
}

/// `F-1 product A: damaged 2 stars for 1 at main says it leaks`.
fn feedback<'a>(words: &mut Words<'a>) -> Result<Act<'a>, String> {
    let feedback_id = words.next("a feedback's id")?;
    let about = match words.next("what it is about")? {
        "order" => About::Order,
        "product" => About::Product,
        "stock" => About::Stock,
        "delivery" => About::Delivery,
        other => return Err(format!("feedback is about order, product, stock or delivery, not `{other}`")),
    };
    let id = words.next("a subject")?;
    words.must(":")?;
    let kind = words.next("a kind")?.into();
    let mut feedback =
        Feedback { feedback_id: feedback_id.into(), about, id: id.into(), kind, rating: None, text: None, order_id: None, location: None };
    while let Ok(word) = words.next("") {
        match word {
            "for" => feedback.order_id = Some(words.next("an order")?.into()),
            "at" => feedback.location = Some(words.next("a place")?.into()),
            "says" => {
                let mut text = vec![];
                while let Ok(word) = words.next("") {
                    text.push(word);
                }
                feedback.text = Some(Comment::new(text.join(" ")));
            }
            stars => {
                feedback.rating = Some(stars.parse().map_err(|_| format!("`{stars}` is not said of feedback"))?);
                words.must("stars")?;
            }
        }
    }
    Ok(record("feedback", feedback_id, id, Input::Feedback(feedback)))
}

/// `A updated v2: @ 2.55 GBP`.
pub fn event(sku: &str, event: &ProductEvent) -> String {
    let mut text = format!("{sku} {} v{}", event.kind.word(), event.version);
    let mut about: Vec<String> = vec![];
    about.extend(event.reason.as_ref().map(ToString::to_string));
    about.extend(event.product.as_deref().map(product));
    about.extend(event.ratings.as_ref().map(ratings));
    about.extend(event.request.as_ref().map(|request| {
        let place = request.location.as_deref().map_or(String::new(), |location| format!(" at {location}"));
        format!("report {}{place}", request.reports)
    }));
    about.extend(event.feedback.as_deref().map(remark));
    if !about.is_empty() {
        let _ = write!(text, ": {}", about.join(", "));
    }
    text
}

/// `@ 2.55 GBP name Heart`; `bare` if nothing is known.
fn product(product: &Product) -> String {
    let mut about: Vec<String> = vec![];
    if let (Some(price), Some(currency)) = (product.price, product.currency) {
        about.push(format!("@ {} {currency}", money(price)));
    }
    about.extend(product.name.as_deref().map(|name| format!("name {name}")));
    about.extend(product.gtin.map(|gtin| format!("gtin {gtin}")));
    about.extend(product.lead_time_days.map(|days| format!("lead {days}")));
    about.extend(product.reorder_point.map(|units| format!("reorder {units}")));
    about.extend(product.mute.then(|| "mute".into()));
    if about.is_empty() { "bare".into() } else { about.join(" ") }
}

/// `listed v4 @ 2.55 GBP, held @ 25.50 GBP`.
pub fn row(row: Option<&CatalogueRow>) -> String {
    let Some(row) = row else { return "unknown".into() };
    let held = row.held.as_ref().map_or(String::new(), |held| format!(", held {}", product(held)));
    format!("{} v{} {}{held}", row.state, row.version, product(&row.product))
}

/// `3 ratings, mean 4.667, at least 2.915`.
pub fn ratings(figures: &RatingFigures) -> String {
    let stars = |milli: i64| format!("{}.{:03}", milli / 1000, milli % 1000);
    format!("{} ratings, mean {}, at least {}", figures.count, stars(figures.mean_milli), stars(figures.lower_bound_milli))
}

/// `F-1 damaged 2 stars for 1 says it leaks`.
pub fn remark(remark: &Remark) -> String {
    let mut text = format!("{} {}", remark.feedback_id, remark.kind);
    if let Some(stars) = remark.rating {
        let _ = write!(text, " {stars} stars");
    }
    if let Some(order_id) = &remark.order_id {
        let _ = write!(text, " for {order_id}");
    }
    if let Some(said) = &remark.text {
        let _ = write!(text, " says {said}");
    }
    text
}
