//! Work of one kind at a time beside the requests, known in the memory of this process: a check that takes too long for
//! an answer to wait for it.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often somebody who waits looks.
const LOOK: Duration = Duration::from_millis(20);

/// What runs in the background. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Background(Arc<Mutex<HashSet<&'static str>>>);

/// Takes a name out again, however its work ends.
struct Turn {
    names: Background,
    name: &'static str,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.names.names().remove(self.name);
    }
}

impl Background {
    /// Begins work of that name; false if it is under way already.
    pub fn start(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> bool {
        if !self.names().insert(name) {
            return false;
        }
        let turn = Turn { names: self.clone(), name };
        tokio::spawn(async move {
            work.await;
            drop(turn);
        });
        true
    }

    /// Whether work of that name is under way.
    pub fn is_running(&self, name: &str) -> bool {
        self.names().contains(name)
    }

    /// Waits until work of that name has ended, but not longer than `most`.
    pub async fn wait(&self, name: &str, most: Duration) {
        let begun = Instant::now();
        while self.is_running(name) && begun.elapsed() < most {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn names(&self) -> MutexGuard<'_, HashSet<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_of_one_name_runs_once_at_a_time_and_ends_even_in_a_panic() {
        let background = Background::default();
        assert!(background.start("a", async { std::future::pending().await }));
        assert!(!background.start("a", async {}));
        assert!(background.start("b", async { panic!("a fault inside") }));
        background.wait("b", Duration::from_secs(10)).await;
        assert!(background.is_running("a") && !background.is_running("b"));
        assert!(background.start("b", async {}));
    }
}
