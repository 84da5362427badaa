//! The verdict on two stretches of time.
//!
//! In this order: a kill or an end answers at once; then whether there was enough to judge; then whether what
//! is left is room, or only time; then what it costs. The first that speaks decides, and all of its kind are told.

use casefile::Bytes;
use serde::Serialize;

use super::limits;
use super::watched::Watched;

/// Whether a change worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It ran under load for long enough, and nothing speaks against it.
    Holds,
    /// It was killed, ended, or is going to be.
    DoesNotHold,
    /// Nothing is killed, and it costs more: collections, processor time, waiting.
    MovedTheCost,
    /// Not enough was seen.
    TooEarly,
}

impl Verdict {
    /// As in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does_not_hold",
            Self::MovedTheCost => "moved_the_cost",
            Self::TooEarly => "too_early",
        }
    }

    /// As a person would say it.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::MovedTheCost => "moved the cost",
            Self::TooEarly => "too early to say",
        }
    }
}

/// A verdict and its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, each with its figures.
    pub because: Vec<String>,
    /// What could not be compared, and why.
    pub not_known: Vec<String>,
}

/// Judges the stretch after a change, beside the one before it where that was watched.
#[must_use]
pub fn judge(before: Option<&Watched>, after: &Watched) -> Judged {
    let not_known = not_known(before, after);
    let told = |verdict, because| Judged { verdict, because, not_known: not_known.clone() };
    let failed = failed(after);
    if !failed.is_empty() {
        return told(Verdict::DoesNotHold, failed);
    }
    let early = too_early(before, after);
    if !early.is_empty() {
        return told(Verdict::TooEarly, early);
    }
    let doomed = doomed(after);
    if !doomed.is_empty() {
        return told(Verdict::DoesNotHold, doomed);
    }
    let mut moved = costs(before, after);
    moved.extend(waits(before, after));
    if !moved.is_empty() {
        return told(Verdict::MovedTheCost, moved);
    }
    told(Verdict::Holds, vec![held(before, after)])
}

/// What ended or was killed.
fn failed(after: &Watched) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(kills) = after.kills.filter(|kills| *kills > 0.0) {
        let when = after.first_kill_after_s;
        let when = when.map_or(String::new(), |at| format!(", the first after {}", time(at)));
        all.push(format!("{kills:.0} {} by an OOM killer{when}", plural(kills, "kill")));
    } else if after.lives > 1 {
        let more = f64::from(after.lives - 1);
        let plural = plural(more, "time");
        all.push(format!("it ended and was started again {more:.0} {plural} meanwhile"));
    }
    if let Some(how) = after.ended.as_ref().filter(|_| !after.ended_well) {
        all.push(format!("it does not run any more: {how}"));
    }
    all
}

/// What is missing for a verdict.
fn too_early(before: Option<&Watched>, after: &Watched) -> Vec<String> {
    let mut all = Vec::new();
    let needed = least_span(before);
    if !after.ended_well && after.span_s < needed {
        let why = match before.and_then(|it| it.first_kill_after_s) {
            Some(kill) if kill * limits::OUTLIVE >= needed => {
                format!(" (twice the {} after which it was killed before)", time(kill))
            }
            _ => String::new(),
        };
        all.push(format!("watched for {}; at least {}{why}", time(after.span_s), time(needed)));
    }
    if after.looks < limits::LEAST_LOOKS {
        all.push(format!("{} looks; at least {}", after.looks, limits::LEAST_LOOKS));
    }
    if after.peak_mem_bytes.is_none() {
        all.push("its memory was not seen".to_owned());
    }
    if let Some(growth) = after.growth.filter(|it| !it.is_leak && it.left_s <= limits::GROWN_WITHIN)
    {
        all.push(format!(
            "what it holds still grows, by {}/min; whether it comes to rest before its limit is full, in {}, is not seen yet",
            bytes(growth.per_s * 60.0),
            time(growth.left_s)
        ));
    }
    all.extend(no_load(before, after));
    all
}

/// Seconds that must have been watched.
fn least_span(before: Option<&Watched>) -> f64 {
    let kill = before.and_then(|it| it.first_kill_after_s);
    kill.map_or(0.0, |kill| kill * limits::OUTLIVE).max(limits::LEAST_SPAN)
}

