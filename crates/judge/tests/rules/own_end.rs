//! How a main process ended by itself: a crash, a status, a resource limit; and one that lives.

use casefile::Source;
use judge::verdict::{Confidence, Fate, Killer, Level, Role};
use serde_json::json;

use crate::case::{Case, Report, died, event, exited, kernel_line, running, signalled, with};

/// `web` ended with a code at 60 s and wrote this log.
fn wrote(code: i64, log: &str) -> Case {
    Case::of(&exited(60.0, code)).log(log)
}

const V8: &str =
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n";

#[test]
fn a_runtime_that_aborts_says_so_and_its_signal_is_its_own() {
    let answer = wrote(134, V8).whole_kernel(&[]).answer();
    answer.says(Killer::Crash, Confidence::Likely).in_short("V8 reached its own heap limit");
    answer.in_short("not the container's limit").proves("heap limit", "why it aborted");
    answer.proves("134", "134 is 128 + SIGABRT");
    assert_eq!(answer.verdict.main.signal, Some(6));
    assert_eq!(answer.verdict.main.fate, Fate::Exited);
    assert_eq!(answer.verdict.limit_at_fault, Some(false));
    answer.rules_out(Killer::ContainerMemoryLimit, "covers this life");
    answer.rules_out(Killer::HostOutOfMemory, "covers this life");
    assert_eq!(answer.verdict.victims[0].role, Role::Main);
    wrote(139, V8).answer().by("crash").proves("139", "an abort as PID 1 shows like this too");
}

#[test]
fn an_abort_never_shows_as_137_nor_as_a_small_status() {
    wrote(137, V8).answer().by("unknown");
    for code in [0, 1, 125] {
        wrote(code, V8).answer().by("not-killed");
    }
    // 126 and up can be a shell's word for it; the runtime's words stand.
    wrote(126, V8).answer().by("crash").proves("126", "the container ended with 126");
}

#[test]
fn every_runtime_is_told_by_its_own_words() {
    for (words, short) in [
        (V8, "V8 reached its own heap limit"),
        (
            "FATAL ERROR: Zone Allocation failed - process out of memory\n",
            "V8 could not get memory for itself",
        ),
        ("memory allocation of 1048576 bytes failed\n", "a Rust allocation failed"),
        (
            "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
            "std::bad_alloc",
        ),
        (
            "Unhandled exception. System.OutOfMemoryException: Exception of type 'System.OutOfMemoryException' was thrown.\n",
            ".NET ran out",
        ),
    ] {
        wrote(134, words).answer().says(Killer::Crash, Confidence::Likely).in_short(short);
        // With a small status a child of the main process aborted.
        let child = wrote(1, words).answer();
        child.says(Killer::NotKilled, Confidence::Likely).in_short("it ended with 1");
        assert!(child.verdict.detail.as_deref().is_some_and(|it| it.contains("child")), "{words}");
    }
    for (words, short) in [
        (
            "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n",
            "Java's own heap",
        ),
        (
            "# There is insufficient memory for the Java Runtime Environment to continue.\n",
            "could not get native memory",
        ),
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nMemoryError\n",
            "MemoryError",
        ),
        ("fatal error: runtime: out of memory\n", "Go runtime"),
        (
            "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in /a.php on line 3\n",
            "memory_limit",
        ),
        ("[FATAL] failed to allocate memory\n", "NoMemoryError"),
        (
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n",
            "the GPU's memory",
        ),
    ] {
        let answer = wrote(1, words).answer();
        answer
            .says(Killer::NotKilled, Confidence::Likely)
            .in_short(short)
            .in_short("it ended with 1");
    }
    // A JVM that was told to crash on it.
    let java = "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n";
    wrote(134, java).answer().by("crash").in_short("the JVM was told to crash on it");
    wrote(134, "fatal error: runtime: out of memory\n")
        .answer()
        .by("crash")
        .in_short("could not get memory");
    // Without a signal's code there is no abort.
    wrote(127, java).answer().by("not-killed");
}

