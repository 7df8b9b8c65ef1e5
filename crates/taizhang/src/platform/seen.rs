//! When things were last used: known at once in memory, written down when the database has time for it. Nobody who only
//! reads waits for a writer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most marks that wait to be written; beyond it a mark is left out, and whatever it is of is marked again later.
const MOST: usize = 100_000;

/// Marks of last use, milliseconds by key, that are not yet in the database. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Marks>>);

#[derive(Debug, Default)]
struct Marks {
    at: HashMap<String, i64>,
    writing: bool,
}

impl Seen {
    /// The mark of a key that is still to be written, if there is one.
    pub fn at(&self, key: &str) -> Option<i64> {
        self.marks().at.get(key).copied()
    }

    /// Marks a key. True if nobody is writing marks down: then the caller begins to, with [`Seen::pending`].
    pub fn mark(&self, key: String, now_ms: i64) -> bool {
        let mut marks = self.marks();
        if marks.at.len() < MOST || marks.at.contains_key(&key) {
            marks.at.insert(key, now_ms);
        }
        !std::mem::replace(&mut marks.writing, true)
    }

    /// What is to be written now; they stay known until [`Seen::written`].
    pub fn pending(&self) -> Vec<(String, i64)> {
        self.marks().at.iter().map(|(key, at)| (key.clone(), *at)).collect()
    }

    /// These are in the database. True if there are more to write; else the caller is no longer the one who writes.
    pub fn written(&self, written: &[(String, i64)]) -> bool {
        let mut marks = self.marks();
        for (key, at) in written {
            if marks.at.get(key) == Some(at) {
                marks.at.remove(key);
            }
        }
        marks.writing = !marks.at.is_empty();
        marks.writing
    }

    /// They could not be written: the next mark tries again.
    pub fn gave_up(&self) {
        self.marks().writing = false;
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_at_a_time_and_a_later_mark_is_not_lost() {
        let seen = Seen::default();
        assert!(seen.mark("a".to_owned(), 1));
        assert!(!seen.mark("b".to_owned(), 2), "somebody writes already");
        let first = seen.pending();
        assert_eq!(first.len(), 2);
        assert!(!seen.mark("a".to_owned(), 5));
        assert!(seen.written(&first), "a was used again meanwhile");
        assert_eq!((seen.at("a"), seen.at("b")), (Some(5), None));
        seen.gave_up();
        assert!(seen.mark("c".to_owned(), 6));
        assert!(!seen.written(&seen.pending()));
        assert!(seen.mark("d".to_owned(), 7));
    }
}