/// Why the load is not enough to judge by.
fn no_load(before: Option<&Watched>, after: &Watched) -> Option<String> {
    if let Some(load) = after.load.filter(|load| !load.was_cut && load.code != Some(0)) {
        let how = load.code.map_or("was killed".to_owned(), |code| format!("ended with {code}"));
        return Some(format!("the load command {how}: it proves nothing"));
    }
    let of = |watched: &Watched| watched.requests_per_s.filter(|rate| *rate > 0.0);
    let rates = before.and_then(of).zip(after.requests_per_s);
    if let Some((then, now)) = rates.filter(|(then, now)| *now < then * limits::LEAST_LOAD) {
        return Some(format!(
            "{now:.1} requests/s, and {then:.1} before: it was not under that load"
        ));
    }
    if after.requests.is_some_and(|count| count >= limits::LEAST_REQUESTS) || after.ended_well {
        return None;
    }
    if let Some(count) = after.requests {
        let least = limits::LEAST_REQUESTS;
        return Some(format!("{count:.0} requests were counted; at least {least:.0}"));
    }
    if let Some(load) = after.load.filter(|load| load.wall_s >= limits::LEAST_SPAN) {
        return is_idle(after).then(|| {
            format!(
                "the load command ran for {}, and the container did no work: {:.3} processors in use, and what it holds did not move; nothing shows that it was under load",
                time(load.wall_s),
                after.cpus.unwrap_or_default()
            )
        });
    }
    // Whatever the load is, it takes processor time.
    let busy = before.and_then(|it| it.cpus).zip(after.cpus);
    if let Some((then, now)) = busy.filter(|(then, _)| *then >= 0.01) {
        return (now < then * limits::LEAST_LOAD).then(|| {
            format!("{now:.2} processors in use, and {then:.2} before: it was not under that load")
        });
    }
    Some(
        "no load was seen: give the load command behind `--`, or count requests with --requests"
            .to_owned(),
    )
}

/// It neither computed nor took or gave back memory.
fn is_idle(after: &Watched) -> bool {
    let still = after.peak_mem_bytes.zip(after.least_mem_bytes);
    let still = still.is_some_and(|(most, least)| {
        most - least < (most * limits::STILL).max(limits::STILL_BYTES)
    });
    still && after.cpus.is_some_and(|cpus| cpus < limits::IDLE)
}

/// What is going to end it.
fn doomed(after: &Watched) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(growth) = after.growth.filter(|it| it.is_leak && it.left_s <= limits::GROWN_WITHIN)
    {
        all.push(format!(
            "it grows like a leak, by {}/min: at that rate its limit is full in {}, and a larger one only later",
            bytes(growth.per_s * 60.0),
            time(growth.left_s)
        ));
    }
    let limit = after.limit_bytes.unwrap_or(0.0);
    if let Some(free) = after.headroom().filter(|free| *free < limits::HEADROOM) {
        all.push(format!(
            "{} of {} were free at the worst moment ({:.1} %); at least {:.0} %",
            bytes(free.max(0.0) * limit),
            bytes(limit),
            free.max(0.0) * 100.0,
            limits::HEADROOM * 100.0
        ));
    }
    if let Some(pages) = after.refaults_file_per_s.filter(|_| after.is_stuck()) {
        all.push(format!(
            "it is stuck at its limit: {pages:.0} pages of files are read again per second, its own code among them"
        ));
    }
    if let Some(share) = after.stalled_full.filter(|share| *share >= limits::STALLED_FULL) {
        all.push(format!("it stood still for {} of the time, waiting for memory", percent(share)));
    }
    all
}

/// What works more for the same.
fn costs(before: Option<&Watched>, after: &Watched) -> Vec<String> {
    let mut all = Vec::new();
    let then = |field: fn(&Watched) -> Option<f64>| before.and_then(field);
    if let Some(now) = after.gc_share {
        match then(|it| it.gc_share) {
            Some(then)
                if (now >= limits::GC_SHARE && now >= then * limits::DOUBLED)
                    || (now >= limits::GC_ALONE && now >= then * limits::GC_RATIO) =>
            {
                all.push(format!(
                    "collections take {} of the time; before {}",
                    percent(now),
                    percent(then)
                ));
            }
            None if now >= limits::GC_ALONE => {
                all.push(format!("collections take {} of the time", percent(now)));
            }
            Some(_) | None => {}
        }
    }
    let enough = |it: &Watched| it.requests.is_some_and(|count| count >= limits::LEAST_REQUESTS);
    let counted = enough(after) && before.is_some_and(enough);
    let each = then(|it| it.cpu_ms_per_request).zip(after.cpu_ms_per_request).filter(|_| counted);
    if let Some((then, now)) = each.filter(|(then, now)| *now >= then * limits::CPU_RATIO) {
        all.push(format!("{now:.2} ms of processor time per request; before {then:.2} ms"));
    }
    all
}

