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
use crate::log;
use crate::roots::Roots;
use crate::subject::{Life, Subject};

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

/// So many digits of an id are what a daemon's line holds of it at least.
const SHORT_ID: usize = 12;

/// Of an entry that docker's journald driver wrote.
const WRITTEN_BY_CONTAINERS: [&str; 2] = ["CONTAINER_ID", "CONTAINER_NAME"];

/// The kernel's lines from the container's first known moment to this one, whatever boot they are of.
pub(crate) fn read_kernel(roots: &Roots, subject: &Subject, until: Moment) -> Found {
    let matches = ["_TRANSPORT=kernel".to_owned()];
    let ask = Ask {
        id: "journal-kernel",
        source: Source::KernelLog,
        label: "the kernel's lines in the journal",
        since: subject.look_from(),
        until,
        matches: &matches,
        by_hand: "_TRANSPORT=kernel",
        newest_first: false,
        holding: None,
    };
    ask.read(roots)
}

/// What the lines of a report that decide hold; all in small letters, so that the case is ignored.
const TELLING: &str =
    "oom|out of memory|killed process|memory: usage|killed as a result|sacrifice child";

/// The same of the daemons' lines: a busy docker writes thousands a day that tell of no end.
const TELLING_OF_DAEMONS: &str =
    "kill|oom|force|sigterm|shim|exit|result|memory|pressure|badness|unhealthy|shutdown";

/// What else tells of one container's life: that its daemons or its scope came and went, and how.
const TELLING_OF_A_LIFE: &str =
    "signal|stop|start|died|timed out|time limit|watchdog|deactivated|succeeded|corrective|pid:";

/// The telling kernel lines of a time before the ring's oldest record, the newest first: what does not
/// come in time is the oldest.
pub(crate) fn read_older_kernel(roots: &Roots, since: Option<Moment>, until: Moment) -> Found {
    let matches = ["_TRANSPORT=kernel".to_owned()];
    let ask = Ask {
        id: "journal-kernel",
        source: Source::KernelLog,
        label: "the kernel's lines in the journal that the ring no longer holds",
        since,
        until,
        matches: &matches,
        by_hand: "_TRANSPORT=kernel",
        newest_first: true,
        holding: Some(TELLING),
    };
    ask.read(roots)
}

/// What systemd says about units that failed or lost a process, and the OOM daemons' and the
/// container daemons' lines.
pub(crate) fn read_whole_host(roots: &Roots, since: Option<Moment>, until: Moment) -> Found {
    let mut matches = failure_matches();
    for one in daemon_units() {
        matches.extend(["+".to_owned(), one]);
    }
    let ask = Ask {
        id: "journal",
        source: Source::Journal,
        label: "the journal: units that failed, the OOM daemons, docker, containerd",
        since,
        until,
        matches: &matches,
        by_hand: "-u init.scope -u docker -u containerd -u systemd-oomd -u earlyoom -u nohang",
        newest_first: true,
        holding: Some(TELLING_OF_DAEMONS),
    };
    ask.read(roots)
}

/// systemd's own messages about a unit's end, by their ids (systemd `catalog/systemd.catalog.in`):
/// a process exited, the unit failed, it lost a process to the OOM killer. An index leads to
/// them, however large the journal is.
fn failure_matches() -> Vec<String> {
    let ids = [
        "98e322203f7a4ed290d09fe03c09fe15",
        "d9b373ed55a64feb8242e02dbe79a49c",
        "fe6faa94e7774663a0da52717891d8ef",
    ];
    // Different fields must all fit, of one field any value: anybody can write such an id, only PID
    // 1 is believed.
    let ids = ids.map(|id| format!("MESSAGE_ID={id}"));
    std::iter::once("_PID=1".to_owned()).chain(ids).collect()
}

