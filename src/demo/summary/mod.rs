//! What is shown on standard output, in a shop manager's words. Figures come from the ledger, the shop and the auditor.

mod fleet;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;

use auditor::Report;

use super::Options;
use super::invoices::History;
use super::ledger::{Item, Ledger, Sum};
use super::pace::Paced;
use super::replay::Replayed;
use super::shop::Shop;

/// Trading days in the files.
const DAYS: f64 = 7.0;
const TIGHTEST: usize = 10;
/// A SKU that people see first: in the shop's first invoice.
const EXAMPLE: &str = "85123A";

type Out<'a> = &'a mut dyn Write;

pub fn opening(out: Out, options: &Options, history: &History) -> io::Result<()> {
    let r = history.rows;
    writeln!(out, "Waybill demo, seed {}", options.seed)?;
    writeln!(out)?;
    writeln!(out, "Seven days of a real gift wholesaler, December 2010 (UCI Online Retail): {} invoice lines.", grouped(r.all))?;
    writeln!(
        out,
        "{} are goods of {} orders, {} of {} cancellations; left out: {} charges such as postage, {} write-offs, {} unreadable.",
        grouped(r.order_lines),
        history.orders.len(),
        r.cancelled,
        history.cancellations.len(),
        r.charges,
        r.write_offs,
        r.unreadable
    )?;
    writeln!(out, "Stock, restocks, counts, payments, addresses, vans and everything that goes wrong are made up from the seed.")?;
    writeln!(
        out,
        "Vans deliver over the streets of Helsinki (© OpenStreetMap contributors); eight real buses (Bus Open Data) drive as they did."
    )?;
    if options.workers > 1 {
        writeln!(
            out,
            "With {} workers, who gets the last units depends on who is first: figures differ from run to run.",
            options.workers
        )?;
    }
    writeln!(out)?;
    out.flush()
}

pub fn days(out: Out, history: &History, shop: &Shop, ledger: &Ledger) -> io::Result<()> {
    let (accepted, refused) = (ledger.count("accepted"), ledger.count("rejected"));
    let decided = accepted + refused;
    writeln!(out, "ORDERS")?;
    row(out, "accepted", accepted, &format!("of {decided}: {}", percent(accepted, decided)))?;
    row(out, "refused", refused, &list(&ledger.refused))?;
    row(out, "paid", ledger.count("paid"), &pounds(ledger.paid.total))?;
    row(
        out,
        "expired holds",
        ledger.count("expired"),
        &format!("not paid in time; {} of them kept after all by a late payment", ledger.count("reinstated")),
    )?;
    row(out, "cancelled", ledger.count("cancelled"), "in whole or in part")?;
    row(
        out,
        "shipped",
        ledger.count("shipped"),
        &format!(
            "{} in parts, {} out for delivery with a van, {} delivered so far",
            ledger.count("part_shipped"),
            ledger.count("out_for_delivery"),
            ledger.count("delivered")
        ),
    )?;
    row(out, "returned", ledger.count("returned"), "")?;
    let refunds = ledger.refunds.values().fold(Sum::default(), |a, b| Sum { times: a.times + b.times, total: a.total + b.total });
    let reasons: BTreeMap<&String, u64> = ledger.refunds.iter().map(|(reason, sum)| (reason, sum.times)).collect();
    row(out, "refunds required", refunds.times, &format!("{}: {}", pounds(refunds.total), list(&reasons)))?;
    let t = &shop.tally;
    row(
        out,
        "cancelled lines",
        t.taken_back + t.called_off + t.unmatched,
        &format!("of the invoices: {} came back, {} called off, {} of no order of these days", t.taken_back, t.called_off, t.unmatched),
    )?;

    writeln!(out, "\nUNITS")?;
    let unit = |name: &str| ledger.units(name).total;
    row(out, "received", unit("received"), &format!("{} damaged, {} moved between places", unit("damaged"), unit("transferred_in")))?;
    row(
        out,
        "held",
        ledger.open_holds(),
        &format!("now; {} in all, {} released, {} expired", grouped(unit("held")), grouped(unit("released")), grouped(unit("expired"))),
    )?;
    row(out, "sold", unit("sold"), "")?;
    row(out, "returned", unit("returned"), "back on the shelf, from returns and from cancelled orders")?;
    row(
        out,
        "counts",
        ledger.units("counted").times as i64,
        &format!(
            "variance {:+} units; {} revealed {} held and not there, {} orders at risk",
            unit("adjusted"),
            ledger.shortages.times,
            ledger.shortages.total,
            ledger.orders_at_risk
        ),
    )?;
    row(
        out,
        "available",
        ledger.items.values().map(Item::available).sum::<i64>(),
        &format!("of {} articles", grouped(ledger.items.len())),
    )?;

    fleet::deliveries(out, ledger)?;
    fleet::pings(out, ledger, shop)?;

    writeln!(out, "\nDEAD LETTERS")?;
    row(out, "records", ledger.dead.values().sum::<u64>(), &list(&ledger.dead))?;
    row(out, "duplicates", t.repeated, "records sent twice, counted once")?;
    tightest(out, history, ledger)
}

