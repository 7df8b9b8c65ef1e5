//! Tests through the doors of the product, one file per feature, each on both databases.

mod support;

mod access;
mod cli;
mod database;
mod routes;
mod sql;
