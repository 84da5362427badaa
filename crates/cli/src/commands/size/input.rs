//! A table as the command line names it: a file, standard input, a pipe. It is read more than once, so what can
//! be read only once is kept: in memory if it is small, else in a file without a name.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::rc::Rc;

use sizing::table::TableError;

use crate::failure::{Failure, NOTHING, USAGE};

/// So much of a pipe is kept in memory.
const IN_MEMORY: u64 = 32 << 20;

/// What can be opened again and again.
pub(in crate::commands) enum Input<'a> {
    /// A file with a place of its own.
    File(&'a Path),
    /// All of it.
    Kept(Rc<[u8]>),
    /// A file without a name.
    Spooled(RefCell<File>),
}

/// Refuses what is not there, before the work on what is.
pub(in crate::commands) fn is_there(path: &Path, command: &str) -> Result<(), Failure> {
    match fs::metadata(path) {
        _ if path == Path::new("-") => Ok(()),
        Ok(_) => Ok(()),
        Err(error) => Err(refused(path, command, &error.into())),
    }
}

impl<'a> Input<'a> {
    /// `-` is standard input.
    pub(in crate::commands) fn of(path: &'a Path) -> Result<Self, Failure> {
        let is_stdin = path == Path::new("-");
        let kept = if is_stdin {
            keep(&mut io::stdin().lock())
        } else {
            match fs::metadata(path) {
                Ok(about) if about.is_dir() => {
                    Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"))
                }
                Ok(about) if !about.is_file() => File::open(path).and_then(|mut it| keep(&mut it)),
                Ok(_) => return Ok(Self::File(path)),
                Err(error) => Err(error),
            }
        };
        kept.map_err(|error| refused(path, "size", &error.into()))
    }

    /// Opens it from its beginning.
    pub(in crate::commands) fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::File(path) => Box::new(File::open(path)?),
            Self::Kept(all) => Box::new(Cursor::new(Rc::clone(all))),
            Self::Spooled(file) => {
                // One reader at a time: a pass ends before the next begins.
                let mut file = file.borrow_mut().try_clone()?;
                file.rewind()?;
                Box::new(file)
            }
        })
    }
}

fn keep<'a>(input: &mut dyn Read) -> io::Result<Input<'a>> {
    let mut all = Vec::new();
    input.take(IN_MEMORY).read_to_end(&mut all)?;
    if (all.len() as u64) < IN_MEMORY {
        return Ok(Input::Kept(all.into()));
    }
    let path = std::env::temp_dir().join(format!("why137-samples-{}", std::process::id()));
    let mut file =
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    file.write_all(&all)?;
    io::copy(input, &mut file)?;
    Ok(Input::Spooled(RefCell::new(file)))
}

/// Why a table cannot be read, and what helps.
pub(in crate::commands) fn refused(path: &Path, command: &str, error: &TableError) -> Failure {
    let shown = match path.display().to_string() {
        name if name == "-" => "standard input".to_owned(),
        name => name,
    };
    let (code, hint) = match error {
        TableError::Column { what, .. } if what.contains("tells the time") => (
            USAGE,
            "a series needs a time for each sample: a column t_s (seconds) or timestamp".to_owned(),
        ),
        TableError::Column { what, .. } if what.starts_with("line 1") => {
            (USAGE, "a header row names the columns: series,t_s,mem_bytes".to_owned())
        }
        TableError::Column { .. } => {
            (USAGE, format!("why137 {command} FILE.csv --column NAME --unit mib"))
        }
        TableError::NoSeries { .. } => (USAGE, "without --series all of them are read".to_owned()),
        TableError::Io(error) => return unread(&shown, error),
        TableError::NoTable(_) | TableError::Fields { .. } => (
            NOTHING,
            "a table is CSV: a header row, series,t_s,mem_bytes, then a row per sample".to_owned(),
        ),
        TableError::Field { what, .. } if what.starts_with("a time") => {
            (NOTHING, "a time is seconds, or a date that begins with its year".to_owned())
        }
        TableError::Field { .. } => (
            NOTHING,
            "a field that is not known is left empty; `--column` chooses another".to_owned(),
        ),
        TableError::Empty(why) if why.contains("that time") => {
            (NOTHING, "without --as-of all of it is used".to_owned())
        }
        TableError::Empty(_) | TableError::Taker(_) => {
            (NOTHING, "samples of what runs now: why137 measure NAME --save FILE.csv".to_owned())
        }
    };
    Failure::new(code, format!("`{shown}`: {error}")).hint(hint)
}

fn unread(shown: &str, error: &io::Error) -> Failure {
    let (why, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such file".to_owned(),
            Some("samples of what runs now: why137 measure NAME --save FILE.csv"),
        ),
        io::ErrorKind::PermissionDenied => ("it may not be read by this user".to_owned(), None),
        io::ErrorKind::IsADirectory => ("it is a directory; a table is a file".to_owned(), None),
        _ => (error.to_string(), None),
    };
    Failure::new(NOTHING, format!("`{shown}`: {why}")).maybe_hint(hint.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_once_is_read_again_small_and_large() {
        for size in [5u64, IN_MEMORY + 7] {
            let kept = keep(&mut io::repeat(b'x').take(size)).unwrap();
            assert_eq!(matches!(kept, Input::Spooled(_)), size > IN_MEMORY);
            for _ in 0..2 {
                let length = io::copy(&mut kept.open().unwrap(), &mut io::sink()).unwrap();
                assert_eq!(length, size);
            }
        }
    }
}
