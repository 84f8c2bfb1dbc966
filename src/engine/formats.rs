//! The values of source records: JSON, or Avro with whatever schema its producer has. A record whose schema is not
//! known yet waits, and with it what comes after; it is no dead letter, however long the registry is away.

use std::fmt;
use std::sync::Arc;

use schemas::Source;
use schemas::avro::{Decoders, Lookup, Undecoded};
use schemas::input::{self, Input};

use super::message::Message;
use super::outputs::Original;
use super::plan::{Format, Plan, Role};
use crate::log::Message as Record;

/// Who is asked for the schema with an id. Answers at once, if need be that it does not know yet.
#[derive(Clone)]
pub struct Schemas(Arc<dyn Fn(u32) -> Lookup + Send + Sync>);

impl Schemas {
    pub fn new(ask: impl Fn(u32) -> Lookup + Send + Sync + 'static) -> Schemas {
        Schemas(Arc::new(ask))
    }
}

impl Default for Schemas {
    fn default() -> Schemas {
        Schemas::new(|_| Lookup::Unknown("no registry is configured ([registry] url)".into()))
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schemas")
    }
}

/// A worker's way to read values.
#[derive(Debug, Default)]
pub struct Readers {
    /// `None`: no source is in Avro.
    decoders: Option<Box<Decoders>>,
    schemas: Schemas,
}

impl Readers {
    pub fn new(plan: &Plan) -> Readers {
        Readers { decoders: plan.reads_avro().then(Box::default), schemas: Schemas::default() }
    }

    pub fn ask(&mut self, schemas: Schemas) {
        self.schemas = schemas;
    }

    pub fn reads_avro(&self) -> bool {
        self.decoders.is_some()
    }

    /// The record has a schema that nobody here knows yet; it is asked for.
    pub fn awaits<M: Record>(&self, plan: &Plan, record: &M) -> bool {
        match plan.role(record.tp().topic) {
            Role::Source(source) => self.awaits_value(plan, source, record.value()),
            Role::Inbox(_) => match record.value().and_then(Message::forwarded) {
                Some(forward) => self.awaits_value(plan, forward.source, forward.value.as_deref()),
                None => false,
            },
            Role::Output => false,
        }
    }

    fn awaits_value(&self, plan: &Plan, source: Source, value: Option<&[u8]>) -> bool {
        let Some(decoders) = &self.decoders else { return false };
        plan.format_of(source) == Format::Avro
            && decoders.wants(source, value).is_some_and(|id| matches!((self.schemas.0)(id), Lookup::NotYet))
    }

    /// Decodes and checks a source record.
    pub fn read<'a>(&mut self, plan: &Plan, original: &Original<'a>, key: &str) -> Result<Input<'a>, Undecoded> {
        match (&mut self.decoders, plan.format_of(original.source)) {
            (Some(decoders), Format::Avro) => decoders.decode(original.source, key, original.value, |id| (self.schemas.0)(id)),
            _ => Ok(input::decode(original.source, key, original.value)?),
        }
    }
}
