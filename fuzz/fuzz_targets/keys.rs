//! Keys of all source topics.
#![no_main]

use schemas::Source;
use schemas::input::{MAX_ID_BYTES, decode_key};

libfuzzer_sys::fuzz_target!(|key: &[u8]| {
    for source in Source::ALL {
        let Ok(text) = decode_key(source, Some(key)) else { continue };
        if source.key_field() == "sku" {
            assert_eq!(decode_key(source, Some(text.as_bytes())).expect("what is clean is taken"), text);
        } else {
            assert_eq!(text.as_bytes(), key);
        }
        assert!(!text.is_empty() && text.len() <= MAX_ID_BYTES && !text.chars().any(char::is_control));
    }
});
