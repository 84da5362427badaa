//! The texts that `bench` reads: made here, the same every time, kept under target/bench.
//!
//! Nothing in them is from a real machine. The reports have the shape that Linux 6.1 prints.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

/// One text.
pub(super) struct Input {
    /// As the table names it.
    pub(super) name: &'static str,
    file: &'static str,
    bytes: u64,
    reports: usize,
    shape: Shape,
    /// It is also read from standard input.
    pub(super) also_by_pipe: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Short,
    Dmesg,
    Json,
    Export,
    /// An application's log in which every line resembles one that tells.
    Application,
}

const MIB: u64 = 1 << 20;

/// All texts.
pub(super) fn all() -> Vec<Input> {
    let input = |name, file, bytes, reports, shape| Input {
        name,
        file,
        bytes,
        reports,
        shape,
        also_by_pipe: bytes > 512 * MIB,
    };
    vec![
        input(
            "`journalctl -k`, 1 GiB, 1,000 reports",
            "journal.log",
            1024 * MIB,
            1000,
            Shape::Short,
        ),
        input("`dmesg`, 256 MiB, 250 reports", "dmesg.log", 256 * MIB, 250, Shape::Dmesg),
        input(
            "`journalctl -o json`, 256 MiB, 250 reports",
            "journal.json",
            256 * MIB,
            250,
            Shape::Json,
        ),
        input(
            "`journalctl -o export`, 256 MiB, 250 reports",
            "journal.export",
            256 * MIB,
            250,
            Shape::Export,
        ),
        input("`journalctl -k`, 50 MB, 1,000 reports", "dense.log", 50_000_000, 1000, Shape::Short),
        input(
            "an application's log, 50 MB, every line resembling",
            "application.log",
            50_000_000,
            0,
            Shape::Application,
        ),
        input(
            "an application's log, 8 MB, read whole",
            "small.log",
            8_000_000,
            0,
            Shape::Application,
        ),
    ]
}

impl Input {
    /// Writes the text, unless it is there.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(self.file);
        if std::fs::metadata(&path).is_ok_and(|status| status.len() >= self.bytes) {
            return Ok(path);
        }
        let mut out = BufWriter::new(File::create(&path)?);
        let between = self.bytes / (self.reports as u64 + 1);
        let (mut written, mut number, mut next) = (0, 0_u64, between);
        let mut random = Random::new();
        let mut report = 0;
        while written < self.bytes {
            let words = if self.shape == Shape::Application {
                resembling(number, &mut random)
            } else {
                noise(number, &mut random)
            };
            written += put(&mut out, self.shape, number, &words)?;
            number += 1;
            if written >= next && report < self.reports {
                for words in report_of(report as u64) {
                    written += put(&mut out, self.shape, number, &words)?;
                    number += 1;
                }
                report += 1;
                next += between;
            }
        }
        out.flush()?;
        Ok(path)
    }
}

/// Xorshift, after Marsaglia: any sequence will do that is the same every time.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Self {
        Self(137)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn put(out: &mut impl Write, shape: Shape, number: u64, words: &str) -> Result<u64> {
    let seconds = number / 100;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let micros = number % 100 * 10_000;
    let line = match shape {
        Shape::Short => {
            format!("May 27 {hour:02}:{minute:02}:{second:02} node-1 kernel: {words}\n")
        }
        Shape::Dmesg => format!("[{seconds:8}.{micros:06}] {words}\n"),
        Shape::Json => format!(
            "{{\"__CURSOR\":\"s=5d1f;i={number:x};b=9a3c\",\"__REALTIME_TIMESTAMP\":\"{}\",\"_TRANSPORT\":\"kernel\",\"PRIORITY\":\"6\",\"_HOSTNAME\":\"node-1\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":\"{}\"}}\n",
            1_779_900_000_000_000 + number * 10_000,
            words.replace('\\', "\\\\").replace('"', "\\\"")
        ),
        Shape::Export => format!(
            "__CURSOR=s=5d1f;i={number:x};b=9a3c\n__REALTIME_TIMESTAMP={}\n_TRANSPORT=kernel\nPRIORITY=6\n_HOSTNAME=node-1\nSYSLOG_IDENTIFIER=kernel\nMESSAGE={words}\n\n",
            1_779_900_000_000_000 + number * 10_000
        ),
        Shape::Application => {
            format!("2026-05-27 {hour:02}:{minute:02}:{second:02},{:03} {words}\n", micros / 1000)
        }
    };
    out.write_all(line.as_bytes())?;
    Ok(line.len() as u64)
}

