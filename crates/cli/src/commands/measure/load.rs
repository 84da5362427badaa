//! The load: a command that runs meanwhile, or a log that somebody else's load fills.
//!
//! A command is led in a process group of its own, so that Ctrl-C asks for the answer and ends it in order. What
//! it prints is counted, and shown on standard error: lines that tell of requests are not.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use sizing::verify;

use super::tally::Tally;
use crate::commands::run::refusal;
use crate::failure::{Failure, NOTHING};

/// Lines of the load's that are shown.
const MOST_SHOWN: usize = 40;
/// So long it may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(3);
/// A line that does not end is cut here.
const LONGEST: u64 = 64 << 10;
/// Of a log, read at one time.
const MOST_READ: u64 = 8 << 20;

/// A load command under way.
pub(super) struct Running {
    child: Child,
    began: Instant,
    heard: Arc<Mutex<Heard>>,
    readers: Vec<JoinHandle<()>>,
    ended: Option<(ExitStatus, Duration)>,
    was_cut: bool,
}

/// What it printed.
#[derive(Default)]
struct Heard {
    tally: Tally,
    to_show: Vec<String>,
    shown: usize,
}

impl Running {
    /// Starts it.
    pub(super) fn start(words: &[OsString]) -> anyhow::Result<Self> {
        let (program, rest) = words.split_first().context("the load command has no words")?;
        let mut command = Command::new(program);
        command.args(rest).process_group(0).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            let why = refusal(program, &error);
            Failure::new(NOTHING, format!("the load: {why:#}"))
                .hint("the load command stands behind `--` with its arguments: -- sh -c 'COMMAND'")
        })?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut readers = Vec::new();
        if let Some(out) = child.stdout.take() {
            readers.push(listen(out, heard.clone(), true));
        }
        if let Some(err) = child.stderr.take() {
            readers.push(listen(err, heard.clone(), false));
        }
        Ok(Self { child, began: Instant::now(), heard, readers, ended: None, was_cut: false })
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        if self.ended.is_none() {
            let status = self.child.try_wait().ok().flatten();
            self.ended = status.map(|status| (status, self.began.elapsed()));
        }
        self.ended.is_some()
    }

    /// What it counted until now.
    pub(super) fn tally(&self) -> Tally {
        self.heard.lock().map(|heard| heard.tally.clone()).unwrap_or_default()
    }

    /// Lines of it that nobody has seen yet.
    pub(super) fn lines(&self) -> Vec<String> {
        let taken = self.heard.lock().map(|mut heard| std::mem::take(&mut heard.to_show));
        taken.unwrap_or_default()
    }

    /// Ends it if it still runs, and what it started in its group with it.
    pub(super) fn finish(mut self) -> (verify::Load, Tally, Vec<String>) {
        if !self.has_ended() {
            self.was_cut = true;
            self.signal(Signal::SIGTERM);
            let until = Instant::now() + PATIENCE;
            while !self.has_ended() && Instant::now() < until {
                thread::sleep(Duration::from_millis(20));
            }
            if !self.has_ended() {
                self.signal(Signal::SIGKILL);
                let status = self.child.wait().ok();
                self.ended = status.map(|status| (status, self.began.elapsed()));
            }
        }
        // A process that it left behind may hold its pipes open.
        let until = Instant::now() + Duration::from_millis(500);
        while self.readers.iter().any(|reader| !reader.is_finished()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        let (status, wall) = match self.ended {
            Some((status, wall)) => (Some(status), wall),
            None => (None, self.began.elapsed()),
        };
        let load = verify::Load {
            wall_s: wall.as_secs_f64(),
            code: status.and_then(|status| status.code()),
            was_cut: self.was_cut,
        };
        let (tally, lines) = (self.tally(), self.lines());
        (load, tally, lines)
    }

    fn signal(&self, signal: Signal) {
        // The group is our own: the child leads it, and was not waited for yet.
        let group = i32::try_from(self.child.id()).map(Pid::from_raw);
        group.map(|group| killpg(group, signal)).ok();
    }
}

