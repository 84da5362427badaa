//! What the tests of `run` stand on: a folder of their own, the program in it, a hog.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A folder of the test's own, with everything the program would leave anywhere.
pub(crate) struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `why137 run` with these words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = undisturbed(program());
        command.arg("run").args(words);
        self.bare(&mut command);
        command
    }

    /// No environment but what every program needs, and this folder for what is written.
    pub(crate) fn bare(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("TMPDIR", self.path())
            .current_dir(self.path())
            .stdin(Stdio::null());
    }

    /// Runs it to its end: code, output, everything else.
    pub(crate) fn run(&self, words: &[&str]) -> (i32, String, String) {
        ended(&self.command(words).output().unwrap())
    }

    /// The record that was left behind, if one was.
    pub(crate) fn records(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path()).unwrap().flatten().map(|entry| entry.path());
        entries.filter(|path| path.extension().is_some_and(|it| it == "record")).collect()
    }
}

/// A program with every signal as it is by default: whoever started these tests by nohup or behind `&` has
/// them ignore SIGHUP or SIGINT, and what a program is started to ignore it is right to ignore.
pub(crate) fn undisturbed(program: &str) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal", program]);
    command
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_why137")
}

pub(crate) fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// The JSON answer that stands in what was said.
pub(crate) fn answer(said: &str) -> Value {
    let start = said.find('{').unwrap_or_else(|| panic!("no answer in: {said}"));
    let mut answers =
        serde_json::Deserializer::from_str(said.get(start..).unwrap()).into_iter::<Value>();
    answers.next().unwrap().unwrap()
}

/// Takes at most 128 MiB, and nothing before it has seen a limit of at most 64 MiB above it.
pub(crate) const HOG: &str = r#"
set -u
own=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
root=/sys/fs/cgroup/memory; file=memory.limit_in_bytes
[ -n "$own" ] || { own=$(sed -n 's/^0:://p' /proc/self/cgroup); root=/sys/fs/cgroup; file=memory.max; }
found=no; at=$own
while [ -n "$at" ] && [ "$at" != / ]; do
  limit=$(cat "$root$at/$file" 2>/dev/null || echo max)
  case $limit in *[!0-9]*|'') ;; *) [ "$limit" -le 67108864 ] && found=yes ;; esac
  at=${at%/*}
done
[ $found = yes ] || { echo 'no limit is in force' >&2; exit 99; }
exec dd if=/dev/zero of=/dev/null bs=128M count=1
"#;

/// A cgroup can be made by this user.
pub(crate) fn can_confine() -> bool {
    let may = rustix::process::geteuid().is_root();
    if !may {
        println!("NOT RUN: a cgroup of its own, because this user is not root");
    }
    may
}

/// The kernel's log can be read.
pub(crate) fn can_read_kernel_log() -> bool {
    let may = fs::File::open("/dev/kmsg").is_ok();
    if !may {
        println!("NOT RUN: the proof by the kernel's log, because /dev/kmsg is closed here");
    }
    may
}

/// Waits until the kernel will print whole reports again, and keeps the others of these tests away as
/// long as what it returns lives: it prints ten in 5 s for the whole machine, and other tests use them up.
pub(crate) fn fresh_reports() -> std::sync::MutexGuard<'static, ()> {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for _ in 0..60 {
        if recent_reports().is_none_or(|count| count < 3) {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    guard
}

/// How many OOM reports the kernel printed in the last 6 s; `None` where its log is closed.
fn recent_reports() -> Option<usize> {
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;
    const NONBLOCK: i32 = 0o4000;
    let mut log =
        fs::OpenOptions::new().read(true).custom_flags(NONBLOCK).open("/dev/kmsg").ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let now: f64 = uptime.split(' ').next()?.parse().ok()?;
    let (mut count, mut record) = (0, [0; 8192]);
    loop {
        let text = match log.read(&mut record) {
            Ok(length) => String::from_utf8_lossy(record.get(..length)?).into_owned(),
            // The ring went on under the reader; anything else is its end.
            Err(error) if error.raw_os_error() == Some(32) => continue,
            Err(_at_the_end) => return Some(count),
        };
        let micros = text.split(',').nth(2).and_then(|stamp| stamp.parse::<f64>().ok());
        let recent = micros.is_some_and(|micros| now - micros / 1e6 < 6.0);
        count += usize::from(recent && text.contains("invoked oom-killer"));
    }
}

/// Waits until something is so, for half a minute at most: a machine under load stands still for seconds.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The pid that a command of ours wrote into a file.
pub(crate) fn pid_in(file: &Path) -> i32 {
    wait_for("a pid in a file", || {
        let text = fs::read_to_string(file).ok()?;
        text.strip_suffix('\n')?.trim().parse().ok()
    })
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(pid: i32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// A child that is not left running by a test that fails.
pub(crate) struct Guarded(pub(crate) Option<Child>);

impl Guarded {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.0.as_ref().unwrap().id()).unwrap()
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    pub(crate) fn output(mut self) -> (i32, String, String) {
        ended(&self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().unwrap_or_default();
            drop(child.wait());
        }
    }
}
