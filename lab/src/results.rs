//! What everybody said about a death, as data for `lab/results/PLATFORM.json`: Docker's state and
//! events, the kernel's decisive lines, why137's answer. Ids are shortened; nothing of it names a
//! machine. Nothing is judged here.
//!
//! The kernel's lines are read from `/dev/kmsg` (Linux `Documentation/ABI/testing/dev-kmsg`),
//! not from the answer: the page must show what the kernel said also where the answer is wrong.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::deaths::Death;
use crate::docker::Docker;
use crate::platform::Machine;

/// `O_NONBLOCK` on Linux; without it a read waits for the next record.
const NONBLOCK: i32 = 0o4000;
/// Lines kept of each death: a storm has thirty of the same.
const KEPT: usize = 4;

/// Notes where Docker's and the kernel's histories stood when a death began.
pub(crate) struct Watch {
    since: u64,
    log: Option<File>,
    marks: Vec<String>,
}

impl Watch {
    pub(crate) fn begin() -> Result<Self> {
        let since = seconds_now()?;
        let log = std::fs::OpenOptions::new().read(true).custom_flags(NONBLOCK).open("/dev/kmsg");
        let log = log.ok().and_then(|mut log| log.seek(SeekFrom::End(0)).is_ok().then_some(log));
        Ok(Self { since, log, marks: Vec::new() })
    }

    /// Words of which one stands in every line of the kernel about this death.
    pub(crate) fn marks(&mut self, marks: Vec<String>) {
        self.marks.extend(marks);
        self.marks.sort();
        self.marks.dedup();
    }

    /// The kernel's lines about kills since the beginning.
    pub(crate) fn kernel_lines(&mut self, machine: Machine) -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0_u8; 8192];
        while let Some(log) = self.log.as_mut() {
            match log.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let record = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default());
                    let text = record.split_once(';').map_or("", |(_, text)| text);
                    lines.extend(text.lines().next().map(str::to_owned));
                }
                // The ring went over what was not read yet: the next read has the oldest left.
                Err(err) if err.kind() == ErrorKind::BrokenPipe => {}
                Err(_no_more) => break,
            }
        }
        about_kills(&lines, &self.marks, machine)
    }

    /// State and events of a container now.
    pub(crate) fn docker_says(&self, docker: &Docker, name: &str) -> Result<Value> {
        let events = docker.events(name, self.since, seconds_now()? + 1)?;
        let state = docker.state(name)?;
        Ok(json!({
            "status": state.as_ref().map_or("gone", |state| state.status.as_str()),
            "exit_code": state.as_ref().map(|state| state.exit_code),
            "oom_killed": state.as_ref().map(|state| state.oom_killed),
            "events": together(events.iter().map(word_of)),
        }))
    }
}

fn seconds_now() -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(now.as_secs())
}

/// One event as a word: `die 137`, `kill 9`, `oom`.
fn word_of(event: &Value) -> String {
    let word = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let action = word("/Action");
    // `exec_start: COMMAND`, but `health_status: unhealthy`.
    let name = match action.split_once(": ") {
        Some(("health_status", _)) | None => action,
        Some((name, _)) => name,
    };
    let behind = match name {
        "die" | "exec_die" => word("/Actor/Attributes/exitCode"),
        "kill" => word("/Actor/Attributes/signal"),
        _ => "",
    };
    format!("{name} {behind}").trim().to_owned()
}

/// The same word again and again as one: `oom × 30`.
fn together(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for word in words {
        match found.last_mut() {
            Some((last, count)) if *last == word => *count += 1,
            _ => found.push((word, 1)),
        }
    }
    let one = |(word, count)| if count == 1 { word } else { format!("{word} × {count}") };
    found.into_iter().map(one).collect()
}

/// Reports, kills and group kills of these cgroups. On a machine of the lab's own every kill is
/// this death's; on somebody's machine a `Killed process` line, which names no cgroup, is ours
/// only if a report named its pid.
fn about_kills(lines: &[String], marks: &[String], machine: Machine) -> Vec<String> {
    let ours = |line: &str| marks.iter().any(|mark| line.contains(mark.as_str()));
    let mut pids: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for line in lines {
        let killed =
            line.split_once("Killed process ").and_then(|(_, rest)| rest.split(' ').next());
        let wanted = if line.starts_with("oom-kill:") {
            let named = machine == Machine::Own || ours(line);
            pids.extend(
                line.rsplit_once(",pid=")
                    .and_then(|(_, rest)| rest.split(',').next())
                    .filter(|_| named),
            );
            named
        } else if let Some(pid) = killed {
            machine == Machine::Own || pids.contains(&pid)
        } else {
            line.starts_with("Tasks in ") && (machine == Machine::Own || ours(line))
        };
        if wanted {
            found.push(short(line));
        }
    }
    let more = found.len().saturating_sub(KEPT);
    if more > 0 {
        let kills = found.iter().filter(|line| line.contains("Killed process")).count();
        found.truncate(KEPT);
        found.push(format!("… and {more} more such; {kills} × Killed process in all"));
    }
    found
}

