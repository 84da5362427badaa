//! Verdicts made by hand, one for every killer and the turns their sentences can take.
//!
//! The log lines follow the kernel's grammar of 6.x; names, ids and numbers are invented.

use casefile::{
    Asked, Body, Bytes, CaseFile, CgroupPath, Citation, Clock, ContainerId, Exhibit, Gap, Limit,
    Moment, Source, Span,
};
use judge::Verdict;
use judge::verdict::{
    Because, Candidate, Confidence, Fate, Holder, KilledBy, Killer, Level, MainProcess, Memory,
    Remedy, Role, RuledOut, Share, Subject, Surroundings, Victim, WouldSettle,
};

pub(crate) const ID: &str = "ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901";
const REPORT: &str = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),\
     cpuset=ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901,mems_allowed=0,\
     oom_memcg=/docker/ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901,\
     task_memcg=/docker/ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901,\
     task=python3,pid=295,uid=0";
const KILLED: &str = "Memory cgroup out of memory: Killed process 295 (python3) \
     total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB \
     oom_score_adj:0";
const DIED: &str = "2026-05-27T18:42:10.301000000Z container die api (exitCode=137)";

pub(crate) fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn exhibit(id: &str, source: Source, text: &str) -> Exhibit {
    Exhibit {
        id: id.to_owned(),
        source,
        label: match source {
            Source::Pasted => "paste.txt".to_owned(),
            _ => format!("/dev/{id}"),
        },
        check: (id == "kmsg").then(|| "journalctl -k -o short-iso-precise | grep -C30 295".into()),
        about: None,
        clock: Clock::Unknown,
        covers: true,
        cut_from: None,
        body: Body::Text(text.to_owned()),
    }
}

pub(crate) fn case() -> CaseFile {
    let mut case = CaseFile::new(Asked::default(), moment("2026-05-28T00:00:00Z"));
    case.exhibits = vec![
        exhibit("kmsg", Source::KernelLog, &format!("{REPORT}\n{KILLED}\n")),
        exhibit("events", Source::ContainerEvents, DIED),
        exhibit("paste", Source::Pasted, "137 false 2026-05-27T18:42:11Z"),
    ];
    case
}

fn because(exhibit: &str, start: usize, end: usize, says: &str, decisive: &str) -> Because {
    Because {
        cite: Citation { exhibit: exhibit.to_owned(), span: Span { start, end } },
        at: Some(moment("2026-05-27T18:42:10.265Z")),
        says: says.to_owned(),
        decisive: (!decisive.is_empty()).then(|| decisive.to_owned()),
    }
}

/// The kernel's two lines and Docker's word.
fn kernel_evidence() -> Vec<Because> {
    let end = REPORT.len() + 1 + KILLED.len();
    vec![
        because("kmsg", REPORT.len() + 1, end, "", "anon-rss:64888kB"),
        because(
            "kmsg",
            0,
            REPORT.len(),
            "the limit that filled is its own",
            "oom_memcg=/docker/ab3f",
        ),
        because(
            "events",
            0,
            DIED.len(),
            "it ended then; nobody asked for a stop or kill",
            "exitCode=137",
        ),
    ]
}

pub(crate) fn victim(comm: &str, pid: u32, role: Role) -> Victim {
    Victim {
        pid: Some(pid),
        comm: Some(comm.to_owned()),
        role,
        uid: Some(0),
        total_vm_kb: Some(79_548),
        anon_rss_kb: Some(64_888),
        file_rss_kb: Some(616),
        shmem_rss_kb: Some(0),
        oom_score_adj: Some(0),
    }
}

fn subject(name: &str) -> Option<Subject> {
    Some(Subject {
        name: Some(name.to_owned()),
        container_id: ContainerId::parse(ID),
        runtime: Some("docker".to_owned()),
        life: Some(1),
    })
}

/// A verdict that says nothing yet.
pub(crate) fn blank(killer: Killer, level: Level, confidence: Confidence) -> Verdict {
    Verdict {
        rule: "by-hand",
        killer,
        level,
        confidence,
        killed_by: None,
        subject: subject("api"),
        container_id: ContainerId::parse(ID),
        place: None,
        main: MainProcess {
            pid: Some(295),
            comm: Some("python3".to_owned()),
            command: Vec::new(),
            settings: Vec::new(),
            around: Surroundings::default(),
            fate: Fate::Killed,
            exit_code: Some(137),
            signal: Some(9),
            exit_code_trusted: true,
        },
        victims: vec![victim("python3", 295, Role::Main)],
        at: Some(moment("2026-05-27T18:42:10.301Z")),
        at_words: None,
        lived_seconds: Some(4.1),
        limit_at_fault: None,
        limit: None,
        usage: None,
        limit_cgroup: None,
        memory: Memory::default(),
        detail: None,
        because: Vec::new(),
        ruled_out: Vec::new(),
        candidates: Vec::new(),
        contradictions: Vec::new(),
        would_settle_it: Vec::new(),
        findings: Vec::new(),
        gaps: Vec::new(),
        remedies: Vec::new(),
    }
}

