//! Pasted texts and saved cases as one case.
//!
//! A saved case keeps its question, its moment and its exhibits' names, so that one saved case alone
//! gives the very answer it gave live; so does the record of `why137 run`. Everything else is evidence whose kind the readers recognise.

use casefile::{Asked, Body, CaseError, CaseFile, Clock, CutFrom, Exhibit, Gap, Moment, Source};

use crate::scan::Cut;

/// A text, whole or what is kept of a larger one.
#[derive(Debug)]
pub struct Pasted {
    /// What a reader knows it by: `-`, a file name.
    pub label: String,
    /// Its words.
    pub text: String,
    /// The larger text of which these are the kept parts.
    pub cut_from: Option<CutFrom>,
    /// What of it had to be left out, in plain words.
    pub left_out: Option<String>,
}

impl From<(String, String)> for Pasted {
    fn from((label, text): (String, String)) -> Self {
        Self { label, text, cut_from: None, left_out: None }
    }
}

impl From<(String, Cut)> for Pasted {
    fn from((label, cut): (String, Cut)) -> Self {
        Self { label, text: cut.text, cut_from: Some(cut.from), left_out: cut.left_out }
    }
}

/// Makes one case of texts, each with the label a reader knows it by (`-`, a file name).
///
/// # Errors
/// A text that is meant to be a saved case and cannot be read as one.
pub fn case_from_texts(
    texts: impl IntoIterator<Item = impl Into<Pasted>>,
    now: Moment,
) -> Result<CaseFile, CaseError> {
    let mut saved = Vec::new();
    let mut pasted = Vec::new();
    let mut gaps = Vec::new();
    for (number, text) in texts.into_iter().map(Into::into).enumerate() {
        if CaseFile::looks_like(&text.text) {
            saved.push(CaseFile::from_json(&text.text)?);
        } else if let Some(record) = parse::run_record::read(&text.text) {
            saved.push(crate::run::case_of_run(record, now));
        } else {
            gaps.extend(gap(&text));
            pasted.push(pasted_exhibit(number + 1, text));
        }
    }
    let mut saved = saved.into_iter();
    let mut case = saved.next().unwrap_or_else(|| CaseFile::new(Asked::default(), now));
    for other in saved {
        case.gaps.extend(other.gaps);
        case.exhibits.extend(other.exhibits);
    }
    case.exhibits.extend(pasted);
    case.gaps.extend(gaps);
    name_apart(&mut case.exhibits);
    Ok(case)
}

fn gap(text: &Pasted) -> Option<Gap> {
    Some(Gap {
        source: Source::Pasted,
        tried: format!("reading all of `{}`", text.label),
        because: text.left_out.clone()?,
        would_tell: "of the deaths whose lines are not kept".to_owned(),
        open_by: None,
    })
}

fn pasted_exhibit(number: usize, text: Pasted) -> Exhibit {
    let Pasted { label, text, cut_from, left_out: _ } = text;
    Exhibit {
        id: format!("file-{number}"),
        source: Source::Pasted,
        label,
        check: None,
        about: None,
        clock: Clock::Unknown,
        covers: false,
        cut_from,
        body: Body::Text(parse::redact(Source::Pasted, &parse::page::bare(&text))),
    }
}

/// Gives exhibits of one name different ones: `kmsg`, `kmsg-2`.
fn name_apart(exhibits: &mut [Exhibit]) {
    let mut taken: Vec<String> = Vec::new();
    for exhibit in exhibits {
        let mut name = exhibit.id.clone();
        let mut number = 2;
        while taken.contains(&name) {
            name = format!("{}-{number}", exhibit.id);
            number += 1;
        }
        exhibit.id.clone_from(&name);
        taken.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Moment {
        Moment::from_micros(1_000_000).unwrap()
    }

    fn text(label: &str, text: &str) -> (String, String) {
        (label.to_owned(), text.to_owned())
    }

    #[test]
    fn one_saved_case_alone_is_read_back_as_it_was() {
        let pasted = vec![text("-", "Killed process 7 (x)")];
        let mut case = case_from_texts(pasted, now()).unwrap();
        case.asked.name = Some("api".to_owned());
        let later = Moment::from_micros(9_000_000).unwrap();
        let read = case_from_texts(vec![text("case.json", &case.to_json().unwrap())], later);
        assert_eq!(read.unwrap(), case);
    }

    #[test]
    fn saved_and_pasted_evidence_make_one_case() {
        let one = case_from_texts(vec![text("a", "x")], now()).unwrap().to_json().unwrap();
        let texts = vec![text("c1", &one), text("dmesg.txt", "y"), text("c2", &one)];
        let case = case_from_texts(texts, now()).unwrap();
        let ids: Vec<&str> = case.exhibits.iter().map(|exhibit| exhibit.id.as_str()).collect();
        assert_eq!(ids, ["file-1", "file-1-2", "file-2"]);
        assert_eq!(case.exhibits[2].label, "dmesg.txt");
        assert_eq!(case.exhibits[2].source, Source::Pasted);
    }

    #[test]
    fn a_broken_saved_case_is_an_error_and_other_json_is_evidence() {
        assert!(case_from_texts(vec![text("c", "{\"why137_case\": 1, ")], now()).is_err());
        assert!(case_from_texts(vec![text("c", "{\"Id\": 1")], now()).is_ok());
        assert!(case_from_texts(Vec::<Pasted>::new(), now()).unwrap().exhibits.is_empty());
    }
}
