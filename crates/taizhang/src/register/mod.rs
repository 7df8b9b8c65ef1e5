//! The register (底数): divisions, households, persons, with versions.

pub mod divisions;
pub mod store;

pub use divisions::{Division, Divisions, Resolution};
