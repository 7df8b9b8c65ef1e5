//! The run for everybody: readers take parts of the register side by side, each part as of one moment, and hold what the
//! rules conclude against what is stored; the one writer gets only what differs.
//!
//! Others write meanwhile. Whoever changes a household assesses it, in the same transaction or after it, and leaves the
//! number of that turn at it. A part remembers the number that had been taken last when it was read; what was left at its
//! households after that makes the writer assess those anew instead of writing what was concluded from before.
//!
//! What is held at a time: a page of ids, a part of [`PART`] households for each reader, and what differs in
//! [`WAITING`] parts that wait for the writer.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::settle_store::{self, Settled, Written};
use super::store::{self, Frame};
use super::view_store::{self, Servants};
use super::{AssessError, FindingChanges};
use crate::access::Scope;
use crate::platform::{App, Db, Tx};

/// Households of a part.
const PART: usize = 1000;
/// Ids that are read at a time.
const PAGE: i64 = 50_000;
/// Parts that wait to be written.
const WAITING: usize = 4;
/// Readers side by side at the most.
const READERS: usize = 4;
/// After this long, in milliseconds, no run can have read what a number was left at.
const SEEN_MS: i64 = 24 * 3600 * 1000;

/// What a reader concluded about a part.
pub(crate) struct Part {
    ids: Vec<Uuid>,
    /// The number that had been taken last when it was read.
    seq: i64,
    due: Vec<Uuid>,
    settled: Settled,
}

impl Part {
    /// Households that were read.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether nothing differs, so that nothing is to be written.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.len() == 0 && self.due.is_empty()
    }

    /// How many rows are to be written.
    pub(crate) fn weight(&self) -> usize {
        self.settled.len() + self.due.len()
    }

    /// What a part in which nothing differs comes to.
    pub(crate) fn counted(&self) -> FindingChanges {
        FindingChanges {
            households: self.settled.households,
            unchanged: self.settled.unchanged,
            ..FindingChanges::default()
        }
    }
}

/// Where the parts come from.
pub(crate) enum Source {
    /// Every household of the register.
    Register,
    /// These, in order.
    Given(Vec<Uuid>),
}

/// Hands out ids, part by part.
struct Ids {
    db: Db,
    after: Option<Uuid>,
    given: Option<std::vec::IntoIter<Uuid>>,
    page: std::vec::IntoIter<Uuid>,
}

impl Ids {
    async fn next(&mut self) -> Result<Vec<Uuid>, AssessError> {
        if let Some(given) = &mut self.given {
            return Ok(given.take(PART).collect());
        }
        if self.page.len() == 0 {
            let page = view_store::households_after(&self.db, self.after.unwrap_or_default(), PAGE).await?;
            self.after = page.last().map(|row| row.0).or(self.after);
            self.page = page.into_iter().map(|row| row.0).collect::<Vec<_>>().into_iter();
        }
        Ok(self.page.by_ref().take(PART).collect())
    }
}

/// What holds for the whole register, as of a number.
struct Known {
    seq: i64,
    frame: Frame,
    servants: Servants,
}

async fn known(tx: &mut Tx, frame: &Frame, before: Option<Known>) -> Result<Known, AssessError> {
    let seq = store::turn_now(tx).await?;
    match before {
        Some(known) if known.seq == seq => Ok(known),
        // Somebody has had the turn: a helper's signal or a county's tier may be another.
        Some(_) => {
            let tiers = Arc::new(store::latest_tiers_in(tx).await?);
            let servants = view_store::servants_for(tx, &frame.profile).await?;
            Ok(Known { seq, frame: Frame { tiers, ..frame.clone() }, servants })
        }
        None => {
            let servants = view_store::servants_for(tx, &frame.profile).await?;
            Ok(Known { seq, frame: frame.clone(), servants })
        }
    }
}

/// What is done with each part: a reader has its own.
pub(super) trait Reader: Send + 'static {
    /// What it makes of a part.
    type Out: Send + 'static;

    /// Reads one part, as of one moment.
    fn read<'a>(&'a mut self, tx: &'a mut Tx, ids: Vec<Uuid>) -> BoxFuture<'a, Result<Self::Out, AssessError>>;
}

/// Concludes, and holds it against what is stored.
struct Concluder {
    frame: Frame,
    known: Option<Known>,
}

impl Reader for Concluder {
    type Out = Part;

    fn read<'a>(&'a mut self, tx: &'a mut Tx, ids: Vec<Uuid>) -> BoxFuture<'a, Result<Part, AssessError>> {
        Box::pin(async move {
            let known = known(tx, &self.frame, self.known.take()).await?;
            let due = store::due_of(tx, &ids).await?.into_iter().map(|row| row.0).collect();
            let frame = &known.frame;
            let views = view_store::views(tx, &ids, &known.servants, &frame.profile, frame.day).await?;
            let mut conclusions = settle_store::conclude(frame, &views)?;
            // A finding that somebody brings along from another household is met when it is written, and read there.
            let (stored, unchanged) = settle_store::differing(tx, &ids, &mut conclusions).await?;
            let mut settled = settle_store::settle(frame, &known.servants, &views, &conclusions, &stored);
            settled.unchanged += unchanged;
            let seq = known.seq;
            self.known = Some(known);
            Ok(Part { ids, seq, due, settled })
        })
    }
}

/// Starts the readers of a run for everybody.
pub(crate) fn start(app: &App, frame: &Frame, source: Source) -> Parts<Part> {
    in_parts(&app.db, source, || Concluder { frame: frame.clone(), known: None })
}

/// What readers make of parts, as it comes.
pub(crate) struct Parts<T> {
    made: mpsc::Receiver<Result<T, AssessError>>,
    readers: Vec<JoinHandle<()>>,
}

