//! What the kernel's OOM killer did: whose limit, who died, how sure, and what its report rules out.

use casefile::{Limit, Source};
use judge::verdict::{Confidence, Fate, Killer, Level, Role};
use serde_json::json;

use crate::case::{
    Case, DB, LIMIT, Report, WEB, died, docker, event, exited, kernel_line, moment, running,
    signalled, with,
};

/// `web` ended with 137 right after a report at 59.9 s.
fn ended(report: &Report) -> Case {
    Case::of(&exited(60.0, 137)).kernel(&[report.lines()])
}

fn parent() -> Report {
    Report { full: Some(("/docker".to_owned(), 500_000)), ..Report::own(59.9) }
}

#[test]
fn the_containers_own_limit_is_proven_by_the_report_and_rules_out_the_host() {
    let answer = ended(&Report::own(59.9)).noted(false).answer();
    answer.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven).by("own-limit");
    answer.rules_out(Killer::HostOutOfMemory, "names a cgroup's limit");
    answer.rules_out(Killer::StopTimeout, "no signal came through its API");
    answer.rules_out(Killer::ApiKill, "no signal came through its API");
    answer.proves("Killed process 700 (serve)", "OOM killer killed serve, pid 700");
    answer.proves("oom_memcg=", "the limit that filled is the victim's own cgroup's");
    answer.proves("memory: usage 262144kB, limit 262144kB", "256 MiB of 256 MiB were in use");
    answer.proves("137", "the main process ended with 137, 128 + SIGKILL");
    let told = &answer.verdict;
    assert_eq!(
        (told.limit_at_fault, told.limit, told.usage.map(|it| it.0)),
        (Some(true), Some(Limit::At(casefile::Bytes(LIMIT))), Some(LIMIT))
    );
    assert_eq!(
        (told.main.fate, told.main.signal, told.main.pid),
        (Fate::Killed, Some(9), Some(700))
    );
    assert_eq!(told.victims[0].role, Role::Main);
    assert_eq!(told.limit_cgroup.as_ref().map(ToString::to_string), Some(docker(WEB)));
    assert_eq!(told.lived_seconds, Some(59.9));
    assert!(told.would_settle_it.is_empty());
    let words: Vec<_> = told.because.iter().filter_map(|line| line.decisive.as_deref()).collect();
    assert_eq!(words, ["Killed process 700", "oom_memcg=", "137"]);
}

#[test]
fn a_report_that_counts_free_memory_says_how_much_was_free() {
    let free =
        kernel_line(59.9, "Node 0 DMA32 free:1572864kB boost:0kB min:44kB low:56kB high:68kB");
    let lines = Report::own(59.9).lines() + &free;
    let answer = Case::of(&exited(60.0, 137)).kernel(&[lines]).answer();
    answer.rules_out(Killer::HostOutOfMemory, "names a cgroup's limit");
}

#[test]
fn a_parents_limit_rules_out_the_containers_own_and_names_who_asked() {
    let answer = ended(&parent()).answer();
    answer.is(Killer::AncestorMemoryLimit, Level::Ancestor, Confidence::Proven);
    answer.rules_out_only(&[Killer::HostOutOfMemory, Killer::ContainerMemoryLimit]);
    answer.rules_out(Killer::ContainerMemoryLimit, "its own limit of 256 MiB is not the one");
    answer.proves("oom_memcg=/docker,", "above the victim's cgroup");
    answer.never_says("asked for more");
    assert_eq!(answer.verdict.limit_at_fault, Some(false));
    assert_eq!(answer.verdict.limit.and_then(Limit::bytes).map(|it| it.0), Some(500_000 << 10));
    let neighbour = Report { invoker: ("grow", 900), ..parent() };
    let answer = ended(&neighbour).answer();
    answer.in_short("grow (pid 900), below the same limit, asked for more");
    answer.proves("grow invoked oom-killer", "asked for more when it was full");
    // Without a configured limit nothing of the container's own can be said.
    let unlimited = with(exited(60.0, 137), "/HostConfig/Memory", json!(0));
    let answer = Case::of(&unlimited).kernel(&[parent().lines()]).answer();
    answer.rules_out(Killer::ContainerMemoryLimit, "does not name the container's own cgroup");
}

#[test]
fn of_two_kills_the_neighbour_is_taken_from_the_deciding_report() {
    let own = Report {
        invoker: ("other", 901),
        victim: ("work", 712),
        table: vec![(700, "serve", 9), (712, "work", 9)],
        ..Report::own(30.0)
    };
    let neighbour = Report { invoker: ("grow", 900), ..parent() };
    let answer = Case::of(&exited(60.0, 137)).kernel(&[own.lines(), neighbour.lines()]).answer();
    answer.in_short("grow (pid 900)").never_says("other (pid 901)");
}

