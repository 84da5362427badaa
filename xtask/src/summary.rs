//! What was run and how it went, told as it happens and listed once more at the end.

use crate::say;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Passed(String),
    Failed(String, String),
    NotRun(String, String),
}

/// The list of everything that was run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    lines: Vec<Line>,
}

impl Summary {
    /// One more that went well.
    pub(crate) fn passed(&mut self, what: &str) {
        self.add(Line::Passed(what.to_owned()));
    }

    /// One more that failed, and why.
    pub(crate) fn failed(&mut self, what: &str, why: &str) {
        self.add(Line::Failed(what.to_owned(), why.to_owned()));
    }

    /// One more that this machine cannot run, and why.
    pub(crate) fn not_run(&mut self, what: &str, why: &str) {
        self.add(Line::NotRun(what.to_owned(), why.to_owned()));
    }

    /// One more, as its result says.
    pub(crate) fn step(&mut self, what: &str, result: anyhow::Result<()>) {
        match result {
            Ok(()) => self.passed(what),
            Err(err) => self.failed(what, &format!("{err:#}")),
        }
    }

    fn add(&mut self, line: Line) {
        say(&print(&line));
        self.lines.push(line);
    }

    /// Prints the list and the count; true if nothing failed.
    pub(crate) fn close(&self) -> bool {
        say(&self.closing());
        self.count(|line| matches!(line, Line::Failed(..))) == 0
    }

    fn closing(&self) -> String {
        let failed = self.count(|line| matches!(line, Line::Failed(..)));
        let passed = self.count(|line| matches!(line, Line::Passed(..)));
        let mut text = String::from("\n");
        for line in &self.lines {
            text.push_str(&print(line));
            text.push('\n');
        }
        text.push_str(&format!("{passed} passed, {failed} failed"));
        text
    }

    fn count(&self, like: impl Fn(&Line) -> bool) -> usize {
        self.lines.iter().filter(|line| like(line)).count()
    }
}

fn print(line: &Line) -> String {
    match line {
        Line::Passed(what) => format!("ok       {what}"),
        Line::Failed(what, why) => {
            format!("FAILED   {what}, because {}", why.replace('\n', "\n           "))
        }
        Line::NotRun(what, why) => format!("NOT RUN: {what}, because {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_what_was_not_run_is_neither() {
        let mut summary = Summary::default();
        summary.passed("tests");
        summary.failed("format", "two files differ");
        summary.not_run("corpus", "it is not here");
        let text = summary.closing();
        assert!(text.ends_with("\n1 passed, 1 failed"), "{text}");
        assert!(text.contains("NOT RUN: corpus, because it is not here"));
        assert!(text.contains("FAILED   format, because two files differ"));
    }
}
