//! What the memory held: at a kill by the kernel's report, now by the live counters; and the
//! containers that live, stand still, or are full of cache.

use casefile::{Bytes, Limit, Source};
use judge::verdict::{Confidence, Fate, Killer, Level, Memory};
use serde_json::json;

use crate::case::{
    Answer, Case, LIMIT, Report, WEB, died, docker, event, exited, kernel_line, running, with,
};

const MIB: u64 = 1 << 20;

/// The shares in MiB, biggest first, by the first word of their name.
fn shares(memory: &Memory) -> Vec<(&str, u64)> {
    let first = |what: &'static str| what.split(' ').next().unwrap_or(what);
    memory.shares.iter().map(|share| (first(share.what), share.bytes.0 / MIB)).collect()
}

/// A report of `web`'s own limit with these lines of statistics.
fn with_stats(lines: &[&str]) -> Answer {
    let report =
        Report { table: vec![(700, "serve", 2000), (712, "work", 60_000)], ..Report::own(59.9) };
    let mut text = String::new();
    for line in report.lines().lines() {
        if line.contains("Tasks state") {
            text += &kernel_line(59.9, &format!("Memory cgroup stats for {}:", docker(WEB)));
            lines.iter().for_each(|stat| text += &kernel_line(59.9, stat));
        }
        text = text + line + "\n";
    }
    Case::of(&exited(60.0, 137)).kernel(&[text]).answer()
}

/// Nothing can hold as much; what a text claims does not stop the answer.
#[test]
fn shares_beyond_every_memory_are_added_up_all_the_same() {
    let answer = with_stats(&["anon 18446744073709551615", "file 52428800", "kernel 5242880"]);
    assert_eq!(answer.verdict.level, Level::Own);
    assert_eq!(answer.verdict.memory.shares.len(), 3);
}

#[test]
fn the_report_of_cgroup_v2_tells_what_filled_the_memory() {
    let answer = with_stats(&[
        "anon 104857600",
        "file 52428800",
        "kernel 5242880",
        "shmem 20971520",
        "slab 1048576",
    ]);
    let memory = &answer.verdict.memory;
    // Files include tmpfs: it is told apart.
    assert_eq!(shares(memory), [("the", 100), ("files", 30), ("tmpfs", 20), ("kernel", 5)]);
    assert!(memory.cite.is_some() && memory.peak.is_none());
    let holders: Vec<_> = memory.holders.iter().map(|it| (it.pid, it.rss.0, it.killed)).collect();
    assert_eq!(holders, [(712, 60_000 * 4096, false), (700, 2000 * 4096, true)]);
}

#[test]
fn the_report_of_cgroup_v1_counts_its_whole_subtree() {
    let answer = with_stats(&[
        "cache 0",
        "rss 0",
        "shmem 0",
        "total_cache 52428800",
        "total_rss 104857600",
        "total_shmem 20971520",
    ]);
    assert_eq!(shares(&answer.verdict.memory), [("the", 100), ("files", 30), ("tmpfs", 20)]);
    // Without the totals the cgroup's own counts.
    let old = with_stats(&["cache 52428800", "rss 104857600"]);
    assert_eq!(shares(&old.verdict.memory), [("the", 100), ("files", 50)]);
    let slab = with_stats(&["anon 104857600", "slab 1048576"]);
    assert_eq!(shares(&slab.verdict.memory), [("the", 100), ("kernel", 1)]);
}

#[test]
fn as_many_holders_are_told_as_a_reader_takes_in() {
    let table = (0..9).map(|at| (700 + at, "serve", u64::from(at) * 1000)).collect();
    let answer = Case::of(&exited(60.0, 137))
        .kernel(&[Report { table, ..Report::own(59.9) }.lines()])
        .answer();
    let pids: Vec<u32> = answer.verdict.memory.holders.iter().map(|it| it.pid).collect();
    assert_eq!(pids, [708, 707, 706, 705, 704]);
}

/// What each pool is called, what its processes held, and what all others did, in pages.
fn pools(answer: &Answer) -> Vec<(&str, Vec<u64>, u64)> {
    let pages = |bytes: Bytes| bytes.0 / 4096;
    let pools = answer.verdict.memory.pools.iter();
    pools
        .map(|it| {
            (it.comm.as_str(), it.rss.iter().map(|rss| pages(*rss)).collect(), pages(it.others))
        })
        .collect()
}

