//! Against a daemon of this test's own, which keeps the settings that it is given as dockerd does.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;

const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

struct Place {
    _folder: tempfile::TempDir,
    journal: Journal,
    daemon: Daemon,
    container: Arc<Mutex<Value>>,
    orders: Arc<Mutex<Vec<String>>>,
}

fn yes() -> Consent {
    Consent::ask(true, || None).unwrap()
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let container = Arc::new(Mutex::new(json!({
            "Id": ID,
            "HostConfig": {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
                "Memory": 67_108_864, "MemorySwap": 67_108_864},
            "State": {"Status": "restarting", "ExitCode": 137},
        })));
        let orders = Arc::new(Mutex::new(Vec::new()));
        serve(&socket, Arc::clone(&container), Arc::clone(&orders));
        let state = folder.path().join("state");
        let journal = Journal::of(state.to_str(), None, false).unwrap();
        let daemon = Daemon::Socket(socket);
        Self { _folder: folder, journal, daemon, container, orders }
    }

    fn settings(&self) -> Settings {
        self.daemon.settings(ID, "api").unwrap()
    }

    fn change(&self, to: impl FnOnce(&mut Settings)) -> ContainerChange {
        let old = self.settings();
        let mut new = old.clone();
        to(&mut new);
        ContainerChange {
            at: "now".to_owned(),
            daemon: self.daemon.to_string(),
            id: ID.to_owned(),
            name: "api".to_owned(),
            what: "x".to_owned(),
            old,
            new,
        }
    }
}

/// Keeps what an update names, as dockerd does.
fn serve(socket: &PathBuf, container: Arc<Mutex<Value>>, orders: Arc<Mutex<Vec<String>>>) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &container, &orders);
        }
    });
}

fn answer(mut stream: UnixStream, container: &Mutex<Value>, orders: &Mutex<Vec<String>>) {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    let order = head.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let mut state = container.lock().unwrap();
    let (status, text) = match order.rsplit('/').next().unwrap() {
        "json" => (200, state.to_string()),
        "update" if state["dies"].as_u64().is_some_and(|times| times > 0) => {
            state["dies"] = json!(state["dies"].as_u64().unwrap() - 1);
            (500, json!({"message": "runc did not terminate: container not running"}).to_string())
        }
        "update" if state["refuses"] == true => {
            (409, json!({"message": "Conflict: it is being removed"}).to_string())
        }
        "update" => {
            let asked: Value = serde_json::from_slice(&body).unwrap();
            for (key, value) in asked.as_object().unwrap() {
                state["HostConfig"][key] = value.clone();
            }
            (200, "{\"Warnings\":[]}".to_owned())
        }
        _ => (204, String::new()),
    };
    orders.lock().unwrap().push(format!("{order} {}", String::from_utf8_lossy(&body)));
    write!(stream, "HTTP/1.0 {status} X\r\n\r\n{text}").unwrap();
}

#[test]
fn a_policy_is_set_and_taken_back_and_nothing_else_is_sent() {
    let place = Place::new();
    let change = place.change(|it| it.policy = "on-failure:3".to_owned());
    place.journal.apply_settings(&place.daemon, &change, &yes()).unwrap();
    let policy = &place.container.lock().unwrap()["HostConfig"]["RestartPolicy"].clone();
    assert_eq!(*policy, json!({"Name": "on-failure", "MaximumRetryCount": 3}));
    let sent = place.orders.lock().unwrap().iter().find(|it| it.contains("update")).cloned();
    assert!(sent.is_some_and(|sent| !sent.contains("Memory")));
    assert_eq!(place.journal.standing(Some("api")).unwrap(), std::slice::from_ref(&change));
    place.journal.restore(&place.daemon, &change, None, &yes()).unwrap();
    assert_eq!(place.settings(), change.old);
    assert!(place.journal.standing(None).unwrap().is_empty());
}

#[test]
fn two_changes_are_taken_back_in_the_order_of_the_newest_first() {
    let place = Place::new();
    let before = place.settings();
    let first = place.change(|it| it.policy = "no".to_owned());
    place.journal.apply_settings(&place.daemon, &first, &yes()).unwrap();
    let second = place.change(|it| (it.memory, it.memory_swap) = (128 << 20, 128 << 20));
    place.journal.apply_settings(&place.daemon, &second, &yes()).unwrap();
    let standing = place.journal.standing(ID.get(..12)).unwrap();
    assert_eq!(standing, [second, first]);
    for change in &standing {
        place.journal.restore(&place.daemon, change, None, &yes()).unwrap();
    }
    assert_eq!(place.settings(), before);
}

