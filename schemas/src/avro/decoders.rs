//! A record's Avro value to a checked input. A decoder is made once per writer's schema and kept; what stands in the
//! way of one is kept as well, so that a stream of bad records costs no more than a stream of good ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use avro::{Decoder, Fault, FaultKind, Frame, FrameFault, Schema, Writer};
use serde::Deserialize;

use super::catalog;
use crate::input::{self, Input, Value};
use crate::{Reason, Reject, Source};

/// Most decoders that are kept. A topic has a handful of schemas; more is somebody who makes up ids.
const MAX_DECODERS: usize = 128;

/// Longest message, in bytes: it stands in a header of the dead letter, and a schema's names may be of any length.
const MAX_MESSAGE_BYTES: usize = 1_024;

fn reject(reason: Reason, mut message: String) -> Reject {
    if message.len() > MAX_MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        message.push('…');
    }
    Reject::new(reason, message)
}

/// What is known of the schema with an id.
#[derive(Clone, Debug)]
pub enum Lookup {
    Schema(Arc<Schema>),
    /// There is none, says who should know; and who that is.
    Unknown(String),
    /// There is one that cannot be used, and why.
    Unusable(String),
    /// Whoever knows has not answered.
    NotYet,
}

/// Why there is no input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecoded {
    Rejected(Reject),
    /// Its schema is not known yet: the record waits, and nothing is wrong with it.
    NotYet,
}

impl From<Reject> for Undecoded {
    fn from(reject: Reject) -> Undecoded {
        Undecoded::Rejected(reject)
    }
}

/// The decoders of one worker.
#[derive(Debug)]
pub struct Decoders {
    /// By source, the schema that it is read with and all that are known without asking, that one first.
    schemas: BTreeMap<Source, Vec<Arc<Schema>>>,
    made: BTreeMap<(Source, Writer), Result<Made, Reject>>,
}

#[derive(Debug)]
struct Made {
    decoder: Decoder,
    /// What both schemas are called in messages.
    titles: Box<str>,
}

impl Default for Decoders {
    fn default() -> Decoders {
        let of = |source: Source| (source, catalog::known(source.name()).into_iter().map(Arc::new).collect());
        Decoders { schemas: Source::ALL.into_iter().map(of).collect(), made: BTreeMap::new() }
    }
}

impl Decoders {
    /// The id of the schema that has to be known before this value can be decoded, if it is not yet.
    pub fn wants(&self, source: Source, value: Option<&[u8]>) -> Option<u32> {
        match Frame::read(input::present(value).ok()?).ok()?.writer {
            Writer::Id(id) if !self.made.contains_key(&(source, Writer::Id(id))) => Some(id),
            _ => None,
        }
    }

    /// Decodes and checks one record of `source` whose key is `key`. `by_id` is asked about a schema's id once.
    pub fn decode<'a>(
        &mut self,
        source: Source,
        key: &str,
        value: Option<&'a [u8]>,
        by_id: impl FnOnce(u32) -> Lookup,
    ) -> Result<Input<'a>, Undecoded> {
        let bytes = input::present(value)?;
        let Frame { writer, datum } = Frame::read(bytes).map_err(|fault| {
            let reason = match fault {
                FrameFault::Magic(_) => Reason::InvalidMagic,
                FrameFault::Truncated(_) => Reason::Truncated,
            };
            reject(reason, fault.to_string())
        })?;
        if !self.made.contains_key(&(source, writer)) {
            let made = self.make(source, writer, by_id)?;
            if self.made.len() >= MAX_DECODERS {
                self.made.clear();
            }
            self.made.insert((source, writer), made);
        }
        match &self.made[&(source, writer)] {
            Ok(made) => Ok(input::checked(source, key, &Datum { made, datum })?),
            Err(reject) => Err(reject.clone().into()),
        }
    }

    /// A decoder, or why there can be none; both are kept, and what may change by itself is an error.
    fn make(&self, source: Source, writer: Writer, by_id: impl FnOnce(u32) -> Lookup) -> Result<Result<Made, Reject>, Undecoded> {
        let known = self.schemas.get(&source).map_or(&[][..], Vec::as_slice);
        let unknown = |why: String| Undecoded::from(reject(Reason::UnknownSchema, format!("{writer} names no schema: {why}")));
        let Some(reader) = known.first() else {
            return Err(unknown(format!("`{}` has none", source.name())));
        };
        let incompatible = |title: &str, why: String| {
            reject(
                Reason::SchemaIncompatible,
                format!("what is written with the schema {title} ({writer}) cannot be read as {}: {why}", reader.title()),
            )
        };
        let schema = match writer {
            Writer::Id(id) => match by_id(id) {
                Lookup::Schema(schema) => schema,
                // It may be registered a moment later.
                Lookup::Unknown(why) => return Err(unknown(why)),
                Lookup::Unusable(why) => return Ok(Err(incompatible("of the registry", why))),
                Lookup::NotYet => return Err(Undecoded::NotYet),
            },
            Writer::Fingerprint(print) => {
                let found = known.iter().find(|schema| schema.fingerprint() == print);
                found.cloned().ok_or_else(|| {
                    let titles = known.iter().map(|schema| schema.title()).collect::<Vec<_>>().join(", ");
                    unknown(format!("those of `{}` are {titles}", source.name()))
                })?
            }
        };
        let title = schema.title();
        Ok(match Decoder::new(&schema, reader) {
            Ok(decoder) => {
                let titles = format!("written as {title} ({writer}), read as {}", reader.title()).into();
                Ok(Made { decoder, titles })
            }
            Err(e) => Err(incompatible(&title, e.to_string())),
        })
    }
}

/// A datum and how to read it.
struct Datum<'d, 'a> {
    made: &'d Made,
    datum: &'a [u8],
}

impl<'a> Value<'a> for Datum<'_, 'a> {
    fn shape<T: Deserialize<'a>>(&self) -> Result<T, Reject> {
        self.made.decoder.decode(self.datum).map_err(|fault: Fault| {
            let reason = match fault.kind() {
                FaultKind::Truncated => Reason::Truncated,
                FaultKind::Trailing => Reason::TrailingBytes,
                FaultKind::Malformed => Reason::InvalidAvro,
                FaultKind::Unresolved => Reason::SchemaIncompatible,
                FaultKind::Value => Reason::InvalidValue,
            };
            reject(reason, format!("{fault}; {}", self.made.titles))
        })
    }
}
