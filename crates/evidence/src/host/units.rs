//! `unit-N`: the units that systemd keeps as failed, as `systemctl show` describes each.
//!
//! A unit that failed and was started again is no longer among them: the journal tells of that.

use std::io::ErrorKind;
use std::process::Command;

use casefile::{Clock, Exhibit, Source};

use crate::deadline;
use crate::docker::host::shell_word;
use crate::found::{Found, exhibit, gap, plain};

/// Some kB for each unit.
const CAP: usize = 4 << 20;

/// What is asked of each; the environment and the command's arguments are not.
const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,Result,MainPID,ExecMainPID,\
    ExecMainCode,ExecMainStatus,ExecMainStartTimestamp,ExecMainExitTimestamp,StateChangeTimestamp,\
    ControlGroup,Slice,MemoryMax,MemoryHigh,MemoryCurrent,OOMPolicy,NRestarts,TimeoutStopUSec";

/// Every unit that failed.
pub(super) fn failed() -> Found {
    let mut command = Command::new("systemctl");
    // TZ: its times name a zone by letters that only its own machine can read.
    command.env("LC_ALL", "C").env("TZ", "UTC");
    command.args(["show", "*", "--state=failed", "--no-pager", "-p", PROPERTIES]);
    let tried = "systemctl --failed";
    let ran = match deadline::run(&mut command, deadline::INNER, CAP) {
        Ok(ran) => ran,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let because = "there is no systemd on this machine";
            return Found::gap(gap(Source::UnitState, tried, because, None));
        }
        Err(error) => return Found::gap(gap(Source::UnitState, tried, &plain(&error), None)),
    };
    let complaint = ran.stderr.lines().map(str::trim).find(|line| !line.is_empty());
    let because = match (ran.status, complaint) {
        (None, _) => Some("systemctl did not end in time".to_owned()),
        (Some(status), Some(words)) if !status.success() => Some(words.chars().take(200).collect()),
        (Some(_), _) => None,
    };
    let mut found = blocks(&String::from_utf8_lossy(&ran.stdout));
    found.gaps.extend(because.map(|because| gap(Source::UnitState, tried, &because, None)));
    found
}

/// One exhibit for each block of `KEY=VALUE` lines.
fn blocks(text: &str) -> Found {
    let mut found = Found::default();
    for block in text.split("\n\n") {
        let block = block.trim();
        let id = block.lines().find_map(|line| line.strip_prefix("Id="));
        let Some(id) = id.filter(|id| !id.is_empty()) else { continue };
        let shown = format!("systemctl show {}", shell_word(id));
        let number = found.exhibits.len() + 1;
        found.exhibits.push(Exhibit {
            check: Some(shown.clone()),
            clock: Clock::Wall,
            ..exhibit(&format!("unit-{number}"), Source::UnitState, &shown, &format!("{block}\n"))
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_an_exhibit_of_its_own() {
        let text = "Result=oom-kill\nId=api.service\n\nResult=exit-code\nId=a b.service\n\n\n";
        let found = blocks(text);
        let labels: Vec<&str> = found.exhibits.iter().map(|one| one.label.as_str()).collect();
        assert_eq!(labels, ["systemctl show api.service", "systemctl show 'a b.service'"]);
        assert_eq!(found.exhibits[0].text(), "Result=oom-kill\nId=api.service\n");
        assert!(blocks("\n").exhibits.is_empty());
    }
}
