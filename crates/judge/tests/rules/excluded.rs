//! Ends that several requests or kills could explain, and which of them the evidence excludes.

use casefile::Source;
use judge::verdict::{Confidence, Fate, Killer, Role};
use serde_json::json;

use crate::case::{Case, Report, WEB, died, docker, event, exited, kernel_line, signalled, with};

fn start() -> String {
    event(0.0, "start", &[])
}

#[test]
fn a_program_that_answers_a_stop_with_137_was_sent_no_sigkill() {
    let history = [start(), signalled(59.5, 15), died(60.0, 137), event(60.1, "stop", &[])];
    let answer = Case::of(&exited(60.0, 137)).all_events(&history).whole_kernel(&[]).answer();
    answer.says(Killer::Unknown, Confidence::Unknown);
    answer.proves("\"15\"", "docker sent SIGTERM 0.5 s before the end");
    answer.rules_out(Killer::StopTimeout, "SIGTERM was sent, SIGKILL was not");
    answer.rules_out(Killer::ApiKill, "SIGTERM was sent, SIGKILL was not");
    answer.leaves(&[Killer::NotKilled, Killer::Process, Killer::ResourceLimit, Killer::Runtime]);
    assert!(answer.candidate(Killer::NotKilled).because.starts_with("SIGTERM was sent before"));
    // A history that may be cut excludes nothing, and a signal of long before says nothing.
    let cut = Case::of(&exited(60.0, 137)).events(&history).answer();
    cut.candidate(Killer::StopTimeout);
    cut.candidate(Killer::ApiKill);
    let early = [start(), signalled(10.0, 1), died(60.0, 137)];
    Case::of(&exited(60.0, 137)).all_events(&early).answer().never_says("before the end");
}

#[test]
fn what_dockers_whole_history_excludes_is_no_candidate_whoever_tells_of_the_end() {
    let pod = |id: &str| {
        json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "web", "containerID": id,
        "lastState": {"terminated": {"containerID": id, "exitCode": 137, "reason": "Error",
        "startedAt": "2026-11-22T10:00:00Z", "finishedAt": "2026-11-22T10:01:00Z"}}}]}})
    };
    let told = pod(&format!("docker://{WEB}")).to_string();
    let answer =
        Case::web().add(Source::Kubernetes, &told).all_events(&[start(), died(60.0, 137)]).answer();
    answer.says(Killer::Unknown, Confidence::Unknown);
    for killer in [Killer::StopTimeout, Killer::ApiKill] {
        answer.rules_out(killer, "holds no stop or kill");
        assert!(answer.verdict.candidates.iter().all(|one| one.killer != killer), "{killer:?}");
    }
}

#[test]
fn a_stop_whose_signal_is_sigkill_gives_no_time_to_end() {
    let history = [start(), signalled(59.9, 9), died(60.0, 137), event(60.1, "stop", &[])];
    let stopped = |signal: &str| {
        let told = with(exited(60.0, 137), "/Config/StopSignal", json!(signal));
        Case::of(&told).all_events(&history).whole_kernel(&[]).answer()
    };
    for signal in ["SIGKILL", "9", "kill"] {
        stopped(signal)
            .says(Killer::ApiKill, Confidence::Proven)
            .in_short("whose signal is SIGKILL");
    }
    // With another signal that one's entry is missing.
    stopped("SIGTERM").says(Killer::ApiKill, Confidence::Likely);
}

#[test]
fn a_kill_long_before_the_end_takes_memory_off_the_list() {
    let case =
        |at: f64| Case::of(&exited(60.0, 137)).whole_kernel(&[Report::child(at).lines()]).answer();
    let early = case(57.0);
    early.says(Killer::Unknown, Confidence::Unknown);
    early.rules_out(Killer::HostOutOfMemory, "was of another process, 3.0 s before the end");
    assert_eq!(early.verdict.limit_at_fault, Some(false));
    early.leaves(&[
        Killer::StopTimeout,
        Killer::ApiKill,
        Killer::Process,
        Killer::NotKilled,
        Killer::ResourceLimit,
        Killer::Runtime,
    ]);
    // Right before it, the kernel may have ended both.
    case(59.2).candidate(Killer::ContainerMemoryLimit);
}