#[test]
fn a_pool_is_several_processes_of_one_name() {
    let table =
        vec![(700, "serve", 30_000), (711, "work", 1000), (712, "work", 2000), (713, "log", 10)];
    let answer = Case::of(&exited(60.0, 137))
        .kernel(&[Report { table, ..Report::own(59.9) }.lines()])
        .answer();
    assert_eq!(pools(&answer), [("work", vec![2000, 1000], 30_010)]);
}

/// The table of a later report misses the one that the kill before ended.
#[test]
fn in_a_storm_the_pool_is_told_as_it_was_when_it_held_most() {
    let before = vec![(700, "serve", 1000), (712, "work", 30_000), (713, "work", 20_000)];
    let after = vec![(700, "serve", 1000), (713, "work", 21_000), (714, "work", 10)];
    let first = Report { table: before, ..Report::child(59.0) }.lines();
    let last = Report { table: after, ..Report::own(59.9) }.lines();
    let answer = Case::of(&exited(60.0, 137)).kernel(&[first, last]).answer();
    assert_eq!(answer.victims(), [Some(712), Some(700)]);
    assert_eq!(pools(&answer), [("work", vec![30_000, 20_000], 1000)]);
}

/// Files of `web`'s cgroup v1.
fn v1(oom_kill: u32) -> Vec<(&'static str, String)> {
    vec![
        ("memory.usage_in_bytes", (250 * MIB).to_string()),
        ("memory.max_usage_in_bytes", (252 * MIB).to_string()),
        ("memory.limit_in_bytes", LIMIT.to_string()),
        ("memory.kmem.usage_in_bytes", (3 * MIB).to_string()),
        ("memory.oom_control", format!("oom_kill_disable 0\nunder_oom 0\noom_kill {oom_kill}")),
        (
            "memory.stat",
            format!(
                "cache 0\nrss 0\ntotal_cache {}\ntotal_rss {}\ntotal_shmem {}",
                200 * MIB,
                40 * MIB,
                10 * MIB
            ),
        ),
    ]
}

/// Files of `web`'s cgroup v2.
fn v2(oom_kill: u32) -> Vec<(&'static str, String)> {
    vec![
        ("memory.current", (250 * MIB).to_string()),
        ("memory.peak", (256 * MIB).to_string()),
        ("memory.max", LIMIT.to_string()),
        ("memory.events", format!("low 0\nhigh 0\nmax 0\noom 1\noom_kill {oom_kill}")),
        (
            "memory.stat",
            format!(
                "anon {}\nfile {}\nkernel {}\nshmem {}",
                200 * MIB,
                40 * MIB,
                3 * MIB,
                10 * MIB
            ),
        ),
    ]
}

