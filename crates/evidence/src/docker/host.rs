//! Which daemon to ask, chosen as Docker's own client chooses (docker/cli `cli/command/cli.go`,
//! `resolveContextName`; the context store is `contexts/meta/*/meta.json`): `--host`, `--context`,
//! `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of `config.json`, the default socket.
//!
//! An address only: how TLS and ssh are spoken is in `tls` and `ssh`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ssh::Ssh;
use super::tls::Tls;
use crate::roots::{Roots, read_text};
use crate::{Environment, GatherError, Wanted};

/// A daemon's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// `unix:///path`
    Unix(PathBuf),
    /// `tcp://authority/prefix`, plain HTTP.
    Tcp {
        /// `host:port`
        authority: String,
        /// What the API's paths begin with, without a trailing `/`.
        prefix: String,
    },
    /// The same over TLS.
    Tls {
        /// `host:port`
        authority: String,
        /// What the API's paths begin with, without a trailing `/`.
        prefix: String,
        /// The certificates.
        tls: Tls,
        /// The context that they belong to, where they do not come from the environment.
        context: Option<String>,
    },
    /// `ssh://user@machine:port/socket`
    Ssh(Ssh),
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix://{}", path.display()),
            // `user:password@` is nobody's business but the daemon's.
            Self::Tcp { authority, prefix } | Self::Tls { authority, prefix, .. } => {
                write!(out, "tcp://{}{prefix}", without_user(authority))
            }
            Self::Ssh(ssh) => ssh.fmt(out),
        }
    }
}

impl Host {
    /// How a person calls the same daemon: `docker`, or `docker --host …`.
    pub(crate) fn client(&self, roots: &Roots) -> String {
        if *self == Self::Unix(roots.docker_socket.clone()) {
            return "docker".to_owned();
        }
        match self {
            Self::Tls { context: Some(name), .. } => {
                format!("docker --context {}", shell_word(name))
            }
            Self::Tls { tls, .. } => {
                let verify = if tls.verify { "--tlsverify" } else { "--tls" };
                format!("docker {verify} --host {}", shell_word(&self.to_string()))
            }
            Self::Unix(_) | Self::Tcp { .. } | Self::Ssh(_) => {
                format!("docker --host {}", shell_word(&self.to_string()))
            }
        }
    }

    /// The machine to log in to, if the daemon is reached by ssh.
    pub(crate) fn ssh(&self) -> Option<&Ssh> {
        match self {
            Self::Ssh(ssh) => Some(ssh),
            Self::Unix(_) | Self::Tcp { .. } | Self::Tls { .. } => None,
        }
    }

    /// The socket's path, if the daemon is reached through one.
    pub(crate) fn socket(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Tcp { .. } | Self::Tls { .. } | Self::Ssh(_) => None,
        }
    }
}

/// An address without the `user:password@` before it.
fn without_user(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, host)| host)
}

/// Quotes a word for a POSIX shell where it needs it.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Chooses the daemon.
pub(crate) fn choose(wanted: &Wanted, roots: &Roots) -> Result<Host, GatherError> {
    let environment = &wanted.environment;
    let said = |value: &Option<String>| value.clone().filter(|text| !text.trim().is_empty());
    if let Some(host) = said(&wanted.docker_host) {
        return parse(&host, asked_tls(wanted), None);
    }
    if let Some(context) = said(&wanted.docker_context) {
        return of_context(&context, wanted, roots);
    }
    if let Some(host) = said(&environment.docker_host) {
        return parse(&host, asked_tls(wanted), None);
    }
    let context = said(&environment.docker_context).or_else(|| current_context(wanted));
    match context {
        Some(context) => of_context(&context, wanted, roots),
        None => Ok(default_host(roots)),
    }
}