#[test]
fn a_parent_with_the_containers_own_limit_is_that_limit() {
    let same = Report { full: Some(("/docker".to_owned(), LIMIT / 1024)), ..parent() };
    let answer = ended(&same).answer();
    answer
        .says(Killer::AncestorMemoryLimit, Confidence::Proven)
        .in_short("the container's limit too");
    assert_eq!(answer.verdict.limit_at_fault, Some(true));
    answer.rules_out_only(&[Killer::HostOutOfMemory]);
}

#[test]
fn a_full_host_rules_out_the_containers_own_limit() {
    let answer = ended(&Report::host(59.9)).machine("cgroup-version: 1\n").answer();
    answer.is(Killer::HostOutOfMemory, Level::Host, Confidence::Proven).by("host-memory");
    answer.rules_out_only(&[Killer::ContainerMemoryLimit]);
    answer.proves("global_oom", "the whole machine was out of memory");
    assert_eq!((answer.verdict.limit, answer.verdict.limit_at_fault), (None, Some(false)));
    assert!(answer.contradictions().contains("on cgroup v1 docker is not told"));
    // cgroup v2 tells it: then the missing flag is an error.
    let wrong = ended(&Report::host(59.9)).machine("cgroup-version: 2\n").answer();
    assert!(wrong.contradictions().contains("docker missed the notification"));
    let flagged = with(exited(60.0, 137), "/State/OOMKilled", json!(true));
    let right = Case::of(&flagged).kernel(&[Report::host(59.9).lines()]).answer();
    assert!(right.contradictions().contains("does not mean the container's own limit"));
    let own = Case::of(&flagged).kernel(&[Report::own(59.9).lines()]).answer();
    assert_eq!(own.contradictions(), "");
}

#[test]
fn numa_nodes_that_ran_out_are_not_the_machine() {
    let numa = Report::host(59.9)
        .lines()
        .replace("CONSTRAINT_NONE", "CONSTRAINT_CPUSET")
        .replace("global_oom,", "");
    let answer = Case::of(&exited(60.0, 137)).kernel(&[numa]).answer();
    answer.is(Killer::NumaOutOfMemory, Level::Numa, Confidence::Proven);
    answer
        .proves("constraint=CONSTRAINT_CPUSET", "the allowed NUMA nodes")
        .rules_out_only(&[Killer::ContainerMemoryLimit]);
    assert!(
        answer.verdict.because.iter().any(|line| line.decisive.as_deref() == Some("constraint="))
    );
    assert_eq!((answer.verdict.limit, answer.verdict.limit_at_fault), (None, Some(false)));
}

#[test]
fn a_limit_inside_the_container_is_not_the_containers_fault() {
    let inner = format!("{}/build", docker(WEB));
    let nested = Report { full: Some((inner.clone(), 65_536)), task: inner, ..Report::child(59.9) };
    let answer = Case::of(&running()).kernel(&[nested.lines()]).answer();
    answer.is(Killer::ContainerMemoryLimit, Level::Nested, Confidence::Proven);
    assert_eq!(answer.verdict.limit_at_fault, Some(false));
    answer
        .proves("oom_memcg=", "set inside the container")
        .rules_out_only(&[Killer::HostOutOfMemory]);
    answer.proves("running", "the main process went on");
}

#[test]
fn old_kernels_say_it_in_a_line_of_their_own() {
    let lines = [
        kernel_line(59.9, "serve invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0"),
        kernel_line(59.9, &format!("Task in {0} killed as a result of limit of {0}", docker(WEB))),
        kernel_line(59.9, "memory: usage 262144kB, limit 262144kB, failcnt 23"),
        kernel_line(
            59.9,
            "Memory cgroup out of memory: Kill process 700 (serve) score 990 or sacrifice child",
        ),
        kernel_line(
            59.9,
            "Killed process 700 (serve) total-vm:360000kB, anon-rss:240000kB, file-rss:0kB",
        ),
    ];
    let answer = Case::of(&exited(60.0, 137)).kernel(&lines).answer();
    answer.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven);
    let words: Vec<_> =
        answer.verdict.because.iter().filter_map(|line| line.decisive.as_deref()).collect();
    assert!(words.contains(&"as a result of limit of"), "{words:?}");
}

