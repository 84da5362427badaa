//! Whole texts to be damaged, in the forms that the kernel, Docker, Kubernetes and ECS write.

use serde_json::{Value, json};

use crate::daemon::{ID, dead_container, event};

/// One kernel OOM kill at a container's own limit.
pub(crate) struct Kill {
    /// The container.
    pub(crate) id: String,
    /// Who died.
    pub(crate) pid: u32,
    /// Its name.
    pub(crate) comm: &'static str,
    /// Its anonymous memory, kB; also what tells one victim's numbers from another's.
    pub(crate) anon_kb: u64,
    /// The limit, kB.
    pub(crate) limit_kb: u64,
}

/// Three kills in three containers, nothing in common.
pub(crate) fn kills() -> Vec<Kill> {
    let kill = |digit: &str, pid, comm, anon_kb, limit_kb| Kill {
        id: digit.repeat(64),
        pid,
        comm,
        anon_kb,
        limit_kb,
    };
    vec![
        kill("a", 4101, "python3", 64_888, 65_536),
        kill("b", 5202, "java", 130_004, 131_072),
        kill("c", 6303, "node", 261_117, 262_144),
    ]
}

/// The words of a kernel's report, without stamps: the form since 4.19.
pub(crate) fn report(kill: &Kill) -> Vec<String> {
    let Kill { id, pid, comm, anon_kb, limit_kb } = kill;
    let pages = anon_kb / 4 + 1;
    [
        format!("{comm} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"),
        format!("CPU: 0 PID: {pid} Comm: {comm} Not tainted 6.1.0-18-amd64 #1"),
        "Call Trace:".to_owned(),
        " dump_header+0x4a/0x1f0".to_owned(),
        " mem_cgroup_out_of_memory+0x131/0x150".to_owned(),
        format!("memory: usage {limit_kb}kB, limit {limit_kb}kB, failcnt 41"),
        "swap: usage 0kB, limit 0kB, failcnt 0".to_owned(),
        format!("Memory cgroup stats for /docker/{id}:"),
        format!("anon {}", anon_kb * 1024),
        "file 0".to_owned(),
        "Tasks state (memory values in pages):".to_owned(),
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
            .to_owned(),
        format!("[{pid:>7}]     0 {pid:>5}    19887 {pages:>8}   184320        0             0 {comm}"),
        format!("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={id},mems_allowed=0,oom_memcg=/docker/{id},task_memcg=/docker/{id},task={comm},pid={pid},uid=0"),
        format!("Memory cgroup out of memory: Killed process {pid} ({comm}) total-vm:79548kB, anon-rss:{anon_kb}kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0"),
    ]
    .to_vec()
}

/// A report as dmesg shows it.
pub(crate) fn dmesg(kill: &Kill) -> String {
    let lines = report(kill);
    let stamped = lines.iter().enumerate();
    stamped.map(|(at, words)| format!("[ 8123.{:06}] {words}\n", 100 + at)).collect()
}

/// `docker inspect` of a container that Docker flagged.
pub(crate) fn inspect() -> String {
    let flagged = dead_container(json!({ "State": { "OOMKilled": true } }));
    serde_json::to_string_pretty(&json!([flagged])).unwrap()
}

/// The events of a stop that had to be forced.
pub(crate) fn forced_stop() -> Vec<Value> {
    vec![
        event("create", 0, json!({})),
        event("start", 1, json!({})),
        event("kill", 120, json!({ "signal": "15" })),
        event("kill", 130, json!({ "signal": "9" })),
        event("die", 131, json!({ "exitCode": "137" })),
        event("stop", 131, json!({})),
    ]
}

/// Events as `docker events --format json` writes them.
pub(crate) fn lines_of(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// `kubectl describe pod` of a container that was OOM-killed and of one that is well.
pub(crate) const DESCRIBE: &str = "\
Name:             api-6d5f8c9b7-x2x7k
Namespace:        shop
Node:             node-3/10.0.0.13
Status:           Running
Containers:
  api:
    Container ID:   containerd://3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014
    Image:          shop/api:1.4
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Wed, 27 May 2026 18:40:01 +0000
      Finished:     Wed, 27 May 2026 18:42:11 +0000
    Ready:          False
    Restart Count:  4
    Limits:
      memory:  64Mi
    Requests:
      memory:  32Mi
QoS Class:        Burstable
Events:
  Type     Reason   Age                 From     Message
  ----     ------   ----                ----     -------
  Warning  BackOff  12s (x9 over 2m1s)  kubelet  Back-off restarting failed container api
";

/// `aws ecs describe-tasks` of a task whose container was killed for memory.
pub(crate) fn ecs() -> String {
    let task = json!({ "tasks": [{
        "taskArn": "arn:aws:ecs:eu-west-1:111122223333:task/shop/0123456789abcdef0123456789abcdef",
        "lastStatus": "STOPPED",
        "launchType": "FARGATE",
        "memory": "512",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "startedAt": "2026-05-27T18:40:01.000000+00:00",
        "stoppedAt": "2026-05-27T18:42:12.000000+00:00",
        "containers": [{
            "name": "api", "lastStatus": "STOPPED", "exitCode": 137, "memory": "512",
            "reason": "OutOfMemoryError: Container killed due to memory usage",
            "runtimeId": "0123456789abcdef0123456789abcdef-1234567890"
        }]
    }], "failures": [] });
    serde_json::to_string_pretty(&task).unwrap()
}

/// Docker's own table and events beside each other, as a ticket holds them.
pub(crate) fn ticket() -> String {
    format!(
        "$ docker ps -a\n\
         CONTAINER ID   IMAGE          COMMAND         CREATED       STATUS                       PORTS     NAMES\n\
         {}   shop/api:1.4   \"python3 -m a\"   2 hours ago   Exited (137) 3 minutes ago             shop-api-1\n\
         $ docker events --since 1h\n{}",
        &ID[..12],
        lines_of(&forced_stop())
    )
}
