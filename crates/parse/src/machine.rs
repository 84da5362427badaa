//! Facts about the machine, and the processes of a container that is alive, in the form our own
//! gatherer writes them: `key: value` lines, and `==> /proc/PID/FILE <==` blocks.
//!
//! An unknown key or file is passed over, so that an older program reads a newer case. Format of
//! the files: proc(5), Linux 6.18.

use std::collections::BTreeMap;

use casefile::{Bytes, Moment, Span};

use crate::Sighting;
use crate::record::{MachineFact, ProcessRecord, Record};

/// Reads `key: value` lines.
pub(crate) fn read(text: &str) -> Vec<Sighting> {
    lines(text)
        .into_iter()
        .filter_map(|(words, span)| {
            let (key, value) = words.split_once(':')?;
            let record = Record::Machine(fact(key.trim(), value.trim())?);
            Some(Sighting { record, span, at: None })
        })
        .collect()
}

fn fact(key: &str, value: &str) -> Option<MachineFact> {
    if value.is_empty() {
        return None;
    }
    Some(match key {
        "kernel-release" => MachineFact::KernelRelease(value.to_owned()),
        "cgroup-version" => MachineFact::CgroupVersion(
            value.parse().ok().filter(|version| matches!(version, 1 | 2))?,
        ),
        "docker-version" => MachineFact::DockerVersion(value.to_owned()),
        "containerd-version" => MachineFact::ContainerdVersion(value.to_owned()),
        "mem-total-bytes" => MachineFact::MemTotal(Bytes(value.parse().ok()?)),
        "mem-available-bytes" => MachineFact::MemAvailable(Bytes(value.parse().ok()?)),
        "cpus" => MachineFact::Cpus(value.parse().ok().filter(|cpus| *cpus > 0)?),
        "booted-at" => MachineFact::BootedAt(Moment::parse(value)?),
        "daemon-started-at" => MachineFact::DaemonStartedAt(Moment::parse(value)?),
        "events-wrapped" => MachineFact::EventsWrapped(value.parse().ok()?),
        "events-since" => MachineFact::EventsSince(Moment::parse(value)?),
        "pid-namespace" => match value {
            "initial" => MachineFact::PidNamespace { initial: true },
            "nested" => MachineFact::PidNamespace { initial: false },
            _ => return None,
        },
        "kernel-log-since-micros" => MachineFact::KernelLogSince(value.parse().ok()?),
        _ => return None,
    })
}

fn lines(text: &str) -> Vec<(&str, Span)> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        let head = start + (line.len() - line.trim_start().len());
        if !words.is_empty() {
            found.push((words, Span { start: head, end: head + words.len() }));
        }
        start += line.len();
    }
    found
}

/// What was read of one process so far.
struct Reading {
    record: ProcessRecord,
    span: Span,
    /// Top of the kernel stack; `wchan` is preferred where the kernel shows it.
    stack: Option<String>,
}

/// Reads `==> /proc/PID/FILE <==` blocks: one record for each process, in order of appearance.
pub(crate) fn read_proc(text: &str) -> Vec<Sighting> {
    let mut order: Vec<u32> = Vec::new();
    let mut processes: BTreeMap<u32, Reading> = BTreeMap::new();
    let mut open: Option<(u32, &str)> = None;
    for (words, span) in lines(text) {
        if let Some(path) = words.strip_prefix("==> ").and_then(|rest| rest.strip_suffix(" <==")) {
            open = pid_and_file(path);
            if let Some((pid, _)) = open {
                let reading = processes.entry(pid).or_insert_with(|| {
                    order.push(pid);
                    let record = ProcessRecord { pid, ..ProcessRecord::default() };
                    Reading { record, span, stack: None }
                });
                reading.span = reading.span.joined(span);
            }
        } else if let Some((pid, file)) = open
            && let Some(reading) = processes.get_mut(&pid)
        {
            reading.span = reading.span.joined(span);
            reading.take(file, words);
        }
    }
    order
        .into_iter()
        .filter_map(|pid| processes.remove(&pid))
        .map(|reading| {
            let mut record = reading.record;
            record.waits_in = record.waits_in.or(reading.stack);
            Sighting { record: Record::Process(record), span: reading.span, at: None }
        })
        .collect()
}

/// `/proc/295/status`; the host's `/proc` may be mounted elsewhere.
fn pid_and_file(path: &str) -> Option<(u32, &str)> {
    let (_, inside) = path.split_once("/proc/").or_else(|| path.split_once("proc/"))?;
    let (pid, file) = inside.split_once('/')?;
    Some((pid.parse().ok()?, file)).filter(|(_, file)| !file.contains('/'))
}

impl Reading {
    fn take(&mut self, file: &str, words: &str) {
        let record = &mut self.record;
        match file {
            "status" => self.take_status(words),
            "comm" => record.comm = Some(words.to_owned()),
            "cmdline" => record.command.extend(words.split_whitespace().map(str::to_owned)),
            "limits" => {
                if let Some(rest) = words.strip_prefix("Max cpu time") {
                    let soft = rest.split_whitespace().next();
                    record.cpu_limit_seconds = soft.and_then(|soft| soft.parse().ok());
                }
            }
            // 0: it runs, or the kernel does not show it to this reader.
            "wchan" => record.waits_in = Some(words.to_owned()).filter(|name| name != "0"),
            "stack" => self.stack = self.stack.take().or_else(|| stack_entry(words)),
            "oom_score_adj" => record.oom_score_adj = words.parse().ok(),
            "started-at" => record.started_at = Moment::parse(words),
            _ => {}
        }
    }

