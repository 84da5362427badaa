//! What goes round: containers that die again and again, asked about with `why137 loops`, and changed with
//! `why137 guard`; beside them what `fix` changes, and what `size` refuses to give a limit.
//!
//! A round is data, as a death is. A loop is looked at in four steps: what `loops` says of it; that `guard`
//! without consent changes nothing; what it does with consent; that `--undo` puts everything back. What
//! docker shows of the container's settings before and after decides, not what the program says.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::deaths::Memory;
use crate::docker::Docker;
use crate::images::Image;
use crate::platform::Machine;
use crate::run::{Entry, Lab, Outcome, Told};
use crate::shell;
use crate::stage::check_limit;

mod caller;
mod fixes;
mod list;
mod refusals;

use caller::Caller;
use list::ROUNDS;

/// One thing that goes round.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// Its name on the command line; the container is `lab-NAME`.
    name: &'static str,
    /// Number in the acceptance table, or `-`.
    scenario: &'static str,
    /// The container's limit in MiB. Swap is never allowed beyond it.
    memory: u64,
    options: &'static [&'static str],
    command: &'static [&'static str],
    until: Until,
    found: Found,
    guarded: Guarded,
}

/// When there is enough to ask about.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// Docker has started it again so often.
    Restarts(u64),
    /// Its cgroup counts so many kills.
    Kills(u64),
}

/// What `loops` must say.
#[derive(Debug, Clone, Copy)]
struct Found {
    kind: &'static str,
    cause: &'static str,
    is_memory: bool,
    in_warm_up: bool,
    /// Null: it has no health check.
    before_health: Option<bool>,
    /// At least so many deaths.
    deaths: u64,
    /// The middle age at death in seconds lies between these; in a storm there is none.
    age: Option<(f64, f64)>,
    /// Words that the page must not hold.
    never: &'static [&'static str],
}

/// What `guard` must do with consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guarded {
    /// Nothing, consent or not.
    LeftAlone,
    /// The policy ends, and one run with twice the limit shows this.
    Tried { survived: bool },
}

/// So often is a busy daemon asked for its events.
const PATIENT: u32 = 5;

/// Names with their scenario numbers.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let loops = ROUNDS.iter().map(|round| (round.name, round.scenario));
    loops.chain(fixes::names()).chain(refusals::names())
}

/// Whether a word on the command line means one of these.
pub(crate) fn is_known(word: &str) -> bool {
    names().any(|(name, scenario)| name == word || (scenario == word && word != "-"))
}

/// Makes those that are asked for, one after the other; all where nothing is named.
pub(crate) fn all_of(
    lab: &Lab,
    daemon: &Daemon,
    program: &Path,
    only: &[String],
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut one = |(name, scenario): (&str, &str), make: &dyn Fn() -> Result<Outcome>| {
        if !only.is_empty() && !only.iter().any(|word| word == name || word == scenario) {
            return;
        }
        let title = match scenario {
            "-" => format!("lab {name}"),
            number => format!("lab scenario {number} {name}"),
        };
        tell(Told::Begins(&title));
        let begun = Instant::now();
        let outcome = make().unwrap_or_else(|err| Outcome::Failed(vec![format!("{err:#}")]));
        let took = begun.elapsed();
        let entry = Entry { name: name.to_owned(), title, outcome, took, said: Value::Null };
        tell(Told::Over(&entry));
        entries.push(entry);
    };
    for round in ROUNDS {
        one((round.name, round.scenario), &|| Stage::new(lab, daemon, program, round)?.outcome());
    }
    for fix in fixes::FIXES {
        one((fix.name, fix.scenario), &|| match fix.by_name_only() {
            Some(why) if only.is_empty() => Ok(Outcome::NotRun(why)),
            Some(_) | None => fixes::outcome(lab, daemon, program, fix),
        });
    }
    for refusal in refusals::REFUSALS {
        one((refusal.name, "-"), &|| refusals::outcome(lab, daemon, program, refusal));
    }
    Ok(entries)
}

