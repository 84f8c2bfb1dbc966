//! The movements of every SKU, one by one: gapless, chained, adding up, never more held than is there; and the stock
//! levels, which must say the same. Holds themselves are the orders' business.

use std::fmt::Write as _;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::facts::{At, Findings, Registry};
use crate::report::Kind;
use crate::wire::{Level, Movement, MovementKind};

/// One SKU so far.
#[derive(Default)]
struct Sku {
    at: Option<At>,
    seq: u64,
    /// Of the last movement.
    hash: [u8; 32],
    /// A `counted` whose `adjusted` has not come yet: where, the variance, and the cause.
    counted: Option<(u32, i64, (i32, i64))>,
    /// The numbers of its rows.
    rows: Vec<u32>,
    level: Option<LastLevel>,
}

/// One SKU at one place.
#[derive(Clone, Copy, Default)]
struct Row {
    on_hand: i64,
    reserved: i64,
    /// A count or damage has said that less is here than is held.
    short: bool,
}

struct LastLevel {
    at: At,
    version: u64,
    on_hand: i64,
    reserved: i64,
    /// (location, on hand, reserved)
    rows: Vec<(u32, i64, i64)>,
}

#[derive(Default)]
pub(crate) struct Stock {
    skus: Vec<Sku>,
    /// The number of the pair (SKU, location).
    numbers: FxHashMap<(u32, u32), u32>,
    rows: Vec<Row>,
    /// The pairs, by number.
    pairs: Vec<(u32, u32)>,
    text: String,
}

impl Stock {
    /// The pairs of SKU and location that moved, by row number.
    pub fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    pub fn row(&mut self, sku: u32, location: u32) -> u32 {
        let new = self.rows.len() as u32;
        let row = *self.numbers.entry((sku, location)).or_insert(new);
        if row == new {
            self.rows.push(Row::default());
            self.pairs.push((sku, location));
            self.sku(sku).rows.push(row);
        }
        row
    }

    fn sku(&mut self, number: u32) -> &mut Sku {
        let index = number as usize;
        if index >= self.skus.len() {
            self.skus.resize_with(index + 1, Sku::default);
        }
        &mut self.skus[index]
    }

    /// The next movement of a SKU. False if it has been read before, so that it must not count again.
    pub fn movement(&mut self, number: u32, row: u32, m: &Movement, at: At, findings: &mut Findings) -> bool {
        let word = m.kind.word();
        let hash = self.hash(m);
        let sku = self.sku(number);
        if let Some(before) = sku.at.filter(|before| before.partition != at.partition) {
            let message = format!("`{word}` of {}, whose movements so far are in partition {}", m.sku, before.partition);
            findings.add(Kind::WrongPartition, at, message);
        }
        if m.seq <= sku.seq {
            findings.add(Kind::DuplicateId, at, format!("`{word}` has seq {} of {}, which had {} already", m.seq, m.sku, sku.seq));
            return false;
        }
        if m.seq != sku.seq + 1 {
            findings.add(Kind::MovementSequence, at, format!("`{word}` has seq {} of {}, expected {}", m.seq, m.sku, sku.seq + 1));
        } else if m.previous != hex::encode(sku.hash) {
            findings.add(Kind::ChainBroken, at, format!("`previous` of seq {} of {} is not the hash of the movement before", m.seq, m.sku));
        }
        if m.hash != hex::encode(hash) {
            findings.add(Kind::HashMismatch, at, format!("`hash` of seq {} of {} is not that of its fields", m.seq, m.sku));
        }
        (sku.at, sku.seq) = (Some(at), m.seq);
        // Go on from what the record claims, so that one fault is told once.
        if hex::decode_to_slice(&*m.hash, &mut sku.hash).is_err() {
            sku.hash = hash;
        }
        counting(sku, row, m, at, findings);
        figures(&mut self.rows[row as usize], m, at, findings);
        true
    }

