//! What is to be written, kept aside until the whole file has been checked.
//!
//! A file brought into a register that people work with is read and checked to its end first, so that the transaction
//! that writes it holds nobody up for longer than the writing takes. The file behind has no name: it is gone with the
//! process.

use std::io::{BufReader, Read, Seek, Write as _};
use std::path::Path;

use tempfile::SpooledTempFile;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::model::IntakeError;
use super::registrar::Write;
use crate::platform::Value;

/// Bytes held in memory before a file is used.
const IN_MEMORY: usize = 32 << 20;

/// Batches of writes in the order in which they were put.
pub(super) struct Spool {
    file: SpooledTempFile,
    bytes: Vec<u8>,
}

impl Spool {
    /// An empty one; past some megabytes it goes to an unnamed file in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self { file: tempfile::spooled_tempfile_in(IN_MEMORY, folder), bytes: Vec::new() }
    }

    /// Puts a batch at the end.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn put(&mut self, batch: Vec<Write>) -> Result<(), IntakeError> {
        self.bytes.clear();
        self.bytes.extend_from_slice(&length(batch.len())?);
        for write in &batch {
            encode(write, &mut self.bytes)?;
        }
        self.file.write_all(&self.bytes).map_err(failed)
    }

    /// Hands every batch on, first to last, until there is none or nobody takes them.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn replay(mut self, to: &mpsc::Sender<Vec<Write>>) -> Result<(), IntakeError> {
        self.file.rewind().map_err(failed)?;
        let mut from = Reader(BufReader::with_capacity(1 << 20, self.file));
        while let Some(count) = from.length_or_end()? {
            let batch = (0..count).map(|_| from.write()).collect::<Result<Vec<_>, _>>()?;
            if to.blocking_send(batch).is_err() {
                break;
            }
        }
        Ok(())
    }
}

fn failed(error: std::io::Error) -> IntakeError {
    IntakeError::File(error.to_string())
}

fn length(of: usize) -> Result<[u8; 4], IntakeError> {
    u32::try_from(of).map(u32::to_le_bytes).map_err(|e| IntakeError::File(e.to_string()))
}

fn encode(write: &Write, out: &mut Vec<u8>) -> Result<(), IntakeError> {
    let (tag, values) = match write {
        Write::New(values) => (0, values),
        Write::Changed(_, values) => (1, values),
        Write::Held(values) => (2, values),
        Write::Issue(values) => (3, values),
    };
    out.push(tag);
    if let Write::Changed(id, _) = write {
        out.extend_from_slice(id.as_bytes());
    }
    out.extend_from_slice(&length(values.len())?);
    for value in values {
        match value {
            Value::Int(None) => out.push(0),
            Value::Int(Some(v)) => fixed(out, 1, &v.to_le_bytes()),
            Value::Real(None) => out.push(2),
            Value::Real(Some(v)) => fixed(out, 3, &v.to_le_bytes()),
            Value::Bool(None) => out.push(4),
            Value::Bool(Some(v)) => fixed(out, 5, &[u8::from(*v)]),
            Value::Text(None) => out.push(6),
            Value::Text(Some(v)) => sized(out, 7, v.as_bytes())?,
            Value::Bytes(None) => out.push(8),
            Value::Bytes(Some(v)) => sized(out, 9, v)?,
            Value::Id(None) => out.push(10),
            Value::Id(Some(v)) => fixed(out, 11, v.as_bytes()),
        }
    }
    Ok(())
}

