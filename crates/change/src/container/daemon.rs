//! Who changes a container: a daemon at its socket, or Podman's own client where it has none.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{self, Answer};
use super::{ContainerChange, NotChanged, Settings};
use crate::consent::Consent;

/// How often a change of a container that dies meanwhile is tried, and what lies between.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// Who changes a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Daemon {
    /// Docker's, or Podman's, at this socket.
    Socket(PathBuf),
    /// The same over plain TCP.
    Tcp {
        /// `host:port`
        authority: String,
        /// What the API's paths begin with.
        prefix: String,
    },
    /// Podman's own client.
    Podman(PathBuf),
}

impl fmt::Display for Daemon {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(out, "unix://{}", path.display()),
            Self::Tcp { authority, prefix } => write!(out, "tcp://{authority}{prefix}"),
            Self::Podman(_) => out.write_str("podman"),
        }
    }
}

/// How a container is now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Life {
    /// `running`, `restarting`, `exited` …
    pub status: String,
    /// Of the last end.
    pub exit_code: Option<i64>,
    /// `starting`, `healthy`, `unhealthy`; `None`: no health check.
    pub health: Option<String>,
    /// `State.OOMKilled`
    pub oom_killed: bool,
    /// `State.StartedAt`, as it is spelled.
    pub started_at: String,
}

impl Life {
    /// It runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status == "running"
    }
}

