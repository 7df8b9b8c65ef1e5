//! Tests through the doors of the product, one file per feature, each on both databases.

mod support;

mod access;
mod cli;
mod compare;
mod database;
mod intake;
mod kill;
mod register;
mod routes;
mod situation;
mod sql;
