//! Why a question about a container could not even be asked. What merely is missing is a gap,
//! never an error.

use std::fmt;

use casefile::Moment;

use crate::docker::host::shell_word;

/// Why no case could be made.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The daemon knows no container of this name or id, and its event history neither.
    #[error("no container `{name}` is known to docker at `{host}`")]
    NoSuchContainer {
        /// What was asked for.
        name: String,
        /// The daemon that was asked.
        host: String,
        /// Names of existing containers that are spelled alike, the nearest first.
        nearest: Vec<String>,
        /// Names alike of removed containers that the event history still holds.
        known_from_events: Vec<String>,
        /// The earliest event the history still holds; what was removed before it is forgotten.
        events_since: Option<Moment>,
    },
    /// Neither systemd nor the journal knows a unit of this name.
    #[error("no unit `{name}` is known to systemd or its journal: {because}")]
    NoSuchUnit {
        /// What was asked for, with its ending.
        name: String,
        /// What systemd said.
        because: String,
        /// Names of units that are spelled alike, the nearest first.
        nearest: Vec<String>,
    },
    /// The beginning of an id that several containers share.
    #[error("`{prefix}` is the beginning of several container ids: {}", List(.ids))]
    SeveralContainers {
        /// What was asked for.
        prefix: String,
        /// The ids that begin so, short, with the names: `627ea9b0367d (web)`.
        ids: Vec<String>,
    },
    /// The daemon could not be asked.
    #[error("could not ask docker at `{host}`: {because}")]
    NoDaemon {
        /// The daemon's address.
        host: String,
        /// Why, in plain words.
        because: String,
        /// What to do about it, with a command that can be pasted.
        hint: String,
    },
    /// The daemon's address is of a kind that cannot be reached, or is not complete.
    #[error("cannot reach docker at `{host}`: {because}")]
    NotReachableYet {
        /// The daemon's address.
        host: String,
        /// What is missing.
        because: String,
    },
    /// The context that was asked for does not exist or cannot be read.
    #[error("could not read the docker context `{name}`: {because}")]
    Context {
        /// Its name.
        name: String,
        /// Why, in plain words.
        because: String,
    },
    /// It lives no more, or not yet: nothing of it can be looked at.
    #[error("the container `{name}` does not run: {state}")]
    NotRunning {
        /// What was asked for.
        name: String,
        /// What docker says of it: `exited with 137`.
        state: String,
    },
    /// It runs where this program cannot see its processes.
    #[error("the processes of `{name}` cannot be seen from here: {because}")]
    OutOfSight {
        /// What was asked for.
        name: String,
        /// Why, in plain words.
        because: String,
    },
    /// There is a trace of it, and nothing that could be compared with a file.
    #[error("docker does not describe the container `{name}` any more: {because}")]
    Gone {
        /// What was asked for.
        name: String,
        /// Why, in plain words.
        because: String,
    },
    /// The asynchronous runtime that carries the API calls could not be started.
    #[error("could not start the runtime for calls to docker")]
    Runtime(#[source] std::io::Error),
}

impl GatherError {
    /// What the reader can do, with a command that can be pasted, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchContainer { nearest, known_from_events, events_since, .. } => {
                Some(no_such_container_hint(nearest, known_from_events, *events_since))
            }
            Self::NoSuchUnit { nearest, .. } if nearest.is_empty() => Some(
                "`systemctl list-units --all` lists the units that systemd knows".to_owned(),
            ),
            Self::NoSuchUnit { nearest, .. } => {
                Some(format!("did you mean {}?", List(nearest)))
            }
            Self::SeveralContainers { .. } => {
                Some("give more digits of the id, or the name; `docker ps -a` lists both".to_owned())
            }
            Self::NoDaemon { hint, .. } => Some(hint.clone()),
            Self::NotReachableYet { .. } => Some(
                "let docker's own client fetch what it can: `docker inspect NAME | why137 explain -`"
                    .to_owned(),
            ),
            Self::Context { .. } => Some("`docker context ls` lists the contexts".to_owned()),
            Self::NotRunning { name, .. } => Some(format!(
                "`why137 explain {0}` tells how it ended; \
                 `why137 audit --predict node@22 --limit 512m` asks about one that does not run",
                shell_word(name)
            )),
            Self::OutOfSight { .. } => Some(
                "run why137 on that machine, in its own pid namespace; \
                 `why137 audit --predict node@22 --limit 512m` needs no process"
                    .to_owned(),
            ),
            Self::Gone { .. } => {
                Some("`docker ps -a` lists the containers that exist".to_owned())
            }
            Self::Runtime(_) => None,
        }
    }
}

fn no_such_container_hint(nearest: &[String], gone: &[String], since: Option<Moment>) -> String {
    let mut words = if nearest.is_empty() {
        "`docker ps -a` lists the containers that exist".to_owned()
    } else {
        format!("did you mean {}?", List(nearest))
    };
    if !gone.is_empty() {
        words.push_str(&format!("; removed, yet still in docker's events: {}", List(gone)));
    }
    if let Some(since) = since {
        words.push_str(&format!("; docker's events reach back to {since}"));
    }
    words
}

/// `` `a`, `b`, `c` ``
struct List<'a>(&'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(out, "{comma}`{name}`")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_name_is_answered_with_the_near_ones() {
        let error = GatherError::NoSuchContainer {
            name: "wroker".to_owned(),
            host: "unix:///var/run/docker.sock".to_owned(),
            nearest: vec!["worker".to_owned(), "worker-2".to_owned()],
            known_from_events: vec![],
            events_since: None,
        };
        let said = error.to_string();
        assert_eq!(
            said,
            "no container `wroker` is known to docker at `unix:///var/run/docker.sock`"
        );
        assert_eq!(error.hint().unwrap(), "did you mean `worker`, `worker-2`?");
    }
}
