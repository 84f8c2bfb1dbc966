//! GTINs: the numbers under the bar codes. GTIN-8, -12 (UPC-A), -13 (EAN-13) and -14, with the check digit, and without
//! the ranges that GS1 gives to nobody's product. Knows no product.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::input::brief;
use crate::{Reason, Reject};

/// A valid GTIN, filled up with zeros to fourteen digits, as GS1 tells data bases to keep it: the UPC-A of one feed and
/// the EAN-13 of another are then the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub struct Gtin(u64);

impl Gtin {
    /// Reads digits, with spaces and hyphens between them as people print them.
    pub fn parse(text: &str) -> Result<Gtin, Reject> {
        let invalid = |why: String| Reject::new(Reason::InvalidGtin, format!("`gtin` is `{}`; {why}", brief(text)));
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).take(MAX_DIGITS + 1).collect();
        if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 8 | 12 | 13 | 14) {
            return Err(invalid("a GTIN has 8, 12, 13 or 14 digits".into()));
        }
        let padded = format!("{digits:0>14}");
        // The check digit counts from the right, so that the zeros in front change nothing.
        if !gtin_validate::gtin14::check(&padded) {
            return Err(invalid("its check digit is not right".into()));
        }
        if let Some(range) = restricted(&padded, digits.len() == 8) {
            return Err(invalid(format!("numbers that begin so are {range}")));
        }
        padded.parse().map(Gtin).map_err(|e| invalid(format!("{e}")))
    }
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

/// Text for people and other programs, a number in state.
impl Serialize for Gtin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

const MAX_DIGITS: usize = 14;

/// What a range of numbers is for if it is not for products that are traded; by the GS1 prefix, the three digits after
/// a GTIN-14's first, or the first three of a GTIN-8. (GS1 General Specifications, section 1.4, and the list of GS1
/// prefixes.)
fn restricted(padded: &str, is_eight: bool) -> Option<&'static str> {
    if padded.bytes().all(|b| b == b'0') {
        return Some("no number");
    }
    let from = if is_eight { 6 } else { 1 };
    let prefix: u16 = padded[from..from + 3].parse().ok()?;
    match prefix {
        0..=99 | 200..=299 if is_eight => Some("for use within a company"),
        20..=29 | 40..=49 | 200..=299 => Some("for use within a company or region"),
        50..=59 | 980..=999 => Some("coupons and refund receipts"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, String> {
        Gtin::parse(text).map(|gtin| gtin.to_string()).map_err(|reject| {
            assert_eq!(reject.reason, Reason::InvalidGtin);
            reject.message
        })
    }

    #[test]
    fn every_length_in_one_form() {
        for (text, gtin) in [
            ("4006381333931", "04006381333931"),
            ("4006381 333931", "04006381333931"),
            ("4-006381-333931", "04006381333931"),
            ("036000291452", "00036000291452"),
            ("0036000291452", "00036000291452"),
            ("96385074", "00000096385074"),
            ("14006381333938", "14006381333938"),
            ("9780306406157", "09780306406157"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(gtin), "{text}");
        }
    }

    #[test]
    fn what_is_no_product_number_is_said() {
        for (text, part) in [
            ("4006381333932", "check digit"),
            ("400638133393", "check digit"),
            ("4006381333913", "check digit"),
            ("40063813339311", "check digit"),
            ("00000000000000", "no number"),
            ("00000000", "no number"),
            ("2000000000008", "within"),
            ("0212345678909", "within"),
            ("20000004", "within"),
            ("12345671", "check digit"),
            ("02000008", "within"),
            ("0400000000008", "within"),
            ("0512345678900", "coupons"),
            ("9812345678902", "coupons"),
            ("9912345678909", "coupons"),
            ("123456789", "8, 12, 13 or 14"),
            ("", "8, 12, 13 or 14"),
            ("400638133393A", "8, 12, 13 or 14"),
            ("４００６３８１３３３９３１", "8, 12, 13 or 14"),
            ("400638133393100000", "8, 12, 13 or 14"),
        ] {
            let message = parsed(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    /// Every single wrong digit.
    #[test]
    fn the_check_digit_finds_what_it_promises() {
        let good = "4006381333931";
        for place in 0..good.len() {
            for digit in '0'..='9' {
                let mut wrong = good.to_owned();
                wrong.replace_range(place..=place, &digit.to_string());
                assert_eq!(parsed(&wrong).is_ok(), wrong == good, "{wrong}");
            }
        }
    }
}
