//! Every rule with files that fail and files that pass, under `files/RULE/`: a failing file gives what the
//! table says and nothing else, a passing file gives no finding of any rule. Beside `NAME.fail.compose.yaml` may
//! lie `NAME.fail.inspect.json` and `NAME.fail.image.json`, recorded of a daemon: then the two are compared.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use lint::{Outcome, Running, Source, check, check_against, manuals};

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
    }

    fn of(paths: &[PathBuf]) -> Outcome {
        let source = |path: &PathBuf| Source {
            name: path.to_str().unwrap().to_owned(),
            bytes: fs::read(path).unwrap(),
        };
        let sources: Vec<Source> = paths.iter().map(source).collect();
        let beside = |_: &str, _: &str| Err("no such file".to_owned());
        match paths.first().and_then(|path| running(path)) {
            Some(running) => check_against(&sources, &beside, &running).unwrap(),
            None => check(&sources, &beside),
        }
    }

    /// The container that was recorded for a file.
    fn running(path: &Path) -> Option<Running> {
        let name = path.file_name()?.to_str()?;
        let word = if is(path, "fail") { "fail" } else { "pass" };
        let (stem, _) = name.split_once(&format!("{word}."))?;
        let beside = |what: &str| {
            fs::read_to_string(path.with_file_name(format!("{stem}{word}.{what}.json")))
        };
        let container = beside("inspect").ok()?;
        Some(Running::read("x", &container, beside("image").ok().as_deref()).unwrap())
    }

    fn is_recorded(path: &Path) -> bool {
        is(path, "inspect") || is(path, "image")
    }

    /// `rule:line:column:level` of every finding.
    fn said(outcome: &Outcome) -> Vec<String> {
        let line = |it: &lint::Finding| {
            format!("{}:{}:{}:{}", it.rule, it.place.line, it.place.column, it.level.word())
        };
        assert_eq!(outcome.problems, [], "{outcome:?}");
        outcome.findings.iter().map(line).collect()
    }

    fn files_of(rule: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder().join(rule)).unwrap();
        let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        all.retain(|path| !is_recorded(path));
        all.sort();
        all
    }

    fn is(path: &Path, word: &str) -> bool {
        path.file_name().unwrap().to_str().unwrap().split('.').any(|part| part == word)
    }

    #[test]
    fn every_rule_has_a_failing_and_a_passing_file_and_both_hold() {
        for manual in manuals() {
            let files = files_of(manual.id);
            let mut counts = (0, 0);
            for path in files {
                let outcome = of(std::slice::from_ref(&path));
                assert_eq!(outcome.problems, [], "{}", path.display());
                assert_eq!(outcome.notes, [], "{}", path.display());
                if is(&path, "fail") {
                    counts.0 += 1;
                    assert!(!outcome.findings.is_empty(), "{}", path.display());
                    for finding in &outcome.findings {
                        assert_eq!(finding.rule, manual.id, "{}: {finding:?}", path.display());
                    }
                } else {
                    counts.1 += 1;
                    assert_eq!(outcome.findings, [], "{}", path.display());
                }
            }
            assert!(counts.0 > 0 && counts.1 > 0, "{}: {counts:?}", manual.id);
        }
    }

    /// What `why137 lint` promises to look for.
    #[test]
    fn every_promised_rule_is_there() {
        let ids: Vec<&str> = manuals().iter().map(|manual| manual.id).collect();
        for promised in [
            "no-limit",
            "ceiling-at-limit",
            "restart-without-bound",
            "ecs-task-memory-only",
            "critical-requests-differ",
            "shell-swallows-sigterm",
            "tmpfs-above-limit",
            "xmx-against-limit",
            "workers-from-host-cpus",
            "deploy-ignored",
            "two-memory-limits",
            "differs-from-running",
        ] {
            assert!(ids.contains(&promised), "{promised}");
        }
        // No folder of files for a rule that is not there.
        let folders = fs::read_dir(folder()).unwrap();
        for entry in folders.map(|entry| entry.unwrap().file_name()) {
            assert!(ids.contains(&entry.to_str().unwrap()), "{entry:?}");
        }
    }

    #[test]
    fn findings_stand_at_their_line_and_column() {
        let mut wrong = Vec::new();
        for (file, expected) in TABLE {
            let outcome = of(&[folder().join(file)]);
            let rule = file.split('/').next().unwrap();
            let expected: Vec<String> = expected.iter().map(|it| format!("{rule}:{it}")).collect();
            let found = said(&outcome);
            if found != expected {
                wrong.push((file, found, expected));
            }
        }
        assert!(wrong.is_empty(), "found, expected: {wrong:#?}");
        let failing = manuals().iter().flat_map(|it| files_of(it.id)).filter(|it| is(it, "fail"));
        assert_eq!(failing.count(), TABLE.len(), "a failing file is not in the table");
    }

    const TABLE: &[(&str, &[&str])] = &[
        ("no-limit/fail.compose.yaml", &["2:3:warning", "5:3:warning"]),
        ("no-limit/fail.pods.yaml", &["9:17:warning", "12:17:warning", "30:26:warning"]),
        ("no-limit/fail.task.json", &["4:12:warning"]),
        (
            "ceiling-at-limit/fail.compose.yaml",
            &["6:21:error", "9:16:error", "15:9:error", "19:19:error"],
        ),
        ("ceiling-at-limit/fail.pod.yaml", &["9:11:error"]),
        (
            "ceiling-at-limit/servers.fail.compose.yaml",
            &[
                "4:16:warning",
                "8:14:error",
                "12:19:error",
                "16:14:warning",
                "20:14:error",
                "24:14:warning",
                "28:14:error",
            ],
        ),
        (
            "ceiling-at-limit/tags.fail.compose.yaml",
            &["4:16:error", "7:16:note", "10:16:error", "15:31:error", "19:19:warning"],
        ),
        ("xmx-against-limit/fail.compose.yaml", &["5:14:error", "10:18:warning", "15:26:error"]),
        ("xmx-against-limit/fail.task.json", &["9:19:error"]),
        ("xmx-against-limit/tags.fail.compose.yaml", &["4:16:note", "9:22:error"]),
        (
            "tmpfs-above-limit/fail.compose.yaml",
            &["5:12:error", "9:15:error", "17:17:error", "24:9:warning"],
        ),
        ("tmpfs-above-limit/fail.pod.yaml", &["14:20:error"]),
        ("tmpfs-above-limit/fail.task.json", &["8:29:error"]),
        (
            "workers-from-host-cpus/fail.compose.yaml",
            &["5:14:warning", "9:14:warning", "13:15:warning"],
        ),
        ("workers-from-host-cpus/fail.Dockerfile", &["3:1:warning"]),
        ("workers-from-host-cpus/fail.config.yaml", &["6:5:warning"]),
        ("shell-swallows-sigterm/fail.Dockerfile", &["8:1:warning"]),
        ("shell-swallows-sigterm/alpine.fail.Dockerfile", &["2:1:note"]),
        ("shell-swallows-sigterm/fail.pod.yaml", &["11:11:warning"]),
        ("restart-without-bound/fail.compose.yaml", &["5:14:warning", "12:20:warning"]),
        ("two-memory-limits/fail.compose.yaml", &["8:19:error", "12:34:error"]),
        ("deploy-ignored/fail.compose.yaml", &["8:19:note"]),
        ("critical-requests-differ/fail.pods.yaml", &["12:23:warning", "27:42:warning"]),
        ("ecs-task-memory-only/fail.task.json", &["5:14:warning"]),
        ("ecs-task-memory-only/fail.stack.yaml", &["8:17:warning"]),
        (
            "differs-from-running/fail.compose.yaml",
            &[
                "2:3:warning",
                "5:16:warning",
                "6:20:warning",
                "7:22:note",
                "8:11:note",
                "9:14:note",
                "10:24:note",
                "11:15:note",
                "12:12:note",
                "14:21:warning",
                "15:13:warning",
                "16:15:warning",
            ],
        ),
        (
            "differs-from-running/silent.fail.compose.yaml",
            &["2:3:note", "2:3:note", "2:3:warning", "2:3:warning", "2:3:warning", "4:16:warning"],
        ),
    ];
}
