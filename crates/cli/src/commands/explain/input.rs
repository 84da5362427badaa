//! What the words of the command line mean: a container, files or standard input; and their text.
//!
//! A file that exists wins over a container of the same name, a folder does not: it cannot be read,
//! and a project's folder often bears the name of its container.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, IsTerminal, Read};
use std::path::{Path, PathBuf};

use report::escape;
use rustix::fs::FileType;

use crate::failure::{Failure, NOTHING, USAGE};
use crate::flags::{self, ExplainArgs};
use crate::printer::Printer;

/// A larger text is refused: cut to the minutes around the death it is read in a second.
const LARGEST: u64 = 512 << 20;

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
    /// Nothing: the short help.
    Nothing,
    /// A container of the docker daemon.
    Container(String),
    /// Text.
    Texts(Vec<TextSource>),
}

/// What the words of the command line ask about.
pub(super) fn question(printer: &Printer, arguments: &ExplainArgs) -> anyhow::Result<Question> {
    match arguments.what.as_slice() {
        [] if standard_input_holds_text() => Ok(Question::Texts(vec![TextSource::StandardInput])),
        [] => Ok(Question::Nothing),
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
    let is_readable_kind = fs::metadata(path).is_ok_and(|status| !status.is_dir());
    if is_readable_kind && !shown.contains('/') && !quiet {
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
pub(super) fn read_all(
    printer: &Printer,
    sources: &[TextSource],
) -> anyhow::Result<Vec<(String, String)>> {
    let several = sources.len() > 1;
    let mut texts = Vec::with_capacity(sources.len());
    for source in sources {
        let (label, bytes) = match source {
            TextSource::StandardInput => {
                ("standard input".to_owned(), read_bytes(std::io::stdin(), "standard input")?)
            }
            TextSource::File(path) => (path.display().to_string(), read_file(path, several)?),
        };
        texts.push((label.clone(), decode(printer, &label, bytes)?));
    }
    Ok(texts)
}

fn read_file(path: &Path, several: bool) -> anyhow::Result<Vec<u8>> {
    let shown = path.display().to_string();
    let refuse = |error: std::io::Error| cannot_read(path, several, &error);
    let file = File::open(path).map_err(refuse)?;
    let status = file.metadata().map_err(refuse)?;
    if status.is_dir() {
        return Err(Failure::new(NOTHING, format!("`{shown}` is a folder, not a file"))
            .hint(format!("name its files: why137 explain {}/*", escape::shell_word(&shown)))
            .into());
    }
    if status.len() > LARGEST {
        return Err(too_large(&shown).into());
    }
    read_bytes(file, &shown)
}

fn cannot_read(path: &Path, several: bool, error: &std::io::Error) -> Failure {
    let shown = path.display().to_string();
    match error.kind() {
        ErrorKind::NotFound => {
            let failure = Failure::new(NOTHING, format!("there is no file `{shown}`"));
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
        _ => Failure::new(NOTHING, format!("could not read `{shown}`: {error}")),
    }
}

fn too_large(shown: &str) -> Failure {
    Failure::new(NOTHING, format!("`{shown}` is larger than 512 MiB")).hint(format!(
        "cut it to the minutes around the death, for example:\n\
         grep -aE 'oom|Killed process|Out of memory' -B40 -A10 {} | why137 explain -",
        escape::shell_word(shown)
    ))
}

fn read_bytes(from: impl Read, shown: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(NOTHING, format!("could not read `{shown}`: {error}")))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(too_large(shown).into());
    }
    Ok(bytes)
}

/// Bytes as text. Shells of Windows write UTF-16 with a mark; anything else that is not UTF-8 is
/// read with `�` in its place, because a log line is worth more than one broken character.
fn decode(printer: &Printer, label: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    if bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let tool = if bytes.starts_with(&[0x1f, 0x8b]) { "zcat" } else { "zstdcat" };
        return Err(Failure::new(NOTHING, format!("`{label}` is compressed"))
            .hint(format!("{tool} {} | why137 explain -", escape::shell_word(label)))
            .into());
    }
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
