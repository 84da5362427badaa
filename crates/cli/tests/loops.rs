//! What goes round, from docker's memory of a container and from pasted text; and a guard that changes
//! nothing without consent.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use crate::daemon::{Act, dead_container, engine, event, serve};
    use crate::program::run;

    /// A container that ended so often, each time so many seconds after its start; docker waits.
    fn spinning(lives: i64, exit_code: i64) -> Value {
        dead_container(json!({
            "State": { "Status": "restarting", "Running": true, "Restarting": true,
                "ExitCode": exit_code, "StartedAt": "2026-05-27T18:40:50Z",
                "FinishedAt": "2026-05-27T18:40:52Z" },
            "RestartCount": lives,
            "HostConfig": { "RestartPolicy": { "Name": "always" } }
        }))
    }

    /// Five lives of two seconds, ten seconds apart.
    fn lives(exit_code: &str, with: &[&str]) -> Vec<Value> {
        let life = |number: i64| {
            let start = number * 10;
            let mut all = vec![event("start", start, json!({}))];
            all.extend(with.iter().map(|action| event(action, start + 1, json!({}))));
            all.push(event("die", start + 2, json!({ "exitCode": exit_code })));
            all
        };
        (1..=5).flat_map(life).collect()
    }

    fn asked(
        script: impl Fn(&str) -> Act + Send + Sync + 'static,
        words: &[&str],
    ) -> (i32, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let docker = serve(folder.path(), script);
        run(folder.path(), &docker, words, "")
    }

    fn only(text: &str) -> Value {
        let all: Value = serde_json::from_str(text).unwrap();
        assert_eq!(all.as_array().unwrap().len(), 1, "{text}");
        all[0].clone()
    }

    #[test]
    fn the_same_small_code_again_and_again_is_a_loop_and_no_memory() {
        let engine = engine(&spinning(5, 1), &lives("1", &[]), "");
        let (code, text, err) = asked(engine, &["loops", "shop-api-1", "--format", "json"]);
        assert_eq!(code, 0, "{err}");
        let one = only(&text);
        assert_eq!(one["kind"], "restart-loop");
        assert_eq!((&one["cause"], &one["is_memory"]), (&json!("not-memory"), &json!(false)));
        assert_eq!((&one["deaths"], &one["seen"]), (&json!(5), &json!(5)));
        assert_eq!(one["ages"]["median_seconds"], 2.0);
        assert_eq!(one["interval_seconds"], 10.0);
        assert_eq!((&one["trial"], &one["at_limit"]), (&Value::Null, &json!(0)));
        assert!(one["headline"].as_str().unwrap().contains("not memory"), "{one}");
        let quotes: Vec<&str> = one["because"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it["quote"].as_str())
            .collect();
        assert!(quotes.iter().any(|quote| quote.contains("RestartCount")), "{quotes:?}");
    }

    #[test]
    fn a_137_that_nobody_explains_is_a_loop_of_unknown_cause() {
        let engine = engine(&spinning(5, 137), &lives("137", &[]), "");
        let (_, text, _) = asked(engine, &["loops", "shop-api-1", "--format", "json"]);
        let one = only(&text);
        assert_eq!((&one["cause"], &one["confidence"]), (&json!("unknown"), &json!("unknown")));
        assert_eq!((&one["is_memory"], &one["trial"]), (&json!(false), &Value::Null));
    }

    #[test]
    fn docker_events_alone_tell_a_loop_and_one_death_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let lines = |count: i64| -> String {
            let line = |second: i64, what: &str| {
                format!(
                    "2026-05-27T18:40:{second:02}.000000000Z container {what} 3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014 (exitCode=3, image=shop/api:1.4, name=api)\n"
                )
            };
            (0..count).map(|life| line(life * 4, "start") + &line(life * 4 + 2, "die")).collect()
        };
        fs::write(folder.path().join("events.txt"), lines(4)).unwrap();
        let words = ["loops", "events.txt"];
        let (code, page, err) = run(folder.path(), "unix:///nonexistent", &words, "");
        assert_eq!(code, 0, "{err}");
        assert!(
            page.starts_with(
                "api: restart loop, not memory: it ends by itself with 3, 4 times in 12 s"
            ),
            "{page}"
        );
        assert!(!page.to_lowercase().contains("memory limit"), "{page}");
        let (code, page, _) = run(folder.path(), "unix:///nonexistent", &["loops", "-"], &lines(1));
        assert_eq!(code, 4);
        assert!(page.starts_with("Nothing goes round here"), "{page}");
    }

    #[test]
    fn a_loop_that_stopped_is_told_unless_only_the_present_is_asked_for() {
        let stopped = || {
            let mut state = spinning(5, 1);
            state["State"]["Status"] = json!("exited");
            state["State"]["Restarting"] = json!(false);
            state["State"]["Running"] = json!(false);
            engine(&state, &lives("1", &[]), "")
        };
        let (code, page, _) = asked(stopped(), &["loops", "shop-api-1"]);
        assert_eq!(code, 0);
        assert!(page.contains("it does not go round now"), "{page}");
        assert_eq!(asked(stopped(), &["loops", "--now", "shop-api-1"]).0, 4);
    }

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn event_line(second: f64, what: &str, code: &str) -> String {
        format!(
            "2026-05-27T18:40:{second:012.9}Z container {what} {ID} ({code}image=shop/api:1.4, name=api)\n"
        )
    }

    /// A kill at the container's own limit, as `journalctl -k -o short-iso-precise` prints it.
    fn kill_lines(second: f64, pid: u32) -> String {
        let at = format!("2026-05-27T18:40:{second:09.6}+00:00 host kernel: ");
        format!(
            "{at}oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={ID},mems_allowed=0,oom_memcg=/docker/{ID},task_memcg=/docker/{ID},task=python3,pid={pid},uid=0\n\
             {at}Memory cgroup out of memory: Killed process {pid} (python3) total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0\n"
        )
    }

    fn of_texts(events: &str, kernel: &str) -> (i32, Value) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("paste.txt"), format!("{events}{kernel}")).unwrap();
        let words = ["loops", "paste.txt", "--format", "json"];
        let (code, text, err) = run(folder.path(), "unix:///nonexistent", &words, "");
        (code, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{err}")))
    }

    #[test]
    fn events_and_a_kernel_log_alone_tell_a_start_that_is_too_large() {
        let (mut events, mut kernel) = (String::new(), String::new());
        for life in 0..4 {
            let start = f64::from(life) * 6.0;
            events.push_str(&event_line(start, "start", ""));
            kernel.push_str(&kill_lines(start + 1.9, 295));
            events.push_str(&event_line(start + 2.0, "die", "exitCode=137, "));
        }
        let (code, all) = of_texts(&events, &kernel);
        assert_eq!(code, 0);
        let one = &all[0];
        assert_eq!(
            (&one["kind"], &one["cause"]),
            (&json!("restart-loop"), &json!("container-memory-limit"))
        );
        assert_eq!((&one["deaths"], &one["at_limit"]), (&json!(4), &json!(4)));
        assert_eq!((&one["in_warm_up"], &one["before_health"]), (&json!(true), &Value::Null));
        // Without the kernel's log nobody knows what 137 was.
        let (_, all) = of_texts(&events, "");
        assert_eq!((&all[0]["cause"], &all[0]["is_memory"]), (&json!("unknown"), &json!(false)));
    }

    #[test]
    fn kills_inside_a_life_are_a_storm_and_those_of_forgotten_lives_are_none() {
        let kernel: String =
            (0..5).map(|kill| kill_lines(f64::from(kill) * 2.0 + 1.0, 300 + kill as u32)).collect();
        let (code, all) = of_texts(&event_line(0.5, "start", ""), &kernel);
        assert_eq!(
            (code, &all[0]["kind"], &all[0]["deaths"]),
            (0, &json!("respawn-storm"), &json!(5))
        );
        // The start is lost: each kill may have ended a life of its own.
        let (code, all) = of_texts(&event_line(40.0, "die", "exitCode=143, "), &kernel);
        assert_eq!((code, all), (4, json!([])));
    }

    /// Every path that the engine was asked for.
    fn listening(
        script: impl Fn(&str) -> Act + Send + Sync + 'static,
    ) -> (impl Fn(&str) -> Act + Send + Sync + 'static, Arc<Mutex<Vec<String>>>) {
        let paths = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&paths);
        let script = move |path: &str| {
            heard.lock().unwrap().push(path.to_owned());
            script(path)
        };
        (script, paths)
    }

    #[test]
    fn guard_changes_nothing_of_what_is_no_memory_even_with_consent() {
        let (script, paths) = listening(engine(&spinning(5, 1), &lives("1", &[]), ""));
        let words =
            ["guard", "shop-api-1", "--once", "--consent", "shop-api-1", "--format", "json"];
        let (code, text, err) = asked(script, &words);
        assert_eq!(code, 0, "{err}");
        assert_eq!(only(&text)["outcome"], "left-alone");
        let paths = paths.lock().unwrap();
        let orders = ["update", "stop", "start"];
        assert!(paths.iter().all(|path| orders.iter().all(|it| !path.ends_with(it))), "{paths:?}");
    }

    #[test]
    fn guard_asks_for_a_policy_that_ends_and_for_consent_of_what_it_watches() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |words: &[&str]| {
            let words: Vec<&str> = std::iter::once("guard").chain(words.iter().copied()).collect();
            let (code, _, err) = run(folder.path(), "unix:///nonexistent", &words, "");
            assert_eq!(code, 2, "{words:?} {err}");
            err
        };
        assert!(refused(&["api", "--policy", "always"]).contains("restarts without end"));
        assert!(refused(&["api", "--consent", "web"]).contains("is not watched"));
        refused(&["--undo", "--limit", "1g"]);
        refused(&["api", "--no-trial", "--limit", "1g"]);
    }

    #[test]
    fn undo_without_a_change_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state").display().to_string();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_why137"));
        command.args(["guard", "--undo"]).env_clear().env("XDG_STATE_HOME", &state);
        let ran = command.stdin(std::process::Stdio::null()).output().unwrap();
        assert_eq!(ran.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&ran.stderr).contains("no container was changed"));
    }
}