#[test]
fn a_shared_pid_namespace_can_end_with_its_owner() {
    let owner = "b".repeat(64);
    let told = with(exited(60.0, 137), "/HostConfig/PidMode", json!(format!("container:{owner}")));
    let answer = Case::of(&told).whole_kernel(&[]).noted(false).answer();
    let words = &answer.candidate(Killer::Runtime).because;
    assert!(words.contains("pid namespace of container bbbbbbbbbbbb:"), "{words}");
    let host = with(exited(60.0, 137), "/HostConfig/PidMode", json!("host"));
    let answer = Case::of(&host).whole_kernel(&[]).noted(false).answer();
    assert!(!answer.candidate(Killer::Runtime).because.contains("pid namespace"));
}

#[test]
fn the_status_of_an_execs_process_is_not_the_main_processs_to_pass_on() {
    let ends = |exec: &[String]| {
        let history = [&[start()], exec, &[died(60.0, 137)]].concat();
        Case::of(&exited(60.0, 137))
            .all_events(&history)
            .whole_kernel(&[Report::child(59.8).lines()])
            .answer()
    };
    let exec = |at: f64| event(at, "exec_die", &[("exitCode", "137")]);
    ends(&[]).by("own-limit");
    let own = ends(&[exec(59.85)]);
    own.says(Killer::Unknown, Confidence::Unknown);
    assert_eq!(own.findings(), [Killer::ContainerMemoryLimit]);
    assert_eq!(own.verdict.findings[0].victims[0].role, Role::Exec);
    // Another one's, a minute before.
    let other = ends(&[exec(10.0)]);
    other.by("own-limit");
    assert_eq!(other.verdict.victims[0].role, Role::Child);
}

/// `Killed process` lines of `serve`, one report before them, in the cgroup of `web`.
fn storm(pids: &[(f64, u32)]) -> Vec<String> {
    let line = |(at, pid): &(f64, u32)| {
        kernel_line(
            *at,
            &format!(
                "Memory cgroup out of memory: Killed process {pid} (serve) total-vm:360000kB, anon-rss:240000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0"
            ),
        )
    };
    let first = Report { victim: ("serve", 790), invoker: ("serve", 790), ..Report::own(59.0) };
    [first.lines()].into_iter().chain(pids.iter().map(line)).collect()
}

fn roles(pids: &[(f64, u32)]) -> Vec<(Option<u32>, Role)> {
    let told = with(exited(60.0, 137), "/State/OOMKilled", json!(true));
    let answer = Case::of(&told).kernel(&storm(pids)).answer();
    answer.says(Killer::ContainerMemoryLimit, Confidence::Proven);
    answer.verdict.victims.iter().map(|victim| (victim.pid, victim.role)).collect()
}

#[test]
fn of_many_that_bear_the_programs_name_the_last_with_the_lowest_pid_is_the_main_process() {
    let found = roles(&[(59.2, 789), (59.4, 788), (59.9, 700)]);
    let main: Vec<_> = found.iter().filter(|(_, role)| *role == Role::Main).collect();
    assert_eq!(main, [&(Some(700), Role::Main)], "{found:?}");
    assert_eq!(found.len(), 4);
    // Where the lowest is not the last, nothing tells.
    let open = roles(&[(59.2, 700), (59.4, 788), (59.9, 789)]);
    assert!(open.iter().all(|(_, role)| *role != Role::Main), "{open:?}");
}

#[test]
fn a_table_of_the_same_life_tells_the_main_process_of_every_line() {
    let table = vec![(700, "serve", 1000), (790, "serve", 60_000), (791, "serve", 60_000)];
    let first = Report { victim: ("serve", 790), table, ..Report::own(58.0) };
    let line = kernel_line(
        59.9,
        "Memory cgroup out of memory: Killed process 700 (serve) total-vm:360000kB, anon-rss:240000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0",
    );
    let answer = Case::of(&exited(60.0, 137)).kernel(&[first.lines(), line]).answer();
    let found: Vec<_> = answer.verdict.victims.iter().map(|it| (it.pid, it.role)).collect();
    assert_eq!(found, [(Some(790), Role::Child), (Some(700), Role::Main)]);
    assert_eq!((answer.verdict.main.pid, answer.verdict.main.fate), (Some(700), Fate::Killed));
}

