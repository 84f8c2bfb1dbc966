//! `waybill sign`: the headers of a signed record, for a producer that has no library for them, for scripts and tests.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use serde_json::{Map, Value};
use signatures::{Reference, Signed, SigningKey, redacted};
use waybill::clock::Clock;

use super::Failure;
use super::args::{HeaderFormat, Sign};

/// The longest value that Waybill takes.
const MOST_BYTES: usize = schemas::input::MAX_VALUE_BYTES;

pub fn sign(own: &Sign) -> Result<(), Failure> {
    let keys: Vec<SigningKey> = own.key.iter().map(|place| read_key(place)).collect::<Result<_, _>>()?;
    let value = read_value(own.value.as_deref())?;
    let id = match &own.id {
        Some(id) => id.clone(),
        None => format!("msg_{}", hex::encode(super::keys::random::<16>()?)),
    };
    let seconds = own.at.map_or_else(|| Clock::System.now(), |at| at.0).div_euclid(1000);
    let signed = signatures::sign(&keys, &id, seconds, &value).map_err(Failure::Wrong)?;
    println!("{}", shown(&signed, own.output));
    Ok(())
}

/// A key that signs, by its place.
pub fn read_key(place: &str) -> Result<SigningKey, Failure> {
    let place = Reference::parse(place).map_err(|error| Failure::Wrong(format!("what --key names {error}")))?;
    let text = place.read().map_err(|error| Failure::Failed(format!("the key {place}: {error}")))?;
    SigningKey::parse(&text).map_err(|error| Failure::Failed(format!("the key {place}: {error}")))
}

fn read_value(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let mut value = vec![];
    let most = MOST_BYTES as u64 + 1;
    let read = match file {
        Some(path) => File::open(path).and_then(|file| file.take(most).read_to_end(&mut value)),
        None => stdin().lock().take(most).read_to_end(&mut value),
    };
    let name = file.map_or_else(|| "standard input".to_owned(), |path| redacted(&path.display().to_string()).into_owned());
    read.map_err(|error| Failure::Failed(format!("cannot read the value from {name}: {error}")))?;
    match value.len() {
        0 => Err(Failure::Failed(format!("{name} is empty: there is nothing to sign"))),
        length if length > MOST_BYTES => {
            Err(Failure::Failed(format!("{name} has more than {MOST_BYTES} bytes, the most that a record may have")))
        }
        _ => Ok(value),
    }
}

fn shown(signed: &Signed, format: HeaderFormat) -> String {
    let headers = signed.headers();
    match format {
        HeaderFormat::Lines => headers.map(|(name, value)| format!("{name}: {value}")).join("\n"),
        // Several signatures have a space between them. Nothing in a header needs more than quotes for the shell.
        HeaderFormat::Kcat => headers.map(|(name, value)| format!("-H '{name}={value}'")).join(" "),
        HeaderFormat::Json => {
            let all: Map<String, Value> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
            Value::Object(all).to_string()
        }
    }
}