    fn take_status(&mut self, words: &str) {
        let Some((key, value)) = words.split_once(':') else { return };
        let value = value.trim();
        let record = &mut self.record;
        let kib = || value.strip_suffix("kB")?.trim().parse().ok().and_then(Bytes::from_kib);
        match key {
            "Name" => record.comm = record.comm.take().or_else(|| Some(value.to_owned())),
            "PPid" => record.ppid = value.parse().ok(),
            "NSpid" => {
                record.inner_pid =
                    value.split_whitespace().next_back().and_then(|pid| pid.parse().ok());
            }
            "RssAnon" => record.anon = kib(),
            "RssFile" => record.file = kib(),
            "RssShmem" => record.shmem = kib(),
            "SigCgt" => record.handles = u64::from_str_radix(value, 16).ok(),
            "SigIgn" => record.ignores = u64::from_str_radix(value, 16).ok(),
            _ => {}
        }
    }
}

/// `[<0>] mem_cgroup_oom_synchronize+0x1f/0x2a0`
fn stack_entry(words: &str) -> Option<String> {
    let name = words.split_once("] ").map_or(words, |(_, rest)| rest);
    let name = name.split('+').next()?.trim();
    (!name.is_empty() && !name.contains(char::is_whitespace)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_key_is_a_fact() {
        let text = "kernel-release: 6.1.0-13-amd64\ncgroup-version: 2\ndocker-version: 26.1.5\ncontainerd-version: 1.7.24\nmem-total-bytes: 8589934592\nmem-available-bytes: 4096\ncpus: 8\ncpus: 0\nbooted-at: 2026-05-27T18:42:11Z\ndaemon-started-at: 2026-05-27T18:42:12Z\nevents-wrapped: true\nevents-since: 2026-05-27T18:42:13Z\nkernel-log-since-micros: 4711\nsomething-new: 7\ncgroup-version: 3\n";
        let found = read(text);
        assert_eq!(found.len(), 12, "a machine has a processor, and cgroup has two versions");
        assert_eq!(found[1].record, Record::Machine(MachineFact::CgroupVersion(2)));
        assert_eq!(found[6].record, Record::Machine(MachineFact::Cpus(8)));
        assert_eq!(found[9].record, Record::Machine(MachineFact::EventsWrapped(true)));
        assert_eq!(found[11].span.of(text), Some("kernel-log-since-micros: 4711"));
    }

    #[test]
    fn the_files_of_a_process_make_one_record() {
        let text = "==> /proc/295/status <==\nName:\tpython3\nPPid:\t270\nNSpid:\t295\t1\nRssAnon:\t   64888 kB\nRssFile:\t     632 kB\nRssShmem:\t       0 kB\nSigIgn:\t0000000001001000\nSigCgt:\t0000000000004002\n\n==> /proc/295/cmdline <==\npython3 -u app.py \n==> /proc/295/limits <==\nLimit                     Soft Limit           Hard Limit           Units\nMax cpu time              3                    unlimited            seconds\n==> /proc/295/wchan <==\n0\n==> /proc/295/stack <==\n[<0>] mem_cgroup_oom_synchronize+0x1f/0x2a0\n[<0>] pagefault_out_of_memory+0x1/0x2\n==> /proc/295/oom_score_adj <==\n-998\n==> /proc/295/started-at <==\n2026-05-27T18:42:06Z\n==> /proc/301/comm <==\nconvert (x)\n==> /proc/301/limits <==\nMax cpu time              unlimited            unlimited            seconds\n";
        let found: Vec<ProcessRecord> = read_proc(text)
            .into_iter()
            .map(|sighting| match sighting.record {
                Record::Process(record) => record,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(found.len(), 2);
        let main = &found[0];
        assert_eq!((main.pid, main.ppid, main.inner_pid), (295, Some(270), Some(1)));
        assert_eq!(main.command, ["python3", "-u", "app.py"]);
        assert_eq!(main.anon, Bytes::from_kib(64888));
        assert_eq!((main.handles, main.ignores), (Some(0x4002), Some(0x0100_1000)));
        assert_eq!((main.cpu_limit_seconds, main.oom_score_adj), (Some(3), Some(-998)));
        assert_eq!(main.waits_in.as_deref(), Some("mem_cgroup_oom_synchronize"));
        assert!(main.started_at.is_some());
        assert_eq!(found[1].comm.as_deref(), Some("convert (x)"));
        assert_eq!((found[1].cpu_limit_seconds, found[1].inner_pid), (None, None));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(==> /proc/[0-9]{1,3}/(status|stack|limits) <==|[A-Za-z0-9:+ \n]|\\PC){0,80}") {
            for sighting in [read(&text), read_proc(&text)].concat() {
                prop_assert!(sighting.span.of(&text).is_some());
            }
        }
    }
}
