//! Work that may hang, bounded in time: file reads on a thread of their own, child processes killed
//! when their time is up. A read that hangs (`/proc/PID/cmdline` of a process stuck with its
//! `mmap_lock` held) costs its thread and its exhibit, never the answer.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long one source may take. People ask when a machine thrashes: then a read takes seconds.
pub(crate) const SOURCE: Duration = Duration::from_secs(5);

/// How long a part may take of work that is itself bounded by [`SOURCE`], so that the rest of it
/// still comes in time.
pub(crate) const INNER: Duration = Duration::from_secs(4);

/// Work under way on its own thread.
pub(crate) struct Pending<T> {
    answer: Receiver<T>,
    until: Instant,
}

/// Starts work on a thread of its own; it has [`SOURCE`] from now.
pub(crate) fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
    let (send, answer) = channel();
    thread::spawn(move || {
        // An error means that nobody waits any more: its time was up.
        drop(send.send(work()));
    });
    Pending { answer, until: Instant::now() + SOURCE }
}

impl<T> Pending<T> {
    /// The answer, or `None` if it did not come in time.
    pub(crate) fn wait(self) -> Option<T> {
        self.answer.recv_timeout(self.until.saturating_duration_since(Instant::now())).ok()
    }
}

/// Everything a thread sent before it ended or its time was up; the flag is true if it ended.
pub(crate) fn collect<T>(answers: &Receiver<T>, until: Instant) -> (Vec<T>, bool) {
    let mut all = Vec::new();
    loop {
        match answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(one) => all.push(one),
            Err(RecvTimeoutError::Disconnected) => return (all, true),
            Err(RecvTimeoutError::Timeout) => return (all, false),
        }
    }
}

/// What a child process said.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its output, up to the cap.
    pub(crate) stdout: Vec<u8>,
    /// Its complaints, up to 64 KiB.
    pub(crate) stderr: String,
    /// How it ended; `None` if it was killed because its time was up.
    pub(crate) status: Option<ExitStatus>,
    /// True if the output is longer than the cap.
    pub(crate) cut: bool,
}

/// Runs a command and reads at most `cap` bytes of its output within `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration, cap: usize) -> std::io::Result<Ran> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let until = Instant::now() + limit;
    // Nothing is sent: it closes when nobody reads the child's pipes any more.
    let (reading, read) = channel();
    let other = reading.clone();
    let stdout = child.stdout.take().map(|pipe| read_in_background(pipe, cap + 1, reading));
    let stderr = child.stderr.take().map(|pipe| read_in_background(pipe, 64 << 10, other));
    let status = wait_until(&mut child, until, &read)?;
    // The child is gone, so its pipes end; a grandchild that keeps them open is not waited for.
    let grace = until.max(Instant::now() + Duration::from_millis(100));
    let bytes = |pending: Option<Receiver<Vec<u8>>>| {
        pending.map(|answers| collect(&answers, grace).0.concat()).unwrap_or_default()
    };
    let mut stdout = bytes(stdout);
    let cut = stdout.len() > cap;
    stdout.truncate(cap);
    let stderr = String::from_utf8_lossy(&bytes(stderr)).into_owned();
    Ok(Ran { stdout, stderr, status, cut })
}

/// Sends what a pipe gives, piece by piece, so that what came before a kill is not lost; holds
/// `reading` until it ends.
fn read_in_background(
    mut pipe: impl Read + Send + 'static,
    cap: usize,
    reading: Sender<()>,
) -> Receiver<Vec<u8>> {
    let (send, answers) = channel();
    thread::spawn(move || {
        let _until_the_end = reading;
        let mut left = cap;
        let mut piece = vec![0; 64 << 10];
        while left > 0 {
            let Ok(count @ 1..) = pipe.read(&mut piece) else { return };
            let kept = piece.get(..count.min(left)).unwrap_or_default().to_vec();
            left -= kept.len();
            if send.send(kept).is_err() {
                return;
            }
        }
    });
    answers
}

/// Waits for the child's end. It closes its pipes right before, so that is waited for: looking
/// again and again would find it late by half of what it took.
fn wait_until(
    child: &mut Child,
    until: Instant,
    read: &Receiver<()>,
) -> std::io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    let mut closed = false;
    while Instant::now() < until {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if closed {
            thread::sleep(pause);
        } else if read.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
            closed = true;
            pause = Duration::from_micros(50);
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_hangs_is_killed_and_what_it_said_is_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo first; exec sleep 30"]);
        let began = Instant::now();
        let ran = run(&mut command, Duration::from_millis(300), 100).unwrap();
        assert!(ran.status.is_none());
        assert_eq!(ran.stdout, b"first\n");
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn output_beyond_the_cap_is_cut_and_said_to_be() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 0123456789; echo no >&2; exit 3"]);
        let ran = run(&mut command, Duration::from_secs(5), 4).unwrap();
        assert_eq!(
            (ran.stdout.as_slice(), ran.cut, ran.stderr.as_str()),
            (&b"0123"[..], true, "no\n")
        );
        assert_eq!(ran.status.unwrap().code(), Some(3));
    }

    #[test]
    fn a_child_that_closes_its_pipes_and_stays_is_waited_for() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo all; exec >&- 2>&-; sleep 0.2; exit 4"]);
        let ran = run(&mut command, Duration::from_secs(5), 100).unwrap();
        assert_eq!((ran.stdout.as_slice(), ran.status.unwrap().code()), (&b"all\n"[..], Some(4)));
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipes_is_not_waited_for() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo all; sleep 3 & exit 0"]);
        let began = Instant::now();
        let ran = run(&mut command, Duration::from_secs(2), 100).unwrap();
        assert_eq!(ran.stdout, b"all\n");
        assert!(ran.status.unwrap().success());
        assert!(began.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn work_that_hangs_is_left_behind() {
        let (keep_open, forever) = channel::<()>();
        let pending = Pending {
            until: Instant::now() + Duration::from_millis(50),
            ..start(move || forever.recv().is_ok())
        };
        assert_eq!(pending.wait(), None);
        drop(keep_open);
        assert_eq!(start(|| 7).wait(), Some(7));
    }
}
