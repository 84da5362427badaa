//! The page of the sizing bench: tables in Markdown, printed and saved alike. Nothing is counted here.

use std::process::Command;

use anyhow::Result;
use sizing::policy::named;
use sizing::replay::Score;
use sizing::replay::curve::Curve;

use super::after_kill::{Cut, Row as Kills};
use super::calibration::{Hits, STATED};
use super::equal::Beside;
use super::percent;
use super::scale::Row;
use super::sets::Set;

/// The parts of the page so far.
#[derive(Debug, Default)]
pub(super) struct Page {
    parts: Vec<String>,
    is_equal_told: bool,
    is_kill_told: bool,
}

impl Page {
    /// The tables alone.
    pub(super) fn text(&self) -> String {
        self.parts.join("\n")
    }

    /// With its head.
    pub(super) fn whole(&self) -> Result<String> {
        let date = Command::new("date").args(["-u", "+%F"]).output()?.stdout;
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let load = std::fs::read_to_string("/proc/loadavg")?;
        Ok(format!(
            "# Sizing: what the limits cost, and how often they are hit\n\n\
             Written by `cargo xtask bench sizing --save` on {}, {} cores, kernel {}, load {} at the end. Every rule\n\
             sees the same samples, never one that lies after its decision, and none above the limit it set itself.\n\n{}",
            String::from_utf8_lossy(&date).trim(),
            std::thread::available_parallelism()?,
            release.trim(),
            load.split_whitespace().next().unwrap_or("?"),
            self.text()
        ))
    }