pub(crate) fn own_limit() -> Verdict {
    let mut verdict = blank(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven);
    verdict.limit_at_fault = Some(true);
    verdict.limit = Some(Limit::At(Bytes(64 << 20)));
    verdict.usage = Some(Bytes(64 << 20));
    verdict.limit_cgroup = CgroupPath::parse(&format!("/docker/{ID}"));
    verdict.memory.shares = vec![
        Share { what: "anonymous", bytes: Bytes(62_900 << 10) },
        Share { what: "files", bytes: Bytes(616 << 10) },
        Share { what: "kernel", bytes: Bytes(420 << 10) },
    ];
    verdict.because = kernel_evidence();
    verdict.ruled_out = vec![
        RuledOut {
            killer: Killer::HostOutOfMemory,
            because: "the report names a cgroup limit, and 18.2 GiB were free".to_owned(),
        },
        RuledOut {
            killer: Killer::ApiKill,
            because: "docker's event history covers this life and holds no kill".to_owned(),
        },
    ];
    verdict.remedies = vec![Remedy {
        change: "docker update --memory 128m --memory-swap 128m api".to_owned(),
        effect: "raises the limit to 128 MiB at once, without a restart".to_owned(),
        risk: "if the program leaks, it dies later and larger".to_owned(),
        undo: "docker update --memory 64m --memory-swap 64m api".to_owned(),
    }];
    verdict
}

fn nested() -> Verdict {
    let mut verdict = blank(Killer::ContainerMemoryLimit, Level::Nested, Confidence::Proven);
    verdict.victims = vec![victim("worker", 4711, Role::Child)];
    verdict.main.fate = Fate::Alive;
    verdict.main.exit_code = None;
    verdict.main.signal = None;
    verdict.limit_at_fault = Some(false);
    verdict.limit = Some(Limit::At(Bytes(20 << 20)));
    verdict.limit_cgroup = CgroupPath::parse(&format!("/docker/{ID}/pool/1"));
    verdict.because = kernel_evidence();
    verdict
}

fn child_passed_on() -> Verdict {
    let mut verdict = own_limit();
    verdict.victims = vec![victim("convert", 4711, Role::Child)];
    verdict.main.comm = Some("sh".to_owned());
    verdict.main.fate = Fate::Exited;
    verdict.main.signal = None;
    verdict.remedies.clear();
    verdict.ruled_out.clear();
    verdict
}

fn storm() -> Verdict {
    let mut verdict = own_limit();
    verdict.victims = (0..7).map(|at| victim("stress-ng-vm", 500 + at, Role::Child)).collect();
    verdict.main.fate = Fate::Alive;
    verdict.remedies.clear();
    verdict.ruled_out.clear();
    verdict.because.truncate(1);
    verdict
}

fn pod_limit() -> Verdict {
    let mut verdict = blank(Killer::AncestorMemoryLimit, Level::Ancestor, Confidence::Proven);
    verdict.subject = subject("shop/cart-7d9c");
    verdict.limit_at_fault = Some(false);
    verdict.limit = Some(Limit::At(Bytes(512 << 20)));
    verdict.limit_cgroup = CgroupPath::parse(
        "/kubepods.slice/kubepods-burstable.slice/\
         kubepods-burstable-pod58dc1221_d430_496e_951d_e8cb23caaead.slice",
    );
    let holder = |pid, comm: &str, mib: u64, killed, neighbour| Holder {
        pid,
        comm: comm.to_owned(),
        rss: Bytes(mib << 20),
        killed,
        neighbour,
    };
    verdict.memory.holders =
        vec![holder(400, "fluent-bit", 391, false, true), holder(295, "python3", 63, true, false)];
    verdict.because = kernel_evidence();
    verdict
}

fn pasted_process() -> Verdict {
    let mut verdict = blank(Killer::HostOutOfMemory, Level::Host, Confidence::Proven);
    verdict.subject = None;
    verdict.container_id = None;
    verdict.main = MainProcess::default();
    verdict.victims = vec![victim("mysqld", 1187, Role::Other)];
    verdict.at = None;
    verdict.at_words = Some("[83.46] since boot".to_owned());
    verdict.lived_seconds = None;
    verdict
}

