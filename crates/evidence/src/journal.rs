//! `journal` and `journal-kernel`: what systemd's journal holds of the container's last life.
//!
//! Read with journalctl as JSON lines (systemd.journal-fields(7)); of each entry only the fields
//! below are kept, because the others hold command lines and more. Entries that a container wrote through
//! Docker's journald driver carry `CONTAINER_ID` and are left out: they are the program's own words
//! under the daemon's name. A journal may have dropped entries, so it never covers.

use std::io::ErrorKind;
use std::process::Command;

use casefile::{Clock, Exhibit, Gap, Moment, Source};
use serde_json::{Map, Value};

use crate::deadline::{self, Ran};
use crate::found::{Found, exhibit, gap, plain};
use crate::roots::Roots;
use crate::subject::Subject;

/// Beyond this the rest is left out and said to be.
const CAP: usize = 16 << 20;

/// The fields that are kept.
const FIELDS: [&str; 21] = [
    "EXIT_CODE",
    "EXIT_STATUS",
    "MESSAGE",
    "MESSAGE_ID",
    "PRIORITY",
    "SYSLOG_FACILITY",
    "SYSLOG_IDENTIFIER",
    "SYSLOG_PID",
    "UNIT",
    "UNIT_RESULT",
    "USER_UNIT",
    "_AUDIT_LOGINUID",
    "_BOOT_ID",
    "_COMM",
    "_PID",
    "_SOURCE_MONOTONIC_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "_SYSTEMD_UNIT",
    "_TRANSPORT",
    "_UID",
    "__REALTIME_TIMESTAMP",
];

/// The kernel's lines from the container's first known moment on, whatever boot they are of.
pub(crate) fn read_kernel(roots: &Roots, subject: &Subject, now: Moment) -> Found {
    let matches = ["_TRANSPORT=kernel".to_owned()];
    let ask = Ask {
        id: "journal-kernel",
        source: Source::KernelLog,
        label: "the kernel's lines in the journal",
        since: subject.look_from(),
        until: now,
        matches: &matches,
        by_hand: "_TRANSPORT=kernel",
    };
    ask.read(roots)
}

/// The daemons' lines, and systemd's about the container's scope, within its last life.
pub(crate) fn read_daemons(roots: &Roots, subject: &Subject, now: Moment) -> Found {
    let ask = Ask {
        id: "journal",
        source: Source::Journal,
        label: "the journal of docker, containerd, the OOM daemons, and systemd about this container",
        since: subject.life_from(),
        until: subject.life_to(now),
        matches: &daemon_matches(subject),
        by_hand: &format!(
            "-u docker -u containerd -u systemd-oomd -u earlyoom -u docker-{}.scope",
            subject.id
        ),
    };
    ask.read(roots)
}

/// journalctl's matches: `+` means "or".
fn daemon_matches(subject: &Subject) -> Vec<String> {
    let mut all = Vec::new();
    for unit in ["docker", "containerd", "systemd-oomd", "earlyoom", "nohang", "oomd"] {
        all.push(format!("_SYSTEMD_UNIT={unit}.service"));
        // What systemd itself says about the unit.
        all.push(format!("UNIT={unit}.service"));
    }
    // Daemons that were started by hand, outside of their units.
    for comm in ["dockerd", "containerd", "systemd-oomd", "earlyoom", "oomd"] {
        all.push(format!("_COMM={comm}"));
    }
    all.push(format!("UNIT=docker-{}.scope", subject.id));
    all.push(format!("USER_UNIT=docker-{}.scope", subject.id));
    let mut joined = Vec::new();
    for one in all {
        if !joined.is_empty() {
            joined.push("+".to_owned());
        }
        joined.push(one);
    }
    joined
}

struct Ask<'a> {
    id: &'a str,
    source: Source,
    label: &'a str,
    since: Option<Moment>,
    until: Moment,
    matches: &'a [String],
    /// The same question as a person would type it.
    by_hand: &'a str,
}

impl Ask<'_> {
    fn read(&self, roots: &Roots) -> Found {
        let mut command = Command::new(&roots.journalctl);
        // LC_ALL: its complaints are read below.
        command.env("LC_ALL", "C").args(["--no-pager", "-o", "json"]);
        command.args(self.bounds()).args(self.matches);
        let check = self.check();
        let ran = match deadline::run(&mut command, deadline::INNER, CAP) {
            Ok(ran) => ran,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Found::gap(self.gap(
                    &check,
                    "there is no journalctl on this machine",
                    None,
                ));
            }
            Err(error) => return Found::gap(self.gap(&check, &plain(&error), None)),
        };
        self.found(&ran, &check)
    }

    /// `@SECONDS` since 1970 is the one spelling that no time zone changes.
    fn bounds(&self) -> Vec<String> {
        let since = self.since.map(|since| format!("--since=@{}", since.0.as_second()));
        let until = format!("--until=@{}", self.until.0.as_second() + 1);
        since.into_iter().chain([until]).collect()
    }

    /// What a person would type, with times that a person can read.
    fn check(&self) -> String {
        let since = self.since.map(|since| format!(" --since '{since}'")).unwrap_or_default();
        format!("journalctl {}{since} --until '{}'", self.by_hand, self.until)
    }

    fn found(&self, ran: &Ran, check: &str) -> Found {
        let text = String::from_utf8_lossy(&ran.stdout);
        let kept: String = text.lines().filter_map(kept_line).collect();
        let mut found = Found::default();
        if let Some(because) = missing(ran, kept.is_empty()) {
            let open_by = is_denied(ran).then(|| format!("sudo {check}"));
            found.gaps.push(self.gap(check, &because, open_by.as_deref()));
        }
        if !kept.is_empty() {
            found.exhibits.push(Exhibit {
                check: Some(check.to_owned()),
                clock: Clock::Wall,
                ..exhibit(self.id, self.source, self.label, &kept)
            });
        }
        found
    }

    fn gap(&self, tried: &str, because: &str, open_by: Option<&str>) -> Gap {
        gap(self.source, tried, because, open_by)
    }
}

