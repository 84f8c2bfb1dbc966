//! Values in Avro as the JSON that says the same, for `waybill verify`, whose auditor knows JSON alone. What cannot be
//! read has no JSON; an auditor that is given the bytes instead finds them to be no record, which is what they are.

use std::collections::BTreeMap;

use avro::{Decoder, Frame, Schema, Writer};

use super::catalog;
use super::decoders::Lookup;
use crate::Timestamp;

#[derive(Debug, Default)]
pub struct Transcriber {
    topics: BTreeMap<&'static str, Topic>,
}

#[derive(Debug)]
struct Topic {
    /// The current one first.
    schemas: Vec<Schema>,
    decoders: BTreeMap<Writer, Option<Decoder>>,
}

impl Transcriber {
    /// The value of a record of `topic`, by its default name, as JSON. `by_id` answers for good: `NotYet` counts as not
    /// known. A null and an empty list are written out, where Waybill's own JSON leaves them out.
    pub fn json(&mut self, topic: &'static str, value: &[u8], by_id: impl FnOnce(u32) -> Lookup) -> Option<Vec<u8>> {
        let new = || Topic { schemas: catalog::known(topic), decoders: BTreeMap::new() };
        let Topic { schemas, decoders } = self.topics.entry(topic).or_insert_with(new);
        let Frame { writer, datum } = Frame::read(value).ok()?;
        let decoder = decoders.entry(writer).or_insert_with(|| {
            let reader = schemas.first()?;
            let made = match writer {
                Writer::Fingerprint(print) => Decoder::new(schemas.iter().find(|schema| schema.fingerprint() == print)?, reader),
                Writer::Id(id) => match by_id(id) {
                    Lookup::Schema(schema) => Decoder::new(&schema, reader),
                    _ => return None,
                },
            };
            Some(made.ok()?.with_text(|millis| Timestamp(millis).to_string()))
        });
        serde_json::to_vec(&decoder.as_ref()?.decode::<serde_json::Value>(datum).ok()?).ok()
    }
}
