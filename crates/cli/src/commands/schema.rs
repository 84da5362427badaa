//! `why137 schema`: the JSON schema of the answer, for programs that read it.

use std::process::ExitCode;

use crate::printer::Printer;

/// Writes the schema.
pub(super) fn run(printer: &Printer) -> anyhow::Result<ExitCode> {
    printer.answer(&report::schema())?;
    Ok(ExitCode::SUCCESS)
}
