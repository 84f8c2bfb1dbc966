//! Keys of all source topics.
#![no_main]

use schemas::input::{MAX_ID_BYTES, decode_key};

libfuzzer_sys::fuzz_target!(|key: &[u8]| {
    if let Ok(text) = decode_key(Some(key)) {
        assert_eq!(text.as_bytes(), key);
        assert!(!key.is_empty() && key.len() <= MAX_ID_BYTES && !text.chars().any(char::is_control));
    }
});