impl Daemon {
    /// As the journal spells it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "podman" {
            return Some(Self::Podman(PathBuf::from("podman")));
        }
        if let Some(path) = text.strip_prefix("unix://") {
            return Some(Self::Socket(PathBuf::from(path)));
        }
        let rest = text.strip_prefix("tcp://")?;
        let (authority, prefix) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        Some(Self::Tcp { authority: authority.to_owned(), prefix: prefix.to_owned() })
    }

    /// A container's settings as the daemon has them now.
    ///
    /// # Errors
    /// It cannot be asked, or knows no such container.
    pub fn settings(&self, id: &str, name: &str) -> Result<Settings, NotChanged> {
        let state = self.inspect(id, name)?;
        let at = |key: &str| state.pointer(&format!("/HostConfig/{key}"));
        let policy = at("RestartPolicy/Name").and_then(Value::as_str).unwrap_or_default();
        let most = at("RestartPolicy/MaximumRetryCount").and_then(Value::as_i64).unwrap_or(0);
        let policy = match (policy, most) {
            // Docker up to 1.8 wrote nothing for `no`; so does Podman.
            ("", _) => "no".to_owned(),
            ("on-failure", most) if most > 0 => format!("on-failure:{most}"),
            (name, _) => name.to_owned(),
        };
        let number = |key: &str| at(key).and_then(Value::as_i64);
        let memory = number("Memory").ok_or_else(|| self.not_understood(name))?;
        Ok(Settings {
            policy,
            memory: u64::try_from(memory).unwrap_or(0),
            memory_swap: number("MemorySwap").unwrap_or(0),
        })
    }

    /// How it is now.
    ///
    /// # Errors
    /// It cannot be asked, or knows no such container.
    pub fn life(&self, id: &str, name: &str) -> Result<Life, NotChanged> {
        let state = self.inspect(id, name)?;
        let text = |pointer: &str| {
            state.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let health = ["/State/Health/Status", "/State/Healthcheck/Status"];
        let health = health.iter().map(|at| text(at)).find(|word| !word.is_empty());
        Ok(Life {
            status: text("/State/Status"),
            exit_code: state.pointer("/State/ExitCode").and_then(Value::as_i64),
            health: health.filter(|word| word != "none"),
            oom_killed: state.pointer("/State/OOMKilled").and_then(Value::as_bool) == Some(true),
            started_at: text("/State/StartedAt"),
        })
    }

    /// Its labels.
    ///
    /// # Errors
    /// It cannot be asked, or knows no such container.
    pub fn labels(&self, id: &str, name: &str) -> Result<Vec<(String, String)>, NotChanged> {
        let state = self.inspect(id, name)?;
        let labels = state.pointer("/Config/Labels").and_then(Value::as_object);
        let pairs = labels.into_iter().flatten();
        Ok(pairs
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect())
    }

    /// Starts it.
    ///
    /// # Errors
    /// The daemon refuses.
    pub fn start(&self, id: &str, name: &str, _consent: &Consent) -> Result<(), NotChanged> {
        self.order("start", id, name)
    }

    /// Stops it, or the wait for its next start, with the container's own signal and patience.
    ///
    /// # Errors
    /// The daemon refuses.
    pub fn stop(&self, id: &str, name: &str, _consent: &Consent) -> Result<(), NotChanged> {
        self.order("stop", id, name)
    }

    fn order(&self, step: &'static str, id: &str, name: &str) -> Result<(), NotChanged> {
        if let Self::Podman(program) = self {
            return self.by_client(program, &[step, id], step, name).map(drop);
        }
        let answer = self.call("POST", &format!("/containers/{id}/{step}"), "")?;
        match answer.status {
            // 304: it is so already.
            200..=299 | 304 => Ok(()),
            _ => Err(self.refused(step, name, &answer)),
        }
    }

    /// Sets what differs between the present settings of a change's container and those wanted, and reads
    /// it back.
    pub(super) fn update(
        &self,
        change: &ContainerChange,
        wanted: &Settings,
        _consent: &Consent,
    ) -> Result<(), NotChanged> {
        let (id, name) = (&change.id, &change.name);
        let now = self.settings(id, name)?;
        let sizes = (now.memory, now.memory_swap) != (wanted.memory, wanted.memory_swap);
        let policy = now.policy != wanted.policy;
        if let Self::Podman(program) = self {
            let words = client_words(wanted, policy, sizes);
            let words: Vec<&str> = ["update"]
                .into_iter()
                .chain(words.iter().map(String::as_str))
                .chain([id.as_str()])
                .collect();
            self.by_client(program, &words, "change", name)?;
        } else if policy || sizes {
            self.post_update(id, name, &update_body(wanted, policy, sizes).to_string())?;
        }
        if self.settings(id, name)? == *wanted {
            Ok(())
        } else {
            Err(NotChanged::NotInEffect { daemon: self.to_string(), name: name.clone() })
        }
    }

    /// A container that dies at this very moment is still called running, so that the daemon changes the
    /// limit of its cgroup too, and that fails; it takes its settings back then. A moment later it has seen the end.
    fn post_update(&self, id: &str, name: &str, body: &str) -> Result<(), NotChanged> {
        let mut tries = TRIES;
        loop {
            let answer = self.call("POST", &format!("/containers/{id}/update"), body)?;
            tries -= 1;
            match answer.status {
                200..=299 => return Ok(()),
                _ if tries > 0 && answer.body.contains("not running") => std::thread::sleep(PAUSE),
                _ => return Err(self.refused("change", name, &answer)),
            }
        }
    }

    fn inspect(&self, id: &str, name: &str) -> Result<Value, NotChanged> {
        let text = if let Self::Podman(program) = self {
            self.by_client(program, &["inspect", "--type", "container", id], "describe", name)?
        } else {
            let answer = self.call("GET", &format!("/containers/{id}/json"), "")?;
            if answer.status != 200 {
                return Err(self.refused("describe", name, &answer));
            }
            answer.body
        };
        let whole: Value =
            serde_json::from_str(&text).map_err(|_not_json| self.not_understood(name))?;
        // Podman's client prints an array.
        Ok(whole.get(0).cloned().unwrap_or(whole))
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Result<Answer, NotChanged> {
        let answer = match self {
            Self::Socket(socket) => http::by_socket(socket, method, path, body),
            Self::Tcp { authority, prefix } => {
                http::by_tcp(authority, method, &format!("{prefix}{path}"), body)
            }
            Self::Podman(_) => Err(std::io::ErrorKind::Unsupported.into()),
        };
        answer.map_err(|source| NotChanged::Unreachable { daemon: self.to_string(), source })
    }

    fn by_client(
        &self,
        program: &PathBuf,
        words: &[&str],
        step: &'static str,
        name: &str,
    ) -> Result<String, NotChanged> {
        let daemon = self.to_string();
        let ran = Command::new(program)
            .args(words)
            .output()
            .map_err(|source| NotChanged::Unreachable { daemon: daemon.clone(), source })?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        let mut because = said.lines().next().unwrap_or("it gave no reason").trim().to_owned();
        if because.contains("unknown flag: --restart") {
            because = "this podman cannot change the restart policy of a container that exists; a later one can, or the container is made anew with --restart".to_owned();
        }
        Err(NotChanged::Refused { daemon, step, name: name.to_owned(), because })
    }

    fn refused(&self, step: &'static str, name: &str, answer: &Answer) -> NotChanged {
        let message = serde_json::from_str::<Value>(&answer.body).ok();
        let message = message
            .as_ref()
            .and_then(|it| it.get("message").or_else(|| it.get("cause")))
            .and_then(Value::as_str);
        let because = match (answer.status, message) {
            (404 | 405 | 501, None) if step == "change" => {
                "it has no update of containers; a later version may".to_owned()
            }
            (_, Some(message)) => message.trim().to_owned(),
            (status, None) => format!("status {status}"),
        };
        NotChanged::Refused { daemon: self.to_string(), step, name: name.to_owned(), because }
    }

    fn not_understood(&self, name: &str) -> NotChanged {
        NotChanged::NotUnderstood { daemon: self.to_string(), name: name.to_owned() }
    }
}

/// The body of an update: what it leaves out stays.
fn update_body(wanted: &Settings, policy: bool, sizes: bool) -> Value {
    let mut body = serde_json::Map::new();
    if policy {
        let (name, most) = match wanted.policy.split_once(':') {
            Some((name, most)) => (name, most.parse().unwrap_or(0)),
            None => (wanted.policy.as_str(), 0_i64),
        };
        let policy = json!({"Name": name, "MaximumRetryCount": most});
        body.insert("RestartPolicy".to_owned(), policy);
    }
    if sizes {
        body.insert("Memory".to_owned(), json!(wanted.memory));
        // 0 is "as it is"; it cannot stay below the new limit, so none was set before.
        if wanted.memory_swap != 0 {
            body.insert("MemorySwap".to_owned(), json!(wanted.memory_swap));
        }
    }
    Value::Object(body)
}

fn client_words(wanted: &Settings, policy: bool, sizes: bool) -> Vec<String> {
    let mut words = Vec::new();
    if policy {
        words.push(format!("--restart={}", wanted.policy));
    }
    if sizes {
        words.push(format!("--memory={}", wanted.memory));
        if wanted.memory_swap != 0 {
            words.push(format!("--memory-swap={}", wanted.memory_swap));
        }
    }
    words
}