    /// As the contract says: the fields, joined by line feeds.
    fn hash(&mut self, m: &Movement) -> [u8; 32] {
        self.text.clear();
        // Writing to a String cannot fail.
        let _ = write!(
            self.text,
            "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}",
            m.previous,
            m.sku,
            m.location,
            m.seq,
            m.kind.word(),
            m.quantity,
            m.on_hand,
            m.reserved,
            m.order_id.as_deref().unwrap_or_default(),
            m.at,
            m.id
        );
        Sha256::digest(&self.text).into()
    }

    /// The next level of a SKU: it must not contradict itself.
    pub fn level(&mut self, number: u32, level: &Level, at: At, registry: &mut Registry, findings: &mut Findings) {
        let sum = |figure: fn(&crate::wire::LevelRow) -> i64| level.locations.iter().map(figure).fold(0, i64::saturating_add);
        let rows_differ = level.locations.iter().any(|row| row.available != row.on_hand - row.reserved);
        if level.available != level.on_hand - level.reserved || rows_differ {
            findings.add(Kind::LevelMismatch, at, format!("available of {} is not on_hand less reserved", level.sku));
        } else if (sum(|row| row.on_hand), sum(|row| row.reserved)) != (level.on_hand, level.reserved) {
            findings.add(Kind::LevelMismatch, at, format!("the figures of {} are not those of its locations together", level.sku));
        }
        let sku = self.sku(number);
        if let Some(before) = sku.level.as_ref().filter(|before| before.version > level.version) {
            let message = format!("version {} of {} comes after {}", level.version, level.sku, before.version);
            findings.add(Kind::LevelMismatch, at, message);
        }
        sku.level = Some(LastLevel {
            at,
            version: level.version,
            on_hand: level.on_hand,
            reserved: level.reserved,
            rows: level.locations.iter().map(|row| (registry.locations.number(&row.location), row.on_hand, row.reserved)).collect(),
        });
    }

    /// All is read: counts are adjusted, levels agree with the movements.
    pub fn finish(&self, registry: &Registry, findings: &mut Findings) {
        findings.counts().skus = self.skus.iter().filter(|sku| sku.seq > 0).count() as u64;
        findings.counts().places = self.rows.len() as u64;
        for (number, sku) in self.skus.iter().enumerate() {
            let name = registry.skus.text(number as u32);
            if let (Some(at), Some(_), true) = (sku.at, sku.counted, findings.options.complete) {
                findings.add(Kind::CountWithoutAdjustment, at, format!("the last movement of {name} is `counted`"));
            }
            match (&sku.level, sku.at) {
                (Some(level), _) => self.compare(sku, level, number as u32, registry, findings),
                (None, Some(at)) if findings.options.levels_final => {
                    findings.add(Kind::LevelMissing, at, format!("{name} has {} movements and no level", sku.seq));
                }
                _ => {}
            }
        }
    }

    fn compare(&self, sku: &Sku, level: &LastLevel, number: u32, registry: &Registry, findings: &mut Findings) {
        let name = registry.skus.text(number);
        if level.version != sku.seq {
            // Levels follow at a pace. In a log that is still written to they may also be read later than the movements.
            let late = if level.version < sku.seq { findings.options.levels_final } else { findings.options.complete };
            if late {
                let message = format!("the last level of {name} is version {}, its last movement seq {}", level.version, sku.seq);
                findings.add(Kind::LevelMismatch, level.at, message);
            }
            return;
        }
        let rows = || sku.rows.iter().map(|&row| (self.pairs[row as usize].1, self.rows[row as usize]));
        let on_hand: i64 = rows().map(|(_, row)| row.on_hand).sum();
        let reserved: i64 = rows().map(|(_, row)| row.reserved).sum();
        if (level.on_hand, level.reserved) != (on_hand, reserved) {
            let message = format!(
                "the level of {name} says {} on hand and {} reserved, its movements {on_hand} and {reserved}",
                level.on_hand, level.reserved
            );
            findings.add(Kind::LevelMismatch, level.at, message);
            return;
        }
        for (location, row) in rows() {
            let told = level.rows.iter().find(|(told, ..)| *told == location).map_or((0, 0), |&(_, on_hand, reserved)| (on_hand, reserved));
            if told != (row.on_hand, row.reserved) {
                let location = registry.locations.text(location);
                let message = format!(
                    "the level of {name} says {} on hand and {} reserved at {location}, its movements {} and {}",
                    told.0, told.1, row.on_hand, row.reserved
                );
                findings.add(Kind::LevelMismatch, level.at, message);
            }
        }
    }
}