/// TLS as flags or the environment ask for it; the files lie in `DOCKER_CERT_PATH`, else beside
/// the client's configuration.
fn asked_tls(wanted: &Wanted) -> Option<Tls> {
    let Environment { docker_tls, docker_tls_verify, docker_cert_path, .. } = &wanted.environment;
    let asks = |value: &Option<String>| value.as_ref().is_some_and(|text| !text.trim().is_empty());
    let verify = asks(docker_tls_verify);
    if !verify && !asks(docker_tls) {
        return None;
    }
    let given = docker_cert_path.clone().filter(|path| !path.as_os_str().is_empty());
    let folder = given.or_else(|| config_folder(wanted)).unwrap_or_default();
    let usual = Tls::of_folder(&folder, verify);
    let files = wanted.environment.tls_files.clone();
    Some(Tls {
        ca: files.ca.unwrap_or(usual.ca),
        cert: files.cert.unwrap_or(usual.cert),
        key: files.key.unwrap_or(usual.key),
        verify,
    })
}

/// The system's socket; a rootless daemon's if only that exists.
fn default_host(roots: &Roots) -> Host {
    let rootless = roots.user_runtime.join("docker.sock");
    if !roots.docker_socket.exists() && rootless.exists() {
        return Host::Unix(rootless);
    }
    Host::Unix(roots.docker_socket.clone())
}

/// Reads an address as `DOCKER_HOST` spells it.
pub(crate) fn parse(
    text: &str,
    tls: Option<Tls>,
    context: Option<&str>,
) -> Result<Host, GatherError> {
    let text = text.trim();
    let refuse = |because: &str| {
        let host = match text.split_once("://") {
            Some((scheme, rest)) => format!("{scheme}://{}", without_user(rest)),
            None => without_user(text).to_owned(),
        };
        Err(GatherError::NotReachableYet { host, because: because.to_owned() })
    };
    let (scheme, rest) = match text.split_once("://") {
        Some(parts) => parts,
        None if text.starts_with('/') => ("unix", text),
        None => ("tcp", text),
    };
    match (scheme, tls) {
        ("unix", _) => Ok(Host::Unix(PathBuf::from(rest))),
        ("tcp" | "http" | "https", Some(tls)) => {
            let (authority, prefix) = address(rest, TLS_PORT);
            Ok(Host::Tls { authority, prefix, tls, context: context.map(str::to_owned) })
        }
        ("tcp" | "http", None) => {
            let (authority, prefix) = address(rest, PLAIN_PORT);
            Ok(Host::Tcp { authority, prefix })
        }
        ("https", None) => refuse(
            "it speaks TLS, and no certificates are named: DOCKER_TLS_VERIFY=1 and \
             DOCKER_CERT_PATH, or a context",
        ),
        ("ssh", _) => match Ssh::parse(rest) {
            Ok(ssh) => Ok(Host::Ssh(ssh)),
            Err(because) => refuse(because),
        },
        ("npipe", _) => refuse("named pipes of Windows are not there yet"),
        (other, _) => {
            refuse(&format!("`{other}://` is not a way to reach docker that is known here"))
        }
    }
}

/// Docker's ports.
const PLAIN_PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

/// `host:port` and the prefix of what follows `://`.
fn address(rest: &str, usual_port: u16) -> (String, String) {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = if authority.is_empty() { "localhost" } else { authority };
    // `[::1]` holds colons of its own; only what follows the bracket can be a port.
    let after_address = host.rsplit(']').next().unwrap_or(host);
    let authority =
        if after_address.contains(':') { host.to_owned() } else { format!("{host}:{usual_port}") };
    let path = path.trim_end_matches('/');
    let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
    (authority, prefix)
}

/// The folder of the client's configuration.
fn config_folder(wanted: &Wanted) -> Option<PathBuf> {
    let environment = &wanted.environment;
    let given = environment.docker_config.clone().filter(|path| !path.as_os_str().is_empty());
    given.or_else(|| environment.home.as_ref().map(|home| home.join(".docker")))
}

