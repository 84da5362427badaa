//! `why137 man`: the manual page, and those of the subcommands for packages.

use std::process::ExitCode;

use anyhow::Context;
use clap_mangen::Man;

use crate::flags;
use crate::printer::Printer;

/// Writes the program's own page.
pub(super) fn run(printer: &Printer) -> anyhow::Result<ExitCode> {
    printer.answer(&page(flags::documented())?)?;
    Ok(ExitCode::SUCCESS)
}

/// Every page with its file name: `why137.1`, `why137-explain.1`, …
pub(super) fn pages() -> anyhow::Result<Vec<(String, String)>> {
    let mut root = flags::documented();
    // Gives every subcommand its full name and the options that are global.
    root.build();
    let mut pages = Vec::new();
    for command in root.get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        pages.push((format!("{name}.1"), page(command.clone())?));
    }
    pages.insert(0, ("why137.1".to_owned(), page(root)?));
    Ok(pages)
}

fn page(command: clap::Command) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    Man::new(command).render(&mut bytes).context("could not write the manual page")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
