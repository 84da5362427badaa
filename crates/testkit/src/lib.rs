//! Dossiers: one Markdown file that is a test and a page of the manual at once.
//!
//! ```text
//! # Title
//! provenance: recorded …            (or `documented`: then no more than `likely` is expected)
//! for: own-limit                    (the rule that must speak)
//! against: host-memory, …           (rules that must not)
//!
//! prose
//!
//! ~~~~exhibit {"id":"kmsg","source":"kernel-log","label":"/dev/kmsg"}
//! verbatim text
//! ~~~~
//!
//! ~~~~verdict
//! {"killer":"container-memory-limit", …}      compared key by key; what is not named is not compared
//! ~~~~
//! ```
//!
//! Tests only; nothing of the product depends on it.

use std::path::{Path, PathBuf};

use casefile::{Asked, Body, CaseFile, Exhibit, Moment};
use serde_json::{Value, json};

/// One dossier.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// Path below `cases/`, without the extension.
    pub name: String,
    /// First heading.
    pub title: String,
    /// `recorded …` or `documented …`.
    pub provenance: String,
    /// The rule that must speak.
    pub speaks_for: String,
    /// Rules that must not.
    pub speaks_against: Vec<String>,
    /// The case.
    pub case: CaseFile,
    /// Expected parts of the verdict.
    pub verdict: Value,
}

/// Why a dossier could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DossierError {
    /// The file could not be read.
    #[error("could not read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A part is missing or is not of its shape.
    #[error("dossier `{name}`: {what}")]
    Shape {
        /// The dossier.
        name: String,
        /// What is wrong.
        what: String,
    },
}

/// Every dossier below a folder, sorted by name.
pub fn read_dossiers(folder: &Path) -> Result<Vec<Dossier>, DossierError> {
    let mut found = Vec::new();
    for path in markdown_files(folder)? {
        let text = std::fs::read_to_string(&path)
            .map_err(|source| DossierError::Read { path: path.clone(), source })?;
        let name = path.strip_prefix(folder).unwrap_or(&path).with_extension("");
        found.push(parse_dossier(&name.display().to_string(), &text)?);
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>, DossierError> {
    let read = |source| DossierError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.is_dir() {
            files.extend(markdown_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Reads one dossier.
pub fn parse_dossier(name: &str, text: &str) -> Result<Dossier, DossierError> {
    let shape = |what: &str| DossierError::Shape { name: name.to_owned(), what: what.to_owned() };
    let field = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key).map(|rest| rest.trim().to_owned()))
    };
    let title = field("# ").ok_or_else(|| shape("no title"))?;
    let against = field("against:").unwrap_or_default();
    let mut case = CaseFile::new(Asked::default(), fixed_now());
    let mut verdict = Value::Null;
    for (head, body) in blocks(text) {
        if let Some(meta) = head.strip_prefix("exhibit ") {
            let mut meta: Value =
                serde_json::from_str(meta).map_err(|error| shape(&format!("exhibit: {error}")))?;
            if let Some(meta) = meta.as_object_mut() {
                meta.insert("body".to_owned(), json!({ "text": body }));
            }
            let exhibit: Exhibit = serde_json::from_value(meta)
                .map_err(|error| shape(&format!("exhibit: {error}")))?;
            case.exhibits.push(exhibit);
        } else if head == "asked" {
            case.asked = serde_json::from_str(&body).map_err(|e| shape(&format!("asked: {e}")))?;
        } else if head == "verdict" {
            verdict = serde_json::from_str(&body).map_err(|e| shape(&format!("verdict: {e}")))?;
        }
    }
    if case.exhibits.is_empty() || verdict.is_null() {
        return Err(shape("needs at least one exhibit and a verdict"));
    }
    Ok(Dossier {
        name: name.to_owned(),
        title,
        provenance: field("provenance:").ok_or_else(|| shape("no provenance"))?,
        speaks_for: field("for:").ok_or_else(|| shape("no `for:`"))?,
        speaks_against: against
            .split(',')
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
            .collect(),
        case,
        verdict,
    })
}

/// The time at which every dossier is read.
pub fn fixed_now() -> Moment {
    Moment::parse("2026-11-22T12:00:00Z").unwrap_or(Moment(Default::default()))
}

/// Fenced blocks (`~~~~head` … `~~~~`) with their heads.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(head) = line.strip_prefix("~~~~") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "~~~~").collect();
        found.push((head.trim().to_owned(), body.join("\n") + "\n"));
    }
    found
}

/// Writes a case as a dossier; the reader gives the same case back.
pub fn write_dossier(dossier: &Dossier) -> String {
    let mut out = format!(
        "# {}\nprovenance: {}\nfor: {}\nagainst: {}\n",
        dossier.title,
        dossier.provenance,
        dossier.speaks_for,
        dossier.speaks_against.join(", ")
    );
    let asked = serde_json::to_string(&dossier.case.asked).unwrap_or_default();
    out.push_str(&format!("\n~~~~asked\n{asked}\n~~~~\n"));
    for exhibit in &dossier.case.exhibits {
        let text = match &exhibit.body {
            Body::Text(text) => text.trim_end_matches('\n'),
        };
        let mut meta = serde_json::to_value(exhibit).unwrap_or_default();
        if let Some(meta) = meta.as_object_mut() {
            meta.remove("body");
        }
        out.push_str(&format!("\n~~~~exhibit {meta}\n{text}\n~~~~\n"));
    }
    let verdict = serde_json::to_string_pretty(&dossier.verdict).unwrap_or_default();
    out.push_str(&format!("\n~~~~verdict\n{verdict}\n~~~~\n"));
    out
}
