//! Values of `feedback`.
#![no_main]

use schemas::Source;

libfuzzer_sys::fuzz_target!(|value: &[u8]| waybill_fuzz::decode(Source::Feedback, value));
