//! The rules of one vehicle and its shipments. Pure functions, as everywhere in this crate.

pub mod arrival;
