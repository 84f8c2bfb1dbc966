//! Lines of an order: merged by SKU, looked up, and which units of them a cancel, ship or return means.

use schemas::input::{self, MAX_AMOUNT};
use schemas::message::Row;
use schemas::{Few, Reason, Reject};
use serde::{Deserialize, Serialize};

use super::order::{Allocation, Answer, Line, Order, Priced};

/// Units of one line of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pick {
    /// Index into the order's lines.
    pub line: u16,
    pub quantity: i64,
}

/// One line per SKU, sorted by it, and for each the least and the most of its unit prices. Prices are kept in the line
/// only if every line has one; several prices of one SKU stay apart.
pub(super) fn merge(lines: &[input::Line<'_>]) -> Result<(Vec<Line>, Vec<Option<(i64, i64)>>), Reject> {
    let priced = lines.iter().all(|line| line.unit_price.is_some());
    let mut sorted: Vec<&input::Line<'_>> = lines.iter().collect();
    sorted.sort_by(|a, b| a.sku.cmp(&b.sku)); // Stable: lines of one SKU stay in the place's order.
    let mut merged: Vec<Line> = Vec::with_capacity(sorted.len());
    let mut asked: Vec<Option<(i64, i64)>> = Vec::with_capacity(sorted.len());
    for line in sorted {
        let price = line.unit_price.filter(|_| priced).map(|unit_price| Priced { quantity: line.quantity, unit_price });
        match merged.last_mut() {
            Some(last) if *last.sku == *line.sku => {
                last.ordered += line.quantity;
                if let (Some(range), Some(price)) = (asked.last_mut(), line.unit_price) {
                    let (least, most) = range.unwrap_or((price, price));
                    *range = Some((least.min(price), most.max(price)));
                }
                match (last.prices.last_mut(), price) {
                    (Some(before), Some(price)) if before.unit_price == price.unit_price => before.quantity += price.quantity,
                    (_, price) => last.prices.extend(price),
                }
            }
            _ => {
                asked.push(line.unit_price.map(|price| (price, price)));
                merged.push(Line {
                    sku: (&*line.sku).into(),
                    ordered: line.quantity,
                    cancelled: 0,
                    prices: price.into_iter().collect(),
                    answer: Answer::Waiting,
                    rows: Few::new(),
                    slot: 0,
                });
            }
        }
    }
    let total: i128 = merged.iter().flat_map(|line| &line.prices).map(|p| i128::from(p.quantity) * i128::from(p.unit_price)).sum();
    if total > i128::from(MAX_AMOUNT) {
        return Err(Reject::new(Reason::ValueOutOfRange, format!("the lines cost {total} in all; an order costs at most {MAX_AMOUNT}")));
    }
    Ok((merged, asked))
}

/// Which units `lines` mean: merged by SKU, each SKU one of the order's. Empty: all that is left.
pub(super) fn pick(order: &Order, lines: &[input::Line<'_>]) -> Result<Vec<Pick>, Reject> {
    let mut picks: Vec<Pick> = Vec::with_capacity(lines.len());
    for line in lines {
        let index = order
            .line_index(&line.sku)
            .ok_or_else(|| Reject::new(Reason::UnknownLine, format!("the order has no line with SKU `{}`", line.sku)))?;
        picks.push(Pick { line: index as u16, quantity: line.quantity });
    }
    picks.sort_by_key(|pick| pick.line);
    picks.dedup_by(|next, kept| {
        let same = next.line == kept.line;
        if same {
            kept.quantity += next.quantity;
        }
        same
    });
    Ok(picks)
}

/// The picks, checked against what is `left` of each line; no pick at all means everything, which must not be nothing.
pub(super) fn check(order: &Order, picks: &[Pick], left: fn(&Line) -> i64) -> Result<Vec<Pick>, Reject> {
    if picks.is_empty() {
        let everything: Vec<Pick> =
            (0u16..).zip(&order.lines).map(|(line, l)| Pick { line, quantity: left(l) }).filter(|pick| pick.quantity > 0).collect();
        return if everything.is_empty() {
            Err(Reject::new(Reason::ExceedsQuantity, "nothing of the order is left for it"))
        } else {
            Ok(everything)
        };
    }
    for pick in picks {
        let line = &order.lines[usize::from(pick.line)];
        if pick.quantity > left(line) {
            return Err(Reject::new(
                Reason::ExceedsQuantity,
                format!("{} of SKU `{}` are more than the {} that are left for it", pick.quantity, line.sku, left(line)),
            ));
        }
    }
    Ok(picks.to_vec())
}

/// Takes `quantity` units from `rows` in their order. `room`: how many a row has; `take`: takes some of them.
///
/// There must be enough: the caller has checked it.
pub(super) fn take<'r>(
    rows: impl Iterator<Item = &'r mut Allocation>,
    mut quantity: i64,
    room: fn(&Allocation) -> i64,
    take: fn(&mut Allocation, i64),
) -> Few<Row> {
    let mut taken = Few::new();
    for row in rows {
        let units = room(row).min(quantity);
        if units > 0 {
            take(row, units);
            quantity -= units;
            taken.push(Row { location: row.location.clone(), quantity: units });
        }
    }
    assert!(quantity == 0, "{quantity} units more were to be taken than the rows have; the order was not checked");
    taken
}
