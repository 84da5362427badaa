//! The watch itself: a look, a wait, until the time is over, the load has ended, it is gone, or Ctrl-C.
//!
//! Ctrl-C and SIGTERM give the answer so far. A container that restarts is followed on; while it is down there
//! is nothing to look at, and that is no look.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use casefile::Bytes;
use evidence::GatherError;
use evidence::live::Scope;
use evidence::watch::{self, LifeEnd, Sample, Watch};
use nix::sys::signal::Signal;
use sizing::shape::Shape;
use sizing::verify::{Load, Look, Watched};

use super::load::{Log, Running};
use super::tally::Tally;
use super::{WatchArgs, live, open};
use crate::commands::audit::watch::Stop;
use crate::commands::{daemon, explain};
use crate::failure::{Failure, NOTHING};
use crate::printer::Printer;

/// Between two looks, where nobody says.
const PAUSE: Duration = Duration::from_secs(1);
/// The same at the beginning, where start-up peaks lie.
const EARLY_PAUSE: Duration = Duration::from_millis(200);
/// The beginning of the watch, and of each life.
const EARLY: Duration = Duration::from_secs(30);
/// How long, where nobody says and no load ends it.
const USUAL: Duration = Duration::from_secs(600);
/// So often the load is looked at.
const SLICE: Duration = Duration::from_millis(100);

/// All that was seen.
pub(crate) struct Seen {
    /// Its name, where it is a container.
    pub(crate) name: Option<String>,
    /// Its id, the same.
    pub(crate) id: Option<String>,
    /// The pid of its main process, in its last life.
    pub(crate) pid: u32,
    /// Which processes are meant.
    pub(crate) scope: &'static str,
    /// Where they are counted.
    pub(crate) cgroup: String,
    /// 1 or 2.
    pub(crate) version: u8,
    /// When it began.
    pub(crate) began_at: String,
    /// The looks, oldest first.
    pub(crate) looks: Vec<Look>,
    /// How lives ended.
    pub(crate) ends: Vec<LifeEnd>,
    /// How it ended, if nobody started it again.
    pub(crate) ended: Option<String>,
    /// What ended the watch.
    pub(crate) stopped_by: &'static str,
    /// The load command, if one ran.
    pub(crate) load: Option<Load>,
    /// How requests were counted.
    pub(crate) counted_by: Option<&'static str>,
    /// Who told of collections.
    pub(crate) collected_by: Option<&'static str>,
}

/// Watches.
pub(crate) fn watch(
    printer: &Printer,
    arguments: &WatchArgs,
    doing: &'static str,
) -> anyhow::Result<Seen> {
    let log = arguments.requests.as_deref().map(Log::open).transpose()?;
    let watch = begin(printer, arguments)?;
    if let Some(path) = &arguments.save {
        // Ten minutes of looks are not lost to a folder that is not there; what is in it stays until then.
        open(path, false)?;
    }
    let stop = Stop::take(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;
    let mut under_way = UnderWay {
        printer,
        arguments,
        doing,
        watch,
        log,
        load: None,
        looks: Vec::new(),
        last: None,
        life_began: Instant::now(),
        ended: None,
    };
    // The first look is before the load.
    under_way.look();
    if !arguments.load.is_empty() {
        under_way.load = Some(Running::start(&arguments.load)?);
    }
    let stopped_by = under_way.until_the_end(&stop);
    under_way.finish(stopped_by)
}

fn begin(printer: &Printer, arguments: &WatchArgs) -> anyhow::Result<Watch> {
    let found = match (arguments.pid, &arguments.what) {
        (Some(pid), _) => Watch::of_process(pid),
        (None, name) => {
            let name = name.clone().unwrap_or_default();
            let wanted = daemon::wanted(&arguments.daemon, name, explain::now()?);
            Watch::of_container(wanted, &mut |doing| printer.progress(doing))
        }
    };
    Ok(found.map_err(|error| not_watched(&error))?)
}

/// Only what runs here can be watched; what else there is to do is this command's to say.
fn not_watched(error: &GatherError) -> Failure {
    let hint = match error {
        GatherError::NotRunning { name, .. } => {
            let name = report::escape::shell_word(name);
            format!(
                "`why137 explain {name}` tells how it ended; `docker start {name}` starts it again, and then it can be watched"
            )
        }
        GatherError::OutOfSight { .. } => {
            "run why137 as root on the machine where it runs, in that machine's own pid namespace"
                .to_owned()
        }
        _ => return explain::not_gathered(error),
    };
    Failure::new(NOTHING, error.to_string()).hint(hint)
}

struct UnderWay<'a> {
    printer: &'a Printer,
    arguments: &'a WatchArgs,
    doing: &'static str,
    watch: Watch,
    log: Option<Log>,
    load: Option<Running>,
    looks: Vec<Look>,
    last: Option<Sample>,
    life_began: Instant,
    ended: Option<String>,
}