impl<T> Parts<T> {
    /// The next one, in no order; none when everything was read, or after the first error.
    pub(crate) async fn next(&mut self) -> Option<Result<T, AssessError>> {
        if let Some(made) = self.made.recv().await {
            return Some(made);
        }
        while let Some(reader) = self.readers.pop() {
            if reader.await.is_err() {
                // What it had in hand is missing, and would be taken for gone.
                return Some(Err(AssessError::Lost));
            }
        }
        None
    }
}

/// Reads parts side by side.
pub(super) fn in_parts<R: Reader>(db: &Db, source: Source, reader: impl Fn() -> R) -> Parts<R::Out> {
    let readers = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, READERS);
    let (sender, parts) = mpsc::channel(WAITING);
    let given = match source {
        Source::Register => None,
        Source::Given(ids) => Some(ids.into_iter()),
    };
    let ids = Ids { db: db.clone(), after: None, given, page: Vec::new().into_iter() };
    let ids = Arc::new(Mutex::new(ids));
    let mut tasks = Vec::new();
    for _ in 0..readers {
        let (db, ids, sender, mut reader) = (db.clone(), Arc::clone(&ids), sender.clone(), reader());
        tasks.push(tokio::spawn(async move {
            loop {
                let found = ids.lock().await.next().await;
                let outcome = match found {
                    Ok(ids) if ids.is_empty() => return,
                    Ok(ids) => one(&db, &mut reader, ids).await,
                    Err(error) => Err(error),
                };
                let failed = outcome.is_err();
                // Nobody listens any more after the first error.
                if sender.send(outcome).await.is_err() || failed {
                    return;
                }
            }
        }));
    }
    Parts { made: parts, readers: tasks }
}

async fn one<R: Reader>(db: &Db, reader: &mut R, ids: Vec<Uuid>) -> Result<R::Out, AssessError> {
    let mut tx = db.snapshot().await?;
    reader.read(&mut tx, ids).await
}

/// What was written of a part.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Counted.
    pub(crate) changes: FindingChanges,
    /// Households whose findings were written.
    pub(crate) touched: BTreeSet<Uuid>,
}

impl Kept {
    fn add(&mut self, written: Written) {
        self.changes.add(written.changes);
        self.touched.extend(written.touched);
    }
}

/// Writes what differs in some parts, one after another, in the turn of this transaction. What was assessed by others
/// since a part was read is assessed here once more.
///
/// # Errors
/// A rule takes too many steps, or the database fails.
pub(crate) async fn keep(tx: &mut Tx, frame: &Frame, parts: Vec<Part>) -> Result<Kept, AssessError> {
    let now = store::take_turn_quietly(tx).await?;
    let mut out = Kept::default();
    let mut again: BTreeSet<Uuid> = BTreeSet::new();
    let mut overtaken_from = i64::MAX;
    for part in parts.iter().filter(|part| part.seq != now) {
        overtaken_from = overtaken_from.min(part.seq);
    }
    let seen: BTreeSet<Uuid> = match overtaken_from {
        i64::MAX => BTreeSet::new(),
        seq => store::seen_since(tx, seq).await?.into_iter().map(|row| row.0).collect(),
    };
    for mut part in parts {
        if part.seq != now {
            let mut anew: BTreeSet<Uuid> = part.ids.iter().filter(|id| seen.contains(id)).copied().collect();
            anew.extend(store::due_of(tx, &part.ids).await?.into_iter().map(|row| row.0));
            part.settled.leave_out(&anew);
            again.extend(anew);
        } else if !part.due.is_empty() {
            store::take_due(tx, &part.due).await?;
        }
        let written = settle_store::write(tx, part.settled).await?;
        if written.overtaken {
            again.extend(&written.touched);
        }
        out.add(written);
    }
    if !again.is_empty() {
        let again: Vec<Uuid> = again.into_iter().collect();
        let tiers = Arc::new(store::latest_tiers_in(tx).await?);
        let frame = Frame { tiers, ..frame.clone() };
        let servants = view_store::servants_for(tx, &frame.profile).await?;
        let mut written = settle_store::assess_ids(tx, &frame, &servants, &again).await?;
        // They were counted when they were read.
        written.changes.households = 0;
        out.add(written);
    }
    Ok(out)
}

/// Households with an open finding, or on the list of the next assessment, that have gone from the register; and those
/// whose findings the ledger does not know as they are: a rule has got a ledger since.
///
/// # Errors
/// The database fails.
pub(crate) async fn left_over(app: &App, frame: &Frame, scope: &Scope) -> Result<(Vec<Uuid>, Vec<Uuid>), AssessError> {
    let gone: BTreeSet<Uuid> = store::households_gone(&app.db, scope).await?.into_iter().map(|row| row.0).collect();
    let with_ledger: Vec<&str> =
        frame.profile.rules.iter().filter(|rule| rule.ledger.is_some()).map(|rule| rule.id.as_str()).collect();
    let behind = store::items_behind(&app.db, &with_ledger, scope).await?;
    let behind: BTreeSet<Uuid> = behind.into_iter().map(|row| row.0).collect();
    Ok((gone.into_iter().collect(), behind.into_iter().collect()))
}

/// Forgets the numbers that were left at households so long ago that no run needs them.
///
/// # Errors
/// The database fails.
pub(crate) async fn forget(app: &App) -> Result<(), AssessError> {
    let before = app.clock.now_ms() - SEEN_MS;
    app.db
        .write::<_, AssessError, _>(move |tx| Box::pin(async move { Ok(store::forget_seen(tx, before).await?) }))
        .await
}
