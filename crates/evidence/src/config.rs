//! `config`: Docker's own state of the container, of which `HasBeenManuallyStopped` is in no answer
//! of the API: true after any signal through the API in this life (moby `container/container.go`,
//! `daemon/kill.go`). The environment, labels and mounts in the same file are left out.

use std::path::{Path, PathBuf};

use casefile::{Exhibit, Source};
use serde_json::{Map, Value};

use crate::docker::host::shell_word;
use crate::found::{Found, about, exhibit, gap, plain};
use crate::roots::read_text;
use crate::subject::Subject;

/// What is kept of the file.
const KEPT: [&str; 4] = ["ID", "Name", "HasBeenManuallyStopped", "State"];

/// Reads the file below the daemon's root folder.
pub(crate) fn read(subject: &Subject, root_dir: Option<&str>) -> Found {
    let Some(root) = root_dir else {
        return Found::gap(gap(
            Source::DockerConfig,
            "GET /info",
            "the daemon does not say where it keeps its state",
            None,
        ));
    };
    let path = file(root, subject);
    let shown = path.display().to_string();
    let check = format!("sudo cat {}", shell_word(&shown));
    match read_kept(&path) {
        Ok(text) => {
            let label = format!("{shown}: {}", KEPT.join(", "));
            let kept = exhibit("config", Source::DockerConfig, &label, &text);
            let exhibits = vec![Exhibit { check: Some(check), ..about(kept, &subject.id) }];
            Found { exhibits, ..Found::default() }
        }
        Err(because) => Found::gap(gap(Source::DockerConfig, &shown, &because, Some(&check))),
    }
}

fn file(root: &str, subject: &Subject) -> PathBuf {
    Path::new(root).join("containers").join(subject.id.as_str()).join("config.v2.json")
}

fn read_kept(path: &Path) -> Result<String, String> {
    let text = read_text(path).map_err(|error| plain(&error))?;
    let mut all: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"))?;
    // What health probes printed is the program's own text, and may hold anything.
    if let Some(health) = all.get_mut("State").and_then(|state| state.get_mut("Health"))
        && let Some(health) = health.as_object_mut()
    {
        health.remove("Log");
    }
    let kept = KEPT.iter().filter_map(|key| Some(((*key).to_owned(), all.remove(*key)?)));
    Ok(Value::Object(kept.collect()).to_string() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::ContainerId;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    #[test]
    fn the_environment_in_dockers_own_state_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let subject = Subject::remembered(&ContainerId::parse(ID).unwrap(), &[]);
        let path = file(root.path().to_str().unwrap(), &subject);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!(
            r#"{{"State":{{"Pid":0,"Health":{{"Status":"healthy","Log":[{{"Output":"x"}}]}}}},"ID":"{ID}","Config":{{"Env":["PASSWORD=x"]}},"HasBeenManuallyStopped":true}}"#
        );
        std::fs::write(&path, text).unwrap();
        let found = read(&subject, root.path().to_str());
        let wanted = format!(
            "{{\"ID\":\"{ID}\",\"HasBeenManuallyStopped\":true,\"State\":{{\"Pid\":0,\"Health\":{{\"Status\":\"healthy\"}}}}}}\n"
        );
        assert_eq!(found.exhibits[0].text(), wanted);

        std::fs::write(&path, "{").unwrap();
        assert!(read(&subject, root.path().to_str()).gaps[0].because.contains("not JSON"));
        assert_eq!(read(&subject, Some("/nonexistent")).gaps[0].because, "it does not exist");
    }
}
