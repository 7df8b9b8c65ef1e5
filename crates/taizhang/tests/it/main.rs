//! Tests through the doors of the product, one file per feature, each on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod access;
mod assess;
mod cli;
mod compare;
mod database;
mod demo;
mod divisions;
mod income;
mod intake;
mod kill;
mod ledger;
mod ledger_books;
mod ledger_model;
mod link_files;
mod monitor;
mod monitor_model;
mod problems;
mod register;
mod routes;
mod screen;
mod situation;
mod sql;
mod turns;
mod work_mode;
mod world;
