//! Compose, by the user's own client: which project made a container, and its service made anew.
//!
//! Leans on the labels that Compose writes (`com.docker.compose.project`, `.service`, `.project.config_files`,
//! `.project.working_dir`; docs.docker.com, Compose specification) and on `docker compose up`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use change::{Consent, Daemon};
use report::escape;

/// The project that made a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) project: String,
    pub(super) service: String,
    /// The files, in their order; a later one is laid over the earlier.
    pub(super) files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Made {
    /// By its labels.
    pub(super) fn by(labels: &[(String, String)]) -> Option<Self> {
        let label = |name: &str| {
            let found = labels.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        let folder = label("com.docker.compose.project.working_dir").map(PathBuf::from);
        let files = label("com.docker.compose.project.config_files").unwrap_or_default();
        let absolute = |file: &str| match &folder {
            // Compose before 2.0 wrote them as they were given.
            Some(folder) => folder.join(file),
            None => PathBuf::from(file),
        };
        Some(Self {
            project: label("com.docker.compose.project")?,
            service: label("com.docker.compose.service")?,
            files: files.split(',').filter(|it| !it.is_empty()).map(absolute).collect(),
            folder,
        })
    }

    /// The one file that can be changed for it.
    pub(super) fn only_file(&self) -> Option<&Path> {
        match self.files.as_slice() {
            [file] if file.is_file() => Some(file),
            _ => None,
        }
    }
}

/// How a service is made anew.
#[derive(Debug, Clone)]
pub(super) struct Compose {
    /// `docker compose`, or the older `docker-compose`.
    program: &'static [&'static str],
    is_there: bool,
    options: Vec<String>,
    service: String,
    host: String,
}

const PROGRAMS: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];

impl Compose {
    /// Of a container's project, with this file.
    pub(super) fn of(made: &Made, file: &Path, daemon: &Daemon) -> Self {
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let same = |one: &PathBuf| *one == file || one.canonicalize().is_ok_and(|it| it == file);
        let files = match made.files.iter().any(same) {
            true => made.files.clone(),
            false => vec![file.clone()],
        };
        let mut options = Vec::new();
        for file in files {
            options.extend(["-f".to_owned(), file.display().to_string()]);
        }
        options.extend(["-p".to_owned(), made.project.clone()]);
        if let Some(folder) = made.folder.as_ref().filter(|it| file.parent() != Some(it)) {
            options.extend(["--project-directory".to_owned(), folder.display().to_string()]);
        }
        let found = PROGRAMS.into_iter().find(|program| is_there(program));
        Self {
            program: found.unwrap_or(PROGRAMS[0]),
            is_there: found.is_some(),
            options,
            service: made.service.clone(),
            host: daemon.to_string(),
        }
    }

    /// The client has it.
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// As a person would type it.
    pub(super) fn command(&self) -> String {
        let words = self.program.iter().map(ToString::to_string).chain(self.options.clone());
        let words = words.chain(up(&self.service));
        words.map(|word| shown(&word)).collect::<Vec<_>>().join(" ")
    }

    /// Makes the service anew where its settings changed.
    ///
    /// # Errors
    /// Compose refuses; with its own words.
    pub(super) fn up(&self, _consent: &Consent) -> anyhow::Result<()> {
        self.run(&up(&self.service)).map(drop)
    }

    /// The id of its container.
    pub(super) fn id(&self) -> Option<String> {
        let out = self.run(&["ps".to_owned(), "-q".to_owned(), self.service.clone()]).ok()?;
        let id: String = out.lines().next()?.chars().take(12).collect();
        Some(id).filter(|id| !id.is_empty())
    }

    fn run(&self, words: &[String]) -> anyhow::Result<String> {
        let [program, more @ ..] = self.program else { bail!("there is no compose") };
        let doing = || format!("could not run `{}`", self.program.join(" "));
        let ran = Command::new(program)
            .args(more)
            .args(&self.options)
            .args(words)
            .env("DOCKER_HOST", &self.host)
            .env_remove("DOCKER_CONTEXT")
            .stdin(Stdio::null())
            .output()
            .with_context(doing)?;
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stderr);
            let last = said.lines().rfind(|line| !line.trim().is_empty());
            bail!("{}: {}", self.program.join(" "), last.unwrap_or("it failed and gave no reason"));
        }
        Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
    }
}

/// Only this service: what it depends on runs already.
fn up(service: &str) -> Vec<String> {
    ["up", "-d", "--no-deps", service].map(str::to_owned).to_vec()
}

fn shown(word: &str) -> String {
    if word.starts_with('-') { word.to_owned() } else { escape::shell_word(word) }
}

fn is_there(program: &[&str]) -> bool {
    let [first, more @ ..] = program else { return false };
    let mut command = Command::new(first);
    command.args(more).arg("version").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let name = |key: &str| format!("com.docker.compose.{key}");
        pairs.iter().map(|(key, value)| (name(key), (*value).to_owned())).collect()
    }

    #[test]
    fn a_container_tells_by_its_labels_which_file_made_it() {
        assert_eq!(Made::by(&labels(&[("project", "shop")])), None);
        let both = "/srv/shop/compose.yaml,/srv/shop/more.yaml";
        let made = Made::by(&labels(&[
            ("project", "shop"),
            ("service", "api"),
            ("project.config_files", both),
            ("project.working_dir", "/srv/shop"),
        ]))
        .unwrap();
        assert_eq!(
            made.files,
            ["/srv/shop/compose.yaml", "/srv/shop/more.yaml"].map(PathBuf::from)
        );
        assert_eq!(made.only_file(), None, "two files: nobody knows which one to change");
    }

    #[test]
    fn the_command_names_every_file_and_only_this_service() {
        let made = Made {
            project: "shop".to_owned(),
            service: "api".to_owned(),
            files: vec![PathBuf::from("/srv/shop/compose.yaml")],
            folder: Some(PathBuf::from("/srv/shop")),
        };
        let daemon = Daemon::Socket(PathBuf::from("/run/docker.sock"));
        let compose = Compose::of(&made, Path::new("/srv/shop/compose.yaml"), &daemon);
        let command = compose.command();
        let rest = " -f /srv/shop/compose.yaml -p shop up -d --no-deps api";
        assert!(command.ends_with(rest), "{command}");
        assert_eq!(compose.host, "unix:///run/docker.sock");
    }
}