/// What came of it: every difference, and the container gone.
fn outcome_of(wrong: Result<Vec<String>>, cleared: Result<()>) -> Result<Outcome> {
    let wrong = wrong.and_then(|wrong| cleared.map(|()| wrong))?;
    Ok(if wrong.is_empty() { Outcome::Passed } else { Outcome::Failed(wrong) })
}

/// One round being looked at.
struct Stage<'a> {
    round: &'a Round,
    docker: &'a Docker,
    caller: Caller<'a>,
    name: String,
    lab: &'a Lab,
}

impl<'a> Stage<'a> {
    fn new(
        lab: &'a Lab,
        daemon: &'a Daemon,
        program: &'a Path,
        round: &'static Round,
    ) -> Result<Self> {
        let caller = Caller::new(lab, daemon, program, round.name)?;
        let name = format!("lab-{}", round.name);
        Ok(Self { round, docker: &daemon.docker, caller, name, lab })
    }

    fn outcome(&self) -> Result<Outcome> {
        Image::Base.provide(self.lab, self.docker)?;
        outcome_of(self.all(), self.docker.remove(&self.name))
    }

    /// Every difference from what should be.
    fn all(&self) -> Result<Vec<String>> {
        self.docker.remove(&self.name)?;
        self.create()?;
        self.docker.read(&["start", &self.name])?;
        self.await_enough()?;
        let mut wrong = self.loops()?;
        let before = self.settings()?;
        wrong.extend(self.without_consent(&before)?);
        match self.round.guarded {
            Guarded::LeftAlone => wrong.extend(self.left_alone(&before)?),
            Guarded::Tried { survived } => wrong.extend(self.tried(&before, survived)?),
        }
        Ok(wrong)
    }

    fn create(&self) -> Result<()> {
        let limit = format!("{}m", self.round.memory);
        let mut words =
            vec!["create", "--name", &self.name, "--network", "none", "--pull", "never"];
        words.extend(["--memory", &limit, "--memory-swap", &limit]);
        words.extend(self.round.options);
        words.push(Image::Base.tag());
        words.extend(self.round.command);
        self.docker.read(&words)?;
        let state = self.docker.state(&self.name)?.context("it is gone before its start")?;
        check_limit(&state, Memory::Mib(self.round.memory))
    }

    fn await_enough(&self) -> Result<()> {
        let patience = Duration::from_secs(400);
        let enough = shell::wait_until(patience, || {
            let state = self.docker.state(&self.name)?.context("it is gone")?;
            Ok(match self.round.until {
                Until::Restarts(count) => state.restarts >= count && state.status == "restarting",
                Until::Kills(count) => {
                    self.lab.platform.cgroup.oom_kills(&state).is_some_and(|kills| kills >= count)
                }
            })
        })?;
        if !enough {
            bail!("it did not go round so often in {} s", patience.as_secs());
        }
        Ok(())
    }

    /// What docker keeps of its settings.
    fn settings(&self) -> Result<Value> {
        self.docker.host_config(&self.name)
    }

    /// What `loops` says in JSON. A daemon that is too busy to tell its events leaves a gap; on an emulated
    /// machine it is, now and then.
    fn told(&self) -> Result<(i32, Value)> {
        let words = ["loops", &self.name, "--format", "json"];
        for _ in 1..PATIENT {
            let (code, all) = self.caller.json(&words, "loops.json")?;
            let is_whole = all.pointer("/0/gaps/0").is_none();
            if is_whole || self.lab.platform.machine == Machine::Shared {
                return Ok((code, all));
            }
            std::thread::sleep(Duration::from_secs(10));
        }
        self.caller.json(&words, "loops.json")
    }