#[test]
fn whoever_asked_died_where_the_machine_is_told_so() {
    let asked = Report::host(59.9)
        .lines()
        .replace("Out of memory: Killed", "Out of memory (oom_kill_allocating_task): Killed");
    Case::of(&exited(60.0, 137))
        .kernel(&[asked])
        .answer()
        .by("host-memory")
        .in_short("however small");
    let chosen = ended(&Report::host(59.9)).answer();
    assert_eq!(chosen.verdict.detail, None);
}

#[test]
fn a_group_kill_says_why_everybody_died() {
    let group = kernel_line(
        59.9,
        &format!("Tasks in {} are going to be killed due to memory.oom.group set", docker(WEB)),
    );
    let second = kernel_line(
        59.9,
        "Memory cgroup out of memory: Killed process 712 (work) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0",
    );
    let answer = Case::of(&exited(60.0, 137))
        .kernel(&[Report::own(59.9).lines() + &group + &second])
        .answer();
    answer.says(Killer::ContainerMemoryLimit, Confidence::Proven);
    answer.proves("memory.oom.group", "takes every process of that cgroup");
    answer.proves("Killed process 712", "killed work, pid 712");
    assert_eq!(answer.victims(), [Some(700), Some(712)]);
}

#[test]
fn a_summary_alone_names_the_victim_and_its_level() {
    let summary = Report::own(59.9)
        .lines()
        .lines()
        .find(|line| line.contains("oom-kill:"))
        .map(|line| format!("{line}\n"))
        .expect("a summary");
    let answer = Case::of(&exited(60.0, 137)).kernel(std::slice::from_ref(&summary)).answer();
    answer.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven);
    answer.proves("pid=700", "chose serve, pid 700; the limit that filled is the victim's own");
    let pasted = Case::pasted(&[&summary]).answer();
    pasted.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Likely);
    assert!(pasted.verdict.would_settle_it[0].missing.contains("the whole report"));
    // Ended otherwise: the choice was made, the end is not shown to be its.
    let other = Case::of(&exited(60.0, 1)).kernel(&[summary]).answer();
    other.says(Killer::ContainerMemoryLimit, Confidence::Likely);
}

#[test]
fn a_bare_line_shows_less_than_a_report() {
    let line = |words: &str| {
        kernel_line(
            59.9,
            &format!(
                "{words} 700 (serve) total-vm:360000kB, anon-rss:240000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0"
            ),
        )
    };
    let memcg = Case::pasted(&[&line("Memory cgroup out of memory: Killed process")]).answer();
    memcg.is(Killer::OutOfMemory, Level::Unknown, Confidence::Proven);
    memcg.leaves(&[Killer::ContainerMemoryLimit, Killer::AncestorMemoryLimit]);
    let host = Case::pasted(&[&line("Out of memory: Killed process")]).answer();
    host.is(Killer::HostOutOfMemory, Level::Host, Confidence::Likely).rules_out_only(&[]);
    let wordless = Case::pasted(&[&line("Killed process")]).answer();
    wordless.is(Killer::OutOfMemory, Level::Unknown, Confidence::Likely);
    wordless.leaves(&[
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::HostOutOfMemory,
    ]);
    // Without a moment the stamp is told as it stands.
    assert_eq!(memcg.verdict.at_words.as_deref(), Some("3659.900000 s after boot"));
    assert_eq!(memcg.verdict.at, None);
}

#[test]
fn the_end_gives_an_undated_kill_its_time() {
    let undated = Report::own(59.9)
        .lines()
        .lines()
        .map(|line| line.split_once("] ").map_or(line, |it| it.1).to_owned() + "\n")
        .collect::<String>();
    let case = Case::web()
        .add(Source::ContainerInspect, &exited(60.0, 137).to_string())
        .add(Source::Pasted, &undated);
    let answer = case.answer();
    answer.says(Killer::ContainerMemoryLimit, Confidence::Proven);
    assert_eq!((answer.verdict.at, answer.verdict.at_words.clone()), (Some(moment(60.0)), None));
}

