//! The commands that articles about exit 137 tell people to run: the output of each one, alone on
//! standard input, is recognised and answered, and no answer says more than that output proves.
//!
//! One row per paste. What the rules make of evidence that belongs together is tested by the
//! dossiers, not here.

#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use crate::program::run;

    const ID: &str = "ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901";
    /// Ends that a 137 without a witness leaves open.
    const OPEN: &[&str] = &[
        "host-out-of-memory",
        "container-memory-limit",
        "process",
        "not-killed",
        "stop-timeout",
        "api-kill",
    ];
    /// Levels that a kernel OOM kill without its summary line leaves open.
    const LEVELS: &[&str] =
        &["container-memory-limit", "ancestor-memory-limit", "host-out-of-memory"];
    /// Killers of memory: what a paste without a word of memory may not name.
    const MEMORY: &[&str] = &[
        "container-memory-limit",
        "ancestor-memory-limit",
        "host-out-of-memory",
        "numa-out-of-memory",
        "out-of-memory",
    ];

    /// A paste and what must, and must not, be said of it.
    #[derive(Clone)]
    struct Row {
        command: &'static str,
        text: String,
        killer: &'static str,
        level: &'static str,
        confidence: &'static str,
        fate: &'static str,
        exit_code: Option<i64>,
        limit: Option<u64>,
        container: Option<&'static str>,
        /// All of these are among the candidates.
        open: &'static [&'static str],
        /// None of these is the killer or a candidate.
        closed: &'static [&'static str],
        /// Words of the page.
        says: &'static [&'static str],
    }

    /// What died is not known, and nothing is said of it.
    fn row(command: &'static str, text: &str) -> Row {
        Row {
            command,
            text: text.replace("{ID}", ID),
            killer: "unknown",
            level: "none",
            confidence: "unknown",
            fate: "unknown",
            exit_code: None,
            limit: None,
            container: None,
            open: &[],
            closed: &[],
            says: &[],
        }
    }

    /// 137 and no witness.
    fn undecided(command: &'static str, text: &str) -> Row {
        Row { exit_code: Some(137), open: OPEN, ..row(command, text) }
    }

    /// A kernel OOM kill by somebody's word, its level open.
    fn memory_by_word(command: &'static str, text: &str) -> Row {
        Row {
            killer: "out-of-memory",
            level: "unknown",
            confidence: "likely",
            exit_code: Some(137),
            open: LEVELS,
            ..row(command, text)
        }
    }

    fn alive(command: &'static str, text: &str) -> Row {
        Row {
            killer: "still-alive",
            confidence: "likely",
            fate: "alive",
            closed: MEMORY,
            ..row(command, text)
        }
    }

    fn inspect_format() -> Vec<Row> {
        const STATE: &str = "docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}'";
        const MEMORY_LIMIT: &str = "docker inspect --format '{{.HostConfig.Memory}}'";
        let crash = |text: &str, code| Row {
            killer: "crash",
            confidence: "likely",
            fate: "exited",
            exit_code: Some(code),
            closed: MEMORY,
            ..row(STATE, text)
        };
        vec![
            undecided(STATE, "137 false 2026-05-27T18:42:11.123456789Z\n"),
            undecided(STATE, "137 false 2026-05-27T18:42:11Z"),
            undecided(STATE, "'137 false 2026-05-27T20:42:11.123456789+02:00'\r\n"),
            memory_by_word(STATE, "137 true 2026-05-27T18:42:11.123456789Z\n"),
            Row {
                open: &["stopped", "process", "not-killed"],
                exit_code: Some(143),
                closed: MEMORY,
                ..row(STATE, "143 false 2026-05-27T18:42:11.123456789Z\n")
            },
            crash("139 false 2026-05-27T18:42:11.123456789Z\n", 139),
            crash("134 false 2026-05-27T18:42:11.123456789Z\n", 134),
            // The main process chose its 1; whoever was killed was another one.
            Row {
                fate: "exited",
                exit_code: Some(1),
                says: &["not the\n  main one", "it ended with 1"],
                ..memory_by_word(STATE, "1 true 2026-05-27T18:42:11.123456789Z\n")
            },
            Row {
                limit: Some(67_108_864),
                closed: MEMORY,
                says: &["a memory limit of 64 MiB is set", "whether it was ever"],
                ..row(MEMORY_LIMIT, "67108864\n")
            },
            // 0 is how docker spells no limit.
            Row { closed: MEMORY, says: &["no memory limit is set"], ..row(MEMORY_LIMIT, "0\n") },
        ]
    }

    fn other_spellings() -> Vec<Row> {
        const PASTE: &str = "a paste with its surroundings";
        let command = "docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}' api";
        let both = format!(
            "root@host:~# {command}\n137 true 2026-05-27T18:42:11.123456789Z\n\
             root@host:~# docker inspect --format '{{{{.HostConfig.Memory}}}}' api\n67108864\n"
        );
        let event = format!(
            "{{\"status\":\"die\",\"id\":\"{ID}\",\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{{\"ID\":\"{ID}\",\"Attributes\":{{\"exitCode\":\"137\",\"name\":\"shop-api-1\"}}}},\"scope\":\"local\",\"time\":1779907331,\"timeNano\":1779907331000000000}}\n"
        );
        let compose = "NAME         IMAGE          COMMAND            SERVICE   CREATED       STATUS                       PORTS
shop-api-1   shop/api:1.4   \"python3 -m api\"   api       2 hours ago   Exited (137) 3 minutes ago\n";
        vec![
            undecided(PASTE, &format!("$ {command}\n137 false 2026-05-27T18:42:11.123456789Z\n")),
            undecided(PASTE, "```\n137 false 2026-05-27T18:42:11.123456789Z\n```\n"),
            Row { limit: Some(67_108_864), ..memory_by_word(PASTE, &both) },
            undecided("echo $?", "137\n"),
            undecided("docker compose ps -a", compose),
            undecided(
                "docker ps -a --format '{{.Names}}\\t{{.Status}}'",
                "shop-api-1\tExited (137) 3 minutes ago\n",
            ),
            Row { container: Some(ID), ..undecided("docker events --format '{{json .}}'", &event) },
            memory_by_word(
                "docker inspect --format '{{json .State}}'",
                r#"{"Status":"exited","Running":false,"OOMKilled":true,"Pid":0,"ExitCode":137,"Error":"","StartedAt":"2026-05-27T18:40:01.1Z","FinishedAt":"2026-05-27T18:42:11.2Z"}"#,
            ),
            // Prose about the matter is nobody's flag.
            Row {
                exit_code: Some(137),
                ..row(
                    "an article",
                    "Exit code 137 means that your container got SIGKILL, often by the OOM killer. If docker inspect shows OOMKilled: true, then it exceeded its limit.\n",
                )
            },
            row(
                "dmesg -T | grep -iE 'killed process|oom'",
                "[Wed May 27 18:40:10 2026] systemd[1]: Listening on Userspace Out-Of-Memory (OOM) Killer Socket.\n",
            ),
        ]
    }

    fn docker_tables() -> Vec<Row> {
        const PS: &str = "docker ps -a";
        const STATS: &str = "docker stats --no-stream";
        const PS_HEADER: &str = "CONTAINER ID   IMAGE               COMMAND                  CREATED          STATUS                       PORTS      NAMES\n";
        const STATS_HEADER: &str = "CONTAINER ID   NAME         CPU %     MEM USAGE / LIMIT     MEM %     NET I/O           BLOCK I/O         PIDS\n";
        let dead = "3fc28fa1c647   shop/api:1.4        \"python3 -m api\"         2 hours ago      Exited (137) 3 minutes ago              shop-api-1\n";
        let up = "9c28fa1c647c   postgres:16         \"docker-entrypoint.s…\"   2 hours ago      Up 2 hours                   5432/tcp   shop-db-1\n";
        let full = "3fc28fa1c647   shop-api-1   99.87%    63.9MiB / 64MiB       99.84%    1.2kB / 0B        4.1MB / 0B        7\n";
        vec![
            Row { container: Some("3fc28fa1c647"), ..undecided(PS, dead) },
            Row { container: Some("3fc28fa1c647"), ..undecided(PS, &format!("{PS_HEADER}{dead}")) },
            Row { container: Some("9c28fa1c647c"), ..alive(PS, &format!("{PS_HEADER}{up}")) },
            Row {
                killer: "not-killed",
                confidence: "likely",
                fate: "exited",
                exit_code: Some(0),
                closed: MEMORY,
                ..row(PS, &dead.replace("Exited (137)", "Exited (0)"))
            },
            Row {
                limit: Some(67_108_864),
                container: Some("3fc28fa1c647"),
                says: &["63.9 MiB of 64 MiB"],
                ..alive(STATS, full)
            },
            Row {
                limit: Some(67_108_864),
                says: &["12.4 MiB of 64 MiB"],
                ..alive(STATS, &format!("{STATS_HEADER}{}", full.replace("63.9MiB", "12.4MiB")))
            },
        ]
    }

    fn docker_words() -> Vec<Row> {
        const EVENTS: &str = "docker events --since 1h --until 0s";
        const JOURNAL: &str = "journalctl -u docker | grep 'using the force'";
        let line = |rest: &str| {
            let about = "image=shop/api, name=shop-api-1";
            rest.replace("ABOUT", about).replace("ID", ID)
        };
        let die = line(
            "2026-05-27T18:42:11.120000000Z container die ID (execDuration=130, exitCode=137, ABOUT)\n",
        );
        let term = line("2026-05-27T18:42:01.000000000Z container kill ID (signal=15, ABOUT)\n");
        let kill = line("2026-05-27T18:42:11.020000000Z container kill ID (signal=9, ABOUT)\n");
        let stop = line("2026-05-27T18:42:11.220000000Z container stop ID (ABOUT)\n");
        let forced = |text: &str| Row {
            killer: "stop-timeout",
            confidence: "proven",
            fate: "killed",
            container: Some(ID),
            closed: MEMORY,
            ..row(JOURNAL, text)
        };
        let killed = |killer, text: String| Row {
            killer,
            confidence: "proven",
            fate: "killed",
            exit_code: Some(137),
            container: Some(ID),
            closed: MEMORY,
            ..row(EVENTS, &text)
        };
        vec![
            Row { container: Some(ID), ..undecided(EVENTS, &die) },
            killed("api-kill", format!("{kill}{die}")),
            killed("stop-timeout", format!("{term}{kill}{die}{stop}")),
            forced(
                "May 27 18:42:11 host dockerd[812]: time=\"2026-05-27T18:42:11.020000000Z\" level=info msg=\"Container failed to exit within 10s of signal 15 - using the force\" container={ID}\n",
            ),
            forced(
                "May 27 18:42:11 host dockerd[812]: time=\"2026-05-27T18:42:11.020000000Z\" level=info msg=\"Container {ID} failed to exit within 10 seconds of signal 15 - using the force\"\n",
            ),
            Row {
                killer: "crash",
                confidence: "likely",
                closed: MEMORY,
                says: &["heap"],
                ..row("docker logs NAME", V8_DEATH)
            },
        ]
    }

    const V8_DEATH: &str = "
