//! Whole questions against a scripted daemon and a small machine of files.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::*;
use crate::Environment;
use crate::docker::http::scripted::{Act, serve};

const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";
const GONE: &str = "9ac28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e9ac";

/// A machine of files in a temporary folder.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        let mounts = format!("1 2 0:1 / {} rw - cgroup2 cgroup2 rw\n", machine.at("cg").display());
        machine.write("proc/self/mountinfo", &mounts);
        machine.write("proc/sys/kernel/osrelease", "6.1.0\n");
        machine.write("proc/sys/kernel/hostname", "here\n");
        machine.write("proc/meminfo", "MemTotal: 4 kB\n");
        machine.write("kmsg", "6,0,0,-;boot\n3,1,1,-;words\n");
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn roots(&self) -> Roots {
        Roots {
            proc: self.at("proc"),
            dev_kmsg: self.at("kmsg"),
            journalctl: self.at("no-journalctl"),
            systemctl: "/nonexistent/systemctl".into(),
            podman_socket: self.at("podman.sock"),
            podman: "/nonexistent/podman".into(),
            ctr: "/nonexistent/ctr".into(),
            docker_socket: self.at("docker.sock"),
            user_runtime: self.at("user"),
            docker_pidfile: self.at("docker.pid"),
        }
    }

    fn ask(&self, name: &str) -> Result<CaseFile, GatherError> {
        let wanted = Wanted {
            name: name.to_owned(),
            docker_host: None,
            docker_context: None,
            with_logs: true,
            now: Moment::from_micros(0).unwrap(),
            environment: Environment::default(),
        };
        gather(&wanted, &self.roots(), &mut |_| {})
    }
}

fn event(id: &str, name: &str, action: &str, seconds: u64) -> String {
    format!(
        "{{\"Type\":\"container\",\"Action\":\"{action}\",\"Actor\":{{\"ID\":\"{id}\",\"Attributes\":{{\"name\":\"{name}\"}}}},\"time\":{seconds}}}\n"
    )
}

/// What a healthy daemon with one ended container says.
fn healthy(root_dir: &Path, path: &str) -> Act {
    let json = |value: serde_json::Value| Act::Answer(200, value.to_string());
    let own = event(ID, "api", "create", 99) + &event(ID, "api", "start", 100);
    let (question, filtered) = (path.split('?').next().unwrap_or_default(), path.contains(ID));
    match question {
        "/containers/json" => json(serde_json::json!([{ "Id": ID, "Names": ["/api"] }])),
        "/info" => json(serde_json::json!({
            "DockerRootDir": root_dir, "KernelVersion": "6.1.0", "Name": "here",
            "CgroupDriver": "systemd", "CgroupVersion": "2", "MemTotal": 4096
        })),
        "/version" => json(serde_json::json!({ "Version": "26.1.5" })),
        "/events" if filtered => Act::Answer(200, own),
        "/events" if path.contains(GONE) => Act::Answer(200, event(GONE, "job", "die", 50)),
        "/events" => Act::Answer(200, event(GONE, "job", "die", 50) + &own),
        _ if path.ends_with("/json") => json(serde_json::json!({
            "Id": ID, "Created": "1970-01-01T00:01:39Z",
            "State": { "Running": false, "Pid": 0, "StartedAt": "1970-01-01T00:01:40Z",
                "FinishedAt": "1970-01-01T00:02:00Z" }
        })),
        _ if question.ends_with("/logs") => Act::Answer(200, "hello\n".to_owned()),
        _ => Act::Answer(404, "{}".to_owned()),
    }
}

fn ids(case: &CaseFile) -> Vec<&str> {
    case.exhibits.iter().map(|exhibit| exhibit.id.as_str()).collect()
}

fn gap_because(case: &CaseFile, source: Source) -> &str {
    let gap = case.gaps.iter().find(|gap| gap.source == source);
    gap.map(|gap| gap.because.as_str()).unwrap_or_default()
}

