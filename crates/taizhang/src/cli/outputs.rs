//! Files that a command writes: never one that it reads, never half written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::link::{LinkTrouble, writing};

/// A file under the option that names it.
pub(super) type Named<'p> = (&'static str, &'p Path);

/// A file that an option may name.
pub(super) fn named<'p>(option: &'static str, path: &'p Option<PathBuf>) -> Option<Named<'p>> {
    path.as_deref().map(|path| (option, path))
}

/// Which file a path leads to, whether it exists or not.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    path: PathBuf,
    /// Device and number, so that a second name of the same file is seen.
    number: Option<(u64, u64)>,
}

impl Identity {
    /// None for a device or a pipe, which holds nothing that could be lost.
    fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok();
        if meta.as_ref().is_some_and(|meta| !meta.is_file() && !meta.is_dir()) {
            return None;
        }
        #[cfg(unix)]
        let number = meta.map(|meta| {
            use std::os::unix::fs::MetadataExt;
            (meta.dev(), meta.ino())
        });
        #[cfg(not(unix))]
        let number = None;
        Some(Self { path: target(path), number })
    }

    fn is(&self, other: &Self) -> bool {
        self.path == other.path || self.number.is_some() && self.number == other.number
    }
}

/// The path without links, as far as it exists.
fn target(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// Whether no output is an input or another output.
///
/// # Errors
/// [`LinkTrouble::Same`] with the two options.
pub(super) fn distinct(inputs: &[Named<'_>], outputs: &[Named<'_>]) -> Result<(), LinkTrouble> {
    let known = |named: &Named<'_>| Identity::of(named.1).map(|identity| (named.0, identity));
    let mut taken: Vec<(&'static str, Identity)> = inputs.iter().filter_map(known).collect();
    for output in outputs {
        let Some((option, own)) = known(output) else {
            continue;
        };
        if let Some((other, _)) = taken.iter().find(|(_, identity)| identity.is(&own)) {
            let path = output.1.display().to_string();
            return Err(LinkTrouble::Same { path, option, other });
        }
        taken.push((option, own));
    }
    Ok(())
}

#[derive(Debug)]
struct Output {
    /// As it was named.
    path: PathBuf,
    /// Where it goes in the end.
    target: PathBuf,
    /// Where it is written; none for a device, which is written at once.
    part: Option<PathBuf>,
    written: bool,
}

/// The files that a command writes. Each is written beside its place and moved there when all of them are whole; until
/// then, and whatever happens, an old file of that name stays.
#[derive(Debug)]
pub(super) struct Outputs(Vec<Output>);

impl Outputs {
    /// Before anything is read: whether the files are others than the inputs, and can be written.
    ///
    /// # Errors
    /// [`LinkTrouble::Same`], or [`LinkTrouble::Write`] for the first that cannot.
    pub(super) fn plan(inputs: &[Named<'_>], outputs: &[Named<'_>]) -> Result<Self, LinkTrouble> {
        distinct(inputs, outputs)?;
        let mut all = Vec::new();
        for (_, path) in outputs {
            let target = target(path);
            let part = match fs::metadata(path) {
                Ok(meta) if meta.is_dir() => return Err(writing(path)(io::ErrorKind::IsADirectory.into())),
                Ok(meta) if !meta.is_file() => None,
                there => {
                    if there.is_ok() {
                        OpenOptions::new().write(true).open(&target).map_err(writing(path))?;
                    }
                    Some(probe(&target).map_err(writing(path))?)
                }
            };
            all.push(Output { path: (*path).to_owned(), target, part, written: false });
        }
        Ok(Self(all))
    }

    /// Writes one of them beside its place.
    ///
    /// # Errors
    /// [`LinkTrouble::Write`] where it cannot be written whole.
    pub(super) fn write(
        &mut self,
        path: &Path,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), LinkTrouble> {
        let Some(output) = self.0.iter_mut().find(|output| output.path == path) else {
            return Err(writing(path)(io::ErrorKind::NotFound.into()));
        };
        output.write(write).map_err(writing(path))
    }

    /// Moves all of them to their places.
    ///
    /// # Errors
    /// [`LinkTrouble::Write`] for the first that cannot be moved.
    pub(super) fn commit(mut self) -> Result<(), LinkTrouble> {
        for output in self.0.iter_mut().filter(|output| output.written) {
            if let Some(part) = &output.part {
                fs::rename(part, &output.target).map_err(writing(&output.path))?;
                output.written = false;
            }
        }
        Ok(())
    }
}

impl Output {
    fn write(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
        let place = self.part.as_ref().unwrap_or(&self.target);
        let file = File::create(place)?;
        self.written = true;
        if let (Some(part), Ok(old)) = (&self.part, fs::metadata(&self.target)) {
            fs::set_permissions(part, old.permissions())?;
        }
        let mut out = BufWriter::with_capacity(1 << 18, file);
        write(&mut out)?;
        out.flush()?;
        // What the system has not written down yet may still not fit.
        if self.part.is_some() { out.get_ref().sync_data() } else { Ok(()) }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        for part in self.0.iter().filter(|output| output.written).filter_map(|output| output.part.as_ref()) {
            // What is left behind is a hidden file that nobody opens.
            let _ = fs::remove_file(part);
        }
    }
}

/// The file beside `target` that is written first, if it can be.
pub(super) fn probe(target: &Path) -> io::Result<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(format!(".{}.part", std::process::id()));
    let part = target.with_file_name(name);
    File::create(&part)?;
    fs::remove_file(&part)?;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_file_stays_until_all_new_ones_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (a, b) = (path("a.csv"), path("b.csv"));
        fs::write(&a, "old").unwrap();
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let plan = || Outputs::plan(&[], &[("--out", &a), ("--clusters", &b)]).unwrap();
        let mut outputs = plan();
        outputs.write(&a, |out| out.write_all(b"new")).unwrap();
        let failed = outputs.write(&b, |out| out.write_all(b"half").and(Err(full()))).unwrap_err();
        assert!(matches!(failed, LinkTrouble::Write { .. }));
        drop(outputs);
        assert_eq!(fs::read_to_string(&a).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        let mut outputs = plan();
        outputs.write(&a, |out| out.write_all(b"new")).unwrap();
        outputs.write(&b, |out| out.write_all(b"too")).unwrap();
        outputs.commit().unwrap();
        assert_eq!((fs::read_to_string(&a).unwrap(), fs::read_to_string(&b).unwrap()), ("new".into(), "too".into()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_is_known_under_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.csv"), "").unwrap();
        let (a, around) = (path("a.csv"), folder.path().join(".").join("a.csv"));
        let same = |x: &Path, y: &Path| distinct(&[("--left", x)], &[("--out", y)]).is_err();
        assert!(same(&a, &a) && same(&a, &around) && !same(&a, &path("b.csv")));
        assert!(distinct(&[], &[("--out", &path("c.csv")), ("--clusters", &around.with_file_name("c.csv"))]).is_err());
        #[cfg(unix)]
        {
            fs::hard_link(&a, path("hard.csv")).unwrap();
            std::os::unix::fs::symlink(&a, path("soft.csv")).unwrap();
            assert!(same(&a, &path("hard.csv")) && same(&a, &path("soft.csv")));
            let null = Path::new("/dev/null");
            assert!(distinct(&[("--left", null)], &[("--out", null)]).is_ok());
            let mut outputs = Outputs::plan(&[], &[("--out", &path("soft.csv"))]).unwrap();
            outputs.write(&path("soft.csv"), |out| out.write_all(b"x")).unwrap();
            outputs.commit().unwrap();
            assert_eq!(fs::read_to_string(&a).unwrap(), "x", "a link stays a link");
        }
        assert!(Outputs::plan(&[], &[("--out", &path("none").join("a.csv"))]).is_err());
        assert!(Outputs::plan(&[], &[("--out", folder.path())]).is_err());
    }
}
