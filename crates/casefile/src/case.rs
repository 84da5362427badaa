//! The case: one question, its exhibits and its gaps; written and read as one JSON file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{CgroupPath, Citation, ContainerId, Exhibit, Moment, Source};

/// What the question is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// The name or id prefix that was asked for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The container it resolved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_id: Option<ContainerId>,
    /// A systemd unit, `api.service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// A process, by its pid in the initial namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The subject's cgroup, where it is known and the container's id does not tell it: a unit's,
    /// a container's without a hexadecimal id (`ctr`, LXC, nspawn), one of `why137 run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<CgroupPath>,
    /// Every death on the machine, not one subject.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_host: bool,
}

/// A source that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The source.
    pub source: Source,
    /// What was tried: a path, a command, an API call.
    pub tried: String,
    /// Why it did not work, in plain words.
    pub because: String,
    /// What it would have told.
    pub would_tell: String,
    /// A command that opens the source, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_by: Option<String>,
}

/// One question's evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFile {
    /// Version of this format: 1.
    pub why137_case: u32,
    /// What was asked.
    #[serde(default)]
    pub asked: Asked,
    /// When the evidence was gathered (for pasted text: when it was read).
    pub gathered_at: Moment,
    /// The evidence.
    pub exhibits: Vec<Exhibit>,
    /// What could not be read.
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

/// What every format of a saved case begins with.
#[derive(Deserialize)]
struct Head {
    why137_case: u32,
}

/// Why a saved case could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// Not JSON, or not of this shape.
    #[error("this is not a why137 case: line {line}, column {column}")]
    Shape {
        /// Line of the first character that does not fit.
        line: usize,
        /// Column of it.
        column: usize,
        /// What the reader said.
        #[source]
        source: serde_json::Error,
    },
    /// A case of a later format.
    #[error("this case has format {found}; this program reads format {known}")]
    Version {
        /// What the file says.
        found: u32,
        /// What this program reads.
        known: u32,
    },
    /// The case could not be written as JSON.
    #[error("could not write the case as JSON")]
    Write(#[source] serde_json::Error),
}

impl CaseFile {
    /// The format this program writes.
    pub const FORMAT: u32 = 1;

    /// An empty case.
    pub fn new(asked: Asked, gathered_at: Moment) -> Self {
        Self {
            why137_case: Self::FORMAT,
            asked,
            gathered_at,
            exhibits: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// Whether a text is meant to be a saved case: a JSON object with the format's key near its
    /// head. Only then are its errors worth telling.
    pub fn looks_like(text: &str) -> bool {
        let head: String = text.trim_start().chars().take(200).collect();
        head.starts_with('{') && head.contains("\"why137_case\"")
    }

    /// Reads a saved case.
    pub fn from_json(text: &str) -> Result<Self, CaseError> {
        // A later format may have another shape altogether, so its number is read first.
        let found = serde_json::from_str::<Head>(text).map(|head| head.why137_case);
        if let Ok(found) = found
            && found != Self::FORMAT
        {
            return Err(CaseError::Version { found, known: Self::FORMAT });
        }
        let mut case: Self = serde_json::from_str(text).map_err(|source| CaseError::Shape {
            line: source.line(),
            column: source.column(),
            source,
        })?;
        case.tell_apart();
        Ok(case)
    }

    /// Exhibits of one id, where somebody put two cases together by hand: the later ones get a number,
    /// or what points at them would point into the first.
    fn tell_apart(&mut self) {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        // How many there were of an id, so that many of one take no longer.
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for exhibit in &mut self.exhibits {
            let count = seen.entry(exhibit.id.clone()).or_default();
            let mut id = exhibit.id.clone();
            while !taken.insert(id.clone()) {
                *count += 1;
                id = format!("{}-{}", exhibit.id, *count + 1);
            }
            exhibit.id = id;
        }
    }

    /// Writes the case; [`CaseFile::from_json`] reads the same back.
    pub fn to_json(&self) -> Result<String, CaseError> {
        serde_json::to_string_pretty(self).map(|json| json + "\n").map_err(CaseError::Write)
    }

    /// The exhibit of this id.
    pub fn exhibit(&self, id: &str) -> Option<&Exhibit> {
        self.exhibits.iter().find(|exhibit| exhibit.id == id)
    }

    /// The bytes a citation points at.
    pub fn quote(&self, citation: &Citation) -> Option<&str> {
        citation.span.of(self.exhibit(&citation.exhibit)?.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exhibits_of_one_id_are_told_apart() {
        let exhibit = |id: &str| {
            format!(
                "{{\"id\":\"{id}\",\"source\":\"pasted\",\"label\":\"x\",\"clock\":\"Unknown\",\"covers\":false,\"body\":{{\"text\":\"{id}\"}}}}"
            )
        };
        let all = ["a", "a", "a-2", "a", "b"].map(exhibit).join(",");
        let text = format!(
            "{{\"why137_case\":1,\"asked\":{{}},\"gathered_at\":\"2026-11-22T12:00:00Z\",\"exhibits\":[{all}],\"gaps\":[]}}"
        );
        let case = CaseFile::from_json(&text).unwrap();
        let ids: Vec<&str> = case.exhibits.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["a", "a-2", "a-2-2", "a-3", "b"]);
        // The later one is reached by its own name.
        assert_eq!(case.exhibit("a-3").map(Exhibit::text), Some("a"));
    }
}
