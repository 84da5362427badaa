//! `why137 generate DIR`: writes what the source tree keeps generated, so that a check can compare.
//!
//! Hidden: only the build of the project uses it. The same program writes the same bytes.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap_complete::Shell;
use settings::runtimes::Runtime;

use super::{completions, man};
use crate::flags;
use crate::printer::Printer;

const SHELLS: [(Shell, &str); 3] =
    [(Shell::Bash, "why137.bash"), (Shell::Zsh, "_why137"), (Shell::Fish, "why137.fish")];

/// Writes every generated file below a directory.
pub(super) fn run(printer: &Printer, directory: &Path) -> anyhow::Result<ExitCode> {
    let reference = directory.join("docs/reference");
    write(&reference.join("rules.md"), &rules())?;
    write(&reference.join("lint.md"), &rules_about_files())?;
    write(&reference.join("answer.schema.json"), &report::schema())?;
    write(&reference.join("runtimes.md"), &runtimes())?;
    write(&reference.join("cli.md"), &command_line())?;
    for (name, page) in man::pages()? {
        write(&directory.join("packaging/man").join(name), &page)?;
    }
    for (shell, name) in SHELLS {
        let script = completions::script(shell);
        write(&directory.join("packaging/completions").join(name), &script)?;
    }
    printer.note(&format!("the generated files below `{}` are up to date", directory.display()));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("could not create `{}`", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("could not write `{}`", path.display()))
}

/// Every rule's manual on one page, in the order the rules are tried.
fn rules() -> String {
    let mut page = String::from(
        "# The rules\n\nBy these rules a killer is found, tried in this order. `why137 rules` lists \
         them, `why137 rule ID`\nshows one. This page is generated from their source.\n",
    );
    for manual in judge::manuals() {
        push_manual(&mut page, manual.id, manual.title, &manual.text);
    }
    page
}

/// The same of the rules about files.
fn rules_about_files() -> String {
    let mut page = String::from(
        "# The rules about files\n\nWhat `why137 lint` looks for in Compose files, Dockerfiles, Kubernetes \
         manifests and ECS task\ndefinitions. This page is generated from their source.\n",
    );
    for manual in lint::manuals() {
        push_manual(&mut page, manual.id, manual.title, &manual.text);
    }
    page
}

/// The manual has a title of its own, which stands above; its sections go one level down.
fn push_manual(page: &mut String, id: &str, title: &str, text: &str) {
    page.push_str(&format!("\n## `{id}`: {title}\n"));
    for line in text.trim().lines().skip(1) {
        let deeper = if line.starts_with("## ") { "#" } else { "" };
        page.push_str(&format!("{deeper}{line}\n"));
    }
}

/// What is known of every runtime on one page.
fn runtimes() -> String {
    let mut page = String::from(
        "# The runtimes\n\nWhat each makes of its memory, per version; `why137 audit --predict WORD@VERSION` asks \
         it of one. This page is\ngenerated from the source that answers.\n",
    );
    let pages = Runtime::ALL.map(|runtime| (format!("`{}`", runtime.word()), runtime.manual()));
    let malloc = ("malloc".to_owned(), settings::runtimes::malloc::manual());
    for (word, manual) in pages.into_iter().chain([malloc]) {
        page.push_str(&format!("\n## {word}: {}\n\n", manual.title));
        for line in manual.text.lines() {
            let deeper = if line.starts_with("# ") { "##" } else { "" };
            page.push_str(&format!("{deeper}{line}\n"));
        }
    }
    page
}

/// The help of every command on one page.
fn command_line() -> String {
    let mut page =
        String::from("# The command line\n\nThis page is generated from the program's own help.\n");
    let mut root = flags::documented().term_width(100);
    root.build();
    page.push_str(&help(&mut root));
    for command in root.get_subcommands_mut().filter(|command| !command.is_hide_set()) {
        page.push_str(&help(command));
    }
    page
}

fn help(command: &mut clap::Command) -> String {
    let name = command.get_bin_name().unwrap_or("why137").to_owned();
    let text = command.render_long_help().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end())
}
