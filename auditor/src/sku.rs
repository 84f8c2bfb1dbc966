//! The one spelling of a SKU that all its spellings stand for: trimmed, compatibility-composed (NFKC), in capitals.
//! Written for the auditor alone; the rules have their own.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// How often folding is repeated until nothing changes; no text is known that needs more than two.
const MAX_ROUNDS: usize = 4;

/// `" 15056bl "`, `"１５０５６BL"` and `"15056BL"` are the same SKU.
pub(crate) fn clean(written: &str) -> Cow<'_, str> {
    let trimmed = written.trim();
    if trimmed.bytes().all(|b| b.is_ascii() && !b.is_ascii_lowercase()) {
        return Cow::Borrowed(trimmed);
    }
    if trimmed.is_ascii() {
        return Cow::Owned(trimmed.to_ascii_uppercase());
    }
    // Small letters first: some capitals, as that of the sharp s, are those of a text in another spelling.
    let spell = |text: &str| text.nfkd().filter(|c| !is_unseen(*c)).collect::<String>().to_lowercase().to_uppercase();
    // Capitals of a composed text may be composable once more, so fold until it stays.
    let fold = |text: &str| spell(text).nfkc().collect::<String>().trim().to_owned();
    let mut text = fold(trimmed);
    for _ in 1..MAX_ROUNDS {
        let again = fold(&text);
        if again == text {
            break;
        }
        text = again;
    }
    Cow::Owned(text)
}

/// Soft hyphens, marks of the writing direction, spaces and joiners without width: nobody sees them.
pub(crate) fn is_unseen(c: char) -> bool {
    let ranges = ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2060}'..='\u{206f}', '\u{fff9}'..='\u{fffb}'];
    ['\u{ad}', '\u{61c}', '\u{180e}', '\u{feff}'].contains(&c) || ranges.iter().any(|range| range.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_sku_have_one_clean_form() {
        for (written, want) in [
            ("85123A", "85123A"),
            (" 15056bl\t", "15056BL"),
            ("１５０５６ｂｌ", "15056BL"),
            ("stra\u{df}e", "STRASSE"),
            ("e\u{301}", "\u{c9}"),
            ("\u{fb01}g", "FIG"),
            ("STRA\u{1e9e}E", "STRASSE"),
            ("85\u{200b}123a\u{feff}", "85123A"),
            ("", ""),
        ] {
            assert_eq!(clean(written), want, "{written}");
            assert_eq!(clean(&clean(written)), want, "{written} twice");
        }
        assert_ne!(clean("85123A"), clean("85123B"));
    }
}