/// What a busy machine's kernel says all day; now and then a word that also stands in a death.
fn noise(number: u64, random: &mut Random) -> String {
    match random.below(1000) {
        0 => "Memory: 8034564K/8388608K available (14345K kernel code, 2331K rwdata)".to_owned(),
        1 => format!(
            "audit: type=1701 audit(1779900000.{:03}:{number}): auid=1000 uid=1000 exe=\"/usr/bin/app\" sig=0 res=1",
            number % 1000
        ),
        2 => "nvme nvme0: I/O 137 QID 3 timeout, completion polled".to_owned(),
        3 => "systemd-journald[214]: Received client request to flush runtime journal.".to_owned(),
        kind => match kind % 6 {
            0 => format!("docker0: port {}(veth{number:07x}) entered blocking state", number % 9),
            1 => format!("IPv6: ADDRCONF(NETDEV_CHANGE): veth{number:07x}: link becomes ready"),
            2 => format!(
                "[UFW BLOCK] IN=eth0 OUT= MAC=01:00:5e:00:00:01 SRC=10.0.{}.{} DST=224.0.0.1 LEN=36 TOS=0x00 PREC=0x00 TTL=1 ID={} PROTO=2",
                random.below(250),
                random.below(250),
                random.below(65_536)
            ),
            3 => {
                format!("usb 1-1: new high-speed USB device number {} using xhci_hcd", number % 127)
            }
            4 => format!(
                "audit: type=1400 audit(1779900000.{:03}:{number}): apparmor=\"STATUS\" operation=\"profile_replace\" profile=\"unconfined\" name=\"docker-default\" pid={} comm=\"apparmor_parser\"",
                number % 1000,
                random.below(32_768)
            ),
            _ => "EXT4-fs (sda1): mounted filesystem with ordered data mode. Quota mode: none."
                .to_owned(),
        },
    }
}

fn resembling(number: u64, random: &mut Random) -> String {
    match number % 4 {
        0 => format!(
            "WARNING worker {number} memory usage {}% of limit, process killed count 0",
            random.below(100)
        ),
        1 => format!("ERROR child {number} exited with status 1, restarting worker process"),
        2 => format!("INFO task {number} timed out, signal 15 received, stopping"),
        _ => format!(
            "INFO heap {number} MB of memory allocated, pid {} failed to allocate, retry",
            random.below(32_768)
        ),
    }
}

/// A limit's report with a table of 30 processes.
fn report_of(number: u64) -> Vec<String> {
    let group = format!("/docker/{:064x}", number * 7919 + 3);
    let pid = 2000 + number;
    let mut lines: Vec<String> = [
        "hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        "CPU: 1 PID: 900 Comm: hog Not tainted 6.1.0 #1",
        "Call Trace:",
        " <TASK>",
        " dump_stack_lvl+0x44/0x5c",
        " dump_header+0x4a/0x211",
        " oom_kill_process.cold+0xb/0x10",
        " out_of_memory+0x1fd/0x4c0",
        " mem_cgroup_out_of_memory+0x131/0x150",
        " try_charge_memcg+0x696/0x780",
        " asm_exc_page_fault+0x22/0x30",
        " </TASK>",
        "memory: usage 65536kB, limit 65536kB, failcnt 40",
        "swap: usage 0kB, limit 0kB, failcnt 0",
    ]
    .map(str::to_owned)
    .to_vec();
    lines.push(format!("Memory cgroup stats for {group}:"));
    lines.extend(["anon 66580480", "file 0", "kernel 528384", "slab 241664"].map(str::to_owned));
    lines.push("Tasks state (memory values in pages):".to_owned());
    lines.push(
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
            .to_owned(),
    );
    lines.extend((0..30).map(|task| {
        let pid = pid + task;
        format!("[{pid:7}]     0 {pid:5}    16694    16256   184320        0             0 worker-{task}")
    }));
    lines.push(format!(
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={group},mems_allowed=0,oom_memcg={group},task_memcg={group},task=worker-0,pid={pid},uid=0"
    ));
    lines.push(format!(
        "Memory cgroup out of memory: Killed process {pid} (worker-0) total-vm:66776kB, anon-rss:65024kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0"
    ));
    lines
}
