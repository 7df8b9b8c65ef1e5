//! GB identifiers and names.
