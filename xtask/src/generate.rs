//! Files that are written from the program itself: the reference of rules, the JSON schema, man
//! pages and shell completions. They are committed, so that they can be read without building;
//! the check fails when they are no longer what the program writes.
//!
//! `why137 generate DIR` writes them all, with paths as in this repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::deaths_page;
use crate::repository::Repository;
use crate::summary::Summary;
use crate::truth_page;

/// What the program writes; nothing else of the repository is touched. `docs/reference` may hold
/// pages written by hand beside them.
const WRITTEN: [&str; 3] = ["docs/reference", "packaging/completions", "packaging/man"];

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Writes the files into the repository.
pub(crate) fn write(repository: &Repository, summary: &mut Summary) -> Result<()> {
    for (path, bytes) in fresh(repository)? {
        let to = repository.root.join(&path);
        if std::fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&to, bytes)
            .with_context(|| format!("could not write `{}`", to.display()))?;
        crate::say(&format!("wrote {}", path.display()));
    }
    summary.passed("generated files written");
    Ok(())
}

/// Compares the files in the repository with what the program writes now.
pub(crate) fn check(repository: &Repository, summary: &mut Summary) {
    summary.step("generated files", compare(repository));
}

fn compare(repository: &Repository) -> Result<()> {
    let stale: Vec<String> = fresh(repository)?
        .into_iter()
        .filter(|(path, bytes)| {
            std::fs::read(repository.root.join(path)).map_or(true, |there| &there != bytes)
        })
        .map(|(path, _)| path.display().to_string())
        .collect();
    if !stale.is_empty() {
        bail!("not up to date: {}\nhint: cargo xtask gen", stale.join(", "));
    }
    Ok(())
}

/// What the program writes, by path in the repository.
fn fresh(repository: &Repository) -> Result<Files> {
    let program = repository.why137()?;
    let folder = repository.target.join("generated");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let done = Command::new(&program)
        .arg("generate")
        .arg(&folder)
        .env_clear()
        .output()
        .with_context(|| format!("could not run `{}`", program.display()))?;
    if !done.status.success() {
        let complaint = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        bail!("`why137 generate DIR` ended with {}: {complaint}", done.status);
    }
    let mut files = Files::new();
    for part in WRITTEN {
        read_below(&folder, Path::new(part), &mut files)?;
    }
    files.insert(PathBuf::from("docs/reference/dossiers.md"), dossiers(repository)?.into_bytes());
    if let Some(page) = deaths_page::page(repository)? {
        files.insert(PathBuf::from("docs/reference/deaths.md"), page.into_bytes());
    }
    if let Some(page) = truth_page::page(repository)? {
        files.insert(PathBuf::from("docs/reference/truth.md"), page.into_bytes());
    }
    if let Some(page) = crate::rescue::page(repository)? {
        files.insert(PathBuf::from("docs/reference/rescue.md"), page.into_bytes());
    }
    if files.is_empty() {
        bail!("`why137 generate DIR` wrote nothing below {}", WRITTEN.join(" or "));
    }
    Ok(files)
}

/// The table of dossiers: the manual's examples, each a test.
fn dossiers(repository: &Repository) -> Result<String> {
    let mut page = String::from(
        "# The dossiers\n\nEach is a case with its exhibits and the verdict that it must get; \
         `cargo test -p judge` holds them\nagainst the program. Written from `cases/`.\n\n\
         | case | what happened | rule | must not speak | provenance |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for dossier in testkit::read_dossiers(&repository.root.join("cases"))? {
        let line = format!(
            "| [{name}](../../cases/{name}.md) | {} | {} | {} | {} |\n",
            dossier.title,
            dossier.speaks_for,
            dossier.speaks_against.join(", "),
            dossier.provenance,
            name = dossier.name,
        );
        page.push_str(&line);
    }
    Ok(page)
}

fn read_below(top: &Path, part: &Path, files: &mut Files) -> Result<()> {
    let folder = top.join(part);
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(&folder)? {
        let entry = entry?;
        let inside = part.join(entry.file_name());
        if entry.path().is_dir() {
            read_below(top, &inside, files)?;
        } else {
            files.insert(inside, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}
