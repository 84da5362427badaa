//! `why137 fix`: what it changes, what it leaves alone, and what it takes back; on real processes, with a daemon of
//! this test's own that keeps the settings it is given as dockerd does.
//!
//! Needs Python and a cgroup for two tests: root, or a delegated one. What this machine cannot run says `NOT RUN`.

#[cfg(test)]
#[path = "support/daemon.rs"]
#[expect(dead_code, reason = "its server takes no orders; the one here does")]
mod daemon;
#[cfg(test)]
#[expect(dead_code, reason = "shared with the tests of audit, which use the rest")]
#[path = "audit/ground.rs"]
mod ground;
#[cfg(test)]
#[expect(dead_code, reason = "shared with the tests of measure, which use the rest")]
#[path = "measure/programs.rs"]
mod programs;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::sync::{Arc, Mutex};
    use std::thread;
    use std::time::Duration;

    use serde_json::{Value, json};

    use crate::daemon::{answer, dead_container, engine};
    use crate::ground::{Job, cage};
    use crate::programs::{LEAK, PLATEAU, program};

    const MIB: u64 = 1 << 20;

    /// A container as its daemon knows it.
    struct Container {
        id: String,
        memory: u64,
        /// 0: it has ended.
        pid: u32,
        labels: Value,
        /// Every order that was given.
        orders: Vec<String>,
    }

    struct Place {
        folder: tempfile::TempDir,
        container: Arc<Mutex<Container>>,
    }

    impl Place {
        fn new(memory_mib: u64, pid: u32, labels: Value) -> Self {
            Self::with_id(&"a5".repeat(32), memory_mib, pid, labels)
        }

        fn with_id(id: &str, memory_mib: u64, pid: u32, labels: Value) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
            let container = Arc::new(Mutex::new(Container {
                id: id.to_owned(),
                memory: memory_mib * MIB,
                pid,
                labels,
                orders: Vec::new(),
            }));
            let shared = container.clone();
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = shared.clone();
                    thread::spawn(move || converse(stream, &shared));
                }
            });
            Self { folder, container }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Exit code, answer, everything else; without a PATH there is no client of docker.
        fn run(&self, path: &str, words: &[&str]) -> (i32, String, String) {
            let ran = Command::new(env!("CARGO_BIN_EXE_why137"))
                .args(words)
                .env_clear()
                .env("PATH", path)
                .env("XDG_STATE_HOME", self.path("state"))
                .env("DOCKER_HOST", format!("unix://{}", self.path("docker.sock").display()))
                .current_dir(self.folder.path())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
        }

        fn json(&self, words: &[&str]) -> (i32, Value) {
            let at = words.iter().position(|word| *word == "--").unwrap_or(words.len());
            let (before, load) = words.split_at(at);
            let words = [before, &["--format", "json"], load].concat();
            let (code, out, err) = self.run("/usr/bin:/bin", &words);
            (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
        }

        fn orders(&self) -> Vec<String> {
            self.container.lock().unwrap().orders.clone()
        }

        fn memory_mib(&self) -> u64 {
            self.container.lock().unwrap().memory / MIB
        }

        /// A table of looks: seconds, MiB at each, and when it was killed.
        fn table(&self, limit_mib: u64, seconds: u64, at: impl Fn(f64) -> f64, kill: u64) {
            let mut text = "t_s,mem_bytes,limit_bytes,kills,life\n".to_owned();
            for second in 0..seconds {
                let killed = u64::from(second >= kill);
                let held = at(second as f64) * MIB as f64;
                text += &format!("{second},{held:.0},{},{killed},{killed}\n", limit_mib * MIB);
            }
            fs::write(self.path("before.csv"), text).unwrap();
        }
    }

    fn converse(mut stream: UnixStream, container: &Mutex<Container>) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).unwrap();
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let mut container = container.lock().unwrap();
        if method == "POST" {
            let order = path.rsplit('/').next().unwrap();
            container.orders.push(order.to_owned());
            if order == "update" {
                let body: Value = serde_json::from_slice(&body).unwrap();
                container.memory = body["Memory"].as_u64().unwrap();
            }
            drop(stream.write_all(&answer(200, b"{}").bytes));
            return;
        }
        let state = match container.pid {
            0 => json!({ "Status": "exited", "Running": false, "Pid": 0, "ExitCode": 137 }),
            pid => json!({ "Status": "running", "Running": true, "Pid": pid, "ExitCode": 0 }),
        };
        let inspect = dead_container(json!({
            "Id": container.id, "State": state, "Config": { "Labels": container.labels },
            "HostConfig": { "Memory": container.memory, "MemorySwap": container.memory },
        }));
        let id = &container.id;
        let act = match path.split('?').next().unwrap_or_default() {
            "/info" | "/version" => answer(200, b"{}"),
            "/containers/json" => {
                let list = json!([{ "Id": id, "Names": ["/shop-api-1"], "State": "running" }]);
                answer(200, list.to_string().as_bytes())
            }
            at if at == format!("/containers/{id}/json") || at == "/containers/shop-api-1/json" => {
                answer(200, inspect.to_string().as_bytes())
            }
            _ => engine(&inspect, &[], "")(path),
        };
        drop(stream.write_all(&act.bytes));
    }

    /// Somebody who is alive, and whom nobody looks at.
    fn nobody() -> u32 {
        std::process::id()
    }

    const FIX: [&str; 4] = ["fix", "shop-api-1", "--baseline", "before.csv"];

    #[test]
    fn without_consent_the_change_is_shown_and_nothing_is_changed() {
        let place = Place::new(64, nobody(), json!({}));
        place.table(64, 120, |_| 63.9, 110);
        for (more, outcome) in [(vec![], "no_consent"), (vec!["--dry-run"], "dry_run")] {
            let words = [&FIX[..], &more[..]].concat();
            let (code, found) = place.json(&words);
            assert_eq!((code, found["outcome"].as_str()), (3, Some(outcome)), "{found:#}");
            let to = found.pointer("/plan/limit_bytes/to").and_then(Value::as_u64).unwrap();
            assert!(to > 80 * MIB && found["plan"]["memory_swap"] == to, "{found:#}");
            assert_eq!(found["plan"]["way"], "in_place");
            let (_, page, _) = place.run("/usr/bin:/bin", &words);
            assert!(page.contains("memory limit 64 MiB → "), "{page}");
            assert!(page.contains("Nothing was changed"), "{page}");
        }
        assert_eq!((place.orders(), place.memory_mib()), (Vec::new(), 64));
        assert!(!place.path("state").exists(), "nothing is journalled either");
    }

    #[test]
    fn a_leak_is_not_raised_even_with_consent_and_a_limit() {
        let place = Place::new(64, nobody(), json!({}));
        place.table(64, 3600, |second| 10.0 + second * 0.0148, 9999);
        for more in [vec!["--yes"], vec!["--yes", "--limit", "256m"]] {
            let (code, found) = place.json(&[&FIX[..], &more[..]].concat());
            assert_eq!((code, found["outcome"].as_str()), (3, Some("blocked")), "{found:#}");
            let because = found["because"].as_str().unwrap();
            assert!(because.contains("leak") && because.contains("longer"), "{because}");
        }
        assert_eq!(place.orders(), Vec::<String>::new());
    }

    #[test]
    fn what_is_enough_is_left_alone() {
        let place = Place::new(64, nobody(), json!({}));
        place.table(64, 120, |_| 20.0, 9999);
        let (code, found) = place.json(&[&FIX[..], &["--yes"]].concat());
        assert_eq!((code, found["outcome"].as_str()), (0, Some("nothing_to_do")), "{found:#}");
        assert_eq!(place.orders(), Vec::<String>::new());
    }

    fn python(text: &str) -> Command {
        let mut command = Command::new("python3");
        command.args(["-u", "-c", &program(text)]);
        command
    }

    fn id(number: u128) -> String {
        format!("{:0>64x}", u128::from(std::process::id()) << 64 | number)
    }

    /// The kernel ends it at 48 MiB, whatever its daemon is told.
    #[test]
    fn what_does_not_hold_is_taken_back() {
        let id = id(41);
        let Some(cage) = cage(&id, Some(48)) else { return };
        let leak = Job::start_in(cage.inner(), &python(LEAK));
        let place = Place::with_id(&id, 32, leak.number(), json!({}));
        place.table(32, 120, |_| 31.9, 110);
        let (container, pid) = (place.container.clone(), leak.pid());
        let watch = thread::spawn(move || {
            let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            while !state().contains(" Z ") && !state().is_empty() {
                thread::sleep(Duration::from_millis(20));
            }
            drop(leak);
            container.lock().unwrap().pid = 0;
        });
        let words = [&FIX[..], &["--yes", "--limit", "48m", "--", "sleep", "600"]].concat();
        let (code, found) = place.json(&words);
        watch.join().unwrap();
        assert_eq!((code, found["outcome"].as_str()), (1, Some("does_not_hold")), "{found:#}");
        assert_eq!(found["taken_back"], true, "{found:#}");
        assert_eq!(found["verify"]["verdict"], "does_not_hold");
        // It ran before, so it is to run again.
        assert_eq!(place.orders(), ["update", "update", "start"]);
        assert_eq!(place.memory_mib(), 32);
        let (code, _, err) = place.run("", &["fix", "shop-api-1", "--undo", "--yes"]);
        assert!(code == 1 && err.contains("nothing was changed"), "{err}");
    }

    #[test]
    fn what_holds_under_load_is_called_fixed_and_can_be_taken_back() {
        let id = id(42);
        let Some(cage) = cage(&id, Some(72)) else { return };
        let plateau = Job::start_in(cage.inner(), &python(PLATEAU));
        let place = Place::with_id(&id, 64, plateau.number(), json!({}));
        place.table(64, 40, |_| 63.9, 25);
        let words = [&FIX[..], &["--yes", "--limit", "72m", "--", "sleep", "62"]].concat();
        let (code, found) = place.json(&words);
        assert_eq!((code, found["outcome"].as_str()), (0, Some("fixed")), "{found:#}");
        assert_eq!(found["changes"], json!(["memory limit 64 MiB → 72 MiB"]));
        assert!(found["verify"]["because"][0].as_str().unwrap().contains("under load"));
        assert_eq!((place.orders(), place.memory_mib()), (vec!["update".to_owned()], 72));
        let (code, _, err) = place.run("", &["fix", "shop-api-1", "--undo"]);
        assert_eq!((code, place.memory_mib()), (2, 72), "not without a yes: {err}");
        let (code, _, err) = place.run("", &["fix", "shop-api-1", "--undo", "--yes"]);
        assert_eq!((code, place.memory_mib()), (0, 64), "{err}");
    }

    const COMPOSE: &str = "\
services:
  # The shop's own.
  api:
    image: node:22.12.0
    mem_limit: 64m   # too small?
    command: [node, --max-old-space-size=40, server.js]
