//! Engines that speak, but not as they should: without end, without sense, or of somewhere else.
//! (`engine.rs` has those that fail plainly.) Each call ends within its time with a clear word.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{ID, answer, dead_container, engine, serve};
use crate::program::run;
use crate::texts::forced_stop;

/// All calls together have 10 s; the rest is a busy machine's.
const SOON: Duration = Duration::from_secs(20);

/// What a server does with a request's path, on the open connection.
type Talk = fn(&str, &mut UnixStream) -> std::io::Result<()>;

fn listen(folder: &Path, talk: Talk) -> String {
    let socket = folder.join("odd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n")
                    && stream.read(&mut byte).is_ok_and(|n| n == 1)
                {
                    request.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&request).into_owned();
                // An error means that the client has gone, which is what it should do.
                drop(talk(head.split(' ').nth(1).unwrap_or_default(), &mut stream));
            });
        }
    });
    format!("unix://{}", socket.display())
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

fn endless_headers(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    loop {
        out.write_all(b"X-More: and more\r\n")?;
    }
}

fn slow_headers(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    loop {
        out.write_all(b"x")?;
        thread::sleep(Duration::from_millis(100));
    }
}

fn one_large_header(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    out.write_all(b"X-Large: ")?;
    out.write_all(&vec![b'x'; 10 << 20])?;
    out.write_all(b"\r\nContent-Length: 2\r\n\r\n[]")
}

fn endless_body(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    out.write_all(b"\r\n[")?;
    loop {
        out.write_all(&b"{\"Id\":\"aaaaaaaaaaaa\"},".repeat(1 << 12))?;
    }
}

fn slow_body(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    out.write_all(b"Content-Length: 100000\r\n\r\n")?;
    loop {
        out.write_all(b"[")?;
        thread::sleep(Duration::from_millis(50));
    }
}

fn chunks_of_noise(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    out.write_all(b"Transfer-Encoding: chunked\r\n\r\n5\r\n[{\"Id\r\nzzzz\r\n\xff\xfe\r\n")
}

fn a_chunk_larger_than_memory(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    out.write_all(b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n[")
}

fn a_length_larger_than_memory(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    out.write_all(b"Content-Length: 18446744073709551615\r\n\r\n[]")
}

fn two_lengths(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(OK)?;
    out.write_all(b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n[]")
}

fn provisional_without_end(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    loop {
        out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
}

fn redirect(path: &str, out: &mut UnixStream) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 301 Moved\r\nLocation: {path}\r\nContent-Length: 0\r\n\r\n");
    out.write_all(head.as_bytes())
}

fn redirect_away(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(
        b"HTTP/1.1 302 Found\r\nLocation: http://far.example/\r\nContent-Length: 0\r\n\r\n",
    )
}

fn no_content(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
}

fn upgrade(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(b"HTTP/1.1 101 Switching\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n")
}

fn zeros(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(&[0; 4096])
}

fn another_protocol(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n[]")
}

fn status_without_sense(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    out.write_all(b"HTTP/1.1 999999 \xff\r\n\r\n")
}

fn an_error_that_steers(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    let body = "{\"message\":\"\\u001b[2J\\n::error::owned\\u202e\"}";
    let head = format!("HTTP/1.1 500 \r\nContent-Length: {}\r\n\r\n", body.len());
    out.write_all(head.as_bytes())?;
    out.write_all(body.as_bytes())
}

fn a_long_error(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    let body = "x".repeat(1 << 20);
    let head = format!("HTTP/1.1 500 \r\nContent-Length: {}\r\n\r\n", body.len());
    out.write_all(head.as_bytes())?;
    out.write_all(body.as_bytes())
}

fn a_list_of_odd_things(_: &str, out: &mut UnixStream) -> std::io::Result<()> {
    let body =
        json!([{ "Id": null }, { "Names": "x" }, 7, { "Id": "zz", "Names": [null, "/\u{1b}"] },
        { "Id": ID, "Names": [] }])
        .to_string();
    let head = format!("Content-Length: {}\r\n\r\n", body.len());
    out.write_all(&[OK, head.as_bytes(), body.as_bytes()].concat())
}

const ODD: [(&str, Talk); 20] = [
    ("endless headers", endless_headers),
    ("slow headers", slow_headers),
    ("one header of 10 MB", one_large_header),
    ("an endless body", endless_body),
    ("a slow body", slow_body),
    ("chunks of noise", chunks_of_noise),
    ("a chunk larger than memory", a_chunk_larger_than_memory),
    ("a length larger than memory", a_length_larger_than_memory),
    ("two lengths", two_lengths),
    ("provisional answers without end", provisional_without_end),
    ("a redirect to itself", redirect),
    ("a redirect away", redirect_away),
    ("no content", no_content),
    ("another protocol on this line", upgrade),
    ("zeros", zeros),
    ("a version that does not exist", another_protocol),
    ("a status without sense", status_without_sense),
    ("an error that steers the terminal", an_error_that_steers),
    ("a long error", a_long_error),
    ("a list of odd things", a_list_of_odd_things),
];

#[test]
fn an_engine_that_speaks_without_sense_costs_no_more_than_its_time() {
    thread::scope(|scope| {
        for (name, talk) in ODD {
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let docker = listen(folder.path(), talk);
                let began = Instant::now();
                let (code, out, err) = run(folder.path(), &docker, &["shop-api-1"], "");
                let took = began.elapsed();
                assert!(took < SOON, "{name} took {took:?}");
                assert_eq!((code, out.as_str()), (1, ""), "{name}: {err}");
                assert!(err.starts_with("error: ") && err.contains("\n\nhint: "), "{name}: {err}");
                assert!(err.len() < 2000, "{name}: {} bytes of complaint", err.len());
                let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!err.contains(steers) && !err.contains("\n::"), "{name}: {err:?}");
                assert!(!err.contains("os error") && !err.contains("panicked"), "{name}: {err}");
            });
        }
    });
}

