//! Reports of every version, put together, and properties of the reader.
//!
//! The 6.18 report was recorded on a cgroup v1 host inside a 48 MiB cgroup; the others are
//! written by the grammar of their versions.

use casefile::{Bytes, CgroupPath, Limit};
use proptest::prelude::*;

use super::*;
use crate::record::{Constraint, KernelEvent, KillMessage, OomReport, Record};

fn read(text: &str) -> Vec<Sighting> {
    super::read(&Text::new(text))
}

fn reports(text: &str) -> Vec<OomReport> {
    let oom = |sighting: Sighting| match sighting.record {
        Record::Kernel(KernelEvent::Oom(report)) => Some(*report),
        _ => None,
    };
    read(text).into_iter().filter_map(oom).collect()
}

fn only(text: &str) -> OomReport {
    let mut found = reports(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.pop().unwrap()
}

fn pids(report: &OomReport) -> Vec<u32> {
    report.killed.iter().map(|killed| killed.pid).collect()
}

fn path(text: &str) -> Option<CgroupPath> {
    CgroupPath::parse(text)
}

/// Recorded: 6.18, cgroup v1, the limit of the parent.
const NOW: &str = "\
[ 2656.218301] plain invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
[ 2656.218310] CPU: 1 UID: 0 PID: 17660 Comm: plain Not tainted 6.18.44 #1 PREEMPT_DYNAMIC
[ 2656.218314] Call Trace:
[ 2656.218316]  <TASK>
[ 2656.218321]  dump_header+0x43/0x1c0
[ 2656.218330]  oom_kill_process.cold+0x8/0x7d
[ 2656.218338]  mem_cgroup_out_of_memory+0xd9/0x100
[ 2656.218346]  try_charge_memcg+0x3f7/0x5c0
[ 2656.218551]  </TASK>
[ 2656.218560] memory: usage 49152kB, limit 49152kB, failcnt 29
[ 2656.218564] memory+swap: usage 49152kB, limit 9007199254740988kB, failcnt 0
[ 2656.218566] kmem: usage 228kB, limit 9007199254740988kB, failcnt 0
[ 2656.218568] Memory cgroup stats for /outer:
[ 2656.218600] cache 0
[ 2656.218601] rss 50094080
[ 2656.218604] pgfault 14000
[ 2656.218605] total_rss 50094080
[ 2656.218640] Tasks state (memory values in pages):
[ 2656.218641] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
[ 2656.218645] [  17660]     0 17660    16557    15676    14016     1660         0   176128        0             0 plain
[ 2656.218654] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/outer,task_memcg=/outer/in,task=plain,pid=17660,uid=0
[ 2656.218674] Memory cgroup out of memory: Killed process 17660 (plain) total-vm:66228kB, anon-rss:56064kB, file-rss:6640kB, shmem-rss:0kB, UID:0 pgtables:172kB oom_score_adj:0
";

#[test]
fn todays_report_is_one_with_all_its_parts() {
    let seen = only(NOW);
    let by = seen.invoked_by.unwrap();
    assert_eq!((by.comm.as_str(), by.pid, by.order), ("plain", Some(17660), Some(0)));
    assert_eq!(by.gfp_mask.as_deref(), Some("0xcc0(GFP_KERNEL)"));
    assert_eq!((seen.oom_memcg, seen.task_memcg), (path("/outer"), path("/outer/in")));
    assert_eq!(seen.constraint, Some(Constraint::Memcg));
    let memory = seen.memory.unwrap();
    assert_eq!(memory.limit, Some(Limit::At(Bytes(48 << 20))));
    assert_eq!(seen.memory_swap.unwrap().limit, Some(Limit::Unlimited));
    assert_eq!((seen.stats_for, seen.stats.len()), (path("/outer"), 3));
    assert_eq!(seen.stats.get("total_rss"), Some(&Bytes(50_094_080)));
    assert_eq!((seen.tasks.len(), seen.memcg_in_trace), (1, Some(true)));
    let killed = seen.killed.first().unwrap();
    assert_eq!((killed.pid, killed.uid, killed.oom_score_adj), (17660, Some(0), Some(0)));
    assert_eq!(killed.message, Some(KillMessage::MemoryCgroup));
    let line = NOW.lines().last().unwrap();
    assert_eq!(killed.span.of(NOW), Some(line));
    assert_eq!(read(NOW).first().unwrap().at, killed.at);
}

/// A process whose first thread has ended: the table and the last line name a thread that still runs.
#[test]
fn a_thread_in_place_of_its_process_is_one_victim_and_the_process() {
    let text = NOW
        .replace("[  17660]     0 17660 ", "[  17664]     0 17660 ")
        .replace("Killed process 17660", "Killed process 17664");
    let seen = only(&text);
    assert_eq!(seen.killed.iter().map(|killed| killed.pid).collect::<Vec<_>>(), [17660]);
    assert_eq!((seen.tasks[0].pid, seen.tasks[0].process()), (17664, 17660));
    assert_eq!(seen.oom_memcg, path("/outer"));
    // Another process's thread is another kill: the summary's victim is then told by the summary alone.
    let other = text.replace("[  17664]     0 17660 ", "[  17664]     0 17661 ");
    assert_eq!(read(&other).len(), 2);
}

#[test]
fn up_to_5_0_the_sacrificed_child_is_the_victim() {
    let seen = only(
        "Jul 23 18:56:46 host kernel: dd invoked oom-killer: gfp_mask=0x24000c0(GFP_KERNEL), nodemask=0, order=0, oom_score_adj=0\n\
         Jul 23 18:56:46 host kernel: dd cpuset=x mems_allowed=0\n\
         Jul 23 18:56:46 host kernel: CPU: 3 PID: 77 Comm: dd Tainted: G OE 4.4.0-21 #1\n\
         Jul 23 18:56:46 host kernel: Task in /docker/a killed as a result of limit of /docker\n\
         Jul 23 18:56:46 host kernel: memory: usage 51200kB, limit 51200kB, failcnt 73\n\
         Jul 23 18:56:46 host kernel: memory+swap: usage 51200kB, limit 18014398509481983kB, failcnt 0\n\
         Jul 23 18:56:46 host kernel: Memory cgroup stats for /docker: cache:0KB rss:48KB\n\
         Jul 23 18:56:46 host kernel: Memory cgroup stats for /docker/a: cache:12KB rss:40000KB\n\
         Jul 23 18:56:46 host kernel: [ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name\n\
         Jul 23 18:56:46 host kernel: [   76]    33    76     4500      300      10       3        0           500 bash\n\
         Jul 23 18:56:46 host kernel: [   77]    33    77     2121      693      10       3        0           500 dd\n\
         Jul 23 18:56:46 host kernel: Memory cgroup out of memory: Kill process 76 (bash) score 88 or sacrifice child\n\
         Jul 23 18:56:46 host kernel: Killed process 77 (dd) total-vm:8484kB, anon-rss:1052kB, file-rss:1720kB, shmem-rss:0kB\n\
         Jul 23 18:56:46 host kernel: oom_reaper: reaped process 77 (dd), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n",
    );
    assert_eq!(pids(&seen), [77]);
    assert_eq!(seen.chosen.unwrap().comm.as_deref(), Some("bash"));
    let killed = seen.killed.first().unwrap();
    assert_eq!(killed.message, Some(KillMessage::MemoryCgroup));
    assert_eq!((killed.uid, killed.oom_score_adj), (Some(33), Some(500)));
    assert_eq!((seen.oom_memcg, seen.task_memcg), (path("/docker"), path("/docker/a")));
    assert_eq!(seen.stats.get("rss"), Some(&Bytes(48 * 1024)));
    assert_eq!(seen.reaped.len(), 1);
}

#[test]
fn the_old_kernels_of_enterprise_distributions_are_read() {
    let el6 = only(
        "Feb 12 01:37:00 h kernel: java invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0, oom_score_adj=0\n\
         Feb 12 01:37:00 h kernel: Pid: 429, comm: java Not tainted 2.6.32-431.el6.x86_64 #1\n\
         Feb 12 01:37:00 h kernel: [ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name\n\
         Feb 12 01:37:00 h kernel: [  938]   500   938  3120736  1919722   1       0             0 java\n\
         Feb 12 01:37:00 h kernel: Out of memory: Kill process 938 (java) score 417 or sacrifice child\n\
         Feb 12 01:37:00 h kernel: Killed process 938, UID 500, (java) total-vm:12482944kB, anon-rss:7678888kB, file-rss:0kB\n",
    );
    assert_eq!((pids(&el6), el6.invoked_by.unwrap().pid), (vec![938], Some(429)));
    assert_eq!(el6.killed.first().unwrap().uid, Some(500));
    let el5 =
        only("Feb 12 01:37:00 h kernel: Out of memory: Killed process 938, UID 500, (java).\n");
    assert_eq!(el5.killed.first().unwrap().comm.as_deref(), Some("java"));
}

#[test]
fn a_group_kill_is_one_event_and_its_first_victim_counts_once() {
    let kill = |pid| {
        format!(
            "[    9.10{pid}] Memory cgroup out of memory: Killed process {pid} (a) total-vm:9kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n"
        )
    };
    let head = "[    9.100001] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n\
                [    9.100002] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/g,task_memcg=/g,task=a,pid=101,uid=0\n";
    let group = "[    9.100109] Tasks in /g are going to be killed due to memory.oom.group set\n";
    let text = [head, &kill(101), group, &kill(101), &kill(102), &kill(103)].concat();
    let seen = only(&text);
    assert_eq!((pids(&seen), seen.group_path), (vec![101, 102, 103], path("/g")));
    let next = text.clone() + &head.replace("pid=101", "pid=200") + &kill(200);
    assert_eq!(
        reports(&next).iter().map(pids).collect::<Vec<_>>(),
        [vec![101, 102, 103], vec![200]]
    );
}

#[test]
fn two_kills_are_two_reports() {
    let kill = |pid| {
        format!(
            "[    9.10{pid}] Memory cgroup out of memory: Killed process {pid} (a) total-vm:9kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n"
        )
    };
    // Suppressed reports leave the victim lines alone.
    let seen = reports(&[kill(101), kill(102), kill(103)].concat());
    assert_eq!(seen.iter().map(pids).collect::<Vec<_>>(), [[101], [102], [103]]);
    // A summary that names another process does not get this victim.
    let summary = "[    9.100002] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/g,task_memcg=/g,task=a,pid=7,uid=0\n";
    let seen = reports(&[summary, &kill(101)].concat());
    assert_eq!((seen.len(), seen[0].killed.len(), pids(&seen[1])), (2, 0, vec![101]));
    assert_eq!(seen[0].named.as_ref().unwrap().pid, Some(7));
    // A host-wide victim does not close a cgroup's report, nor much later anybody's.
    let opener = "[    9.000001] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n";
    let limit = "[    9.000002] memory: usage 9kB, limit 9kB, failcnt 1\n";
    let host = "[    9.100101] Out of memory: Killed process 101 (a) total-vm:9kB\n";
    assert_eq!(reports(&[opener, limit, host].concat()).len(), 2);
    assert_eq!(reports(&[opener, &kill(101).replace("[    9.", "[ 9999.")].concat()).len(), 2);
}

#[test]
fn a_summary_that_was_interrupted_is_finished_by_its_later_piece() {
    let seen = only(
        "[  221.921944] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=c,mems_allowed=0,oom_memcg=/0,task_memcg=/0/in\n\
         [  221.922108] ==================================================================\n\
         [  221.922111] BUG: KASAN: global-out-of-bounds in x+0x1/0x2\n\
         [  221.922114] CPU: 1 PID: 11282 Comm: test Not tainted 5.9.0 #1\n\
         [  221.922196] ,task=test,pid=11280,uid=7\n\
         [  221.922205] Memory cgroup out of memory: Killed process 11280\n\
         (test) total-vm:4124kB, anon-rss:72kB, file-rss:0kB,\n\
         shmem-rss:0kB, UID:7 pgtables:48kB oom_score_adj:0\n",
    );
    assert_eq!(pids(&seen), [11280]);
    assert_eq!((seen.oom_memcg, seen.task_memcg), (path("/0"), path("/0/in")));
    assert!(!seen.summary_cut);
}

#[test]
fn only_the_kernels_own_words_count() {
    let kill = "Memory cgroup out of memory: Killed process 7 (a) total-vm:9kB, anon-rss:1kB, file-rss:0kB";
    for text in [
        format!("2024-01-01 INFO {kill}"),
        format!("2024-01-01T10:00:00Z {kill}"),
        format!("web_1  | {kill}"),
        format!("{{\"log\":\"{kill}\"}}"),
        format!("the log said: {kill}"),
        format!("May 16 10:16:14 host abrtd: {kill}"),
        format!("May 16 10:16:14 host app[7]: {kill}"),
        format!("[   12.345678] app[7]: {kill}"),
        format!("2024-05-09T14:52:38.123456789Z stderr F {kill}"),
        "Killed process 7 (worker)".to_owned(),
        "Killed".to_owned(),
        "our java service invoked oom-killer: gfp_mask=0x1".to_owned(),
        "java invoked oom-killer".to_owned(),
        "Out of memory: kill process".to_owned(),
    ] {
        assert_eq!(reports(&text), [], "{text}");
    }
    assert_eq!(reports(kill).len(), 1);
    assert_eq!(reports(&format!("  > {kill}")).len(), 1);
}

#[test]
fn a_persons_request_and_a_bpf_programs_choice_are_marked() {
    let manual = read(
        "[   50.000001] sysrq: Manual OOM execution\n\
         [   50.000002] kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0\n\
         [   50.000003] Out of memory: Killed process 9 (x) total-vm:9kB, anon-rss:1kB, file-rss:0kB\n\
         [   51.000003] sysrq: Kill All Tasks\n",
    );
    assert_eq!(manual.len(), 2, "{manual:#?}");
    assert!(matches!(&manual[0].record, Record::Kernel(KernelEvent::Oom(oom)) if oom.manual));
    let killed = Record::Kernel(KernelEvent::SysRq("Kill All Tasks".to_owned()));
    assert_eq!(manual[1].record, killed);
    let bpf = only(
        "[  315.224875] kworker/u17:0 invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=0\n\
         [  315.226577]  bpf_out_of_memory+0x6f/0xd0\n\
         [  315.239745] memory: usage 42240kB, limit 9007199254740988kB, failcnt 0\n",
    );
    assert!(bpf.by_bpf);
    assert_eq!(bpf.memory.unwrap().limit, Some(Limit::Unlimited));
}

#[test]
fn nobody_to_kill_is_not_a_victim() {
    let found = read(
        "[    4.1] x\n\
         [    4.900001] nfsd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n\
         [    4.923156] Out of memory and no killable processes...\n\
         [    4.923157] Kernel panic - not syncing: System is deadlocked on memory\n\
         [    4.923158] Out of memory: OOM victim 9 (x y) is already exiting. Skip killing the task\n",
    );
    let Record::Kernel(KernelEvent::Oom(oom)) = &found[0].record else { panic!() };
    assert!(oom.none_killable && oom.killed.is_empty());
    let panic = Record::Kernel(KernelEvent::Panic("System is deadlocked on memory".to_owned()));
    assert_eq!(found[1].record, panic);
    let Record::Kernel(KernelEvent::Oom(oom)) = &found[2].record else { panic!() };
    assert_eq!(oom.already_exiting.as_ref().unwrap().comm.as_deref(), Some("x y"));
    assert!(oom.killed.is_empty());
}

#[test]
fn the_newest_line_may_come_first() {
    let reversed: Vec<&str> = NOW.lines().rev().collect();
    let seen = only(&reversed.join("\n"));
    assert_eq!((pids(&seen), seen.invoked_by.unwrap().pid), (vec![17660], Some(17660)));
}

#[test]
fn filtered_lines_find_each_other() {
    let kept = |words: &[&str]| -> String {
        let keep = |line: &&str| words.iter().any(|word| line.contains(word));
        NOW.lines().filter(keep).map(|line| format!("{line}\n--\n")).collect()
    };
    let seen = only(&kept(&["oom-kill", "Killed"]));
    assert_eq!((pids(&seen), seen.oom_memcg), (vec![17660], path("/outer")));
    let seen = only(&kept(&["oom-kill:"]));
    assert_eq!(seen.named.unwrap().comm.as_deref(), Some("plain"));
    assert_eq!(pids(&only(&kept(&["Killed process"]))), [17660]);
}

/// Wraps as mailers do: at blanks, no line longer than `width` unless one word is.
fn mailed(text: &str, width: usize, quote: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut rest = line;
        while rest.len() > width {
            let from = rest.find(']').map_or(0, |at| at + 2);
            let before =
                rest.get(..=width).and_then(|head| head.rfind(' ')).filter(|at| *at > from);
            let after = || rest.get(from..).and_then(|tail| tail.find(' ')).map(|at| at + from);
            let Some(at) = before.or_else(after) else { break };
            out += &format!("{quote}{}\n", rest.get(..at).unwrap().trim_end());
            rest = rest.get(at..).unwrap().trim_start();
        }
        out += &format!("{quote}{rest}\n");
    }
    out
}

