//! The program as a shell sees it: words in, answer, notes and exit code out.
//!
//! What the judge says of a text is not tested here, only that page, JSON and exit code agree.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::{Command, Output, Stdio};

    use tempfile::TempDir;

    const NOW: &str = "2026-05-28T00:00:00Z";
    const KERNEL_LOG: &str = "\
[   83.469293] python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[   83.469401] memory: usage 65536kB, limit 65536kB, failcnt 31
[   83.469500] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/docker/ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901,task_memcg=/docker/ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901,task=python3,pid=295,uid=0
[   83.469600] Memory cgroup out of memory: Killed process 295 (python3) total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0
";

    /// A command with nothing of this machine's environment.
    fn why137(folder: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_why137"));
        command
            .args(words)
            .env_clear()
            .env("WHY137_NOW", NOW)
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .current_dir(folder)
            .stdin(Stdio::null());
        command
    }

    fn run(folder: &Path, words: &[&str]) -> Output {
        why137(folder, words).output().unwrap()
    }

    fn run_with_input(folder: &Path, words: &[&str], input: &[u8]) -> Output {
        let mut child = why137(folder, words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    fn out(output: &Output) -> String {
        String::from_utf8(output.stdout.clone()).unwrap()
    }

    fn err(output: &Output) -> String {
        String::from_utf8(output.stderr.clone()).unwrap()
    }

    fn code(output: &Output) -> i32 {
        output.status.code().unwrap()
    }

    fn folder() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("kern.log"), KERNEL_LOG).unwrap();
        folder
    }

    /// The exit code that an answer must have.
    fn expected_code(json: &serde_json::Value) -> i32 {
        match (json["killer"].as_str().unwrap(), json["confidence"].as_str().unwrap()) {
            ("still-alive", _) => 4,
            ("unknown", _) | (_, "possible" | "unknown") => 3,
            _ => 0,
        }
    }

    #[test]
    fn without_words_it_lists_what_died_here() {
        let folder = folder();
        let alone = run(folder.path(), &["--width", "120"]);
        assert!([0, 1, 3, 4].contains(&code(&alone)), "{}", err(&alone));
        // There is no such daemon: that is told, whatever else this machine knows.
        assert!((out(&alone) + &err(&alone)).contains("it does not exist"), "{}", err(&alone));
    }

    #[test]
    fn page_json_line_and_exit_code_agree() {
        let folder = folder();
        let json = run(folder.path(), &["--format", "json", "explain", "kern.log"]);
        let value: serde_json::Value = serde_json::from_str(&out(&json)).unwrap();
        assert_eq!(value["schema_version"], 1);
        assert_eq!(code(&json), expected_code(&value));
        let grade = value["confidence"].as_str().unwrap();
        for words in [&["kern.log"][..], &["explain", "./kern.log"], &["-q", "kern.log"]] {
            let output = run(folder.path(), words);
            assert_eq!(code(&output), code(&json), "{words:?}: {}", err(&output));
            let text = out(&output);
            assert!(text.lines().next().unwrap().ends_with(grade), "{words:?}: {text}");
        }
        let quiet = run(folder.path(), &["kern.log", "--quiet"]);
        assert_eq!(out(&quiet).lines().count(), 1);
        let markdown = run(folder.path(), &["kern.log", "--format", "markdown"]);
        assert!(out(&markdown).starts_with("**"));
    }

    #[test]
    fn a_file_wins_over_a_name_and_says_so() {
        let folder = folder();
        fs::write(folder.path().join("api"), KERNEL_LOG).unwrap();
        let output = run(folder.path(), &["api"]);
        assert!(err(&output).contains("note: reading the file `api`"), "{}", err(&output));
        assert!(!out(&output).is_empty());
        // A path is plainly a file, and one line is one line.
        assert_eq!(err(&run(folder.path(), &["./api"])), "");
        assert_eq!(err(&run(folder.path(), &["-q", "api"])), "");
    }

    #[test]
    fn a_folder_of_the_containers_name_is_not_in_the_way() {
        let folder = folder();
        fs::create_dir(folder.path().join("shop")).unwrap();
        let output = run(folder.path(), &["shop"]);
        assert_eq!(code(&output), 1);
        assert!(!err(&output).contains("folder"), "{}", err(&output));
        let output = run(folder.path(), &["./shop"]);
        assert_eq!(code(&output), 1);
        assert!(err(&output).contains("`./shop` is a folder"), "{}", err(&output));
    }

    #[test]
    fn standard_input_is_read_when_piped_or_asked_for() {
        let folder = folder();
        let file = run(folder.path(), &["--format", "json", "kern.log"]);
        for words in [&["--format", "json"][..], &["--format", "json", "-"], &["explain", "-"]] {
            let output = run_with_input(folder.path(), words, KERNEL_LOG.as_bytes());
            assert_eq!(code(&output), code(&file), "{words:?}: {}", err(&output));
        }
        let empty = run_with_input(folder.path(), &["-"], b" \n");
        assert_eq!(code(&empty), 1);
        assert!(err(&empty).contains("`standard input` is empty"), "{}", err(&empty));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_a_hint() {
        let folder = folder();
        fs::write(folder.path().join("empty.log"), "").unwrap();
        fs::write(folder.path().join("old.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
        let large = fs::File::create(folder.path().join("large.log")).unwrap();
        large.set_len(12 << 20).unwrap();
        for (words, message) in [
            (&["empty.log"][..], "`empty.log` is empty"),
            (&["old.gz"], "`old.gz` is compressed"),
            (&["large.log"], "no line in `large.log` tells of a death"),
            (&["kern.log", "gone.log"], "there is no file `gone.log`"),
        ] {
            let output = run(folder.path(), words);
            assert_eq!(code(&output), 1, "{words:?}");
            assert_eq!(out(&output), "", "{words:?}");
            let told = err(&output);
            assert!(told.contains(&format!("error: {message}\n\nhint: ")), "{told}");
        }
        let output = run(folder.path(), &["./gone.log"]);
        assert!(err(&output).contains("error: there is no file `./gone.log`"), "{}", err(&output));
    }

    #[test]
    fn text_that_is_not_utf_8_is_read_all_the_same() {
        let folder = folder();
        let mut latin = KERNEL_LOG.as_bytes().to_vec();
        latin.extend_from_slice(b"[   84.0] caf\xe9\n");
        fs::write(folder.path().join("latin.log"), latin).unwrap();
        let mut windows = vec![0xff, 0xfe];
        windows.extend(KERNEL_LOG.encode_utf16().flat_map(u16::to_le_bytes));
        fs::write(folder.path().join("windows.log"), windows).unwrap();
        let plain = run(folder.path(), &["-q", "./kern.log"]);
        let latin = run(folder.path(), &["-q", "./latin.log"]);
        assert!(err(&latin).contains("not all UTF-8"), "{}", err(&latin));
        assert_eq!(out(&latin), out(&plain));
        assert_eq!(out(&run(folder.path(), &["-q", "./windows.log"])), out(&plain));
    }

    #[test]
    fn a_saved_case_is_private_and_gives_the_same_answer() {
        let folder = folder();
        let live = run(folder.path(), &["--format", "json", "--save", "a case.json", "./kern.log"]);
        assert!(err(&live).contains("why137 explain 'a case.json'"), "{}", err(&live));
        let path = folder.path().join("a case.json");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = run(folder.path(), &["--format", "json", "./a case.json"]);
        assert_eq!(out(&again), out(&live));
        assert_eq!(code(&again), code(&live));
        // A case that is there already, readable by all, becomes private too.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        run(folder.path(), &["--save", "a case.json", "./kern.log"]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let nowhere = run(folder.path(), &["--save", "no/such/folder", "./kern.log"]);
        assert_eq!(code(&nowhere), 1);
        assert!(err(&nowhere).contains("could not save the case in `no/such/folder`"));
    }

    #[test]
    fn colour_is_written_only_when_asked_for() {
        let folder = folder();
        let auto = out(&run(folder.path(), &["./kern.log"]));
        let always = out(&run(folder.path(), &["--color", "always", "./kern.log"]));
        let never = out(&run(folder.path(), &["--color", "never", "./kern.log"]));
        assert!(!auto.contains('\u{1b}'));
        assert_eq!(auto, never);
        assert!(always.contains('\u{1b}'));
    }

    #[test]
    fn a_daemon_that_is_not_there_is_an_error_with_a_hint() {
        let folder = folder();
        let output = run(folder.path(), &["api"]);
        assert_eq!(code(&output), 1);
        assert_eq!(out(&output), "");
        assert!(err(&output).starts_with("error: "), "{}", err(&output));
        assert!(err(&output).contains("\n\nhint: "), "{}", err(&output));
    }

    #[test]
    fn a_refused_command_line_ends_with_2() {
        let folder = folder();
        for words in [
            &["--format", "xml", "x"][..],
            &["--quiet", "--format", "json", "x"],
            &["--no-such-option"],
            &["rule"],
            &["rule", "no-such-rule"],
        ] {
            let output = run(folder.path(), words);
            assert_eq!(code(&output), 2, "{words:?}");
            assert_eq!(out(&output), "", "{words:?}");
        }
        let output = why137(folder.path(), &["./kern.log"]).env("WHY137_NOW", "noon").output();
        assert_eq!(code(&output.unwrap()), 2);
    }

    #[test]
    fn a_reader_that_goes_away_ends_it_quietly() {
        let folder = folder();
        let mut child = why137(folder.path(), &["schema"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(err(&output), "");
        assert_eq!(code(&output), 0);
    }

    #[test]
    fn a_full_disk_is_told() {
        let folder = folder();
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = why137(folder.path(), &["schema"]).stdout(full).output().unwrap();
        assert_eq!(code(&output), 1);
        assert!(err(&output).contains("could not write to standard output"), "{}", err(&output));
    }

    #[test]
    fn the_program_describes_itself() {
        let folder = folder();
        let schema = run(folder.path(), &["schema"]);
        let value: serde_json::Value = serde_json::from_str(&out(&schema)).unwrap();
        assert_eq!(value["properties"]["schema_version"]["const"], 1);
        assert!(out(&run(folder.path(), &["man"])).contains(".TH"));
        for shell in ["bash", "zsh", "fish"] {
            let script = out(&run(folder.path(), &["completions", shell]));
            assert!(script.contains("why137"), "{shell}");
        }
        assert_eq!(code(&run(folder.path(), &["rules"])), 0);
        assert_eq!(code(&run(folder.path(), &["--help"])), 0);
        assert!(out(&run(folder.path(), &["--version"])).starts_with("why137 "));
    }

    #[test]
    fn the_generated_files_are_the_same_every_time() {
        let folder = folder();
        let names = [
            "docs/reference/rules.md",
            "docs/reference/answer.schema.json",
            "docs/reference/cli.md",
            "packaging/man/why137.1",
            "packaging/man/why137-explain.1",
            "packaging/completions/_why137",
            "packaging/completions/why137.bash",
            "packaging/completions/why137.fish",
        ];
        let generated = || {
            assert_eq!(code(&run(folder.path(), &["generate", "."])), 0);
            names.map(|name| fs::read_to_string(folder.path().join(name)).unwrap())
        };
        let first = generated();
        assert!(first.iter().all(|text| !text.is_empty()));
        assert_eq!(first, generated());
    }
}
