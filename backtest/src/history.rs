//! Past sales: rows of invoices in, units a day of each SKU out. Forecasts nothing.

use std::collections::BTreeMap;
use std::io::Read;

use schemas::Timestamp;
use serde::Deserialize;

const DAY_MILLIS: i64 = 86_400_000;
/// Most days between the first and the last row; more is taken for a wrong date.
pub const MAX_DAYS: usize = 4_000;

/// A row that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{file}: {source}")]
    Csv { file: String, source: csv::Error },
    #[error("{file}: there is no column `{column}`; needed are {}", COLUMNS.join(", "))]
    Column { file: String, column: &'static str },
    #[error("the rows are from {first} to {last}: more than {MAX_DAYS} days; is a date wrong?")]
    TooLong { first: String, last: String },
    #[error("there are no sales in these files")]
    Empty,
}

/// The columns that are read; others may be there.
pub const COLUMNS: [&str; 5] = ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice"];

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "InvoiceNo")]
    invoice: String,
    #[serde(rename = "StockCode")]
    code: String,
    #[serde(rename = "Quantity")]
    quantity: i64,
    #[serde(rename = "InvoiceDate")]
    date: String,
    #[serde(rename = "UnitPrice")]
    price: f64,
}

/// Days since 1970-01-01.
pub type Day = i64;

/// What was sold and what came back of one SKU.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Units of each day from [`History::first`] on.
    pub sold: Vec<i64>,
    /// Units of cancellations, on the day of the cancellation.
    pub returned: Vec<i64>,
    /// The first price that was asked, minor units.
    pub price: f64,
}

/// All SKUs over the same days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub first: Day,
    pub days: usize,
    pub series: BTreeMap<String, Series>,
    pub rows: Rows,
}

/// What the rows were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub all: u64,
    pub sales: u64,
    pub cancelled: u64,
    /// Postage, fees, manual entries: the code does not begin with a digit.
    pub charges: u64,
    /// Quantity 0 or less and no cancellation: stock write-offs.
    pub write_offs: u64,
    /// A field that is not what it should be, or no real quantity.
    pub unreadable: u64,
}

/// Most units that a row may say; more is unreadable.
const MOST_UNITS: i64 = 1_000_000_000;

/// Gathers rows, file by file, in any order.
#[derive(Debug, Default)]
pub struct Reader {
    /// By SKU and day: sold and returned.
    units: BTreeMap<String, BTreeMap<Day, (i64, i64)>>,
    /// The earliest row with a price: its time, the price.
    prices: BTreeMap<String, (i64, f64)>,
    rows: Rows,
}

impl Reader {
    /// Reads a file with a header and the columns of [`COLUMNS`]; `name` is for messages.
    pub fn read(&mut self, name: &str, file: impl Read) -> Result<(), ReadError> {
        let wrong = |source| ReadError::Csv { file: name.to_owned(), source };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let header = reader.headers().map_err(wrong)?.clone();
        for column in COLUMNS {
            if !header.iter().any(|name| name == column) {
                return Err(ReadError::Column { file: name.to_owned(), column });
            }
        }
        let mut record = csv::ByteRecord::new();
        let header = header.into_byte_record();
        while reader.read_byte_record(&mut record).map_err(wrong)? {
            self.rows.all += 1;
            // Descriptions of old exports are not always UTF-8; the columns that are read are.
            match record.deserialize::<Row>(Some(&header)) {
                Ok(row) => self.take(&row),
                Err(_) => self.rows.unreadable += 1,
            }
        }
        Ok(())
    }

    fn take(&mut self, row: &Row) {
        let text = row.date.trim();
        let at = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")));
        let Some(at) = at.filter(|_| row.quantity.abs() <= MOST_UNITS) else {
            self.rows.unreadable += 1;
            return;
        };
        let sku = row.code.trim().to_uppercase();
        let returned = row.invoice.trim_start().starts_with(['C', 'c']);
        if !sku.starts_with(|c: char| c.is_ascii_digit()) {
            self.rows.charges += 1;
        } else if returned && row.quantity < 0 {
            self.rows.cancelled += 1;
            self.note(sku, at, (0, -row.quantity));
        } else if row.quantity <= 0 || returned {
            self.rows.write_offs += 1;
        } else {
            self.rows.sales += 1;
            if row.price > 0.0 {
                let price = self.prices.entry(sku.clone()).or_insert((i64::MAX, 0.0));
                if at.0 < price.0 {
                    *price = (at.0, row.price * 100.0);
                }
            }
            self.note(sku, at, (row.quantity, 0));
        }
    }

    fn note(&mut self, sku: String, at: Timestamp, units: (i64, i64)) {
        let day = self.units.entry(sku).or_default().entry(at.0.div_euclid(DAY_MILLIS)).or_default();
        day.0 += units.0;
        day.1 += units.1;
    }

    /// Lays all SKUs over the same days.
    pub fn finish(self) -> Result<History, ReadError> {
        let days = || self.units.values().flat_map(|days| days.keys().copied());
        let (Some(first), Some(last)) = (days().min(), days().max()) else { return Err(ReadError::Empty) };
        let length = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
        if length > MAX_DAYS {
            let text = |day: Day| Timestamp(day * DAY_MILLIS).to_string()[..10].to_owned();
            return Err(ReadError::TooLong { first: text(first), last: text(last) });
        }
        let mut series = BTreeMap::new();
        for (sku, days) in self.units {
            let price = self.prices.get(&sku).map_or(0.0, |(_, price)| *price);
            let mut of = Series { sold: vec![0; length], returned: vec![0; length], price };
            for (day, (sold, returned)) in days {
                let index = (day - first) as usize;
                (of.sold[index], of.returned[index]) = (sold, returned);
            }
            series.insert(sku, of);
        }
        Ok(History { first, days: length, series, rows: self.rows })
    }
}

impl Series {
    /// What was wanted on a day: sold and not cancelled on the same day.
    pub fn wanted(&self, day: usize) -> i64 {
        (self.sold[day] - self.returned[day]).max(0)
    }

    /// The first day on which something was wanted.
    pub fn begins(&self) -> Option<usize> {
        (0..self.sold.len()).find(|day| self.wanted(*day) > 0)
    }
}
