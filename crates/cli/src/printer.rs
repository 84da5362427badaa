//! The only way out: answers to standard output, everything else to standard error.
//!
//! Colours are taken out by `anstream` where they are not wanted (`--color`, `NO_COLOR`, a pipe).
//! A reader that stops reading (`why137 … | head`) ends the program quietly: the answer's exit
//! code stays what it is.
//!
//! Leans on: no-color.org, bixense.com/clicolors, ioctl_tty(2) for the width.

use std::cell::Cell;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::BorrowedFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use report::escape;
use report::renderers::text::Page;

/// Before this time nobody wonders what takes so long.
const PATIENCE: Duration = Duration::from_millis(500);
/// Columns of a page that is not shown on a terminal: fits a mail and a ticket.
const PAGE: usize = 80;
/// Return to the first column and clear the line.
const CLEAR: &str = "\r\u{1b}[K";
/// Go to the top left and clear what is below.
const HOME: &str = "\u{1b}[H\u{1b}[J";

/// The way out.
pub(crate) struct Printer {
    color: ColorChoice,
    width: Option<usize>,
    started: Instant,
    progress_shown: Cell<bool>,
}

/// The longest word of a message that is shown whole: a path, a digest, an address fit.
const LONGEST_WORD: usize = 240;

impl Printer {
    /// A printer that writes colours as asked.
    pub(crate) fn new(color: ColorChoice, width: Option<usize>) -> Self {
        Self { color, width, started: Instant::now(), progress_shown: Cell::new(false) }
    }

    /// How a page of text is laid out here. Colours are always written and taken out on the way.
    pub(crate) fn page(&self, verbose: bool) -> Page {
        self.page_on(rustix::stdio::stdout(), verbose)
    }

    /// The same for a page on standard error.
    pub(crate) fn page_aside(&self, verbose: bool) -> Page {
        self.page_on(rustix::stdio::stderr(), verbose)
    }

    fn page_on(&self, stream: BorrowedFd<'_>, verbose: bool) -> Page {
        let terminal = || {
            let size = rustix::termios::tcgetwinsize(stream).ok()?;
            (size.ws_col > 0).then(|| usize::from(size.ws_col))
        };
        let width = self.width.or_else(terminal).unwrap_or(PAGE);
        Page { width, colour: true, verbose }
    }

    /// Writes an answer, as it is, to standard output.
    pub(crate) fn answer(&self, text: &str) -> anyhow::Result<()> {
        self.clear_progress();
        let mut out = AutoStream::new(io::stdout(), self.color);
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other.context("could not write to standard output"),
        }
    }

    /// Shows a page in the place of the one before; of a page that is too long the beginning.
    pub(crate) fn redraw(&self, text: &str) -> anyhow::Result<()> {
        self.clear_progress();
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok();
        let rows = size.map(|size| usize::from(size.ws_row)).filter(|rows| *rows > 1);
        let fits = rows.map_or(usize::MAX, |rows| rows - 1);
        let shown: String = text.split_inclusive('\n').take(fits).collect();
        let mut out = io::stdout();
        let written = out.write_all(HOME.as_bytes()).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(error).context("could not write to standard output"),
            Ok(()) => self.answer(&shown),
        }
    }

    /// A line that is no part of the answer, to standard error.
    pub(crate) fn note(&self, text: &str) {
        self.clear_progress();
        self.tell(&format!("note: {}\n", escape::terminal(text)));
    }

    /// An answer beside somebody else's output, to standard error. `colour` asks for colours where
    /// standard error is no terminal, yet a page shows them (GitLab's log).
    pub(crate) fn aside(&self, text: &str, colour: bool) {
        let asked = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let forced = colour && asked && self.color == ColorChoice::Auto;
        let choice = if forced { ColorChoice::Always } else { self.color };
        let mut out = AutoStream::new(io::stderr(), choice);
        // Nobody is left to be told when standard error is closed.
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).unwrap_or_default();
    }

    /// Bytes for a machine that reads standard error: a CI system's own marks.
    pub(crate) fn mark(&self, text: &str) {
        self.tell_raw(text);
    }

    /// An error, a blank line and a hint, to standard error.
    pub(crate) fn error(&self, message: &str, hint: Option<&str>) {
        self.clear_progress();
        let mut text = format!("error: {}\n", escape::terminal(&shortened(message)));
        if let Some(hint) = hint {
            let mut lead = "\nhint: ";
            for line in hint.lines() {
                text.push_str(&format!("{lead}{}\n", escape::terminal(&shortened(line))));
                lead = "      ";
            }
        }
        self.tell(&text);
    }

    /// What is being waited for: only for a person at a terminal, and only after a while.
    pub(crate) fn progress(&self, text: &str) {
        if self.started.elapsed() < PATIENCE || !io::stderr().is_terminal() {
            return;
        }
        self.progress_shown.set(true);
        self.tell_raw(&format!("{CLEAR}{}…", escape::terminal(text)));
    }

    fn clear_progress(&self) {
        if self.progress_shown.replace(false) {
            self.tell_raw(CLEAR);
        }
    }

    fn tell(&self, text: &str) {
        let mut out = AutoStream::new(io::stderr(), self.color);
        // Nobody is left to be told when standard error is closed.
        out.write_all(text.as_bytes()).unwrap_or_default();
    }

    /// Without `anstream`, which would take the movement of the cursor out.
    fn tell_raw(&self, text: &str) {
        let mut out = io::stderr();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).unwrap_or_default();
    }
}

/// A message whose words are not longer than a person reads: of a longer one, as a script may pass
/// by mistake, its beginning and its end.
pub(crate) fn shortened(message: &str) -> String {
    let short = |word: &str| -> String {
        let length = word.chars().count();
        if length <= LONGEST_WORD {
            return word.to_owned();
        }
        let head: String = word.chars().take(LONGEST_WORD / 2).collect();
        let tail: String = word.chars().skip(length - LONGEST_WORD / 4).collect();
        format!("{head}…{tail}")
    };
    message.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

/// Help and version go to standard output and end with 0, a refused command line to standard
/// error with the code given.
pub(crate) fn show_refusal(refusal: &clap::Error, refused: u8) -> ExitCode {
    let text = refusal.render().ansi().to_string();
    let is_refused = refusal.use_stderr();
    let written = if is_refused {
        AutoStream::new(io::stderr(), ColorChoice::Auto).write_all(text.as_bytes())
    } else {
        AutoStream::new(io::stdout(), ColorChoice::Auto).write_all(text.as_bytes())
    };
    // The only reader has gone.
    written.unwrap_or_default();
    if is_refused { ExitCode::from(refused) } else { ExitCode::SUCCESS }
}
