//! `why137 align` through the real program: what it prints is read again, pasted, patched, applied and taken back.

#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::process::{Command, Stdio};

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use crate::program::{Ran, run};

    const NOBODY: &str = "unix:///nonexistent/docker.sock";
    /// The same machine in every test.
    const MACHINE: [&str; 4] = ["--host-memory", "16g", "--host-cpus", "4"];

    fn align(folder: &Path, words: &[&str]) -> Ran {
        run(folder, NOBODY, &[&["align"], words].concat(), "")
    }

    fn predict(words: &[&str]) -> (i32, Value) {
        let folder = tempfile::tempdir().unwrap();
        let all = [&["--format", "json"], &MACHINE[..], words].concat();
        let (code, out, err) = align(folder.path(), &all);
        (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
    }

    /// The same with a place for the journal.
    fn with_state(folder: &Path, words: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_why137"))
            .arg("align")
            .args(words)
            .args(MACHINE)
            .env_clear()
            .env("WHY137_NOW", "2026-05-28T00:00:00Z")
            .env("XDG_STATE_HOME", folder.join("state"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn take_back(folder: &Path, words: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_why137"))
            .args(["align", "--undo"])
            .args(words)
            .env_clear()
            .env("XDG_STATE_HOME", folder.join("state"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn folder(name: &str, text: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        folder
    }

    fn has(program: &str) -> bool {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        let found = found.is_ok_and(|output| output.status.success());
        if !found {
            println!("NOT RUN: a part of this test, because `{program}` is not installed");
        }
        found
    }

    #[test]
    fn the_answer_has_its_keys_and_its_sum_adds_up() {
        let (code, found) = predict(&["--predict", "node@22.12.0", "--limit", "512m"]);
        let keys: Vec<&String> = found.as_object().unwrap().keys().collect();
        let all = [
            "runtime",
            "version",
            "limit_bytes",
            "settings",
            "steps",
            "unbounded",
            "cannot",
            "missing",
            "refuses",
            "now",
            "fits",
            "may_use_bytes",
        ];
        assert_eq!(
            (code, keys),
            (0, all.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>().iter().collect())
        );
        assert_eq!(
            (found["limit_bytes"].as_u64(), found["fits"].as_str()),
            (Some(512 << 20), Some("fits"))
        );
        let setting = &found["settings"][0];
        assert_eq!(setting["word"], json!("NODE_OPTIONS=--max-old-space-size=358"));
        assert_eq!(
            (setting["place"].as_str(), &setting["replaces"]),
            (Some("environment"), &Value::Null)
        );
        let left: i64 =
            found["steps"].as_array().unwrap().iter().map(|it| it["bytes"].as_i64().unwrap()).sum();
        assert_eq!(left >> 20, 358);
    }

    /// What a runtime is asked with, and what it was told before.
    const ASKED: [(&str, &[&str]); 22] = [
        ("node@12.22", &[]),
        ("node@16.20", &["NODE_OPTIONS=--max-old-space-size=4096 --inspect"]),
        ("node@22.12", &["--max-old-space-size=4096"]),
        ("node@24", &["--max_old_space_size=4096", "NODE_OPTIONS=--max-semi-space-size=64"]),
        ("deno@2.9", &[]),
        ("deno@2.9", &["DENO_V8_FLAGS=--max-old-space-size=4096,--expose-gc"]),
        ("java@8u372", &["-Xmx4g", "-Xms4g"]),
        ("java@17", &["JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=100 -Da=b"]),
        ("java@21", &["JDK_JAVA_OPTIONS=-Xmx4g", "_JAVA_OPTIONS=-Xmx5g"]),
        ("go@1.25", &[]),
        ("go@1.19", &["GOMEMLIMIT=8GiB"]),
        ("dotnet@8", &[]),
        ("dotnet@5", &["COMPlus_GCHeapHardLimit=FFFFFFFF"]),
        ("python@3.12", &["WEB_CONCURRENCY=40", "worker"]),
        ("ruby@3.3", &["WEB_CONCURRENCY=40", "worker"]),
        ("php-fpm@8.2", &["memory_limit=128M", "pm.max_children=50"]),
        ("php-fpm@8.2", &["memory_limit=2G"]),
        ("postgres@16", &[]),
        ("postgres@16", &["-c shared_buffers=4GB", "-c max_connections=500"]),
        ("redis@7.0", &["--save ", "--maxmemory 8gb"]),
        ("mariadb@10.11", &[]),
        ("mariadb@10.11", &["--innodb-buffer-pool-size=4G", "--max-connections=500"]),
    ];

    /// The settings as they would be given after following the advice: old words go, new ones come.
    fn followed(told: &[&str], advice: &Value) -> Vec<String> {
        let mut told: Vec<String> = told.iter().map(|word| (*word).to_owned()).collect();
        for setting in advice["settings"].as_array().unwrap() {
            let text = |key: &str| setting[key].as_str();
            let (name, word) = (text("name").unwrap(), text("word").unwrap().to_owned());
            match text("place").unwrap() {
                "environment" => {
                    told.retain(|old| old.split('=').next() != Some(name));
                    told.push(word);
                }
                "file" => {
                    told.retain(|old| old.split('=').next() != Some(name));
                    told.push(word.replace(" = ", "="));
                }
                "argument" => match text("replaces") {
                    Some(old) => {
                        let at = told.iter().position(|it| it == old);
                        let at = at.unwrap_or_else(|| panic!("{old} is not in {told:?}"));
                        told[at] = word;
                    }
                    None => told.push(word),
                },
                other => panic!("{other}"),
            }
        }
        told
    }

    #[test]
    fn whoever_follows_the_words_gets_what_was_promised_and_is_told_nothing_more() {
        let (mut fitting, mut refused) = (0, 0);
        for (asked, told) in ASKED {
            for limit in ["128m", "256m", "512m", "1g", "4g"] {
                for layout in ["container", "hidden-parent"] {
                    let measured = ["--worker", "40m", "--master", "20m"];
                    let needs = told.last() == Some(&"worker");
                    let told: Vec<&str> =
                        told.iter().copied().filter(|it| *it != "worker").collect();
                    let question = |told: &[String]| -> (i32, Value) {
                        let mut words =
                            vec!["--predict", asked, "--limit", limit, "--layout", layout];
                        told.iter().for_each(|word| words.extend(["--setting", word]));
                        words.extend(measured.iter().filter(|_| needs));
                        predict(&words)
                    };
                    let before: Vec<String> = told.iter().map(|word| (*word).to_owned()).collect();
                    let (code, advice) = question(&before);
                    if code == 1 {
                        assert!(
                            advice["cannot"].is_string() || advice["fits"] == json!("cannot-fit"),
                            "{advice:#}"
                        );
                        refused += 1;
                        continue;
                    }
                    let after = followed(&told, &advice);
                    let (code, again) = question(&after);
                    let what = format!(
                        "{asked} {limit} {layout}: {told:?} → {after:?}\n{advice:#}\n{again:#}"
                    );
                    assert_eq!((code, &again["refuses"]), (0, &Value::Null), "{what}");
                    assert_eq!(again["fits"], advice["fits"], "{what}");
                    assert_eq!(again["may_use_bytes"], advice["may_use_bytes"], "{what}");
                    if advice["fits"] == json!("fits") {
                        assert_eq!(again["settings"], json!([]), "{what}");
                        fitting += 1;
                    }
                }
            }
        }
        assert!(fitting > 150 && refused > 0, "{fitting} {refused}");
    }

    #[test]
    fn what_cannot_be_kept_is_said_before_it_dies() {
        for (asked, word) in [
            (&["--predict", "bun@1.2", "--limit", "256m"][..], "cannot"),
            (&["--predict", "go@1.18", "--limit", "256m"], "cannot"),
            (&["--predict", "node@22", "--limit", "48m"], "cannot"),
            (
                &["--predict", "python@3.12", "--limit", "128m", "--setting", "WEB_CONCURRENCY=6"],
                "missing",
            ),
        ] {
            let (code, found) = predict(asked);
            assert!(code == 1 && found[word].is_string(), "{found:#}");
        }
        let workers =
            ["--predict", "python@3.12", "--limit", "128m", "--setting", "WEB_CONCURRENCY=6"];
        let (code, found) =
            predict(&[&workers[..], &["--worker", "31m", "--master", "12m"]].concat());
        let last = found["settings"].as_array().unwrap().last().unwrap();
        assert_eq!((code, last["word"].as_str()), (0, Some("WEB_CONCURRENCY=3")), "{found:#}");
        assert_eq!(found["may_use_bytes"], json!((3 * 31 + 12) << 20));
    }

    #[test]
    fn words_that_cannot_be_followed_are_usage() {
        let folder = folder("compose.yaml", "services: {api: {image: 'node:22'}}\n");
        for words in [
            &[][..],
            &["--predict", "node@22"],
            &["--predict", "node@22", "compose.yaml"],
            &["--predict", "node@22", "--limit", "0"],
            &["compose.yaml", "--service", "web"],
            &["compose.yaml", "--as", "env", "--format", "json"],
            &["compose.yaml", "--apply", "--format", "json"],
            &["-", "--apply", "--yes"],
            &["--undo", "--apply"],
            &["--pid", "1", "--apply", "--predict", "node@22"],
        ] {
            let (code, out, err) = align(folder.path(), words);
            assert_eq!((code, out.as_str()), (2, ""), "{words:?}: {err}");
        }
        let (code, _, err) = align(folder.path(), &["nosuch.yaml"]);
        assert!(code == 1 && err.contains("could not read `nosuch.yaml`"), "{err}");
        let (code, _, err) = align(folder.path(), &["nosuch"]);
        assert!(code == 1 && err.contains(NOBODY), "{err}");
    }

    /// A value with everything that quotes are for.
    const NASTY: &str = "JAVA_TOOL_OPTIONS=-Da=\"b 'c'\" -Dd=$HOME -Xmx9g";

    fn fragment(form: &str, words: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let asked = ["--predict", "java@17", "--limit", "512m", "--as", form];
        let (code, out, err) = align(folder.path(), &[&asked[..], &MACHINE, words].concat());
        assert_eq!(code, 0, "{err}");
        out
    }

    #[test]
    fn what_is_pasted_into_a_shell_arrives_as_it_was_meant() {
        let value = "-Xmx283m -XX:MaxDirectMemorySize=51m -Da=\"b 'c'\" -Dd=$HOME";
        let said = fragment("docker-run", &["--setting", NASTY]);
        let shell = |script: &str| {
            let output = Command::new("sh").args(["-c", script]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let words = shell(&format!("printf '[%s]' {said}"));
        assert_eq!(words, format!("[--memory][512m][--env][JAVA_TOOL_OPTIONS={value}]"));
        let said = fragment("env", &["--setting", NASTY]);
        assert_eq!(shell(&format!("{said}\nprintf %s \"$JAVA_TOOL_OPTIONS\"")), value);
        assert_eq!(fragment("flags", &[]), "-Xmx283m -XX:MaxDirectMemorySize=51m\n");
    }

    #[test]
    fn every_fragment_in_a_file_of_its_own_is_right_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        let nasty = ["--setting", NASTY];
        let compose = fragment("compose", &nasty);
        write(
            "compose.yaml",
            compose.replace("  app:\n", "  app:\n    image: eclipse-temurin:17\n"),
        );
        write("Dockerfile", format!("FROM eclipse-temurin:17\n{}", fragment("dockerfile", &nasty)));
        let container = fragment("kubernetes", &nasty);
        let container: String = container.lines().map(|line| format!("      {line}\n")).collect();
        write(
            "k.yaml",
            format!(
                "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      image: eclipse-temurin:17\n{container}"
            ),
        );
        let mut container: Value = serde_json::from_str(&fragment("ecs", &nasty)).unwrap();
        container["image"] = json!("eclipse-temurin:17");
        write("task.json", json!({"containerDefinitions": [container]}).to_string());
        for name in ["compose.yaml", "Dockerfile", "k.yaml", "task.json"] {
            let limit: &[&str] = if name == "Dockerfile" { &["--limit", "512m"] } else { &[] };
            let (code, out, err) = align(folder.path(), &[&[name], limit, &MACHINE].concat());
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!((code, out.as_str()), (0, ""), "{text}\n{err}");
            assert!(
                err.contains("nothing has to change") && text.contains("-Xmx283m"),
                "{text}\n{err}"
            );
        }
    }

    const COMPOSE: &str = "# shop\r\nx-env: &env {TZ: UTC}\r\nservices:\r\n  api:\r\n    image: node:22.12   # pinned\r\n    environment: *env\r\n    mem_limit: 512m\r\n  proxy: {image: \"traefik:v3\"}\r\n  db:\r\n    image: postgres:16\r\n    mem_limit: 256m";

    #[test]
    fn the_diff_is_what_patch_reads_and_apply_writes_and_undo_takes_back() {
        let folder = folder("compose.yaml", COMPOSE);
        let path = folder.path().join("compose.yaml");
        let (code, diff, err) = with_state(folder.path(), &["compose.yaml"]);
        assert_eq!(code, 0, "{err}");
        assert!(
            diff.contains("+      <<: *env\r\n+      NODE_OPTIONS: --max-old-space-size=358\r\n"),
            "{diff}"
        );
        assert!(err.contains("proxy: its runtime is not known"), "{err}");
        assert_eq!(fs::read_to_string(&path).unwrap(), COMPOSE);
        let (code, shown, err) = with_state(folder.path(), &["compose.yaml", "--apply", "--yes"]);
        assert_eq!((code, shown.as_str()), (0, diff.as_str()), "{err}");
        let applied = fs::read_to_string(&path).unwrap();
        if has("patch") {
            let other = self::folder("compose.yaml", COMPOSE);
            let mut patch = Command::new("patch")
                .args(["--binary", "-p1", "--quiet"])
                .current_dir(other.path())
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            patch.stdin.take().unwrap().write_all(diff.as_bytes()).unwrap();
            assert!(patch.wait().unwrap().success());
            assert_eq!(fs::read_to_string(other.path().join("compose.yaml")).unwrap(), applied);
        }
        let (code, out, err) = with_state(folder.path(), &["compose.yaml"]);
        assert_eq!((code, out.as_str()), (0, ""), "{err}");
        let (code, _, err) = take_back(folder.path(), &["compose.yaml", "--yes"]);
        assert_eq!(code, 0, "{err}");
        assert_eq!(fs::read_to_string(&path).unwrap(), COMPOSE);
        let (code, _, err) = take_back(folder.path(), &["compose.yaml", "--yes"]);
        assert!(code == 1 && err.contains("nothing was changed in `compose.yaml`"), "{err}");
    }

    #[test]
    fn nothing_is_written_without_a_yes() {
        let folder = folder("compose.yaml", COMPOSE);
        let text = || fs::read_to_string(folder.path().join("compose.yaml")).unwrap();
        let (code, out, err) = with_state(folder.path(), &["compose.yaml", "--apply"]);
        assert!(
            code == 2 && out.contains("+++ b/compose.yaml") && err.contains("nobody can be asked"),
            "{err}"
        );
        assert!(text() == COMPOSE && !folder.path().join("state").exists());
        if !has("script") {
            return;
        }
        for (typed, is_written) in [("\n", false), ("n\n", false), ("y\n", true)] {
            let program = env!("CARGO_BIN_EXE_why137");
            let line = format!("{program} align compose.yaml --apply {}", MACHINE.join(" "));
            let mut terminal = Command::new("script")
                .args(["-qec", &line, "/dev/null"])
                .env("XDG_STATE_HOME", folder.path().join("state"))
                .current_dir(folder.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut input = terminal.stdin.take().unwrap();
            let mut said = BufReader::new(terminal.stdout.take().unwrap());
            // The question comes before the answer is typed.
            let mut seen = Vec::new();
            while !seen.ends_with(b"[y/N] ") {
                let mut byte = [0];
                std::io::Read::read_exact(&mut said, &mut byte).unwrap();
                seen.push(byte[0]);
            }
            input.write_all(typed.as_bytes()).unwrap();
            let mut rest = String::new();
            while said.read_line(&mut rest).is_ok_and(|read| read > 0) {}
            let code = terminal.wait().unwrap().code();
            assert_eq!(
                (text() != COMPOSE, code),
                (is_written, Some(i32::from(!is_written))),
                "{rest}"
            );
        }
    }

    #[test]
    fn what_was_changed_since_is_not_taken_back() {
        let folder = folder("compose.yaml", COMPOSE);
        let path = folder.path().join("compose.yaml");
        with_state(folder.path(), &["compose.yaml", "--apply", "--yes"]);
        let theirs = fs::read_to_string(&path).unwrap().replace("node:22.12", "node:22.13");
        fs::write(&path, &theirs).unwrap();
        let (code, out, err) = take_back(folder.path(), &["--yes"]);
        assert!(code == 1 && err.contains("was changed since it was written"), "{err}");
        assert!(
            out.contains("-    image: node:22.12 ") && out.contains("+    image: node:22.13 "),
            "{out}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
    }

    #[test]
    fn a_link_leads_to_its_file_and_what_is_read_only_stays() {
        let folder = folder("real.yaml", COMPOSE);
        let real = folder.path().join("real.yaml");
        symlink("real.yaml", folder.path().join("compose.yaml")).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o444)).unwrap();
        let (code, _, err) = with_state(folder.path(), &["compose.yaml", "--apply", "--yes"]);
        assert!(code == 1 && err.contains("is read-only"), "{err}");
        assert_eq!(fs::read_to_string(&real).unwrap(), COMPOSE);
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let (code, _, err) = with_state(folder.path(), &["compose.yaml", "--apply", "--yes"]);
        assert_eq!(code, 0, "{err}");
        assert!(fs::symlink_metadata(folder.path().join("compose.yaml")).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        let (code, _, err) = take_back(folder.path(), &["compose.yaml", "--yes"]);
        assert_eq!((code, fs::read_to_string(&real).unwrap().as_str()), (0, COMPOSE), "{err}");
    }

    #[test]
    fn limit_and_ceiling_change_together_in_both_directions() {
        let text = "services:\n  api:\n    image: node:22.12\n    mem_limit: 512m\n    environment: [NODE_OPTIONS=--max-old-space-size=358]\n";
        let folder = folder("compose.yaml", text);
        for (limit, old) in [("256m", "179"), ("2g", "1536")] {
            let (code, diff, err) = with_state(folder.path(), &["compose.yaml", "--limit", limit]);
            let limit = if limit == "2g" { "2048m" } else { limit };
            assert!(
                code == 0 && diff.contains(&format!("+    mem_limit: {limit}\n")),
                "{diff}{err}"
            );
            assert!(diff.contains(&format!("=--max-old-space-size={old}]")), "{diff}{err}");
        }
        let (code, diff, err) = with_state(folder.path(), &["compose.yaml", "--limit", "48m"]);
        assert!(
            code == 1 && diff.is_empty() && err.contains("cannot be kept within 48 MiB"),
            "{diff}{err}"
        );
    }

    #[test]
    fn what_a_variable_would_beat_is_not_promised() {
        let text = "services:\n  api:\n    image: node:22.12\n    mem_limit: 512m\n    environment:\n      NODE_OPTIONS: ${OPTIONS:---max-old-space-size=4096}\n";
        let folder = folder("compose.yaml", text);
        let (code, diff, err) = with_state(folder.path(), &["compose.yaml"]);
        assert!(
            code == 1 && diff.is_empty() && err.contains("would beat the new one"),
            "{diff}{err}"
        );
        let plain = text.replace(
            "${OPTIONS:---max-old-space-size=4096}",
            "${MORE:-} --max-old-space-size=${HEAP:-4096}",
        );
        fs::write(folder.path().join("compose.yaml"), plain).unwrap();
        let (code, diff, err) = with_state(folder.path(), &["compose.yaml"]);
        assert!(
            code == 0 && diff.contains("+      NODE_OPTIONS: ${MORE:-} --max-old-space-size=358\n"),
            "{diff}{err}"
        );
    }

    #[test]
    fn what_is_not_known_is_said_and_can_be_told() {
        let text = "services:\n  api: {image: 'shop/api:1', mem_limit: 512m}\n  job: {image: 'node:lts', mem_limit: 512m}\n  free: {image: 'node:22'}\n";
        let folder = folder("compose.yaml", text);
        let (code, _, err) = with_state(folder.path(), &["compose.yaml", "--service", "api"]);
        assert!(code == 1 && err.contains("its runtime is not known from `shop/api:1`"), "{err}");
        let words = ["compose.yaml", "--service", "api", "--runtime", "java@17"];
        let (code, diff, err) = with_state(folder.path(), &words);
        assert!(
            code == 0 && diff.contains("environment: {JAVA_TOOL_OPTIONS: -Xmx283m -XX:"),
            "{diff}{err}"
        );
        let (code, diff, err) = with_state(folder.path(), &["compose.yaml", "--service", "job"]);
        assert!(
            code == 0 && diff.contains("NODE_OPTIONS") && err.contains("of whichever version"),
            "{diff}{err}"
        );
        let (code, _, err) = with_state(folder.path(), &["compose.yaml", "--service", "free"]);
        assert!(code == 1 && err.contains("it has no limit"), "{err}");
        let (code, out, _) = with_state(folder.path(), &["compose.yaml", "--format", "json"]);
        let found: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, found["parts"].as_array().unwrap().len()), (1, 3));
        assert!(
            found["parts"][0]["problem"].is_string()
                && found["parts"][1]["advice"]["settings"].is_array()
        );
    }

    #[test]
    fn a_process_that_runs_is_answered_with_what_it_was_told() {
        if !has("node") {
            return;
        }
        let wait = "console.log('up'); process.stdin.resume(); process.stdin.on('end', () => process.exit())";
        let mut node = Command::new("node")
            .args(["--max-old-space-size=4096", "-e", wait])
            .env_remove("NODE_OPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let pid = node.id().to_string();
        let words = ["--pid", &pid, "--limit", "512m", "--format", "json"];
        let (code, out, err) = align(folder.path(), &words);
        drop(node.stdin.take());
        node.wait().unwrap();
        let found: Value =
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error} {err}"));
        assert_eq!((code, found["now"].as_str()), (0, Some("cannot-fit")), "{found:#}");
        assert_eq!(
            found["settings"][0]["replaces"],
            json!("--max-old-space-size=4096"),
            "{found:#}"
        );
    }
}