#[test]
fn a_fatal_signals_code_is_a_crash_and_other_codes_are_not() {
    for signal in [4, 5, 6, 7, 8, 11, 13, 16, 25, 31] {
        let answer = Case::of(&exited(60.0, 128 + signal)).answer();
        answer.says(Killer::Crash, Confidence::Likely).leaves(&[]);
        assert_eq!(answer.verdict.main.signal, Some(signal as i32));
    }
    Case::of(&exited(60.0, 135)).answer().in_short("a full /dev/shm");
    Case::of(&exited(60.0, 159)).answer().in_short("seccomp");
    Case::of(&exited(60.0, 153)).answer().in_short("RLIMIT_FSIZE");
    Case::of(&exited(60.0, 139)).answer().in_short("SIGSEGV");
    Case::of(&exited(60.0, 138)).answer().by("unknown");
}

#[test]
fn a_shell_may_pass_on_its_childs_crash() {
    let shell = with(exited(60.0, 139), "/Path", json!("/bin/sh"));
    let answer = Case::of(&shell).whole_kernel(&[]).answer();
    answer.by("crash").leaves(&[Killer::NotKilled, Killer::Process]);
    assert!(answer.contradictions().contains("passed on the code of a child"));
    assert!(answer.candidate(Killer::NotKilled).because.contains("139"));
    assert!(answer.candidate(Killer::Process).because.contains("SIGSEGV"));
    // Whose crash it was is not shown.
    assert_eq!(answer.victims(), []);
    let init = with(exited(60.0, 139), "/HostConfig/Init", json!(true));
    Case::of(&init).answer().leaves(&[Killer::NotKilled, Killer::Process]);
    let plain = Case::of(&exited(60.0, 139)).answer();
    plain.by("crash").leaves(&[]);
    assert_eq!(plain.verdict.victims.len(), 1);
}

#[test]
fn the_kernels_line_about_the_fault_is_the_programs_by_name_and_time() {
    let fault = |at: f64, comm: &str| {
        kernel_line(
            at,
            &format!(
                "{comm}[700]: segfault at 0 ip 000055d0 sp 00007ffc error 4 in {comm}[55d0+1000]"
            ),
        )
    };
    let quoted = |at: f64, comm: &str, code: i64| {
        let answer = Case::of(&exited(60.0, code)).kernel(&[fault(at, comm)]).answer();
        answer.by("crash");
        answer
            .verdict
            .because
            .iter()
            .any(|line| line.says.contains("the kernel's line about the fault"))
    };
    assert!(quoted(59.9, "serve", 139));
    assert!(quoted(59.01, "serve", 139) && !quoted(59.0, "serve", 139), "a second before the end");
    assert!(
        quoted(60.04, "serve", 139) && !quoted(60.06, "serve", 139),
        "the clocks differ by 50 ms"
    );
    assert!(!quoted(59.9, "other", 139), "another program's");
    // A container that lived for a moment: a line from before its start is the one's before it.
    let short = |at: f64| {
        let answer = Case::of(&exited(0.5, 139)).kernel(&[fault(at, "serve")]).answer();
        answer.verdict.because.len()
    };
    assert_eq!((short(-0.04), short(-0.05), short(-0.06)), (2, 1, 1));
}

#[test]
fn pasted_text_alone_may_tell_of_a_crash() {
    let line = kernel_line(
        5.0,
        "serve[700]: segfault at 0 ip 000055d0 sp 00007ffc error 4 in serve[55d0+1000]",
    );
    let answer = Case::pasted(&[&line]).answer();
    answer
        .says(Killer::Crash, Confidence::Likely)
        .proves("segfault", "the kernel's line about the fault");
    assert_eq!(answer.verdict.main.pid, Some(700));
    assert_eq!(answer.verdict.main.comm.as_deref(), Some("serve"));
    let words =
        Case::pasted(&["./run.sh: line 3:    41 Segmentation fault      (core dumped) ./serve\n"])
            .answer();
    words
        .says(Killer::Crash, Confidence::Likely)
        .in_short("SIGSEGV")
        .proves("Segmentation fault", "the words of a fatal signal");
    // Words of a child beside a status: the status is the answer.
    wrote(1, "Segmentation fault (core dumped)\n").answer().by("not-killed");
    wrote(137, "Segmentation fault (core dumped)\n").answer().by("unknown");
    // A kernel's line beside a container that ended otherwise is not its.
    Case::of(&exited(60.0, 137)).kernel(&[line]).answer().by("unknown");
}

#[test]
fn a_running_container_with_such_words_did_not_crash() {
    Case::of(&running()).log(V8).answer().by("still-alive");
    Case::of(&running()).log("Segmentation fault (core dumped)\n").answer().by("still-alive");
    Case::of(&running()).log("MemoryError\n").answer().by("still-alive");
}