/// Who waits longer.
fn waits(before: Option<&Watched>, after: &Watched) -> Vec<String> {
    let mut all = Vec::new();
    let both = |field: fn(&Watched) -> Option<f64>| before.and_then(field).zip(field(after));
    let worse =
        |(then, now): (f64, f64), ratio: f64, more: f64| now >= then * ratio && now >= then + more;
    let median = |it: &(f64, f64)| worse(*it, limits::MEDIAN_RATIO, limits::MEDIAN_MORE);
    if let Some((then, now)) = both(|it| it.latency_p50_ms).filter(median) {
        all.push(format!("median latency {now:.1} ms; before {then:.1} ms"));
    }
    let slowest = |it: &(f64, f64)| worse(*it, limits::SLOWEST_RATIO, limits::SLOWEST_MORE);
    if let Some((then, now)) = both(|it| it.latency_p99_ms).filter(slowest) {
        all.push(format!("the slowest hundredth of the requests {now:.1} ms; before {then:.1} ms"));
    }
    // A load that was timed itself says it better.
    let is_told = both(|it| it.latency_p50_ms).is_some();
    if let Some((then, now)) =
        both(Watched::wall_ms_per_request).filter(median).filter(|_| !is_told)
    {
        all.push(format!("{now:.1} ms of the load's time per request; before {then:.1} ms"));
    }
    let doubled =
        |(then, now): &(f64, f64), least: f64| *now >= least && *now >= then * limits::DOUBLED;
    if let Some((then, now)) =
        both(|it| it.stalled_some).filter(|it| doubled(it, limits::STALLED_SOME))
    {
        let (now, then) = (percent(now), percent(then));
        all.push(format!("waiting for memory {now} of the time; before {then}"));
    }
    let alone = after.stalled_some.filter(|_| before.and_then(|it| it.stalled_some).is_none());
    if let Some(now) = alone.filter(|share| *share >= limits::STALLED_ALONE) {
        all.push(format!("waiting for memory {} of the time", percent(now)));
    }
    if let Some((then, now)) =
        both(|it| it.refaults_file_per_s).filter(|it| doubled(it, limits::REFAULTS_FILE))
    {
        all.push(format!("{now:.0} pages of files read again per second; before {then:.0}"));
    }
    if let Some((then, now)) =
        both(|it| it.refaults_anon_per_s).filter(|it| doubled(it, limits::REFAULTS_ANON))
    {
        all.push(format!("{now:.0} pages brought back from swap per second; before {then:.0}"));
    }
    all
}

/// The good news, with what it rests on.
fn held(before: Option<&Watched>, after: &Watched) -> String {
    let mut text = format!("{} under load", time(after.span_s));
    if let Some(requests) = after.requests {
        text.push_str(&format!(", {requests:.0} requests"));
    }
    text.push_str(match after.kills {
        Some(_) => ", no kill",
        None => ", it lives",
    });
    if let Some(kills) = before.and_then(|it| it.kills).filter(|kills| *kills > 0.0) {
        text.push_str(&format!(" ({kills:.0} before)"));
    }
    if let Some((peak, limit)) =
        after.peak_firm_bytes.or(after.peak_mem_bytes).zip(after.limit_bytes)
    {
        text.push_str(&format!(", peak {} of {}", bytes(peak), bytes(limit)));
    }
    if let Some(share) = after.stalled_some {
        text.push_str(&format!(", {} of the time waiting for memory", percent(share)));
    }
    if let Some(now) = after.latency_p99_ms {
        let then = before.and_then(|it| it.latency_p99_ms);
        let then = then.map_or(String::new(), |then| format!(" ({then:.1} before)"));
        text.push_str(&format!(", 99 of 100 requests within {now:.1} ms{then}"));
    }
    text
}

/// What would have been compared.
fn not_known(before: Option<&Watched>, after: &Watched) -> Vec<String> {
    let mut all = Vec::new();
    if after.load.is_some() && after.requests.is_none() {
        all.push("how much of the load reached it: it counted no requests".to_owned());
    }
    let Some(before) = before else {
        all.push("what it cost before: there is no earlier measure to compare with".to_owned());
        return all;
    };
    let mut part = |what: &str, field: fn(&Watched) -> Option<f64>| match (
        field(before).is_some(),
        field(after).is_some(),
    ) {
        (true, true) => {}
        (false, true) => all.push(format!("{what}: not measured before")),
        (true, false) => all.push(format!("{what}: not measured now")),
        (false, false) => all.push(format!("{what}: not measured")),
    };
    part("kills", |it| it.kills);
    part("waiting for memory", |it| it.stalled_some);
    part("processor time per request", |it| it.cpu_ms_per_request);
    part("latency", |it| it.latency_p50_ms.or_else(|| it.wall_ms_per_request()));
    // Of programs that have no collector to be asked there is nothing to miss.
    if before.gc_share.is_some() || after.gc_share.is_some() {
        part("collections", |it| it.gc_share);
    }
    all
}

/// `4.2 MiB`.
fn bytes(count: f64) -> String {
    // Beyond 2^64 a float is cut to it; below 0 there is nothing.
    Bytes(count.max(0.0) as u64).to_string()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `12 s`, `3.5 min`, `2.0 h`.
fn time(seconds: f64) -> String {
    match seconds {
        short if short < 120.0 => format!("{short:.0} s"),
        middle if middle < 7200.0 => format!("{:.1} min", middle / 60.0),
        long => format!("{:.1} h", long / 3600.0),
    }
}

fn plural(count: f64, noun: &str) -> String {
    if count == 1.0 { noun.to_owned() } else { format!("{noun}s") }
}

#[cfg(test)]
mod tests;
