//! Pasted texts and saved cases as one case.
//!
//! A saved case keeps its question, its moment and its exhibits' names, so that one saved case alone
//! gives the very answer it gave live. Everything else is evidence whose kind the readers recognise.

use casefile::{Asked, Body, CaseError, CaseFile, Clock, Exhibit, Moment, Source};

/// Makes one case of texts, each with the label a reader knows it by (`-`, a file name).
///
/// # Errors
/// A text that is meant to be a saved case and cannot be read as one.
pub fn case_from_texts(texts: Vec<(String, String)>, now: Moment) -> Result<CaseFile, CaseError> {
    let mut saved = Vec::new();
    let mut pasted = Vec::new();
    for (number, (label, text)) in texts.into_iter().enumerate() {
        if CaseFile::looks_like(&text) {
            saved.push(CaseFile::from_json(&text)?);
        } else {
            pasted.push(pasted_exhibit(number + 1, label, &text));
        }
    }
    let mut saved = saved.into_iter();
    let mut case = saved.next().unwrap_or_else(|| CaseFile::new(Asked::default(), now));
    for other in saved {
        case.gaps.extend(other.gaps);
        case.exhibits.extend(other.exhibits);
    }
    case.exhibits.extend(pasted);
    name_apart(&mut case.exhibits);
    Ok(case)
}

fn pasted_exhibit(number: usize, label: String, text: &str) -> Exhibit {
    Exhibit {
        id: format!("file-{number}"),
        source: Source::Pasted,
        label,
        check: None,
        about: None,
        clock: Clock::Unknown,
        covers: false,
        cut_from: None,
        body: Body::Text(parse::redact(Source::Pasted, text)),
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
        assert!(case_from_texts(Vec::new(), now()).unwrap().exhibits.is_empty());
    }
}