fn listen(
    pipe: impl Read + Send + 'static,
    heard: Arc<Mutex<Heard>>,
    counts: bool,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            let Ok(mut heard) = heard.lock() else { return };
            let tells = counts && heard.tally.take(&text);
            if !tells && heard.shown < MOST_SHOWN && !text.trim().is_empty() {
                heard.shown += 1;
                heard.to_show.push(text.trim_end().to_owned());
                if heard.shown == MOST_SHOWN {
                    heard.to_show.push("… what follows is counted, not shown".to_owned());
                }
            }
        }
    })
}

/// A log that grows.
pub(super) struct Log {
    path: PathBuf,
    at: u64,
    rest: Vec<u8>,
    tally: Tally,
}

impl Log {
    /// From its end on.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let data = std::fs::metadata(path)
            .with_context(|| format!("could not read the requests in `{}`", path.display()))?;
        if !data.is_file() {
            let text = format!("`{}` is no file to count requests in", path.display());
            return Err(Failure::new(NOTHING, text)
                .hint("a log that grows by a line with each request, such as an access log")
                .into());
        }
        File::open(path)
            .with_context(|| format!("could not read the requests in `{}`", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            at: data.len(),
            rest: Vec::new(),
            tally: Tally::default(),
        })
    }

    /// Reads what has come; of a log that was begun anew from its beginning.
    pub(super) fn tally(&mut self) -> &Tally {
        if let Some(bytes) = self.more() {
            self.rest.extend(bytes);
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                self.tally.take(&String::from_utf8_lossy(&line));
            }
        }
        &self.tally
    }

    fn more(&mut self) -> Option<Vec<u8>> {
        let mut file = File::open(&self.path).ok()?;
        let length = file.metadata().ok()?.len();
        if length < self.at {
            self.at = 0;
            self.rest.clear();
        }
        file.seek(SeekFrom::Start(self.at)).ok()?;
        let mut bytes = Vec::new();
        file.take(MOST_READ).read_to_end(&mut bytes).ok()?;
        self.at += bytes.len() as u64;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<OsString> {
        ["sh", "-c", script].map(OsString::from).into()
    }

    #[test]
    fn a_load_is_counted_and_its_other_lines_are_shown() {
        let script =
            "echo begins; for i in 1 2 3; do echo latency_ms=$i; done; echo bad >&2; exit 7";
        let load = Running::start(&words(script)).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let mut load = load;
        while !load.has_ended() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        let (told, tally, mut lines) = load.finish();
        assert_eq!((told.code, told.was_cut, tally.requests()), (Some(7), false, Some(3)));
        lines.sort();
        assert_eq!(lines, ["bad", "begins"]);
    }

    #[test]
    fn a_load_that_goes_on_is_ended_with_what_it_started() {
        let load = Running::start(&words("sleep 1000 & echo $!; wait")).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let mut lines = load.lines();
        while lines.is_empty() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
            lines = load.lines();
        }
        let (told, ..) = load.finish();
        assert!(told.was_cut);
        let left = format!("/proc/{}/cmdline", lines[0].trim());
        let until = Instant::now() + Duration::from_secs(5);
        let lives = || std::fs::read_to_string(&left).is_ok_and(|words| words.contains("1000"));
        while lives() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!lives(), "{left}");
    }

    #[test]
    fn a_load_that_is_not_there_is_an_error_with_a_hint() {
        let error = Running::start(&["/nonexistent/load".into()]).err().unwrap();
        assert!(error.to_string().contains("there is no such program"), "{error:#}");
    }

    #[test]
    fn a_log_is_counted_from_its_end_on_and_again_when_it_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        std::fs::write(&path, "latency_ms=1\nlatency_ms=2\n").unwrap();
        let mut log = Log::open(&path).unwrap();
        assert_eq!(log.tally().requests(), None);
        let add = |text: &str| {
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        add("latency_ms=3\nlatency");
        assert_eq!(log.tally().requests(), Some(1));
        add("_ms=4\n");
        assert_eq!(log.tally().requests(), Some(2));
        std::fs::write(&path, "latency_ms=5\n").unwrap();
        assert_eq!(log.tally().requests(), Some(3));
        assert!(Log::open(folder.path()).is_err() && Log::open(Path::new("/nonexistent")).is_err());
    }
}