#[test]
fn a_childs_kill_explains_a_signals_code_only_where_it_follows_at_once() {
    let shell = |end: f64| {
        let inspect = with(exited(end, 137), "/Path", json!("sh"));
        let child =
            Report { table: vec![(700, "sh", 9), (712, "work", 60_000)], ..Report::child(20.0) };
        Case::of(&inspect).kernel(&[child.lines()]).answer()
    };
    let passed = shell(20.39);
    passed.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven);
    passed.proves("137", "its child's status, passed on");
    assert_eq!(
        (passed.verdict.main.fate, passed.verdict.victims[0].role),
        (Fate::Exited, Role::Child)
    );
    let later = shell(20.4);
    later.by("unknown");
    assert_eq!(later.findings(), [Killer::ContainerMemoryLimit]);
    // A small status is the main process's own choice, whenever it came.
    let inspect = exited(400.0, 128);
    let small = Case::of(&inspect).kernel(&[Report::child(20.0).lines()]).answer();
    small.by("own-limit").proves("128", "it ended by itself with 128");
    // A pod's times are whole seconds.
    let pod = |second: u32| {
        let json = json!({"kind": "Pod", "metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "web", "containerID": format!("containerd://{WEB}"),
            "state": {"terminated": {"exitCode": 137, "reason": "Error", "startedAt": "2026-11-22T10:00:00Z", "finishedAt": format!("2026-11-22T10:00:{second}Z")}}}]}});
        Case::web()
            .add(Source::Kubernetes, &json.to_string())
            .kernel(&[Report::child(20.5).lines()])
            .answer()
    };
    pod(22).by("own-limit");
    assert_ne!(pod(23).verdict.rule, "own-limit");
}

#[test]
fn the_api_was_faster_than_the_kernel() {
    let case = |kill: f64| {
        let entries = [event(0.0, "start", &[]), signalled(kill, 9), died(60.0, 137)];
        Case::of(&exited(60.0, 137))
            .all_events(&entries)
            .kernel(&[Report::own(59.9).lines()])
            .answer()
    };
    case(59.66).by("own-limit");
    case(59.64).by("api-kill");
}

#[test]
fn kills_under_one_limit_within_ten_seconds_are_one_storm() {
    let other = |at: f64, pid: u32| Report {
        victim: ("work", pid),
        invoker: ("work", pid),
        ..Report::own(at)
    };
    let case = |first: f64| {
        let lines = [other(first, 712).lines(), Report::own(59.9).lines()];
        Case::of(&exited(60.0, 137)).kernel(&lines).answer()
    };
    let storm = case(50.0);
    storm.in_short("2 kills within 9.9 s");
    assert_eq!(storm.victims(), [Some(712), Some(700)]);
    assert_eq!(storm.findings(), []);
    let apart = case(49.9);
    assert_eq!((apart.victims(), apart.verdict.detail.clone()), (vec![Some(700)], None));
    assert_eq!(apart.findings(), [Killer::ContainerMemoryLimit]);
    // Another limit's kill, or a policy's, is not counted in.
    let parents = Report { full: Some(("/docker".to_owned(), 500_000)), ..other(55.0, 712) };
    let policy = other(55.0, 712).lines().replace("CONSTRAINT_MEMCG", "CONSTRAINT_BPF");
    let nested = format!("{}/build", docker(WEB));
    let nested = Report { full: Some((nested.clone(), 65_536)), task: nested, ..other(55.0, 712) };
    for lines in [parents.lines(), policy, nested.lines()] {
        let answer =
            Case::of(&exited(60.0, 137)).kernel(&[lines, Report::own(59.9).lines()]).answer();
        assert_eq!((answer.victims(), answer.verdict.detail.clone()), (vec![Some(700)], None));
    }
}

#[test]
fn inside_a_living_container_every_kill_under_its_limit_is_told() {
    let child = |at: f64, pid: u32| Report {
        victim: ("work", pid),
        invoker: ("work", pid),
        ..Report::own(at)
    };
    let answer =
        Case::of(&running()).kernel(&[child(5.0, 712).lines(), child(500.0, 713).lines()]).answer();
    answer
        .is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven)
        .in_short("2 kills within 495.0 s");
    assert_eq!(answer.victims(), [Some(712), Some(713)]);
    assert!(answer.verdict.victims.iter().all(|victim| victim.role == Role::Child));
    assert_eq!((answer.verdict.main.fate, answer.verdict.main.pid), (Fate::Alive, Some(700)));
    assert!(answer.contradictions().contains("and it runs"));
    let exec = [event(0.0, "start", &[]), event(5.1, "exec_die", &[("exitCode", "137")])];
    let answer = Case::of(&running()).events(&exec).kernel(&[child(5.0, 712).lines()]).answer();
    assert_eq!(answer.verdict.victims[0].role, Role::Exec);
}