/// Every `counted` is followed by its `adjusted`, and nothing else is.
fn counting(sku: &mut Sku, row: u32, m: &Movement, at: At, findings: &mut Findings) {
    let this = (row, m.quantity, (m.cause.partition, m.cause.offset));
    let fits = match (sku.counted.take(), m.kind) {
        (Some(counted), MovementKind::Adjusted) => counted == this,
        (Some(_), _) | (None, MovementKind::Adjusted) => false,
        (None, _) => true,
    };
    if !fits {
        let message = format!("`{}` with seq {} of {} is not the adjustment to a `counted` just before it", m.kind.word(), m.seq, m.sku);
        findings.add(Kind::CountWithoutAdjustment, at, message);
    }
    if m.kind == MovementKind::Counted {
        sku.counted = Some(this);
    }
}

/// On hand and reserved add up, and are possible.
fn figures(row: &mut Row, m: &Movement, at: At, findings: &mut Findings) {
    let (word, place) = (m.kind.word(), || format!("{} at {}", m.sku, m.location));
    let (on_hand, reserved) = m.kind.effect();
    let want = (row.on_hand + on_hand * m.quantity, row.reserved + reserved * m.quantity);
    if (m.on_hand, m.reserved) != want {
        let message = format!(
            "after `{word}` {} of {} it says {} on hand and {} reserved; the movements give {} and {}",
            m.quantity,
            place(),
            m.on_hand,
            m.reserved,
            want.0,
            want.1
        );
        findings.add(Kind::SumMismatch, at, message);
    }
    (row.on_hand, row.reserved) = (m.on_hand, m.reserved);
    let missing = m.reserved - m.on_hand;
    let may_tell = matches!(m.kind, MovementKind::Adjusted | MovementKind::Damaged);
    // Orders that were promised what a count did not find may take a place below nothing; nobody else.
    let excused = row.short && !matches!(m.kind, MovementKind::Damaged | MovementKind::Adjusted | MovementKind::TransferredOut);
    if m.reserved < 0 || (m.on_hand < 0 && !excused) {
        let message = format!("`{word}` leaves {} on hand and {} reserved of {}", m.on_hand, m.reserved, place());
        findings.add(Kind::NegativeStock, at, message);
    } else if may_tell {
        let told = m.shortage.unwrap_or_default();
        if told != missing.max(0) || (missing > 0 && m.orders_at_risk.is_empty()) {
            let message = format!(
                "`{word}` leaves {} units of {} short and says {told}, naming {} orders at risk",
                missing.max(0),
                place(),
                m.orders_at_risk.len()
            );
            findings.add(Kind::WrongShortage, at, message);
        }
    } else if m.shortage.is_some() {
        findings.add(Kind::WrongShortage, at, format!("`{word}` of {} tells a shortage; only a count or damage does", place()));
    } else if missing > 0 && (!row.short || matches!(m.kind, MovementKind::Held | MovementKind::TransferredOut)) {
        let message = format!("after `{word}` {} of {}, {} are reserved and {} on hand", m.quantity, place(), m.reserved, m.on_hand);
        findings.add(Kind::Oversold, at, message);
    }
    row.short = missing > 0;
}
