//! Free text that people and feeds write: made one line, without what nobody can see, and short enough to be shown.
//! Ids are not free text; a SKU's form is in `sku.rs`.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Characters that print nothing and are left over from web pages and word processors: soft hyphens, zero-width
/// spaces, byte order marks, marks and overrides of the writing direction. Two texts that differ in them look the same.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
    )
}

/// Zero-width joiner and non-joiner: they shape letters of many scripts and belong to emoji, so a name keeps them.
fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// One line in Unicode's NFC: every run of white space and control characters is one space, none at the ends; invisible
/// characters are gone. Idempotent.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if is_one_line(text) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.nfc().filter(|c| joins(*c) || !is_invisible(*c)) {
        if c.is_whitespace() || c.is_control() {
            gap = !line.is_empty();
        } else {
            if std::mem::take(&mut gap) {
                line.push(' ');
            }
            line.push(c);
        }
    }
    // What was taken out may have stood between a letter and its accent.
    Cow::Owned(match is_nfc_quick(line.chars()) {
        IsNormalized::Yes => line,
        _ => line.nfc().collect(),
    })
}

fn is_one_line(text: &str) -> bool {
    let plain = |c: u8| matches!(c, b' '..=b'~');
    text.bytes().all(plain) && !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ")
}

/// The beginning of a text as one line, at most `most` characters of it; what is cut off is shown by `…`, which counts.
pub fn excerpt(text: &str, most: usize) -> String {
    // Enough of a long text that cleaning cannot leave less than is shown; the rest is not worth reading.
    let begin = text.char_indices().nth(most.saturating_mul(4)).map_or(text, |(end, _)| &text[..end]);
    let line = one_line(begin);
    if line.chars().count() <= most && begin.len() == text.len() {
        return line.into_owned();
    }
    line.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_becomes_one_line() {
        for (text, line) in [
            ("White hanging heart", "White hanging heart"),
            ("  White\t hanging\r\n\r\nheart\u{0} ", "White hanging heart"),
            ("Cafe\u{301}", "Café"),
            ("Cafe\u{200b}\u{301}", "Café"),
            ("\u{feff}T\u{ad}ea\u{202e} pot", "Tea pot"),
            ("👩\u{200d}🌾", "👩\u{200d}🌾"),
            ("½ l ™", "½ l ™"),
            (" \n ", ""),
        ] {
            assert_eq!(one_line(text), line, "{text:?}");
        }
    }

    #[test]
    fn an_excerpt_is_short_and_says_so() {
        assert_eq!(excerpt("broken", 6), "broken");
        assert_eq!(excerpt("broken glass", 8), "broken …");
        assert_eq!(excerpt(&"\n\u{200b}".repeat(1_000_000), 8), "…");
        assert_eq!(excerpt("a\u{0}b", 8), "a b");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cleaning_is_idempotent_and_short(text in "\\PC{0,20}|.{0,20}|[a\u{301}\u{200b} \n]{0,12}", most in 1usize..10) {
            let line = one_line(&text).into_owned();
            prop_assert_eq!(&one_line(&line), &line);
            prop_assert!(!line.chars().any(char::is_control));
            let short = excerpt(&text, most);
            prop_assert!(short.chars().count() <= most && !short.chars().any(char::is_control), "{:?}", short);
        }
    }
}
