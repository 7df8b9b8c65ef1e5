//! Tests through the doors of the product, one file per feature, each on both databases.

mod support;

mod access;
mod assess;
mod cli;
mod database;
mod ledger;
mod routes;
mod sql;
mod world;
