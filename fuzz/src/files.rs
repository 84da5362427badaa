//! What `why137 lint` promises for any files: it ends, it gives the same again, what it says points into a
//! file that is there, and no finding is empty.

use lint::{Outcome, Running, Source};

use crate::text::lossy;

/// Between files; the first letter of each chooses its name.
const BETWEEN: &str = "\u{1d}\n";
const NAMES: [&str; 6] =
    ["compose.yaml", "Dockerfile", "pods.yaml", "task.json", "main.tf.json", "templates/api.yaml"];

/// Looks at the files twice, and a third time beside the last of them as a container.
pub fn check(bytes: &[u8]) {
    let text = lossy(bytes);
    let sources: Vec<Source> = text.split(BETWEEN).map(source).collect();
    let seen = look(&sources, None);
    assert_eq!(said(&seen), said(&look(&sources, None)), "the same files, looked at twice");
    if let Some(last) = sources.last() {
        let text = String::from_utf8_lossy(&last.bytes);
        if let Ok(running) = Running::read("web", &text, Some(&text)) {
            look(&sources, Some(&running));
        }
    }
}

fn source(part: &str) -> Source {
    let letter = part.bytes().next().unwrap_or(b'A');
    let name = NAMES[usize::from(letter.wrapping_sub(b'A')) % NAMES.len()];
    let text = part.get(1..).unwrap_or_default();
    Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn look(sources: &[Source], running: Option<&Running>) -> Outcome {
    // Every file that is named is one of these, by the length of its name.
    let beside = |_: &str, path: &str| {
        let one = sources.get(path.len() % (sources.len() + 1)).ok_or("it is not there")?;
        Ok((one.name.clone(), one.bytes.clone()))
    };
    let outcome = match running {
        Some(running) => match lint::check_against(sources, &beside, running) {
            Ok(outcome) => outcome,
            Err(refused) => {
                assert!(!refused.said.is_empty() && !refused.hint.is_empty());
                return Outcome::default();
            }
        },
        None => lint::check(sources, &beside),
    };
    // YAML breaks a line at a lone carriage return, too.
    let breaks = |one: &Source| one.bytes.iter().filter(|byte| b"\n\r".contains(byte)).count();
    let lines = sources.iter().map(breaks).max().unwrap_or(0) + 2;
    let places = outcome.findings.iter().map(|finding| &finding.place);
    for place in places.chain(outcome.problems.iter().map(|problem| &problem.place)) {
        assert!((1..=lines).contains(&place.line) && place.column >= 1, "{place:?} of {lines}");
    }
    for finding in &outcome.findings {
        assert!(!finding.message.is_empty() && !finding.instead.is_empty(), "{finding:?}");
    }
    outcome
}

fn said(outcome: &Outcome) -> String {
    format!("{outcome:?}")
}