/// Only the events are odd: they cost the events, and a missing history excludes nothing.
#[test]
fn odd_events_cost_only_the_events() {
    let odd: [(&str, Vec<u8>); 7] = [
        ("noise", vec![0xff; 4096]),
        ("one line without end", vec![b'x'; 4 << 20]),
        ("other shapes", b"{}\n[]\n7\n{\"Type\":7}\n{\"Type\":\"container\",\"Action\":[]}\n".to_vec()),
        ("no times", format!("{{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{{\"ID\":\"{ID}\"}}}}\n").into_bytes()),
        ("times of no calendar", format!("{{\"Type\":\"container\",\"Action\":\"kill\",\"Actor\":{{\"ID\":\"{ID}\",\"Attributes\":{{\"signal\":\"9\"}}}},\"time\":1e300,\"timeNano\":-9223372036854775808}}\n").into_bytes()),
        ("nested", [b"{\"Type\":".repeat(100_000), b"\n".to_vec()].concat()),
        ("of another container", format!("{{\"Type\":\"container\",\"Action\":\"kill\",\"Actor\":{{\"ID\":\"{}\",\"Attributes\":{{\"signal\":\"9\"}}}},\"time\":1779907330}}\n", "e".repeat(64)).into_bytes()),
    ];
    for (name, body) in odd {
        let folder = tempfile::tempdir().unwrap();
        let rest = engine(&dead_container(json!({})), &forced_stop(), "");
        let docker = serve(folder.path(), move |path| {
            if path.starts_with("/events") { answer(200, &body) } else { rest(path) }
        });
        let began = Instant::now();
        let (code, out, err) = run(folder.path(), &docker, &["--format", "json", "shop-api-1"], "");
        assert!(began.elapsed() < SOON, "{name}");
        assert!(code == 3 || name == "times of no calendar", "{name}: {code} {err} {out}");
        let told: Value = serde_json::from_str(&out).unwrap();
        // A signal without a time may be another life's: it may be named, and proves nothing.
        let may_be = if code == 3 { "unknown" } else { "api-kill" };
        assert_eq!(told["killer"], may_be, "{name}: {out}");
        assert_ne!(told["confidence"], "proven", "{name}: {out}");
    }
}

#[test]
fn an_unknown_container_is_answered_with_the_names_nearest_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let rest = engine(&dead_container(json!({})), &[], "");
    let names = ["shop-api-1", "shop-api-2", "shop-db-1", "mail", "Shop-API", "x", "\u{202e}evil"];
    let rows: Vec<Value> = names
        .iter()
        .zip("abcdef0".chars())
        .map(|(name, digit)| json!({ "Id": digit.to_string().repeat(64), "Names": [format!("/{name}")] }))
        .collect();
    let docker = serve(folder.path(), move |path| {
        if path.starts_with("/containers/json") {
            return answer(200, json!(rows).to_string().as_bytes());
        }
        rest(path)
    });
    let cases = [
        ("shop-apo-1", Some("`shop-api-1`")),
        ("shop_api_1", Some("`shop-api-1`")),
        ("SHOP-DB-1", Some("`shop-db-1`")),
        ("shop-db", Some("`shop-db-1`")),
        ("entirely-else", None),
        ("\u{1f4a3}", None),
    ];
    for (asked, near) in cases {
        let (code, out, err) = run(folder.path(), &docker, &["explain", asked], "");
        assert_eq!((code, out.as_str()), (1, ""), "{asked}: {err}");
        assert!(err.contains(&format!("no container `{asked}` is known")), "{asked}: {err}");
        match near {
            Some(near) => {
                assert!(err.contains("did you mean") && err.contains(near), "{asked}: {err}")
            }
            None => assert!(
                err.contains("docker ps -a") && !err.contains("did you mean"),
                "{asked}: {err}"
            ),
        }
    }
    // What has the shape of an id may have been a container that is gone: the rest is looked through.
    let (code, out, err) = run(folder.path(), &docker, &["explain", "ffffffffffff"], "");
    assert!(code == 1 || (code == 3 && out.contains("ffffffffffff")), "{code} {err} {out}");
    let long = "x".repeat(100_000);
    let (code, _, err) = run(folder.path(), &docker, &["explain", &long], "");
    assert_eq!(code, 1);
    assert!(err.len() < 1000, "{} bytes of complaint", err.len());
}