/// What must survive any transport.
fn essence(report: &OomReport) -> impl PartialEq + std::fmt::Debug + use<> {
    let killed = report.killed.first().unwrap();
    let sizes = (killed.total_vm_kb, killed.anon_rss_kb, killed.file_rss_kb, killed.shmem_rss_kb);
    let by = report.invoked_by.clone().map(|by| (by.comm, by.pid, by.oom_score_adj));
    let rows: Vec<_> =
        report.tasks.iter().map(|row| (row.pid, row.rss, row.comm.clone())).collect();
    (
        (killed.pid, killed.comm.clone(), killed.uid, killed.oom_score_adj, sizes),
        (report.oom_memcg.clone(), report.task_memcg.clone(), by, rows),
        (report.memory.and_then(|line| line.limit), report.memory.and_then(|line| line.failcnt)),
        report.stats.clone(),
    )
}

#[test]
fn a_mailers_wrapping_changes_nothing() {
    let want = essence(&only(NOW));
    for width in 68..=80 {
        for quote in ["", "> ", ">> | "] {
            let text = mailed(NOW, width, quote);
            assert_eq!(essence(&only(&text)), want, "{width}\n{text}");
        }
    }
}

#[test]
fn a_terminals_hard_breaks_show_no_wrong_number() {
    let whole = only(NOW);
    for width in 60..=200 {
        let mut text = String::new();
        for line in NOW.lines() {
            let letters: Vec<char> = line.chars().collect();
            for part in letters.chunks(width) {
                text.extend(part);
                text.push('\n');
            }
        }
        for report in reports(&text) {
            for killed in &report.killed {
                let want = whole.killed.first().unwrap();
                assert_eq!(killed.pid, want.pid, "{width}\n{text}");
                for (seen, want) in [
                    (killed.total_vm_kb, want.total_vm_kb),
                    (killed.anon_rss_kb, want.anon_rss_kb),
                    (killed.file_rss_kb, want.file_rss_kb),
                    (killed.shmem_rss_kb, want.shmem_rss_kb),
                ] {
                    assert!(seen.is_none() || seen == want, "{width}\n{text}");
                }
            }
            assert!(report.oom_memcg.is_none() || report.oom_memcg == whole.oom_memcg);
            let limit = report.memory.and_then(|line| line.limit);
            assert!(limit.is_none() || limit == whole.memory.unwrap().limit);
        }
    }
}

