//! What the words of the command line mean: a container, files or standard input; and their text.
//!
//! A file that exists wins over a container of the same name, a folder does not: it cannot be read,
//! and a project's folder often bears the name of its container.

mod binary;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use casefile::Bytes;
use evidence::{Pasted, Reading, ScanError, Scanned};
use report::escape;
use rustix::fs::FileType;

use crate::failure::{Failure, NOTHING, USAGE};
use crate::flags::{self, ExplainArgs};
use crate::printer::Printer;

/// Nobody wonders earlier what a large text takes so long for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TextSource {
    /// A file.
    File(PathBuf),
    /// Standard input.
    StandardInput,
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// Nothing by name: everything that died on this machine.
    WholeHost,
    /// A systemd unit.
    Unit(String),
    /// A process.
    Process(u32),
    /// A container of the docker daemon.
    Container(String),
    /// Text.
    Texts(Vec<TextSource>),
}

/// What the words of the command line ask about.
pub(super) fn question(printer: &Printer, arguments: &ExplainArgs) -> anyhow::Result<Question> {
    if let Some(unit) = &arguments.unit {
        return match unit.trim() {
            "" => Err(Failure::new(USAGE, "the unit's name is empty")
                .hint("systemctl list-units --all --state=failed")
                .into()),
            unit => Ok(Question::Unit(unit.to_owned())),
        };
    }
    if let Some(pid) = arguments.pid {
        return Ok(Question::Process(pid));
    }
    match arguments.what.as_slice() {
        [] if standard_input_holds_text() => Ok(Question::Texts(vec![TextSource::StandardInput])),
        [] => Ok(Question::WholeHost),
        [one] if flags::is_standard_input(one) => {
            if std::io::stdin().is_terminal() {
                printer.note("reading standard input: paste, then press Ctrl-D on an empty line");
            }
            Ok(Question::Texts(vec![TextSource::StandardInput]))
        }
        [one] => one_word(printer, one, arguments.quiet),
        several => Ok(Question::Texts(several.iter().map(text_source).collect())),
    }
}

/// What one word of another command's line means: where its text is, or else a container's name.
pub(super) fn of_word(
    printer: &Printer,
    word: &OsString,
) -> anyhow::Result<Result<TextSource, String>> {
    if flags::is_standard_input(word) {
        return Ok(Ok(TextSource::StandardInput));
    }
    match one_word(printer, word, false)? {
        Question::Texts(sources) => {
            Ok(Ok(sources.into_iter().next().unwrap_or(TextSource::StandardInput)))
        }
        Question::Container(name) | Question::Unit(name) => Ok(Err(name)),
        Question::WholeHost | Question::Process(_) => Ok(Err(word.to_string_lossy().into_owned())),
    }
}

/// A pipe, a socket or a file; not a terminal, and not the `/dev/null` of a service or a cron job.
fn standard_input_holds_text() -> bool {
    rustix::fs::fstat(rustix::stdio::stdin()).is_ok_and(|status| {
        matches!(
            FileType::from_raw_mode(status.st_mode),
            FileType::Fifo | FileType::Socket | FileType::RegularFile
        )
    })
}

fn text_source(word: &OsString) -> TextSource {
    if flags::is_standard_input(word) {
        TextSource::StandardInput
    } else {
        TextSource::File(PathBuf::from(word))
    }
}

fn one_word(printer: &Printer, word: &OsString, quiet: bool) -> anyhow::Result<Question> {
    let path = Path::new(word);
    let shown = path.to_string_lossy();
    let is_spelled_as_path = ["/", "./", "../"].iter().any(|start| shown.starts_with(start));
    let is_link = fs::symlink_metadata(path).is_ok_and(|status| status.is_symlink());
    // A link that leads nowhere is told as such, not looked for among the containers.
    let is_readable_kind = fs::metadata(path).map_or(is_link, |status| !status.is_dir());
    if path.exists() && is_readable_kind && !shown.contains('/') && !quiet {
        printer.note(&format!(
            "reading the file `{shown}`; a container of this name is reached by its id"
        ));
    }
    if is_readable_kind || is_spelled_as_path {
        return Ok(Question::Texts(vec![TextSource::File(path.to_owned())]));
    }
    match word.to_str() {
        Some(name) if !name.trim().is_empty() => Ok(Question::Container(name.to_owned())),
        Some(_) => Err(Failure::new(USAGE, "the name is empty")
            .hint("docker ps -a --format '{{.Names}}'")
            .into()),
        None => Err(Failure::new(NOTHING, format!("there is no file `{shown}`")).into()),
    }
}

