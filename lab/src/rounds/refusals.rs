//! When not to cap: containers to which `why137 size` gives no limit, each with its own sentence.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::caller::Caller;
use super::outcome_of;
use crate::daemon::Daemon;
use crate::deaths::Memory;
use crate::images::Image;
use crate::platform::Machine;
use crate::run::{Lab, Outcome};
use crate::stage::check_limit;

/// One container that gets no limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) name: &'static str,
    memory: Memory,
    command: &'static [&'static str],
    /// Further words of `size`.
    words: &'static [&'static str],
    /// How the sentence begins, and what else is in it.
    says: &'static [&'static str],
}

/// 12 MiB, and 100 MiB more for a second in every fifteen.
const BATCH: &str = "import time\nheld = bytearray(b'a') * (4 << 20)\nwhile True:\n    time.sleep(14)\n    \
    burst = bytearray(b'a') * (100 << 20)\n    time.sleep(0.6)\n    del burst\n";
/// 96 MiB that it never gives back.
const MODEL: &str = "import time\nmodel = bytearray(b'a') * (96 << 20)\ntime.sleep(3600)\n";

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        name: "refuses-unmeasured",
        memory: Memory::Mib(64),
        command: &["sleep", "3600"],
        words: &["--for", "1s", "--every", "10s"],
        says: &["not measured: ", "`why137 measure`"],
    },
    Refusal {
        name: "refuses-batch",
        memory: Memory::Mib(192),
        command: &["python3", "-c", BATCH],
        words: &["--for", "50s"],
        says: &["a spiky batch: ", "reserve"],
    },
    Refusal {
        name: "refuses-single-tenant",
        memory: Memory::Unlimited,
        command: &["sleep", "3600"],
        words: &["--for", "8s"],
        says: &["single tenant: ", "protects nobody"],
    },
    Refusal {
        name: "refuses-model-beyond-cap",
        memory: Memory::Mib(192),
        command: &["python3", "-c", MODEL],
        words: &["--for", "15s", "--cap", "64m"],
        says: &["what it must hold is bigger than the cap: ", "64 MiB is asked for"],
    },
];

/// Names; none has a number.
pub(super) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    REFUSALS.iter().map(|refusal| (refusal.name, "-"))
}

/// Starts it, asks, and looks.
pub(super) fn outcome(
    lab: &Lab,
    daemon: &Daemon,
    program: &Path,
    refusal: &'static Refusal,
) -> Result<Outcome> {
    if matches!(refusal.memory, Memory::Unlimited) && lab.platform.machine == Machine::Shared {
        let why = "it has no limit, and so needs a machine of its own: `cargo xtask lab vm`";
        return Ok(Outcome::NotRun(why.to_owned()));
    }
    let docker = &daemon.docker;
    Image::Base.provide(lab, docker)?;
    let name = format!("lab-{}", refusal.name);
    docker.remove(&name)?;
    let limit = match refusal.memory {
        Memory::Mib(mebibytes) => Some(format!("{mebibytes}m")),
        Memory::Unlimited => None,
    };
    let mut words = vec!["create", "--name", &name, "--network", "none", "--pull", "never"];
    if let Some(limit) = &limit {
        words.extend(["--memory", limit, "--memory-swap", limit]);
    }
    words.push(Image::Base.tag());
    words.extend(refusal.command);
    docker.read(&words)?;
    let state = docker.state(&name)?.context("it is gone before its start")?;
    check_limit(&state, refusal.memory)?;
    docker.read(&["start", &name])?;
    let caller = Caller::new(lab, daemon, program, refusal.name)?;
    outcome_of(asked(&caller, &name, refusal), docker.remove(&name))
}

/// Every difference, in the answer for programs and on the page.
fn asked(caller: &Caller<'_>, name: &str, refusal: &Refusal) -> Result<Vec<String>> {
    let words = |more: &[&'static str]| [&["size", name], refusal.words, more].concat();
    let (code, answer) = caller.json(&words(&["--format", "json"]), "size.json")?;
    let mut wrong = Vec::new();
    let because = answer.get("blocked_because").and_then(Value::as_str).unwrap_or_default();
    let begins = refusal.says.first().is_some_and(|first| because.starts_with(first));
    if !begins || refusal.says.iter().any(|part| !because.contains(part)) {
        wrong.push(format!("expected {:?}, got `{because}` of {answer}", refusal.says));
    }
    if answer.get("limit_bytes") != Some(&Value::Null) || code != 3 {
        wrong.push(format!("expected no limit and 3, got {code} and {answer}"));
    }
    let (_, page) = caller.why137(&words(&[]))?;
    caller.keep("size.txt", &page)?;
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let missing = refusal.says.iter().filter(|part| !page.contains(part.trim()));
    wrong.extend(missing.map(|part| format!("the page does not say `{part}`: {page}")));
    Ok(wrong)
}