#[test]
fn a_log_cut_at_any_byte_is_read_as_far_as_it_goes() {
    let whole = only(NOW);
    for end in 0..NOW.len() {
        let found = reports(NOW.get(..end).unwrap());
        assert!(found.len() <= 1, "{end}: {found:#?}");
        for report in found {
            assert!(report.oom_memcg.is_none() || report.oom_memcg == whole.oom_memcg);
            assert!(report.memory.is_none_or(|line| {
                line.limit.is_none() || line.limit == whole.memory.unwrap().limit
            }));
        }
    }
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,300}") {
        let _seen = read(&text);
    }

    #[test]
    fn every_span_points_into_the_text(
        kept in prop::collection::vec(any::<u8>(), 40),
        cut in any::<prop::sample::Index>(),
        noise in "(\\PC|\\n|\\[|,task=|,pid=|Killed process 1 |kernel: ){0,12}",
    ) {
        // Lines fall out, noise comes between, and the text ends anywhere.
        let mut text = String::new();
        for (line, kept) in [NOW, NOW].concat().lines().zip(&kept) {
            if *kept > 60 {
                text += line;
                text += "\n";
            }
            if *kept % 7 == 0 {
                text += &noise;
            }
        }
        let mut end = cut.index(text.len() + 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        for sighting in read(&text) {
            prop_assert!(sighting.span.of(&text).is_some());
            let Record::Kernel(KernelEvent::Oom(report)) = sighting.record else { continue };
            let spans = report.killed.iter().map(|killed| killed.span)
                .chain(report.tasks.iter().map(|row| row.span))
                .chain(report.invoker.map(|seen| seen.span))
                .chain(report.memory.map(|line| line.span))
                .chain(report.summary)
                .chain(report.stats_span);
            for span in spans {
                prop_assert!(span.of(&text).is_some_and(|shown| !shown.trim().is_empty()));
            }
        }
    }
}

