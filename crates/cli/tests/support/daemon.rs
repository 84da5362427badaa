//! A docker engine that says what a test wrote down, over a socket in the test's folder.
//!
//! It calls itself a machine with another kernel, so that nothing of this machine gets into a case;
//! a test that wants this machine's files overrides `/info` and `/version`.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// The container of every scripted engine.
pub(crate) const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

/// The bytes of an answer, and how long the connection then stays open without another byte.
pub(crate) struct Act {
    pub(crate) bytes: Vec<u8>,
    pub(crate) silence: Duration,
}

/// A whole answer.
pub(crate) fn answer(status: u16, body: &[u8]) -> Act {
    let head = format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Act { bytes: [head.as_bytes(), body].concat(), silence: Duration::ZERO }
}

/// Serves on a socket in the folder until the test ends, and gives its address. The script gets the
/// path of each request.
pub(crate) fn serve(folder: &Path, script: impl Fn(&str) -> Act + Send + Sync + 'static) -> String {
    let socket = folder.join("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let script = Arc::new(script);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let script = script.clone();
            thread::spawn(move || converse(stream, &*script));
        }
    });
    format!("unix://{}", socket.display())
}

fn converse(mut stream: UnixStream, script: &dyn Fn(&str) -> Act) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => request.push(byte[0]),
            // The client only wanted to know who listens.
            _ => return,
        }
    }
    let head = String::from_utf8(request).unwrap();
    let act = script(head.split(' ').nth(1).unwrap());
    drop(stream.write_all(&act.bytes));
    thread::sleep(act.silence);
}

/// An engine with one container: its `docker inspect` object, its events and what it wrote.
pub(crate) fn engine(inspect: &Value, events: &[Value], log: &str) -> impl Fn(&str) -> Act + use<> {
    let name = inspect["Name"].as_str().unwrap().to_owned();
    let inspect = inspect.to_string();
    let list = json!([{ "Id": ID, "Names": [name], "State": "exited" }]).to_string();
    let events: String = events.iter().map(|event| format!("{event}\n")).collect();
    let length = u32::try_from(log.len()).unwrap().to_be_bytes();
    let log = [&[2, 0, 0, 0][..], &length, log.as_bytes()].concat();
    move |path| {
        let place = path.split('?').next().unwrap();
        match place.strip_prefix(&format!("/containers/{ID}")).unwrap_or(place) {
            "/_ping" => answer(200, b"OK"),
            "/version" => answer(200, br#"{"Version":"28.5.2","KernelVersion":"5.0.0-elsewhere"}"#),
            "/info" => answer(200, INFO.as_bytes()),
            "/containers/json" => answer(200, list.as_bytes()),
            "/json" => answer(200, inspect.as_bytes()),
            "/logs" => answer(200, &log),
            "/events" => answer(200, events.as_bytes()),
            other => answer(404, format!(r#"{{"message":"page not found: {other}"}}"#).as_bytes()),
        }
    }
}

const INFO: &str = r#"{"Name":"far","OperatingSystem":"Debian GNU/Linux 13",
"KernelVersion":"5.0.0-elsewhere","CgroupDriver":"systemd","CgroupVersion":"2",
"MemTotal":8221302784,"DockerRootDir":"/nonexistent/docker","ServerVersion":"28.5.2"}"#;

/// A container that ended with 137; `more` is laid over it.
pub(crate) fn dead_container(more: Value) -> Value {
    let mut inspect = json!({
        "Id": ID,
        "Created": "2026-05-27T18:40:00.1Z",
        "Name": "/shop-api-1",
        "Path": "python3",
        "Args": ["-m", "api"],
        "State": {
            "Status": "exited", "Running": false, "Paused": false, "Restarting": false,
            "OOMKilled": false, "Dead": false, "Pid": 0, "ExitCode": 137, "Error": "",
            "StartedAt": "2026-05-27T18:40:01.1Z", "FinishedAt": "2026-05-27T18:42:11.2Z"
        },
        "Image": "sha256:5ff3c6f1a0f4c6ad3f2b2a1fb0c4f3d2a1b0c9d8e7f60514233241506f7e8d9c",
        "RestartCount": 0,
        "Driver": "overlay2",
        "HostConfig": {
            "Memory": 67108864, "MemorySwap": 67108864, "OomKillDisable": false, "PidMode": "",
            "RestartPolicy": { "Name": "no", "MaximumRetryCount": 0 }
        },
        "Mounts": [],
        "Config": {
            "Tty": false, "Env": ["PATH=/usr/bin"], "Cmd": ["-m", "api"],
            "Entrypoint": ["python3"], "Image": "shop/api:1.4", "Labels": {}
        }
    });
    overlay(&mut inspect, more);
    inspect
}

fn overlay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                overlay(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

/// An event of the container, some seconds after 18:40:00 of its day.
pub(crate) fn event(action: &str, after: i64, attributes: Value) -> Value {
    let seconds = 1_779_907_200 + after;
    let mut event = json!({
        "Type": "container", "Action": action, "scope": "local",
        "Actor": { "ID": ID, "Attributes": { "name": "shop-api-1", "image": "shop/api:1.4" } },
        "time": seconds, "timeNano": seconds * 1_000_000_000
    });
    overlay(&mut event["Actor"]["Attributes"], attributes);
    event
}
