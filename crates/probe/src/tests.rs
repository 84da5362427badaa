//! A real signal on this machine.

use super::*;
use std::process::{Command, Stdio};

#[test]
fn a_kill_is_seen_with_its_sender_and_nothing_is_left() {
    let mut probe = match Probe::open() {
        Ok(probe) => probe,
        Err(error) => {
            println!("NOT RUN: a traced kill, because {error}");
            return;
        }
    };
    let directory = probe.instance.path("");
    let mut victim = Command::new("sleep").arg("20").spawn().unwrap();
    let pid = victim.id();
    // The shell waits for its input to end, so that it is there when it is looked for.
    let script = format!("kill -9 {pid}; read line");
    let mut sender =
        Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap();
    let wanted = [format!("pid={pid} grp"), format!("# sender pid={} uid=", sender.id())];
    let deadline = Instant::now() + Duration::from_secs(3);
    let mut seen = Vec::new();
    let is_seen = |seen: &[String], part: &String| seen.iter().any(|line| line.contains(part));
    while Instant::now() < deadline && !wanted.iter().all(|part| is_seen(&seen, part)) {
        seen.extend(probe.read_lines(deadline));
    }
    drop(sender.stdin.take());
    sender.wait().unwrap();
    victim.wait().unwrap();
    assert!(wanted.iter().all(|part| is_seen(&seen, part)), "{seen:#?}");
    assert_ne!(probe.clock(), TraceClock::Local);
    assert!(directory.is_dir());
    let second = Probe::open().unwrap();
    assert_ne!(second.instance.path(""), directory);
    drop(probe);
    assert!(!directory.exists());
}