fn service_limit() -> Verdict {
    let mut verdict = pasted_process();
    verdict.killer = Killer::ContainerMemoryLimit;
    verdict.level = Level::Own;
    verdict.limit = Some(Limit::At(Bytes(300 << 20)));
    verdict.limit_cgroup = CgroupPath::parse("/system.slice/mysql.service");
    verdict
}

fn with(killer: Killer, confidence: Confidence, detail: Option<&str>) -> Verdict {
    let mut verdict = blank(killer, Level::None, confidence);
    verdict.detail = detail.map(str::to_owned);
    verdict
}

fn stop_timeout() -> Verdict {
    let mut verdict = with(
        Killer::StopTimeout,
        Confidence::Proven,
        Some("docker sent SIGTERM, waited 10 s, then SIGKILL"),
    );
    verdict.subject = subject("worker");
    verdict.victims = vec![victim("sh", 295, Role::Main)];
    verdict.lived_seconds = Some(11_000.0);
    verdict.contradictions = vec![
        "Memory was not the reason. Docker's OOMKilled=true comes from an earlier, separate event: \
         a child, convert (pid 4711), was killed at the container's limit 3 h before, and the \
         container went on."
            .to_owned(),
    ];
    let mut earlier = child_passed_on();
    earlier.subject = subject("worker");
    earlier.main.fate = Fate::Alive;
    earlier.at = Some(moment("2026-05-27T15:40:00Z"));
    verdict.findings = vec![earlier];
    verdict.remedies = vec![Remedy {
        change: "exec the program: the exec form of ENTRYPOINT, or `exec` in the script".to_owned(),
        effect: "SIGTERM reaches the program itself, which can end in time".to_owned(),
        risk: String::new(),
        undo: String::new(),
    }];
    verdict
}

fn process_kill() -> Verdict {
    let mut verdict = with(Killer::Process, Confidence::Proven, None);
    verdict.killed_by = Some(KilledBy {
        name: Some("kill".to_owned()),
        pid: Some(6152),
        uid: Some(0),
        login_uid: Some(1000),
        command: Some("kill -9 295".to_owned()),
        client: None,
    });
    verdict
}

fn oom_daemon() -> Verdict {
    let mut verdict = with(Killer::OomDaemon, Confidence::Proven, None);
    verdict.killed_by =
        Some(KilledBy { name: Some("systemd-oomd".to_owned()), ..KilledBy::default() });
    verdict
}

fn dead_shim() -> Verdict {
    let mut verdict = with(
        Killer::Runtime,
        Confidence::Likely,
        Some("the shim died, and containerd made up the exit code"),
    );
    verdict.main.exit_code_trusted = false;
    verdict.main.fate = Fate::Unknown;
    verdict.victims.clear();
    verdict
}

fn own_exit(code: i64, confidence: Confidence, detail: Option<&str>) -> Verdict {
    let mut verdict = with(Killer::NotKilled, confidence, detail);
    verdict.victims.clear();
    verdict.main.fate = Fate::Exited;
    verdict.main.signal = None;
    verdict.main.exit_code = Some(code);
    verdict
}

/// A program's own last words, without a word of a container.
fn lone_program() -> Verdict {
    let mut verdict =
        own_exit(1, Confidence::Likely, Some("MemoryError: Unable to allocate 7.45 GiB"));
    verdict.subject = None;
    verdict.container_id = None;
    verdict.main = MainProcess { fate: Fate::Exited, ..MainProcess::default() };
    verdict.lived_seconds = None;
    verdict.at = None;
    verdict
}

fn crash() -> Verdict {
    let mut verdict = with(Killer::Crash, Confidence::Proven, None);
    verdict.victims.clear();
    verdict.main.fate = Fate::Exited;
    verdict.main.signal = Some(11);
    verdict.main.exit_code = Some(139);
    verdict
}

fn alive(level: Level, detail: Option<&str>) -> Verdict {
    let mut verdict = with(Killer::StillAlive, Confidence::Proven, detail);
    verdict.level = level;
    verdict.victims.clear();
    verdict.main.fate = Fate::Alive;
    verdict.main.exit_code = None;
    verdict.main.signal = None;
    verdict.at = None;
    verdict.lived_seconds = None;
    verdict.limit = Some(Limit::At(Bytes(64 << 20)));
    verdict.usage = Some(Bytes(64 << 20));
    verdict
}

