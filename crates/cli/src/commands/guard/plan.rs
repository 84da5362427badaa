//! What would be done with one container, before anybody is asked.

use anyhow::bail;
use casefile::Bytes;
use change::{Daemon, Settings};
use evidence::Address;
use judge::loops::{Loop, Trial};

use super::GuardArgs;
use crate::commands::loops::page::seconds;
use crate::commands::{daemon, explain};
use crate::printer::Printer;

/// A restart policy that comes to an end: `no`, `on-failure:N`.
pub(super) fn policy(text: &str) -> Result<String, String> {
    let most = text.strip_prefix("on-failure:").and_then(|most| most.parse::<u16>().ok());
    match (text, most) {
        ("no", _) => Ok(text.to_owned()),
        (_, Some(most)) if most > 0 => Ok(format!("on-failure:{most}")),
        _ => {
            Err("`no` or `on-failure:N` with N from 1: another one restarts without end".to_owned())
        }
    }
}

/// What would be done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) daemon: Daemon,
    pub(super) id: String,
    pub(super) name: String,
    /// As they are.
    pub(super) now: Settings,
    /// The restart policy in the end; `None`: it stays.
    pub(super) policy: Option<String>,
    /// The one run; `None`: none.
    pub(super) trial: Option<Trial>,
    /// Why there is none, where there could be one.
    pub(super) refused: Option<String>,
}

impl Plan {
    /// Asks the container's daemon for its settings.
    ///
    /// # Errors
    /// It cannot be asked, or is one that is not changed from here.
    pub(super) fn of(printer: &Printer, arguments: &GuardArgs, one: &Loop) -> anyhow::Result<Self> {
        let word = one.container_id.as_ref().map(|id| id.as_str().to_owned());
        let word = word.or_else(|| one.name.clone()).unwrap_or_default();
        let wanted = daemon::wanted(&arguments.daemon, word, explain::now()?);
        let reached = evidence::reach_container(&wanted, &mut |doing| printer.progress(doing))
            .map_err(|error| explain::not_gathered(&error))?;
        let daemon = daemon_at(reached.address)?;
        let id = reached.id.as_str().to_owned();
        let now = daemon.settings(&id, &reached.name)?;
        let unbounded = matches!(now.policy.as_str(), "always" | "unless-stopped" | "on-failure");
        let trial = match arguments.limit {
            _ if arguments.no_trial => None,
            Some(limit) => one.trial_of(limit),
            None => one.trial(),
        };
        // A container with another limit than the one it died at was changed since.
        let trial = trial.filter(|_| one.limit == Some(Bytes(now.memory)));
        // Somebody else starts what docker does not: a run under watch would not be the only one.
        let trial = trial.filter(|_| now.policy != "no" || !one.state.goes_round());
        let refused = trial.as_ref().and_then(|trial| beyond_the_machine(trial.limit));
        let trial = trial.filter(|_| refused.is_none());
        Ok(Self {
            policy: unbounded.then(|| arguments.policy.clone()),
            daemon,
            id,
            name: reached.name,
            now,
            trial,
            refused,
        })
    }

    /// Nothing would be done.
    pub(super) fn is_empty(&self) -> bool {
        self.policy.is_none() && self.trial.is_none()
    }

    /// What would be done, in order.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let last = self.policy.as_deref().unwrap_or(&self.now.policy);
        if let Some(trial) = &self.trial {
            let swap = trial
                .limit_with_swap
                .map_or_else(String::new, |both| format!(", with swap {both}"));
            lines.push(format!("restart policy  {} → no, while it is tried", self.now.policy));
            lines.push("stop it, or its wait for the next start".to_owned());
            lines.push(format!(
                "memory limit    {} → {}{swap}",
                Bytes(self.now.memory),
                trial.limit
            ));
            lines.push(format!(
                "start it once, and watch until it is healthy or {} have passed",
                seconds(trial.watch_seconds)
            ));
            lines.push(format!(
                "if it does not survive, memory limit back to {}; in any case restart policy {last}",
                Bytes(self.now.memory)
            ));
            lines.push(format!("why {}: {}", trial.limit, trial.because));
        } else if self.policy.is_some() {
            lines.push(format!("restart policy  {} → {last}", self.now.policy));
        }
        lines.extend(self.refused.clone());
        lines
    }
}

/// Who changes what is reached there.
///
/// # Errors
/// It is far.
pub(in crate::commands) fn daemon_at(address: Address) -> anyhow::Result<Daemon> {
    Ok(match address {
        Address::Socket(path) => Daemon::Socket(path),
        Address::Tcp { authority, prefix } => Daemon::Tcp { authority, prefix },
        Address::PodmanClient(program) => Daemon::Podman(program),
        Address::Far(host) => bail!(
            "containers behind `{host}` are not changed from here; run why137 on that machine"
        ),
    })
}

/// A run may not take more than three quarters of what the machine can spare: why this one would.
pub(in crate::commands) fn beyond_the_machine(limit: Bytes) -> Option<String> {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let spare = text.lines().find_map(|line| {
        let kib = line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?;
        Bytes::from_kib(kib.trim().parse().ok()?)
    })?;
    (limit.0 > spare.0 / 4 * 3).then(|| {
        format!(
            "no run with {limit}: it could take more than three quarters of the {spare} that this machine can spare now"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_policy_that_ends_is_taken() {
        assert_eq!(policy("on-failure:3").as_deref(), Ok("on-failure:3"));
        assert_eq!(policy("on-failure:007").as_deref(), Ok("on-failure:7"));
        assert_eq!(policy("no").as_deref(), Ok("no"));
        for endless in
            ["always", "unless-stopped", "on-failure", "on-failure:0", "on-failure:-1", ""]
        {
            assert!(policy(endless).is_err(), "{endless}");
        }
    }
}
