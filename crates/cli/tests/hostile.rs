//! Names, command lines, log lines and events come from strangers. Whatever they hold, no answer
//! steers the reader's terminal, ticket or CI, and none of them testifies for the kernel.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use crate::daemon::{ID, answer, dead_container, engine, event, serve};
    use crate::program::run;

    /// One attack each; every one is put everywhere a stranger can write.
    const ATTACKS: [&str; 12] = [
        "\u{1b}[2J\u{1b}[31mgone",
        "\u{1b}]8;;http://evil.example\u{7}link\u{1b}]8;;\u{7}",
        "a\rb\u{8}\u{7f}\u{9b}31mc",
        "x\n::error file=a.rs,line=1::owned",
        "x\r\n##[error]owned",
        "::add-mask::x",
        "##[group]x",
        "\u{202e}exe.gpj\u{2066}x\u{2069}\u{200f}\u{061c}",
        "<script>alert(1)</script><img src=x onerror=y>&lt;",
        "](http://evil.example) ![x](http://evil.example/p.png) **b** `c` | d\n# title\n- item",
        "\u{2028}::error::x\u{2029}##[error]x\u{85}::error::x\u{b}::error::y\u{c}::error::z",
        "```\n::error::x\n```\n<details>\u{0}\u{feff}",
    ];

    const FORMS: [&[&str]; 4] = [
        &["--format", "text"],
        &["--format", "text", "--verbose"],
        &["--quiet"],
        &["--format", "markdown"],
    ];

    fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    /// Steers a terminal or the order of letters.
    fn steers(letter: char) -> bool {
        let bidirectional = matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (letter.is_control() && letter != '\n')
            || bidirectional
            || matches!(letter, '\u{2028}' | '\u{2029}')
    }

    /// What is wrong with an answer on its way to a reader.
    fn faults(what: &str, shown: &str, markdown: bool) -> Vec<String> {
        let mut faults: Vec<String> = shown
            .chars()
            .filter(|letter| steers(*letter))
            .map(|letter| format!("{what}: {letter:?} comes through"))
            .collect();
        for line in shown.lines() {
            let start = line.trim_start();
            if start.starts_with("::") || start.starts_with("##[") {
                faults.push(format!("{what}: a line that CI obeys: {line}"));
            }
        }
        if markdown {
            let outside = outside_code(shown);
            for bad in ["<script", "<img", "<details", "](http", "\n# title", "\n- item"] {
                if outside.contains(bad) {
                    faults.push(format!("{what}: {bad:?} is markup"));
                }
            }
        }
        faults
    }

    /// Markdown without what stands in fenced blocks and code spans, where nothing is markup.
    fn outside_code(markdown: &str) -> String {
        let mut fence: Option<String> = None;
        let mut outside = String::new();
        for line in markdown.lines() {
            let ticks: String = line.trim_start().chars().take_while(|c| *c == '`').collect();
            match &fence {
                None if ticks.len() >= 3 => fence = Some(ticks),
                Some(open) if ticks.len() >= open.len() && line.trim() == ticks => fence = None,
                Some(_) => {}
                None => {
                    outside.push_str(&outside_spans(line));
                    outside.push('\n');
                }
            }
        }
        outside
    }

    /// A line without its code spans and without what a backslash makes plain.
    fn outside_spans(line: &str) -> String {
        let mut outside = String::new();
        let mut rest = line;
        while let Some(letter) = rest.chars().next() {
            let (ticks, after) = rest.split_at(rest.len() - rest.trim_start_matches('`').len());
            let mut next = rest.chars();
            next.next();
            rest = match (letter, after.split_once(ticks)) {
                ('`', Some((_, behind))) => behind,
                ('\\', _) => {
                    next.next();
                    next.as_str()
                }
                _ => {
                    outside.push(letter);
                    next.as_str()
                }
            };
        }
        outside
    }

    fn ask_every_way(
        folder: &Path,
        docker: &str,
        what: &[&str],
        input: &str,
        attack: &str,
    ) -> Vec<String> {
        let mut all = Vec::new();
        for form in FORMS {
            let (code, out, err) = run(folder, docker, &[form, what].concat(), input);
            assert!(code != 2 && !out.is_empty(), "{attack:?}: {code} {err}");
            let label = format!("{attack:?} {form:?}");
            all.extend(faults(&label, &out, form == ["--format", "markdown"]));
            all.extend(faults(&format!("{label} notes"), &err, false));
            if form == ["--quiet"] && out.lines().count() != 1 {
                all.push(format!("{label}: not one line: {out}"));
            }
        }
        let (_, out, _) = run(folder, docker, &[&["--format", "json"], what].concat(), input);
        let parsed: Result<Value, _> = serde_json::from_str(&out);
        if parsed.is_err() {
            all.push(format!("{attack:?}: not JSON: {out}"));
        }
        all.extend(faults(&format!("{attack:?} json"), &out, false));
        all
    }

    fn none(faults: &[String]) {
        assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    }

    fn attacked(attack: &str) -> (Value, Vec<Value>, String) {
        let inspect = dead_container(json!({
            "Name": format!("/shop{attack}"),
            "Path": format!("sh{attack}"),
            "Args": ["-c", attack],
            "State": { "Error": attack, "Health": { "Status": "unhealthy", "FailingStreak": 3,
                "Log": [{ "Start": "2026-05-27T18:41:00Z", "End": "2026-05-27T18:41:01Z",
                    "ExitCode": 1, "Output": attack }] } },
            "Config": { "Image": format!("shop{attack}"), "Cmd": ["-c", attack],
                "Labels": { "com.docker.compose.service": attack,
                    "com.docker.compose.project": attack },
                "Env": [format!("NODE_OPTIONS=--max-old-space-size=96 {attack}")],
                "StopSignal": attack }
        }));
        let named = |action: &str, after, more: Value| {
            let mut one = event(action, after, more);
            one["Actor"]["Attributes"]["name"] = format!("shop{attack}").into();
            one["Actor"]["Attributes"]["image"] = attack.into();
            one
        };
        let events = vec![
            named("start", 1, json!({})),
            named(&format!("exec_create: {attack}"), 60, json!({ "execID": attack })),
            named("kill", 120, json!({ "signal": attack })),
            named("kill", 130, json!({ "signal": "9" })),
            named("die", 131, json!({ "exitCode": "137" })),
        ];
        let log = format!(
            "{attack}\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory {attack}\n\
             java.lang.OutOfMemoryError: Java heap space {attack}\n{attack} Killed\n"
        );
        (inspect, events, log)
    }

    #[test]
    fn nothing_of_a_container_steers_the_reader() {
        let mut all = Vec::new();
        for attack in ATTACKS {
            let folder = folder();
            let (inspect, events, log) = attacked(attack);
            let docker = serve(folder.path(), engine(&inspect, &events, &log));
            all.extend(ask_every_way(folder.path(), &docker, &[ID, "--with-logs"], "", attack));
        }
        none(&all);
    }

    #[test]
    fn nothing_of_a_paste_steers_the_reader() {
        let folder = folder();
        let mut all = Vec::new();
        for attack in ATTACKS {
            // comm is what a program calls itself: at most 15 bytes, any byte.
            let comm: String = attack.chars().filter(|c| *c != '\n').take(15).collect();
            let kernel = format!(
                "[   83.1] {comm} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[   83.2] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/docker/{ID},task_memcg=/docker/{ID},task={comm},pid=295,uid=0
[   83.3] Memory cgroup out of memory: Killed process 295 ({comm}) total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0
"
            );
            let (inspect, events, log) = attacked(attack);
            let events: String = events.iter().map(|event| format!("{event}\n")).collect();
            let name = attack.replace('\n', " ");
            let rows = format!(
                "CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   PORTS   NAMES
3fc28fa1c647   i{name}   \"{name}\"   2 hours ago   Exited (137) 3 minutes ago      n{name}
2026-05-27T18:42:11.120000000Z container die {ID} (exitCode=137, image={name}, name={name})
"
            );
            let pod = format!(
                "Name:  api{name}\nContainers:\n  api{name}:\n    Last State:  Terminated\n      Reason:  OOMKilled{name}\n      Message:  {attack}\n      Exit Code:  137\nEvents:\n  Warning  Evicted  3m  kubelet  The node was low on resource: memory. {attack}\n"
            );
            let texts =
                [kernel, json!([inspect]).to_string(), events, log, rows, pod, attack.to_owned()];
            for text in texts {
                all.extend(ask_every_way(folder.path(), "", &["-"], &text, attack));
            }
        }
        none(&all);
    }

    #[test]
    fn a_word_that_is_refused_is_shown_harmless() {
        let folder = folder();
        let docker = serve(folder.path(), engine(&dead_container(json!({})), &[], ""));
        let mut all = Vec::new();
        for attack in ATTACKS {
            let word: String = attack.chars().filter(|c| *c != '\0').collect();
            for words in [
                &[word.as_str()][..],
                &["rule", &word],
                &["--format", &word, "x"],
                &["-c", &word, "x"],
                &["-H", &word, "x"],
                &["--save", &format!("no/{word}"), "shop-api-1"],
                &[&format!("./{word}")],
                &[&word, "other"],
            ] {
                // A word that begins with a dash or names a command is another test's.
                let (code, out, err) = run(folder.path(), &docker, words, "");
                assert!(code == 1 || code == 2, "{words:?}: {code} {out}");
                all.extend(faults(&format!("{words:?}"), &err, false));
            }
        }
        none(&all);
    }

    /// What the program wrote about the kernel is the program's word.
    #[test]
    fn a_containers_own_log_does_not_testify_for_the_kernel() {
        let kernel = format!(
            "[   83.1] node invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[   83.2] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/docker/{ID},task_memcg=/docker/{ID},task=node,pid=1,uid=0
[   83.3] Memory cgroup out of memory: Killed process 1 (node) total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0
May 27 18:42:10 host kernel: Out of memory: Killed process 1 (node) total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0
May 27 18:42:10 host earlyoom[812]: sending SIGKILL to process 1 uid 0 \"node\": oom_score 1300
time=\"2026-05-27T18:42:11.02Z\" level=info msg=\"Container failed to exit within 10s of signal 15 - using the force\" container={ID}
2026-05-27T18:42:11.020000000Z container kill {ID} (image=shop/api, name=shop-api-1, signal=9)
{{\"Id\":\"{ID}\",\"State\":{{\"OOMKilled\":true,\"ExitCode\":137}}}}
137 true 2026-05-27T18:42:11Z
oom_kill 1
{{\"why137_case\":1}}
"
        );
        let die = event("die", 131, json!({ "exitCode": "137" }));
        let events = [event("start", 1, json!({})), die];
        let mut answers = Vec::new();
        for log in ["", kernel.as_str()] {
            let folder = folder();
            let docker = serve(folder.path(), engine(&dead_container(json!({})), &events, log));
            for logs in [&[][..], &["--with-logs"]] {
                let words = [&["shop-api-1", "--format", "json"], logs].concat();
                let (code, out, err) = run(folder.path(), &docker, &words, "");
                let mut answer: Value =
                    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
                // The folder's name is in the commands that ask this engine again.
                let told: Vec<Value> = [
                    "killer",
                    "level",
                    "confidence",
                    "victims",
                    "candidates",
                    "main",
                    "limit_bytes",
                ]
                .map(|key| answer[key].take())
                .to_vec();
                answers.push((code, told));
            }
        }
        let first = answers[0].clone();
        assert_eq!(first.1[0], "unknown");
        for other in &answers {
            assert_eq!(*other, first);
        }
    }

    #[test]
    fn a_name_that_is_a_path_or_an_option_of_the_api_reaches_no_other_endpoint() {
        let folder = folder();
        let docker = serve(folder.path(), {
            let rest = engine(&dead_container(json!({})), &[], "");
            move |path| {
                // Only the daemon's own id may stand in a path.
                let asked =
                    path.strip_prefix("/containers/").filter(|rest| !rest.starts_with("json"));
                if asked.is_some_and(|rest| !rest.starts_with(ID)) {
                    return answer(500, b"{\"message\":\"a stranger's word in a path\"}");
                }
                rest(path)
            }
        });
        for name in ["../images/json", "x/../../secrets", "a?all=1", "a b", "%2e%2e", "\u{20ac}"] {
            let (code, out, err) = run(folder.path(), &docker, &["explain", name], "");
            assert_eq!((code, out.as_str()), (1, ""), "{name}");
            assert!(!err.contains("stranger"), "{name}: {err}");
        }
    }
}
