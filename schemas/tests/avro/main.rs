//! Records in, from outside: real ones in JSON and in Avro as another implementation writes it, everything that can be wrong
//! with their bytes, schemas that differ from the reader's, and schemas of former releases.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod compatibility;
mod evolution;
mod json;
mod strict;
mod writer;
