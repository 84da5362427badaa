//! Containers' own settings: restart policy and memory limit, by the daemon's own update; a start and a stop.
//!
//! A change is written into the journal before it is made, made only where the settings are still the ones that
//! were shown, read back, and can be taken back as long as nobody changed the same settings since. Which
//! settings are right is not decided here.
//!
//! Leans on the Docker Engine API (`ContainerUpdate`, `ContainerInspect`, `ContainerStart`, `ContainerStop`,
//! asked without a version in the path; what an update leaves out stays) and podman-update(1).

mod daemon;
mod http;

use serde::{Deserialize, Serialize};

pub use daemon::{Daemon, Life};

use crate::consent::Consent;
use crate::journal::{Journal, Line};
use crate::write::NotWritten;

/// What can be changed of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:3`.
    pub policy: String,
    /// Its memory limit in bytes; 0: none.
    pub memory: u64,
    /// The limit of memory and swap together; 0: not set; -1: none.
    pub memory_swap: i64,
}

/// One change of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerChange {
    /// When, as the machine's clock said.
    pub at: String,
    /// Whom to ask: `unix:///var/run/docker.sock`, `podman`.
    pub daemon: String,
    /// The container's id.
    pub id: String,
    /// Its name then.
    pub name: String,
    /// What was set, in a few words.
    pub what: String,
    /// The settings before.
    pub old: Settings,
    /// The settings after.
    pub new: Settings,
}

/// Why a container was not changed.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// The daemon could not be asked.
    #[error("could not reach {daemon}")]
    Unreachable {
        /// Whom.
        daemon: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The daemon refused.
    #[error("{daemon} would not {step} `{name}`: {because}")]
    Refused {
        /// Whom.
        daemon: String,
        /// What was being done.
        step: &'static str,
        /// To which container.
        name: String,
        /// In its own words.
        because: String,
    },
    /// What it answered is not what it should be.
    #[error("could not understand what {daemon} says of `{name}`")]
    NotUnderstood {
        /// Whom.
        daemon: String,
        /// Of which container.
        name: String,
    },
    /// Its settings are not those that were shown.
    #[error(
        "the settings of `{name}` were changed by somebody else in the meantime; nothing was changed"
    )]
    Moved {
        /// Which container.
        name: String,
    },
    /// The daemon said yes, and the settings are not in effect.
    #[error("{daemon} took the change of `{name}`, and it is not in effect")]
    NotInEffect {
        /// Whom.
        daemon: String,
        /// Which container.
        name: String,
    },
    /// The limit would fall below what it holds now.
    #[error(
        "`{name}` holds more than its old limit now: with that limit back it would be killed; stop it first"
    )]
    WouldKill {
        /// Which container.
        name: String,
    },
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] NotWritten),
}

impl ContainerChange {
    /// Whether the settings that it changed are as it left them.
    fn stands(&self, now: &Settings) -> bool {
        let sizes = |settings: &Settings| (settings.memory, settings.memory_swap);
        let policy = self.old.policy == self.new.policy || now.policy == self.new.policy;
        policy && (sizes(&self.old) == sizes(&self.new) || sizes(now) == sizes(&self.new))
    }

    /// The present settings with its own taken back.
    fn taken_back(&self, now: &Settings) -> Settings {
        let mut wanted = now.clone();
        if self.old.policy != self.new.policy {
            wanted.policy.clone_from(&self.old.policy);
        }
        if (self.old.memory, self.old.memory_swap) != (self.new.memory, self.new.memory_swap) {
            (wanted.memory, wanted.memory_swap) = (self.old.memory, self.old.memory_swap);
        }
        wanted
    }
}

impl Journal {
    /// Changes a container's settings, which must still be `old`, and writes that down first.
    ///
    /// # Errors
    /// They are as they were; or the daemon took them and does not show them.
    pub fn apply_settings(
        &self,
        daemon: &Daemon,
        change: &ContainerChange,
        consent: &Consent,
    ) -> Result<(), NotChanged> {
        if daemon.settings(&change.id, &change.name)? != change.old {
            return Err(NotChanged::Moved { name: change.name.clone() });
        }
        let mut journal = self.open()?;
        self.append(&mut journal, &Line::Updated(change.clone()))?;
        let done = daemon.update(change, &change.new, consent);
        if done.is_err()
            && daemon.settings(&change.id, &change.name).ok().as_ref() == Some(&change.old)
        {
            self.append(&mut journal, &Line::Restored(change.clone()))?;
        }
        done
    }

    /// The changes of containers that stand, the newest first: of one by its name, its id or the beginning
    /// of its id, or of all.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn standing(&self, container: Option<&str>) -> Result<Vec<ContainerChange>, NotWritten> {
        let mut standing: Vec<ContainerChange> = Vec::new();
        for line in self.read()? {
            match line {
                Line::Updated(change) => standing.push(change),
                Line::Restored(change) => {
                    if let Some(at) = standing.iter().rposition(|it| *it == change) {
                        standing.remove(at);
                    }
                }
                Line::Changed(_) | Line::Undone { .. } => {}
            }
        }
        let is_id = |word: &str| word.len() >= 12;
        let wanted = |change: &ContainerChange| {
            container.is_none_or(|word| {
                change.name == word || (is_id(word) && change.id.starts_with(word))
            })
        };
        standing.retain(wanted);
        standing.reverse();
        Ok(standing)
    }

    /// Takes a change of a container back. `holds` is what the container holds now, where it runs: a limit
    /// below that is not set.
    ///
    /// # Errors
    /// The settings are as they were: somebody changed them since, or it would be killed.
    pub fn restore(
        &self,
        daemon: &Daemon,
        change: &ContainerChange,
        holds: Option<u64>,
        consent: &Consent,
    ) -> Result<(), NotChanged> {
        let now = daemon.settings(&change.id, &change.name)?;
        if !change.stands(&now) {
            return Err(NotChanged::Moved { name: change.name.clone() });
        }
        let wanted = change.taken_back(&now);
        let lowers = wanted.memory > 0 && (now.memory == 0 || wanted.memory < now.memory);
        // What it holds grows while it is asked: a tenth is left.
        if lowers && holds.is_some_and(|holds| holds > wanted.memory / 10 * 9) {
            return Err(NotChanged::WouldKill { name: change.name.clone() });
        }
        daemon.update(change, &wanted, consent)?;
        let mut journal = self.open()?;
        self.append(&mut journal, &Line::Restored(change.clone()))?;
        Ok(())
    }

    /// Notes that a change is gone with its container, or was taken back by somebody else.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn forget_settings(&self, change: &ContainerChange) -> Result<(), NotWritten> {
        let mut journal = self.open()?;
        self.append(&mut journal, &Line::Restored(change.clone()))
    }
}

#[cfg(test)]
mod tests;
