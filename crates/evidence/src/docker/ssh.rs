//! A daemon on another machine, reached as Docker's own client does it: `ssh … docker system
//! dial-stdio`, and HTTP over the child's input and output (docker/cli `cli/connhelper`,
//! `connhelper/ssh`, `connhelper/commandconn`).
//!
//! ssh is never asked to ask: Docker's client starts it in a session of its own, where no question
//! can reach a terminal; here `BatchMode` says the same. Keys come from ssh's own configuration and
//! agent. One connection carries all calls, one after the other: each further one would cost a whole
//! handshake, and sshd drops some of many that come at once (`MaxStartups`).

use std::io::{Error, ErrorKind};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, Join, join};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::host::shell_word;

/// A machine to log in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ssh {
    /// Who logs in; ssh's own choice without one.
    pub(crate) user: Option<String>,
    /// Where: a name of ssh's configuration too.
    pub(crate) machine: String,
    /// ssh's own choice without one.
    pub(crate) port: Option<u16>,
    /// The daemon's socket over there, where it is not the usual one.
    pub(crate) socket: Option<String>,
}

impl std::fmt::Display for Ssh {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let colons = self.machine.contains(':');
        let machine = if colons { format!("[{}]", self.machine) } else { self.machine.clone() };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let socket = self.socket.as_deref().unwrap_or_default();
        write!(out, "ssh://{user}{machine}{port}{socket}")
    }
}

impl Ssh {
    /// Reads what follows `ssh://`. The reason of a refusal is in plain words.
    pub(crate) fn parse(rest: &str) -> Result<Self, &'static str> {
        if rest.contains(['?', '#']) {
            return Err("an ssh address has no query and no fragment");
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err("an ssh address carries no password; ssh's agent or a key does");
        }
        let (machine, port) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']'))
        {
            Some((machine, "")) => (machine, None),
            Some((machine, port)) => (machine, port.strip_prefix(':')),
            None => place.rsplit_once(':').map_or((place, None), |(one, port)| (one, Some(port))),
        };
        let port = match port.filter(|port| !port.is_empty()).map(str::parse) {
            Some(Err(_not_a_number)) => return Err("its port is not a number"),
            Some(Ok(port)) => Some(port),
            None => None,
        };
        // A name that begins with `-` would be an option to ssh; docker ends the options with `--`, so
        // do we, but no machine is called so.
        if machine.is_empty() || machine.starts_with('-') {
            return Err("it names no machine");
        }
        let user = user.filter(|user| !user.is_empty()).map(str::to_owned);
        let socket = (!path.trim_matches('/').is_empty()).then(|| path.to_owned());
        Ok(Self { user, machine: machine.to_owned(), port, socket })
    }

    /// ssh's words before the command: how to log in, without ever asking.
    pub(crate) fn login(&self, seconds: u64) -> Vec<String> {
        let mut words = vec![
            "-o".to_owned(),
            format!("ConnectTimeout={seconds}"),
            "-o".to_owned(),
            "BatchMode=yes".to_owned(),
            "-T".to_owned(),
        ];
        if let Some(user) = &self.user {
            words.extend(["-l".to_owned(), user.clone()]);
        }
        if let Some(port) = self.port {
            words.extend(["-p".to_owned(), port.to_string()]);
        }
        words.extend(["--".to_owned(), self.machine.clone()]);
        words
    }

    /// The login as a person types it before a command.
    pub(crate) fn by_hand(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = self.port.map(|port| format!("-p {port} ")).unwrap_or_default();
        format!("ssh {port}{}", shell_word(&format!("{user}{}", self.machine)))
    }

    /// What runs over there. The words reach a shell, so the socket's path is quoted.
    fn dial(&self) -> Vec<String> {
        let host = self.socket.as_ref().map(|path| shell_word(&format!("--host=unix://{path}")));
        let words = ["system", "dial-stdio"].map(str::to_owned);
        std::iter::once("docker".to_owned()).chain(host).chain(words).collect()
    }

    /// Logs in and connects. Whether it worked shows in the first answer.
    pub(crate) fn connect(&self) -> std::io::Result<(Join<ChildStdout, ChildStdin>, Helper)> {
        let mut command = Command::new("ssh");
        command.args(self.login(30)).args(self.dial());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                return Error::other("there is no `ssh` program on this machine");
            }
            error
        })?;
        let pipes = (child.stdout.take(), child.stdin.take(), child.stderr.take());
        let (Some(stdout), Some(stdin), Some(stderr)) = pipes else {
            return Err(Error::other("ssh was started without pipes"));
        };
        let said = Arc::new(Mutex::new(String::new()));
        tokio::spawn(collect(stderr, said.clone()));
        Ok((join(stdout, stdin), Helper { child, said }))
    }
}