pub(crate) fn lives(files: &[(&'static str, String)]) -> Case {
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Case::of(&running()).cgroup(&files)
}

#[test]
fn a_running_container_shows_what_it_holds_now() {
    let answer = lives(&v1(0)).answer();
    answer
        .is(Killer::StillAlive, Level::None, Confidence::Proven)
        .proves("running", "the main process runs");
    answer
        .proves("oom_kill 0", "counts 0 OOM kills")
        .proves("cache 0", "what the memory consists of");
    let told = &answer.verdict;
    assert_eq!(shares(&told.memory), [("files", 190), ("the", 40), ("tmpfs", 10), ("kernel", 3)]);
    assert_eq!(
        (told.usage.map(|it| it.0 / MIB), told.memory.peak.map(|it| it.0 / MIB)),
        (Some(250), Some(252))
    );
    assert_eq!((told.main.fate, told.limit_at_fault, told.at), (Fate::Alive, Some(false), None));
    assert_eq!(told.main.exit_code, None);
    let answer = lives(&v2(0)).answer();
    assert_eq!(
        shares(&answer.verdict.memory),
        [("the", 200), ("files", 30), ("tmpfs", 10), ("kernel", 3)]
    );
    assert_eq!(
        (
            answer.verdict.usage.map(|it| it.0 / MIB),
            answer.verdict.memory.peak.map(|it| it.0 / MIB)
        ),
        (Some(250), Some(256))
    );
}

#[test]
fn a_running_container_is_proven_quiet_by_its_counter_or_a_whole_kernel_log() {
    Case::of(&running()).answer().says(Killer::StillAlive, Confidence::Likely);
    Case::of(&running()).whole_kernel(&[]).answer().says(Killer::StillAlive, Confidence::Proven);
    lives(&v2(0)).answer().says(Killer::StillAlive, Confidence::Proven);
    // A kill was counted: the log that names it is not at hand.
    lives(&v2(1)).answer().says(Killer::OutOfMemory, Confidence::Likely);
    // The log holds a child's word for a kill.
    let hinted = lives(&v2(0))
        .log("[ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?\n")
        .answer();
    hinted.says(Killer::StillAlive, Confidence::Likely).leaves(&[Killer::Process]);
    hinted.proves("Worker (pid:16)", "a child ended by SIGKILL");
}

#[test]
fn full_of_cache_is_not_full() {
    let cache = |usage: u64, file: u64| {
        let files = [
            ("memory.current", (usage).to_string()),
            ("memory.stat", format!("anon {}\nfile {}\nkernel 0\nshmem 0", 10 * MIB, file)),
        ];
        lives(&files).answer().verdict.detail.unwrap_or_default()
    };
    let full = LIMIT / 10 * 9 + 10;
    assert!(
        cache(full, 200 * MIB).contains("page cache that is dropped before anything is killed")
    );
    assert_eq!(cache(full - 20, 200 * MIB), "", "less than nine tenths are used");
    assert_eq!(cache(full, LIMIT / 2), "", "no more than a half is cache");
    assert!(!cache(full, LIMIT / 2 + MIB).is_empty());
}

#[test]
fn counters_of_other_cgroups_are_not_the_containers() {
    let stat = format!("anon {}\nfile 0", 99 * MIB);
    let above = Case::of(&running()).cgroup_at(
        "/sys/fs/cgroup/docker",
        &[("memory.stat", &stat), ("memory.events", "oom_kill 3")],
    );
    let answer = above.answer();
    answer.says(Killer::StillAlive, Confidence::Likely);
    assert_eq!(shares(&answer.verdict.memory), []);
    let inside = format!("/sys/fs/cgroup/docker/{WEB}/build");
    let inside = Case::of(&running())
        .cgroup_at(&inside, &[("memory.stat", &stat), ("memory.events", "oom_kill 3")]);
    assert_eq!(shares(&inside.answer().verdict.memory), []);
    let neighbour = format!("/sys/fs/cgroup/docker/{}", crate::case::DB);
    let neighbour = Case::of(&running())
        .cgroup_at(&neighbour, &[("memory.stat", &stat), ("memory.events", "oom_kill 3")]);
    neighbour.answer().by("still-alive");
}

#[test]
fn processes_hold_what_they_have_in_memory_of_every_kind() {
    let proc = "==> /proc/700/status <==\nName:\tserve\nPid:\t700\nNSpid:\t700\t1\nRssAnon:\t    1024 kB\nRssFile:\t    2048 kB\nRssShmem:\t    4096 kB\n\n\
        ==> /proc/712/status <==\nName:\twork\nPid:\t712\nNSpid:\t712\t9\nRssAnon:\t    8192 kB\nRssFile:\t       0 kB\nRssShmem:\t       0 kB\n";
    let answer = Case::of(&running()).add(Source::Proc, proc).answer();
    let held: Vec<_> = answer
        .verdict
        .memory
        .holders
        .iter()
        .map(|it| (it.pid, it.comm.as_str(), it.rss.0 / MIB, it.killed))
        .collect();
    assert_eq!(held, [(712, "work", 8, false), (700, "serve", 7, false)]);
}

#[test]
fn a_container_that_ended_holds_nothing_now() {
    let files = v2(0);
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let answer = Case::of(&exited(60.0, 3)).cgroup(&files).answer();
    answer.by("not-killed");
    assert_eq!(shares(&answer.verdict.memory), []);
    // An earlier life that is told as a finding does not own the live counters.
    let entries = [event(-60.0, "start", &[]), died(-50.0, 3), event(0.0, "start", &[])];
    let answer = Case::of(&running()).events(&entries).cgroup(&files).answer();
    answer.by("still-alive");
    assert_eq!(answer.findings(), [Killer::NotKilled]);
}

#[test]
fn with_the_oom_killer_off_a_full_limit_means_standing_still() {
    let control = |under: u32| {
        [("memory.oom_control", format!("oom_kill_disable 1\nunder_oom {under}\noom_kill 0"))]
    };
    let answer = lives(&control(1)).answer();
    answer.is(Killer::StillAlive, Level::Own, Confidence::Proven).in_short("no kill will come");
    answer.proves("under_oom 1", "its OOM killer is switched off");
    assert_eq!(answer.verdict.limit_at_fault, Some(true));
    lives(&control(0)).answer().is(Killer::StillAlive, Level::None, Confidence::Proven);
}

#[test]
fn a_task_that_waits_for_the_cgroups_memory_stands_still() {
    let waits = |place: &str| {
        let proc = format!(
            "==> /proc/700/status <==\nName:\tserve\nPid:\t700\nNSpid:\t700\t1\n\n==> /proc/700/wchan <==\n{place}\n"
        );
        Case::of(&running()).add(Source::Proc, &proc).answer()
    };
    for place in ["mem_cgroup_oom_synchronize", "mem_cgroup_handle_over_high"] {
        let answer = waits(place);
        answer
            .is(Killer::StillAlive, Level::Own, Confidence::Proven)
            .in_short("tasks wait for memory");
        assert!(
            answer
                .verdict
                .because
                .iter()
                .any(|line| line.says.contains("waits for memory of the cgroup"))
        );
    }
    waits("hrtimer_nanosleep").is(Killer::StillAlive, Level::None, Confidence::Likely);
}

#[test]
fn a_fifth_of_the_time_spent_waiting_for_memory_is_standing_still() {
    let pressure = |full: &str| {
        let text = format!(
            "some avg10=50.00 avg60=1.00 avg300=0.00 total=1\nfull avg10={full} avg60=1.00 avg300=0.00 total=1"
        );
        lives(&[("memory.pressure", text)]).answer()
    };
    let stalled = pressure("20.00");
    stalled.is(Killer::StillAlive, Level::Own, Confidence::Proven).in_short("20% of the last 10 s");
    stalled.proves("avg10=20.00", "every task waited for memory");
    pressure("19.99").is(Killer::StillAlive, Level::None, Confidence::Likely);
}

#[test]
fn docker_stats_give_the_usage_where_the_cgroup_is_closed() {
    let stats = "CONTAINER ID   NAME   CPU %   MEM USAGE / LIMIT   MEM %   NET I/O   BLOCK I/O   PIDS\n3f9a1c5e7b2d   web   0.00%   100MiB / 256MiB   39.06%   0B / 0B   0B / 0B   1\n";
    let answer = Case::pasted(&[stats]).answer();
    answer.by("still-alive");
    assert_eq!(answer.verdict.usage.map(|it| it.0 / MIB), Some(100));
    assert_eq!(answer.verdict.limit.and_then(Limit::bytes).map(|it| it.0 / MIB), Some(256));
}

#[test]
fn a_container_that_was_only_created_never_died() {
    let mut created = exited(0.0, 0);
    created["State"] = json!({"Status": "created", "Running": false, "OOMKilled": false, "Pid": 0, "ExitCode": 0, "Error": "",
        "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"});
    let answer = Case::of(&created).answer();
    answer
        .says(Killer::StillAlive, Confidence::Likely)
        .in_short("never started")
        .proves("created", "created, not started");
    assert!(answer.verdict.main.exit_code_trusted);
    // With an error it tried to start.
    let failed =
        with(with(created, "/State/Error", json!("no such file")), "/State/ExitCode", json!(127));
    Case::of(&failed).answer().by("not-killed").in_short("could not start: no such file");
}

#[test]
fn a_running_container_under_the_flag_says_what_the_flag_may_mean() {
    let flagged = with(running(), "/State/OOMKilled", json!(true));
    let answer = Case::of(&flagged).whole_kernel(&[]).answer();
    answer.by("still-alive");
    assert!(
        answer.contradictions().contains("of its previous life, or (on cgroup v1) of a neighbour")
    );
}