/// Whether journalctl said that this user sees only a part.
fn is_denied(ran: &Ran) -> bool {
    ["not seeing messages from other users", "insufficient permissions", "Permission denied"]
        .iter()
        .any(|words| ran.stderr.contains(words))
}

/// Why the journal's answer is not all that could be there.
fn missing(ran: &Ran, is_empty: bool) -> Option<String> {
    let complaint = ran.stderr.lines().find(|line| !line.trim().is_empty()).map(str::trim);
    if ran.status.is_none() {
        return Some("journalctl did not end in time; what it said until then is kept".to_owned());
    }
    if ran.cut {
        return Some(format!("it holds more than {} MiB; the rest is left out", CAP >> 20));
    }
    if is_denied(ran) {
        return Some("this user may not read the system's journal".to_owned());
    }
    if !is_empty {
        return None;
    }
    match complaint {
        Some(words) => Some(words.chars().take(200).collect()),
        None => Some("the journal holds no line of these within the container's life".to_owned()),
    }
}

/// The entry with the fields worth keeping; `None` for a container's own words.
fn kept_line(line: &str) -> Option<String> {
    let mut entry: Map<String, Value> = serde_json::from_str(line).ok()?;
    if entry.contains_key("CONTAINER_ID") || entry.contains_key("CONTAINER_NAME") {
        return None;
    }
    entry.retain(|key, _| FIELDS.binary_search(&key.as_str()).is_ok());
    Some(Value::Object(entry).to_string() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::ContainerId;
    use std::os::unix::fs::PermissionsExt;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn subject() -> Subject {
        let id = ContainerId::parse(ID).unwrap();
        let started = Moment::from_micros(1_000_000_000);
        Subject {
            started,
            ended: Moment::from_micros(2_000_000_000),
            ..Subject::remembered(&id, &[])
        }
    }

    /// A journalctl that says what a test wrote down.
    fn read(script: &str) -> Found {
        let folder = tempfile::tempdir().unwrap();
        let journalctl = folder.path().join("journalctl");
        std::fs::write(&journalctl, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&journalctl, std::fs::Permissions::from_mode(0o755)).unwrap();
        let roots = Roots { journalctl, ..Roots::default() };
        // Another test's fork may hold the script open for writing for a moment (ETXTBSY).
        for _ in 0..50 {
            let found = read_daemons(&roots, &subject(), Moment::from_micros(0).unwrap());
            if !found.gaps.iter().any(|gap| gap.because.contains("busy")) {
                return found;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the script stays busy");
    }

    #[test]
    fn the_fields_are_sorted_so_that_they_are_found() {
        assert!(FIELDS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_containers_own_words_are_not_the_daemons() {
        let found = read(
            r#"echo '{"MESSAGE":"using the force","_COMM":"dockerd","_CMDLINE":"dockerd --token x"}'
echo '{"MESSAGE":"using the force","_COMM":"dockerd","CONTAINER_ID":"3fc28fa1c647"}'"#,
        );
        let text = found.exhibits[0].text();
        assert_eq!(text, "{\"MESSAGE\":\"using the force\",\"_COMM\":\"dockerd\"}\n");
        assert!(!found.exhibits[0].covers);
    }

    #[test]
    fn the_life_and_a_minute_around_it_are_asked_for() {
        let found = read(r#"printf '{"MESSAGE":"%s"}\n' "$*""#);
        let text = found.exhibits[0].text();
        assert!(
            text.contains("--since=@940 --until=@2061 _SYSTEMD_UNIT=docker.service + "),
            "{text}"
        );
        assert!(text.contains(&format!("+ UNIT=docker-{ID}.scope +")));
    }

    #[test]
    fn a_journal_without_an_answer_is_a_gap_that_says_why() {
        let because = |script: &str| read(script).gaps[0].because.clone();
        assert_eq!(
            because("echo 'No journal files were found.' >&2"),
            "No journal files were found."
        );
        assert_eq!(
            because("echo 'Hint: You are currently not seeing messages from other users' >&2"),
            "this user may not read the system's journal"
        );
        assert!(because("exit 0").contains("holds no line"));
        let roots = Roots { journalctl: "/nonexistent/journalctl".into(), ..Roots::default() };
        let found = read_kernel(&roots, &subject(), Moment::from_micros(0).unwrap());
        assert_eq!(found.gaps[0].because, "there is no journalctl on this machine");
        assert_eq!(found.gaps[0].source, Source::KernelLog);
    }
}
