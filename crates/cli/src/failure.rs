//! What went wrong, in the words of the house: lowercase, names in backticks, then a hint.
//!
//! A [`Failure`] carries its exit code and its hint; any other error is shown with its causes and
//! ends with 1.

use std::fmt;
use std::process::ExitCode;

use crate::printer::Printer;

/// Nothing could be gathered, read or written.
pub(crate) const NOTHING: u8 = 1;
/// The command line cannot be followed.
pub(crate) const USAGE: u8 = 2;
/// `why137 run` itself failed, its command line too: below are the command's own codes.
pub(crate) const RUN: u8 = 125;

/// An error whose message is complete.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// An error that ends with this code.
    pub(crate) fn new(exit: u8, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// What the reader can do, with a command that can be pasted.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same where there may be nothing to do.
    #[must_use]
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Shows an error on standard error and gives its exit code.
pub(crate) fn show(printer: &Printer, error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<Failure>() {
        Some(failure) => {
            printer.error(&failure.message, failure.hint.as_deref());
            ExitCode::from(failure.exit)
        }
        None => {
            printer.error(&format!("{error:#}"), None);
            ExitCode::from(NOTHING)
        }
    }
}
