//! The three headers of a signed record, read strictly: one way to write a thing, so that nobody can change a byte of
//! them and still be taken. Knows no key and compares nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemas::{Reason, Reject};

/// A Kafka header: name and value; the value may be null.
pub type HeaderRef<'a> = (&'a str, Option<&'a [u8]>);

/// Names of the headers. In whatever case, as with HTTP, where producers' libraries come from.
pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";

/// Longest `webhook-id`, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// Most signatures of one record: each costs a comparison with every key.
pub const MAX_SIGNATURES: usize = 8;
/// Most digits of a timestamp: seconds up to the year 5138.
const MAX_TIMESTAMP_DIGITS: usize = 11;
/// Most bytes of an entry of the list that is of a version nobody here knows.
const MAX_ENTRY_BYTES: usize = 1024;

/// What a record's headers say about who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers<'h> {
    pub id: &'h str,
    /// As it was signed: digits.
    pub timestamp: &'h str,
    /// Seconds since the epoch.
    pub seconds: i64,
    /// HMAC-SHA256, version `v1`.
    pub v1: Vec<[u8; 32]>,
    /// Ed25519, version `v1a`.
    pub v1a: Vec<[u8; 64]>,
}

impl<'h> Headers<'h> {
    /// Reads them. `None`: the record has none of the three. Refused: one of them is missing or not as it has to be.
    pub fn read(headers: &[HeaderRef<'h>]) -> Result<Option<Headers<'h>>, Reject> {
        let [id, timestamp, signature] = find(headers)?;
        let (Some(id), Some(timestamp), Some(signature)) = (id, timestamp, signature) else {
            let missing: Vec<&str> = [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)]
                .into_iter()
                .filter_map(|(name, value)| value.is_none().then_some(name))
                .collect();
            if missing.len() == 3 {
                return Ok(None);
            }
            let text =
                format!("the header `{}` is missing; a signed record has {ID}, {TIMESTAMP} and {SIGNATURE}", missing.join("` and `"));
            return Err(Reject::new(Reason::SignatureMissing, text));
        };
        if let Some(fault) = id_fault(id) {
            return Err(malformed(format!("`{ID}` {fault}")));
        }
        let seconds = seconds(timestamp)?;
        let mut read = Headers { id, timestamp, seconds, v1: vec![], v1a: vec![] };
        read.signatures(signature)?;
        Ok(Some(read))
    }

    fn signatures(&mut self, list: &str) -> Result<(), Reject> {
        for (i, entry) in list.split(' ').enumerate() {
            if i >= MAX_SIGNATURES {
                return Err(malformed(format!("`{SIGNATURE}` has more than {MAX_SIGNATURES} signatures")));
            }
            let number = i + 1;
            let Some((version, text)) = entry.split_once(',') else {
                return Err(malformed(format!(
                    "signature {number} of `{SIGNATURE}` is not VERSION,BASE64 (such as `v1,…`); several are separated by one space"
                )));
            };
            match version {
                "v1" => self.v1.push(decode(version, number, text)?),
                "v1a" => self.v1a.push(decode(version, number, text)?),
                // A later version of the specification, beside one that is known: passed over, as it asks for.
                _ if entry.len() <= MAX_ENTRY_BYTES && !version.is_empty() => {}
                _ => return Err(malformed(format!("signature {number} of `{SIGNATURE}` has no version, or is too long"))),
            }
        }
        Ok(())
    }
}

/// The three values, in the order id, timestamp, signature.
fn find<'h>(headers: &[HeaderRef<'h>]) -> Result<[Option<&'h str>; 3], Reject> {
    let mut found = [None; 3];
    for (name, value) in headers {
        // Most headers are others': their length says so.
        let Some(which) = [ID, TIMESTAMP, SIGNATURE].iter().position(|own| own.eq_ignore_ascii_case(name)) else { continue };
        let own = [ID, TIMESTAMP, SIGNATURE][which];
        if found[which].is_some() {
            return Err(malformed(format!("the header `{own}` is there twice")));
        }
        let text = value.filter(|v| !v.is_empty()).ok_or_else(|| malformed(format!("the header `{own}` is empty")))?;
        let text = std::str::from_utf8(text).map_err(|_| malformed(format!("the header `{own}` is not text")))?;
        found[which] = Some(text);
    }
    Ok(found)
}

/// Why `id` cannot be a `webhook-id`. No full stop: the specification joins id and timestamp with one, and an id that
/// holds one could be read as another id with another timestamp.
pub fn id_fault(id: &str) -> Option<String> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Some(format!("must have 1 to {MAX_ID_BYTES} characters, not {}", id.len()));
    }
    let legal = |b: u8| b.is_ascii_graphic() && b != b'.';
    (!id.bytes().all(legal)).then(|| "must be printable ASCII without spaces and full stops".to_owned())
}

/// Digits without a leading zero: what was signed and what is read are then the same.
fn seconds(text: &str) -> Result<i64, Reject> {
    let digits = !text.starts_with('0') && text.len() <= MAX_TIMESTAMP_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = if digits { text.parse().ok() } else { None };
    seconds.ok_or_else(|| malformed(format!("`{TIMESTAMP}` must be whole seconds since 1970 in digits, such as 1674087231")))
}

/// Standard base64 with its padding and nothing in the bits that padding leaves over.
fn decode<const N: usize>(version: &str, number: usize, text: &str) -> Result<[u8; N], Reject> {
    let fault = || malformed(format!("signature {number} of `{SIGNATURE}` is not a {version} signature: {N} bytes in standard base64"));
    let mut bytes = [0; N];
    // Longer than any signature: not worth decoding.
    if text.len() != N.div_ceil(3) * 4 {
        return Err(fault());
    }
    match STANDARD.decode_slice(text, &mut bytes) {
        Ok(length) if length == N => Ok(bytes),
        _ => Err(fault()),
    }
}

fn malformed(message: String) -> Reject {
    Reject::new(Reason::SignatureMalformed, message)
}