<--- Last few GCs --->

[1:0x7f2c5c000]    41289 ms: Scavenge (interleaved) 253.8 (258.1) -> 253.6 (259.1) MB, pooled: 0 MB, 4.02 / 0.00 ms  (average mu = 0.251, current mu = 0.210) allocation failure;
[1:0x7f2c5c000]    41512 ms: Mark-Compact (reduce) 254.6 (259.1) -> 254.1 (256.3) MB, pooled: 0 MB, 201.14 / 0.00 ms  (average mu = 0.180, current mu = 0.098) last resort; GC in old space requested

<--- JS stacktrace --->

FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----

 1: 0xb9c1f0 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]
";

    fn inspect() -> Vec<Row> {
        const INSPECT: &str = "docker inspect NAME";
        let state = |state: Value| {
            let mut object = serde_json::json!([{
                "Id": ID,
                "Created": "2026-05-27T18:40:00.1Z",
                "Path": "python3",
                "Args": ["-m", "api"],
                "State": {
                    "Status": "exited", "Running": false, "OOMKilled": false, "Pid": 0,
                    "ExitCode": 137, "Error": "", "StartedAt": "2026-05-27T18:40:01.1Z",
                    "FinishedAt": "2026-05-27T18:42:11.2Z"
                },
                "Name": "/shop-api-1",
                "RestartCount": 0,
                "HostConfig": { "Memory": 67108864, "MemorySwap": 67108864 },
                "Config": { "Env": ["PATH=/usr/bin"], "Cmd": ["-m", "api"], "Image": "shop/api" }
            }]);
            for (key, value) in state.as_object().unwrap() {
                object[0]["State"][key] = value.clone();
            }
            serde_json::to_string_pretty(&object).unwrap()
        };
        let base = |row: Row| Row { container: Some(ID), limit: Some(67_108_864), ..row };
        let running = serde_json::json!({ "Status": "running", "Running": true, "ExitCode": 0,
            "Pid": 77, "FinishedAt": "0001-01-01T00:00:00Z" });
        vec![
            base(undecided(INSPECT, &state(serde_json::json!({})))),
            base(memory_by_word(INSPECT, &state(serde_json::json!({ "OOMKilled": true })))),
            base(alive(INSPECT, &state(running))),
        ]
    }

    fn kernel_lines() -> Vec<Row> {
        const DMESG: &str = "dmesg -T | grep -iE 'killed process|oom'";
        let summary = |scope: &str| {
            format!(
                "[Wed May 27 18:42:10 2026] python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[Wed May 27 18:42:10 2026]  oom_kill_process+0x10f/0x1d0
[Wed May 27 18:42:10 2026] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[Wed May 27 18:42:10 2026] oom-kill:{scope},task_memcg=/system.slice/docker-{ID}.scope,task=python3,pid=295,uid=0\n"
            )
        };
        let own = summary(&format!(
            "constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=docker-{ID}.scope,mems_allowed=0,oom_memcg=/system.slice/docker-{ID}.scope"
        ));
        let host = summary(&format!(
            "constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=docker-{ID}.scope,mems_allowed=0,global_oom"
        ));
        let own_victim = "[Wed May 27 18:42:10 2026] Memory cgroup out of memory: Killed process 295 (python3) total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0\n";
        let host_victim = own_victim.replace("Memory cgroup out", "Out");
        let kill = |text: String, killer, level, confidence| Row {
            killer,
            level,
            confidence,
            says: &["python"],
            ..row(DMESG, &text)
        };
        vec![
            Row {
                container: Some(ID),
                ..kill(format!("{own}{own_victim}"), "container-memory-limit", "own", "proven")
            },
            Row {
                container: Some(ID),
                ..kill(format!("{host}{host_victim}"), "host-out-of-memory", "host", "proven")
            },
            // Without the summary line a limit filled, and nobody knows whose.
            Row {
                open: &["container-memory-limit", "ancestor-memory-limit"],
                closed: &["host-out-of-memory"],
                ..kill(own_victim.to_owned(), "out-of-memory", "unknown", "proven")
            },
            // A kernel before 4.20 wrote no summary line; `grep` dropped its `Task in …` line.
            Row {
                open: &["container-memory-limit", "ancestor-memory-limit"],
                closed: &["host-out-of-memory"],
                ..kill(
                    "[Wed May 27 18:42:10 2020] python invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0
[Wed May 27 18:42:10 2020] Memory cgroup out of memory: Kill process 19417 (python) score 890 or sacrifice child
[Wed May 27 18:42:10 2020] Killed process 19417 (python) total-vm:1584624kB, anon-rss:168368kB, file-rss:1580kB\n"
                        .to_owned(),
                    "out-of-memory",
                    "unknown",
                    "proven",
                )
            },
        ]
    }

    fn kubectl() -> Vec<Row> {
        const LAST_STATE: &str = "kubectl describe pod X | grep -A 10 'Last State'";
        const NODE: &str = "kubectl describe node | grep -A 5 MemoryPressure";
        let last_state = |reason: &str| {
            format!(
                "    Last State:     Terminated
      Reason:       {reason}
      Exit Code:    137
      Started:      Wed, 27 May 2026 18:40:01 +0000
      Finished:     Wed, 27 May 2026 18:42:11 +0000
    Ready:          True
    Restart Count:  3
    Limits:
      cpu:     500m
      memory:  64Mi\n"
            )
        };
        let node = |word: &str| {
            format!(
                "  MemoryPressure   {word}   Wed, 27 May 2026 18:42:11 +0000   Wed, 27 May 2026 18:41:01 +0000   KubeletHas…Memory   kubelet has … memory available
  DiskPressure     False   Wed, 27 May 2026 18:42:11 +0000   Mon, 25 May 2026 08:00:00 +0000   KubeletHasNoDiskPressure       kubelet has no disk pressure
  Ready            True    Wed, 27 May 2026 18:42:11 +0000   Mon, 25 May 2026 08:00:10 +0000   KubeletReady                   kubelet is posting ready status\n"
            )
        };
        vec![
            Row { limit: Some(67_108_864), ..memory_by_word(LAST_STATE, &last_state("OOMKilled")) },
            Row { limit: Some(67_108_864), ..undecided(LAST_STATE, &last_state("Error")) },
            Row { open: &["eviction"], closed: MEMORY, ..row(NODE, &node("True")) },
            Row {
                closed: &["eviction"],
                says: &["no memory pressure when this was printed"],
                ..row(NODE, &node("False"))
            },
        ]
    }

    fn kubernetes_objects() -> Vec<Row> {
        const EVENTS: &str = "kubectl get events";
        let header = "LAST SEEN   TYPE      REASON      OBJECT         MESSAGE\n";
        let said = |killer, text: &str| Row {
            killer,
            confidence: "likely",
            ..row(EVENTS, &format!("{header}{text}"))
        };
        let pods = "NAME       READY   STATUS      RESTARTS      AGE
api-7d9c   0/1     OOMKilled   3 (30s ago)   5m
db-0       1/1     Running     0             2d\n";
        let object = |command, text: &str| Row {
            limit: Some(67_108_864),
            container: Some(ID),
            ..memory_by_word(command, text)
        };
        let yaml = POD_YAML.replace("{ID}", ID);
        let json = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "api-7d9c" },
            "spec": { "containers": [{
                "name": "api", "resources": { "limits": { "memory": "64Mi" } } }] },
            "status": { "phase": "Running", "containerStatuses": [{
                "name": "api", "restartCount": 3, "containerID": format!("containerd://{ID}"),
                "state": { "running": { "startedAt": "2026-05-27T18:42:13Z" } },
                "lastState": { "terminated": {
                    "exitCode": 137, "reason": "OOMKilled",
                    "startedAt": "2026-05-27T18:40:01Z", "finishedAt": "2026-05-27T18:42:11Z",
                    "containerID": format!("containerd://{ID}") } } }] }
        });
        vec![
            said(
                "eviction",
                "3m          Warning   Evicted     pod/api-7d9c   The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. Container api was using 612Mi, request is 64Mi, has larger consumption of memory.\n",
            ),
            said(
                "failed-probe",
                "4m          Warning   Unhealthy   pod/api-7d9c   Liveness probe failed: HTTP probe failed with statuscode: 503
3m          Normal    Killing     pod/api-7d9c   Container api failed liveness probe, will be restarted\n",
            ),
            Row { exit_code: None, ..memory_by_word("kubectl get pods", pods) },
            object("kubectl get pod X -o yaml", &yaml),
            object("kubectl get pod X -o json", &serde_json::to_string_pretty(&json).unwrap()),
        ]
    }

    const POD_YAML: &str = "apiVersion: v1
