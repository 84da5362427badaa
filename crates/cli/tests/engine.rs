//! A docker engine that does not answer as it should, and files that cannot be read: a clear answer
//! or a clear error, soon, with what to do about it.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use crate::daemon::{Act, ID, answer, dead_container, engine, event, serve};
    use crate::program::{Ran, run};

    /// Nobody waits longer for a page.
    const SOON: Duration = Duration::from_secs(15);
    const FAR: Duration = Duration::from_secs(30);

    fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    fn raw(bytes: &[u8], silence: Duration) -> Act {
        Act { bytes: bytes.to_vec(), silence }
    }

    /// Every way to fail, by name.
    fn failure(name: &str) -> Act {
        let head =
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n";
        let half = [&head[..], b"[{\"Id\":\""].concat();
        match name {
            "hangs" => raw(b"", FAR),
            "resets" => raw(b"", Duration::ZERO),
            "answers half" => raw(&half, Duration::ZERO),
            "stalls in the middle" => raw(&half, FAR),
            "stalls in the head" => raw(b"HTTP/1.1 200 OK\r\nContent-", FAR),
            "is no web server" => raw(b"SSH-2.0-OpenSSH_9.2\r\n", Duration::ZERO),
            "says 404" => answer(404, b"{\"message\":\"page not found\"}"),
            "says 500" => answer(500, b"{\"message\":\"layer store is broken\"}"),
            "says 502 in HTML" => answer(502, b"<html><body>Bad Gateway</body></html>"),
            "answers HTML" => answer(200, b"<html>hello</html>"),
            "answers nothing" => answer(200, b""),
            "answers another shape" => answer(200, b"{\"a\":[null]}"),
            other => panic!("{other}"),
        }
    }

    const FAILURES: [&str; 12] = [
        "hangs",
        "resets",
        "answers half",
        "stalls in the middle",
        "stalls in the head",
        "is no web server",
        "says 404",
        "says 500",
        "says 502 in HTML",
        "answers HTML",
        "answers nothing",
        "answers another shape",
    ];

    /// Runs, and holds the program to its time.
    fn soon(folder: &Path, docker: &str, words: &[&str]) -> Ran {
        let began = Instant::now();
        let ran = run(folder, docker, words, "");
        let took = began.elapsed();
        assert!(took < SOON, "{words:?} took {took:?}: {ran:?}");
        ran
    }

    /// An error as the house writes it: what, then what to do.
    fn is_error(ran: &Ran, says: &str) {
        let (code, out, err) = ran;
        assert_eq!((*code, out.as_str()), (1, ""), "{err}");
        assert!(err.starts_with("error: ") && err.contains("\n\nhint: "), "{err}");
        assert!(err.contains(says), "`{says}` is missing: {err}");
        assert!(!err.contains("os error"), "{err}");
    }

    fn events() -> Vec<Value> {
        vec![
            event("create", 0, json!({})),
            event("start", 1, json!({})),
            event("kill", 120, json!({ "signal": "15" })),
            event("kill", 130, json!({ "signal": "9" })),
            event("die", 131, json!({ "exitCode": "137" })),
            event("stop", 131, json!({})),
        ]
    }

    #[test]
    fn a_daemon_that_fails_altogether_is_named() {
        std::thread::scope(|scope| {
            for name in FAILURES {
                scope.spawn(move || {
                    let folder = folder();
                    let docker = serve(folder.path(), move |_| failure(name));
                    let ran = soon(folder.path(), &docker, &["shop-api-1"]);
                    is_error(&ran, &docker);
                });
            }
        });
    }

    /// The list is needed to find the container; everything else costs its own evidence only.
    #[test]
    fn one_endpoint_that_fails_costs_only_its_evidence() {
        for endpoint in ["/info", "/version", "/events", "/logs", "/json"] {
            std::thread::scope(|scope| {
                for name in FAILURES {
                    scope.spawn(move || {
                        let folder = folder();
                        let rest = engine(&dead_container(json!({})), &events(), "hello\n");
                        let docker = serve(folder.path(), move |path| {
                            let place = path.split('?').next().unwrap();
                            let here = place.ends_with(endpoint) && place != "/containers/json";
                            if here { failure(name) } else { rest(path) }
                        });
                        let words = ["--format", "json", "shop-api-1"];
                        let (code, out, err) = soon(folder.path(), &docker, &words);
                        let what = format!("{endpoint} {name}");
                        assert!(code == 0 || code == 3, "{what}: {code} {err}");
                        let answer: Value = serde_json::from_str(&out).unwrap();
                        // Events that were not read may not turn into another killer.
                        let killer = answer["killer"].as_str().unwrap();
                        assert!(["stop-timeout", "unknown"].contains(&killer), "{what}: {out}");
                        if ["/info", "/version", "/logs"].contains(&endpoint) {
                            assert_eq!(killer, "stop-timeout", "{what}: {out}");
                        }
                        let gaps = answer["gaps"].to_string();
                        let source = match endpoint {
                            "/events" => Some("container-events"),
                            "/logs" => Some("application-log"),
                            "/json" => Some("container-inspect"),
                            _ => None,
                        };
                        let told = source.is_none_or(|source| gaps.contains(source));
                        let empty = name.starts_with("answers") && !name.ends_with("half");
                        assert!(told || empty, "{what}: {gaps}");
                    });
                }
            });
        }
    }

    #[test]
    fn a_daemon_that_only_lists_is_not_waited_for_call_by_call() {
        let folder = folder();
        let rest = engine(&dead_container(json!({})), &events(), "");
        let docker = serve(folder.path(), move |path| {
            if path.starts_with("/containers/json") { rest(path) } else { failure("hangs") }
        });
        let began = Instant::now();
        let (code, out, err) = run(folder.path(), &docker, &["--format", "json", "shop-api-1"], "");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(13), "{took:?}");
        // Whatever is said, nothing is concluded from silence.
        assert!(code == 1 || code == 3, "{code} {err}");
        if code == 3 {
            let answer: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(answer["killer"], "unknown", "{out}");
        }
    }

    #[test]
    fn a_container_removed_between_two_questions_is_told_by_its_events() {
        let folder = folder();
        let rest = engine(&dead_container(json!({})), &events(), "");
        let docker = serve(folder.path(), move |path| {
            if path.starts_with(&format!("/containers/{ID}")) {
                return answer(404, b"{\"message\":\"No such container\"}");
            }
            rest(path)
        });
        let (code, out, err) = soon(folder.path(), &docker, &["--format", "json", "shop-api-1"]);
        assert_eq!(code, 0, "{err}");
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(answer["killer"], "stop-timeout", "{out}");
        assert!(answer["gaps"].to_string().contains("removed a moment ago"), "{out}");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_near_ones() {
        let folder = folder();
        let rest = engine(&dead_container(json!({})), &events(), "");
        let docker = serve(folder.path(), move |path| {
            if path.starts_with("/containers/json") {
                let row = |digit: &str, name: &str| json!({ "Id": digit.repeat(64), "Names": [format!("/{name}")] });
                let rows = json!([row("a", "shop-api-1"), row("b", "shop-db-1"), row("c", "mail")]);
                return answer(200, rows.to_string().as_bytes());
            }
            rest(path)
        });
        let asked = |name: &str| soon(folder.path(), &docker, &["explain", name]);
        let near = asked("shop-apo-1");
        is_error(&near, "no container `shop-apo-1` is known");
        assert!(near.2.contains("did you mean `shop-api-1`"), "{}", near.2);
        assert!(!near.2.contains("`mail`"), "{}", near.2);
        is_error(&asked("entirely-else"), "docker ps -a");
    }

    #[test]
    fn no_daemon_is_told_by_what_is_there_instead() {
        let folder = folder();
        let place = |name: &str| format!("unix://{}", folder.path().join(name).display());
        fs::write(folder.path().join("file.sock"), "").unwrap();
        // A socket whose daemon has gone.
        drop(UnixListener::bind(folder.path().join("stale.sock")).unwrap());
        for name in ["missing.sock", "file.sock", "stale.sock", ""] {
            let ran = soon(folder.path(), &place(name), &["api"]);
            is_error(&ran, &place(name));
        }
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let closed = format!("tcp://127.0.0.1:{port}");
        is_error(&soon(folder.path(), &closed, &["api"]), &closed);
        for host in ["ssh://", "https://far.example.com", "npipe:////./pipe/docker"] {
            is_error(&soon(folder.path(), host, &["api"]), host);
        }
        let ran = soon(folder.path(), "", &["-c", "no-such-context", "api"]);
        is_error(&ran, "`no-such-context`");
    }

    #[test]
    fn a_socket_without_permission_says_who_may() {
        let folder = folder();
        let docker = serve(folder.path(), |_| answer(200, b"[]"));
        let socket = folder.path().join("docker.sock");
        fs::set_permissions(&socket, Permissions::from_mode(0o000)).unwrap();
        // To root every socket is open: it is answered, and knows no such container.
        let says = if is_root() { "no container `api`" } else { "permission" };
        is_error(&soon(folder.path(), &docker, &["api"]), says);
    }

    fn is_root() -> bool {
        fs::read_to_string("/proc/self/status").is_ok_and(|status| {
            status.lines().any(|line| line.starts_with("Uid:") && line.ends_with("\t0"))
        })
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("empty.log"), "\n \n").unwrap();
        File::create(at("large.log")).unwrap().set_len(12 << 20).unwrap();
        fs::write(at("secret.log"), "x\n").unwrap();
        fs::set_permissions(at("secret.log"), Permissions::from_mode(0o000)).unwrap();
        fs::write(at("broken case.json"), "{\"why137_case\": 1, ").unwrap();
        let mut cases = vec![
            ("./folder", "`./folder` is a folder"),
            ("./empty.log", "`./empty.log` is empty"),
            ("./large.log", "no line in `./large.log` tells of a death"),
        ];
        if !is_root() {
            cases.push(("./secret.log", "no permission to read `./secret.log`"));
        }
        for (name, says) in cases {
            is_error(&soon(folder.path(), "", &[name]), says);
            is_error(&soon(folder.path(), "", &["explain", name, "--format", "json"]), says);
        }
        is_error(
            &soon(folder.path(), "", &["./broken case.json"]),
            "could not read `./broken case.json`",
        );
        let (code, out, err) = soon(folder.path(), "", &["./missing.log"]);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert_eq!(err, "error: there is no file `./missing.log`\n");
        // Several: the one that cannot be read is named, and the others change nothing.
        fs::write(at("good.log"), "Killed process 7 (x)\n").unwrap();
        let ran = soon(folder.path(), "", &["./good.log", "./missing.log"]);
        is_error(&ran, "`./missing.log`");
    }

    #[test]
    fn a_file_of_noise_is_read_in_time_and_decides_nothing() {
        let folder = folder();
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let noise: Vec<u8> = (0..1 << 20)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[0]
            })
            .collect();
        fs::write(folder.path().join("noise.bin"), noise).unwrap();
        fs::write(folder.path().join("line.log"), "oom ".repeat(1 << 18)).unwrap();
        for name in ["./noise.bin", "./line.log"] {
            let began = Instant::now();
            let (code, out, err) = run(folder.path(), "", &["--format", "json", name], "");
            assert_eq!(code, 3, "{name}: {err}");
            let answer: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(answer["killer"], "unknown", "{name}");
            assert!(began.elapsed() < Duration::from_secs(60), "{name}: {:?}", began.elapsed());
        }
    }
}