#[test]
fn a_childs_kill_is_asked_before_the_programs_own_end() {
    let killed =
        |code: i64| Case::of(&exited(60.0, code)).kernel(&[Report::child(20.0).lines()]).answer();
    killed(1).by("own-limit");
    // A signal's code long after it is a question of its own.
    killed(139).by("crash");
    let at_once = Case::of(&exited(20.3, 139)).kernel(&[Report::child(20.0).lines()]).answer();
    at_once.by("own-limit");
    let cpu = Case::of(&exited(20.3, 152)).kernel(&[Report::child(20.0).lines()]).answer();
    cpu.by("own-limit");
}

#[test]
fn a_status_is_certain_only_by_the_runtimes_own_record() {
    let answer = Case::of(&exited(60.0, 3)).answer();
    answer.says(Killer::NotKilled, Confidence::Proven).in_short("it ended with 3");
    answer.proves("3", "3 is the program's own status, no signal's");
    assert_eq!(answer.verdict.main.fate, Fate::Exited);
    assert_eq!(answer.verdict.limit_at_fault, Some(false));
    let history = [event(0.0, "start", &[]), died(60.0, 3)];
    Case::web().all_events(&history).answer().says(Killer::NotKilled, Confidence::Likely);
    // The flag tells of a killed child.
    let flagged = with(exited(60.0, 3), "/State/OOMKilled", json!(true));
    assert_ne!(Case::of(&flagged).answer().verdict.killer, Killer::NotKilled);
    let silent = Case::of(&flagged).whole_kernel(&[]).answer();
    silent.says(Killer::NotKilled, Confidence::Likely);
}

#[test]
fn codes_that_no_signal_makes_are_statuses() {
    for code in [0, 1, 125, 128, 145, 146, 147, 148, 149, 150, 151, 156, 193, 254, 255] {
        Case::of(&exited(60.0, code)).answer().by("not-killed");
    }
    // 128 + a signal that ends a program.
    for code in [129, 130, 137, 141, 143, 144, 152, 154, 155, 157, 159, 192] {
        assert_ne!(Case::of(&exited(60.0, code)).answer().verdict.rule, "not-killed", "{code}");
    }
}

#[test]
fn a_program_that_could_not_start_is_told_with_dockers_error() {
    let failed = with(
        exited(0.0, 127),
        "/State/Error",
        json!("exec: \"srve\": executable file not found in $PATH"),
    );
    let answer = Case::of(&failed).answer();
    answer.says(Killer::NotKilled, Confidence::Likely).in_short("it could not start: exec");
    answer.proves("executable file not found", "the runtime could not start it");
    answer.proves("127", "what the runtime notes for a failed start");
    for (code, short) in [(126, "could not be run"), (127, "not found")] {
        let plain = Case::of(&exited(60.0, code)).answer();
        plain.says(Killer::NotKilled, Confidence::Likely).in_short(short);
        plain.never_says("could not start");
    }
    let failed = with(exited(0.0, 128), "/State/Error", json!("cgroup: out of room"));
    Case::of(&failed)
        .answer()
        .says(Killer::NotKilled, Confidence::Likely)
        .in_short("could not start: cgroup");
    Case::of(&exited(60.0, 128))
        .answer()
        .says(Killer::NotKilled, Confidence::Proven)
        .in_short("it ended with 128");
}

#[test]
fn codes_that_docker_writes_itself_leave_another_reading() {
    let lost = Case::of(&exited(60.0, 255)).answer();
    lost.says(Killer::NotKilled, Confidence::Likely)
        .leaves(&[Killer::Runtime])
        .in_short("lost its state");
    Case::of(&exited(60.0, 254)).answer().leaves(&[]);
    // `docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}'`
    let bare = Case::pasted(&["0 false 2026-05-27T18:42:11.301Z\n"]).answer();
    bare.says(Killer::NotKilled, Confidence::Likely).leaves(&[Killer::StillAlive]);
    Case::pasted(&["3 false 2026-05-27T18:42:11.301Z\n"]).answer().by("not-killed").leaves(&[]);
    Case::of(&exited(60.0, 0)).answer().leaves(&[]);
}

