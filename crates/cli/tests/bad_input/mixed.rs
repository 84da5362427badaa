//! Reports of several kills whose lines the log mixed: two CPUs wrote at once, or a collector joined
//! two nodes' lines. Every victim is counted once, and nobody gets another's numbers.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::run;
use crate::texts::{Kill, kills, report};

/// A small generator of numbers, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// The reports' lines in one order, each report's own order kept.
fn shuffled(kills: &[Kill], dice: &mut Dice) -> Vec<(usize, String)> {
    let mut waiting: Vec<(usize, Vec<String>)> = kills
        .iter()
        .map(report)
        .enumerate()
        .map(|(who, mut lines)| {
            lines.reverse();
            (who, lines)
        })
        .collect();
    let mut mixed = Vec::new();
    while !waiting.is_empty() {
        let place = dice.below(waiting.len());
        let (who, lines) = &mut waiting[place];
        let who = *who;
        match lines.pop() {
            Some(line) => mixed.push((who, line)),
            None => drop(waiting.remove(place)),
        }
    }
    mixed
}

/// Every victim of an answer and of its other findings.
fn victims(answer: &Value) -> Vec<&Value> {
    let of = |one: &'_ Value| one["victims"].as_array().cloned().unwrap_or_default().len();
    assert!(of(answer) > 0, "{answer}");
    let findings = answer["findings"].as_array().into_iter().flatten();
    std::iter::once(answer)
        .chain(findings)
        .flat_map(|one| one["victims"].as_array().into_iter().flatten())
        .collect()
}

fn check(kills: &[Kill], log: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = run(folder.path(), "", &["--format", "json", "-"], log);
    assert!(code == 0 || code == 3, "{code} {err}\n{log}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    let found = victims(&answer);
    let pids: Vec<u64> = found.iter().filter_map(|one| one["pid"].as_u64()).collect();
    let told: BTreeSet<u64> = pids.iter().copied().collect();
    let died: BTreeSet<u64> = kills.iter().map(|kill| u64::from(kill.pid)).collect();
    assert_eq!(told, died, "{log}");
    assert_eq!(pids.len(), kills.len(), "a victim twice: {pids:?}\n{log}");
    for victim in found {
        let kill = kills.iter().find(|kill| Some(u64::from(kill.pid)) == victim["pid"].as_u64());
        let kill = kill.unwrap();
        assert_eq!(victim["comm"], kill.comm, "{log}");
        let anon = &victim["anon_rss_kb"];
        assert!(anon.is_null() || anon == kill.anon_kb, "{victim}\n{log}");
    }
    let findings = answer["findings"].as_array().into_iter().flatten();
    for one in std::iter::once(&answer).chain(findings) {
        check_limit(kills, one, log);
    }
}

/// A limit that is told is the one of the container that is told.
fn check_limit(kills: &[Kill], answer: &Value, log: &str) {
    let pid = answer["victims"][0]["pid"].as_u64();
    let Some(kill) = kills.iter().find(|kill| Some(u64::from(kill.pid)) == pid) else { return };
    let limit = &answer["limit_bytes"];
    assert!(limit.is_null() || limit == kill.limit_kb * 1024, "{limit} of {}\n{log}", kill.comm);
    for id in [&answer["container_id"], &answer["limit_cgroup"]] {
        let named = id.as_str().unwrap_or_default();
        let other = kills.iter().find(|other| other.pid != kill.pid && named.contains(&other.id));
        assert!(other.is_none(), "{named} of {}\n{log}", kill.comm);
    }
}

/// `CONFIG_PRINTK_CALLER`: each line names the task or CPU that wrote it.
#[test]
fn lines_that_name_their_caller_are_sorted_out() {
    let all = kills();
    for (count, seed) in (0..24).map(|seed| (2 + seed % 2, seed)) {
        let kills = &all[..usize::try_from(count).unwrap()];
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (seed + 1));
        let log: String = shuffled(kills, &mut dice)
            .iter()
            .enumerate()
            .map(|(at, (who, line))| {
                let caller = format!("T{}", kills[*who].pid);
                format!("[ 8123.{:06}][{caller:>6}] {line}\n", 100 + at)
            })
            .collect();
        check(kills, &log);
    }
}

#[test]
fn lines_without_a_caller_are_never_given_to_another_victim() {
    let all = kills();
    for (count, seed) in (0..24).map(|seed| (2 + seed % 2, seed)) {
        let kills = &all[..usize::try_from(count).unwrap()];
        let mut dice = Dice(0x2545_f491_4f6c_dd1d ^ (seed + 1));
        let log: String = shuffled(kills, &mut dice)
            .iter()
            .enumerate()
            .map(|(at, (_, line))| format!("[ 8123.{:06}] {line}\n", 100 + at))
            .collect();
        check(kills, &log);
    }
}

/// A collector that lost every other line.
#[test]
fn a_log_that_lost_lines_invents_no_victim() {
    let kills = kills();
    for seed in 0..12_u64 {
        let mut dice = Dice(0x1234_5678_9abc_def1 ^ (seed + 1));
        let all = shuffled(&kills, &mut dice);
        let log: String = all
            .iter()
            .enumerate()
            .filter(|_| dice.below(3) > 0)
            .map(|(at, (_, line))| format!("[ 8123.{:06}] {line}\n", 100 + at))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let (_, out, err) = run(folder.path(), "", &["--format", "json", "-"], &log);
        let answer: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}\n{log}"));
        let findings = answer["findings"].as_array().cloned().unwrap_or_default();
        for one in std::iter::once(&answer).chain(&findings) {
            check_limit(&kills, one, &log);
            for victim in one["victims"].as_array().into_iter().flatten() {
                let kill = kills.iter().find(|kill| victim["pid"] == kill.pid);
                let kill = kill.unwrap_or_else(|| panic!("{victim}\n{log}"));
                let killed = log.contains(&format!("Killed process {} ", kill.pid))
                    || log.contains(&format!("pid={},", kill.pid));
                assert!(killed, "{victim}\n{log}");
                let anon = &victim["anon_rss_kb"];
                assert!(anon.is_null() || anon == kill.anon_kb, "{victim}\n{log}");
            }
        }
    }
}