fn fixed(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn sized(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) -> Result<(), IntakeError> {
    out.push(tag);
    out.extend_from_slice(&length(bytes.len())?);
    out.extend_from_slice(bytes);
    Ok(())
}

struct Reader<R>(R);

impl<R: Read> Reader<R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], IntakeError> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    fn length_or_end(&mut self) -> Result<Option<usize>, IntakeError> {
        let mut first = [0; 1];
        if self.0.read(&mut first).map_err(failed)? == 0 {
            return Ok(None);
        }
        let [b, c, d] = self.bytes()?;
        Ok(Some(u32::from_le_bytes([first[0], b, c, d]) as usize))
    }

    fn length(&mut self) -> Result<usize, IntakeError> {
        Ok(u32::from_le_bytes(self.bytes()?) as usize)
    }

    fn run(&mut self) -> Result<Vec<u8>, IntakeError> {
        let mut bytes = vec![0; self.length()?];
        self.0.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    fn write(&mut self) -> Result<Write, IntakeError> {
        let [tag] = self.bytes()?;
        let id = if tag == 1 { Uuid::from_bytes(self.bytes()?) } else { Uuid::nil() };
        let count = self.length()?;
        let values = (0..count).map(|_| self.value()).collect::<Result<Vec<_>, _>>()?;
        Ok(match tag {
            0 => Write::New(values),
            1 => Write::Changed(id, values),
            2 => Write::Held(values),
            _ => Write::Issue(values),
        })
    }

    fn value(&mut self) -> Result<Value, IntakeError> {
        let [tag] = self.bytes()?;
        Ok(match tag {
            0 => Value::Int(None),
            1 => Value::Int(Some(i64::from_le_bytes(self.bytes()?))),
            2 => Value::Real(None),
            3 => Value::Real(Some(f64::from_le_bytes(self.bytes()?))),
            4 => Value::Bool(None),
            5 => Value::Bool(Some(self.bytes()? == [1])),
            6 => Value::Text(None),
            7 => Value::Text(Some(String::from_utf8(self.run()?).map_err(|e| IntakeError::File(e.to_string()))?)),
            8 => Value::Bytes(None),
            9 => Value::Bytes(Some(self.run()?)),
            10 => Value::Id(None),
            _ => Value::Id(Some(Uuid::from_bytes(self.bytes()?))),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<Option<i64>>().prop_map(Value::Int),
            // NaN is no value of a file, and equals nothing.
            proptest::option::of(-1e300f64..1e300).prop_map(Value::Real),
            any::<Option<bool>>().prop_map(Value::Bool),
            any::<Option<String>>().prop_map(Value::Text),
            any::<Option<Vec<u8>>>().prop_map(Value::Bytes),
            any::<Option<u128>>().prop_map(|v| Value::Id(v.map(Uuid::from_u128))),
        ]
    }

    fn write() -> impl Strategy<Value = Write> {
        (0..4u8, any::<u128>(), proptest::collection::vec(value(), 0..6)).prop_map(|(tag, id, values)| match tag {
            0 => Write::New(values),
            1 => Write::Changed(Uuid::from_u128(id), values),
            2 => Write::Held(values),
            _ => Write::Issue(values),
        })
    }

    proptest! {
        #[test]
        fn what_was_put_comes_back_in_order(
            batches in proptest::collection::vec(proptest::collection::vec(write(), 0..8), 0..5)
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut spool = Spool::new(folder.path());
            for batch in &batches {
                spool.put(batch.clone()).unwrap();
            }
            let (to, mut from) = mpsc::channel(batches.len() + 1);
            spool.replay(&to).unwrap();
            drop(to);
            let mut back = Vec::new();
            while let Ok(batch) = from.try_recv() {
                back.push(batch);
            }
            prop_assert_eq!(back, batches);
        }
    }

    #[test]
    fn much_goes_to_a_file_that_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path());
        let row = Write::New(vec![Value::Bytes(Some(vec![7; 1 << 20]))]);
        for _ in 0..40 {
            spool.put(vec![row.clone()]).unwrap();
        }
        assert!(spool.file.is_rolled());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let (to, mut from) = mpsc::channel(40);
        spool.replay(&to).unwrap();
        assert_eq!(std::iter::from_fn(|| from.try_recv().ok()).filter(|batch| *batch == [row.clone()]).count(), 40);
    }
}