kind: Pod
metadata:
  name: api-7d9c
  namespace: shop
spec:
  containers:
  - image: shop/api
    name: api
    resources:
      limits:
        memory: 64Mi
status:
  containerStatuses:
  - containerID: containerd://{ID}
    lastState:
      terminated:
        containerID: containerd://{ID}
        exitCode: 137
        finishedAt: \"2026-05-27T18:42:11Z\"
        reason: OOMKilled
        startedAt: \"2026-05-27T18:40:01Z\"
    name: api
    restartCount: 3
    state:
      running:
        startedAt: \"2026-05-27T18:42:13Z\"
  phase: Running
";

    fn describe_tasks() -> Vec<Row> {
        const TASKS: &str = "aws ecs describe-tasks --query 'tasks[0].{stop:stoppedReason,containers:containers[].{name:name,exit:exitCode,reason:reason}}'";
        let json = |reason: &str| {
            format!(
                r#"{{
    "stop": "Essential container in task exited",
    "containers": [
        {{
            "name": "app",
            "exit": 137,
            "reason": {reason}
        }},
        {{
            "name": "sidecar",
            "exit": 0,
            "reason": null
        }}
    ]
}}
"#
            )
        };
        let yaml = "containers:
- exit: 137
  name: app
  reason: 'OutOfMemoryError: Container killed due to memory usage'