#[test]
fn a_life_too_short_for_the_machines_processors_used_up_no_cpu_time() {
    let told = with(
        exited(3.0, 137),
        "/HostConfig/Ulimits",
        json!([{"Name": "cpu", "Soft": 7, "Hard": 7}]),
    );
    let on = |machine: &str| Case::of(&told).machine(machine).answer();
    on("cpus: 2\n").by("unknown");
    on("cpus: 3\n").by("resource-limit");
    on("kernel-release: 6.1\n").by("resource-limit");
    on("cpus: 0\n").by("resource-limit");
}

/// A report with the statistics of `web`'s cgroup where the kernel prints them.
fn with_stats(report: &str, stats: &str) -> String {
    let counted: String = stats.lines().map(|line| kernel_line(59.9, line)).collect();
    let head = kernel_line(59.9, &format!("Memory cgroup stats for {}:", docker(WEB)));
    let mut text = String::new();
    let mut is_in = false;
    for line in report.split_inclusive('\n') {
        if !is_in && (line.contains("Tasks state") || line.contains("oom-kill:")) {
            text += &format!("{head}{counted}");
            is_in = true;
        }
        text += line;
    }
    text
}

/// `web` died at its own limit: its command, the rows of the table in MiB, and what the kernel counted.
fn remedies(
    command: &[&str],
    victim: (&'static str, u32),
    table: &[(u32, &'static str, u64)],
    stats: &str,
) -> Vec<String> {
    let pages: Vec<_> = table.iter().map(|(pid, comm, mib)| (*pid, *comm, mib * 256)).collect();
    let report = Report { victim, table: pages, ..Report::own(59.9) };
    let held = table.iter().find(|row| row.0 == victim.1).map_or(200, |row| row.2) * 1024;
    let lines = report.lines().replace("anon-rss:240000kB", &format!("anon-rss:{held}kB"));
    let text = with_stats(&lines, stats);
    let mut told = exited(60.0, 137);
    told["Path"] = json!(command[0]);
    told["Args"] = json!(&command[1..]);
    let answer = Case::of(&told).kernel(&[text]).answer();
    answer.says(Killer::ContainerMemoryLimit, Confidence::Proven);
    answer.verdict.remedies.iter().map(|remedy| remedy.change.clone()).collect()
}

#[test]
fn a_runtimes_ceiling_is_not_advised_for_what_another_program_took() {
    let command = ["java", "-Xmx64m", "-jar", "a.jar"];
    let said = |table: &[(u32, &'static str, u64)], victim| {
        remedies(&command, victim, table, "anon 260000000").join("\n")
    };
    let other = said(&[(700, "java", 50), (712, "chrome", 200)], ("chrome", 712));
    assert!(!other.contains("Java heap") && !other.contains("-Xmx"), "{other}");
    // The runtime itself, or one that holds half of it all.
    let own = said(&[(700, "java", 250)], ("java", 700));
    assert!(own.contains("Java heap"), "{own}");
    let large = said(&[(700, "java", 140), (712, "chrome", 110)], ("chrome", 712));
    assert!(large.contains("Java heap"), "{large}");
}

#[test]
fn fewer_workers_are_no_way_out_where_not_one_fits() {
    let table = [(700, "serve", 10), (712, "work", 240), (713, "work", 60), (714, "other", 30)];
    let said = remedies(&["serve"], ("work", 712), &table, "anon 260000000").join("\n");
    assert!(!said.contains("run fewer"), "{said}");
}

#[test]
fn many_processes_that_hold_nothing_share_nothing() {
    let table: Vec<(u32, &'static str, u64)> = (700..760).map(|pid| (pid, "serve", 0)).collect();
    let said = remedies(&["serve"], ("serve", 700), &table, "anon 3000000\nkernel 250000000");
    let all = said.join("\n");
    assert!(!all.contains("share pages") && !all.contains("run fewer"), "{all}");
    assert!(said[0].contains("238 MiB of the memory is the kernel's own"), "{all}");
    let usual = remedies(&["serve"], ("serve", 700), &[], "anon 250000000\nkernel 3000000");
    assert!(!usual.join("\n").contains("kernel's own"), "{usual:?}");
}

#[test]
fn shared_memory_that_is_mapped_is_no_file_on_a_tmpfs() {
    let stats = "anon 1000000\nfile 260000000\nshmem 260000000";
    let said = remedies(&["serve"], ("serve", 700), &[], stats);
    assert!(said[0].starts_with("give the tmpfs (or /dev/shm) a size"), "{said:?}");
    let report = Report::own(59.9).lines().replace("shmem-rss:0kB", "shmem-rss:240000kB");
    let answer = Case::of(&exited(60.0, 137)).kernel(&[with_stats(&report, stats)]).answer();
    let change = &answer.verdict.remedies[0].change;
    assert!(change.starts_with("look at what shares memory: 248 MiB"), "{change}");
}

/// The kernel's log is whole from so many seconds after the start on: what came before is overwritten.
fn whole_since(case: Case, seconds: f64, lines: &[String]) -> Case {
    let micros = ((3600.0 + seconds) * 1e6) as u64;
    case.kernel(lines).machine(&format!("kernel-log-since-micros: {micros}\n"))
}

const KERNEL: [Killer; 3] =
    [Killer::ContainerMemoryLimit, Killer::AncestorMemoryLimit, Killer::HostOutOfMemory];

#[test]
fn a_flag_of_long_before_is_no_kill_where_the_log_is_whole_around_the_end() {
    let flagged = with(exited(600.0, 137), "/State/OOMKilled", json!(true));
    let answer = whole_since(Case::of(&flagged).noted(false), 500.0, &[]).answer();
    answer.says(Killer::Unknown, Confidence::Unknown);
    for killer in KERNEL {
        answer.rules_out(killer, "is whole from 2026-11-22 10:08:20 UTC on, through the end");
    }
    assert!(answer.contradictions().contains("not what ended it"), "{}", answer.contradictions());
    assert!(answer.how_to_settle().iter().all(|how| !how.contains("journalctl -k")));
    // The kernel's lines in the journal, which tell no beginning, may stand before it.
    let journal = Case::of(&flagged).noted(false).kernel(&[]).on_the_wall();
    whole_since(journal, 500.0, &[]).answer().says(Killer::Unknown, Confidence::Unknown);
    // The same log, begun too late to hold the end's kill for certain; or of unknown beginning.
    let late = whole_since(Case::of(&flagged).noted(false), 598.0, &[]).answer();
    late.says(Killer::OutOfMemory, Confidence::Likely);
    Case::of(&flagged)
        .noted(false)
        .kernel(&[])
        .answer()
        .says(Killer::OutOfMemory, Confidence::Likely);
}

#[test]
fn an_earlier_kill_in_a_log_that_begins_after_the_start_did_not_end_it() {
    let flagged = with(exited(600.0, 137), "/State/OOMKilled", json!(true));
    let child = [Report::child(570.0).lines()];
    let answer = whole_since(Case::of(&flagged).noted(false), 500.0, &child).answer();
    answer.says(Killer::Unknown, Confidence::Unknown);
    answer.rules_out(Killer::HostOutOfMemory, "of another process, 30.0 s before the end");
    // Its own end's kill is still told.
    let own = [Report::own(599.9).lines()];
    let killed = whole_since(Case::of(&flagged).noted(false), 500.0, &own).answer();
    killed.says(Killer::ContainerMemoryLimit, Confidence::Proven);
}

#[test]
fn a_notification_of_a_limit_without_an_oom_killer_is_no_kill() {
    let stalled = with(exited(60.0, 137), "/State/OOMKilled", json!(true));
    let stalled = with(stalled, "/HostConfig/OomKillDisable", json!(true));
    let answer = Case::of(&stalled).noted(false).answer();
    answer.says(Killer::Unknown, Confidence::Unknown);
    assert!(answer.verdict.candidates.iter().all(|it| it.killer != Killer::ContainerMemoryLimit));
    assert!(
        answer.contradictions().contains("OOM killer is disabled"),
        "{}",
        answer.contradictions()
    );
}

#[test]
fn a_daemon_that_was_stopped_may_have_sent_the_stop_signal_too() {
    let restarted = format!("daemon-started-at: {}\n", crate::case::time(62.0));
    let stopped = Case::of(&exited(60.0, 143)).noted(false).machine(&restarted).answer();
    stopped.says(Killer::Unknown, Confidence::Unknown);
    let words = &stopped.candidate(Killer::Runtime).because;
    assert!(words.contains("the present daemon started 2 s later"), "{words}");
    // Another signal than the stop signal is not the daemon's.
    let other = Case::of(&exited(60.0, 129)).noted(false).machine(&restarted).answer();
    assert!(other.verdict.candidates.iter().all(|it| it.killer != Killer::Runtime));
}

#[test]
fn the_only_task_below_a_parents_limit_is_the_main_process_whatever_its_name() {
    let shell = with(exited(60.0, 137), "/Path", json!("sh"));
    let parent = |table: Vec<(u32, &'static str, u64)>| Report {
        full: Some(("/apps".to_owned(), 65_536)),
        task: format!("/apps/{WEB}"),
        table,
        ..Report::own(59.9)
    };
    let alone = parent(vec![(700, "serve", 60_000)]);
    let answer = Case::of(&shell).whole_kernel(&[alone.lines()]).answer();
    answer.says(Killer::AncestorMemoryLimit, Confidence::Proven);
    assert_eq!(answer.verdict.main.fate, Fate::Killed);
    assert_eq!(answer.verdict.victims.first().map(|it| it.role), Some(Role::Main));
    // With another task in the table it may be the shell, and the victim its child.
    let two = parent(vec![(650, "other", 10), (700, "serve", 60_000)]);
    let open = Case::of(&shell).whole_kernel(&[two.lines()]).answer();
    assert_eq!(open.verdict.victims.first().map(|it| it.role), Some(Role::Other));
}

#[test]
fn a_stop_without_any_time_is_not_answered_with_an_init() {
    let history = |forced: f64| {
        let stop = event(forced + 0.2, "stop", &[]);
        [start(), signalled(60.0, 15), signalled(forced, 9), died(forced + 0.1, 137), stop]
    };
    let changes = |forced: f64| {
        let told = Case::of(&exited(forced + 0.1, 137)).all_events(&history(forced)).answer();
        told.by("stop-timeout");
        told.verdict.remedies.iter().map(|it| it.change.clone()).collect::<Vec<_>>()
    };
    let at_once = changes(60.0);
    assert!(matches!(at_once.as_slice(), [one] if one.contains("without `-t 0`")), "{at_once:?}");
    assert!(changes(70.0).iter().any(|it| it.contains("--init")));
}

#[test]
fn a_daemon_that_starts_stops_what_the_last_one_left() {
    let asked_at = |asked: f64, daemon: f64| {
        let end = asked + 10.1;
        let stop = event(end + 0.1, "stop", &[]);
        let history = [signalled(asked, 15), signalled(asked + 10.0, 9), died(end, 137), stop];
        let machine = format!("daemon-started-at: {}\n", crate::case::time(daemon));
        let case = Case::of(&exited(end, 137)).events(&history).machine(&machine);
        let answer = case.answer();
        answer.by("stop-timeout");
        answer.contradictions()
    };
    let told = |daemon: f64| asked_at(60.0, daemon);
    assert!(told(57.0).contains("started while it ran, 3 s before the signal"), "{}", told(57.0));
    assert_ne!(asked_at(5.0, 0.1), "");
    assert_eq!(asked_at(5.0, 0.0), "", "it did not run then");
    assert_eq!(told(20.0), "", "long before the signal");
    assert_eq!(told(-5.0), "", "before the container");
}

#[test]
fn a_flag_before_the_daemons_own_stop_is_not_likely_the_end() {
    let flagged = with(exited(600.0, 137), "/State/OOMKilled", json!(true));
    let told = |daemon: f64| {
        let machine = format!("daemon-started-at: {}\n", crate::case::time(daemon));
        Case::of(&flagged).noted(false).machine(&machine).answer()
    };
    let doubtful = told(602.0);
    doubtful.says(Killer::OutOfMemory, Confidence::Possible);
    assert!(doubtful.candidate(Killer::Runtime).because.contains("docker itself may have been"));
    told(700.0).says(Killer::OutOfMemory, Confidence::Likely);
    // A daemon that is stopped ends nothing with 1: the flag is a child's, as ever.
    let other = with(exited(600.0, 1), "/State/OOMKilled", json!(true));
    let restarted = format!("daemon-started-at: {}\n", crate::case::time(602.0));
    let other = Case::of(&other).noted(false).machine(&restarted).answer();
    assert!(other.verdict.candidates.iter().all(|it| it.killer != Killer::Runtime));
    // What the log shows stays proven.
    let machine = format!("daemon-started-at: {}\n", crate::case::time(602.0));
    let killed = Case::of(&flagged).noted(false).kernel(&[Report::own(599.9).lines()]);
    killed.machine(&machine).answer().says(Killer::ContainerMemoryLimit, Confidence::Proven);
}