/// Reads every text, each with the label by which the page names it.
pub(super) fn read_all(printer: &Printer, sources: &[TextSource]) -> anyhow::Result<Vec<Pasted>> {
    let several = sources.len() > 1;
    let mut texts = Vec::with_capacity(sources.len());
    for source in sources {
        texts.push(match source {
            TextSource::StandardInput => {
                // 64 KiB is what a pipe holds; with 1 MiB, which every user may ask for
                // (F_SETPIPE_SZ, Linux 2.6.35), the two programs wait less for each other. A file
                // has none, and a kernel that refuses costs time only.
                let _size = rustix::pipe::fcntl_setpipe_size(rustix::stdio::stdin(), 1 << 20);
                read_text(printer, std::io::stdin().lock(), "standard input".to_owned())?
            }
            TextSource::File(path) => {
                read_text(printer, open(path, several)?, path.display().to_string())?
            }
        });
    }
    Ok(texts)
}

fn open(path: &Path, several: bool) -> anyhow::Result<File> {
    let shown = path.display().to_string();
    let refuse = |error: std::io::Error| cannot_read(path, several, &error);
    let file = File::open(path).map_err(refuse)?;
    if file.metadata().map_err(refuse)?.is_dir() {
        return Err(Failure::new(NOTHING, format!("`{shown}` is a folder, not a file"))
            .hint(format!("name its files: why137 explain {}/*", escape::shell_word(&shown)))
            .into());
    }
    Ok(file)
}

/// Reads a text of any size: a small one whole, of a large log what tells of a death.
fn read_text(printer: &Printer, from: impl Read, label: String) -> anyhow::Result<Pasted> {
    let begun = Instant::now();
    let mut told = |bytes: u64| {
        if begun.elapsed() > PATIENCE {
            printer.progress(&format!("reading `{label}`: {}", Bytes(bytes)));
        }
    };
    let unread = |error| match error {
        ScanError::Read(error) => {
            Failure::new(NOTHING, format!("could not read `{label}`: {}", plain(&error)))
        }
        ScanError::Document => Failure::new(NOTHING, format!("`{label}`: {error}")).hint(
            "a document is read whole; take the part about the container:\n\
             docker inspect NAME | why137 explain -",
        ),
    };
    let reading = Reading::begin(from).map_err(|error| unread(ScanError::Read(error)))?;
    if let Some(refusal) = binary::refusal(&label, reading.head()) {
        return Err(refusal.into());
    }
    let scanned = reading.finish(&mut told).map_err(unread)?;
    match scanned {
        Scanned::Whole(bytes) => {
            let text = decode(printer, &label, bytes)?;
            Ok((label, text).into())
        }
        Scanned::Cut(cut) => {
            if cut.telling == 0 {
                let nothing = format!("no line in `{label}` tells of a death");
                if cut.text.trim().is_empty() {
                    return Err(Failure::new(NOTHING, nothing)
                        .hint("journalctl -k --since '-1 hour' | why137 explain -")
                        .into());
                }
                printer.note(&nothing);
            }
            Ok((label, cut).into())
        }
    }
}

fn cannot_read(path: &Path, several: bool, error: &std::io::Error) -> Failure {
    let shown = path.display().to_string();
    match error.kind() {
        ErrorKind::NotFound => {
            let link = fs::read_link(path).ok();
            let failure = Failure::new(
                NOTHING,
                link.map_or_else(
                    || format!("there is no file `{shown}`"),
                    |to| format!("`{shown}` is a link to `{}`, which is not there", to.display()),
                ),
            );
            if several {
                failure.hint(format!(
                    "several words must all be files; ask about one container at a time:\n\
                     why137 explain {}",
                    escape::shell_word(&shown)
                ))
            } else {
                failure
            }
        }
        ErrorKind::PermissionDenied => {
            Failure::new(NOTHING, format!("no permission to read `{shown}`"))
                .hint(format!("sudo cat {} | why137 explain -", escape::shell_word(&shown)))
        }
        _ => Failure::new(NOTHING, format!("could not read `{shown}`: {}", plain(error))),
    }
}

/// What the system said, without its number.
fn plain(error: &std::io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or(&words).to_lowercase()
}

/// Bytes as text. Shells of Windows write UTF-16 with a mark; anything else that is not UTF-8 is
/// read with `�` in its place, because a log line is worth more than one broken character.
fn decode(printer: &Printer, label: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8(bytes).unwrap_or_else(|error| {
            printer.note(&format!("`{label}` is not all UTF-8; broken characters are shown as �"));
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }),
    };
    if text.trim().is_empty() {
        return Err(Failure::new(NOTHING, format!("`{label}` is empty"))
            .hint("journalctl -k --since '-1 hour' | why137 explain -")
            .into());
    }
    Ok(text)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> =
        bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok().map(unit)).collect();
    String::from_utf16_lossy(&units)
}
