//! A decision to a record's Avro value.

use avro::{EncodeError, Encoder, Frame, Writer};
use serde::Serialize;

use super::catalog;
use crate::{Sink, Timestamp};

/// What stands before each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Avro's single-object encoding: a fingerprint.
    SingleObject,
    /// Confluent's: the id under which a registry has the sink's schema.
    Registered(u32),
}

/// The encoder of one sink.
#[derive(Clone, Debug)]
pub struct SinkEncoder {
    sink: Sink,
    writer: Writer,
    encoder: Encoder,
}

impl SinkEncoder {
    /// `None`: the sink's records have no schema.
    pub fn new(sink: Sink, framing: Framing) -> Option<SinkEncoder> {
        let schema = catalog::current(sink.name())?;
        let writer = match framing {
            Framing::SingleObject => Writer::Fingerprint(schema.fingerprint()),
            Framing::Registered(id) => Writer::Id(id),
        };
        Some(SinkEncoder { sink, writer, encoder: Encoder::new(&schema, |text| Timestamp::parse(text).map(|t| t.0)) })
    }

    /// Appends the value, header and all, to `out`.
    ///
    /// # Panics
    /// If the sink's schema and its type do not agree, which a test of this crate rules out.
    pub fn write<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) {
        if let Err(e) = self.try_write(value, out) {
            panic!("a record of `{}` does not fit its schema: {e}", self.sink.name());
        }
    }

    pub(super) fn try_write<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Frame::write(self.writer, out);
        self.encoder.encode(value, out)
    }
}
