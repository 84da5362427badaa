//! One run with another limit, under watch: whether the start survives, and what it took.
//!
//! The run ends when the container is healthy, has ended, or has lived past twice the age at which it died.
//! What it held is sampled every 200 ms from its cgroup; the kernel's own peak, files included, stands beside
//! it. A life that ends before the first look leaves no numbers, and that is said.

use std::time::{Duration, Instant};

use casefile::Bytes;
use change::{Consent, Life};
use evidence::watch::{Seen, Watch};
use judge::loops::Trial;
use serde_json::{Value, json};

use super::plan::Plan;
use super::{GuardArgs, Stop};
use crate::commands::loops::page::seconds;
use crate::commands::{daemon, explain};
use crate::printer::Printer;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// What one run needed is not what every run needs: a tenth above it, in steps that people write.
const STEP: u64 = 8 << 20;

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tried {
    /// The limit of the run.
    pub(super) limit: Bytes,
    /// How long it was watched.
    pub(super) lived: f64,
    pub(super) survived: bool,
    /// It was not watched to the end, and still runs.
    pub(super) goes_on: bool,
    /// How it ended, or why it was not watched on.
    pub(super) how: String,
    /// The most that was seen of what the kernel cannot take back.
    pub(super) held: Option<Bytes>,
    /// The kernel's own count of the most, files included.
    pub(super) peak: Option<Bytes>,
    /// Processes killed inside while it was watched.
    pub(super) kills: Option<u64>,
    /// Its limit now.
    pub(super) limit_after: Bytes,
}

impl Tried {
    /// The smallest limit that this run speaks for.
    pub(super) fn speaks_for(&self) -> Option<Bytes> {
        let most = self.peak.or(self.held).filter(|_| self.survived)?;
        let above = most.0.checked_add(most.0 / 10)?.checked_next_multiple_of(STEP)?;
        Some(Bytes(above.min(self.limit.0)))
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let word = match (self.survived, self.goes_on) {
            (true, _) => "survived",
            (false, true) => "not watched to its end",
            (false, false) => "did not survive",
        };
        let mut lines = vec![format!(
            "the run with {}: {word}, {} ({})",
            self.limit,
            seconds(self.lived),
            self.how
        )];
        let held = self.held.map(|held| format!("{held} at most that cannot be taken back"));
        let peak =
            self.peak.map(|peak| format!("{peak} at most with files, by the kernel's count"));
        let kills = self.kills.map(|kills| format!("{kills} kills inside"));
        let parts: Vec<String> = [held, peak, kills].into_iter().flatten().collect();
        lines.push(match parts.is_empty() {
            true => "it ended before it could be looked at: what it held is not known".to_owned(),
            false => format!("it held {}", parts.join("; ")),
        });
        match (self.speaks_for(), self.survived) {
            (Some(limit), _) => lines.push(format!(
                "this start lives within {limit}; one run is one sample, and says nothing of load: why137 measure"
            )),
            (None, false) if !self.goes_on => lines.push(format!(
                "its limit is {} again; the need is above {}, or it grows without end",
                self.limit_after, self.limit
            )),
            (None, _) => {}
        }
        lines
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "limit_bytes": self.limit,
            "survived": self.survived,
            "watched_seconds": self.lived,
            "how": self.how,
            "held_bytes": self.held,
            "peak_bytes": self.peak,
            "kills": self.kills,
            "limit_after_bytes": self.limit_after,
            "start_lives_within_bytes": self.speaks_for(),
        })
    }
}

/// Starts it once and watches.
///
/// # Errors
/// It could not be started, or the daemon could not be asked.
pub(super) fn run(
    printer: &Printer,
    arguments: &GuardArgs,
    plan: &Plan,
    trial: &Trial,
    stop: &Stop,
    consent: &Consent,
) -> anyhow::Result<Tried> {
    let wanted = daemon::wanted(&arguments.daemon, plan.id.clone(), explain::now()?);
    plan.daemon.start(&plan.id, &plan.name, consent)?;
    let began = Instant::now();
    let mut seen = Most::default();
    let mut watch = None;
    loop {
        printer.progress("watching one run");
        let life = plan.daemon.life(&plan.id, &plan.name)?;
        let lived = began.elapsed().as_secs_f64();
        if watch.is_none() && life.is_running() {
            watch = Watch::of_container(wanted.clone(), &mut |_| {}).ok();
        }
        if let Some(Seen::Alive(sample)) = watch.as_mut().map(Watch::look) {
            seen.take(sample.firm(), sample.peak, sample.whole.kills);
        }
        let end = ending(&life, lived, trial.watch_seconds, seen.kills);
        if let Some((survived, how)) = end {
            let how = if survived || life.is_running() {
                how
            } else {
                let (why, held) = why(&wanted, printer);
                // The looks before the end saw less than the kernel's report of it.
                seen.take(held, held, None);
                format!("{how}; {why}")
            };
            return Ok(seen.tried(trial, lived, survived, how, false));
        }
        if stop.came_within(PAUSE) {
            let how = "Ctrl-C ended the watch, and it runs on with this limit".to_owned();
            return Ok(seen.tried(trial, began.elapsed().as_secs_f64(), false, how, true));
        }
    }
}

