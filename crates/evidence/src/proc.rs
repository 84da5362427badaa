//! `proc`: the processes that live in the container now, from /proc/PID/* (proc(5)), written as
//! `tail -n +1 FILES` would print them, of long files only the lines that tell of memory, signals and
//! limits. `started-at` is not a file of the kernel: it is `starttime` of `stat` as a moment.
//!
//! Reading `cmdline` takes the process's `mmap_lock` and can hang with a process that is stuck, so it
//! comes last and may stay away.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use casefile::{Exhibit, Source};

use crate::cgroup::place::Place;
use crate::cgroup::{as_tail_prints, processes};
use crate::deadline;
use crate::found::{Found, exhibit, gap};
use crate::machine::Clocks;
use crate::roots::{Roots, read_text};
use crate::subject::Life;

/// More processes than these are not read.
const MOST: usize = 64;

/// Lines of `status` that are kept.
const STATUS: [&str; 13] = [
    "Name", "Pid", "PPid", "NSpid", "Uid", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem",
    "Threads", "SigIgn", "SigCgt",
];

/// Lines of `limits` that are kept.
const LIMITS: [&str; 2] = ["Max cpu time", "Max address space"];

/// One file of one process.
type File = (u32, String, String);

/// Reads the processes of the container's cgroup, or its main process where the cgroup is not shown.
pub(crate) fn read(life: &Life, place: &Place, roots: &Roots, clocks: &Clocks) -> Found {
    let folder = place.hierarchy.directory(&place.path);
    let mut pids = folder.map(|folder| processes(&folder, MOST)).unwrap_or_default();
    // First, so that it is there however many others are.
    if let Some(pid) = life.pid.filter(|pid| !pids.contains(pid)) {
        pids.insert(0, pid);
    }
    let many = pids.len() >= MOST;
    let (files, in_time) = read_files(pids.clone(), roots, clocks);
    let text = in_order(&pids, files);
    let mut found = Found::default();
    let label = if many {
        format!("the first {MOST} processes of the {}", life.noun)
    } else {
        format!("the {}'s processes", life.noun)
    };
    if !in_time {
        let because = "a process does not let its command line be read: the read hangs";
        found.gaps.push(gap(Source::Proc, "/proc/PID/cmdline", because, None));
    }
    if text.is_empty() {
        let tried = format!("/proc/{}/status", life.pid.unwrap_or_default());
        found.gaps.push(gap(Source::Proc, &tried, "no process of it is left", None));
        return found;
    }
    found.exhibits.push(Exhibit {
        check: Some(life.processes_check.clone()),
        about: life.about.clone(),
        ..exhibit("proc", Source::Proc, &label, &text)
    });
    found
}

/// Reads on a thread of its own and takes what came in time.
fn read_files(pids: Vec<u32>, roots: &Roots, clocks: &Clocks) -> (Vec<File>, bool) {
    let (send, files) = channel();
    let until = Instant::now() + deadline::INNER;
    let (roots, clocks) = (roots.clone(), *clocks);
    thread::spawn(move || {
        for pid in &pids {
            for (name, text) in safe_files(*pid, &roots, &clocks) {
                if !sent(&send, (*pid, name, text)) {
                    return;
                }
            }
        }
        for pid in &pids {
            let text = read_text(&roots.of_process(*pid, "cmdline")).unwrap_or_default();
            let words = text.trim_end_matches('\0').replace(['\0', '\n'], " ");
            if !words.is_empty() && !sent(&send, (*pid, "cmdline".to_owned(), words)) {
                return;
            }
        }
    });
    deadline::collect(&files, until)
}

fn sent(send: &Sender<File>, file: File) -> bool {
    send.send(file).is_ok()
}

