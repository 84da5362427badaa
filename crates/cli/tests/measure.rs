//! `why137 measure` and `why137 verify` on what really runs: leaks, plateaus, start-ups, page cache, a JVM that lives
//! to collect, a container that restarts or is removed meanwhile. Judged by the answer, and by the kernel's counters.
//!
//! Needs Python, a JDK for one test, and a cgroup: root, or a delegated one. What this machine cannot run says
//! `NOT RUN`. What runs out of memory does so in a limit of 96 MiB at most.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[expect(dead_code, reason = "shared with the tests of audit, which use the rest")]
#[path = "audit/ground.rs"]
mod ground;
#[cfg(test)]
#[path = "support/program.rs"]
mod program;
#[cfg(test)]
#[path = "measure/programs.rs"]
mod programs;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};
    use std::thread;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use serde_json::{Value, json};

    use crate::daemon::{Act, answer, dead_container, engine, event, serve};
    use crate::ground::{Job, cage};
    use crate::program::{Ran, run};
    use crate::programs::{FILES, IDLE, LEAK, PLATEAU, RESPAWN, START_UP, program};

    const NOBODY: &str = "unix:///nonexistent/docker.sock";
    const MIB: f64 = 1_048_576.0;

    fn ask(folder: &Path, docker: &str, words: &[&str]) -> Ran {
        run(folder, docker, words, "")
    }

    fn json_of(folder: &Path, docker: &str, words: &[&str]) -> (i32, Value) {
        let at = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        let (before, load) = words.split_at(at);
        let (code, out, err) = ask(folder, docker, &[before, &["--format", "json"], load].concat());
        (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
    }

    fn python(text: &str) -> Command {
        let mut command = Command::new("python3");
        command.args(["-u", "-c", &program(text)]);
        command
    }

    fn number(of: &Value, pointer: &str) -> f64 {
        of.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer}: {of:#}"))
    }

    /// A load that prints a request every tenth of a second, for so many seconds.
    fn load(seconds: u32) -> String {
        format!(
            "for i in $(seq {}); do echo latency_ms=4.$((i % 10)); sleep 0.1; done",
            seconds * 10
        )
    }

    /// Scenario 15: usage at the limit, all of it files.
    #[test]
    fn a_cgroup_full_of_files_needs_little() {
        let Some(cage) = cage("files", Some(64)) else { return };
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let file = folder.path().join("file").display().to_string();
        let job = Job::start_in(cage.inner(), python(FILES).arg(&file));
        let words = ["measure", "--pid", &job.pid(), "--for", "3s"];
        let (code, found) = json_of(folder.path(), NOBODY, &words);
        assert_eq!(code, 0);
        let usage = number(&found, "/level/usage_bytes");
        assert!(usage > 54.0 * MIB, "{found:#}");
        assert!(number(&found, "/watched/peak_mem_bytes") < 16.0 * MIB, "{found:#}");
        assert!(number(&found, "/level/cold_file_bytes") > 40.0 * MIB, "{found:#}");
        assert_eq!(number(&found, "/watched/kills"), 0.0);
        assert!(number(&found, "/kernel_peak_bytes") >= usage);
        let (_, page, _) = ask(folder.path(), NOBODY, &words);
        assert!(page.contains("% of the limit)") && page.contains("given back"), "{page}");
        for line in page.lines().filter(|line| !line.starts_with("  why137 ")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    /// Scenario 22: the most is at the start.
    #[test]
    fn a_start_up_peak_is_seen_as_one() {
        let Some(cage) = cage("start-up", Some(96)) else { return };
        let folder = tempfile::tempdir().unwrap();
        let job = Job::start_in(cage.inner(), &python(START_UP));
        let words = ["measure", "--pid", &job.pid(), "--for", "10s", "--save", "looks.csv"];
        let (code, page, err) = ask(folder.path(), NOBODY, &words);
        assert_eq!((code, err.as_str()), (0, ""), "{page}");
        let row = page.lines().find(|line| line.starts_with("  start-up")).unwrap();
        assert!(row.contains("MiB in the first") && row.contains("MiB later"), "{page}");
        assert!(page.contains("why137 size looks.csv"), "{page}");
        let table = fs::read_to_string(folder.path().join("looks.csv")).unwrap();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows[0][..4], ["series", "t_s", "mem_bytes", "limit_bytes"]);
        let held: Vec<f64> = rows[1..].iter().map(|row| row[2].parse().unwrap()).collect();
        assert!(held.len() > 30 && held[0] > 70.0 * MIB, "{held:?}");
        assert!(held[held.len() - 1] < 20.0 * MIB, "{held:?}");
        assert!(rows[1..].iter().all(|row| row[3] == (96 << 20).to_string()));
    }

    /// Scenario 23 A: half a MiB every 50 ms, until the kernel ends it.
    #[test]
    fn a_leak_is_watched_to_its_end_and_does_not_hold() {
        let Some(cage) = cage("leak", Some(96)) else { return };
        let folder = tempfile::tempdir().unwrap();
        let job = Job::start_in(cage.inner(), &python(LEAK));
        let words = [
            "verify",
            "--pid",
            &job.pid(),
            "--for",
            "120s",
            "--save",
            "leak.csv",
            "--",
            "sh",
            "-c",
            &load(120),
        ];
        let (code, found) = json_of(folder.path(), NOBODY, &words);
        assert_eq!((code, found["verdict"].as_str()), (1, Some("does_not_hold")), "{found:#}");
        assert_eq!(
            (number(&found, "/after/kills"), found["stopped_by"].as_str()),
            (1.0, Some("end"))
        );
        let because = found["because"][0].as_str().unwrap();
        assert!(because.starts_with("1 kill by an OOM killer, the first after "), "{because}");
        assert_eq!(found.pointer("/after/load/was_cut"), Some(&json!(true)));
        let peak = number(&found, "/after/peak_mem_bytes");
        assert!(peak > 88.0 * MIB && peak < 100.0 * MIB, "{found:#}");
        let table = fs::read_to_string(folder.path().join("leak.csv")).unwrap();
        let last: Vec<&str> = table.lines().last().unwrap().split(',').collect();
        // The kill is counted, whatever the process that is ending still holds.
        assert_eq!(last[12], "1", "{table}");
    }

    /// Scenario 23 B: it rises and stays.
    #[test]
    fn a_plateau_holds_under_load_and_not_without() {
        let Some(cage) = cage("plateau", Some(96)) else { return };
        let folder = tempfile::tempdir().unwrap();
        let job = Job::start_in(cage.inner(), &python(PLATEAU));
        let pid = job.pid();
        let short = ["verify", "--pid", &pid, "--", "sh", "-c", &load(3)];
        let (code, found) = json_of(folder.path(), NOBODY, &short);
        assert_eq!((code, found["verdict"].as_str()), (3, Some("too_early")), "{found:#}");
        let idle = ["verify", "--pid", &pid, "--for", "61s", "--every", "500ms"];
        let (folder_of, idle_pid) = (folder.path().to_owned(), idle.map(str::to_owned));
        let beside = thread::spawn(move || {
            let words: Vec<&str> = idle_pid.iter().map(String::as_str).collect();
            json_of(&folder_of, NOBODY, &words)
        });
        let loaded = ["verify", "--pid", &pid, "--for", "62s", "--", "sh", "-c", &load(100)];
        let (code, found) = json_of(folder.path(), NOBODY, &loaded);
        assert_eq!((code, found["verdict"].as_str()), (0, Some("holds")), "{found:#}");
        assert!(number(&found, "/after/requests") > 300.0, "{found:#}");
        assert!(number(&found, "/after/cpu_ms_per_request") > 0.0, "{found:#}");
        assert_eq!(found["not_known"].as_array().unwrap().len(), 1);
        let p50 = number(&found, "/after/latency_p50_ms");
        assert!((4.2..4.8).contains(&p50), "{found:#}");
        let (code, found) = beside.join().unwrap();
        assert_eq!((code, found["verdict"].as_str()), (3, Some("too_early")), "{found:#}");
        let because = found["because"].to_string();
        assert!(because.contains("no load was seen"), "{because}");
    }

    /// Scenario 19: workers are killed and started again, and the container is "Up".
    #[test]
    fn kills_inside_are_counted_while_it_lives_on() {
        let Some(cage) = cage("respawn", Some(64)) else { return };
        let folder = tempfile::tempdir().unwrap();
        let job = Job::start_in(cage.inner(), &python(RESPAWN));
        let words = ["measure", "--pid", &job.pid(), "--for", "6s"];
        let (code, found) = json_of(folder.path(), NOBODY, &words);
        assert_eq!((code, found["stopped_by"].as_str()), (0, Some("time")), "{found:#}");
        let kills = number(&found, "/watched/kills");
        assert!(kills >= 3.0 && number(&found, "/watched/lives") == 1.0, "{found:#}");
        // The kernel's own count, of a watch that lasted longer than that one.
        let counted = fs::read_to_string(cage.directory().join("memory.oom_control"))
            .or_else(|_| fs::read_to_string(cage.directory().join("memory.events")))
            .unwrap();
        let counted = counted.lines().find_map(|line| line.strip_prefix("oom_kill ")).unwrap();
        assert!(counted.parse::<f64>().unwrap() >= kills, "{counted} {kills}");
        let (code, page, _) =
            ask(folder.path(), NOBODY, &["verify", "--pid", &job.pid(), "--for", "3s"]);
        assert!(
            code == 1 && page.contains("does not hold") && page.contains("by an OOM killer"),
            "{page}"
        );
    }

    /// A heap of 95 % of what is needed: nothing is killed, and the program lives to collect.
    #[test]
    fn a_heap_that_is_too_small_moves_the_cost_to_the_collector() {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/measure/Serve.java");
        let compiled = Command::new("javac").arg("-d").arg(folder.path()).arg(source).status();
        if !compiled.is_ok_and(|status| status.success()) {
            eprintln!("NOT RUN: a JVM at 95 % of its need, because there is no JDK");
            return;
        }
        let Some(cage) = cage("jvm", Some(256)) else { return };
        let log = folder.path().join("requests.log").display().to_string();
        let java = |heap: &str| {
            let classes = folder.path().display().to_string();
            let mut command = Command::new("java");
            command.args([heap, "-XX:+UseSerialGC", "-cp", &classes, "Serve", "40", &log]);
            Job::start_in(cage.inner(), &command)
        };
        let roomy = java("-Xmx128m");
        let words = ["measure", "--pid", &roomy.pid(), "--for", "15s", "--requests", &log];
        let (code, before) = json_of(folder.path(), NOBODY, &words);
        assert_eq!(code, 0);
        let share = number(&before, "/watched/gc_share");
        assert!(share > 0.0 && share < 0.05, "{before:#}");
        drop(roomy);
        fs::write(folder.path().join("before.json"), before.to_string()).unwrap();
        // 40 MiB are kept, 2 are in use, nearly 2 are Java's own: 95 % of 46 are full when it begins.
        let tight = java("-Xmx46m");
        let words = [
            "verify",
            "--pid",
            &tight.pid(),
            "--for",
            "61s",
            "--requests",
            &log,
            "--baseline",
            "before.json",
        ];
        let (code, found) = json_of(folder.path(), NOBODY, &words);
        assert_eq!((code, found["verdict"].as_str()), (1, Some("moved_the_cost")), "{found:#}");
        let because = found["because"].to_string();
        assert!(because.contains("collections take"), "{found:#}");
        assert!(number(&found, "/after/kills") == 0.0 && number(&found, "/after/gc_share") > 0.1);
        assert_eq!(found.pointer("/before/gc_share"), before.pointer("/watched/gc_share"));
    }

    /// An engine whose one container has the main process that `main` says: 0 is none, `u32::MAX` no container.
    fn living(id: &str, main: &Arc<AtomicU32>) -> impl Fn(&str) -> Act + Send + Sync + use<> {
        remembering(id, main, &Arc::default())
    }

    /// The same with a memory of what happened.
    fn remembering(
        id: &str,
        main: &Arc<AtomicU32>,
        events: &Arc<Mutex<Vec<Value>>>,
    ) -> impl Fn(&str) -> Act + Send + Sync + use<> {
        let (id, main, events) = (id.to_owned(), main.clone(), events.clone());
        move |path: &str| -> Act {
            let mut known = vec![event("start", 1, json!({}))];
            known.extend(events.lock().unwrap().iter().cloned());
            let events = known;
            let pid = main.load(Ordering::SeqCst);
            let state = match pid {
                0 => json!({ "Status": "exited", "Running": false, "Pid": 0, "ExitCode": 137 }),
                pid => json!({ "Status": "running", "Running": true, "Pid": pid, "ExitCode": 0 }),
            };
            let inspect = dead_container(json!({ "Id": id, "State": state }));
            let place = path.split('?').next().unwrap_or_default();
            match place {
                "/info" | "/version" => answer(200, b"{}"),
                "/containers/json" if pid == u32::MAX => answer(200, b"[]"),
                place
                    if place.ends_with("/json")
                        && place != "/containers/json"
                        && pid == u32::MAX =>
                {
                    answer(404, br#"{"message":"No such container: shop-api-1"}"#)
                }
                place
                    if place == format!("/containers/{id}/json")
                        || place == "/containers/shop-api-1/json" =>
                {
                    answer(200, inspect.to_string().as_bytes())
                }
                "/containers/json" => {
                    let list = json!([{ "Id": id, "Names": ["/shop-api-1"], "State": "running" }]);
                    answer(200, list.to_string().as_bytes())
                }
                _ => engine(&inspect, &events, "")(path),
            }
        }
    }

    fn id(number: u128) -> String {
        format!("{:0>64x}", u128::from(std::process::id()) << 64 | number)
    }

    #[test]
    fn a_container_that_is_killed_and_restarts_is_followed_on() {
        let id = id(31);
        let Some(cage) = cage(&id, Some(48)) else { return };
        let main = Arc::new(AtomicU32::new(0));
        let folder = tempfile::tempdir().unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let docker = serve(folder.path(), remembering(&id, &main, &events));
        let first = Job::start_in(cage.inner(), &python(LEAK));
        main.store(first.number(), Ordering::SeqCst);
        let words = ["measure", "shop-api-1", "--for", "14s", "--save", "looks.csv"];
        let words: Vec<String> = words.map(str::to_owned).into();
        let at = folder.path().to_owned();
        let watch = thread::spawn(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            json_of(&at, &docker, &words)
        });
        // Its end is waited for here, so that nobody finds it unburied.
        let first_pid = first.pid();
        let until = Instant::now() + Duration::from_secs(30);
        let state = || fs::read_to_string(format!("/proc/{first_pid}/stat")).unwrap_or_default();
        while !state().contains(" Z ") && !state().is_empty() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        // docker tells of the kill that the counters hold too: it is one.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        for action in ["oom", "die"] {
            events.lock().unwrap().push(json!({
                "Type": "container", "Action": action, "timeNano": u64::try_from(now).unwrap(),
                "Actor": { "ID": id, "Attributes": { "name": "shop-api-1", "exitCode": "137" } },
            }));
        }
        main.store(0, Ordering::SeqCst);
        drop(first);
        thread::sleep(Duration::from_millis(700));
        let second = Job::start_in(cage.inner(), &python(IDLE));
        main.store(second.number(), Ordering::SeqCst);
        let (code, found) = watch.join().unwrap();
        assert_eq!((code, found["stopped_by"].as_str()), (0, Some("time")), "{found:#}");
        assert_eq!(
            (number(&found, "/watched/kills"), number(&found, "/watched/lives")),
            (1.0, 2.0)
        );
        assert_eq!(found["pid"].as_u64(), Some(u64::from(second.number())));
        let ends = found["lives_ended"].as_array().unwrap();
        assert_eq!(
            (ends.len(), &ends[0]["exit_code"], &ends[0]["oom_kills"]),
            (1, &json!(137), &json!(1))
        );
        assert!(number(&found, "/watched/peak_mem_bytes") > 40.0 * MIB, "{found:#}");
        assert!(number(&found, "/level/mem_bytes") < 20.0 * MIB, "{found:#}");
        let table = fs::read_to_string(folder.path().join("looks.csv")).unwrap();
        let lives: Vec<&str> =
            table.lines().skip(1).map(|line| line.split(',').nth(13).unwrap()).collect();
        assert!(lives.is_sorted() && lives[0] == "0" && lives.last() == Some(&"1"), "{table}");
    }

    #[test]
    fn a_container_that_is_removed_ends_the_watch_with_an_answer() {
        let id = id(32);
        let Some(cage) = cage(&id, Some(64)) else { return };
        let main = Arc::new(AtomicU32::new(0));
        let folder = tempfile::tempdir().unwrap();
        let docker = serve(folder.path(), living(&id, &main));
        let job = Job::start_in(cage.inner(), &python(IDLE));
        main.store(job.number(), Ordering::SeqCst);
        let remove = {
            let main = main.clone();
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(2));
                drop(job);
                main.store(u32::MAX, Ordering::SeqCst);
            })
        };
        let began = Instant::now();
        let (code, found) =
            json_of(folder.path(), &docker, &["measure", "shop-api-1", "--for", "60s"]);
        remove.join().unwrap();
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!((code, found["stopped_by"].as_str()), (0, Some("end")), "{found:#}");
        assert_eq!(found.pointer("/watched/ended"), Some(&json!("it was removed")), "{found:#}");
        assert!(number(&found, "/watched/looks") >= 3.0);
    }

    #[test]
    fn ctrl_c_gives_the_answer_so_far_and_ends_the_load() {
        let Some(cage) = cage("ctrl-c", Some(64)) else { return };
        let job = Job::start_in(cage.inner(), &python(IDLE));
        let load = "echo $$ >&2; exec sleep 1000";
        let mut watch = Command::new(env!("CARGO_BIN_EXE_why137"))
            .args(["measure", "--pid", &job.pid(), "--format", "json", "--", "sh", "-c", load])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut err = watch.stderr.take().unwrap();
        let mut said = [0; 16];
        let length = std::io::Read::read(&mut err, &mut said).unwrap();
        let sleeper = String::from_utf8_lossy(&said[..length]).trim().to_owned();
        let pid = watch.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let output = watch.wait_with_output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), found["stopped_by"].as_str()), (Some(0), Some("signal")));
        assert_eq!(found.pointer("/watched/load/was_cut"), Some(&json!(true)), "{found:#}");
        let comm = fs::read_to_string(format!("/proc/{sleeper}/comm")).unwrap_or_default();
        assert_ne!(comm.trim(), "sleep", "{sleeper}");
    }

    #[test]
    fn what_cannot_be_watched_is_an_error_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let said = |docker: &str, words: &[&str]| {
            let (code, out, err) = ask(folder.path(), docker, words);
            assert_eq!(out, "", "{words:?}");
            (code, err)
        };
        let main = Arc::new(AtomicU32::new(0));
        let docker = serve(folder.path(), living(&id(33), &main));
        let (code, err) = said(&docker, &["measure", "shop-api-1"]);
        assert!(code == 1 && err.contains("does not run: it ended with 137"), "{err}");
        assert!(err.contains("\n\nhint: `why137 explain shop-api-1` tells how it ended"), "{err}");
        main.store(u32::MAX, Ordering::SeqCst);
        let (code, err) = said(&docker, &["verify", "shop-api-1"]);
        assert!(
            code == 1 && err.contains("does not describe the container `shop-api-1` any more"),
            "{err}"
        );
        assert!(err.contains("hint: `docker ps -a`"), "{err}");
        let (code, err) = said(&docker, &["verify", "shop-apy-1"]);
        assert!(code == 1 && err.contains("no container `shop-apy-1`"), "{err}");
        let (code, err) = said(NOBODY, &["measure", "api"]);
        assert!(code == 1 && err.contains(NOBODY) && err.contains("\n\nhint: "), "{err}");
        let (code, err) = said(NOBODY, &["measure", "--pid", "4194304"]);
        assert!(
            code == 1 && err.contains("no process has this pid") && err.contains("hint: "),
            "{err}"
        );
        let own = std::process::id().to_string();
        for (words, wanted) in [
            (&["--requests", "none.log"][..], "could not read the requests in `none.log`"),
            (&["--save", "none/looks.csv"], "could not save the looks in `none/looks.csv`"),
            (&["--", "none-such-load"], "there is no such program"),
        ] {
            let (code, err) = said(NOBODY, &[&["measure", "--pid", &own], words].concat());
            assert!(code == 1 && err.contains(wanted), "{words:?}: {err}");
        }
        for words in [
            &["measure"][..],
            &["measure", "api", "--pid", "1"],
            &["measure", "api", "--for", "0s"],
            &["measure", "api", "--for", "10"],
            &["measure", "api", "--every", "1ms"],
            &["verify", "api", "--baseline", "none.csv"],
        ] {
            let (code, err) = said(NOBODY, words);
            assert_eq!(code, 2, "{words:?}: {err}");
        }
    }

    #[test]
    fn a_load_that_fails_is_told_and_proves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let job = Job::start(&mut python(IDLE));
        let words = ["verify", "--pid", &job.pid(), "--", "sh", "-c", "echo it broke >&2; exit 7"];
        let (code, out, err) = ask(folder.path(), NOBODY, &words);
        assert_eq!((code, err.as_str()), (3, "it broke\n"));
        assert!(out.contains("the load command ended with 7"), "{out}");
    }
}