impl UnderWay<'_> {
    fn until_the_end(&mut self, stop: &Stop) -> &'static str {
        let began = Instant::now();
        let has_load = self.load.is_some();
        let at_most = self.arguments.at_most.or((!has_load).then_some(USUAL));
        let mut next = began + self.pause();
        loop {
            let end = at_most.and_then(|time| began.checked_add(time));
            let wake = end.map_or(next, |end| end.min(next));
            let rest = wake.saturating_duration_since(Instant::now());
            if stop.came_within(if has_load { rest.min(SLICE) } else { rest }) {
                self.look();
                return "signal";
            }
            self.pass_lines_on();
            if self.load.as_mut().is_some_and(Running::has_ended) {
                self.look();
                return "load";
            }
            let now = Instant::now();
            if now >= next {
                self.look();
                next = (next + self.pause()).max(now);
            }
            if self.ended.is_some() {
                return "end";
            }
            if end.is_some_and(|end| now >= end) {
                self.look();
                return "time";
            }
        }
    }

    fn pause(&self) -> Duration {
        // Processes among strangers are read one by one, and stand still meanwhile.
        let is_cheap = self.watch.running().scope != Scope::Tree;
        let early = is_cheap && self.life_began.elapsed() < EARLY;
        self.arguments.every.unwrap_or(if early { EARLY_PAUSE } else { PAUSE })
    }

    fn look(&mut self) {
        match self.watch.look() {
            watch::Seen::Alive(sample) => {
                if self.last.is_some_and(|last| last.life != sample.life) {
                    self.life_began = Instant::now();
                }
                let look = self.look_of(&sample);
                // Two looks of one moment say nothing.
                if self.looks.last().is_none_or(|last| look.t_s > last.t_s + 0.001) {
                    self.looks.push(look);
                }
                self.last = Some(sample);
            }
            watch::Seen::Waiting(_) => {}
            watch::Seen::Ended(why) => self.note_the_end(why),
        }
        if std::io::stderr().is_terminal() {
            let name = called(&self.watch);
            let width = self.printer.page_aside(false).width;
            self.printer.progress(&live::line(self.doing, &name, &self.looks, width));
        }
    }

    /// What the last look could not see: who was killed after it. Nothing is held any more.
    fn note_the_end(&mut self, why: String) {
        self.ended = Some(why);
        let Some(last) = self.looks.last() else { return };
        // Counts lie far below 2^53.
        let (kills, hits) = (self.watch.kills(), self.watch.limit_hits());
        let (kills, limit_hits) = (kills.map(|it| it as f64), hits.map(|it| it as f64));
        if kills != last.kills {
            let t_s = self.watch.elapsed().as_secs_f64();
            let (limit_bytes, life) = (last.limit_bytes, last.life);
            let look = Look { t_s, limit_bytes, life, kills, limit_hits, ..Look::default() };
            self.looks.push(look);
        }
    }

    fn look_of(&mut self, sample: &Sample) -> Look {
        let mut look = of_sample(sample);
        let from_log = self.log.as_mut().map(|log| log.tally().clone());
        if let Some(tally) = from_log.or_else(|| self.load.as_ref().map(Running::tally)) {
            count(&mut look, &tally);
        }
        look
    }

    fn pass_lines_on(&self) {
        let lines = self.load.as_ref().map(Running::lines).unwrap_or_default();
        show(self.printer, &lines);
    }

    fn finish(mut self, stopped_by: &'static str) -> anyhow::Result<Seen> {
        let mut from_load = None;
        let load = self.load.take().map(|load| {
            let (load, tally, lines) = load.finish();
            show(self.printer, &lines);
            from_load = Some(tally);
            load
        });
        let tally = self.log.as_mut().map(|log| log.tally().clone()).or(from_load);
        if let Some(tally) = &tally {
            // What was counted after the last look; a log or load of which nothing came is of 0 requests.
            if let Some(last) = self.looks.last_mut() {
                count(last, tally);
            }
            if tally.requests().is_none() {
                self.looks.iter_mut().for_each(|look| look.requests = None);
            }
        }
        if self.looks.is_empty() {
            let because = self.ended.unwrap_or_else(|| "it does not run any more".to_owned());
            let name = called(&self.watch);
            let asked = self.arguments.asked();
            return Err(Failure::new(NOTHING, format!("nothing of `{name}` was seen: {because}"))
                .hint(format!("`why137 explain {asked}` tells how it ended"))
                .into());
        }
        let collected_by = self.collections();
        let running = self.watch.running();
        Ok(Seen {
            collected_by,
            name: running.name.clone(),
            id: running.id.as_ref().map(ToString::to_string),
            pid: running.pid,
            scope: running.scope.word(),
            cgroup: running.cgroup.to_string(),
            version: self.watch.version(),
            began_at: self.watch.began_at().0.to_string(),
            ends: self.watch.ends().to_vec(),
            looks: self.looks,
            ended: self.ended,
            stopped_by,
            load,
            counted_by: tally.filter(|it| it.requests().is_some()).map(|it| it.counted_by()),
        })
    }
}