/// The files whose reading does not wait for the process.
fn safe_files(pid: u32, roots: &Roots, clocks: &Clocks) -> Vec<(String, String)> {
    let text = |name: &str| read_text(&roots.of_process(pid, name)).ok();
    let lines = |text: String, kept: &dyn Fn(&str) -> bool| {
        text.lines().filter(|line| kept(line)).map(|line| format!("{line}\n")).collect::<String>()
    };
    let status = |line: &str| line.split_once(':').is_some_and(|(key, _)| STATUS.contains(&key));
    let limits = |line: &str| LIMITS.iter().any(|name| line.starts_with(name));
    let stack = text("stack")
        .map(|stack| stack.lines().take(3).map(|line| format!("{line}\n")).collect::<String>());
    let started = text("stat").and_then(|stat| clocks.process_start(&stat));
    [
        ("status", text("status").map(|text| lines(text, &status))),
        ("comm", text("comm")),
        ("limits", text("limits").map(|text| lines(text, &limits))),
        // The kernel writes `0` where the process runs or the answer is not for this user.
        ("wchan", text("wchan").filter(|wchan| wchan != "0")),
        ("stack", stack),
        ("oom_score_adj", text("oom_score_adj")),
        ("started-at", started.map(|moment| moment.0.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name.to_owned(), text.filter(|text| !text.is_empty())?)))
    .collect()
}

/// The files, process by process.
fn in_order(pids: &[u32], files: Vec<File>) -> String {
    let mut files = files;
    // Stable: a process's files stay in the order they were read.
    files.sort_by_key(|(pid, _, _)| pids.iter().position(|known| known == pid));
    as_tail_prints(files.into_iter().map(|(pid, name, text)| (format!("/proc/{pid}/{name}"), text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Subject;
    use casefile::{CgroupPath, ContainerId};
    use hierarchy::Hierarchy;
    use std::path::Path;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn write(path: &Path, text: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn of_a_process_what_tells_of_memory_and_signals_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots { proc: root.path().join("proc"), ..Roots::default() };
        let clocks =
            Clocks { wall: 1_000_000_000_000, monotonic: 100_000_000, boottime: 100_000_000 };
        let point = root.path().join("cg");
        let hierarchy = Hierarchy { version: 2, point, root: "/".to_owned() };
        let place = Place { path: CgroupPath::parse("/docker/x").unwrap(), hierarchy };
        write(&root.path().join("cg/docker/x/cgroup.procs"), b"7\n42\n");
        let of = |pid, name: &str, text: &[u8]| write(&roots.of_process(pid, name), text);
        of(42, "status", b"Name:\tnode\nUmask:\t0022\nVmHWM:\t  9 kB\nSigCgt:\t0000000000004000\n");
        of(42, "cmdline", b"node\0server.js\0");
        of(42, "wchan", b"mem_cgroup_oom_synchronize");
        of(42, "stack", b"[<0>] a\n[<0>] b\n[<0>] c\n[<0>] d\n");
        of(42, "limits", b"Limit  Soft\nMax cpu time  5  10  seconds\nMax open files 1 1 files\n");
        of(42, "stat", format!("42 (node) S {}1000 0", "0 ".repeat(18)).as_bytes());
        of(7, "comm", b"sh\n");
        of(7, "wchan", b"0");
        let subject = Subject::remembered(&ContainerId::parse(ID).unwrap(), &[]);
        let found = read(&subject.life(), &place, &roots, &clocks);
        assert_eq!(
            found.exhibits[0].text(),
            "==> /proc/7/comm <==\nsh\n\n\
             ==> /proc/42/status <==\nName:\tnode\nVmHWM:\t  9 kB\nSigCgt:\t0000000000004000\n\n\
             ==> /proc/42/limits <==\nMax cpu time  5  10  seconds\n\n\
             ==> /proc/42/wchan <==\nmem_cgroup_oom_synchronize\n\n\
             ==> /proc/42/stack <==\n[<0>] a\n[<0>] b\n[<0>] c\n\n\
             ==> /proc/42/started-at <==\n1970-01-12T13:45:10Z\n\n\
             ==> /proc/42/cmdline <==\nnode server.js\n"
        );
    }

    #[test]
    fn an_empty_container_is_a_gap() {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots { proc: root.path().to_owned(), ..Roots::default() };
        let clocks = Clocks { wall: 0, monotonic: 0, boottime: 0 };
        let point = root.path().to_owned();
        let hierarchy = Hierarchy { version: 2, point, root: "/".to_owned() };
        let place = Place { path: CgroupPath::parse("/docker/x").unwrap(), hierarchy };
        let subject = Subject::remembered(&ContainerId::parse(ID).unwrap(), &[]);
        let found = read(&subject.life(), &place, &roots, &clocks);
        assert!(found.exhibits.is_empty());
        assert_eq!(found.gaps[0].because, "no process of it is left");
    }
}