/// Whether the run is over, survived or not.
fn ending(life: &Life, lived: f64, watched: f64, kills: Option<u64>) -> Option<(bool, String)> {
    let killed = kills.filter(|kills| *kills > 0);
    let past = "it runs, past twice the oldest age at which it died";
    if !life.is_running() {
        return Some(match life.exit_code {
            Some(0) if !life.oom_killed => (true, "it ended by itself with 0".to_owned()),
            Some(code) => (false, format!("it ended with {code}")),
            None => (false, "it ended".to_owned()),
        });
    }
    let due = lived > watched;
    match (life.health.as_deref(), killed) {
        (Some("healthy"), None) => Some((true, "its health check passed".to_owned())),
        (_, Some(kills)) if due => {
            Some((false, format!("it runs, and {kills} of its processes were killed")))
        }
        (_, None) if due => Some((true, past.to_owned())),
        (_, _) => None,
    }
}

/// Who ended it, by the rules; and what it held then, where the kernel tells.
fn why(wanted: &evidence::Wanted, printer: &Printer) -> (String, Option<Bytes>) {
    let case = evidence::gather_container(wanted, &mut |doing| printer.progress(doing));
    let verdict = case.ok().map(|case| judge::explain(&case, wanted.now));
    match verdict {
        Some(verdict) if verdict.killer.is_kernel_oom() => {
            let limit = verdict.limit.and_then(casefile::Limit::bytes);
            let at = limit.map_or_else(String::new, |limit| format!(", at {limit}"));
            (format!("the kernel killed it for want of memory{at}"), verdict.usage)
        }
        Some(verdict) => (format!("by why137's rules: {}", verdict.killer.word()), None),
        None => ("why is not known".to_owned(), None),
    }
}

/// The most that was seen.
#[derive(Debug, Default)]
struct Most {
    held: Option<Bytes>,
    peak: Option<Bytes>,
    kills: Option<u64>,
}

impl Most {
    fn take(&mut self, held: Option<Bytes>, peak: Option<Bytes>, kills: Option<u64>) {
        self.held = self.held.max(held);
        self.peak = self.peak.max(peak);
        self.kills = self.kills.max(kills);
    }

    fn tried(self, trial: &Trial, lived: f64, survived: bool, how: String, goes_on: bool) -> Tried {
        Tried {
            limit: trial.limit,
            lived,
            survived,
            goes_on,
            how,
            held: self.held,
            peak: self.peak,
            kills: self.kills,
            limit_after: trial.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(status: &str, exit_code: Option<i64>, health: Option<&str>) -> Life {
        let health = health.map(str::to_owned);
        Life { status: status.to_owned(), exit_code, health, ..Life::default() }
    }

    #[test]
    fn a_run_survives_by_its_health_or_by_twice_its_age_or_by_an_end_that_is_well() {
        let running = |health| life("running", Some(0), health);
        let survived = |end: Option<(bool, String)>| end.map(|(survived, _)| survived);
        assert_eq!(survived(ending(&running(None), 3.0, 5.0, None)), None);
        assert_eq!(survived(ending(&running(None), 5.1, 5.0, Some(0))), Some(true));
        assert_eq!(survived(ending(&running(Some("starting")), 3.0, 5.0, None)), None);
        assert_eq!(survived(ending(&running(Some("healthy")), 3.0, 5.0, None)), Some(true));
        assert_eq!(survived(ending(&running(None), 5.1, 5.0, Some(2))), Some(false));
        let ended = |code| life("exited", Some(code), None);
        assert_eq!(survived(ending(&ended(0), 0.1, 5.0, None)), Some(true));
        assert_eq!(survived(ending(&ended(137), 0.1, 5.0, None)), Some(false));
        let wrapped = Life { oom_killed: true, ..ended(0) };
        assert_eq!(survived(ending(&wrapped, 0.1, 5.0, None)), Some(false));
    }

    #[test]
    fn a_survived_run_speaks_for_a_tenth_above_its_peak_and_never_for_more_than_it_had() {
        let mut tried = Tried {
            limit: Bytes(128 << 20),
            lived: 5.0,
            survived: true,
            goes_on: false,
            how: String::new(),
            held: Some(Bytes(80 << 20)),
            peak: Some(Bytes(90 << 20)),
            kills: Some(0),
            limit_after: Bytes(128 << 20),
        };
        assert_eq!(tried.speaks_for(), Some(Bytes(104 << 20)));
        tried.peak = Some(Bytes(127 << 20));
        assert_eq!(tried.speaks_for(), Some(Bytes(128 << 20)));
        tried.survived = false;
        assert_eq!(tried.speaks_for(), None);
        assert!(tried.lines().iter().any(|line| line.contains("again")));
    }
}