    fn table(&mut self, title: &str, said: &str, head: &[&str], rows: &[Vec<String>]) {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = if title.is_empty() { String::new() } else { format!("## {title}\n\n") };
        if !said.is_empty() {
            text.push_str(&format!("{said}\n\n"));
        }
        text.push_str(&line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()));
        text.push_str(&format!("|{}\n", " --- |".repeat(head.len())));
        rows.iter().for_each(|row| text.push_str(&line(row)));
        self.parts.push(text);
    }

    pub(super) fn sets(&mut self, sets: &[Set]) {
        let rows = sets.iter().map(|set| {
            let samples: usize = set.series.iter().map(|series| series.points.len()).sum();
            let unit = set.series.first().map_or("", |series| series.unit.word());
            vec![
                set.name.to_owned(),
                set.which.to_owned(),
                set.series.len().to_string(),
                samples.to_string(),
                unit.to_owned(),
            ]
        });
        let said = "A set in percent or as a fraction does not tell of what: there the floors of the rules in bytes\n\
                    (250 MiB, 100 MiB, 20 MiB) do not apply, and a bucket is a thousandth of the whole.";
        let head = ["set", "series", "number", "samples", "unit"];
        self.table("The traces", said, &head, &rows.collect::<Vec<_>>());
        let rows = named::all().map(|named| {
            vec![named.word.to_owned(), named.does.to_owned(), named.source.to_owned()]
        });
        self.table("The rules", "", &["rule", "what it does", "where that was read"], &rows);
    }

    pub(super) fn equal(
        &mut self,
        set: &Set,
        beside: &[Beside],
        (ours, left_out): (&Curve, &Curve),
        usual: Option<Score>,
    ) {
        let rows: Vec<Vec<String>> = beside.iter().map(beside_row).collect();
        let days = beside.first().map_or(0, |peer| peer.score.days);
        let title = format!("Slack where as many days have a kill: {}", set.name);
        let mut said = String::new();
        if !self.is_equal_told {
            said.push_str(
                "Hourly decisions; a sample above the limit is a kill, and the rule never learns what was wanted. Slack\n\
                 is the part of the limit that was not used, averaged over samples, then over days of containers.\n\
                 *Ours* is read off our curve at the peer's own part of days with a kill, by a straight line between two\n\
                 settings; *less* is ours minus theirs in percentage points, with 95 of 100 draws of the series (200\n\
                 draws, the same for both). *Left out*: ours with constants that were found without this set. `-`: no setting\n\
                 of ours is hit as seldom. *Unused* is by memory, not by day.\n\
                 Our curve takes the best of its settings at each level, with hindsight, and the constants of *ours* were found on\n\
                 these sets, as was which settings it has; *left out* lacks the second advantage only, and its search began at the\n\
                 constants of all.\n\n",
            );
            self.is_equal_told = true;
        }
        said.push_str(&format!("{days} days of {} series: {}.", set.series.len(), set.which));
        if let Some(aim) = set.aim {
            said.push_str(&format!(
                " The aim: {}; reached: {} % (left out {} %).",
                aim.said,
                ours.slack_at(aim.oom_days).map_or_else(|| "-".to_owned(), percent),
                left_out.slack_at(aim.oom_days).map_or_else(|| "-".to_owned(), percent)
            ));
        }
        if let Some(usual) = usual {
            said.push_str(&format!(
                "\n`why137 size` takes the setting with {} % of days with a kill at {} % slack ({} % unused).",
                percent(usual.oom_days),
                percent(usual.slack),
                percent(usual.unused)
            ));
        }
        let head = [
            "rule",
            "days with a kill %",
            "kills a day",
            "slack %",
            "unused %",
            "ours %",
            "less",
            "left out %",
        ];
        self.table(&title, &said, &head, &rows);
        let points = ours.points().iter().filter(|point| point.0 <= 0.6);
        let points: Vec<String> =
            points.map(|point| format!("{}:{}", percent(point.0), percent(point.1))).collect();
        self.parts
            .push(format!("Our curve, days with a kill % : slack %: {}.\n", points.join(" · ")));
    }

    pub(super) fn after_kill(&mut self, set: &Set, cut: Cut, rows: &[(f64, Kills)], all: &Kills) {
        let mut said = String::new();
        if !self.is_kill_told {
            said.push_str(
                "Each series is cut where it first goes above a limit we set; only what lies before is handed to\n\
                 `size`, and that it was killed at that limit. *Survives*: the next 24 hours stay below the first\n\
                 recommendation. Slack is that of those 24 hours. *Doubled* is twice the limit, of the same cases.\n\
                 Where no limit is advised (a leak; too early to say; another refusal) the case is counted apart, with how\n\
                 many of them doubling would have carried through the day. At parts of the peak a factor of 1.43 survives by\n\
                 the making of the case; at parts of the samples the climb that follows may be of any size.\n\n",
            );
            self.is_kill_told = true;
        }
        let (title, what) = match cut {
            Cut::Peak => ("a part of the peak", "of the peak"),
            Cut::Samples => ("as many samples below", "of samples below"),
        };
        said.push_str(&format!("The limit is set at {title}."));
        let mut lines: Vec<Vec<String>> =
            rows.iter().map(|(part, row)| kill_row(&format!("{part:.2} {what}"), row)).collect();
        lines.push(kill_row("all", all));
        let head = [
            "limit",
            "cases",
            "sized",
            "survive %",
            "slack %",
            "doubled survive %",
            "doubled slack %",
            "leak",
            "too early",
            "refused",
            "of these doubled survive",
        ];
        self.table(&format!("After a kill: {}", set.name), &said, &head, &lines);
    }

    pub(super) fn calibration(&mut self, rows: &[(&str, Hits, Hits)]) {
        let said = "Each day of each series, after as much history as above: the smallest limit whose stated chance is at\n\
                    most that, and how many of those were hit in the next 24 hours. First as `why137 size` states it, then\n\
                    with the chances as fitted without the set on which they are tried. The bar: hit at most twice as often as\n\
                    stated.";
        let lines = rows.iter().map(|(name, said, left_out)| {
            let mut line = vec![(*name).to_owned()];
            for hits in [said, left_out] {
                for (at, _) in STATED.iter().enumerate() {
                    let count = hits.stated.get(at).copied().unwrap_or(0);
                    line.push(format!("{:.2} of {count}", 100.0 * hits.part(at)));
                }
            }
            line
        });
        let head =
            ["set", "1 % stated: hit %", "5 %", "10 %", "left out, 1 %: hit %", "5 %", "10 %"];
        self.table("Stated chances and real days", said, &head, &lines.collect::<Vec<_>>());
    }

    pub(super) fn scale(&mut self, rows: &[Row]) {
        let said = "Made containers, 14 days at 5 minutes, one CSV, one `why137 size FILE --format json`. Beside it KRR's rule\n\
                    (largest sample x 1.15) in plain Python over the same file, which reads and keeps a maximum and nothing\n\
                    else; a ratio above 1 means that why137 was that many times as fast.";
        let lines = rows.iter().map(|row| {
            let python = row.python.as_ref().filter(|python| python.succeeded);
            let ratio = python.map(|python| {
                let ratio = python.took.as_secs_f64() / row.ours.took.as_secs_f64();
                format!("{ratio:.2} ({:.1} s)", python.took.as_secs_f64())
            });
            let order = if row.is_mixed { "mixed by time" } else { "one after the other" };
            vec![
                row.containers.to_string(),
                order.to_owned(),
                format!("{} MiB", row.bytes >> 20),
                format!("{:.1} s", row.ours.took.as_secs_f64()),
                format!("{:.2} ms", row.each()),
                format!("{} MiB", row.ours.peak_kib >> 10),
                ratio.unwrap_or_else(|| "not installed".to_owned()),
            ]
        });
        let head = [
            "containers",
            "rows",
            "file",
            "time",
            "of one",
            "peak memory",
            "to KRR's rule in Python",
        ];
        self.table("Ten thousand containers", said, &head, &lines.collect::<Vec<_>>());
    }
}

fn beside_row(peer: &Beside) -> Vec<String> {
    let points = |part: f64| {
        if part.is_finite() { format!("{:+.1}", 100.0 * part) } else { "-".to_owned() }
    };
    let (low, high) = peer.interval;
    let less = peer.ours.map(|ours| {
        format!("{} [{}, {}]", points(ours - peer.score.slack), points(low), points(high))
    });
    vec![
        peer.word.to_owned(),
        format!("{:.2}", 100.0 * peer.score.oom_days),
        format!("{:.3}", peer.score.kills),
        percent(peer.score.slack),
        percent(peer.score.unused),
        peer.ours.map_or_else(|| "-".to_owned(), percent),
        less.unwrap_or_else(|| "-".to_owned()),
        peer.left_out.map_or_else(|| "-".to_owned(), percent),
    ]
}

fn kill_row(what: &str, row: &Kills) -> Vec<String> {
    let of = |some: usize, all: usize| percent(some as f64 / all as f64);
    let slack = |slack: f64| if row.sized > 0 { percent(slack) } else { "-".to_owned() };
    let blocked = row.cases - row.sized;
    vec![
        what.to_owned(),
        row.cases.to_string(),
        row.sized.to_string(),
        percent(row.survives()),
        slack(row.slack),
        of(row.doubled, row.sized),
        slack(row.doubled_slack),
        row.leaks.to_string(),
        row.early.to_string(),
        row.other.to_string(),
        format!("{} of {blocked}", row.blocked_doubled),
    ]
}
