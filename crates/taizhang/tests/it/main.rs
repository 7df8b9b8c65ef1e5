//! Tests through the doors of the product, one file per feature, each on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod access;
mod assess;
mod care;
mod cli;
mod compare;
mod database;
mod demo;
mod divisions;
mod engine;
mod income;
mod intake;
mod item_life;
mod kill;
mod ledger;
mod ledger_books;
mod ledger_model;
mod ledger_table;
mod link_files;
mod monitor;
mod monitor_model;
mod problems;
mod register;
mod relief;
mod routes;
mod screen;
mod situation;
mod sql;
mod supervise;
mod tasks;
mod turns;
mod what_if;
mod work_mode;
mod world;
