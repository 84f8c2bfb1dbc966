#![no_main]
//! Any bytes as a datum of any source in Avro, and any text as a schema that it was written with.

use libfuzzer_sys::fuzz_target;
use schemas::Source;

fuzz_target!(|input: (u8, Vec<u8>, Option<String>)| {
    let (source, datum, schema) = input;
    waybill_fuzz::decode_avro(Source::ALL[usize::from(source) % Source::ALL.len()], &datum, schema.as_deref());
});