fn current_context(wanted: &Wanted) -> Option<String> {
    let text = read_text(&config_folder(wanted)?.join("config.json")).ok()?;
    let config: Value = serde_json::from_str(&text).ok()?;
    let name = config.get("currentContext")?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn of_context(name: &str, wanted: &Wanted, roots: &Roots) -> Result<Host, GatherError> {
    if name == "default" {
        return Ok(default_host(roots));
    }
    let failed =
        |because: &str| GatherError::Context { name: name.to_owned(), because: because.to_owned() };
    let folder = config_folder(wanted)
        .ok_or_else(|| failed("neither DOCKER_CONFIG nor HOME says where contexts are kept"))?;
    let (endpoint, folder) = endpoint(&folder.join("contexts"), name)
        .ok_or_else(|| failed("no context of this name has a docker endpoint"))?;
    let host = endpoint.get("Host").and_then(Value::as_str).unwrap_or_default();
    if host.is_empty() {
        return Ok(default_host(roots));
    }
    let unverified = endpoint.get("SkipTLSVerify").and_then(Value::as_bool) == Some(true);
    let tls = (folder.is_dir() || unverified).then(|| Tls::of_folder(&folder, !unverified));
    parse(host, tls, Some(name))
}

/// The docker endpoint of a context, and where its certificates would be (`tls/HASH/docker`). The
/// folders are named by a hash of the name; the name itself is in each file, so that nothing needs
/// to be hashed.
fn endpoint(contexts: &Path, name: &str) -> Option<(Value, PathBuf)> {
    std::fs::read_dir(contexts.join("meta")).ok()?.flatten().find_map(|entry| {
        let text = read_text(&entry.path().join("meta.json")).ok()?;
        let context: Value = serde_json::from_str(&text).ok()?;
        let is_it = context.get("Name").and_then(Value::as_str) == Some(name);
        let endpoint = is_it.then(|| context.pointer("/Endpoints/docker").cloned())??;
        Some((endpoint, contexts.join("tls").join(entry.file_name()).join("docker")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;
    use casefile::Moment;

    fn wanted(environment: Environment) -> Wanted {
        Wanted {
            name: "api".to_owned(),
            docker_host: None,
            docker_context: None,
            with_logs: false,
            now: Moment::from_micros(0).unwrap(),
            environment,
        }
    }

    fn context(folder: &Path, hash: &str, name: &str, host: &str) {
        let meta = folder.join("contexts/meta").join(hash);
        std::fs::create_dir_all(&meta).unwrap();
        let text = format!(r#"{{"Name":"{name}","Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
        std::fs::write(meta.join("meta.json"), text).unwrap();
    }

    #[test]
    fn a_flag_beats_the_environment_and_the_environment_beats_the_config() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".docker");
        context(&folder, "aa", "far", "tcp://far:2375");
        context(&folder, "bb", "near", "unix:///near.sock");
        std::fs::write(folder.join("config.json"), r#"{"currentContext":"near"}"#).unwrap();
        let roots = Roots { docker_socket: "/none/docker.sock".into(), ..Roots::default() };
        let chosen = |wanted: &Wanted| choose(wanted, &roots).unwrap().to_string();

        let mut asked =
            wanted(Environment { home: Some(home.path().to_owned()), ..Environment::default() });
        assert_eq!(chosen(&asked), "unix:///near.sock");
        asked.environment.docker_context = Some("far".to_owned());
        assert_eq!(chosen(&asked), "tcp://far:2375");
        asked.environment.docker_host = Some("unix:///env.sock".to_owned());
        assert_eq!(chosen(&asked), "unix:///env.sock");
        asked.docker_context = Some("near".to_owned());
        assert_eq!(chosen(&asked), "unix:///near.sock");
        asked.docker_host = Some("tcp://[::1]".to_owned());
        assert_eq!(chosen(&asked), "tcp://[::1]:2375");
    }

    #[test]
    fn a_context_that_is_not_there_is_named() {
        let home = tempfile::tempdir().unwrap();
        let mut asked =
            wanted(Environment { home: Some(home.path().to_owned()), ..Environment::default() });
        asked.docker_context = Some("prod".to_owned());
        let error = choose(&asked, &Roots::default()).unwrap_err();
        assert!(error.to_string().starts_with("could not read the docker context `prod`"));
    }

    #[test]
    fn tls_is_spoken_where_it_is_asked_for_and_with_the_files_that_were_named() {
        let mut asked = wanted(Environment {
            docker_host: Some("tcp://far".to_owned()),
            docker_tls_verify: Some("1".to_owned()),
            docker_cert_path: Some("/certs".into()),
            ..Environment::default()
        });
        let host = choose(&asked, &Roots::default()).unwrap();
        let Host::Tls { authority, tls, .. } = &host else { panic!("{host:?}") };
        assert_eq!((authority.as_str(), tls.verify), ("far:2376", true));
        assert_eq!(tls.ca, Path::new("/certs/ca.pem"));
        assert_eq!(host.client(&Roots::default()), "docker --tlsverify --host tcp://far:2376");
        asked.environment.docker_tls_verify = None;
        asked.environment.docker_tls = Some("1".to_owned());
        asked.environment.tls_files.cert = Some("/mine.pem".into());
        let Host::Tls { tls, .. } = choose(&asked, &Roots::default()).unwrap() else { panic!() };
        assert!(!tls.verify && tls.cert == Path::new("/mine.pem"));
        // A socket of this machine needs none.
        asked.docker_host = Some("unix:///x.sock".to_owned());
        assert_eq!(choose(&asked, &Roots::default()).unwrap(), Host::Unix("/x.sock".into()));
        let refusal = parse("https://far", None, None).unwrap_err();
        assert!(refusal.to_string().contains("DOCKER_CERT_PATH"), "{refusal}");
    }

    #[test]
    fn a_contexts_certificates_are_found_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".docker");
        context(&folder, "aa", "far", "tcp://far:2376");
        let certificates = folder.join("contexts/tls/aa/docker");
        std::fs::create_dir_all(&certificates).unwrap();
        let asked =
            wanted(Environment { home: Some(home.path().to_owned()), ..Environment::default() });
        let host = of_context("far", &asked, &Roots::default()).unwrap();
        let Host::Tls { tls, .. } = &host else { panic!("{host:?}") };
        assert_eq!(tls.key, certificates.join("key.pem"));
        assert_eq!(host.client(&Roots::default()), "docker --context far");
    }

    #[test]
    fn an_ssh_address_keeps_its_user_and_refuses_a_password() {
        let host = parse("ssh://me@far:22", None, None).unwrap();
        assert_eq!(host.to_string(), "ssh://me@far:22");
        assert_eq!(host.client(&Roots::default()), "docker --host ssh://me@far:22");
        let refusal = parse("ssh://me:secret@far", None, None).unwrap_err();
        assert!(!refusal.to_string().contains("secret"), "{refusal}");
    }

    #[test]
    fn only_a_rootless_socket_is_taken_when_it_is_the_only_one() {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots {
            docker_socket: folder.path().join("docker.sock"),
            user_runtime: folder.path().join("user"),
            ..Roots::default()
        };
        assert_eq!(default_host(&roots), Host::Unix(roots.docker_socket.clone()));
        std::fs::create_dir(&roots.user_runtime).unwrap();
        std::fs::write(roots.user_runtime.join("docker.sock"), "").unwrap();
        assert_eq!(default_host(&roots), Host::Unix(roots.user_runtime.join("docker.sock")));
        std::fs::write(&roots.docker_socket, "").unwrap();
        assert_eq!(default_host(&roots), Host::Unix(roots.docker_socket.clone()));
    }

    #[test]
    fn an_address_with_spaces_is_quoted_before_it_is_shown_as_a_command() {
        assert_eq!(shell_word("unix:///a b/'c"), r"'unix:///a b/'\''c'");
        assert_eq!(
            Host::Unix("/x/y.sock".into()).client(&Roots::default()),
            "docker --host unix:///x/y.sock"
        );
    }
}
