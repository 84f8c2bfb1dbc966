//! The catalogue: versions without gap, refusals that name the version which stood, rows that say what the events say;
//! and when a product was withdrawn, so that holds can be compared with it. Judges no cleaning.

use crate::facts::{At, Findings, Registry};
use crate::report::Kind;
use crate::sku::clean;
use crate::wire::catalogue::{Listing, ProductEvent, ProductKind};

/// Most withdrawals and re-listings that are remembered of one product; the oldest go first.
const MAX_TURNS: usize = 64;
/// Two records of one task that were written so far apart were decided in that order.
const TOLD_APART_MS: i64 = 1_000;

#[derive(Debug, Default)]
struct Product {
    /// The last event.
    at: Option<At>,
    timestamp: i64,
    seq: u64,
    version: u64,
    /// When it was withdrawn or put into quarantine (true), or listed again, by the events' record timestamps.
    turns: Vec<(i64, bool)>,
    /// The last row, and its version.
    row: Option<(At, u64)>,
}

#[derive(Default)]
pub(crate) struct Catalogue {
    /// By number of the SKU.
    list: Vec<Product>,
    events: bool,
    rows: bool,
}

impl Catalogue {
    fn product(&mut self, number: u32) -> &mut Product {
        let index = number as usize;
        if index >= self.list.len() {
            self.list.resize_with(index + 1, Product::default);
        }
        &mut self.list[index]
    }

    /// The next event of a product. False if it has been read before, so that it must not count again.
    pub fn event(&mut self, number: u32, e: &ProductEvent, at: At, timestamp: i64, findings: &mut Findings) -> bool {
        self.events = true;
        let product = self.product(number);
        let (sku, word) = (&e.sku, e.kind.word());
        if let Some(before) = product.at.filter(|before| before.partition != at.partition) {
            let message = format!("`{word}` of {sku}, whose product events so far are in partition {}", before.partition);
            findings.add(Kind::WrongPartition, at, message);
        }
        if e.seq <= product.seq {
            findings.add(Kind::DuplicateId, at, format!("`{word}` has seq {} of {sku}, which had {} already", e.seq, product.seq));
            return false;
        }
        if e.seq != product.seq + 1 {
            findings.add(Kind::ProductSequence, at, format!("`{word}` has seq {} of {sku}, expected {}", e.seq, product.seq + 1));
        }
        unclean(sku, at, findings);
        (product.at, product.timestamp, product.seq) = (Some(at), product.timestamp.max(timestamp), e.seq);
        let before = product.version;
        let mut wrong = |kind: Kind, told: u64, want: u64| {
            findings.add(kind, at, format!("`{word}` of {sku} names the version {told}, expected {want}"));
        };
        if e.kind.is_version() {
            let told = e.version.unwrap_or(before);
            if told != before.saturating_add(1) {
                wrong(Kind::VersionGap, told, before.saturating_add(1));
            }
            product.version = told;
        } else if let Some(told) = e.current_version.or(e.version).filter(|told| *told != before) {
            wrong(Kind::WrongVersion, told, before);
        }
        match e.kind {
            ProductKind::Updated => product.turn(timestamp, false),
            ProductKind::Withdrawn => product.turn(timestamp, true),
            // An update that waits leaves on sale what stands.
            ProductKind::Quarantined if e.held.is_none() => product.turn(timestamp, true),
            _ => {}
        }
        true
    }

    /// The next row of the catalogue.
    pub fn row(&mut self, number: u32, listing: &Listing, at: At, findings: &mut Findings) {
        self.rows = true;
        unclean(&listing.sku, at, findings);
        if let Some((before, version)) = self.product(number).row.replace((at, listing.version)) {
            if before.partition != at.partition {
                let message = format!("the row of {}, whose rows so far are in partition {}", listing.sku, before.partition);
                findings.add(Kind::WrongPartition, at, message);
            }
            if listing.version < version {
                let message = format!("version {} of {} comes after {version}", listing.version, listing.sku);
                findings.add(Kind::CatalogMismatch, at, message);
            }
        }
    }

    /// The product was surely off sale when a record with this timestamp was written.
    pub fn withdrawn(&self, number: u32, timestamp: i64) -> bool {
        let Some(product) = self.list.get(number as usize) else { return false };
        let before = product.turns.iter().rev().find(|(turn, _)| turn.saturating_add(TOLD_APART_MS) <= timestamp);
        let near = product.turns.iter().any(|(turn, _)| timestamp.abs_diff(*turn) < TOLD_APART_MS as u64);
        !near && before.is_some_and(|(_, withdrawn)| *withdrawn)
    }

    /// All is read: the last row of every product is that of its last event.
    pub fn finish(&self, registry: &Registry, findings: &mut Findings) {
        for (number, product) in self.list.iter().enumerate() {
            let name = registry.skus.text(number as u32);
            if product.at.is_some() {
                findings.counts().products += 1;
            }
            match (product.at, product.row) {
                (Some(_), Some((row, version))) if version != product.version => {
                    // Rows follow at a pace. In a log that is still written to they may also be read later than the events.
                    let late = if version < product.version { findings.options.levels_final } else { findings.options.complete };
                    if late {
                        let message = format!("the last row of {name} is version {version}, its last event left {}", product.version);
                        findings.add(Kind::CatalogMismatch, row, message);
                    }
                }
                (Some(at), None) if self.rows && product.version > 0 && findings.options.levels_final => {
                    findings.add(Kind::CatalogMismatch, at, format!("{name} has version {} and no row", product.version));
                }
                (None, Some((row, _))) if self.events && findings.options.complete => {
                    findings.add(Kind::CatalogMismatch, row, format!("{name} has a row and no event"));
                }
                _ => {}
            }
        }
    }
}

impl Product {
    fn turn(&mut self, timestamp: i64, withdrawn: bool) {
        if self.turns.last().map_or(withdrawn, |(_, last)| *last != withdrawn) {
            if self.turns.len() == MAX_TURNS {
                self.turns.remove(0);
            }
            self.turns.push((timestamp, withdrawn));
        }
    }
}

/// Whatever spelling came in, one goes out.
fn unclean(sku: &str, at: At, findings: &mut Findings) {
    let want = clean(sku);
    if want != sku {
        findings.add(Kind::UncleanSku, at, format!("the SKU `{sku}` is `{want}` when it is cleaned"));
    }
}
