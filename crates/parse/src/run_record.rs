//! The record of `why137 run`: lines of JSON, each written whole as soon as it is known, so that
//! what was seen survives the writer's own death.
//!
//! ```text
//! {"why137_run_record":1,"started_at":"…","name":"npm","command":"npm test","pid":123,"cgroup":"/ci/why137-run-77-1", …}
//! {"sample":{"after_ms":10,"usage":1048576,"anon":524288,"oom_kills":0}}
//! {"exhibit":{"id":"kmsg", …}}
//! {"end":{"at":"…"}}
//! ```
//!
//! The first line is its mark: a text without it is no record. A line that is cut or of a kind that
//! this version does not know is passed over. Of the samples only the last and the highest are
//! kept: the record of a day must not fill the memory of whoever explains it. Decides nothing.

use casefile::{Bytes, CgroupPath, Exhibit, Gap, Moment};
use serde::{Deserialize, Serialize};

/// The format this program writes.
pub const FORMAT: u32 = 1;

/// The key that makes a first line a record's.
const MARK: &str = "\"why137_run_record\"";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The format.
    pub why137_run_record: u32,
    /// When the command was started.
    pub started_at: Moment,
    /// What the answer calls it: the last name of the program's path.
    pub name: String,
    /// The command line, secrets redacted.
    pub command: String,
    /// Its pid, as `why137 run` sees it.
    pub pid: u32,
    /// True if `why137 run` is in a pid namespace of its own: the kernel's log counts otherwise.
    #[serde(default)]
    pub inner_pid_namespace: bool,
    /// Its own cgroup, where one could be made.
    #[serde(default)]
    pub cgroup: Option<CgroupPath>,
    /// 1 or 2.
    #[serde(default)]
    pub cgroup_version: Option<u8>,
    /// The memory limit that was asked for and is in force.
    #[serde(default)]
    pub limit: Option<Bytes>,
    /// Why there is no cgroup of its own.
    #[serde(default)]
    pub without_cgroup: Option<String>,
}

/// What the cgroup held at one moment; bytes, and counts since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSample {
    /// Milliseconds since the start.
    pub after_ms: u64,
    /// Memory in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<u64>,
    /// Anonymous memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anon: Option<u64>,
    /// Page cache, shared memory included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<u64>,
    /// tmpfs and shared memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shmem: Option<u64>,
    /// OOM kills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
    /// Hits of the cgroup's own limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_hits: Option<u64>,
    /// Memory pressure, hundredths of a percent over 10 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pressure: Option<u32>,
}

/// The last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// When the command ended.
    pub at: Moment,
    /// The moment for which the case was made.
    pub gathered_at: Moment,
}

/// A line after the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunLine {
    /// The command's cgroup, where it was not known at the start.
    Cgroup(CgroupPath),
    /// A look at the cgroup.
    Sample(RunSample),
    /// Evidence, as it goes into the case.
    Exhibit(Box<Exhibit>),
    /// A source that could not be read.
    Gap(Gap),
    /// The command has ended.
    End(RunEnd),
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// What was run.
    pub header: RunHeader,
    /// How many samples it holds.
    pub samples: u64,
    /// The last one.
    pub last: Option<RunSample>,
    /// The one with the highest usage.
    pub highest: Option<RunSample>,
    /// Evidence.
    pub exhibits: Vec<Exhibit>,
    /// Sources that could not be read.
    pub gaps: Vec<Gap>,
    /// The end, if the writer lived to see it.
    pub end: Option<RunEnd>,
}

/// Whether a text is meant to be a record: only then are its errors worth telling.
#[must_use]
pub fn looks_like(text: &str) -> bool {
    let first = text.trim_start().lines().next().unwrap_or_default();
    first.starts_with('{') && first.chars().take(60).collect::<String>().contains(MARK)
}

/// Reads a record; `None` if the first line is no header of a format this program knows.
#[must_use]
pub fn read(text: &str) -> Option<RunRecord> {
    let mut lines = text.trim_start().lines();
    let header: RunHeader = serde_json::from_str(lines.next()?).ok()?;
    if header.why137_run_record != FORMAT {
        return None;
    }
    let mut record = RunRecord::new(header);
    for line in lines.filter_map(|line| serde_json::from_str(line).ok()) {
        record.take(line);
    }
    Some(record)
}

impl RunRecord {
    /// A record that begins.
    #[must_use]
    pub fn new(header: RunHeader) -> Self {
        Self {
            header,
            samples: 0,
            last: None,
            highest: None,
            exhibits: Vec::new(),
            gaps: Vec::new(),
            end: None,
        }
    }

