//! How lives ended, by the memory of the daemon: its events hold what its state shows only of the last one.

use std::time::Duration;

use casefile::{ContainerId, Moment};
use serde_json::Value;
use tokio::runtime::Builder;

use crate::Wanted;
use crate::docker::answers;
use crate::docker::host;
use crate::events;
use crate::gather::Search;
use crate::log;
use crate::machine::Clocks;
use crate::roots::Roots;

/// Of a log, its last lines.
const MOST_LINES: u32 = 200_000;

/// The end of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LifeEnd {
    /// When.
    pub at: Option<Moment>,
    /// The same since the watch began.
    pub since_start: Option<Duration>,
    /// The exit code.
    pub code: Option<i64>,
    /// How often the daemon told of an OOM kill in that life.
    pub kills: Option<u64>,
}

/// The ends after a moment, oldest first; none where the daemon cannot be asked or does not remember.
pub(super) fn ended(wanted: &Wanted, id: &ContainerId, from: Moment) -> Vec<LifeEnd> {
    let Some(text) = history(wanted) else { return Vec::new() };
    of_text(&text, id, from)
}

fn history(wanted: &Wanted) -> Option<String> {
    // The daemon waits for a moment that lies ahead of it.
    let path = events::path(Clocks::read().now());
    fetched(wanted, &path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// What it printed since a moment, as much as comes in time; a terminal's log has no headers to take out.
pub(super) fn printed(wanted: &Wanted, id: &ContainerId, from: Moment) -> Option<String> {
    let since = from.0.as_second();
    let path = format!("/containers/{id}/logs?stdout=1&stderr=1&tail={MOST_LINES}&since={since}");
    let bytes = log::without_headers(&fetched(wanted, &path)?);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A daemon on this machine, asked.
fn fetched(wanted: &Wanted, path: &str) -> Option<Vec<u8>> {
    let roots = Roots::default();
    let host = host::choose(wanted, &roots).ok().filter(|host| host.socket().is_some())?;
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let search = Search::at(host, wanted, &roots);
    let answer = runtime.block_on(search.daemon.fetch_part(path)).ok();
    runtime.shutdown_background();
    answer.map(|answer| answer.body)
}

fn of_text(text: &str, id: &ContainerId, from: Moment) -> Vec<LifeEnd> {
    let mut ends = Vec::new();
    let mut kills = 0;
    for line in text.lines() {
        let Some(event) = answers::events(line).pop() else { continue };
        let is_later = event.at.is_some_and(|at| at > from);
        if !super::same(event.container.as_ref(), id) || !is_later {
            continue;
        }
        match event.action.as_str() {
            "oom" => kills += 1,
            "die" | "died" => {
                let (at, code) = (event.at, code(line));
                ends.push(LifeEnd { at, since_start: None, code, kills: Some(kills) });
                kills = 0;
            }
            _ => {}
        }
    }
    ends
}

/// Docker's `exitCode`, Podman's `containerExitCode`.
fn code(line: &str) -> Option<i64> {
    let event: Value = serde_json::from_str(line).ok()?;
    let attributes = event.pointer("/Actor/Attributes")?;
    let code = attributes.get("exitCode").or_else(|| attributes.get("containerExitCode"))?;
    code.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn event(action: &str, seconds: i64, id: &str, code: &str) -> String {
        format!(
            "{{\"Type\":\"container\",\"Action\":\"{action}\",\"Actor\":{{\"ID\":\"{id}\",\
             \"Attributes\":{{\"exitCode\":\"{code}\"}}}},\"time\":{seconds}}}\n"
        )
    }

    #[test]
    fn each_end_has_its_own_kills() {
        let other = ID.replace('3', "4");
        let text = [
            event("oom", 5, ID, ""),
            event("die", 6, ID, "137"),
            event("oom", 20, ID, ""),
            event("oom", 20, &other, ""),
            event("die", 21, ID, "137"),
            event("start", 22, ID, ""),
            event("die", 30, ID, "0"),
        ]
        .concat();
        let id = ContainerId::parse(ID).unwrap();
        let ends = of_text(&text, &id, Moment::from_micros(10_000_000).unwrap());
        let told: Vec<_> = ends.iter().map(|end| (end.code, end.kills)).collect();
        assert_eq!(told, [(Some(137), Some(1)), (Some(0), Some(0))]);
        assert_eq!(of_text("nonsense\n{}\n", &id, Moment::from_micros(0).unwrap()), []);
    }
}
