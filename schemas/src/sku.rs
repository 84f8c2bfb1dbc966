//! A SKU in its one form, so that `85123a`, ` 85123A` and `８５１２３Ａ` are the same article wherever they are written:
//! in an order's lines, a restock, a count, the catalogue, feedback, a query, and in the record's key that chooses the
//! task.

use std::borrow::Cow;
use std::fmt;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

use crate::input::{MAX_ID_BYTES, id_fault, required};
use crate::text::is_invisible;
use crate::{Reason, Reject};

/// The form of a SKU that is its key: without white space at the ends and invisible characters, in Unicode's NFKC, in
/// capitals.
///
/// Capitals, because shops print their SKUs so and `85123A` stays what it is. Folded first and put into capitals then:
/// capitals alone would keep `ẞ` apart from `ß`, which becomes `SS`. Unicode never changes the folding of a character
/// that it has once assigned, so a key stays the same key with every version. Idempotent, which a test shows for every
/// character and for random texts.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        // No rule of Unicode touches ASCII but for its letters' case.
        let trimmed = trimmed(text);
        return if trimmed.bytes().any(|b| b.is_ascii_lowercase()) {
            Cow::Owned(trimmed.to_ascii_uppercase())
        } else {
            Cow::Borrowed(trimmed)
        };
    }
    // Capitals may compose anew with what follows them, and that may fold once more.
    let once = folded(text);
    Cow::Owned(folded(&once))
}

fn folded(text: &str) -> String {
    // Decomposed first: a Greek iota subscript is a letter when it is folded, and has to be behind all marks by then.
    let folded: String = text.nfkd().filter(|c| !is_invisible(*c)).default_case_fold().collect();
    let capitals: String = folded.to_uppercase().nfkc().collect();
    trimmed(&capitals).to_owned()
}

/// Without white space at the ends. A line break is none: nobody meant it, and the record that has one is cut wrongly.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() && !matches!(c, '\n' | '\r'))
}

/// The SKU in a record's `field`, cleaned and checked as every id is.
pub(crate) fn field<'a>(field: &(impl fmt::Display + ?Sized), value: Option<Cow<'a, str>>) -> Result<Cow<'a, str>, Reject> {
    let fault = |fault: String| Reject::new(Reason::InvalidValue, format!("`{field}` {fault}"));
    checked(required(field, value)?).map_err(fault)
}

/// Cleaned, or why it is no SKU. What is long is not looked at, and cleaning may make a text longer.
pub(crate) fn checked(text: Cow<'_, str>) -> Result<Cow<'_, str>, String> {
    if text.len() > MAX_ID_BYTES {
        return Err(format!("has {} bytes, at most {MAX_ID_BYTES} are taken", text.len()));
    }
    let sku = match text {
        Cow::Borrowed(text) => clean(text),
        Cow::Owned(text) => Cow::Owned(clean(&text).into_owned()),
    };
    id_fault(&sku).map_or(Ok(sku), Err)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_take_for_one_sku_is_one() {
        for (one, same) in [
            ("\u{1ffa}\u{11366}\u{399}", &["\u{1ff2}\u{11366}"][..]),
            ("85123A", &["85123A", "85123a", " 85123a\t", "８５１２３ａ", "85123\u{200b}A", "\u{feff}85123A", "85123A\u{a0}"][..]),
            ("15056BL", &["15056bl", "15056Bl"]),
            ("STRASSE", &["Straße", "STRAẞE", "strasse"]),
            ("ΣΊΣΥΦΟΣ", &["σίσυφος", "ΣΊΣΥΦΟΣ", "σι\u{301}συφοσ"]),
            ("M2", &["m²", "M2", "㎡"]),
            ("FIN", &["ﬁn", "FIN"]),
            ("A B", &["a b", "A\u{3000}B"]),
            ("É", &["e\u{301}", "É", "é"]),
        ] {
            for text in same {
                assert_eq!(clean(text), one, "{text:?}");
            }
        }
        for (a, b) in [("85123A", "85123B"), ("A-1", "A1"), ("A B", "AB"), ("É", "E"), ("1", "I")] {
            assert_ne!(clean(a), clean(b));
        }
    }

    #[test]
    fn what_is_clean_is_not_copied() {
        assert!(matches!(clean("85123A"), Cow::Borrowed(_)) && matches!(clean(" 85123A "), Cow::Borrowed(_)));
    }

    #[test]
    fn every_character_is_cleaned_once_and_for_all() {
        for c in '\0'..=char::MAX {
            for text in [format!("{c}"), format!("I{c}\u{301}")] {
                let once = clean(&text).into_owned();
                assert_eq!(clean(&once), once, "{text:?}");
            }
        }
    }

    #[test]
    fn a_sku_is_checked_as_it_was_written_and_as_it_is() {
        let word = |text: &str| field("sku", Some(text.to_owned().into())).map(Cow::into_owned).map_err(|e| e.message);
        assert_eq!(word(" a "), Ok("A".into()));
        assert!(word(" \u{200b} ").unwrap_err().contains("is empty"));
        assert!(word("a\u{0}b").unwrap_err().contains("control"));
        assert!(word(&"a".repeat(257)).unwrap_err().contains("257 bytes"));
        // One character that becomes eighteen.
        assert!(word(&"\u{fdfa}".repeat(80)).unwrap_err().contains("bytes"));
        assert_eq!(field("sku", None).unwrap_err().reason, Reason::MissingField);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cleaning_is_idempotent_and_blind_to_case(text in "\\PC{0,12}|.{0,12}|[iIİıſßẞǰΐ\u{307}\u{345}\u{301}ａ ]{0,8}") {
            let once = clean(&text).into_owned();
            prop_assert_eq!(&clean(&once), &once);
            // Decomposed before, as Unicode wants it for U+0345.
            prop_assert_eq!(clean(&text.nfd().default_case_fold().collect::<String>()).into_owned(), once);
        }
    }
}