#[test]
fn the_task_table_tells_the_main_process_from_a_child() {
    let by_table = |table: Vec<(u32, &'static str, u64)>, victim| {
        let report = Report { table, victim: ("serve", victim), ..Report::own(59.9) };
        ended(&report).answer()
    };
    let main = by_table(vec![(700, "serve", 9000), (712, "serve", 9)], 700);
    assert_eq!((main.verdict.main.fate, main.verdict.victims[0].role), (Fate::Killed, Role::Main));
    let child = by_table(vec![(700, "serve", 9000), (712, "serve", 9)], 712);
    child.by("own-limit");
    assert_eq!(
        (child.verdict.main.fate, child.verdict.victims[0].role),
        (Fate::Exited, Role::Child)
    );
    assert_eq!(child.verdict.main.pid, Some(700));
    // The table does not begin with the lowest pid: it tells nothing, and the name decides.
    let wrapped = by_table(vec![(712, "serve", 9000), (700, "pool", 9)], 712);
    assert_eq!(wrapped.verdict.main.fate, Fate::Killed);
    let unclear = Report {
        table: vec![(712, "work", 9000), (700, "sh", 9)],
        victim: ("work", 712),
        ..Report::own(59.9)
    };
    let shell = with(exited(60.0, 137), "/Path", json!("sh"));
    let unclear = Case::of(&shell).kernel(&[unclear.lines()]).answer();
    assert_eq!(
        (unclear.verdict.main.fate, unclear.verdict.victims[0].role),
        (Fate::Unknown, Role::Other)
    );
}

#[test]
fn the_pasted_report_alone_tells_the_main_process_by_its_table() {
    let table = vec![(700, "serve", 9000), (712, "work", 9)];
    let main =
        Case::pasted(&[&Report { table: table.clone(), ..Report::own(5.0) }.lines()]).answer();
    assert_eq!((main.verdict.main.fate, main.verdict.main.signal), (Fate::Killed, Some(9)));
    let child = Report { victim: ("work", 712), table, ..Report::own(5.0) };
    let child = Case::pasted(&[&child.lines()]).answer();
    assert_eq!(
        (child.verdict.main.fate, child.verdict.main.comm.as_deref()),
        (Fate::Unknown, Some("serve"))
    );
    assert_eq!(child.verdict.victims[0].role, Role::Child);
    let bare = Case::pasted(&[&Report::own(5.0).lines()]).answer();
    assert_eq!(
        (bare.verdict.main.fate, bare.verdict.victims[0].role),
        (Fate::Unknown, Role::Other)
    );
}

#[test]
fn another_containers_kill_is_not_this_ones() {
    let other = Report { full: Some((docker(DB), 65_536)), task: docker(DB), ..Report::own(59.9) };
    ended(&other).answer().by("unknown");
    let beside = Case::of(&exited(60.0, 137)).whole_kernel(&[other.lines()]).answer();
    beside.by("unknown").rules_out(Killer::HostOutOfMemory, "holds no OOM kill in it");
}

#[test]
fn a_life_that_ended_before_it_began_has_no_length() {
    // The clocks of the kernel and of docker differ by 250 ms at most.
    let answer = Case::of(&exited(0.05, 137)).kernel(&[Report::own(-0.1).lines()]).answer();
    answer.by("own-limit");
    assert_eq!(answer.verdict.lived_seconds, None);
    let at_once = Case::of(&exited(0.05, 137)).kernel(&[Report::own(0.0).lines()]).answer();
    assert_eq!(at_once.verdict.lived_seconds, Some(0.0));
}

#[test]
fn lines_that_two_containers_could_own_go_where_the_counter_misses_them() {
    let neighbour = "d".repeat(64);
    let there = Report {
        full: Some((docker(&neighbour), 65_536)),
        task: docker(&neighbour),
        victim: ("work", 690),
        invoker: ("work", 690),
        ..Report::own(1.0)
    };
    let bare = |at: f64, comm: &str, pid: u32| {
        kernel_line(
            at,
            &format!(
                "Memory cgroup out of memory: Killed process {pid} ({comm}) total-vm:100kB, anon-rss:50kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0"
            ),
        )
    };
    let victims = |counted: u32, comm: &str, late: f64| {
        let lines = [
            there.lines(),
            Report::child(5.0).lines(),
            bare(5.5, "work", 720),
            bare(late, comm, 721),
        ];
        let counter = format!("oom_kill_disable 0\nunder_oom 0\noom_kill {counted}");
        let case = Case::of(&running()).cgroup(&[("memory.oom_control", &counter)]);
        case.kernel(&lines).answer().victims()
    };
    assert_eq!(victims(3, "work", 6.0), [Some(712), Some(720), Some(721)]);
    // One more or one fewer than it counts, a name that is not known there, a line from elsewhere.
    assert_eq!(victims(4, "work", 6.0), [Some(712)]);
    assert_eq!(victims(2, "work", 6.0), [Some(712)]);
    assert_eq!(victims(3, "hog", 6.0), [Some(712)]);
    assert_eq!(victims(3, "work", 15.0), [Some(712)]);
}
