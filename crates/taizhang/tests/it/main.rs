//! Tests through the doors of the product, one file per feature, each on both databases.

mod support;

mod access;
mod assess;
mod cli;
mod compare;
mod database;
mod intake;
mod kill;
mod ledger;
mod register;
mod routes;
mod situation;
mod sql;
mod world;