impl UnderWay<'_> {
    /// Where no JVM told of its collections: by what the program printed of them, in its log or to its daemon.
    fn collections(&mut self) -> Option<&'static str> {
        if self.looks.iter().any(|look| look.gc_s.is_some()) {
            return Some("the JVM's own counters");
        }
        let by_log = self.log.as_mut().and_then(|log| log.tally().collected());
        let (seconds, by) = by_log.or_else(|| {
            let mut tally = Tally::default();
            for line in self.watch.printed()?.lines() {
                tally.take(line);
            }
            tally.collected()
        })?;
        // As a counter, so that a table of the looks tells it too.
        self.looks.first_mut()?.gc_s = Some(0.0);
        self.looks.last_mut()?.gc_s = Some(seconds);
        Some(by)
    }
}

fn called(watch: &Watch) -> String {
    let running = watch.running();
    running.name.clone().unwrap_or_else(|| format!("pid {}", running.pid))
}

fn show(printer: &Printer, lines: &[String]) {
    for line in lines {
        printer.aside(&format!("{}\n", report::escape::terminal(line)), false);
    }
}

/// Requests and latencies until now.
fn count(look: &mut Look, tally: &Tally) {
    // No count of requests comes near 2^53.
    look.requests = tally.requests().map(|count| count as f64).or(look.requests);
    look.latency_p50_ms = tally.latency(0.5);
    look.latency_p99_ms = tally.latency(0.99);
}

/// A sample as a row of the table.
fn of_sample(sample: &Sample) -> Look {
    // Amounts of memory and counts lie far below 2^53.
    let bytes = |bytes: Option<Bytes>| bytes.map(|it| it.0 as f64);
    let count = |count: Option<u64>| count.map(|it| it as f64);
    let time = |time: Option<Duration>| time.map(|it| it.as_secs_f64());
    let (holds, whole) = (&sample.holds, &sample.whole);
    Look {
        t_s: sample.at.as_secs_f64(),
        mem_bytes: bytes(sample.mem()),
        limit_bytes: bytes(sample.limit),
        usage_bytes: bytes(holds.usage),
        anon_bytes: bytes(holds.anon),
        file_bytes: bytes(holds.file),
        active_file_bytes: bytes(sample.active_file),
        shmem_bytes: bytes(holds.shmem),
        kernel_bytes: bytes(holds.kernel),
        peak_bytes: bytes(sample.peak),
        requests: None,
        kills: count(whole.kills),
        life: Some(f64::from(sample.life)),
        firm_bytes: bytes(sample.firm()),
        swap_bytes: bytes(sample.swap),
        age_s: time(sample.age),
        limit_hits: count(whole.limit_hits),
        stalled_some_s: time(whole.stalled_some),
        stalled_full_s: time(whole.stalled_full),
        refaults_anon: count(whole.refaults_anon),
        refaults_file: count(whole.refaults_file),
        major_faults: count(whole.major_faults),
        scanned: count(whole.scanned),
        reclaimed: count(whole.reclaimed),
        cpu_s: time(whole.cpu),
        gc_s: time(whole.gc),
        latency_p50_ms: None,
        latency_p99_ms: None,
    }
}

impl Seen {
    /// As a person would call it.
    pub(crate) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("pid {}", self.pid))
    }

    /// Summed up.
    pub(crate) fn watched(&self, shape: &Shape) -> Watched {
        let last = self.ends.last().and_then(|end| end.code);
        Watched {
            ended: self.ended.clone(),
            ended_well: last == Some(0) && self.ended.is_some(),
            ..Watched::of(&self.looks, self.load, Some(shape))
        }
    }
}