#[test]
fn what_somebody_changed_since_is_not_touched() {
    let place = Place::new();
    let change = place.change(|it| it.policy = "no".to_owned());
    place.container.lock().unwrap()["HostConfig"]["RestartPolicy"]["Name"] = json!("on-failure");
    let refused = place.journal.apply_settings(&place.daemon, &change, &yes());
    assert!(matches!(refused, Err(NotChanged::Moved { .. })), "{refused:?}");
    assert!(place.journal.standing(None).unwrap().is_empty());
    place.container.lock().unwrap()["HostConfig"]["RestartPolicy"]["Name"] = json!("always");
    place.journal.apply_settings(&place.daemon, &change, &yes()).unwrap();
    place.container.lock().unwrap()["HostConfig"]["RestartPolicy"]["Name"] = json!("on-failure");
    let refused = place.journal.restore(&place.daemon, &change, None, &yes());
    assert!(matches!(refused, Err(NotChanged::Moved { .. })), "{refused:?}");
    assert_eq!(place.settings().policy, "on-failure");
    // Another setting that was changed since is nobody's reason.
    place.container.lock().unwrap()["HostConfig"]["RestartPolicy"]["Name"] = json!("no");
    place.container.lock().unwrap()["HostConfig"]["Memory"] = json!(1);
    place.journal.restore(&place.daemon, &change, None, &yes()).unwrap();
    assert_eq!((place.settings().policy.as_str(), place.settings().memory), ("always", 1));
}

#[test]
fn a_limit_is_not_lowered_below_what_is_held() {
    let place = Place::new();
    let change = place.change(|it| (it.memory, it.memory_swap) = (128 << 20, 128 << 20));
    place.journal.apply_settings(&place.daemon, &change, &yes()).unwrap();
    let refused = place.journal.restore(&place.daemon, &change, Some(100 << 20), &yes());
    assert!(matches!(refused, Err(NotChanged::WouldKill { .. })), "{refused:?}");
    assert_eq!(place.settings().memory, 128 << 20);
    place.journal.restore(&place.daemon, &change, Some(20 << 20), &yes()).unwrap();
    assert_eq!(place.settings(), change.old);
}

#[test]
fn a_daemon_that_refuses_is_quoted_and_leaves_nothing_to_take_back() {
    let place = Place::new();
    let change = place.change(|it| it.policy = "no".to_owned());
    place.container.lock().unwrap()["refuses"] = json!(true);
    let refused = place.journal.apply_settings(&place.daemon, &change, &yes()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("{} would not change `api`: Conflict: it is being removed", place.daemon)
    );
    assert!(place.journal.standing(None).unwrap().is_empty());
}

#[test]
fn a_container_that_dies_at_this_moment_is_changed_a_moment_later() {
    let place = Place::new();
    place.container.lock().unwrap()["dies"] = json!(2);
    let change = place.change(|it| it.policy = "no".to_owned());
    place.journal.apply_settings(&place.daemon, &change, &yes()).unwrap();
    assert_eq!(place.settings().policy, "no");
    let updates = place.orders.lock().unwrap().iter().filter(|it| it.contains("/update")).count();
    assert_eq!(updates, 3);
}

#[test]
fn the_journal_holds_changes_of_files_and_of_containers_side_by_side() {
    let place = Place::new();
    let change = place.change(|it| it.policy = "no".to_owned());
    place.journal.apply_settings(&place.daemon, &change, &yes()).unwrap();
    assert_eq!(place.journal.last(None).unwrap(), None, "no file was changed");
    place.journal.forget_settings(&change).unwrap();
    assert!(place.journal.standing(None).unwrap().is_empty());
}

#[test]
fn a_daemons_address_reads_back_as_it_is_spelled() {
    for text in ["unix:///run/docker.sock", "tcp://far:2375/x", "tcp://far:2375", "podman"] {
        assert_eq!(Daemon::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Daemon::parse("ssh://far"), None);
    let gone = Daemon::Socket(PathBuf::from("/nonexistent/docker.sock"));
    assert!(matches!(gone.settings(ID, "api"), Err(NotChanged::Unreachable { .. })));
}
