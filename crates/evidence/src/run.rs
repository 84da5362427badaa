//! The case of a record that `why137 run` wrote.
//!
//! The same function for the run that has just ended and for its record next week, so that both
//! give the same answer. A record without an end (its writer was killed, the machine went down)
//! still holds its last look at the cgroup: that becomes evidence, and the missing end a gap.

use casefile::{Asked, CaseFile, Gap, Moment, Source};
use parse::run_record::{RunRecord, RunSample};

use crate::cgroup::as_tail_prints;
use crate::found::exhibit;

/// The case of a record; `now` is when it was read.
#[must_use]
pub fn case_of_run(record: RunRecord, now: Moment) -> CaseFile {
    let header = record.header;
    let asked = Asked {
        name: Some(header.name.clone()),
        cgroup: header.cgroup.clone(),
        ..Asked::default()
    };
    let mut case = CaseFile::new(asked, record.end.map_or(now, |end| end.gathered_at));
    case.exhibits = record.exhibits;
    case.gaps = record.gaps;
    if record.end.is_some() {
        return case;
    }
    let last = record.last.unwrap_or_default();
    let seconds = last.after_ms as f64 / 1000.0;
    if let (Some(cgroup), Some(version)) = (&header.cgroup, header.cgroup_version) {
        let point = if version == 1 { "/sys/fs/cgroup/memory" } else { "/sys/fs/cgroup" };
        let folder = format!("{point}{cgroup}");
        let limit = header.limit.map(|limit| limit.0);
        let files = files(&last, version, limit).into_iter();
        let text =
            as_tail_prints(files.map(|(name, text)| (format!("{folder}/{name}"), text + "\n")));
        if !text.is_empty() {
            let label =
                format!("the last of {} samples, {seconds:.2} s after the start", record.samples);
            case.exhibits.push(exhibit("cgroup-0", Source::Cgroup, &label, &text));
        }
    }
    case.gaps.push(Gap {
        source: Source::Proc,
        tried: format!("wait(2) for `{}`, pid {}", header.command, header.pid),
        because: format!(
            "the record breaks off {seconds:.2} s after the start: `why137 run` itself was ended, \
             by whatever ended the command or before it"
        ),
        would_tell: "how the command ended".to_owned(),
        open_by: None,
    });
    case
}

/// The files whose values a sample holds.
fn files(sample: &RunSample, version: u8, limit: Option<u64>) -> Vec<(&'static str, String)> {
    let pairs = |pairs: &[(&str, Option<u64>)]| -> Option<String> {
        let lines: Vec<String> = pairs
            .iter()
            .filter_map(|(key, value)| value.map(|value| format!("{key} {value}")))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    };
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    let told = if version == 1 {
        vec![
            ("memory.limit_in_bytes", number(limit)),
            ("memory.usage_in_bytes", number(sample.usage)),
            ("memory.failcnt", number(sample.limit_hits)),
            ("memory.oom_control", pairs(&[("oom_kill", sample.oom_kills)])),
            (
                "memory.stat",
                pairs(&[
                    ("total_rss", sample.anon),
                    ("total_cache", sample.file),
                    ("total_shmem", sample.shmem),
                ]),
            ),
        ]
    } else {
        vec![
            ("memory.max", number(limit)),
            ("memory.current", number(sample.usage)),
            ("memory.events", pairs(&[("max", sample.limit_hits), ("oom_kill", sample.oom_kills)])),
            (
                "memory.stat",
                pairs(&[("anon", sample.anon), ("file", sample.file), ("shmem", sample.shmem)]),
            ),
        ]
    };
    told.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"why137_run_record":1,"started_at":"2026-05-27T18:42:10Z","name":"npm","command":"npm test","pid":123,"cgroup":"/ci/why137-run-7","cgroup_version":2,"limit":67108864}"#;
    const SAMPLE: &str = r#"{"sample":{"after_ms":1250,"usage":67100000,"anon":66000000,"oom_kills":1,"limit_hits":9}}"#;

    fn case(text: &str) -> CaseFile {
        let record = parse::run_record::read(text).unwrap();
        case_of_run(record, Moment::parse("2026-05-28T00:00:00Z").unwrap())
    }

    #[test]
    fn a_record_that_breaks_off_keeps_its_last_sample() {
        let case = case(&format!("{HEADER}\n{SAMPLE}\n{{\"sam"));
        assert_eq!(case.asked.cgroup.as_ref().unwrap().as_str(), "/ci/why137-run-7");
        let text = case.exhibits[0].text();
        let max = "==> /sys/fs/cgroup/ci/why137-run-7/memory.max <==\n67108864\n";
        assert!(text.starts_with(max), "{text}");
        assert!(text.contains("memory.events <==\nmax 9\noom_kill 1\n"), "{text}");
        assert!(case.gaps[0].because.contains("breaks off 1.25 s after the start"));
        assert!(parse::read(Source::Cgroup, text).len() >= 5);
    }

    #[test]
    fn a_whole_record_is_the_case_as_it_was_gathered() {
        let end = r#"{"end":{"at":"2026-05-27T18:42:11Z","gathered_at":"2026-05-27T18:42:12Z"}}"#;
        let case = case(&format!("{HEADER}\n{SAMPLE}\n{end}\n"));
        assert!(case.exhibits.is_empty() && case.gaps.is_empty());
        assert_eq!(Some(case.gathered_at), Moment::parse("2026-05-27T18:42:12Z"));
    }
}
