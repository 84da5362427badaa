//! A text blown up with noise must say what it said.

use std::path::{Path, PathBuf};

use casefile::Source;
use parse::Sighting;

use super::*;

const TIMES: usize = 150;

/// Lines as a busy machine's kernel writes them; a death is in none.
fn noise(lines: usize) -> String {
    (0..lines)
        .map(|number| {
            let seconds = 100 + number / 50;
            let stamp = format!("May 20 {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            match number % 3 {
                0 => format!("{stamp} n1 kernel: docker0: port {}(veth{number:07x}) entered blocking state\n", number % 9),
                1 => format!("{stamp} n1 kernel: IPv6: ADDRCONF(NETDEV_CHANGE): veth{number:07x}: link becomes ready\n"),
                _ => format!("{stamp} n1 kernel: usb 1-1: new high-speed USB device number {}\n", number % 127),
            }
        })
        .collect()
}

/// As a large text is read, whatever its size.
fn cut_of(text: &[u8]) -> Cut {
    let mut head = text.to_vec();
    let rest = head.split_off(head.len() / 2);
    let form = Form::of(text);
    cut(rest.as_slice(), head, form, &mut |_| {}).unwrap()
}

fn records(text: &str) -> Vec<String> {
    let seen = parse::read(Source::Pasted, text);
    // Spans differ; what is said must not.
    seen.iter()
        .map(|Sighting { record, at, .. }| without_spans(&format!("{at:?} {record:?}")))
        .collect()
}

fn without_spans(text: &str) -> String {
    let mut parts = text.split("Span {");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    kept
}

fn files(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(under).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The pasted texts of all dossiers, and of the posted ones where they are.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    files(&root.join("cases"), &mut paths);
    let mut texts = Vec::new();
    for path in paths {
        let page = std::fs::read_to_string(&path).unwrap();
        for exhibit in page.split("~~~~exhibit ").skip(1) {
            let Some((head, body)) = exhibit.split_once('\n') else { continue };
            let text = body.split("\n~~~~").next().unwrap_or_default();
            if ["\"pasted\"", "\"kernel-log\"", "\"journal\""]
                .iter()
                .any(|source| head.contains(source))
            {
                texts.push((format!("{} {head}", path.display()), format!("{text}\n")));
            }
        }
    }
    let mut paths = Vec::new();
    files(&root.join("../shared/corpus/cases"), &mut paths);
    for path in
        paths.iter().filter(|path| path.components().any(|part| part.as_os_str() == "evidence"))
    {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        texts.push((path.display().to_string(), text));
    }
    assert!(texts.len() >= 40, "{}", texts.len());
    texts
}

/// Tables and values that commands print are no lines of a log.
fn is_of_a_log(record: &str) -> bool {
    let kinds = ["Kernel(", "Daemon(", "Application(", "PodEvent("];
    let starts = [
        "UnitStarted",
        "UnitDeactivated",
        "\"Created\"",
        "\"Started\"",
        "\"Pulled\"",
        "\"Scheduled\"",
        "\"Pulling\"",
    ];
    kinds.iter().any(|kind| record.contains(&format!(" {kind}")))
        && !starts.iter().any(|start| record.contains(start))
}

#[test]
fn noise_around_a_text_hides_nothing_that_its_log_lines_say() {
    let before = noise(TIMES);
    let mut missing = Vec::new();
    let mut compared = 0;
    for (name, text) in texts() {
        let blown = format!("{before}\n{text}\n{before}");
        if Form::of(text.as_bytes()) == Form::Document {
            continue;
        }
        let whole = records(&blown);
        let kept = cut_of(blown.as_bytes());
        let seen = records(&kept.text);
        compared += 1;
        for record in whole.iter().filter(|record| is_of_a_log(record) && !seen.contains(record)) {
            missing.push(format!("{name}\n    {}", record.chars().take(300).collect::<String>()));
        }
    }
    assert!(compared >= 40, "{compared}");
    assert!(missing.is_empty(), "{} missing:\n{}", missing.len(), missing.join("\n"));
}

fn report(number: usize, tasks: usize) -> String {
    let head = format!(
        "May 27 18:{:02}:{:02} n1 kernel: [{:6}.000000] ",
        number / 60 % 60,
        number % 60,
        1000 + number
    );
    let group = format!("/docker/{number:064x}");
    let mut lines = vec![
        "hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0".to_owned(),
        "memory: usage 65536kB, limit 65536kB, failcnt 40".to_owned(),
        "Tasks state (memory values in pages):".to_owned(),
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"
            .to_owned(),
    ];
    lines.extend((0..tasks).map(|task| {
        format!(
            "[{0:7}]     0 {0:5}    16694    16256   184320        0             0 t{task}",
            2000 + task
        )
    }));
    lines.push(format!("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg={group},task_memcg={group},task=t0,pid=2000,uid=0"));
    lines.push("Memory cgroup out of memory: Killed process 2000 (t0) total-vm:66776kB, anon-rss:65024kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0".to_owned());
    lines.iter().map(|line| format!("{head}{line}\n")).collect()
}