/// ssh's complaints, up to 16 KiB.
async fn collect(mut stderr: ChildStderr, said: Arc<Mutex<String>>) {
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut piece).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < 16 << 10 {
            said.push_str(&String::from_utf8_lossy(piece.get(..count).unwrap_or_default()));
        }
    }
}

/// The ssh that carries a connection; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Helper {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Helper {
    /// What ssh, or docker's client over there, complained of when the connection broke.
    pub(crate) async fn complaint(&mut self) -> Option<String> {
        // The pipe breaks a moment before the child is gone and its last words are read.
        let ended = tokio::time::timeout(Duration::from_millis(500), self.child.wait()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let complaint = last_words(&said);
        match (complaint, ended) {
            (Some(words), _) => Some(format!("ssh says: {words}")),
            (None, Ok(Ok(status))) => Some(format!("ssh ended with {status} and said nothing")),
            (None, _) => None,
        }
    }
}

/// The last three lines that are no mere warning about a new machine, on one line.
pub(crate) fn last_words(said: &str) -> Option<String> {
    let told = |line: &&str| !line.is_empty() && !line.starts_with("Warning: Permanently added");
    let lines: Vec<&str> = said.lines().map(str::trim).filter(told).collect();
    let from = lines.len().saturating_sub(3);
    let last = lines.get(from..).unwrap_or_default().join("; ");
    (!last.is_empty()).then(|| last.chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(address: &str) -> String {
        let ssh = Ssh::parse(address).unwrap();
        [ssh.login(30), ssh.dial()].concat().join(" ")
    }

    #[test]
    fn an_address_becomes_the_words_that_dockers_own_client_uses() {
        let first = "-o ConnectTimeout=30 -o BatchMode=yes -T";
        assert_eq!(words("far"), format!("{first} -- far docker system dial-stdio"));
        assert_eq!(
            words("me@far:2222/run/user/7/docker.sock"),
            format!(
                "{first} -l me -p 2222 -- far docker --host=unix:///run/user/7/docker.sock system dial-stdio"
            )
        );
        assert_eq!(
            words("me@[::1]:22/"),
            format!("{first} -l me -p 22 -- ::1 docker system dial-stdio")
        );
        assert_eq!(Ssh::parse("me@[::1]:22").unwrap().to_string(), "ssh://me@[::1]:22");
        assert_eq!(Ssh::parse("me@far:22/x").unwrap().by_hand(), "ssh -p 22 me@far");
    }

    #[test]
    fn a_path_with_shell_letters_stays_a_path() {
        let line = words("far/a;reboot");
        assert!(line.contains("'--host=unix:///a;reboot'"), "{line}");
    }

    #[test]
    fn what_no_ssh_address_can_be_is_refused() {
        for address in
            ["", "me@", "me:secret@far", "-oProxyCommand=x", "far:ssh", "far?x=1", "far#x"]
        {
            assert!(Ssh::parse(address).is_err(), "{address}");
        }
    }

    #[test]
    fn the_last_words_are_told_and_no_warning() {
        let said = "Warning: Permanently added 'x' (ED25519) to the list of known hosts.\r\n\
                    me@far: Permission denied (publickey).\r\n";
        assert_eq!(last_words(said).unwrap(), "me@far: Permission denied (publickey).");
        assert_eq!(last_words("\n"), None);
    }
}
