//! A log as lines of JSON, one record a line: `{"topic","partition","offset","timestamp","key","value","headers"}`,
//! bytes in Base64, so that what was in memory can be audited, kept and compared. No record is interpreted.

use std::io::{self, BufRead, Write};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};

use crate::Record;

/// A dump that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the dump cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("line {line} of the dump is not a record: {why}")]
    Line { line: u64, why: String },
}

#[derive(Serialize, Deserialize)]
struct Line {
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: i64,
    key: Option<String>,
    value: Option<String>,
    /// Name and value; a null value is read as an empty one.
    #[serde(default)]
    headers: Vec<(String, Option<String>)>,
}

/// Writes one record as one line.
pub fn write(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let line = Line {
        topic: record.topic.to_owned(),
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.map(text),
        value: record.value.map(text),
        headers: record.headers.iter().map(|(name, value)| ((*name).to_owned(), Some(text(value)))).collect(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// Hands every record to `each`, in the order of the lines; empty lines are passed over. Returns how many there were.
pub fn read(input: impl BufRead, mut each: impl FnMut(&Record)) -> Result<u64, Error> {
    let mut records = 0;
    for (number, text) in (1..).zip(input.lines()) {
        let text = text?;
        if text.trim().is_empty() {
            continue;
        }
        let wrong = |why: String| Error::Line { line: number, why };
        let line: Line = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let bytes = |text: &String| BASE64_STANDARD.decode(text).map_err(|e| wrong(e.to_string()));
        let key = line.key.as_ref().map(bytes).transpose()?;
        let value = line.value.as_ref().map(bytes).transpose()?;
        let values = line.headers.iter().map(|(_, value)| value.as_ref().map_or(Ok(vec![]), bytes)).collect::<Result<Vec<_>, _>>()?;
        let headers: Vec<(&str, &[u8])> = line.headers.iter().zip(&values).map(|((name, _), value)| (&**name, &**value)).collect();
        each(&Record {
            topic: &line.topic,
            partition: line.partition,
            offset: line.offset,
            timestamp: line.timestamp,
            key: key.as_deref(),
            value: value.as_deref(),
            headers: &headers,
        });
        records += 1;
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() -> Result<(), Error> {
        let headers: [(&str, &[u8]); 2] = [("a", b"\xff\x00"), ("a", b"")];
        let records = [
            Record {
                topic: "orders",
                partition: 3,
                offset: 17,
                timestamp: -1,
                key: Some(b"\xfe"),
                value: Some(b"{}\n"),
                headers: &headers,
            },
            Record { topic: "x", partition: 0, offset: 0, timestamp: 0, key: None, value: None, headers: &[] },
            Record { topic: "x", partition: 0, offset: 1, timestamp: 0, key: Some(b""), value: Some(b""), headers: &[] },
        ];
        let mut text = vec![];
        for record in &records {
            write(&mut text, record)?;
        }
        let mut back = vec![];
        assert_eq!(read(&text[..], |record| back.push(format!("{record:?}")))?, 3);
        assert_eq!(back, records.map(|record| format!("{record:?}")));
        Ok(())
    }

    #[test]
    fn a_line_that_is_no_record_is_named() {
        let good = r#"{"topic":"x","partition":0,"offset":0,"timestamp":0,"key":null,"value":null}"#;
        for bad in ["{}", "x", &good.replace(r#""key":null"#, r#""key":"?""#)] {
            let text = format!("{good}\n\n{bad}\n");
            assert!(matches!(read(text.as_bytes(), |_| ()), Err(Error::Line { line: 3, .. })), "{bad}");
        }
    }
}