fn tightest(out: Out, history: &History, ledger: &Ledger) -> io::Result<()> {
    writeln!(out, "\nTIGHTEST ARTICLES    available    held  sold a day  days left")?;
    let cover = |item: &Item| item.available() as f64 * DAYS / item.sold as f64;
    let mut items: Vec<(&String, &Item)> = ledger.items.iter().filter(|(_, item)| item.sold > 0).collect();
    // Of those with nothing left, the one that sold most.
    items.sort_by(|(a, x), (b, y)| cover(x).total_cmp(&cover(y)).then(y.sold.cmp(&x.sold)).then(a.cmp(b)));
    for (sku, item) in items.into_iter().take(TIGHTEST) {
        let name = history.names.get(sku).map_or("", String::as_str);
        writeln!(
            out,
            "  {sku:<18} {:>9} {:>7} {:>11.1} {:>10.1}  {name}",
            item.available(),
            item.reserved(),
            item.sold as f64 / DAYS,
            cover(item)
        )?;
    }
    if ledger.items.values().any(|item| item.available() < 0) {
        writeln!(out, "  below zero: a count found fewer than were promised, see above")?;
    }
    out.flush()
}

pub fn speed(out: Out, replayed: &Replayed, paced: &Paced, workers: usize) -> io::Result<()> {
    let seconds = replayed.took.as_secs_f64();
    writeln!(out, "\nSPEED")?;
    let threads = if workers == 1 { "1 worker".to_owned() } else { format!("{workers} workers") };
    let rate = |count: u64| grouped((count as f64 / seconds) as u64);
    row(
        out,
        "records",
        replayed.records,
        &format!(
            "in {seconds:.2} s with {threads}: {} records a second, {} stock movements a second",
            rate(replayed.records),
            rate(replayed.movements)
        ),
    )?;
    writeln!(out, "  {:<18} p50 {:.1} ms, p99 {:.1} ms", "order to decision", paced.p50, paced.p99)?;
    writeln!(
        out,
        "  {:<18} from produce until a reader of committed records sees it; {} further orders at {} a second, on the in-memory log",
        "",
        grouped(paced.orders),
        grouped(paced.a_second)
    )?;
    out.flush()
}

/// `held`: units held when the days were over, before the wall clock went on.
pub fn audit(out: Out, report: &Report, held: i64, replayed: &Replayed) -> io::Result<()> {
    let c = &report.counts;
    writeln!(out, "\nAUDIT")?;
    row(
        out,
        "input records",
        c.inputs,
        &format!("{} of the days; each has one outcome, is a dead letter, or repeats another", grouped(replayed.records)),
    )?;
    row(out, "decisions", c.decisions(), "one for each order")?;
    row(out, "order events", c.order_events, "in a lawful course, numbered without a gap")?;
    row(out, "movements", c.movements, "without a gap, adding up, hash chain unbroken, never more held than there is")?;
    row(out, "holds", c.moved.get("held").map_or(0, |moved| moved.records), "each ended once or is open")?;
    row(
        out,
        "still open",
        c.open_holds,
        &format!("the {} units that were held at the end have expired by now: the clock is today's again", grouped(held)),
    )?;
    row(out, "shipments", c.shipments, &format!("{} open; events in order, each arrival left, each stop done once", c.open_shipments))?;
    row(out, "pings", c.pings, &format!("one verdict each, or a dead letter; {} wait for older ones", c.waiting_pings))?;
    row(out, "dead letters", c.dead_letters, "with the bytes as they came")?;
    row(out, "duplicates", c.duplicates, "without effect")?;
    if report.ok() {
        writeln!(out, "  every invariant holds: 0 violations")?;
    } else {
        writeln!(out, "  {} VIOLATIONS", report.total())?;
        for violation in &report.violations {
            writeln!(out, "  {violation}")?;
        }
    }
    out.flush()
}

pub fn serving(out: Out, address: SocketAddr, ledger: &Ledger) -> io::Result<()> {
    let base = format!("http://{address}");
    // Something that can be had.
    let available = |sku: &str| ledger.items.get(sku).map_or(0, Item::available);
    let sku = if available(EXAMPLE) >= 6 {
        EXAMPLE
    } else {
        ledger.items.iter().find(|(_, i)| i.available() >= 6).map_or(EXAMPLE, |(sku, _)| sku)
    };
    writeln!(out, "\nWaybill goes on at {base} until Ctrl-C, by the clock on the wall. In another terminal:")?;
    writeln!(out, "  curl -N {base}/topics/order-events")?;
    writeln!(
        out,
        "  curl {base}/topics/orders -d '{{\"type\":\"place\",\"order_id\":\"mine-1\",\"hold_seconds\":60,\"lines\":[{{\"sku\":\"{sku}\",\"quantity\":6}}]}}'"
    )?;
    writeln!(out, "  curl {base}/orders/mine-1")?;
    writeln!(out, "  curl {base}/stock/{sku}")?;
    writeln!(out, "  curl {base}/vehicles/VAN-1")?;
    writeln!(out, "The order is accepted at once and expires after its 60 seconds, unless /topics/payments says otherwise.")?;
    out.flush()
}

fn row(out: Out, name: &str, figure: impl Display, detail: &str) -> io::Result<()> {
    let line = format!("  {name:<18} {:>9}  {detail}", grouped(figure));
    writeln!(out, "{}", line.trim_end())
}

/// `12,345`.
fn grouped(figure: impl Display) -> String {
    let text = figure.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn pounds(pence: i64) -> String {
    format!("£{}", grouped((pence + 50) / 100))
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / whole.max(1) as f64)
}

fn list<K: Display>(figures: &BTreeMap<K, u64>) -> String {
    let parts: Vec<String> = figures.iter().map(|(name, n)| format!("{name} {n}")).collect();
    parts.join(", ")
}