#[test]
fn a_grep_that_shows_only_who_was_chosen_keeps_its_words() {
    let seen =
        only("[  508.340021] Out of memory: Kill process 21 (x) score 900 or sacrifice child\n");
    assert_eq!(seen.chosen_message, Some(KillMessage::OutOfMemory));
    assert_eq!(seen.chosen.and_then(|named| named.pid), Some(21));
    assert!(seen.killed.is_empty());
}

#[test]
fn reaped_processes_alone_are_deaths_of_their_own() {
    let seen = reports(
        "[  508.340021] oom_reaper: reaped process 1978 (a), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n\
         [  508.440021] oom_reaper: reaped process 1979 (b c), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n",
    );
    let names: Vec<_> = seen.iter().map(|report| report.reaped[0].comm.clone().unwrap()).collect();
    assert_eq!(names, ["a", "b c"]);
}

#[test]
fn a_commits_message_is_not_the_kernels_and_a_log_below_it_is() {
    let head =
        "commit 4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c\nDate:   Tue May 5 11:12:13 2026\n\n";
    let words = "Memory cgroup out of memory: Killed process 12 (worker)";
    let message = format!("{head}    queue: bound it\n\n    Died with\n        {words}\n");
    assert!(reports(&message).is_empty());
    assert_eq!(pids(&only(&format!("{message}\n$ dmesg\n{words}\n"))), [12]);
    assert_eq!(pids(&only(&format!("{message}    [   12.345678] {words}\n"))), [12]);
    assert_eq!(pids(&only(&format!("    {words}\n"))), [12]);
}

#[test]
fn a_summary_of_more_than_8192_bytes_takes_no_more_pieces() {
    let named = |length: usize| {
        let head = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=";
        let filled = "x".repeat(length - head.len());
        let text = format!("[    1.250000] {head}{filled}\n[    1.250001] ,task=a,pid=7,uid=0\n");
        only(&text).named.and_then(|named| named.pid)
    };
    assert_eq!((named(1 << 13), named((1 << 13) + 1)), (Some(7), None));
}
