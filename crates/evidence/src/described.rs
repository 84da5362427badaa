//! A container as its runtime describes it, and what its image brings, for a comparison with a file.
//!
//! No case: nothing has ended, and a stopped container is described as well. Secrets are taken out as of
//! every exhibit. The image is asked for by its id and may be gone; of Podman's own client and of containerd
//! only the container is asked. Leans on the Docker Engine API, `ContainerInspect` and `ImageInspect`.

use casefile::{Body, Source};
use serde_json::Value;
use tokio::runtime::Builder;

use crate::docker::host::{self, Host};
use crate::found::exhibit;
use crate::gather::{Search, docker_first};
use crate::roots::Roots;
use crate::{GatherError, Wanted, podman};

/// What `docker inspect` prints of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The container, an object of JSON.
    pub container: String,
    /// Its image, the same; `None`: it is not known any more.
    pub image: Option<String>,
}

/// The container of this name, id or beginning of an id, running or not.
///
/// # Errors
/// There is no daemon to ask, nobody knows it, or it was removed.
pub fn describe_container(
    wanted: &Wanted,
    progress: &mut dyn FnMut(&str),
) -> Result<Described, GatherError> {
    describe(wanted, &Roots::default(), progress)
}

fn describe(
    wanted: &Wanted,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Result<Described, GatherError> {
    progress("asking docker");
    let asked = host::choose(wanted, roots).and_then(|host| ask(host, wanted, roots));
    docker_first(wanted, asked, || {
        let by_socket = podman::sockets(wanted, roots)
            .into_iter()
            .find_map(|host| ask(host, wanted, roots).ok());
        let by_client = || {
            progress("asking podman");
            let (_, text) = podman::inspect(&wanted.name, roots)?;
            Some(Described { container: redacted(&text), image: None })
        };
        by_socket.or_else(by_client).map(Ok)
    })
}

fn ask(host: Host, wanted: &Wanted, roots: &Roots) -> Result<Described, GatherError> {
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(GatherError::Runtime)?;
    let search = Search::at(host, wanted, roots);
    let found = runtime.block_on(async {
        let (_, state) = search.meant().await?;
        let container = state
            .map_err(|gap| GatherError::Gone { name: wanted.name.clone(), because: gap.because })?;
        let image = match image_of(&container) {
            Some(id) => search.daemon.fetch(&format!("/images/{id}/json")).await.ok(),
            None => None,
        };
        Ok(Described { container: redacted(&container), image: image.as_deref().map(redacted) })
    });
    // Not dropped: that would wait for a name lookup that hangs.
    runtime.shutdown_background();
    found
}

/// The id of the container's image: `sha256:` and digits, so that it may stand in a path.
fn image_of(container: &str) -> Option<String> {
    let container: Value = serde_json::from_str(container).ok()?;
    let id = container.get("Image")?.as_str()?;
    let is_id = |c: char| c.is_ascii_alphanumeric() || c == ':';
    (!id.is_empty() && id.chars().all(is_id)).then(|| id.to_owned())
}

fn redacted(text: &str) -> String {
    match exhibit("inspect", Source::ContainerInspect, "inspect", text).body {
        Body::Text(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_asked_for_by_its_id_alone() {
        let id = |text: &str| image_of(&format!("{{\"Image\":\"{text}\"}}"));
        assert_eq!(id("sha256:0a1b").as_deref(), Some("sha256:0a1b"));
        for strange in ["", "../../info?x=1", "a b", "x/y"] {
            assert_eq!(id(strange), None, "{strange}");
        }
        assert_eq!(image_of("{}"), None);
    }

    #[test]
    fn memory_settings_and_labels_stay_and_secrets_go() {
        let text = r#"{"Config":{"Env":["NODE_OPTIONS=--max-old-space-size=96","DB_PASSWORD=hunter2","OTHER=x"],
            "Labels":{"com.docker.compose.service":"api"}},"HostConfig":{"Memory":67108864}}"#;
        let found = redacted(text);
        assert!(found.contains("NODE_OPTIONS=--max-old-space-size=96"), "{found}");
        assert!(found.contains(r#""com.docker.compose.service":"api""#), "{found}");
        assert!(!found.contains("hunter2"), "{found}");
        let value: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(value["HostConfig"]["Memory"], 67_108_864);
    }
}
