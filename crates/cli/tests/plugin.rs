//! `docker why137 …`: the program under the name that docker's own client looks for, called with
//! the words that the client gives its plugins.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use serde_json::{Value, json};

    use crate::daemon::{dead_container, engine, event, serve};

    type Ran = (i32, String, String);

    /// Runs the plugin as the client does, in a folder of the client's plugins.
    fn plugin(folder: &Path, docker: &str, words: &[&str]) -> Ran {
        let link = folder.join("docker-why137");
        if !link.exists() {
            symlink(env!("CARGO_BIN_EXE_why137"), &link).unwrap();
        }
        let output = Command::new(&link)
            .args(words)
            .env_clear()
            .env("WHY137_NOW", "2026-05-28T00:00:00Z")
            .env("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", "/usr/bin/docker")
            .envs((!docker.is_empty()).then_some(("DOCKER_HOST", docker)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn killed() -> (Value, Vec<Value>) {
        let events = vec![
            event("create", 0, json!({})),
            event("start", 1, json!({})),
            event("kill", 131, json!({ "signal": "9" })),
            event("die", 131, json!({ "exitCode": "137" })),
        ];
        (dead_container(json!({})), events)
    }

    #[test]
    fn the_client_is_told_what_the_plugin_is() {
        let folder = tempfile::tempdir().unwrap();
        let (code, out, err) = plugin(folder.path(), "", &["docker-cli-plugin-metadata"]);
        assert_eq!((code, err.as_str()), (0, ""));
        let metadata: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(metadata["SchemaVersion"], "0.1.0");
        assert_eq!(metadata["Version"], env!("CARGO_PKG_VERSION"));
        for key in ["Vendor", "ShortDescription"] {
            assert!(metadata[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {out}");
        }
    }

    #[test]
    fn the_clients_options_before_the_name_choose_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let (inspect, events) = killed();
        let docker = serve(folder.path(), engine(&inspect, &events, ""));
        let nowhere = "unix:///nonexistent/docker.sock";
        for words in [
            &["--host", docker.as_str(), "why137", "-q", "shop-api-1"][..],
            &["-D", "-l", "debug", "-H", &docker, "why137", "explain", "--quiet", "shop-api-1"],
            &[&format!("--host={docker}"), "why137", "shop-api-1", "-q"],
        ] {
            let (code, out, err) = plugin(folder.path(), nowhere, words);
            assert_eq!(code, 0, "{words:?}: {err}");
            assert!(out.starts_with("shop-api-1: killed by request"), "{words:?}: {out}");
        }
        let (code, _, err) = plugin(folder.path(), nowhere, &["why137", "shop-api-1"]);
        assert_eq!(code, 1);
        assert!(err.contains(nowhere), "{err}");
    }

    #[test]
    fn a_context_of_the_client_and_its_configuration_folder_are_honoured() {
        let folder = tempfile::tempdir().unwrap();
        let (inspect, events) = killed();
        let docker = serve(folder.path(), engine(&inspect, &events, ""));
        let meta = folder.path().join("cfg/contexts/meta/aa");
        std::fs::create_dir_all(&meta).unwrap();
        let text = json!({ "Name": "far", "Endpoints": { "docker": { "Host": docker } } });
        std::fs::write(meta.join("meta.json"), text.to_string()).unwrap();
        let config = folder.path().join("cfg").display().to_string();
        let words = ["--config", &config, "--context", "far", "why137", "-q", "shop-api-1"];
        let (code, out, err) = plugin(folder.path(), "", &words);
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with("shop-api-1: killed by request"), "{out}");
    }

    #[test]
    fn other_commands_are_not_in_the_way_of_the_clients_options() {
        let folder = tempfile::tempdir().unwrap();
        let words = ["--context", "far", "why137", "rules"];
        let (code, out, err) = plugin(folder.path(), "", &words);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("own-limit"), "{out}");
        let (code, out, _) = plugin(folder.path(), "", &["why137", "--help"]);
        assert!(code == 0 && !out.contains("docker-cli-plugin-metadata"), "{out}");
    }

    #[test]
    fn the_clients_completion_gets_names_and_cobras_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let (inspect, events) = killed();
        let docker = serve(folder.path(), engine(&inspect, &events, ""));
        let complete =
            |word: &str| plugin(folder.path(), &docker, &["__complete", "why137", word]).1;
        assert_eq!(complete("sho"), "shop-api-1\n:0\n");
        assert_eq!(complete("expl"), "explain\n:0\n");
        assert_eq!(complete("zz"), ":0\n");
    }
}