#[test]
fn a_pasted_status_beside_a_killed_child_is_only_the_consequence() {
    let child = "[2026-05-27 18:42:11 +0000] [7] [ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?\n";
    Case::pasted(&[child, "1 false 2026-05-27T18:42:11.301Z\n"]).answer().by("not-killed");
    Case::pasted(&[child, "exit code: 1\n"]).answer().by("unknown");
    Case::pasted(&[child, "exit code: 0\n"]).answer().by("not-killed");
    Case::pasted(&["exit code: 1\n"]).answer().by("not-killed");
}

#[test]
fn words_without_an_end_are_an_end_unless_a_request_was_only_refused() {
    let python = "Traceback (most recent call last):\nMemoryError\n";
    let answer = Case::pasted(&[python]).answer();
    answer.says(Killer::NotKilled, Confidence::Likely).in_short("a Python allocation was refused");
    answer.proves("MemoryError", "no killer is in them");
    assert_eq!(answer.verdict.main.fate, Fate::Exited);
    Case::pasted(&["sh: fork: Cannot allocate memory\n"]).answer().by("unknown");
    // A report that is cut before its victim may be about this program.
    let cut = kernel_line(
        5.0,
        "python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    );
    Case::pasted(&[python, &cut]).answer().by("unknown");
    // Lambda's figures are quoted beside it.
    let lambda = "REPORT RequestId: 1\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 90 MB\n";
    let answer = Case::pasted(&[python, lambda]).answer();
    answer.by("not-killed").proves("Max Memory Used", "the platform's figures");
    assert_eq!(answer.verdict.usage.map(|it| it.0 >> 20), Some(90));
    assert_eq!(
        answer.verdict.limit.and_then(casefile::Limit::bytes).map(|it| it.0 >> 20),
        Some(128)
    );
}

#[test]
fn the_last_words_are_the_ones_that_count() {
    let both = "MemoryError\nfatal error: runtime: out of memory\n";
    wrote(2, both).answer().in_short("Go runtime");
}

#[test]
fn the_cpu_limits_first_signal_names_it() {
    let answer = Case::of(&exited(60.0, 152)).answer();
    answer.says(Killer::ResourceLimit, Confidence::Likely).in_short("the soft limit on CPU time");
    answer.proves("152", "128 + SIGXCPU");
    assert_eq!(answer.verdict.main.signal, Some(24));
    assert_eq!(answer.verdict.limit_at_fault, Some(false));
    assert_eq!(answer.verdict.main.fate, Fate::Killed);
    assert_eq!(answer.verdict.victims.len(), 1);
}

/// `web` may use so many seconds of CPU time and ended with 137 after it lived so long.
fn with_cpu_limit(lived: f64, soft: Option<u64>, hard: Option<u64>) -> Case {
    let limit = json!([{"Name": "cpu", "Soft": soft, "Hard": hard}]);
    Case::of(&with(exited(lived, 137), "/HostConfig/Ulimits", limit))
}

#[test]
fn a_configured_cpu_limit_that_can_have_run_out_explains_a_kill() {
    let answer = with_cpu_limit(60.0, Some(5), Some(10)).whole_kernel(&[]).noted(false).answer();
    answer.says(Killer::ResourceLimit, Confidence::Likely).leaves(&[Killer::Process]);
    answer.in_short("10 s of CPU time").in_short("it lived 60.0 s");
    answer.proves("cpu", "a hard limit of 10 s").proves("137", "nobody else claims");
    answer
        .rules_out(Killer::HostOutOfMemory, "covers this life")
        .rules_out(Killer::ApiKill, "no signal came");
    assert!(answer.how_to_settle().iter().any(|how| how.contains("auditctl")));
    // 64 cores at most: 640 s of CPU time in 10 s.
    with_cpu_limit(10.0, None, Some(640)).answer().by("resource-limit");
    with_cpu_limit(10.0, None, Some(641)).answer().by("unknown");
    with_cpu_limit(60.0, Some(5), None).answer().by("resource-limit");
    with_cpu_limit(60.0, None, None).answer().by("unknown");
}

#[test]
fn a_cpu_limit_explains_nothing_that_something_else_does() {
    let code = with(
        exited(60.0, 143),
        "/HostConfig/Ulimits",
        json!([{"Name": "cpu", "Soft": 5, "Hard": 10}]),
    );
    Case::of(&code).answer().by("unknown");
    let files = with(
        exited(60.0, 137),
        "/HostConfig/Ulimits",
        json!([{"Name": "nofile", "Soft": 5, "Hard": 10}]),
    );
    Case::of(&files).answer().by("unknown");
    let flagged = with(
        with(exited(60.0, 137), "/HostConfig/Ulimits", json!([{"Name": "cpu", "Hard": 10}])),
        "/State/OOMKilled",
        json!(true),
    );
    Case::of(&flagged).whole_kernel(&[]).answer().by("unknown");
    // A child's kill long before is another event, and still memory may be in it.
    with_cpu_limit(60.0, Some(5), Some(10))
        .kernel(&[Report::child(20.0).lines()])
        .answer()
        .by("unknown");
}

/// `signal_generate` as the tracefs prints it.
fn trace(at: f64, sender: &str, code: i32, comm: &str, pid: u32, result: u32) -> String {
    format!(
        "            {sender}    [001] d..1.  {:.6}: signal_generate: sig=9 errno=0 code={code} comm={comm} pid={pid} grp=1 res={result}\n",
        3600.0 + at
    )
}

fn mark(at: f64, pid: u32) -> String {
    format!("            serve-{pid}    [001] d..1.  {:.6}: mark_victim: pid={pid}\n", 3600.0 + at)
}

#[test]
fn the_kernels_own_kill_without_a_mark_is_a_resource_limits() {
    let traced = |lines: &[String]| {
        Case::of(&exited(60.0, 137)).add(Source::Trace, &lines.concat()).answer()
    };
    let answer = traced(&[trace(59.9, "serve-700", 128, "serve", 700, 0)]);
    answer
        .says(Killer::ResourceLimit, Confidence::Likely)
        .proves("code=128", "marked no OOM victim");
    traced(&[mark(59.8, 700), trace(59.9, "serve-700", 128, "serve", 700, 0)])
        .by("oom-level-unknown");
    // In another's context, or not delivered.
    traced(&[trace(59.9, "kworker-31", 128, "serve", 700, 0)]).by("unknown");
    traced(&[trace(59.9, "serve-700", 128, "serve", 700, 1)]).by("unknown");
    // The mark is another process's.
    traced(&[mark(59.8, 701), trace(59.9, "serve-700", 128, "serve", 700, 0)]).by("resource-limit");
}

#[test]
fn a_marked_process_that_the_kernel_killed_ran_out_of_memory() {
    let lines = [mark(59.8, 700), trace(59.9, "serve-700", 128, "serve", 700, 0)].concat();
    let traced = || Case::of(&exited(60.0, 137)).add(Source::Trace, &lines);
    let answer = traced().answer();
    answer.is(Killer::OutOfMemory, Level::Unknown, Confidence::Likely);
    answer.proves("code=128", "its OOM killer marked the same process");
    // A whole kernel log without a kill says otherwise.
    assert_ne!(traced().whole_kernel(&[]).answer().verdict.killer, Killer::OutOfMemory);
}

#[test]
fn a_traced_kill_names_its_sender() {
    let sender = format!(
        "            why137-1    [001] d..1.  {:.6}: sender pid=900 uid=1000 auid=1001 exe=/usr/bin/pkill cmdline=pkill -9 serve\n",
        3659.9
    );
    let lines = [trace(59.9, "pkill-900", 0, "serve", 700, 0), sender].concat();
    let answer = Case::of(&exited(60.0, 137))
        .add(Source::Trace, &lines)
        .whole_kernel(&[])
        .noted(false)
        .answer();
    answer.says(Killer::Process, Confidence::Likely).by("process");
    answer.proves(
        "signal_generate",
        "pkill, pid 900, sent SIGKILL to serve, pid 700; it was delivered",
    );
    answer
        .rules_out(Killer::HostOutOfMemory, "covers this life")
        .rules_out(Killer::ApiKill, "no signal came");
    let by = answer.verdict.killed_by.clone().expect("a sender");
    assert_eq!((by.name.as_deref(), by.pid), (Some("pkill"), Some(900)));
    assert_eq!(answer.verdict.main.pid, Some(700));
    assert_eq!(answer.victims(), [Some(700)]);
    // By its pid, not its name: proven.
    let proven = Case::pasted(&[&trace(59.9, "pkill-900", 0, "serve", 700, 0)]).answer();
    proven.says(Killer::Process, Confidence::Proven);
}

#[test]
fn a_traced_signal_that_is_not_ours_or_not_a_kill_names_nobody() {
    let traced = |line: String| Case::of(&exited(60.0, 137)).add(Source::Trace, &line).answer();
    traced(trace(59.9, "pkill-900", 0, "serve", 700, 1)).by("unknown");
    traced(trace(59.9, "pkill-900", 0, "nginx", 71, 0)).by("unknown");
    for runtime in ["runc", "crun", "containerd-shim", "dockerd", "conmon"] {
        traced(trace(59.9, &format!("{runtime}-900"), 0, "serve", 700, 0)).by("unknown");
    }
    let alive =
        Case::of(&running()).add(Source::Trace, &trace(59.9, "pkill-900", 0, "serve", 700, 0));
    alive.answer().by("still-alive");
}

#[test]
fn the_audit_log_names_the_sender_of_a_kill_in_this_life() {
    let line = |at: f64, signal: u32, comm: &str| {
        let seconds = crate::case::moment(at).0.as_second();
        format!(
            "type=SYSCALL msg=audit({seconds}.000:4711): arch=c000003e syscall=62 success=yes exit=0 a0=2bc a1={signal} a2=0 a3=0 items=0 ppid=1 pid=4242 auid=1000 uid=0 gid=0 comm=\"{comm}\" exe=\"/usr/bin/kill\" key=\"why137\"\ntype=OBJ_PID msg=audit({seconds}.000:4711): opid=700 oauid=-1 ouid=0 oses=-1 ocomm=\"serve\"\n"
        )
    };
    let audited = |text: String| Case::of(&exited(60.0, 137)).add(Source::Journal, &text).answer();
    let answer = audited(line(59.0, 9, "kill"));
    answer.says(Killer::Process, Confidence::Likely).proves("syscall=62", "names the sender");
    let by = answer.verdict.killed_by.clone().expect("a sender");
    assert_eq!(
        (by.name.as_deref(), by.pid, by.uid, by.login_uid),
        (Some("kill"), Some(4242), Some(0), Some(1000))
    );
    assert_eq!(answer.victims(), [Some(700)]);
    assert_eq!(answer.verdict.at, Some(crate::case::moment(59.0)));
    audited(line(-5.0, 9, "kill")).by("unknown");
    audited(line(70.0, 9, "kill")).by("unknown");
    audited(line(59.0, 9, "runc")).by("unknown");
    audited(line(59.0, 15, "kill")).by("unknown");
    Case::pasted(&[&line(-5.0, 9, "kill")]).answer().says(Killer::Process, Confidence::Likely);
    Case::of(&running()).add(Source::Journal, &line(59.0, 9, "kill")).answer().by("still-alive");
}

#[test]
fn a_client_of_systemd_is_another_process() {
    let text = "Dec 29 13:48:23 pi systemd[1]: robot.service: Killed unit cgroup with SIGKILL on client request.\n";
    let answer = Case::pasted(&[text]).answer();
    answer.says(Killer::Process, Confidence::Likely).in_short("systemctl kill");
    answer.proves("on client request", "because a client asked for it");
    let by = answer.verdict.killed_by.clone().expect("systemd");
    assert_eq!((by.name.as_deref(), by.pid), (Some("systemd"), Some(1)));
}

#[test]
fn a_kill_by_hand_is_somebodys_not_the_limits() {
    let by_hand = Report::host(59.9).lines().replace("order=0", "order=-1");
    let answer = Case::of(&exited(60.0, 137)).kernel(&[by_hand]).answer();
    answer.is(Killer::Process, Level::None, Confidence::Proven).in_short("SysRq-f");
    answer.proves("order=-1", "a request by hand").rules_out_only(&[]);
    assert_eq!(answer.verdict.limit_at_fault, Some(false));
    let by = answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref());
    assert_eq!(by, Some("SysRq-f"));
    assert_eq!(answer.verdict.limit_cgroup, None);
}

#[test]
fn the_marked_words_of_an_end_are_its_code() {
    let answer = Case::of(&exited(60.0, 3)).answer();
    assert_eq!(answer.verdict.because.last().and_then(|line| line.decisive.as_deref()), Some("3"));
    let killed = Case::of(&exited(60.0, 137))
        .all_events(&[event(0.0, "start", &[]), signalled(59.9, 9), died(60.0, 137)])
        .answer();
    assert_eq!(killed.verdict.because[0].decisive.as_deref(), Some("9"));
}
