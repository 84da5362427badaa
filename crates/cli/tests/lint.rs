//! `why137 lint` through the real program: exit codes, and the shape of each form.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::process::Command;

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use crate::daemon::{dead_container, engine, event, serve};
    use crate::program::{NOW, Ran, run};

    const BAD: &str = "services:\n  api:\n    image: shop/api:1\n    mem_limit: 64m\n    tmpfs: /scratch:size=512m\n";
    const GOOD: &str = "services:\n  api:\n    image: shop/api:1\n    mem_limit: 64m\n";

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn lint(files: &[(&str, &str)], words: &[&str]) -> Ran {
        let words: Vec<&str> = ["lint"].iter().chain(words).copied().collect();
        run(folder(files).path(), "unix:///nonexistent/docker.sock", &words, "")
    }

    #[test]
    fn the_exit_code_tells_findings_from_none_and_from_failure() {
        let (code, out, err) = lint(&[("compose.yaml", BAD)], &["compose.yaml"]);
        assert_eq!((code, err.as_str()), (1, ""));
        assert!(
            out.starts_with(
                "compose.yaml:5:12: error: service `api`: the tmpfs at /scratch may hold 512 MiB"
            ),
            "{out}"
        );
        assert!(
            out.contains("limit of 64 MiB")
                && out.contains("\n    instead: `size=` well below 64 MiB"),
            "{out}"
        );
        let (code, out, err) = lint(&[("compose.yaml", GOOD)], &["compose.yaml"]);
        assert_eq!(
            (code, out.as_str(), err.as_str()),
            (0, "no findings: 1 workload in 1 file looked at\n", "")
        );
        let (code, out, _) = lint(&[("c.yaml", BAD)], &["c.yaml", "--ignore", "tmpfs-above-limit"]);
        assert_eq!(code, 0, "{out}");
        for (words, says) in [
            (&["missing.yaml"][..], "missing.yaml"),
            (&["c.yaml", "--ignore", "nonsense"], "nonsense"),
            (&["broken.yaml"], "`broken.yaml` line 2"),
            (&[], "FILE"),
        ] {
            let (code, _, err) =
                lint(&[("c.yaml", GOOD), ("broken.yaml", "services:\n\ta: b\n")], words);
            assert_eq!(code, 2, "{words:?}: {err}");
            assert!(err.starts_with("error: ") && err.contains(says), "{words:?}: {err}");
        }
    }

    #[test]
    fn a_broken_file_does_not_hide_the_findings_of_another() {
        let files = [("c.yaml", BAD), ("Dockerfile", "FROM a\nRAN b\n")];
        let (code, out, err) = lint(&files, &["c.yaml", "Dockerfile"]);
        assert_eq!(code, 2);
        assert!(
            out.contains("tmpfs-above-limit") && err.contains("`Dockerfile` line 2"),
            "{out}{err}"
        );
    }

    #[test]
    fn a_template_is_a_note() {
        let (code, _, err) = lint(&[("t.yaml", "{{- if x }}\na: b\n {{ end }}\n")], &["t.yaml"]);
        assert_eq!(code, 0, "{err}");
        assert!(err.starts_with("note: ") && err.contains("template"), "{err}");
    }

    #[test]
    fn files_are_merged_and_followed_from_where_they_are() {
        let files = [
            ("base.yaml", "services:\n  api: {mem_limit: 64m, image: a}\n"),
            (
                "over.yaml",
                "services:\n  api: {mem_limit: 32m}\n  web:\n    extends: {file: base.yaml, service: api}\n",
            ),
        ];
        let (code, out, err) = lint(&files, &["base.yaml", "over.yaml"]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
    }

    #[test]
    fn standard_input_is_a_file() {
        let here = folder(&[]);
        let (code, out, _) = run(here.path(), "unix:///nonexistent/x", &["lint", "-"], BAD);
        assert_eq!(code, 1);
        assert!(out.starts_with("stdin:5:12: "), "{out}");
    }

    #[test]
    fn json_says_what_text_says() {
        let (code, out, _) = lint(&[("c.yaml", BAD)], &["--format", "json", "c.yaml"]);
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(code, 1);
        let finding = &answer["findings"][0];
        assert_eq!(
            (&finding["rule"], &finding["file"]),
            (&"tmpfs-above-limit".into(), &"c.yaml".into())
        );
        assert_eq!((finding["line"].as_u64(), finding["column"].as_u64()), (Some(5), Some(12)));
        assert_eq!(answer["workloads"], 1);
    }

    #[test]
    fn sarif_has_the_shape_of_its_standard() {
        let (code, out, _) = lint(&[("a b.yaml", BAD)], &["--format", "sarif", "a b.yaml"]);
        assert_eq!(code, 1);
        let log: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let driver = &run["tool"]["driver"];
        assert_eq!(driver["name"], "why137");
        let rules = driver["rules"].as_array().unwrap();
        let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), rules.len());
        for rule in rules {
            assert!(
                rule["shortDescription"]["text"].is_string()
                    && rule["help"]["markdown"].is_string()
            );
        }
        let result = &run["results"][0];
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.yaml");
        assert_eq!(place["region"], serde_json::json!({ "startLine": 5, "startColumn": 12 }));
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
        // Without findings `results` is an empty list, not missing.
        let (code, out, _) = lint(&[("c.yaml", GOOD)], &["--format", "sarif", "c.yaml"]);
        let log: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &log["runs"][0]["results"]), (0, &serde_json::json!([])));
    }

    #[test]
    fn annotations_stay_on_their_line_whatever_a_name_holds() {
        let evil = BAD.replace("  api:", "  \"a%0A::error::x\\n::stop-commands::y\":");
        let (code, out, _) = lint(&[("c,d.yaml", &evil)], &["--format", "github", "c,d.yaml"]);
        assert_eq!(code, 1);
        assert_eq!(out.lines().count(), 1, "{out}");
        assert!(out.starts_with("::error file=c%2Cd.yaml,line=5,col=12,title=why137 tmpfs-above-limit::service `a%250A"), "{out}");
        let (_, text, _) = lint(&[("c.yaml", &evil)], &["c.yaml"]);
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    }

    #[test]
    fn in_github_actions_the_text_is_annotated_besides() {
        let here = folder(&[("c.yaml", BAD)]);
        let output = Command::new(env!("CARGO_BIN_EXE_why137"))
            .args(["lint", "c.yaml"])
            .env_clear()
            .env("WHY137_NOW", NOW)
            .env("GITHUB_ACTIONS", "true")
            .current_dir(here.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.starts_with("::error file=c.yaml,line=5,col=12,"), "{err}");
        assert!(String::from_utf8(output.stdout).unwrap().starts_with("c.yaml:5:12: error"));
    }

    #[test]
    fn gitlab_gets_a_report_with_fingerprints() {
        let two = format!("{BAD}    restart: always\n");
        let (code, out, _) = lint(&[("c.yaml", &two)], &["--format", "gitlab", "c.yaml"]);
        assert_eq!(code, 1);
        let issues: Vec<Value> = serde_json::from_str(&out).unwrap();
        let prints: BTreeSet<&str> =
            issues.iter().map(|it| it["fingerprint"].as_str().unwrap()).collect();
        assert_eq!((issues.len(), prints.len()), (2, 2));
        for issue in &issues {
            assert_eq!(issue["location"]["path"], "c.yaml");
            assert!(
                issue["location"]["lines"]["begin"].is_u64() && issue["check_name"].is_string()
            );
        }
    }

    #[test]
    fn every_rule_about_files_has_its_manual() {
        let (code, out, _) =
            run(folder(&[]).path(), "unix:///nonexistent/x", &["rule", "no-limit"], "");
        assert_eq!(code, 0);
        assert!(out.contains("## What it looks for"), "{out}");
    }

    /// The engine of a container of the service `api` with 32 MiB.
    fn address(here: &TempDir, status: &str) -> String {
        let container = dead_container(json!({
            "Name": "/shop-api-1", "State": { "Status": status },
            "HostConfig": { "Memory": 33_554_432, "MemorySwap": 67_108_864 },
            "Config": { "Labels": { "com.docker.compose.service": "api" }, "Env": ["DB_PASSWORD=hunter2"] }
        }));
        let started = event("start", 0, json!({ "name": "shop-api-1" }));
        serve(here.path(), engine(&container, &[started], ""))
    }

    fn against(status: &str, words: &[&str]) -> Ran {
        let here = folder(&[("c.yaml", GOOD)]);
        let docker = address(&here, status);
        let words: Vec<&str> = ["lint", "c.yaml"].iter().chain(words).copied().collect();
        run(here.path(), &docker, &words, "")
    }

    #[test]
    fn a_file_is_compared_with_a_container() {
        let (code, out, err) = against("running", &["--against", "shop-api-1"]);
        assert_eq!((code, err.as_str()), (1, ""));
        assert!(
            out.starts_with("c.yaml:4:16: warning: service `api`: the memory limit: the file says 64 MiB, the container has 32 MiB [differs-from-running]"),
            "{out}"
        );
        assert!(!out.contains("hunter2"), "{out}");
        let ignored = ["--against", "shop-api-1", "--ignore", "differs-from-running"];
        assert_eq!(against("running", &ignored).0, 0);
        let (code, _, err) = against("exited", &["--against", "shop-api-1"]);
        assert_eq!(code, 1);
        assert!(err.contains("does not run (exited)"), "{err}");
    }

    #[test]
    fn what_cannot_be_compared_is_no_finding() {
        let (code, out, err) = against("running", &["--against", "nosuch"]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.starts_with("error: no container `nosuch`") && err.contains("hint: "), "{err}");
        let words = ["c.yaml", "--against", "x"];
        let (code, out, err) = lint(&[("c.yaml", GOOD)], &words);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.starts_with("error: could not ask docker"), "{err}");
        let other = GOOD.replace("api", "web");
        let here = folder(&[("c.yaml", &other)]);
        let docker = address(&here, "running");
        let words = ["lint", "c.yaml", "--against", "shop-api-1"];
        let (code, _, err) = run(here.path(), &docker, &words, "");
        assert_eq!(code, 2);
        assert!(err.contains("hint: they hold service `web`"), "{err}");
    }
}
