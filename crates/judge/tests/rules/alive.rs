//! What lives: a process, a container at `memory.high`, counters in a paste that show a stall.

use casefile::{Asked, Bytes, Limit, Source};
use judge::verdict::{Confidence, Killer, Level};
use serde_json::{Value, json};

use crate::case::{Answer, Case, event, exited, running, signalled, with};
use crate::memory::lives;

const MIB: u64 = 1 << 20;

/// The head of a cgroup's file, as `tail -n +1` prints it.
fn file(folder: &str, name: &str, text: &str) -> String {
    format!("==> /sys/fs/cgroup{folder}/{name} <==\n{text}\n\n")
}

/// Pressure: the share of the last 10 s in which every task waited.
fn pressure(full: &str) -> String {
    format!(
        "some avg10=50.00 avg60=1.00 avg300=0.00 total=1\nfull avg10={full} avg60=1.00 avg300=0.00 total=1"
    )
}

const NO_KILL: &str = "low 0\nhigh 0\nmax 9\noom 0\noom_kill 0";

fn pasted(files: &[String]) -> Answer {
    Case::pasted(&[&files.concat()]).answer()
}

#[test]
fn a_process_that_runs_is_no_container() {
    let asked = Asked { pid: Some(700), ..Asked::default() };
    let proc = "==> /proc/700/status <==\nName:\tserve\nPid:\t700\nNSpid:\t700\n";
    let answer = Case::asked(asked).add(Source::Proc, proc).answer();
    answer.says(Killer::StillAlive, Confidence::Likely).proves("", "the process runs");
    answer.never_says("main process");
    Case::of(&running()).answer().proves("running", "the main process runs");
}

#[test]
fn a_silent_kernel_log_proves_nothing_about_a_stall_where_the_counters_are_closed() {
    let quiet = |case: Case| case.whole_kernel(&[]).answer();
    quiet(Case::of(&running())).says(Killer::StillAlive, Confidence::Proven);
    quiet(Case::of(&running()).closed(Source::Cgroup, None))
        .says(Killer::StillAlive, Confidence::Likely);
    // Another source that is closed does not matter.
    quiet(Case::of(&running()).closed(Source::Journal, None))
        .says(Killer::StillAlive, Confidence::Proven);
}

#[test]
fn pasted_counters_of_a_cgroup_that_waits_show_a_stall_and_no_death() {
    let stalled = pasted(&[
        file("/job", "memory.current", &(64 * MIB).to_string()),
        file("/job", "memory.events", NO_KILL),
        file("/job", "memory.pressure", &pressure("85.00")),
        file("/job", "memory.stat", &format!("anon {}\nfile 0", 60 * MIB)),
    ]);
    stalled.is(Killer::StillAlive, Level::Own, Confidence::Likely).in_short("85% of the last 10 s");
    stalled.proves("avg10=85.00", "every task waited for memory");
    stalled.proves("oom_kill 0", "counted no OOM kill in this cgroup");
    assert_eq!(stalled.verdict.usage, Some(Bytes(64 * MIB)));
    assert_eq!(stalled.verdict.memory.shares.first().map(|it| it.bytes), Some(Bytes(60 * MIB)));
    // On v1 with the OOM killer switched off.
    let v1 = pasted(&[file(
        "/memory/job",
        "memory.oom_control",
        "oom_kill_disable 1\nunder_oom 1\noom_kill 0",
    )]);
    v1.is(Killer::StillAlive, Level::Own, Confidence::Likely).in_short("no kill will come");
}

#[test]
fn pasted_counters_that_show_no_stall_of_one_cgroup_tell_of_no_life() {
    let full = pressure("85.00");
    for (what, files) in [
        (
            "nobody waits",
            vec![
                file("/job", "memory.events", NO_KILL),
                file("/job", "memory.pressure", &pressure("1.00")),
            ],
        ),
        (
            "another cgroup's pressure",
            vec![file("/job", "memory.events", NO_KILL), file("/other", "memory.pressure", &full)],
        ),
        ("no count of kills", vec![file("/job", "memory.pressure", &full)]),
        (
            "the whole machine",
            vec![file(
                "/memory",
                "memory.oom_control",
                "oom_kill_disable 1\nunder_oom 1\noom_kill 0",
            )],
        ),
    ] {
        let answer = pasted(&files);
        assert_ne!(answer.verdict.killer, Killer::StillAlive, "{what}: {:#?}", answer.verdict);
    }
    let killed = pasted(&[
        file("/job", "memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1"),
        file("/job", "memory.pressure", &full),
    ]);
    killed.says(Killer::OutOfMemory, Confidence::Likely);
    // A life that is told of makes the counters its own or nobody's: the end is the answer.
    let text = [file("/job", "memory.events", NO_KILL), file("/job", "memory.pressure", &full)];
    let ended = Case::of(&exited(60.0, 3)).add(Source::Pasted, &text.concat()).answer();
    ended.by("not-killed");
}

/// A container that waits for memory, with these files beside.
fn waits(high: u64, usage: u64, overrun: u64) -> Answer {
    lives(&[
        ("memory.high", (high).to_string()),
        ("memory.current", (usage).to_string()),
        ("memory.events", format!("low 0\nhigh {overrun}\nmax 0\noom 0\noom_kill 0")),
        ("memory.pressure", pressure("85.00")),
    ])
    .answer()
}

#[test]
fn memory_high_slows_and_never_kills() {
    let answer = waits(100 * MIB, 100 * MIB, 17);
    answer.is(Killer::StillAlive, Level::Own, Confidence::Proven);
    answer.in_short("85% of the last 10 s").in_short("never kills for it");
    answer.in_short("memory.high (100 MiB) is reached");
    answer.proves("high 17", "memory.high was overrun 17 times: 100 MiB of 100 MiB are in use");
    assert_eq!(answer.verdict.limit, Some(Limit::At(Bytes(100 * MIB))));
    // Reclaim holds the usage a little below it.
    waits(100 * MIB, 99 * MIB + MIB / 2, 17).in_short("never kills for it");
}

#[test]
fn memory_high_is_not_the_reason_where_it_is_far_or_was_never_overrun() {
    for (high, usage, overrun) in
        [(100 * MIB, 50 * MIB, 17), (100 * MIB, 98 * MIB, 17), (100 * MIB, 100 * MIB, 0)]
    {
        let answer = waits(high, usage, overrun);
        answer.by("still-alive").in_short("85% of the last 10 s").never_says("memory.high");
        let detail = answer.verdict.detail.clone().unwrap_or_default();
        assert!(!detail.contains("memory.high"), "{detail}");
    }
}

/// `docker inspect` of a container that was created.
fn created() -> Value {
    with(
        exited(0.0, 0),
        "/State",
        json!({"Status": "created", "Running": false, "OOMKilled": false, "Pid": 0, "ExitCode": 0, "Error": "",
        "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"}),
    )
}

#[test]
fn a_container_that_was_started_before_its_state_was_read_is_not_only_created() {
    Case::of(&created()).answer().in_short("never started");
    // Its history tells of a life.
    let started = Case::of(&created()).events(&[event(0.0, "start", &[])]).answer();
    let detail = started.verdict.detail.clone().unwrap_or_default();
    assert!(!detail.contains("never started"), "{:#?}", started.verdict);
    let killed = [event(0.0, "start", &[]), signalled(5.0, 9), crate::case::died(5.1, 137)];
    Case::of(&created()).events(&killed).answer().by("api-kill");
}