/// The daemons' units, and their names where they were started outside of them.
fn daemon_units() -> Vec<String> {
    let units = ["docker", "containerd", "systemd-oomd", "earlyoom", "nohang", "oomd"]
        .map(|unit| format!("_SYSTEMD_UNIT={unit}.service"));
    let names = ["dockerd", "containerd", "systemd-oomd", "earlyoom", "oomd"]
        .map(|comm| format!("_COMM={comm}"));
    units.into_iter().chain(names).collect()
}

/// The daemons' lines, and systemd's about the container's scope, within its last life: those that
/// tell of an end, and those that name the container. A busy daemon's others are about strangers.
pub(crate) fn read_daemons(roots: &Roots, subject: &Subject, now: Moment) -> Found {
    let named: String = subject.id.as_str().chars().take(SHORT_ID).collect();
    let telling = [TELLING_OF_DAEMONS, TELLING_OF_A_LIFE, &named].join("|");
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
        newest_first: false,
        holding: Some(&telling),
    };
    ask.read(roots)
}

/// Whose unit it is: the system's, or that of a user's own manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    /// PID 1.
    System,
    /// `user@UID.service`
    User,
}

/// What systemd and the OOM daemons wrote about a unit, and the unit's own last words. Only PID
/// 1's and a user manager's `UNIT=` is believed; everything else of the unit is its own words.
pub(crate) fn read_unit(
    roots: &Roots,
    unit: &str,
    manager: Manager,
    life: &Life,
    now: Moment,
    with_logs: bool,
) -> Found {
    let (of_manager, own) = match manager {
        Manager::System => (["_PID=1".to_owned(), format!("UNIT={unit}")], "_SYSTEMD_UNIT"),
        Manager::User => {
            (["_COMM=systemd".to_owned(), format!("USER_UNIT={unit}")], "_SYSTEMD_USER_UNIT")
        }
    };
    let mut matches = of_manager.to_vec();
    for daemon in ["systemd-oomd", "earlyoom", "nohang", "oomd"] {
        matches.extend(["+".to_owned(), format!("_SYSTEMD_UNIT={daemon}.service")]);
    }
    let ask = Ask {
        id: "journal",
        source: Source::Journal,
        label: "the journal of systemd about this unit, and of the OOM daemons",
        since: life.first_known,
        until: life.ended.and_then(|end| end.plus_micros(60_000_000)).unwrap_or(now),
        matches: &matches,
        by_hand: &format!("-u {unit}"),
        newest_first: true,
        holding: None,
    };
    let mut found = ask.read(roots);
    found.add(read_own_words(roots, unit, own, life, with_logs));
    found
}

/// The unit's own words in its last life.
fn read_own_words(roots: &Roots, unit: &str, field: &str, life: &Life, with_logs: bool) -> Found {
    let mut command = Command::new(&roots.journalctl);
    command.env("LC_ALL", "C").args(["--no-pager", "-o", "cat", "-n", "300"]);
    let since = life.started.map(|start| format!("--since=@{}", start.0.as_second()));
    command.args(since).arg(format!("{field}={unit}"));
    let check = format!("journalctl -n 300 {field}={unit}");
    let Ok(ran) = deadline::run(&mut command, deadline::INNER, CAP) else {
        // That there is no journal is said already.
        return Found::default();
    };
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    log::kept(&text, with_logs, &check)
}

/// The kernel's lines of a time.
pub(crate) fn read_kernel_since(roots: &Roots, since: Option<Moment>, until: Moment) -> Found {
    let matches = ["_TRANSPORT=kernel".to_owned()];
    let ask = Ask {
        id: "journal-kernel",
        source: Source::KernelLog,
        label: "the kernel's lines in the journal",
        since,
        until,
        matches: &matches,
        by_hand: "_TRANSPORT=kernel",
        newest_first: true,
        holding: None,
    };
    ask.read(roots)
}

