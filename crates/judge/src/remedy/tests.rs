//! What is proposed for each verdict, and what is not.

use casefile::{Asked, Bytes, CaseFile, CgroupPath, Citation, Limit, Moment, Span};

use super::*;
use crate::verdict::{Holder, KilledBy, Role, Share, Subject, Victim};

const MIB: u64 = 1 << 20;

/// Nothing is known but the killer.
fn verdict(killer: Killer) -> Verdict {
    let now = Moment::from_micros(1_700_000_000_000_000).unwrap();
    let case = CaseFile::new(Asked::default(), now);
    Verdict { killer, level: Level::Own, ..crate::explain(&case, now) }
}

fn with_limit(killer: Killer, mib: u64) -> Verdict {
    Verdict { limit: Some(Limit::At(Bytes(mib * MIB))), ..verdict(killer) }
}

fn of(runtime: &str, name: Option<&str>) -> Option<Subject> {
    let (runtime, name) = (Some(runtime.to_owned()), name.map(str::to_owned));
    Some(Subject { runtime, name, ..Subject::default() })
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn changes(verdict: &Verdict) -> Vec<String> {
    propose(verdict).into_iter().map(|remedy| remedy.change).collect()
}

fn first(verdict: &Verdict) -> String {
    changes(verdict).into_iter().next().unwrap_or_default()
}

fn last(verdict: &Verdict) -> String {
    changes(verdict).pop().unwrap_or_default()
}

#[test]
fn a_parents_limit_is_looked_at_as_a_whole_unless_the_own_one_was_at_fault() {
    let parents = |at_fault: Option<bool>| {
        let limit_at_fault = at_fault;
        first(&Verdict { limit_at_fault, ..verdict(Killer::AncestorMemoryLimit) })
    };
    assert!(parents(Some(true)).starts_with("find out whether the memory would have stopped"));
    for at_fault in [Some(false), None] {
        assert!(parents(at_fault).starts_with("look at the parent as a whole"));
    }
}

#[test]
fn the_parent_is_named_with_the_largest_process_that_lived_on() {
    let holder = |pid, comm: &str, mib: u64, killed| {
        let (comm, rss) = (comm.to_owned(), Bytes(mib * MIB));
        Holder { pid, comm, rss, killed, neighbour: false }
    };
    let mut told = verdict(Killer::AncestorMemoryLimit);
    told.limit_cgroup = CgroupPath::parse("/jobs.slice");
    told.memory.holders = vec![holder(7, "victim", 90, true), holder(8, "db", 80, false)];
    let change = first(&told);
    assert!(change.starts_with("look at `/jobs.slice` as a whole"), "{change}");
    assert!(change.ends_with("beside the victim db (pid 8) held 80 MiB"), "{change}");
    let effect = |confidence| {
        let told = Verdict { confidence, ..told.clone() };
        propose(&told).remove(0).effect
    };
    assert!(
        effect(Confidence::Proven).starts_with("it is not the container's own limit that filled")
    );
    assert!(effect(Confidence::Likely).starts_with("a change to one container's limit alone"));
}

#[test]
fn a_pods_limit_is_told_as_what_its_containers_were_given() {
    let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2f41c9d8_6b0a_4c7e_9d15_8a30e7b6c214.slice";
    let holder = |pid, comm: &str, mib: u64, killed| {
        let (comm, rss) = (comm.to_owned(), Bytes(mib * MIB));
        Holder { pid, comm, rss, killed, neighbour: false }
    };
    let mut told = verdict(Killer::AncestorMemoryLimit);
    told.limit_cgroup = CgroupPath::parse(pod);
    told.memory.holders = vec![holder(7, "node", 700, true), holder(8, "pause", 1, false)];
    let alone = propose(&told);
    assert!(alone[0].effect.starts_with("this container was alone in its pod"), "{alone:?}");
    assert!(!alone[0].change.contains("pause"), "{alone:?}");
    assert!(alone[1].change.starts_with("find out whether the memory would have stopped"));
    told.memory.holders.push(holder(9, "envoy", 60, false));
    let shared = propose(&told);
    assert!(
        shared[0].change.ends_with("beside the victim envoy (pid 9) held 60 MiB"),
        "{shared:?}"
    );
    assert!(shared[0].effect.contains("a pod of one container has that container's limit"));
    assert_eq!(shared.len(), 1);
    // Without the table who else was in it is not known.
    told.memory.holders.clear();
    assert_eq!(propose(&told).len(), 1);
}

#[test]
fn a_host_out_of_memory_is_told_what_fits_its_victim() {
    let mut told = verdict(Killer::HostOutOfMemory);
    assert!(first(&told).contains("MemoryMax= for a service"), "{}", first(&told));
    assert!(first(&told).contains("the report's table"));
    told.container_id = casefile::ContainerId::parse(&"ab12".repeat(16));
    assert!(first(&told).starts_with("give every container on this machine a limit"));
    told.memory.holders = vec![Holder {
        pid: 1,
        comm: "x".to_owned(),
        rss: Bytes(MIB),
        killed: false,
        neighbour: false,
    }];
    assert!(first(&told).ends_with("look at the biggest processes above"));
}

#[test]
fn a_forced_stop_is_told_the_words_of_whoever_forced_it() {
    let by = |name: &str| {
        let killed_by = Some(KilledBy { name: Some(name.to_owned()), ..KilledBy::default() });
        changes(&Verdict { killed_by, ..verdict(Killer::StopTimeout) }).join(" ")
    };
    assert!(by("systemd").contains("TimeoutStopSec="));
    assert!(by("nomad").contains("kill_timeout"));
    assert!(by("cri-o").contains("terminationGracePeriodSeconds"));
    assert!(by("containerd").contains("terminationGracePeriodSeconds"));
    for other in ["heroku", "systemd", "nomad", "cri-o"] {
        assert!(!by(other).contains("--init"), "{other}");
    }
    assert!(by("dockerd").contains("--stop-timeout") && by("podman").contains("--init"));
}

#[test]
fn what_stands_still_at_its_own_limit_is_ended_or_given_room() {
    let stands = |level, detail: &str| {
        let detail = Some(detail.to_owned());
        changes(&Verdict { level, detail, ..verdict(Killer::StillAlive) })
    };
    assert!(stands(Level::Own, "the OOM killer is off")[0].starts_with("end it, or free it"));
    assert!(stands(Level::Own, "slowed at memory.high")[0].contains("set memory.high"));
    assert_eq!(stands(Level::None, "it runs"), [] as [&str; 0]);
}

#[test]
fn a_jvm_that_kills_itself_is_told_the_option_that_ends_it() {
    let by = |name: Option<&str>| {
        let killed_by = Some(KilledBy { name: name.map(str::to_owned), ..KilledBy::default() });
        changes(&Verdict { killed_by, ..verdict(Killer::Process) })
    };
    assert!(by(Some("java"))[0].contains("ExitOnOutOfMemoryError"));
    assert_eq!((by(Some("bash")), by(None)), (vec![], vec![]));
    assert_eq!(changes(&verdict(Killer::Process)), [] as [&str; 0]);
}

#[test]
fn a_crash_at_the_heaps_own_limit_is_told_a_larger_heap_and_no_other_crash_is() {
    let crashed = |detail: &str| {
        let mut told = with_limit(Killer::Crash, 1024);
        told.detail = Some(detail.to_owned());
        told.main.command = words(&["node", "--max-old-space-size=64", "a.js"]);
        told.main.settings = words(&["NODE_VERSION=22.12.0"]);
        told.main.around.host = Some(Bytes(8 << 30));
        changes(&told)
    };
    assert!(crashed("it ended at its own heap limit")[0].contains("--max-old-space-size="));
    assert_eq!(crashed("a bad pointer"), [] as [&str; 0]);
}

#[test]
fn where_there_is_nothing_to_change_nothing_is_proposed() {
    for killer in Killer::ALL {
        let some = matches!(
            killer,
            Killer::ContainerMemoryLimit
                | Killer::AncestorMemoryLimit
                | Killer::HostOutOfMemory
                | Killer::StopTimeout
                | Killer::FailedProbe
                | Killer::Eviction
                | Killer::StillAlive
        );
        assert_eq!(!changes(&verdict(killer)).is_empty(), some, "{killer:?}");
    }
}

/// A stop that was not answered, of this program under this manager.
fn stopped(runtime: &str, program: &str, detail: &str) -> Verdict {
    let mut told = verdict(Killer::StopTimeout);
    told.subject = of(runtime, None);
    told.detail = Some(detail.to_owned());
    told.main.command = words(&[program, "-c", "x"]);
    told
}

#[test]
fn each_managers_own_settings_are_named_for_a_stop_that_took_too_long() {
    for (runtime, init, longer) in [
        ("docker", "run it with --init", "--stop-timeout"),
        ("kubernetes", "tini", "terminationGracePeriodSeconds"),
        ("ecs", "initProcessEnabled", "stopTimeout"),
        ("systemd", "KillSignal=", "TimeoutStopSec="),
    ] {
        let told = changes(&stopped(runtime, "/app/serve", ""));
        let [handle, wait] = &told[..] else { panic!("{told:?}") };
        assert!(handle.contains(init) && wait.contains(longer), "{told:?}");
    }
}

#[test]
fn a_shell_as_pid_1_is_to_be_replaced_and_a_units_shell_is_none() {
    let told = |runtime: &str, program: &str| changes(&stopped(runtime, program, ""));
    assert!(told("docker", "/bin/sh")[0].starts_with("let the program be PID 1"));
    assert_eq!(told("docker", "/bin/sh").len(), 3);
    assert_eq!((told("docker", "/app/serve").len(), told("systemd", "/bin/sh").len()), (2, 2));
}

#[test]
fn the_signal_that_was_not_answered_is_named() {
    let effect = |runtime: &str, detail: &str| {
        let told = propose(&stopped(runtime, "serve", detail));
        format!("{}: {}", told[0].change, told[0].effect)
    };
    assert!(effect("docker", "SIGUSR1 was not answered").contains("ignores SIGUSR1"));
    assert!(effect("docker", "SIGUSR1 was not answered").contains("handle SIGUSR1"));
    assert!(effect("docker", "no answer in 10 s").contains("handle SIGTERM"));
    assert!(effect("docker", "").contains("as PID 1 a program without a handler"));
    assert!(effect("systemd", "").contains("a program that catches or ignores SIGTERM"));
}

#[test]
fn files_on_tmpfs_that_fill_most_of_the_limit_are_to_be_bounded() {
    let full = |tmpfs: u64, own: u64| {
        let share = |what, mib: u64| Share { what, bytes: Bytes(mib * MIB) };
        let mut told = with_limit(Killer::ContainerMemoryLimit, 100);
        told.memory.shares = vec![
            share("the program's own (anonymous)", own),
            share("tmpfs and shared memory", tmpfs),
        ];
        first(&told)
    };
    assert!(full(51, 49).contains("51 MiB of the memory is files there"));
    assert!(full(50, 50).starts_with("find out whether"));
    assert!(full(20, 80).starts_with("find out whether"));
}

#[test]
fn where_most_of_the_memory_is_the_kernels_no_heap_is_to_blame() {
    let told = |kernel: u64, own: u64| {
        let share = |what, mib: u64| Share { what, bytes: Bytes(mib * MIB) };
        let mut told = with_limit(Killer::ContainerMemoryLimit, 100);
        told.memory.shares =
            vec![share("kernel", kernel), share("the program's own (anonymous)", own)];
        first(&told)
    };
    assert!(told(51, 49).contains("51 MiB of the memory is the kernel's own"));
    assert!(told(50, 50).starts_with("find out whether"));
}

#[test]
fn an_inner_cgroups_limit_is_another_than_the_containers() {
    let nested = Verdict { level: Level::Nested, ..verdict(Killer::ContainerMemoryLimit) };
    assert_eq!(changes(&nested).len(), 1);
    assert!(first(&nested).contains("inner cgroup's limit"));
    // A command under `why137 run` has no container around it.
    let bare = Verdict { container_id: None, ..nested };
    let effect = propose(&bare).remove(0).effect;
    assert!(effect.contains("an outer limit") && !effect.contains("container"), "{effect}");
}

#[test]
fn the_command_that_watches_is_one_that_can_be_typed() {
    let watch = |runtime: &str, name: Option<&str>| {
        last(&Verdict { subject: of(runtime, name), ..verdict(Killer::ContainerMemoryLimit) })
    };
    for runtime in ["docker", "podman", "containerd"] {
        assert!(watch(runtime, Some("web")).contains("`why137 size web --for 10m`"), "{runtime}");
    }
    assert!(watch("docker", None).contains("`why137 size NAME --for 10m`"));
    assert!(watch("kubernetes", Some("web")).contains("`why137 size NAME --for 10m`"));
    assert!(watch("systemd", Some("a.service")).contains("`why137 size --pid PID --for 10m`"));
    assert!(watch("process", None).contains("`why137 size --pid PID --for 10m`"));
}

#[test]
fn a_ceiling_in_the_command_of_an_unknown_program_is_set_beside_the_limit() {
    let told = |flag: &str| {
        let mut told = with_limit(Killer::ContainerMemoryLimit, 256);
        told.main.command = words(&["/app/launcher", flag]);
        first(&told)
    };
    assert!(told("-Xmx512m").starts_with("lower `-Xmx512m`"), "{}", told("-Xmx512m"));
    assert!(told("-Xmx256m").starts_with("lower `-Xmx256m`"), "nothing is left beside it");
    let inside = told("-Xmx64m");
    assert!(inside.starts_with("look at what lies outside"), "{inside}");
    assert!(inside.contains("`-Xmx64m` allows only 64 MiB of 256 MiB"), "{inside}");
    assert!(told("--verbose").starts_with("find out whether"));
    let mut without = verdict(Killer::ContainerMemoryLimit);
    without.main.command = words(&["/app/launcher", "-Xmx512m"]);
    assert!(first(&without).starts_with("find out whether"), "no limit is known");
}

#[test]
fn what_the_runtime_believed_is_said_where_its_own_limit_filled() {
    let cite = Citation { exhibit: "inspect".to_owned(), span: Span { start: 0, end: 1 } };
    let said = |killer, level| {
        let mut told = Verdict { level, ..with_limit(killer, 256) };
        told.main.command = words(&["node", "--max-old-space-size=1024", "a.js"]);
        told.main.settings = words(&["NODE_VERSION=22.12.0"]);
        told.main.around.host = Some(Bytes(8 << 30));
        told.main.around.command_cite = Some(cite.clone());
        belief(&told).is_some()
    };
    assert!(said(Killer::ContainerMemoryLimit, Level::Own));
    assert!(said(Killer::OutOfMemory, Level::Unknown));
    assert!(!said(Killer::ContainerMemoryLimit, Level::Nested), "another limit filled");
    assert!(
        !said(Killer::ApiKill, Level::None) && !said(Killer::AncestorMemoryLimit, Level::Ancestor)
    );
}

/// Of whom no amounts are known.
pub(super) fn victim(role: Role, pid: u32, comm: &str) -> Victim {
    Victim {
        pid: Some(pid),
        comm: Some(comm.to_owned()),
        role,
        uid: None,
        total_vm_kb: None,
        anon_rss_kb: None,
        file_rss_kb: None,
        shmem_rss_kb: None,
        oom_score_adj: None,
    }
}

/// A program that was killed at its own limit on a machine of 8 GiB with cgroup v2.
pub(super) fn program(command: &[&str], settings: &[&str], limit: u64) -> Verdict {
    let mut told = with_limit(Killer::ContainerMemoryLimit, limit);
    told.main.command = words(command);
    told.main.settings = words(settings);
    told.main.around.host = Some(Bytes(8 << 30));
    told.main.around.cgroup_version = Some(2);
    let cite = Citation { exhibit: "inspect".to_owned(), span: Span { start: 0, end: 1 } };
    told.main.around.command_cite = Some(cite);
    told
}

fn believed(told: &Verdict) -> String {
    belief(told).map(|line| line.says).unwrap_or_default()
}

#[test]
fn each_runtimes_ceiling_bears_its_own_name() {
    let cases: [(&[&str], &[&str], &str, &str); 7] = [
        (&["node", "--max-old-space-size=1024", "a.js"], &[], "V8's heap", "garbage collection"),
        (&["java", "-Xmx512m", "-jar", "a.jar"], &[], "the Java heap", "garbage collection"),
        (&["/app"], &["GOMEMLIMIT=1GiB"], "the Go runtime", "is killed all the same"),
        (&["redis-server", "--maxmemory", "1gb"], &[], "Redis' data", "is refused"),
        (&["php-fpm"], &["PHP_VERSION=8.2.1"], "a request of PHP", "is refused"),
        (&["postgres", "-c", "shared_buffers=512MB"], &[], "PostgreSQL's shared memory", "refused"),
        (&["mariadbd", "--innodb-buffer-pool-size=512M"], &[], "the buffer pool", "is refused"),
    ];
    for (command, settings, heap, risk) in cases {
        let told = program(command, settings, 256);
        assert!(believed(&told).starts_with(&format!("{heap} may use ")), "{}", believed(&told));
        assert!(propose(&told)[0].risk.contains(risk), "{:?}", propose(&told)[0]);
    }
}

#[test]
fn what_its_environment_tells_a_runtime_counts() {
    let set = program(&["node", "a.js"], &["NODE_OPTIONS=--max-old-space-size=1024"], 256);
    assert!(believed(&set).contains("--max-old-space-size=1024"), "{}", believed(&set));
    // Another runtime's version is none of its own.
    let mut java = program(&["node", "a.js"], &[], 256);
    java.main.around.image = Some("eclipse-temurin:22".to_owned());
    assert!(believed(&java).contains("or more"), "{}", believed(&java));
    let mut node = java.clone();
    node.main.around.image = Some("node:22.12".to_owned());
    assert!(!believed(&node).contains("or more"), "{}", believed(&node));
}

#[test]
fn the_flag_that_made_the_ceiling_is_the_decisive_word() {
    let told = program(&["node", "--max-old-space-size=1024", "1024"], &[], 256);
    let line = belief(&told).unwrap();
    assert_eq!(line.decisive.as_deref(), Some("--max-old-space-size=1024"));
    let by_default = program(&["node", "a.js"], &["NODE_VERSION=22.12.0"], 256);
    assert_eq!(belief(&by_default).unwrap().decisive, None);
}

/// A tenth of the limit is what nobody can tell apart.
#[test]
fn what_lies_outside_is_told_where_it_is_more_than_a_tenth_of_the_limit() {
    let outside = |command: &[&str], anonymous: u64| {
        let mut told = program(command, &[], 300);
        let bytes = Bytes(anonymous);
        told.memory.shares = vec![Share { what: "the program's own (anonymous)", bytes }];
        changes(&told).into_iter().find(|change| change.starts_with("look at what lies outside"))
    };
    let java = ["java", "-Xmx64m", "-jar", "a.jar"];
    let ceiling = 64 * MIB;
    assert!(outside(&java, ceiling + 30 * MIB + 1).is_some());
    let told = outside(&java, 200 * MIB).unwrap();
    assert!(told.contains("direct buffers, metaspace, threads, JNI"), "{told}");
    assert!(
        told.contains("64 MiB of the 200 MiB") && told.contains("136 MiB is elsewhere"),
        "{told}"
    );
    assert!(!outside(&java, ceiling + 30 * MIB).is_some_and(|told| told.contains("elsewhere")));
    let node = ["node", "--max-old-space-size=64", "a.js"];
    let told = outside(&node, 200 * MIB).unwrap();
    assert!(told.contains("Buffers, native addons, worker threads"), "{told}");
}

#[test]
fn a_larger_heap_is_proposed_only_where_it_would_be_larger() {
    let larger = |flag: &str| {
        let mut told = program(&["node", flag, "a.js"], &["NODE_VERSION=22.12.0"], 256);
        told.killer = Killer::Crash;
        told.detail = Some("V8 reached its own heap limit".to_owned());
        propose(&told).pop()
    };
    let told = larger("--max-old-space-size=64").unwrap();
    assert!(told.effect.starts_with("V8's heap was "), "{}", told.effect);
    assert!(told.effect.contains("the limit of 256 MiB has room for more"), "{}", told.effect);
    assert_eq!(larger("--max-old-space-size=240"), None, "the limit has no room");
}

#[test]
fn parts_below_a_tenth_of_the_limit_are_no_terms_of_the_sum() {
    let terms = |limit: u64| {
        let told = program(&["node", "--max-old-space-size=8192", "a.js"], &[], limit);
        propose(&told)[0].effect.clone()
    };
    assert!(terms(256).contains("8 GiB (--max-old-space-size=8192) + "), "{}", terms(256));
    assert!(!terms(4096).contains(") + "), "{}", terms(4096));
}

/// Processes of one name, the largest first, in MiB.
fn pool(rss: &[u64], others: u64, limit: u64) -> Verdict {
    let mut told = program(&["serve"], &[], limit);
    let rss = rss.iter().map(|mib| Bytes(mib * MIB)).collect();
    told.memory.pools =
        vec![crate::verdict::Pool { comm: "serve".to_owned(), rss, others: Bytes(others * MIB) }];
    told
}

#[test]
fn as_many_workers_as_fit_are_told_beside_the_main_process_and_the_others() {
    // Ten workers, and their parent that is less than half of one.
    let mut all = vec![20; 10];
    all.push(9);
    let told = first(&pool(&all, 6, 200));
    assert!(told.contains("10 × 20 MiB + 15 MiB of the others is 215 MiB"), "{told}");
    assert!(told.contains("of a limit of 200 MiB: 9 of that size fit"), "{told}");
    // Half as large: one of them.
    *all.last_mut().unwrap() = 10;
    assert!(first(&pool(&all, 0, 205)).contains("11 × 20 MiB is 220 MiB"));
    // What fits together has not filled the limit.
    assert!(!first(&pool(&[20; 10], 0, 200)).contains("run fewer"));
    assert!(first(&pool(&[20; 10], 0, 199)).contains("run fewer"));
    // Small ones are no pool that fills a limit.
    assert!(first(&pool(&[4; 30], 0, 100)).contains("run fewer"));
    assert!(!first(&pool(&[3; 40], 0, 100)).contains("run fewer"));
}

#[test]
fn a_quarter_of_the_largest_that_is_counted_twice_is_a_forks() {
    let told = |rss: &[u64], file: u64, limit: u64| {
        let mut told = pool(rss, 0, limit);
        let main = victim(Role::Main, 7, "serve");
        told.victims = vec![Victim { file_rss_kb: Some(file * 1024), ..main }];
        first(&told)
    };
    // Three of 100 MiB in 250: at least 25 of each pair are the same pages.
    assert!(told(&[100, 100, 100], 0, 250).contains("share pages"));
    assert!(!told(&[100, 100, 100], 0, 251).contains("share pages"));
    assert!(!told(&[100, 100, 100], 1, 250).contains("share pages"), "the program's own file");
    let told = told(&[100, 90, 90], 0, 200);
    assert!(told.contains("3 × `serve` of up to 100 MiB share pages"), "{told}");
    assert!(told.contains("together they hold 280 MiB where 200 MiB is the limit"), "{told}");
    assert!(told.contains("up to 300 MiB in all"), "{told}");
}
