//! `kmsg` of a machine that is reached by ssh: where the container runs, its kernel log is the
//! evidence.
//!
//! One more login, without questions and with a short deadline, runs a line of shell over there that
//! only reads: the clocks, then /dev/kmsg as it is, else `dmesg`, else the journal's kernel lines,
//! whichever this user may read. Nothing is tried with sudo: that is for a person to decide, and the gap
//! says how.
//!
//! Stamp zero is calibrated by /proc/uptime, which counts suspends; the kernel log's clock does not.
//! The login's own delay is not in it: both clocks are read over there.

use std::process::Command;
use std::time::Duration;

use casefile::{Clock, Exhibit, Moment, Source};

use crate::deadline::{self, Ran};
use crate::docker::ssh::{Ssh, last_words};
use crate::found::{Found, exhibit, gap, plain};
use crate::subject::Subject;
use crate::{journal, kmsg};

/// A login and a megabyte of text; what takes longer is left out.
const PATIENCE: Duration = Duration::from_secs(8);

/// More than the largest ring that distributions configure (`CONFIG_LOG_BUF_SHIFT` 21).
const CAP: usize = 16 << 20;

/// No quote and no line end is in it, so that every login shell passes it on as it is.
/// `iflag=nonblock`: without it the read after the last record would wait for the next one; dd of
/// busybox does not know it.
const READ: &str = "export LC_ALL=C; date +%s.%N; cat /proc/uptime; uname -r; \
     if dd if=/dev/kmsg iflag=nonblock bs=65536 count=1 2>/dev/null | grep -q .; \
     then echo :kmsg; dd if=/dev/kmsg iflag=nonblock bs=65536 2>/dev/null; \
     elif dmesg 2>/dev/null | grep -q .; then echo :dmesg; dmesg; \
     elif journalctl -k -n 1 -o cat 2>/dev/null | grep -q .; \
     then echo :journal; journalctl -k -o json --no-pager -n 20000 2>/dev/null; \
     else echo :closed; dmesg 2>&1; fi; true";

/// Reads the other machine's kernel log, as far as it concerns a container where there is one.
pub(crate) fn read_kernel(ssh: &Ssh, subject: Option<&Subject>) -> Found {
    let shown = format!("the kernel log of {}", ssh.machine);
    let by_hand = format!("{} sudo dmesg", ssh.by_hand());
    let closed = |because: &str| {
        let open_by = format!("{by_hand} | why137 explain -");
        Found::gap(gap(Source::KernelLog, &shown, because, Some(&open_by)))
    };
    let mut command = Command::new("ssh");
    command.args(ssh.login(5)).arg(format!("sh -c '{READ}'"));
    let ran = match deadline::run(&mut command, PATIENCE, CAP) {
        Ok(ran) => ran,
        Err(error) => return closed(&plain(&error)),
    };
    match told(&ran) {
        Ok(told) => told.found(&shown, &by_hand, subject),
        Err(because) => closed(&because),
    }
}

/// What the shell over there said.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    /// The moment of stamp zero.
    zero_at: Moment,
    kernel: String,
    form: Form,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Records,
    Dmesg,
    Journal,
}

fn told(ran: &Ran) -> Result<Told, String> {
    if ran.status.is_none() {
        return Err(format!("it did not come within {} s", PATIENCE.as_secs()));
    }
    let text = String::from_utf8_lossy(&ran.stdout);
    // A login shell may greet before the first word of ours.
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mark = lines
        .iter()
        .position(|line| matches!(line.trim(), ":kmsg" | ":dmesg" | ":journal" | ":closed"));
    let words = || last_words(&ran.stderr).map(|words| format!("ssh says: {words}"));
    let Some(mark) = mark.filter(|mark| *mark >= 3) else {
        return Err(words().unwrap_or_else(|| "no shell answered over there".to_owned()));
    };
    let line = |at: usize| lines.get(at).map(|line| line.trim()).unwrap_or_default();
    let text = lines.get(mark + 1..).unwrap_or_default().concat();
    let form = match line(mark) {
        ":kmsg" => Form::Records,
        ":dmesg" => Form::Dmesg,
        ":journal" => Form::Journal,
        _ => {
            let because = text.lines().next().map(str::trim).unwrap_or_default();
            return Err(format!("this user may not read it over there ({because})"));
        }
    };
    let zero_at = zero(line(mark - 3), line(mark - 2)).ok_or("its clocks cannot be read")?;
    Ok(Told { zero_at, kernel: line(mark - 1).to_owned(), form, text })
}