/// What the OOM daemons and the audit log hold of a time: both name processes by their pids.
pub(crate) fn read_killers(roots: &Roots, since: Option<Moment>, until: Moment) -> Found {
    let mut matches = vec!["_TRANSPORT=audit".to_owned()];
    for daemon in ["systemd-oomd", "earlyoom", "nohang", "oomd"] {
        matches.extend(["+".to_owned(), format!("_SYSTEMD_UNIT={daemon}.service")]);
    }
    matches.extend(["+".to_owned(), "_PID=1".to_owned(), "_COMM=systemd".to_owned()]);
    let ask = Ask {
        id: "journal",
        source: Source::Journal,
        label: "the journal of systemd, the OOM daemons and the audit log",
        since,
        until,
        matches: &matches,
        by_hand: "_TRANSPORT=audit + _PID=1",
        newest_first: true,
        holding: None,
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
    // Podman: systemd about its scope, and conmon, which watches it.
    for field in ["UNIT", "USER_UNIT"] {
        all.push(format!("{field}=libpod-{}.scope", subject.id));
    }
    all.extend(["_COMM=conmon".to_owned(), "_COMM=podman".to_owned()]);
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
    /// What is cut off for want of time is the oldest; the exhibit has the oldest first all the same.
    newest_first: bool,
    /// Only lines that hold one of these, where the journal can look for itself.
    holding: Option<&'a str>,
}

impl Ask<'_> {
    fn read(&self, roots: &Roots) -> Found {
        let check = self.check();
        let ran = match self.run(roots, true) {
            // Up to systemd 235 every field is told; what is not wanted is left out below.
            // Some are built without a pattern matcher.
            Ok(ran) if is_too_old(&ran) => self.run(roots, false),
            other => other,
        };
        let ran = match ran {
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

    /// The fields that are not kept would be most of what it says.
    fn run(&self, roots: &Roots, able: bool) -> std::io::Result<Ran> {
        let mut command = Command::new(&roots.journalctl);
        // LC_ALL: its complaints are read below.
        command.env("LC_ALL", "C").args(["--no-pager", "-o", "json"]);
        if able {
            let fields = [&FIELDS[..], &WRITTEN_BY_CONTAINERS].concat().join(",");
            command.arg(format!("--output-fields={fields}"));
            command.args(self.holding.map(|words| format!("--grep={words}")));
        }
        command.args(self.newest_first.then_some("-r")).args(self.bounds()).args(self.matches);
        deadline::run(&mut command, deadline::INNER, CAP)
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
        let kept = if self.newest_first {
            text.lines().rev().filter_map(kept_line).collect()
        } else {
            kept(&text)
        };
        let mut found = Found::default();
        // Nothing failed, and nothing was in the way: an answer, where no one life is asked about.
        let calm = self.newest_first && kept.is_empty() && ran.stderr.trim().is_empty();
        let because = missing(ran, kept.is_empty() && !calm);
        if let Some(because) = because {
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

/// Whether journalctl does not know what it was asked with.
fn is_too_old(ran: &Ran) -> bool {
    ["unrecognized option", "without pattern matching"].iter().any(|it| ran.stderr.contains(it))
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

/// The entries of a journal's JSON lines, with the fields worth keeping.
pub(crate) fn kept(text: &str) -> String {
    text.lines().filter_map(kept_line).collect()
}

/// The entry with the fields worth keeping; `None` for a container's own words.
fn kept_line(line: &str) -> Option<String> {
    let mut entry: Map<String, Value> = serde_json::from_str(line).ok()?;
    if WRITTEN_BY_CONTAINERS.iter().any(|key| entry.contains_key(*key)) {
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
    fn a_journalctl_that_knows_less_is_asked_for_everything() {
        let found = read(
            r#"case "$*" in *--output-fields*) echo "unrecognized option '--output-fields'" >&2; exit 1;; esac
echo '{"MESSAGE":"x","_CMDLINE":"y"}'"#,
        );
        assert_eq!(found.exhibits[0].text(), "{\"MESSAGE\":\"x\"}\n");
        assert!(found.gaps.is_empty(), "{:?}", found.gaps);
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
