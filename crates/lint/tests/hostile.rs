//! Every file of every rule, cut and changed: it is read or refused, never a panic, and what is said of it
//! points into it.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use lint::{Outcome, Running, Source, check, check_against};

    /// Bytes that mean something to YAML, JSON, a shell or a template.
    const TELLING: [u8; 24] = *b"{}[]\"':-#&*!|>%@`$,\n\t \\\xff";

    /// Those of the rules' files, with their bytes.
    fn files() -> Vec<(String, Vec<u8>)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
        let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<PathBuf> = folders
            .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
            .collect();
        all.sort();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        all.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
    }

    fn is_recorded(name: &str) -> bool {
        name.ends_with(".inspect.json") || name.ends_with(".image.json")
    }

    fn looked_at(name: &str, bytes: &[u8]) -> Outcome {
        let one = Source { name: name.to_owned(), bytes: bytes.to_vec() };
        // Whatever it names is itself.
        let beside = |_: &str, path: &str| Ok((path.to_owned(), bytes.to_vec()));
        let outcome = check(&[one], &beside);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 2;
        let places = outcome.findings.iter().map(|it| &it.place);
        for place in places.chain(outcome.problems.iter().map(|it| &it.place)) {
            assert!(place.line >= 1 && place.line <= lines && place.column >= 1, "{place:?}");
        }
        for finding in &outcome.findings {
            assert!(!finding.message.is_empty() && !finding.instead.is_empty(), "{finding:?}");
        }
        outcome
    }

    #[test]
    fn every_prefix_of_every_file_is_read_or_refused() {
        let mut tried = 0;
        for (name, bytes) in files().iter().filter(|(name, _)| !is_recorded(name)) {
            for end in 0..=bytes.len() {
                looked_at(name, &bytes[..end]);
                tried += 1;
            }
        }
        assert!(tried > 10_000, "{tried}");
    }

    #[test]
    fn every_file_with_one_byte_changed_is_read_or_refused() {
        let mut tried = 0;
        for (name, bytes) in files().iter().filter(|(name, _)| !is_recorded(name)) {
            for at in 0..bytes.len() {
                // One of them at each place, another one at the next; at every second the byte out.
                let mut changed = bytes.clone();
                changed[at] = TELLING[at % TELLING.len()];
                looked_at(name, &changed);
                tried += 1;
                if at % 2 == 0 {
                    changed.remove(at);
                    looked_at(name, &changed);
                    tried += 1;
                }
            }
        }
        assert!(tried > 20_000, "{tried}");
    }

    #[test]
    fn a_description_of_a_container_that_is_cut_or_changed_is_read_or_refused() {
        let compose = "services:\n  api:\n    image: shop/api:1\n    mem_limit: 64m\n    command: [--max-old-space-size=32]\n    environment: {NODE_OPTIONS: a}\n";
        let source = Source { name: "c.yaml".to_owned(), bytes: compose.into() };
        let compared = |text: &str| {
            let Ok(running) = Running::read("x", text, Some(text)) else { return };
            let beside = |_: &str, _: &str| Err(String::new());
            drop(check_against(std::slice::from_ref(&source), &beside, &running));
        };
        let mut tried = 0;
        for (_, bytes) in files().iter().filter(|(name, _)| name.ends_with(".inspect.json")) {
            for at in (0..bytes.len()).step_by(11) {
                compared(&String::from_utf8_lossy(&bytes[..at]));
                let mut changed = bytes.clone();
                changed[at] = TELLING[at % TELLING.len()];
                compared(&String::from_utf8_lossy(&changed));
                tried += 2;
            }
        }
        assert!(tried > 500, "{tried}");
    }
}