/// `1779907200.123456789` and `86400.12 345.67`; busybox's date leaves `%N` out.
fn zero(date: &str, uptime: &str) -> Option<Moment> {
    let micros = |text: &str| {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits: String =
            part.chars().take_while(char::is_ascii_digit).chain("000000".chars()).take(6).collect();
        whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?)
    };
    let up = micros(uptime.split_whitespace().next()?)?;
    Moment::from_micros(micros(date)?.checked_sub(up)?)
}

impl Told {
    fn found(self, shown: &str, by_hand: &str, subject: Option<&Subject>) -> Found {
        let mut found = match self.form {
            Form::Records if kmsg::is_ring(&self.text) => {
                kmsg::of_text(self.text, shown, by_hand, subject, self.zero_at).found
            }
            Form::Records | Form::Dmesg => Found {
                exhibits: vec![Exhibit {
                    check: Some(by_hand.to_owned()),
                    clock: Clock::SinceBoot { zero_at: self.zero_at },
                    ..exhibit("kmsg", Source::KernelLog, shown, &self.text)
                }],
                ..Found::default()
            },
            Form::Journal => Found {
                exhibits: vec![Exhibit {
                    check: Some(by_hand.replace("sudo dmesg", "journalctl -k")),
                    clock: Clock::Wall,
                    ..exhibit("kmsg", Source::KernelLog, shown, &journal::kept(&self.text))
                }],
                ..Found::default()
            },
        };
        found.facts.push(("kernel-release", self.kernel));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn ran(stdout: &str, stderr: &str) -> Ran {
        Ran {
            stdout: stdout.as_bytes().to_vec(),
            stderr: stderr.to_owned(),
            status: Some(std::process::ExitStatus::from_raw(0)),
            cut: false,
        }
    }

    #[test]
    fn the_other_machines_clock_dates_its_records() {
        let told = told(&ran(
            "Welcome!\n1000500.5\n500.25 3.0\n6.1.0\n:kmsg\n6,1,100,-;a\n6,2,300000000,-;b\n",
            "",
        ))
        .unwrap();
        assert_eq!(told.zero_at, Moment::from_micros(1_000_000_250_000).unwrap());
        let found = told.found("the kernel log of far", "ssh far sudo dmesg", None);
        assert_eq!(found.exhibits[0].text(), "6,1,100,-;a\n6,2,300000000,-;b\n");
        assert!(found.exhibits[0].covers);
        assert_eq!(found.facts[0], ("kernel-log-since-micros", "100".to_owned()));
    }

    #[test]
    fn dmesg_and_the_journal_never_cover() {
        for (mark, text) in
            [(":dmesg", "[    0.000000] Linux\n"), (":journal", "{\"MESSAGE\":\"x\"}\n")]
        {
            let told = told(&ran(&format!("1000\n5 1\n6.1.0\n{mark}\n{text}"), "")).unwrap();
            let found = told.found("x", "y", None);
            assert_eq!((found.exhibits[0].text(), found.exhibits[0].covers), (text, false));
        }
    }

    #[test]
    fn what_is_closed_over_there_is_said_in_its_words() {
        let because = told(&ran(
            "1000\n5 1\n6.1.0\n:closed\ndmesg: read kernel buffer failed: Operation not permitted\n",
            "",
        ));
        assert!(because.unwrap_err().contains("Operation not permitted"));
        let because = told(&ran("", "me@far: Permission denied (publickey).\n")).unwrap_err();
        assert_eq!(because, "ssh says: me@far: Permission denied (publickey).");
        assert!(told(&ran("This account is for git only.\n", "")).is_err());
    }

    #[test]
    fn a_clock_without_nanoseconds_is_read_too() {
        assert_eq!(zero("1000.%N", "10.5 1"), Moment::from_micros(989_500_000));
        assert_eq!(zero("soon", "10.5 1"), None);
    }
}