";

    fn made(file: &Path) -> Value {
        let label = |name: &str| format!("com.docker.compose.{name}");
        json!({
            label("project"): "shop", label("service"): "api",
            label("project.config_files"): file.display().to_string(),
            label("project.working_dir"): file.parent().unwrap().display().to_string(),
        })
    }

    #[test]
    fn without_a_client_of_compose_the_file_is_written_and_it_is_not_called_fixed() {
        let place = Place::new(64, nobody(), json!({}));
        let file = place.path("compose.yaml");
        place.container.lock().unwrap().labels = made(&file);
        fs::write(&file, COMPOSE).unwrap();
        place.table(64, 120, |_| 63.9, 110);
        let words = [&FIX[..], &["--file", "compose.yaml", "--limit", "128m", "--yes"]].concat();
        let (code, page, err) = place.run("/nonexistent", &words);
        assert_eq!(code, 3, "{page}{err}");
        assert!(page.contains("-    mem_limit: 64m   # too small?"), "{page}");
        assert!(page.contains("+    mem_limit: 128m   # too small?"), "{page}");
        let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let up = format!("docker compose -f {} -p shop up -d --no-deps api", file.display());
        assert!(words.contains(&format!("what is left: {up} why137 verify shop-api-1")), "{page}");
        let written = fs::read_to_string(&file).unwrap();
        assert!(written.contains("mem_limit: 128m   # too small?"), "{written}");
        assert_eq!(place.orders(), Vec::<String>::new());
        let (code, _, err) = place.run("/nonexistent", &["fix", "shop-api-1", "--undo", "--yes"]);
        assert_eq!(code, 0, "{err}");
        assert_eq!(fs::read_to_string(&file).unwrap(), COMPOSE);
    }

    #[test]
    fn a_runtime_that_does_not_fit_by_its_file_is_told_its_ceiling_and_keeps_its_limit() {
        let place = Place::new(128, nobody(), json!({}));
        let file = place.path("compose.yaml");
        place.container.lock().unwrap().labels = made(&file);
        let text = COMPOSE.replace("64m", "128m").replace("=40", "=1024");
        fs::write(&file, &text).unwrap();
        place.table(128, 120, |_| 127.9, 110);
        let (code, found) = place.json(&[&FIX[..], &["--dry-run"]].concat());
        assert_eq!((code, found["outcome"].as_str()), (3, Some("dry_run")), "{found:#}");
        let plan = &found["plan"];
        assert_eq!((&plan["way"], &plan["limit_bytes"]), (&json!("file"), &Value::Null));
        let diff = plan["diff"].as_str().unwrap();
        assert!(
            diff.contains("-    command: [node, --max-old-space-size=1024, server.js]"),
            "{diff}"
        );
        assert!(!diff.contains("+    mem_limit"), "{diff}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn a_process_and_a_service_that_nobody_knows_are_refused_before_anything_is_watched() {
        let place = Place::new(64, nobody(), json!({}));
        fs::write(place.path("compose.yaml"), COMPOSE).unwrap();
        place.table(64, 120, |_| 63.9, 110);
        let (code, _, err) = place.run("", &["fix", "--pid", "1"]);
        assert!(code == 2 && err.contains("name a container"), "{err}");
        let words = [&FIX[..], &["--file", "compose.yaml", "--limit", "128m", "--yes"]].concat();
        let (code, _, err) = place.run("", &words);
        assert!(code == 2 && err.contains("--service NAME"), "{err}");
        assert_eq!(fs::read_to_string(place.path("compose.yaml")).unwrap(), COMPOSE);
    }
}