/// Container ids as their first 8 digits.
fn short(line: &str) -> String {
    let mut found = String::new();
    let mut word = String::new();
    for letter in line.chars().chain(std::iter::once(' ')) {
        if letter.is_ascii_hexdigit() {
            word.push(letter);
            continue;
        }
        if word.len() == 64 {
            found.extend(word.chars().take(8));
            found.push('…');
        } else {
            found.push_str(&word);
        }
        word.clear();
        found.push(letter);
    }
    found.trim_end().to_owned()
}

/// What is known of one death so far.
pub(crate) struct Said {
    value: Value,
}

impl Said {
    pub(crate) fn new(death: &Death) -> Self {
        let mut said = Self::of(death.name, death.done);
        said.set("scenario", json!(death.scenario));
        said
    }

    /// Of a death that stands in no table.
    pub(crate) fn of(name: &str, done: &str) -> Self {
        let value = json!({"name": name, "scenario": "-", "done": done, "kernel": [], "about": [],
            "wrong": []});
        Self { value }
    }

    fn set(&mut self, key: &str, value: Value) {
        if let Some(slot) = self.value.get_mut(key) {
            *slot = value;
        }
    }

    pub(crate) fn kernel(&mut self, lines: Vec<String>) {
        self.set("kernel", json!(lines));
    }

    pub(crate) fn wrong(&mut self, lines: &[String]) {
        self.set("wrong", json!(lines));
    }

    /// What Docker and why137 said of one container.
    pub(crate) fn subject(&mut self, suffix: &str, docker: Value, answer: &Answer) {
        let of = |path: &str| answer.json.pointer(path).cloned().unwrap_or_default();
        let victims: Vec<Value> = answer
            .json
            .get("victims")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(|victim| {
                let word = |name| victim.get(name).and_then(Value::as_str).unwrap_or("?");
                json!(format!("{} {}", word("role"), word("comm")))
            })
            .collect();
        let words = victims.iter().filter_map(Value::as_str).map(str::to_owned);
        let one = json!({
            "container": suffix,
            "docker": docker,
            "why137": {
                "killer": of("/killer"),
                "level": of("/level"),
                "confidence": of("/confidence"),
                "killed_by": of("/killed_by/name"),
                "fate": of("/main/fate"),
                "victims": together(words),
                "limit_at_fault": of("/limit_at_fault"),
                "says": first_sentence(&answer.text, of("/confidence").as_str().unwrap_or_default()),
            },
        });
        if let Some(list) = self.value.get_mut("about").and_then(Value::as_array_mut) {
            list.push(one);
        }
    }

    pub(crate) fn value(self) -> Value {
        self.value
    }
}

/// The opening paragraph as one line, without the grade that stands at the end of its first line.
fn first_sentence(text: &str, grade: &str) -> String {
    let opening = text
        .lines()
        .skip_while(|line| line.trim().is_empty())
        .take_while(|line| !line.trim().is_empty())
        .enumerate()
        .map(|(place, line)| match line.strip_suffix(grade).filter(|_| place == 0) {
            Some(before) => before,
            None => line,
        });
    let words: Vec<&str> = opening.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn beside_others_only_lines_that_lead_to_our_cgroup_are_kept() {
        let id = "a".repeat(64);
        let log = lines(&[
            &format!(
                "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/docker/{id},task=python3,pid=7,uid=0"
            ),
            "Memory cgroup out of memory: Killed process 7 (python3) total-vm:1kB",
            "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/other,task=x,pid=8,uid=0",
            "Memory cgroup out of memory: Killed process 8 (x) total-vm:1kB",
        ]);
        let marks = vec![id];
        let kept = about_kills(&log, &marks, Machine::Shared);
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept.iter().any(|line| line.contains("/docker/aaaaaaaa…,task")), "{kept:?}");
        assert_eq!(about_kills(&log, &marks, Machine::Own).len(), 4);
    }

    #[test]
    fn events_are_words_and_repeats_are_counted() {
        let event = |action: &str, attributes: Value| json!({"Action": action, "Actor": {"Attributes": attributes}});
        let events = [
            event("oom", json!({})),
            event("oom", json!({})),
            event("kill", json!({"signal": "9"})),
            event("die", json!({"exitCode": "137"})),
            event("exec_start: sh -c x", json!({})),
        ];
        let words = together(events.iter().map(word_of));
        assert_eq!(words, ["oom × 2", "kill 9", "die 137", "exec_start"]);
    }

    #[test]
    fn the_opening_is_one_line() {
        let text = "\na was killed:   proven\n  its limit was full.\n\nmore";
        assert_eq!(first_sentence(text, "proven"), "a was killed: its limit was full.");
    }
}
