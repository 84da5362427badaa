//! What the tests of `audit` stand on: processes that wait, cgroups of their own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use casefile::Bytes;
use confine::{Cgroup, Wish};

/// Says that it is there, and ends with its input.
pub(crate) const WAIT: &str =
    "console.log('up'); process.stdin.resume(); process.stdin.on('end', () => process.exit())";

/// A master with 8 MiB, and three workers that take 12, 6 and 6 MiB more.
pub(crate) const POOL: &str = "\
import os, sys, signal
shared = os.urandom(8 << 20)
read, write = os.pipe()
children = []
for size in (12, 6, 6):
    pid = os.fork()
    if pid == 0:
        own = os.urandom(size << 20)
        os.write(write, b'x')
        signal.pause()
    children.append(pid)
for _ in children:
    os.read(read, 1)
print('up', flush=True)
sys.stdin.read()
for pid in children:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
";

/// A process that ends with its input, and is waited for.
pub(crate) struct Job(Child);

impl Job {
    /// Starts it and waits until it says `up`.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.env_remove("NODE_OPTIONS").env_remove("MALLOC_ARENA_MAX");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut job = Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")));
        let mut said = String::new();
        let out = job.0.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut said).unwrap();
        assert_eq!(said.trim(), "up", "{command:?}");
        job
    }

    /// The same in a cgroup.
    pub(crate) fn start_in(cgroup: &Path, command: &Command) -> Self {
        let mut inside = Command::new("sh");
        inside.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(cgroup.join("cgroup.procs"));
        Self::start(inside.arg(command.get_program()).args(command.get_args()))
    }

    pub(crate) fn number(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn pid(&self) -> String {
        self.number().to_string()
    }

    /// Its children, in the order they were started.
    pub(crate) fn children(&self) -> Vec<u32> {
        let path = format!("/proc/{0}/task/{0}/children", self.number());
        let text = fs::read_to_string(path).unwrap();
        text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}

/// A cgroup of our own with this limit in MiB; `None`, and said, where none can be made.
pub(crate) fn cage(name: &str, limit: Option<u64>) -> Option<Cgroup> {
    let is_id = name.len() == 64;
    let name =
        if is_id { name.to_owned() } else { format!("why137-{name}-{}", std::process::id()) };
    let limit = limit.map(|mib| Bytes(mib << 20));
    match Cgroup::create(&Wish { name, limit, swap: None }) {
        Ok(cgroup) => Some(cgroup),
        Err(error) => {
            eprintln!("NOT RUN: an audit of a cgroup, because {error}");
            None
        }
    }
}

/// What a process maps alone, as the kernel counts it.
pub(crate) fn private_of(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let lines =
        text.lines().filter(|line| line.starts_with("Private_") && !line.contains("Hugetlb"));
    lines.map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10).sum()
}
