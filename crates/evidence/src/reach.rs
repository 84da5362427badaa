//! Which daemon a container belongs to, and how it is reached: for whoever wants to ask it something that is
//! no evidence.
//!
//! Nothing is read here but the container's id and name, and nothing is changed. Docker before Podman, as
//! everywhere in this room.

use std::path::PathBuf;

use casefile::ContainerId;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::docker::host::{self, Host};
use crate::gather::{Search, docker_first};
use crate::roots::Roots;
use crate::{GatherError, Wanted, podman};

/// How a daemon is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// At this socket.
    Socket(PathBuf),
    /// By plain HTTP.
    Tcp {
        /// `host:port`
        authority: String,
        /// What the API's paths begin with.
        prefix: String,
    },
    /// By Podman's own client.
    PodmanClient(PathBuf),
    /// By TLS or ssh: this daemon, as a person names it.
    Far(String),
}

/// A container and its daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Its daemon.
    pub address: Address,
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
}

/// The container of this name, id or beginning of an id, running or not, and its daemon.
///
/// # Errors
/// There is no daemon to ask, nobody knows it, or it was removed.
pub fn reach_container(
    wanted: &Wanted,
    progress: &mut dyn FnMut(&str),
) -> Result<Reached, GatherError> {
    let roots = Roots::default();
    progress("asking docker");
    let asked = host::choose(wanted, &roots).and_then(|host| ask(host, wanted, &roots));
    docker_first(wanted, asked, || {
        let by_socket = podman::sockets(wanted, &roots)
            .into_iter()
            .find_map(|host| ask(host, wanted, &roots).ok());
        let by_client = || {
            let (id, text) = podman::inspect(&wanted.name, &roots)?;
            let address = Address::PodmanClient(roots.podman.clone());
            Some(Reached { address, name: name_in(&text, wanted), id })
        };
        by_socket.or_else(by_client).map(Ok)
    })
}

fn ask(host: Host, wanted: &Wanted, roots: &Roots) -> Result<Reached, GatherError> {
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(GatherError::Runtime)?;
    let address = address_of(&host);
    let search = Search::at(host, wanted, roots);
    let found = runtime.block_on(search.meant());
    // Not dropped: that would wait for a name lookup that hangs.
    runtime.shutdown_background();
    let (subject, state) = found?;
    let text = state
        .map_err(|gap| GatherError::Gone { name: wanted.name.clone(), because: gap.because })?;
    Ok(Reached { address, name: name_in(&text, wanted), id: subject.id })
}

fn address_of(host: &Host) -> Address {
    match host {
        Host::Unix(path) => Address::Socket(path.clone()),
        Host::Tcp { authority, prefix } => {
            Address::Tcp { authority: authority.clone(), prefix: prefix.clone() }
        }
        Host::Tls { .. } | Host::Ssh(_) => Address::Far(host.to_string()),
    }
}

fn name_in(inspect: &str, wanted: &Wanted) -> String {
    let state: Value = serde_json::from_str(inspect).unwrap_or_default();
    let name = state.get("Name").and_then(Value::as_str).unwrap_or_default();
    let name = name.trim_start_matches('/');
    if name.is_empty() { wanted.name.clone() } else { name.to_owned() }
}