pub(crate) fn undecided() -> Verdict {
    let mut verdict = blank(Killer::Unknown, Level::None, Confidence::Unknown);
    verdict.subject = None;
    verdict.container_id = None;
    verdict.victims.clear();
    verdict.lived_seconds = None;
    verdict.main = MainProcess {
        fate: Fate::Unknown,
        exit_code: Some(137),
        exit_code_trusted: true,
        ..MainProcess::default()
    };
    verdict.detail = Some("137 with OOMKilled=false fits several ends".to_owned());
    verdict.because =
        vec![because("paste", 0, 30, "exit code, flag and time, no more", "137 false")];
    let may = |killer, because: &str| Candidate {
        killer,
        confidence: Confidence::Possible,
        because: because.to_owned(),
    };
    verdict.candidates = vec![
        may(
            Killer::HostOutOfMemory,
            "on cgroup v1 the flag stays false when the whole host runs out; it does not exclude it",
        ),
        may(Killer::Process, "docker kill, docker stop after its timeout, kill -9 on the host"),
        may(Killer::NotKilled, "a shell or script returned 137"),
    ];
    verdict.would_settle_it = vec![
        WouldSettle {
            missing: "the kernel log".to_owned(),
            how: "journalctl -k --since '2026-05-27 18:41' --until '2026-05-27 18:43' | \
                  why137 explain -"
                .to_owned(),
        },
        WouldSettle {
            missing: "docker's memory of it".to_owned(),
            how: "ask on that host, before its 256 latest events roll over: why137 explain NAME"
                .to_owned(),
        },
    ];
    verdict.gaps = vec![Gap {
        source: Source::KernelLog,
        tried: "/dev/kmsg".to_owned(),
        because: "permission denied".to_owned(),
        would_tell: "whether the kernel's OOM killer chose this process".to_owned(),
        open_by: Some("sudo why137 api".to_owned()),
    }];
    verdict
}

/// Every scene, by name.
pub(crate) fn scenes() -> Vec<(&'static str, Verdict)> {
    let mut unnamed = own_limit();
    unnamed.subject = None;
    unnamed.container_id = None;
    let mut numa = blank(Killer::NumaOutOfMemory, Level::Numa, Confidence::Likely);
    numa.because = kernel_evidence();
    let mut level_unknown = pasted_process();
    level_unknown.killer = Killer::OutOfMemory;
    level_unknown.level = Level::Unknown;
    level_unknown.confidence = Confidence::Likely;
    let mut host = blank(Killer::HostOutOfMemory, Level::Host, Confidence::Proven);
    host.limit = Some(Limit::Unlimited);
    let mut api_kill = with(Killer::ApiKill, Confidence::Possible, None);
    api_kill.victims.clear();
    let probe = "the liveness probe failed 3 times in a row";
    let heap = "V8 reached its own heap limit, 2048 MiB";
    let cpu = "its CPU time reached RLIMIT_CPU, 60 s";
    vec![
        ("own_limit", own_limit()),
        ("own_limit_unnamed", unnamed),
        ("own_limit_child_passed_on", child_passed_on()),
        ("own_limit_storm", storm()),
        ("own_limit_of_a_service", service_limit()),
        ("nested_limit", nested()),
        ("pod_limit", pod_limit()),
        ("host", host),
        ("host_pasted", pasted_process()),
        ("numa", numa),
        ("level_unknown", level_unknown),
        ("oom_daemon", oom_daemon()),
        (
            "eviction",
            with(Killer::Eviction, Confidence::Proven, Some("the node was low on memory")),
        ),
        ("stop_timeout", stop_timeout()),
        ("stopped", own_exit_as(Killer::Stopped)),
        ("api_kill", api_kill),
        ("failed_probe", with(Killer::FailedProbe, Confidence::Likely, Some(probe))),
        ("process", process_kill()),
        ("resource_limit", with(Killer::ResourceLimit, Confidence::Proven, Some(cpu))),
        ("runtime_dead_shim", dead_shim()),
        ("crash", crash()),
        ("not_killed", own_exit(1, Confidence::Proven, None)),
        ("not_killed_heap", own_exit(134, Confidence::Proven, Some(heap))),
        ("not_killed_137", own_exit(137, Confidence::Possible, None)),
        ("not_killed_program", lone_program()),
        ("still_alive", alive(Level::None, None)),
        ("still_alive_stalled", alive(Level::Own, Some("every allocation waits for reclaim"))),
        ("unknown", undecided()),
    ]
}

fn own_exit_as(killer: Killer) -> Verdict {
    let mut verdict =
        own_exit(143, Confidence::Proven, Some("docker sent SIGTERM, it ended in 0.3 s"));
    verdict.killer = killer;
    verdict
}
