//! `docker why137 …`: this program as a plugin of docker's own client.
//!
//! The client looks for an executable `docker-why137`, asks it what it is, and runs it with its own words:
//! global options first, then `why137`, then the rest (docker/cli `cli-plugins/manager`,
//! `cli-plugins/plugin`, docs "Docker CLI Plugin Spec"). The options before the name are this program's own
//! of the same meaning; whatever else the client knows is about the client.

use std::ffi::OsString;
use std::process::ExitCode;

use casefile::Moment;
use serde_json::json;

use super::daemon;
use crate::flags::{self, DaemonArgs};

/// The name under which the client runs it.
const PROGRAM: &str = "docker-why137";
const NAME: &str = "why137";
/// Asked by the client on every `docker --help`.
const METADATA: &str = "docker-cli-plugin-metadata";
/// Asked by the client's shell completions (cobra's protocol).
const COMPLETE: [&str; 2] = ["__complete", "__completeNoDesc"];

/// What the client wants of its plugin.
pub(crate) enum Wish {
    /// What it is.
    Metadata,
    /// What could follow these words.
    Complete(Vec<OsString>),
    /// The words, as this program's own command line.
    Command(Vec<OsString>),
}

/// Reads the words that the client gives; `None` if it was not the client.
pub(crate) fn wish(arguments: &[OsString]) -> Option<Wish> {
    let (program, rest) = arguments.split_first()?;
    let is_plugin = std::path::Path::new(program).file_name().is_some_and(|name| name == PROGRAM);
    if !is_plugin {
        return None;
    }
    let first = rest.first()?.to_str().unwrap_or_default();
    if first == METADATA {
        return Some(Wish::Metadata);
    }
    if COMPLETE.contains(&first) {
        let words = rest.iter().skip(1).skip_while(|word| *word != NAME).skip(1);
        return Some(Wish::Complete(words.cloned().collect()));
    }
    let (globals, own) = split(rest)?;
    let mut words = vec![OsString::from(NAME)];
    // Only a question goes to a daemon: `docker --context far why137 rules` is refused nothing.
    let asks =
        own.iter().find(|word| !word.to_string_lossy().starts_with('-')).is_none_or(|word| {
            !flags::is_subcommand(&word.to_string_lossy())
                || ["audit", "explain", "list"].iter().any(|known| *word == *known)
        });
    words.extend(own);
    if asks {
        // Before a `--` that ends the options.
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        words.splice(end..end, globals);
    }
    Some(Wish::Command(words))
}

/// The client's own options that mean something here, and the words after the plugin's name.
fn split(words: &[OsString]) -> Option<(Vec<OsString>, Vec<OsString>)> {
    let mut globals = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == NAME {
            return Some((globals, words.cloned().collect()));
        }
        let text = word.to_string_lossy();
        let (option, value) = match text.split_once('=') {
            Some((option, value)) => (option, Some(OsString::from(value))),
            None => (text.as_ref(), None),
        };
        match option {
            "-H" | "--host" | "-c" | "--context" | "--config" | "--tlscacert" | "--tlscert"
            | "--tlskey" => {
                let value = value.or_else(|| words.next().cloned())?;
                globals.extend([OsString::from(option), value]);
            }
            "--tls" | "--tlsverify" => globals.push(word.clone()),
            // How much the client itself writes.
            "-l" | "--log-level" if value.is_none() => drop(words.next()),
            _ => {
                // `-Htcp://…`
                let short = ["-H", "-c"].iter().any(|it| text.starts_with(it) && text.len() > 2);
                globals.extend(short.then(|| word.clone()));
            }
        }
    }
    None
}

/// What the client lists beside its own commands.
pub(crate) fn metadata() -> String {
    let mut metadata = json!({
        "SchemaVersion": "0.1.0",
        "Vendor": "why137",
        "Version": env!("CARGO_PKG_VERSION"),
        "ShortDescription": "Tell who killed a container, why, and by which proof",
    });
    let url = [env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")];
    let url = url.into_iter().find(|url| !url.is_empty());
    if let (Some(url), Some(fields)) = (url, metadata.as_object_mut()) {
        fields.insert("URL".to_owned(), url.into());
    }
    format!("{metadata:#}\n")
}

/// The names and subcommands that begin as the last word does, one a line, and cobra's word that files
/// may follow too (`:0`).
pub(crate) fn complete(words: &[OsString]) -> String {
    let now = Moment(jiff::Timestamp::UNIX_EPOCH);
    let wanted = daemon::wanted(&DaemonArgs::default(), String::new(), now);
    let begun = words.last().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let first = words.len() <= 1;
    let commands = flags::grammar();
    let commands = commands
        .get_subcommands()
        .filter(|command| first && !command.is_hide_set())
        .map(|command| command.get_name().to_owned());
    let mut lines = String::new();
    for word in evidence::known_names(&wanted).into_iter().chain(commands) {
        if word.starts_with(&begun) && !word.chars().any(char::is_control) {
            lines.push_str(&word);
            lines.push('\n');
        }
    }
    lines + ":0\n"
}

/// Writes what the client asked for.
pub(crate) fn answer(text: &str) -> ExitCode {
    use std::io::Write;
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_nobody_reads) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        match wish(&words)? {
            Wish::Command(words) => {
                let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
                Some(words.join(" "))
            }
            Wish::Metadata => Some("metadata".to_owned()),
            Wish::Complete(words) => Some(format!("complete {words:?}")),
        }
    }

    #[test]
    fn the_clients_own_options_are_asked_with_and_its_noise_is_not() {
        for (given, meant) in [
            ("/x/docker-why137 why137 api", "why137 api"),
            ("docker-why137 --context far why137 api", "why137 api --context far"),
            (
                "docker-why137 -D --log-level debug -H tcp://x why137 -q api",
                "why137 -q api -H tcp://x",
            ),
            ("docker-why137 -Htcp://x why137", "why137 -Htcp://x"),
            (
                "docker-why137 --host=tcp://x --tlsverify why137 api",
                "why137 api --host tcp://x --tlsverify",
            ),
            (
                "docker-why137 --config /c why137 explain -- rules",
                "why137 explain --config /c -- rules",
            ),
            ("docker-why137 --context far why137 rules", "why137 rules"),
            ("docker-why137 docker-cli-plugin-metadata", "metadata"),
            ("docker-why137 __complete why137 a", "complete [\"a\"]"),
        ] {
            assert_eq!(told(given).as_deref(), Some(meant), "{given}");
        }
        assert_eq!(told("why137 why137"), None);
        assert_eq!(told("docker-why137 api"), None);
    }

    #[test]
    fn the_metadata_is_what_the_client_demands() {
        let metadata: serde_json::Value = serde_json::from_str(&metadata()).unwrap();
        assert_eq!(metadata["SchemaVersion"], "0.1.0");
        assert!(!metadata["Vendor"].as_str().unwrap().is_empty());
        assert!(!metadata["ShortDescription"].as_str().unwrap().contains('\n'));
    }
}