    /// What `loops` says, by its JSON and its page.
    fn loops(&self) -> Result<Vec<String>> {
        let (code, all) = self.told()?;
        let Some([one]) = all.as_array().map(Vec::as_slice) else {
            return Ok(vec![format!("loops: expected one loop, got {all}")]);
        };
        let found = self.round.found;
        let mut wrong = Vec::new();
        let mut expect = |what: &str, wanted: Value| {
            let shown = one.pointer(what).cloned().unwrap_or_default();
            if shown != wanted {
                wrong.push(format!("loops {what}: expected {wanted}, got {shown}"));
            }
        };
        expect("/kind", json!(found.kind));
        expect("/cause", json!(found.cause));
        expect("/is_memory", json!(found.is_memory));
        // An emulated machine is so slow that ages of a start differ by more than a start's own.
        if self.lab.platform.machine == Machine::Shared || !found.in_warm_up {
            expect("/in_warm_up", json!(found.in_warm_up));
        }
        expect("/before_health", json!(found.before_health));
        if found.cause == "container-memory-limit" {
            expect("/limit_bytes", json!(self.round.memory << 20));
        }
        let number = |what: &str| one.pointer(what).and_then(Value::as_f64);
        if number("/deaths").is_none_or(|deaths| deaths < found.deaths as f64) {
            wrong.push(format!("loops /deaths: expected {} or more, got {one}", found.deaths));
        }
        let age = number("/ages/median_seconds");
        let fits = match (found.age, age) {
            (Some((least, most)), Some(age)) => (least..most).contains(&age),
            (None, age) => age.is_none() || found.kind == "restart-loop",
            (Some(_), None) => false,
        };
        if !fits {
            wrong.push(format!("loops /ages: expected {:?}, got {age:?}", found.age));
        }
        if one.pointer("/because/0/quote").and_then(Value::as_str).is_none_or(str::is_empty) {
            wrong.push("loops: no line of evidence".to_owned());
        }
        if code != 0 {
            wrong.push(format!("loops: exit code {code}"));
        }
        let (_, page) = self.caller.why137(&["loops", &self.name])?;
        self.caller.keep("loops.txt", &page)?;
        let said = page.to_lowercase();
        let never = found.never.iter().filter(|word| said.contains(**word));
        wrong.extend(never.map(|word| format!("loops: the page says `{word}`")));
        Ok(wrong)
    }

    /// `guard` once; its report of this container.
    fn guard(&self, words: &[&str], keep_as: &str) -> Result<(i32, Value)> {
        let base = ["guard", &self.name, "--once", "--format", "json"];
        let words: Vec<&str> = base.iter().chain(words).copied().collect();
        let (code, all) = self.caller.json(&words, keep_as)?;
        Ok((code, all.get(0).cloned().unwrap_or_default()))
    }

