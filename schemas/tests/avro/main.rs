//! Avro records in, from outside: real orders as another implementation writes them, everything that can be wrong with
//! bytes, schemas that differ from the reader's, and schemas of former releases.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod compatibility;
mod evolution;
mod strict;
mod writer;
