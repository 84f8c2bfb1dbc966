//! The shipped invoices as orders and cancellations, with a count of what is neither. Invents nothing.

use std::collections::BTreeMap;

use schemas::Timestamp;
use serde::Deserialize;

/// One file a trading day; there was none on Saturday the 4th.
const DAYS: [&[u8]; 7] = [
    include_bytes!("../../data/online-retail/2010-12-01.csv"),
    include_bytes!("../../data/online-retail/2010-12-02.csv"),
    include_bytes!("../../data/online-retail/2010-12-03.csv"),
    include_bytes!("../../data/online-retail/2010-12-05.csv"),
    include_bytes!("../../data/online-retail/2010-12-06.csv"),
    include_bytes!("../../data/online-retail/2010-12-07.csv"),
    include_bytes!("../../data/online-retail/2010-12-08.csv"),
];

/// An invoice with the lines that are goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    pub number: String,
    pub customer: Option<String>,
    /// Milliseconds since the epoch.
    pub at: i64,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// In its one form.
    pub sku: String,
    /// As the invoice has it: some are in small letters on one and in capitals on another.
    pub written: String,
    /// Positive, of a cancellation, too.
    pub quantity: i64,
    /// Pence.
    pub unit_price: i64,
}

/// All days, by time.
#[derive(Debug, Default)]
pub struct History {
    pub orders: Vec<Invoice>,
    pub cancellations: Vec<Invoice>,
    /// SKU to description; the longest where there are several.
    pub names: BTreeMap<String, String>,
    pub rows: Rows,
}

/// What the rows of the files are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub all: u64,
    /// Goods sold: lines of orders.
    pub order_lines: u64,
    /// Goods of cancellations.
    pub cancelled: u64,
    /// Postage, fees, discounts, manual entries: no goods, so no stock.
    pub charges: u64,
    /// Quantity 0 or less on an invoice that is no cancellation: stock write-offs.
    pub write_offs: u64,
    pub unreadable: u64,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "InvoiceNo")]
    invoice: String,
    #[serde(rename = "StockCode")]
    code: String,
    #[serde(rename = "Description")]
    description: String,
    #[serde(rename = "Quantity")]
    quantity: i64,
    #[serde(rename = "InvoiceDate")]
    date: String,
    #[serde(rename = "UnitPrice")]
    pounds: f64,
    #[serde(rename = "CustomerID")]
    customer: String,
}

/// Reads all files.
pub fn read() -> Result<History, csv::Error> {
    let mut history = History::default();
    for day in DAYS {
        let mut reader = csv::Reader::from_reader(day);
        let header = reader.headers()?.clone();
        for record in reader.records() {
            history.rows.all += 1;
            match record?.deserialize::<Row>(Some(&header)) {
                Ok(row) => history.take(&row),
                Err(_) => history.rows.unreadable += 1,
            }
        }
    }
    Ok(history)
}

impl History {
    fn take(&mut self, row: &Row) {
        // Local time, which is UTC in a British December.
        let Some(at) = Timestamp::parse(&format!("{}Z", row.date)) else {
            self.rows.unreadable += 1;
            return;
        };
        let written = row.code.trim();
        let sku = &*schemas::sku::clean(written);
        if !sku.starts_with(|c: char| c.is_ascii_digit()) {
            self.rows.charges += 1;
            return;
        }
        let (invoices, quantity) = if row.invoice.starts_with('C') {
            self.rows.cancelled += 1;
            (&mut self.cancellations, -row.quantity)
        } else if row.quantity <= 0 {
            self.rows.write_offs += 1;
            return;
        } else {
            self.rows.order_lines += 1;
            (&mut self.orders, row.quantity)
        };
        let name = self.names.entry(sku.to_owned()).or_default();
        if row.description.trim().len() > name.len() {
            row.description.trim().clone_into(name);
        }
        // The rows of an invoice follow one another.
        if invoices.last().is_none_or(|last| last.number != row.invoice) {
            let customer = Some(row.customer.trim_end_matches(".0")).filter(|id| !id.is_empty()).map(str::to_owned);
            invoices.push(Invoice { number: row.invoice.clone(), customer, at: at.0, lines: vec![] });
        }
        if let Some(invoice) = invoices.last_mut() {
            let unit_price = (row.pounds * 100.0).round() as i64;
            invoice.lines.push(Line { sku: sku.to_owned(), written: written.to_owned(), quantity, unit_price });
        }
    }

    /// Units ordered of each SKU.
    pub fn demand(&self) -> BTreeMap<&str, i64> {
        let mut demand = BTreeMap::new();
        for line in self.orders.iter().flat_map(|order| &order.lines) {
            *demand.entry(&*line.sku).or_default() += line.quantity;
        }
        demand
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invoices_become_orders_and_cancellations_and_no_row_is_lost() {
        let history = read().unwrap();
        // Counted from the files with awk, see tests/demo.rs.
        let rows = Rows { all: 19_632, order_lines: 19_263, cancelled: 240, charges: 82, write_offs: 47, unreadable: 0 };
        assert_eq!(history.rows, rows);
        assert_eq!((history.orders.len(), history.demand().values().sum()), (754, 161_507_i64));
        let first = &history.orders[0];
        assert_eq!((first.number.as_str(), first.customer.as_deref(), first.lines.len()), ("536365", Some("17850"), 7));
        assert_eq!(Timestamp(first.at).to_string(), "2010-12-01T08:26:00.000Z");
        assert_eq!(first.lines[0], Line { sku: "85123A".into(), written: "85123A".into(), quantity: 6, unit_price: 255 });
        assert_eq!(history.names["85123A"], "WHITE HANGING HEART T-LIGHT HOLDER");
        let numbers: std::collections::BTreeSet<_> = history.orders.iter().map(|o| &o.number).collect();
        assert_eq!(numbers.len(), history.orders.len(), "no invoice is split");
        assert!(history.orders.is_sorted_by_key(|o| o.at) && history.cancellations.is_sorted_by_key(|c| c.at));
        assert!(history.cancellations.iter().flat_map(|c| &c.lines).all(|l| l.quantity > 0));
    }
}