    /// Nobody said yes, a dry run: nothing is changed.
    fn without_consent(&self, before: &Value) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let wanted = match self.round.guarded {
            Guarded::LeftAlone => ["left-alone", "left-alone"],
            Guarded::Tried { .. } => ["no-consent", "shown"],
        };
        for (words, wanted) in [&[][..], &["--dry-run", "--consent", &self.name]].iter().zip(wanted)
        {
            let (_, report) = self.guard(words, "guard-without.json")?;
            let outcome = report.get("outcome").and_then(Value::as_str).unwrap_or_default();
            if outcome != wanted {
                wrong.push(format!("guard {words:?}: expected {wanted}, got {report}"));
            }
            if self.settings()? != *before {
                wrong.push(format!("guard {words:?}: the container's settings are changed"));
            }
            if self.caller.state.exists() {
                wrong.push(format!("guard {words:?}: something was written into the journal"));
            }
        }
        Ok(wrong)
    }

    /// Consent does not make it this command's business.
    fn left_alone(&self, before: &Value) -> Result<Vec<String>> {
        let (code, report) = self.guard(&["--consent", &self.name], "guard.json")?;
        let mut wrong = Vec::new();
        // In an emulated machine a storm may come to rest meanwhile.
        let at_rest = report.is_null() && self.lab.platform.machine == Machine::Own;
        let left_alone = report.get("outcome") == Some(&json!("left-alone")) || at_rest;
        if !left_alone || code != 0 {
            wrong.push(format!("guard: expected left-alone, got {report} and {code}"));
        }
        if self.settings()? != *before {
            wrong.push("guard: the container's settings are changed".to_owned());
        }
        Ok(wrong)
    }

    /// The policy ends, the run is reported, the limit follows, and everything goes back.
    fn tried(&self, before: &Value, survived: bool) -> Result<Vec<String>> {
        let (code, report) = self.guard(&["--consent", &self.name], "guard.json")?;
        let after = self.settings()?;
        let mut wrong = Vec::new();
        let mut expect = |what: &str, shown: Option<&Value>, wanted: Value| {
            if shown != Some(&wanted) {
                wrong.push(format!("guard {what}: expected {wanted}, got {shown:?} of {report}"));
            }
        };
        let limit = self.round.memory << 20;
        let limit_after = if survived { limit * 2 } else { limit };
        expect("/outcome", report.get("outcome"), json!("changed"));
        expect("/trial/survived", report.pointer("/trial/survived"), json!(survived));
        expect("/trial/limit_bytes", report.pointer("/trial/limit_bytes"), json!(limit * 2));
        expect("settings, Memory", after.get("Memory"), json!(limit_after));
        // A machine without swap has no number there, and keeps it so.
        let swap = before.get("MemorySwap").cloned().unwrap_or_default();
        let swap = if swap == json!(limit) { json!(limit_after) } else { swap };
        expect("settings, MemorySwap", after.get("MemorySwap"), swap);
        let policy = json!({"Name": "on-failure", "MaximumRetryCount": 3});
        expect("settings, RestartPolicy", after.get("RestartPolicy"), policy);
        expect("exit code", Some(&json!(code)), json!(i32::from(!survived)));
        let held = report.pointer("/trial/held_bytes").and_then(Value::as_u64);
        let most = report.pointer("/trial/peak_bytes").and_then(Value::as_u64);
        if survived && !(held.is_some_and(|it| it > limit) && most.is_some_and(|it| it >= limit)) {
            wrong.push(format!(
                "guard: a start that needs more than {limit} held {held:?}, {most:?}"
            ));
        }
        let state = self.docker.state(&self.name)?.context("it is gone")?;
        let wanted = if survived { "running" } else { "exited" };
        if state.status != wanted {
            wrong.push(format!("guard: it is {}, not {wanted}", state.status));
        }
        // What it holds after its start is below its old limit, so that may go back too.
        let (_, _) =
            self.caller.why137(&["guard", "--undo", &self.name, "--consent", &self.name])?;
        if self.settings()? != *before {
            wrong.push("undo: the container's settings are not what they were".to_owned());
        }
        Ok(wrong)
    }
}

/// Whether these can be made: on somebody's machine a round is as small as a death.
pub(crate) fn fits(machine: Machine) -> bool {
    machine == Machine::Own || ROUNDS.iter().all(|round| round.memory * 2 <= 512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_also_beside_the_deaths() {
        let mut all: Vec<&str> = names().map(|(name, _)| name).collect();
        all.extend(crate::deaths::all().iter().map(|death| death.name));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_round_stays_small_also_with_twice_its_limit() {
        assert!(fits(Machine::Shared));
    }

    #[test]
    fn what_is_no_memory_is_left_alone() {
        for round in ROUNDS {
            let tried = round.guarded != Guarded::LeftAlone;
            assert!(!tried || round.found.is_memory, "{}", round.name);
        }
    }

    #[test]
    fn a_word_is_known_by_name_or_number() {
        assert!(is_known("22") && is_known("loop-at-limit"));
        assert!(!is_known("-") && !is_known("healthy"));
    }
}
