//! The parts that this program plays in its own demonstration, each in a process of its own.
//!
//! Every part ends by itself when its standard input ends: nobody outlives the stage.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::stage;

/// 64 MiB: enough for the program itself, filled in a tenth of a second.
pub(super) const LIMIT: u64 = 64 << 20;

/// The hog takes twice its limit and no more, whatever happens.
const MOST: usize = 128;

/// The hog found that its limit is not in force.
pub(super) const NO_LIMIT: u8 = 3;

/// Plays a part.
pub(super) fn play(name: &str, with: Option<&str>) -> ExitCode {
    match (name, with) {
        ("stage", None) => stage::play(),
        ("hog", Some(directory)) => hog(Path::new(directory)),
        ("victim", None) => victim(),
        ("neighbour", Some(pid)) => neighbour(pid),
        _ => ExitCode::from(crate::failure::USAGE),
    }
}

/// Joins the cgroup, makes sure of its limit, and takes memory until it is killed.
fn hog(directory: &Path) -> ExitCode {
    call_me("hog");
    let joined = confine::join(&confine::inner_of(directory));
    if joined.is_err() || !is_inside(directory) || !is_limited(directory) {
        return ExitCode::from(NO_LIMIT);
    }
    let mut held: Vec<Vec<u8>> = Vec::new();
    for step in 0..MOST {
        // Written, not only asked for: the kernel counts pages when they are touched.
        let page = vec![u8::try_from(step % 251).unwrap_or_default() | 1; 1 << 20];
        held.push(std::hint::black_box(page));
        std::thread::sleep(Duration::from_millis(1));
    }
    std::hint::black_box(&held);
    ExitCode::SUCCESS
}

fn is_inside(directory: &Path) -> bool {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| own.lines().any(|line| line.split('/').any(|part| part == name)))
}

/// The limit is there and no bigger than meant; swap, where it is counted, gives no way around it.
fn is_limited(directory: &Path) -> bool {
    let number =
        |file: &str| fs::read_to_string(directory.join(file)).ok()?.trim().parse::<u64>().ok();
    let own = number("memory.limit_in_bytes").or_else(|| number("memory.max"));
    let with_swap = number("memory.memsw.limit_in_bytes").is_none_or(|limit| limit <= LIMIT);
    let swap = number("memory.swap.max").is_none_or(|limit| limit == 0);
    own.is_some_and(|limit| limit <= LIMIT) && with_swap && swap
}

/// Says that it is there, and waits.
fn victim() -> ExitCode {
    call_me("victim");
    tell_ready();
    wait_for_end_of_input();
    ExitCode::SUCCESS
}

/// Sends SIGKILL, and stays long enough to be looked at.
fn neighbour(pid: &str) -> ExitCode {
    call_me("neighbour");
    let target = pid.parse().ok().and_then(Pid::from_raw);
    let sent = target.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok());
    wait_for_end_of_input();
    if sent { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The name by which the kernel's log and the trace will know this process.
fn call_me(name: &str) {
    // Without it the deaths read `why137`, which is true, too.
    fs::write("/proc/self/comm", name).unwrap_or_default();
}

fn tell_ready() {
    let mut out = std::io::stdout();
    out.write_all(b"ready\n").and_then(|()| out.flush()).unwrap_or_default();
}

fn wait_for_end_of_input() {
    let mut byte = [0_u8; 1];
    while matches!(std::io::stdin().read(&mut byte), Ok(1..)) {}
}
