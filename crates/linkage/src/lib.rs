//! Record linkage (数据比对): which record of a small list is which record of a large registry, and why.
//!
//! Two lists go in, scored [`Link`]s come out, each with the comparison level of every field, so that a person can be
//! shown what decided. Pure: no database, no async, and no files but one: a register that [`engine::Resident`] has packed. The small side is indexed under several keys and the
//! large side is streamed past it once; nothing loops over all pairs.
//!
//! [`Linker`] is the seam: [`TieredLinker`] ranks by fixed tiers of evidence and plain points. An engine that learns
//! its weights (Fellegi–Sunter) is in [`engine`].
//!
//! ```
//! use linkage::{Id, Linker, Record, Tier, TieredLinker};
//! let card = Record { key: 1, id: Id::read("340323196503121012"), name: "王桂兰".into(), ..Record::default() };
//! let registered = Record { key: 900, ..card.clone() };
//! let links = TieredLinker::default().link(&[card], &mut [registered].into_iter());
//! assert_eq!((links[0].right, links[0].tier), (900, Tier::IdExact));
//! ```

pub mod calibrate;
pub mod cluster;
pub mod engine;
mod index;
mod level;
mod record;
pub mod schema;
mod tiered;

pub use level::{
    BirthLevel, FieldLevel, HouseholdLevel, IdLevel, NameLevel, Pattern, PhoneLevel, PlaceLevel, SexLevel, name_level,
};
pub use record::{Birth, Id, IdSource, Place, Record};
pub use tiered::{Link, Linker, Tier, TieredLinker};
