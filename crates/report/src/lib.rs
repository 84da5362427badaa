//! One report from one verdict, rendered as text, JSON, Markdown or a single line.
//!
//! [`compose`] resolves every citation to its bytes and numbers the evidence; the renderers lay it
//! out; every sentence about killers and levels is in `words`; every stranger's character passes
//! `escape`. This room decides nothing, reads nothing and changes nothing: what is not in the
//! verdict is not said.

mod answer;
pub mod escape;
pub mod layout;
pub mod renderers;
#[cfg(test)]
mod tests;
mod words;

pub use answer::schema;
use casefile::{CaseFile, Citation, Moment, Source};
use judge::Verdict;
pub use words::readable;

/// One numbered line of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its number on the page, from 1.
    pub number: usize,
    /// The exhibit's id in the case.
    pub exhibit: String,
    /// Where the exhibit came from; `None` when the case does not hold it.
    pub source: Option<Source>,
    /// What was read, as a person would name it.
    pub label: Option<String>,
    /// The command by which a person can check it.
    pub check: Option<String>,
    /// When, where the exhibit tells.
    pub at: Option<Moment>,
    /// The bytes, where the citation resolves.
    pub quote: Option<String>,
    /// What it says.
    pub says: String,
    /// The decisive words in the quote.
    pub decisive: Option<String>,
}

/// A verdict with its evidence at hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The verdict; its findings have moved to `findings`.
    pub verdict: Verdict,
    /// The name that was asked for, where the verdict carries none.
    pub asked: Option<String>,
    /// The proof, numbered.
    pub evidence: Vec<Evidence>,
    /// Every other death or life, oldest first.
    pub findings: Vec<Report>,
}

/// The report on a verdict. Every `because` is resolved against the case it was drawn from.
pub fn compose(verdict: &Verdict, case: &CaseFile) -> Report {
    let mut report = resolve(verdict, case);
    report.asked = case.asked.name.clone();
    report
}

fn resolve(verdict: &Verdict, case: &CaseFile) -> Report {
    let mut verdict = verdict.clone();
    let findings = std::mem::take(&mut verdict.findings);
    let evidence = verdict
        .because
        .iter()
        .enumerate()
        .map(|(position, because)| {
            let Citation { exhibit: id, .. } = &because.cite;
            let exhibit = case.exhibit(id);
            Evidence {
                number: position + 1,
                exhibit: id.clone(),
                source: exhibit.map(|exhibit| exhibit.source),
                label: exhibit.map(|exhibit| exhibit.label.clone()),
                check: exhibit.and_then(|exhibit| exhibit.check.clone()),
                at: because.at,
                quote: case.quote(&because.cite).map(str::to_owned),
                says: because.says.clone(),
                decisive: because.decisive.clone(),
            }
        })
        .collect();
    Report {
        verdict,
        asked: None,
        evidence,
        findings: findings.iter().map(|finding| resolve(finding, case)).collect(),
    }
}

impl Evidence {
    /// The source as the page names it: of pasted text the file's own name tells more than its
    /// kind; the whole path is on the verbose page.
    fn title(&self) -> String {
        match (self.source, &self.label) {
            (Some(Source::Pasted) | None, Some(label)) => {
                let name = label.rsplit('/').find(|part| !part.trim().is_empty());
                name.unwrap_or(label).to_owned()
            }
            (Some(Source::Pasted) | None, None) => self.exhibit.clone(),
            (Some(source), _) => source.title().to_owned(),
        }
    }
}
