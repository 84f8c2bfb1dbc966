//! Any bytes as a datum of any source in Avro, and any text as a schema that it was written with: a byte for the source, the
//! schema's text (none: the source's own), a zero, the datum.
#![no_main]

use schemas::Source;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((source, rest)) = bytes.split_first() else { return };
    let Some(end) = rest.iter().position(|byte| *byte == 0) else { return };
    let Ok(schema) = std::str::from_utf8(&rest[..end]) else { return };
    let source = Source::ALL[usize::from(*source) % Source::ALL.len()];
    waybill_fuzz::decode_avro(source, &rest[end + 1..], (!schema.is_empty()).then_some(schema));
});