#[test]
fn the_kept_ranges_are_the_text_and_the_digest_is_of_everything() {
    let text = format!("{}{}{}", noise(20_000), report(7, 40), noise(20_000));
    let kept = cut_of(text.as_bytes());
    let ranges: String = kept.from.kept.iter().map(|span| span.of(&text).unwrap()).collect();
    assert_eq!(ranges, kept.text);
    assert_eq!(kept.from.bytes, text.len() as u64);
    assert_eq!(kept.from.digest, format!("blake3:{}", blake3::hash(text.as_bytes()).to_hex()));
    assert!(kept.text.len() < 20_000, "{}", kept.text.len());
    assert!(kept.text.contains(&report(7, 40)));
    assert_eq!(kept.left_out, None);
    assert!(kept.text.lines().all(|line| line.starts_with("May 2")));
}

#[test]
fn any_division_into_blocks_gives_the_same() {
    let text = format!("{}{}{}", noise(300), report(7, 4), noise(300));
    let whole = cut_of(text.as_bytes());
    for at in (0..text.len()).step_by(1997) {
        let (head, rest) = text.as_bytes().split_at(at);
        // A pipe gives what it has.
        let rest = rest
            .chunks(1009)
            .fold(Box::new(io::empty()) as Box<dyn Read>, |read, part| Box::new(read.chain(part)));
        let kept = cut(rest, head.to_vec(), Form::Lines, &mut |_| {}).unwrap();
        assert_eq!((kept.text, kept.from), (whole.text.clone(), whole.from.clone()), "{at}");
    }
}

#[test]
fn what_exceeds_the_budget_is_counted_and_dated() {
    let mut text = String::new();
    for number in 0..330 {
        text.push_str(&report(number, 60));
    }
    let kept = cut_of(text.as_bytes());
    assert!(kept.text.len() < 4 << 20, "{}", kept.text.len());
    let left_out = kept.left_out.unwrap();
    assert!(left_out.contains("older reports are kept without their tables"), "{left_out}");
    // The newest is whole.
    assert!(kept.text.ends_with(&report(329, 60)));
}

#[test]
fn a_log_that_begins_with_its_newest_line_keeps_its_beginning() {
    let mut lines: Vec<String> = Vec::new();
    for number in 0..330 {
        lines.extend(report(number, 60).lines().map(str::to_owned));
    }
    lines.reverse();
    let text = format!("{}\n", lines.join("\n"));
    let kept = cut_of(text.as_bytes());
    assert!(kept.left_out.is_some());
    let newest = records(&text)
        .iter()
        .rev()
        .find(|record| record.contains("14") && record.contains("Oom"))
        .cloned();
    assert!(newest.is_some());
    let first: Vec<&str> = text.lines().take(60).collect();
    assert!(kept.text.starts_with(&first.join("\n")));
}

#[test]
fn bytes_without_lines_are_passed_over_in_bounded_memory() {
    let kept =
        cut(io::repeat(0).take(20 << 20), vec![0; 9 << 20], Form::Lines, &mut |_| {}).unwrap();
    assert_eq!((kept.telling, kept.text.as_str()), (0, ""));
    assert_eq!(kept.from.bytes, 29 << 20);
    let endless =
        cut(io::repeat(b'x').take(3 << 20), vec![b'x'; 1 << 20], Form::Lines, &mut |_| {}).unwrap();
    assert_eq!((endless.telling, endless.text.as_str()), (0, ""));
    assert!(endless.left_out.unwrap().contains("longer than"));
}

#[test]
fn a_line_behind_zeros_and_one_without_an_end_are_read() {
    let line = "May 27 18:42:10 n1 kernel: Memory cgroup out of memory: Killed process 7 (hog) total-vm:1kB, anon-rss:1kB, file-rss:0kB";
    let text = [vec![0; 3 << 20], line.as_bytes().to_vec()].concat();
    let kept = cut_of(&text);
    assert_eq!(kept.telling, 1);
    assert_eq!(kept.text, line);
}

#[test]
fn entries_of_the_journals_other_forms_are_kept_whole() {
    let message = "Memory cgroup out of memory: Killed process 7 (hog) total-vm:1kB, anon-rss:1kB, file-rss:0kB";
    let export = |number: usize, message: &str| {
        format!(
            "__CURSOR=s=1;i={number}\n__REALTIME_TIMESTAMP=1716835330{number:06}\n_TRANSPORT=kernel\nMESSAGE={message}\n_HOSTNAME=n1\n\n"
        )
    };
    let json = |number: usize, message: &str| {
        format!(
            "{{\"__REALTIME_TIMESTAMP\":\"1716835330{number:06}\",\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"{message}\",\"_HOSTNAME\":\"n1\"}}\n"
        )
    };
    let pretty = |number: usize, message: &str| {
        format!(
            "{{\n\t\"__CURSOR\" : \"s=1;i={number}\",\n\t\"__REALTIME_TIMESTAMP\" : \"1716835330{number:06}\",\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"MESSAGE\" : \"{message}\"\n}}\n"
        )
    };
    for form in 0..3 {
        let of = |number: usize, message: &str| match form {
            0 => export(number, message),
            1 => json(number, message),
            _ => pretty(number, message),
        };
        let text: String = (0..2000)
            .map(|number| of(number, if number == 1200 { message } else { "usb 1-1: new device" }))
            .collect();
        let kept = cut_of(text.as_bytes());
        let is_kernel = |record: &&String| record.contains(" Kernel(");
        let whole = records(&text);
        assert_eq!(whole.iter().filter(is_kernel).count(), 1);
        assert_eq!(records(&kept.text), whole);
        assert!(kept.text.len() < text.len() / 2);
    }
}