stop: Essential container in task exited\n";
        let text = "Essential container in task exited
CONTAINERS\t137\tapp\tOutOfMemoryError: Container killed due to memory usage\n";
        let table = "\
-------------------------------------------------------------------------------
|                                DescribeTasks                                |
+---------------------------------------+-------------------------------------+
|  stop                                 |  Essential container in task exited |
+---------------------------------------+-------------------------------------+
||                                 containers                                ||
|+------+-------+------------------------------------------------------------+|
|| exit | name  |                          reason                            ||
|+------+-------+------------------------------------------------------------+|
||  137 |  app  |  OutOfMemoryError: Container killed due to memory usage    ||
|+------+-------+------------------------------------------------------------+|\n";
        let reason = "\"OutOfMemoryError: Container killed due to memory usage\"";
        vec![
            memory_by_word(TASKS, &json(reason)),
            undecided(TASKS, &json("null")),
            memory_by_word(TASKS, yaml),
            memory_by_word(TASKS, text),
            memory_by_word(TASKS, table),
        ]
    }

    fn ask(row: &Row, words: &[&str]) -> (i32, String) {
        let nowhere = "unix:///nonexistent/docker.sock";
        let (code, out, err) = run(Path::new("/"), nowhere, words, &row.text);
        assert_eq!(err, "", "{}\n{}", row.command, row.text);
        (code, out)
    }

    /// What of a row is not as it must be.
    fn faults(row: &Row) -> Vec<String> {
        let (code, json) = ask(row, &["--format", "json", "-"]);
        let answer: Value = serde_json::from_str(&json).unwrap();
        let mut faults = Vec::new();
        let mut same = |what: &str, is: Value, must: Value| {
            if is != must {
                faults.push(format!("{what} is {is}, must be {must}"));
            }
        };
        same("killer", answer["killer"].clone(), row.killer.into());
        same("level", answer["level"].clone(), row.level.into());
        same("confidence", answer["confidence"].clone(), row.confidence.into());
        same("fate", answer["main"]["fate"].clone(), row.fate.into());
        same("exit code", answer["main"]["exit_code"].clone(), row.exit_code.into());
        same("limit", answer["limit_bytes"].clone(), row.limit.into());
        let must = match (row.killer, row.confidence) {
            ("still-alive", _) => 4,
            ("unknown", _) | (_, "possible" | "unknown") => 3,
            _ => 0,
        };
        same("the program's exit code", code.into(), must.into());
        if row.container.is_some() {
            same("container", answer["container_id"].clone(), row.container.into());
        }
        let candidates: Vec<&str> = answer["candidates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|candidate| candidate["killer"].as_str().unwrap())
            .collect();
        let open = row.open.iter().filter(|killer| !candidates.contains(killer));
        faults.extend(open.map(|killer| format!("{killer} is no candidate")));
        let named = |killer: &&&str| candidates.contains(killer) || row.killer == **killer;
        faults.extend(row.closed.iter().filter(named).map(|killer| format!("{killer} is named")));
        for because in answer["because"].as_array().unwrap() {
            let quote = because["quote"].as_str().unwrap().trim();
            if !row.text.contains(quote) {
                faults.push(format!("it quotes what was not pasted: {quote}"));
            }
        }
        if row.killer != "unknown" && answer["because"].as_array().unwrap().is_empty() {
            faults.push("nothing is quoted".to_owned());
        }
        let (_, page) = ask(row, &["--width", "80", "-"]);
        let silent = row.says.iter().filter(|words| !page.contains(**words));
        faults.extend(silent.map(|words| format!("the page does not say `{words}`:\n{page}")));
        faults
    }

    fn check(rows: Vec<Row>) {
        let told: Vec<String> = rows
            .iter()
            .map(|row| (row, faults(row)))
            .filter(|(_, faults)| !faults.is_empty())
            .map(|(row, faults)| {
                format!("{}\n{}  - {}\n", row.command, row.text, faults.join("\n  - "))
            })
            .collect();
        assert!(told.is_empty(), "\n{}", told.join("\n"));
    }

    #[test]
    fn three_fields_of_docker_inspect() {
        check(inspect_format());
    }

    #[test]
    fn the_same_fields_in_other_forms() {
        check(other_spellings());
    }

    #[test]
    fn tables_of_docker() {
        check(docker_tables());
    }

    #[test]
    fn words_of_docker_and_of_the_program() {
        check(docker_words());
    }

    #[test]
    fn a_whole_docker_inspect() {
        check(inspect());
    }

    #[test]
    fn what_grep_leaves_of_the_kernel_log() {
        check(kernel_lines());
    }

    #[test]
    fn pieces_of_kubectl_describe() {
        check(kubectl());
    }

    #[test]
    fn objects_and_tables_of_kubectl_get() {
        check(kubernetes_objects());
    }

    #[test]
    fn renamed_fields_of_aws_in_every_output_form() {
        check(describe_tasks());
    }

    /// Docker shows 0 and the end of an *earlier* life for a container that runs again.
    #[test]
    fn zero_is_no_proof_that_it_ended_well() {
        const STATE: &str = "docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}'";
        for text in ["0 false 0001-01-01T00:00:00Z\n", "0 false 2026-05-27T18:42:11.123456789Z\n"] {
            let (_, json) = ask(&row(STATE, text), &["--format", "json", "-"]);
            let answer: Value = serde_json::from_str(&json).unwrap();
            assert_ne!(answer["confidence"], "proven", "{text}");
            let open = answer["candidates"].to_string().contains("\"still-alive\"");
            assert!(open || answer["killer"] != "not-killed", "{text}{json}");
        }
    }

    #[test]
    fn the_dead_row_of_a_table_is_the_answer() {
        let table = "CONTAINER ID   IMAGE         COMMAND             CREATED       STATUS                       PORTS      NAMES
3fc28fa1c647   shop/api:1.4  \"python3 -m api\"    2 hours ago   Exited (137) 3 minutes ago              shop-api-1
9c28fa1c647c   postgres:16   \"docker-entry…\"     2 hours ago   Up 2 hours (healthy)         5432/tcp   shop-db-1
";
        let again = "9c28fa1c647c   worker:16   \"/worker\"   2 hours ago   Restarting (137) 12 seconds ago      shop-worker-1\n";
        check(vec![
            Row { container: Some("3fc28fa1c647"), ..undecided("docker ps -a", table) },
            Row { container: Some("9c28fa1c647c"), ..undecided("docker ps -a", again) },
        ]);
    }

    #[test]
    fn an_oom_event_counts_like_the_flag_that_is_made_of_it() {
        let text = "2026-05-27T18:42:11.020000000Z container oom {ID} (image=shop/api, name=shop-api-1)
2026-05-27T18:42:11.120000000Z container die {ID} (execDuration=130, exitCode=137, image=shop/api, name=shop-api-1)
";
        let row = memory_by_word("docker events --since 1h --until 0s", text);
        check(vec![Row { container: Some(ID), ..row }]);
    }

    #[test]
    fn counters_alone_tell_that_a_kill_was_counted() {
        const EVENTS: &str = "cat /sys/fs/cgroup/memory.events";
        let events = |max, oom, kills| {
            format!("low 0\nhigh 0\nmax {max}\noom {oom}\noom_kill {kills}\noom_group_kill 0\n")
        };
        let ask = |text: &str| {
            let (_, json) = ask(&row(EVENTS, text), &["--format", "json", "-"]);
            serde_json::from_str::<Value>(&json).unwrap()
        };
        let own = ask(&events(41, 1, 1));
        assert_eq!(own["killer"], "out-of-memory", "{own}");
        assert_ne!(own["confidence"], "unknown", "{own}");
        // `oom 0`: whatever filled was above this cgroup.
        let above = ask(&events(0, 0, 1));
        assert_eq!(above["killer"], "out-of-memory", "{above}");
        assert!(!above["candidates"].to_string().contains("container-memory-limit"), "{above}");
        let quiet = ask(&events(0, 0, 0));
        assert_eq!(quiet["killer"], "unknown", "{quiet}");
        assert!(!quiet["because"].as_array().unwrap().is_empty(), "{quiet}");
    }

    #[test]
    fn a_candidate_is_named_once() {
        for row in [describe_tasks(), inspect_format(), docker_tables(), kubectl()].concat() {
            let (_, json) = ask(&row, &["--format", "json", "-"]);
            let answer: Value = serde_json::from_str(&json).unwrap();
            let mut named: Vec<&str> = answer["candidates"]
                .as_array()
                .unwrap()
                .iter()
                .map(|candidate| candidate["killer"].as_str().unwrap())
                .collect();
            named.sort_unstable();
            let all = named.len();
            named.dedup();
            assert_eq!(named.len(), all, "{}\n{}", row.command, row.text);
        }
    }

    #[test]
    fn podman_writes_the_time_its_own_way() {
        const STATE: &str = "podman inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}'";
        check(vec![
            undecided(STATE, "137 false 2026-05-27 18:42:11.123456789 +0000 UTC\n"),
            memory_by_word(STATE, "137 true 2026-05-27 20:42:11.123456789 +0200 CEST\n"),
        ]);
    }

    /// Kernels before 5.1 wrote this line for every kind of OOM kill.
    #[test]
    fn the_bare_victim_line_excludes_no_level() {
        let text = "[Wed May 27 18:42:10 2020] Killed process 19417 (python) total-vm:1584624kB, anon-rss:168368kB, file-rss:1580kB\n";
        let row = row("dmesg -T | grep -i 'killed process'", text);
        check(vec![Row {
            killer: "out-of-memory",
            level: "unknown",
            confidence: "likely",
            open: LEVELS,
            ..row
        }]);
    }

    #[test]
    fn two_lines_are_two_deaths() {
        let text =
            "137 false 2026-05-27T18:42:11.123456789Z\n143 false 2026-05-27T18:52:11.123456789Z\n";
        let (_, json) =
            ask(&row("docker inspect --format … a b", text), &["--format", "json", "-"]);
        let answer: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(answer["findings"].as_array().unwrap().len(), 1, "{json}");
    }
}
