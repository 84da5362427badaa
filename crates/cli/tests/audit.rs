//! `why137 audit` on what really runs: processes in cgroups of their own, measured again by the test.
//!
//! Needs Node.js and Python; a cgroup needs root, or a delegated one. What this machine cannot run says
//! `NOT RUN`. Nothing runs out of memory here.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[path = "audit/ground.rs"]
mod ground;
#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    use crate::daemon::{Act, answer, dead_container, engine, event, serve};
    use crate::ground::{Job, POOL, WAIT, cage, private_of};
    use crate::program::run;

    const NOBODY: &str = "unix:///nonexistent/docker.sock";

    fn audit(docker: &str, words: &[&str]) -> (i32, String, String) {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), docker, &[&["audit"], words].concat(), "")
    }

    fn json_of(docker: &str, words: &[&str]) -> (i32, Value) {
        let (code, out, err) = audit(docker, &[words, &["--format", "json"]].concat());
        (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
    }

    #[test]
    fn a_prediction_has_the_keys_that_it_always_had() {
        let (code, found) = json_of(NOBODY, &["--predict", "node@22.12.0", "--limit", "128m"]);
        let keys =
            |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        assert_eq!((code, found["fits"].as_str()), (1, Some("cannot-fit")));
        let all =
            ["limit_bytes", "limit_cgroup", "fits", "may_use_bytes", "sum", "processes", "remarks"];
        assert_eq!(keys(&found), all);
        let row = [
            "pid",
            "comm",
            "runtime",
            "version",
            "ceiling_bytes",
            "ceiling_from",
            "non_heap_bytes",
            "count",
            "count_from",
            "cpus",
            "collector",
            "refuses",
        ];
        assert_eq!(keys(&found["processes"][0]), row);
    }

    #[test]
    fn one_question_at_a_time() {
        for words in [
            &["api", "--pid", "1"][..],
            &["api", "--all"],
            &["--pid", "1", "--all"],
            &["api", "--predict", "node@22"],
            &["--predict", "node@22", "--watch"],
            &["api", "--limit", "5m"],
            &["api", "--setting", "GOGC=50"],
            &["--cpus", "2"],
            &["--pid", "0"],
        ] {
            let (code, out, err) = audit(NOBODY, words);
            assert_eq!((code, out.as_str()), (2, ""), "{words:?}: {err}");
        }
    }

    #[test]
    fn what_cannot_be_found_is_an_error_with_a_hint() {
        let (code, out, err) = audit(NOBODY, &["api"]);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains(NOBODY) && err.contains("\n\nhint: "), "{err}");
        let (code, _, err) = audit(NOBODY, &["--pid", "4194304"]);
        assert!(code == 1 && err.contains("no process has this pid"), "{err}");
    }

    #[test]
    fn a_process_is_recognised_and_told_with_what_descends_from_it() {
        let job = Job::start(Command::new("node").args(["--max-old-space-size=64", "-e", WAIT]));
        let (code, found) = json_of(NOBODY, &["--pid", &job.pid()]);
        assert_eq!(code, 0, "{found:#}");
        let row = &found["processes"][0];
        assert_eq!((row["runtime"].as_str(), row["comm"].as_str()), (Some("node"), Some("node")));
        let version = Command::new("node").arg("--version").output().unwrap().stdout;
        let version = String::from_utf8(version).unwrap();
        assert_eq!(row["version"].as_str(), Some(version.trim().trim_start_matches('v')));
        assert!(row["ceiling_from"].as_str().unwrap().contains("--max-old-space-size=64"));
        assert!(row["pss_bytes"].as_u64().unwrap() > 1 << 20, "{row:#}");
    }

    /// Three workers of 12, 6 and 6 MiB beside their master, all by fork.
    #[test]
    fn a_pool_is_measured_as_the_kernel_measures_it() {
        let Some(cage) = cage("pool", Some(256)) else { return };
        let job = Job::start_in(cage.inner(), Command::new("python3").args(["-u", "-c", POOL]));
        // One of them divides the cgroup further.
        let nested = cage.directory().join("nested");
        fs::create_dir(&nested).unwrap();
        let children = job.children();
        fs::write(nested.join("cgroup.procs"), children[2].to_string()).unwrap();
        let (code, found) = json_of(NOBODY, &["--pid", &job.pid()]);
        let (mut private, limit): (Vec<u64>, u64) =
            (children.iter().map(|pid| private_of(*pid)).collect(), 256 << 20);
        private.sort_unstable();
        assert_eq!((code, found["fits"].as_str()), (0, Some("unknown")), "{found:#}");
        assert_eq!(found["limit_bytes"].as_u64(), Some(limit));
        assert_eq!(found["limit_cgroup"].as_str(), Some(cage.path().as_str()));
        let pool = &found["pools"][0];
        let number = |name: &str| pool[name].as_u64().unwrap_or_else(|| panic!("{name}: {pool:#}"));
        assert_eq!((number("master_pid").to_string(), number("workers")), (job.pid(), 3));
        let near = |one: u64, other: u64| one.abs_diff(other) < 512 << 10;
        assert!(near(number("worker_bytes"), private[2]), "{pool:#} {private:?}");
        assert!(near(number("worker_median_bytes"), private[1]), "{pool:#} {private:?}");
        assert!(private[2] > 12 << 20 && private[1] > 6 << 20 && private[1] < 10 << 20);
        // 8 MiB were there before the forks: all share them, and they count once.
        assert!((8 << 20..20 << 20).contains(&number("master_bytes")), "{pool:#}");
        let beside = number("master_bytes") + number("others_bytes");
        assert_eq!(number("fit"), (limit * 85 / 100 - beside) / number("worker_bytes"));
        let anon = found["now"]["anon_bytes"].as_u64().unwrap();
        assert!((32 << 20..64 << 20).contains(&anon), "{anon}");
        assert!(found["may_use_bytes"].is_null());
        let rows = found["processes"].as_array().unwrap();
        let counts: Vec<u64> = rows.iter().map(|row| row["count"].as_u64().unwrap()).collect();
        assert_eq!(counts, [1, 3], "{rows:#?}");
        drop(job);
        fs::remove_dir(&nested).ok();
    }

    #[test]
    fn workers_at_the_size_of_the_largest_are_too_many() {
        let Some(cage) = cage("tight", Some(48)) else { return };
        let job = Job::start_in(cage.inner(), Command::new("python3").args(["-u", "-c", POOL]));
        let (code, out, err) = audit(NOBODY, &["--pid", &job.pid()]);
        assert_eq!((code, err.as_str()), (1, ""), "{out}");
        let first = out.lines().next().unwrap();
        assert!(first.starts_with("Tight: 3 workers × 12"), "{out}");
        let headline: String = out.lines().take_while(|line| !line.is_empty()).collect();
        assert!(headline.contains("48 MiB: 1 fits"), "{out}");
        for line in out.lines().filter(|line| !line.starts_with("  why137 ")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn a_limit_of_a_level_above_is_found_and_named() {
        let Some(cage) = cage("above", Some(300)) else { return };
        let own = cage.directory().join("own");
        fs::create_dir(&own).unwrap();
        let job = Job::start_in(&own, Command::new("node").args(["-e", WAIT]));
        let (_, found) = json_of(NOBODY, &["--pid", &job.pid()]);
        assert_eq!(found["limit_bytes"].as_u64(), Some(300 << 20), "{found:#}");
        assert_eq!(found["limit_cgroup"].as_str(), Some(cage.path().as_str()));
        assert_eq!(found["cgroup"], format!("{}/own", cage.path()));
        // Its cgroup has no limit of its own: others may live there.
        assert_eq!(found["scope"], "process-tree");
        drop(job);
        fs::remove_dir(&own).ok();
    }

    /// A container of this machine by docker's word: its process is in a cgroup of its name.
    #[test]
    fn a_container_is_found_by_its_name_and_a_stopped_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let ended = dead_container(json!({}));
        let here = |inspect: &Value| {
            let engine = engine(inspect, &[event("start", 1, json!({}))], "");
            move |path: &str| -> Act {
                match path.split('?').next().unwrap_or_default() {
                    "/info" | "/version" => answer(200, b"{}"),
                    _ => engine(path),
                }
            }
        };
        let docker = serve(folder.path(), here(&ended));
        let (code, out, err) = audit(&docker, &["shop-api-1"]);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("does not run: it ended with 137"), "{err}");
        assert!(err.contains("why137 explain shop-api-1"), "{err}");
        let (code, _, err) = audit(&docker, &["shop-apy-1"]);
        assert!(code == 1 && err.contains("did you mean `shop-api-1`?"), "{err}");
        let (code, out, _) = audit(&docker, &["--all"]);
        assert_eq!((code, out.as_str()), (0, "No container runs.\n"));

        let id = format!("{:0>64x}", u128::from(std::process::id()) << 64 | 7);
        let Some(cage) = cage(&id, Some(128)) else { return };
        let job = Job::start_in(cage.inner(), Command::new("node").args(["-e", WAIT]));
        let state = json!({ "Status": "running", "Running": true, "Pid": job.number() });
        let running = dead_container(json!({ "Id": id, "State": state }));
        let other = tempfile::tempdir().unwrap();
        let docker = serve(other.path(), here(&running));
        let (code, found) = json_of(&docker, &["shop-api-1"]);
        assert_eq!((code, found["fits"].as_str()), (1, Some("cannot-fit")), "{found:#}");
        assert_eq!(
            (found["name"].as_str(), found["scope"].as_str()),
            (Some("shop-api-1"), Some("container"))
        );
        assert_eq!(found["container_id"].as_str(), Some(id.as_str()));
        assert_eq!(found["limit_cgroup"].as_str(), Some(cage.path().as_str()));
        let (code, all) = json_of(&docker, &["--all"]);
        assert_eq!((code, all[0]["name"].as_str()), (1, Some("shop-api-1")), "{all:#}");
        let (code, line, _) = audit(&docker, &[]);
        assert!(code == 1 && line.starts_with("cannot-fit  "), "{line}");
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn a_container_of_another_machine_is_not_looked_for_here() {
        let folder = tempfile::tempdir().unwrap();
        let state = json!({ "Status": "running", "Running": true, "Pid": 1 });
        let running = dead_container(json!({ "State": state }));
        let docker = serve(folder.path(), engine(&running, &[], ""));
        let (code, out, err) = audit(&docker, &["shop-api-1"]);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("on another machine") && err.contains("hint: "), "{err}");
    }

    #[test]
    fn a_watch_gives_a_line_for_each_look_and_ends_well() {
        let job = Job::start(
            Command::new("python3")
                .args(["-c", "import sys; print('up', flush=True); sys.stdin.read()"]),
        );
        let mut watch = Command::new(env!("CARGO_BIN_EXE_why137"))
            .args(["audit", "--watch", "--pid", &job.pid()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let began = Instant::now();
        let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
        for _ in 0..2 {
            let line = lines.next().unwrap().unwrap();
            assert!(line.contains("Z  ") && line.contains("Python"), "{line}");
        }
        assert!(began.elapsed() > Duration::from_millis(1500));
        let pid = watch.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert_eq!(watch.wait().unwrap().code(), Some(0));
    }

    #[test]
    fn a_watch_that_nobody_reads_ends_by_itself() {
        let job = Job::start(
            Command::new("python3")
                .args(["-c", "import sys; print('up', flush=True); sys.stdin.read()"]),
        );
        let mut watch = Command::new(env!("CARGO_BIN_EXE_why137"))
            .args(["audit", "--watch", "--format", "json", "--pid", &job.pid()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(watch.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let found: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(found["processes"][0]["runtime"], "python");
        assert_eq!(watch.wait().unwrap().code(), Some(0));
    }

    #[test]
    fn a_watch_of_what_has_ended_says_so() {
        let job = Job::start(
            Command::new("python3")
                .args(["-c", "import sys; print('up', flush=True); sys.stdin.read()"]),
        );
        let pid = job.pid();
        let mut watch = Command::new(env!("CARGO_BIN_EXE_why137"))
            .args(["audit", "--watch", "--pid", &pid])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(watch.stdout.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        drop(job);
        let ended = watch.wait_with_output().unwrap();
        let err = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1));
        assert!(err.contains(&format!("why137 explain --pid {pid}")), "{err}");
    }
}
