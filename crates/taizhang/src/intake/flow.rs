//! Rows out of a file and into records, on every core, handed on in the order of the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::convert::{self, Context, Converted, Scratch, Shape};
use super::model::IntakeError;
use super::reader::{Go, OwnedCells};
use super::table::{self, DataRow, Header, Mapping, Preamble, Shaper, Visitor};
use crate::platform::jobs::Progress;

/// Rows that travel together from the reader to a worker.
const BATCH: usize = 500;

/// A row of a file that owns its cells.
pub(super) struct Row {
    pub(super) sheet: Arc<str>,
    pub(super) line: u64,
    pub(super) cells: OwnedCells,
    /// The order of the columns of its sheet.
    shape: Arc<Shape>,
}

impl Row {
    fn borrow(&self) -> DataRow<'_> {
        DataRow { sheet: &self.sheet, line: self.line, cells: self.cells.borrow() }
    }
}

type Done = (u64, Result<Vec<(Row, Converted)>, IntakeError>);

/// Cuts the rows of a table into numbered batches.
struct Batches<'a> {
    context: &'a Context,
    progress: &'a Progress,
    to: SyncSender<(u64, Vec<Row>)>,
    next: u64,
    batch: Vec<Row>,
    sheet: Arc<str>,
    /// Of the current sheet; none while the sheet is no part of the file.
    shape: Option<Arc<Shape>>,
}

impl Batches<'_> {
    fn send(&mut self) -> Go {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        let number = self.next;
        self.next += 1;
        // Fails only when the other end has stopped, whose error is the one to show.
        if self.to.send((number, batch)).is_ok() { Go::On } else { Go::Stop }
    }
}

impl Visitor for Batches<'_> {
    type Error = IntakeError;

    fn headers(&mut self, sheet: &str, headers: &[Header], _: &Preamble) -> Result<(), IntakeError> {
        // The first look has named the sheets that are no part of the file, with the reasons.
        let (kind, first) = (self.context.kind, &self.context.mapping);
        self.shape = Mapping::of_part(kind, first, headers).ok().map(|m| Arc::new(Shape::of(kind, m, headers.len())));
        self.sheet = sheet.into();
        Ok(())
    }

    fn row(&mut self, row: DataRow<'_>) -> Result<Go, IntakeError> {
        let Some(shape) = &self.shape else {
            return Ok(Go::On);
        };
        let shape = shape.clone();
        self.batch.push(Row { sheet: self.sheet.clone(), line: row.line, cells: row.cells.to_owned(), shape });
        if self.batch.len() < BATCH {
            return Ok(Go::On);
        }
        if self.progress.is_cancelled() {
            return Err(IntakeError::Cancelled);
        }
        Ok(self.send())
    }
}

/// Reads a file in one thread, converts its rows in as many as there are cores, and gives each to `each` in the order of
/// the file. Whatever the size of the file, a few thousand rows are held at a time.
///
/// # Errors
/// The first error of the file, of a conversion or of `each`; nothing is given to `each` after it.
pub(super) fn each_converted(
    context: &Context,
    path: &Path,
    progress: &Progress,
    mut each: impl FnMut(Row, Converted) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (to_workers, from_reader) = sync_channel::<(u64, Vec<Row>)>(workers * 2);
    // The workers alone own the receiver: when the last of them stops, the reader's next send fails and it stops too.
    let from_reader = Arc::new(Mutex::new(from_reader));
    let (to_us, done) = sync_channel::<Done>(workers * 2);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (input, output) = (from_reader.clone(), to_us.clone());
            scope.spawn(move || work(context, &input, &output));
        }
        drop((from_reader, to_us));
        let reader = scope.spawn(move || {
            let mut batches = Batches {
                context,
                progress,
                to: to_workers,
                next: 0,
                batch: Vec::with_capacity(BATCH),
                sheet: "".into(),
                shape: None,
            };
            table::walk(path, Shaper::default(), &mut batches)?;
            batches.send();
            Ok(())
        });
        let taken = in_order(done, &mut each);
        // A reader that stopped for our sake has nothing to say.
        let read = reader.join().unwrap_or_else(|_| Err(IntakeError::File("the reader stopped".to_owned())));
        taken.and(read)
    })
}

fn work(context: &Context, input: &Mutex<Receiver<(u64, Vec<Row>)>>, output: &SyncSender<Done>) {
    let mut scratch = Scratch::default();
    loop {
        let next = input.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, rows)) = next else { return };
        let converted = rows
            .into_iter()
            .map(|row| {
                let converted = convert::convert(context, &row.shape, row.borrow(), &mut scratch)?;
                Ok((row, converted))
            })
            .collect();
        if output.send((number, converted)).is_err() {
            return;
        }
    }
}

fn in_order(
    done: Receiver<Done>,
    each: &mut impl FnMut(Row, Converted) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, rows) in done {
        early.insert(number, rows);
        while let Some(rows) = early.remove(&next) {
            next += 1;
            for (row, converted) in rows? {
                each(row, converted)?;
            }
        }
    }
    Ok(())
}
