//! Record linkage (数据比对): which record of a small list is which record of a large registry, and why.
//!
//! Two lists go in, scored pairs come out, each with the comparison level of every field and what it weighs, so that a
//! person can be shown what decided. Pure: no database, no async, and no files but one: a register that
//! [`engine::Resident`] has packed. The small side is indexed under several keys and the large side is streamed past it
//! once; nothing loops over all pairs.
//!
//! ```
//! use std::sync::Mutex;
//! use linkage::{Record, engine};
//!
//! /// A registry that is in memory.
//! struct Registry(Mutex<Vec<Record>>);
//! impl engine::Batches for Registry {
//!     fn next_batch(&self, batch: &mut Vec<Record>) -> std::io::Result<bool> {
//!         let mut rows = self.0.lock().map_err(|_| std::io::ErrorKind::Other)?;
//!         batch.append(&mut rows);
//!         Ok(!batch.is_empty())
//!     }
//! }
//!
//! let card = Record { key: 1, id: "340323196503121012".into(), name: "王桂兰".into(), ..Record::default() };
//! let registered = Record { key: 900, ..card.clone() };
//! let list = engine::List::of(&[card])?;
//! let registry = Registry(Mutex::new(vec![registered]));
//! let linked = engine::link_records(&list, &registry, &engine::Model::prior(), engine::Options::default()).unwrap();
//! assert_eq!(Record::key_of(&linked.matches[0].right), Some(900));
//! assert!(linked.matches[0].bits > 20.0);
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod calibrate;
pub mod cluster;
pub mod engine;
mod record;
pub mod schema;

pub use record::{Birth, Id, IdSource, Place, Record};
