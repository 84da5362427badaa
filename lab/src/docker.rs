//! The Docker client against the lab's daemon: the unpacked `docker` program for what a death does,
//! and the daemon's socket for what the lab asks again and again (in the emulated machine every start
//! of the program takes a second). Reference: Docker Engine API, `GET /containers/{id}/json` and
//! others; unversioned paths are answered by every daemon in its own version.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::daemon::Places;
use crate::shell;

/// A client of the lab's daemon.
#[derive(Debug, Clone)]
pub(crate) struct Docker {
    program: PathBuf,
    host: String,
    environment: [(&'static str, String); 2],
}

/// What `docker inspect` says of a container, as far as the lab checks it.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) status: String,
    pub(crate) exit_code: i64,
    pub(crate) oom_killed: bool,
    pub(crate) pid: u32,
    pub(crate) restarts: u64,
    pub(crate) id: String,
    pub(crate) memory: u64,
    pub(crate) memory_and_swap: u64,
    pub(crate) cgroup_parent: String,
}

impl Docker {
    pub(crate) fn new(places: &Places) -> Self {
        Self {
            program: places.program("docker"),
            host: places.host(),
            environment: places.environment(),
        }
    }

    /// A client command. The user's own client configuration is out of reach.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(self.environment.clone());
        command.env("DOCKER_HOST", &self.host).env("DOCKER_CONFIG", "/nonexistent");
        command
    }

    /// Runs and returns what it printed; an error unless it succeeds.
    pub(crate) fn read(&self, arguments: &[&str]) -> Result<String> {
        shell::read(&mut self.command(arguments))
    }

    /// Runs, whatever comes of it.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<Output> {
        shell::output(&mut self.command(arguments))
    }

    /// Whether the daemon answers at all.
    pub(crate) fn answers(&self) -> bool {
        self.call("GET", "/_ping").is_ok_and(|(code, _)| code == 200)
    }

    /// One request to the daemon's socket: status code and body. As HTTP/1.0, so that the body is
    /// neither chunked nor followed by anything.
    fn call(&self, method: &str, path: &str) -> Result<(u16, Vec<u8>)> {
        let socket = self.host.trim_start_matches("unix://");
        let mut stream = UnixStream::connect(socket)
            .with_context(|| format!("could not reach the daemon at `{socket}`"))?;
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Length: 0\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        split(&answer).with_context(|| format!("`{method} {path}` was not answered in HTTP"))
    }

    /// The same; an error unless it is answered with success.
    fn get(&self, path: &str) -> Result<Vec<u8>> {
        match self.call("GET", path)? {
            (200, body) => Ok(body),
            (code, body) => bail!("`GET {path}`: {code} {}", String::from_utf8_lossy(&body).trim()),
        }
    }

    /// Names of all containers, running or not.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let all: Value = serde_json::from_slice(&self.get("/containers/json?all=1")?)
            .context("the list of containers is not JSON")?;
        let all = all.as_array().map_or(&[][..], Vec::as_slice);
        let name = |one: &Value| one.pointer("/Names/0").and_then(Value::as_str).map(str::to_owned);
        let found = all.iter().filter_map(name).map(|name| name.trim_start_matches('/').to_owned());
        Ok(found.collect())
    }

    /// Whether the container has written this text.
    pub(crate) fn logged(&self, name: &str, text: &str) -> Result<bool> {
        let log = self.get(&format!("/containers/{name}/logs?stdout=1&stderr=1"))?;
        Ok(String::from_utf8_lossy(&log).contains(text))
    }

    /// The container's events between two moments (seconds since 1970), oldest first.
    pub(crate) fn events(&self, name: &str, since: u64, until: u64) -> Result<Vec<Value>> {
        // `{"container":["NAME"]}`, with the signs escaped that a query may not hold.
        let filter = format!("%7B%22container%22%3A%5B%22{name}%22%5D%7D");
        let text = self.get(&format!("/events?since={since}&until={until}&filters={filter}"))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Ends and removes a container; none is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        match self.call("DELETE", &format!("/containers/{name}?force=1&v=1"))? {
            // 409: it removes itself at this moment.
            (204 | 404 | 409, _) => Ok(()),
            (code, body) => {
                bail!("could not remove `{name}`: {code} {}", String::from_utf8_lossy(&body).trim())
            }
        }
    }

    /// What the container is now; `None` if there is none of that name.
    pub(crate) fn state(&self, name: &str) -> Result<Option<State>> {
        let (code, body) = self.call("GET", &format!("/containers/{name}/json"))?;
        if code != 200 {
            return Ok(None);
        }
        let all: Value = serde_json::from_slice(&body)
            .with_context(|| format!("what the daemon says of `{name}` is not JSON"))?;
        let of = |path: &str| all.pointer(path).cloned().unwrap_or_default();
        let text = |path: &str| of(path).as_str().unwrap_or_default().to_owned();
        Ok(Some(State {
            status: text("/State/Status"),
            exit_code: of("/State/ExitCode").as_i64().unwrap_or(-1),
            oom_killed: of("/State/OOMKilled").as_bool().unwrap_or(false),
            pid: of("/State/Pid").as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0),
            restarts: of("/RestartCount").as_u64().unwrap_or(0),
            id: text("/Id"),
            memory: of("/HostConfig/Memory").as_u64().unwrap_or(0),
            memory_and_swap: of("/HostConfig/MemorySwap").as_u64().unwrap_or(0),
            cgroup_parent: text("/HostConfig/CgroupParent"),
        }))
    }

    /// What the daemon keeps of a container's settings.
    pub(crate) fn host_config(&self, name: &str) -> Result<Value> {
        let all: Value = serde_json::from_slice(&self.get(&format!("/containers/{name}/json"))?)
            .with_context(|| format!("what the daemon says of `{name}` is not JSON"))?;
        all.get("HostConfig").cloned().with_context(|| format!("`{name}` has no settings"))
    }

    /// Removes every container of the lab's daemon.
    pub(crate) fn remove_all_containers(&self) -> Result<()> {
        self.names()?.iter().try_for_each(|name| self.remove(name))
    }
}

/// Status code and body of an HTTP answer; `None` if it is none.
fn split(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(answer.get(..end)?).into_owned();
    let code = head.split_whitespace().nth(1)?.parse().ok()?;
    Some((code, answer.get(end + 4..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_code_and_what_follows_the_empty_line() {
        let answer = b"HTTP/1.0 404 Not Found\r\nContent-Type: x\r\n\r\n{}\r\n\r\n";
        assert_eq!(split(answer), Some((404, b"{}\r\n\r\n".to_vec())));
        assert_eq!(split(b"garbage"), None);
    }
}