#[test]
fn an_ended_container_on_a_healthy_machine() {
    let machine = Machine::new();
    machine.write(&format!("root/containers/{ID}/config.v2.json"), r#"{"State":{}}"#);
    machine.write("cg/system.slice/memory.max", "max\n");
    let root = machine.at("root");
    serve(&machine.at("docker.sock"), move |path| healthy(&root, path));
    let case = machine.ask("api").unwrap();
    assert_eq!(ids(&case), ["inspect", "events", "config", "kmsg", "cgroup-1", "log", "machine"]);
    assert_eq!(case.asked.container_id.as_ref().unwrap().as_str(), ID);
    assert!(case.exhibit("events").unwrap().covers);
    assert_eq!(case.exhibit("log").unwrap().text(), "hello\n");
    let facts = case.exhibit("machine").unwrap().text();
    assert!(facts.contains("events-since: 1970-01-01T00:00:50Z\n"), "{facts}");
    assert!(facts.contains("events-wrapped: false\n"), "{facts}");
    assert!(gap_because(&case, Source::Journal).contains("no journalctl"));
    assert!(gap_because(&case, Source::Cgroup).contains("went with it"));
    let saved = CaseFile::from_json(&case.to_json().unwrap()).unwrap();
    assert_eq!(saved, case);
}

#[test]
fn a_removed_container_is_known_by_its_events() {
    let machine = Machine::new();
    serve(&machine.at("docker.sock"), |path| healthy(Path::new("/none"), path));
    let case = machine.ask("job").unwrap();
    assert_eq!(case.asked.container_id.as_ref().unwrap().as_str(), GONE);
    assert_eq!(ids(&case), ["events", "kmsg", "machine"]);
    assert_eq!(gap_because(&case, Source::ContainerInspect), "the container has been removed");
    assert!(gap_because(&case, Source::ApplicationLog).contains("removed"));
    let Err(GatherError::NoSuchContainer { nearest, known_from_events, .. }) = machine.ask("apu")
    else {
        panic!("it exists?")
    };
    assert_eq!((nearest, known_from_events), (vec!["api".to_owned()], vec![]));
}

#[test]
fn a_daemon_that_stalls_costs_its_part_and_no_more() {
    let machine = Machine::new();
    serve(&machine.at("docker.sock"), |path| {
        let question = path.split('?').next().unwrap_or_default();
        match healthy(Path::new("/none"), path) {
            Act::Answer(200, text) if question == "/events" => Act::Stall(text),
            _ if question.ends_with("/logs") => Act::Hang,
            _ if question == "/info" => Act::Reset,
            act => act,
        }
    });
    let began = Instant::now();
    let case = machine.ask(ID).unwrap();
    assert!(began.elapsed().as_secs() < 7, "{:?}", began.elapsed());
    assert!(!case.exhibit("events").unwrap().covers);
    assert_eq!(case.exhibit("events").unwrap().text().lines().count(), 2);
    assert!(gap_because(&case, Source::ContainerEvents).contains("no complete answer"));
    assert!(gap_because(&case, Source::ApplicationLog).contains("no complete answer"));
    assert!(gap_because(&case, Source::DockerConfig).contains("does not say"));
    let facts = case.exhibit("machine").unwrap().text();
    assert!(!facts.contains("events-"), "half a history tells nothing of its age: {facts}");
}

#[test]
fn a_container_elsewhere_is_not_looked_for_here() {
    let machine = Machine::new();
    machine.write("proc/sys/kernel/osrelease", "6.12.0\n");
    serve(&machine.at("docker.sock"), |path| healthy(Path::new("/none"), path));
    let case = machine.ask("api").unwrap();
    assert_eq!(ids(&case), ["inspect", "events", "log", "machine"]);
    assert!(gap_because(&case, Source::KernelLog).contains("its kernel is 6.1.0"));
    assert!(case.exhibit("machine").unwrap().text().starts_with("kernel-release: 6.1.0\n"));
}

#[test]
fn a_forwarded_socket_is_another_machines() {
    let machine = Machine::new();
    let host = Host::Unix(machine.at("docker.sock"));
    let facts = |name: &str| DaemonFacts {
        host_name: Some(name.to_owned()),
        kernel: Some("6.1.0".to_owned()),
        ..DaemonFacts::default()
    };
    machine.write("proc/7/comm", "ssh\n");
    machine.write("proc/8/comm", "dockerd\n");
    let is_elsewhere = |name: &str, listener: Option<u32>| {
        elsewhere(&host, &facts(name), listener, &machine.roots()).is_some()
    };
    assert!(is_elsewhere("there", Some(7)));
    assert!(!is_elsewhere("there", Some(8)));
    assert!(!is_elsewhere("there", None));
    assert!(!is_elsewhere("here", Some(7)));
}

#[test]
fn without_a_daemon_the_reader_is_told_what_to_do() {
    let machine = Machine::new();
    let error = machine.ask("api").unwrap_err();
    let said = error.to_string();
    assert!(said.ends_with("docker.sock`: it does not exist"), "{said}");
    assert!(error.hint().unwrap().contains("`systemctl status docker`"));
}
