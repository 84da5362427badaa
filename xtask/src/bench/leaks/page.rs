//! The page of the leak rules: tables in Markdown, printed and saved alike.
//!
//! Nothing is counted here.

use sizing::shape::Kind;

use super::sets::{Day, Set};
use super::{ASKED, BAR, Row, SLOWEST, Share};

/// The parts of the page so far.
#[derive(Debug, Default)]
pub(super) struct Page {
    parts: Vec<String>,
}

impl Page {
    /// The tables alone.
    pub(super) fn text(&self) -> String {
        self.parts.join("\n")
    }

    /// With its head.
    pub(super) fn whole(&self) -> String {
        format!(
            "# Leaks: how many are found, how soon, how often in vain\n\n\
             Written by `cargo xtask bench leaks --save`. Each rule is asked with what was known after so many hours,\n\
             and nothing that came later. The rules of others are re-implemented from what they publish.\n\n{}",
            self.text()
        )
    }

    fn table(&mut self, title: &str, said: &str, head: &[String], rows: &[Vec<String>]) {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("## {title}\n\n{said}\n\n");
        text.push_str(&line(head));
        text.push_str(&format!("|{}\n", " --- |".repeat(head.len())));
        for row in rows {
            text.push_str(&line(row));
        }
        self.parts.push(text);
    }

    pub(super) fn labelled(&mut self, days: &[Day], rows: &[Row]) {
        let leaks = days.iter().filter(|day| day.leak.is_some_and(|leak| leak.rate >= SLOWEST));
        let free = days.iter().filter(|day| day.leak.is_none()).count();
        let said = format!(
            "lab/series: {} leaks of {SLOWEST} %/h of their limit or faster, {free} leak-free days, from real programs in\n\
             real cgroups. Percent found so many hours after the leak began; percent of leak-free days with an alarm\n\
             after so many hours. The bar: {} % within 6 h, {} % at the day's end, {} % within 2 h. A heap that has room\n\
             takes hours until the process grows by what it loses: the second row counts only leaks whose memory itself\n\
             had risen by {SLOWEST} %/h (the median of the slopes between the least of each half hour).",
            leaks.count(),
            BAR.0,
            BAR.1,
            BAR.2
        );
        let mut head = vec!["rule".to_owned()];
        head.extend(ASKED.map(|hours| format!("found, {hours} h")));
        head.extend(ASKED.map(|hours| format!("alarms, {hours} h")));
        let cells = |row: &Row| {
            let shares = row.found.iter().chain(&row.alarms).map(|share| share.word());
            std::iter::once(row.name.clone()).chain(shares).collect()
        };
        self.table(
            "Recorded in the lab",
            &said,
            &head,
            &rows.iter().map(cells).collect::<Vec<_>>(),
        );
    }

    pub(super) fn by_rate(&mut self, rates: &[((f64, f64), Vec<Share>)]) {
        let mut head = vec!["percent of the limit in an hour".to_owned(), "leaks".to_owned()];
        head.extend(ASKED.map(|hours| format!("{hours} h")));
        let row = |((least, most), found): &((f64, f64), Vec<Share>)| {
            let rate = if most.is_finite() {
                format!("{least} to below {most}")
            } else {
                format!("{least} and more")
            };
            let all = found.first().map_or(0, |share| share.all);
            let mut cells = vec![rate, all.to_string()];
            cells.extend(found.iter().map(|share| share.word()));
            cells
        };
        let said = "Percent that why137 found so many hours after they began.";
        self.table("By their rate", said, &head, &rates.iter().map(row).collect::<Vec<_>>());
    }

    pub(super) fn alarmed(&mut self, days: &[(String, String)]) {
        let head = ["series".to_owned(), "what".to_owned()];
        let rows: Vec<Vec<String>> =
            days.iter().map(|(name, what)| vec![name.clone(), what.clone()]).collect();
        self.table(
            "Where why137 was wrong",
            "All of them, asked after the hours above.",
            &head,
            &rows,
        );
    }

    pub(super) fn kinds(&mut self, kinds: &[(String, Vec<usize>)]) {
        let mut head = vec!["what it is".to_owned()];
        head.extend(Kind::ALL.map(|kind| kind.word().to_owned()));
        let count = |count: &usize| if *count == 0 { String::new() } else { count.to_string() };
        let row = |(what, counts): &(String, Vec<usize>)| {
            std::iter::once(what.clone()).chain(counts.iter().map(count)).collect()
        };
        let said = "Series of each truth by the shape that why137 gave them at their end.";
        self.table("Shapes", said, &head, &kinds.iter().map(row).collect::<Vec<_>>());
    }

    pub(super) fn real(&mut self, rules: &[&str], rows: &[(&Set, Vec<Share>)]) {
        let mut head = vec!["set".to_owned(), "series".to_owned(), "an alarm is".to_owned()];
        head.extend(rules.iter().map(|rule| (*rule).to_owned()));
        let row = |(set, shares): &(&Set, Vec<Share>)| {
            let means = if set.leaks { "a find" } else { "a candidate" };
            let mut cells = vec![set.name.to_owned(), set.days.len().to_string(), means.to_owned()];
            cells.extend(shares.iter().map(|share| share.word()));
            cells
        };
        let said = "Percent with an alarm. The KubeEdge runs are asked after 6, 12, 24 and 36 h. Where no leak is known,\n\
                    an alarm is an upper bound of a false one.";
        self.table("Traces of others", said, &head, &rows.iter().map(row).collect::<Vec<_>>());
    }
}
