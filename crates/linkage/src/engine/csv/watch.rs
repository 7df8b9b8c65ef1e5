//! Follows a file of rows while something else reads it, and stops where it is no such file.

use std::io::{self, Read};

use super::{BOM, LONGEST, Malformed};

/// A reader that passes on what it reads and fails with [`Malformed`], the line included, where the text is not UTF-8, a
/// quotation mark is not closed, or a row does not end.
#[derive(Debug)]
pub struct Watched<R> {
    reader: R,
    /// The line that is being read, from 1.
    line: u64,
    /// Bytes so far, and the last of them.
    read: u64,
    last: u8,
    /// The beginning of a character whose end has not come yet.
    half: Vec<u8>,
    /// Where the row begins, and at which line.
    row: (u64, u64),
    /// Whether a quotation mark is open, and at which line it was opened.
    open: bool,
    opened: u64,
    /// Behind the last one that closed.
    closed: u64,
    /// The line at which a stretch was opened that went over a line's end and whose field has not ended yet.
    over: Option<u64>,
}

impl<R: Read> Watched<R> {
    /// Around something that is read from its beginning.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            line: 1,
            read: 0,
            last: b'\n',
            half: Vec::new(),
            row: (0, 1),
            open: false,
            opened: 0,
            closed: 0,
            over: None,
        }
    }

    /// Reads to the end, and says what is wrong; none where nothing is.
    ///
    /// # Errors
    /// If reading fails.
    pub fn fault(mut self) -> io::Result<Option<Malformed>> {
        match io::copy(&mut self, &mut io::sink()) {
            Ok(_) => Ok(None),
            Err(error) => error.downcast::<Malformed>().map(Some),
        }
    }

    fn text(&mut self, mut new: &[u8]) -> Result<(), Malformed> {
        // A character begun before is finished first; it has four bytes at most.
        while !self.half.is_empty() {
            let Some((first, rest)) = new.split_first() else {
                return Ok(());
            };
            self.half.push(*first);
            new = rest;
            match std::str::from_utf8(&self.half) {
                Ok(_) => self.half.clear(),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(Malformed::NotUtf8(Some(self.line))),
            }
        }
        match simdutf8::compat::from_utf8(new) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_none() => {
                self.half.extend_from_slice(&new[error.valid_up_to()..]);
                Ok(())
            }
            Err(error) => {
                let before = memchr::memchr_iter(b'\n', &new[..error.valid_up_to()]).count() as u64;
                Err(Malformed::NotUtf8(Some(self.line + before)))
            }
        }
    }

    fn marks(&mut self, new: &[u8]) -> Result<(), Malformed> {
        let mut at = 0;
        while at < new.len() {
            let here = self.read + at as u64;
            match (self.over, new[at]) {
                (None, _) => match memchr::memchr2(b'"', b'\n', &new[at..]) {
                    Some(skip) => at += skip,
                    None => break,
                },
                (Some(_), b'"') if self.closed == here => {}
                (Some(_), b',' | b'\n') => self.over = None,
                (Some(_), c) if c.is_ascii_whitespace() => {}
                (Some(line), _) => return Err(Malformed::OpenQuote(Some(line))),
            }
            let before = at.checked_sub(1).map_or(self.last, |before| new[before]);
            self.mark(new[at], before, self.read + at as u64);
            at += 1;
        }
        self.read += new.len() as u64;
        self.last = new.last().copied().unwrap_or(self.last);
        if self.read - self.row.0 > LONGEST as u64 {
            return Err(Malformed::LongRow(Some(self.row.1)));
        }
        Ok(())
    }

    /// A byte that may be a quotation mark or a line's end.
    fn mark(&mut self, c: u8, before: u8, here: u64) {
        match c {
            b'\n' => {
                self.line += 1;
                if !self.open {
                    self.row = (here + 1, self.line);
                }
            }
            b'"' if self.open => {
                (self.open, self.closed) = (false, here + 1);
                self.over = (self.opened < self.line).then_some(self.opened);
            }
            b'"' if here > 0 && self.closed == here => (self.open, self.over) = (true, None),
            // The last byte of a mark at the beginning of the file stands before a field, too.
            b'"' if matches!(before, b',' | b'\n' | b'\r') || here == 3 && before == BOM[2] => {
                (self.open, self.opened) = (true, self.line);
            }
            _ => {}
        }
    }

    fn end(&self) -> Result<(), Malformed> {
        if !self.half.is_empty() {
            return Err(Malformed::NotUtf8(Some(self.line)));
        }
        if self.open { Err(Malformed::OpenQuote(Some(self.opened))) } else { Ok(()) }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.reader.read(into)?;
        let new = &into[..got];
        if got == 0 && !into.is_empty() {
            self.end()?;
        }
        self.text(new)?;
        self.marks(new)?;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{BlockReader, Blocks};
    use proptest::prelude::*;

    /// Hands out a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(into.len()).min(self.0.len());
            into[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn fault(text: &[u8]) -> Option<Malformed> {
        let whole = Watched::new(text).fault().unwrap();
        for step in [1, 2, 3, 7] {
            assert_eq!(Watched::new(Slow(text, step)).fault().unwrap(), whole, "{step}");
        }
        whole
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert_eq!(fault("\u{feff}\"a\",b\r\n1,\"x\"\"y\n, z\" ,q\n2,5\" x 6\"\n".as_bytes()), None);
        assert_eq!(fault(b"a,b\n1,x\n2,\"y\n3,z\n"), Some(Malformed::OpenQuote(Some(3))));
        // Closed by a field that opens: what stands between were rows.
        assert_eq!(fault(b"a,b\n1,\"x\n2,y\n3,\"z\"\n4,\"w\"\n"), Some(Malformed::OpenQuote(Some(2))));
        let gbk = [b"a,b\n1,\xe5\xbc\xa0\n2,".as_slice(), b"\xd5\xc5\xce\xb0\n"].concat();
        assert_eq!(fault(&gbk), Some(Malformed::NotUtf8(Some(3))));
        assert_eq!(fault(b"a\n\xe5\xbc"), Some(Malformed::NotUtf8(Some(2))));
        let long = [b"a,b\n1,x\n2,\"".as_slice(), &vec![b'y'; LONGEST + 1]].concat();
        assert_eq!(Watched::new(long.as_slice()).fault().unwrap(), Some(Malformed::LongRow(Some(3))));
    }

    proptest! {
        #[test]
        fn both_readers_see_the_same_marks(text in proptest::collection::vec(proptest::sample::select(b"ab,,\"\"\n\n \xe5".to_vec()), 0..60)) {
            let whole = [b"rid,name\n".as_slice(), &text].concat();
            let (blocks, columns) = BlockReader::new(whole.as_slice()).unwrap();
            let mut block = Vec::new();
            let read = loop {
                match blocks.next_block(&mut block) {
                    Ok(true) => columns.each(&block, |_| {}),
                    Ok(false) => break columns.notes().torn == 0,
                    Err(_) => break false,
                }
            };
            prop_assert_eq!(Watched::new(whole.as_slice()).fault().unwrap().is_none(), read);
        }
    }
}
