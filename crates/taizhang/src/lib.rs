//! Taizhang (台账): finds every registered household that a shock has touched, says how, and keeps each of its
//! problems on the books until someone has checked on site that it is solved.
//!
//! One folder per feature along the road of the data: `intake` → `register` → `compare` → `assess` → `ledger`;
//! `platform` knows no domain, `access` says who may, `web` holds the pages together. See ARCHITECTURE.md.

pub mod access;
pub mod assess;
pub mod cli;
pub mod compare;
pub mod intake;
pub mod ledger;
pub mod monitor;
pub mod platform;
pub mod register;
pub mod relief;
pub mod road;
pub mod screen;
pub mod situation;
pub mod supervise;
pub mod tasks;
pub mod upkeep;
pub mod web;
pub mod work_mode;