    /// Takes one line in.
    pub fn take(&mut self, line: RunLine) {
        match line {
            RunLine::Cgroup(path) => self.header.cgroup = Some(path),
            RunLine::Sample(sample) => {
                self.samples += 1;
                let highest = self.highest.as_ref().and_then(|highest| highest.usage);
                if highest.is_none() || sample.usage > highest {
                    self.highest = Some(sample.clone());
                }
                self.last = Some(sample);
            }
            RunLine::Exhibit(exhibit) => self.exhibits.push(*exhibit),
            RunLine::Gap(gap) => self.gaps.push(gap),
            RunLine::End(end) => self.end = Some(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::{Body, Clock, Source};
    use proptest::prelude::*;

    fn moment(seconds: i64) -> Moment {
        Moment::from_micros(seconds * 1_000_000).unwrap()
    }

    fn header() -> RunHeader {
        RunHeader {
            why137_run_record: FORMAT,
            started_at: moment(1_000_000_000),
            name: "npm".to_owned(),
            command: "npm test".to_owned(),
            pid: 123,
            inner_pid_namespace: false,
            cgroup: CgroupPath::parse("/ci/why137-run-77-1"),
            cgroup_version: Some(2),
            limit: Some(Bytes(64 << 20)),
            without_cgroup: None,
        }
    }

    fn sample(after_ms: u64, usage: u64) -> RunLine {
        RunLine::Sample(RunSample { after_ms, usage: Some(usage), ..RunSample::default() })
    }

    fn exhibit() -> RunLine {
        RunLine::Exhibit(Box::new(Exhibit {
            id: "wait".to_owned(),
            source: Source::Proc,
            label: "wait(2)".to_owned(),
            check: None,
            about: None,
            clock: Clock::Unknown,
            covers: false,
            cut_from: None,
            body: Body::Text("==> wait status of pid 123 <==\nsignal 9\n".to_owned()),
        }))
    }

    fn written(lines: &[RunLine]) -> String {
        let mut text = serde_json::to_string(&header()).unwrap() + "\n";
        for line in lines {
            text += &(serde_json::to_string(line).unwrap() + "\n");
        }
        text
    }

    #[test]
    fn a_record_reads_what_it_wrote() {
        let at = moment(1_000_000_004);
        let lines = [
            sample(10, 4096),
            sample(20, 9000),
            sample(30, 5000),
            exhibit(),
            RunLine::End(RunEnd { at, gathered_at: at }),
        ];
        let text = written(&lines);
        assert!(looks_like(&text), "{text}");
        let record = read(&text).unwrap();
        assert_eq!(record.header, header());
        assert_eq!(record.samples, 3);
        assert_eq!(record.last.as_ref().unwrap().after_ms, 30);
        assert_eq!(record.highest.as_ref().unwrap().after_ms, 20);
        assert_eq!(record.exhibits.len(), 1);
        assert_eq!(record.end.unwrap().at, at);
    }

    #[test]
    fn a_cgroup_that_was_found_late_is_the_commands() {
        let path = CgroupPath::parse("/user.slice/why137_run_7.slice").unwrap();
        let record = read(&written(&[RunLine::Cgroup(path.clone()), sample(10, 1)])).unwrap();
        assert_eq!(record.header.cgroup, Some(path));
    }

    #[test]
    fn a_record_that_was_cut_keeps_every_whole_line() {
        let text = written(&[sample(10, 1), sample(20, 2), exhibit()]);
        let whole = read(&text).unwrap();
        assert_eq!(whole.samples, 2);
        let mut samples = 0;
        let head = text.find('\n').unwrap();
        for end in head..text.len() {
            let record = read(text.get(..end).unwrap()).unwrap();
            assert!(record.samples >= samples && record.samples <= 2, "{end}");
            assert!(record.end.is_none());
            samples = record.samples;
        }
    }

    #[test]
    fn the_highest_sample_is_the_first_of_those_that_show_most() {
        let unseen = RunLine::Sample(RunSample { after_ms: 5, ..RunSample::default() });
        let lines = [unseen.clone(), sample(10, 7), sample(20, 7), sample(30, 6), unseen];
        let record = read(&written(&lines)).unwrap();
        assert_eq!(record.highest.unwrap().after_ms, 10);
        assert_eq!((record.samples, record.last.unwrap().after_ms), (5, 5));
        let gap = r#"{"gap":{"source":"proc","tried":"a","because":"b","would_tell":"c"}}"#;
        let record = read(&(written(&[]) + gap)).unwrap();
        assert_eq!(record.gaps.len(), 1);
    }

    #[test]
    fn the_mark_stands_at_the_head_of_its_line() {
        assert!(looks_like("\n{\"why137_run_record\":1}"));
        assert!(!looks_like("[\"why137_run_record\"]"));
        let far = format!("{{\"a\":\"{}\",\"why137_run_record\":1}}", "x".repeat(60));
        assert!(!looks_like(&far));
    }

    #[test]
    fn only_the_first_line_makes_a_record() {
        assert!(!looks_like("{\"why137_case\": 1}"));
        assert!(!looks_like("log\n{\"why137_run_record\":1}"));
        assert_eq!(read("{\"why137_run_record\":1}"), None);
        let later = written(&[]).replace("record\":1", "record\":2");
        assert!(looks_like(&later));
        assert_eq!(read(&later), None);
    }

    #[test]
    fn a_line_of_a_later_kind_is_passed_over() {
        let text = written(&[]) + "{\"weather\":{\"sun\":true}}\nnoise\n{\"sample\":{}}\n";
        assert_eq!(read(&text).unwrap().samples, 1);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\{\"why137_run_record\":1|\"sample\"|:|\\{|\\}|,|[0-9]{1,25}|\n|\\PC){0,40}") {
            prop_assert!(read(&text).is_none() || text.contains(MARK));
            prop_assert!(!looks_like(&text) || text.contains(MARK));
            let text = written(&[]) + &text;
            prop_assert!(read(&text).is_some());
        }
    }
}
