//! The row of a live question: `why137 NAME` beside `docker inspect NAME`, about a container that
//! died at its limit, on the lab's own daemon, with a journal of 500 MB.
//!
//! The machine's own journal is left alone: what Debian's systemd-journal-remote writes here lies
//! over it in a mount namespace of the two programs' own (mount_namespaces(7)), where the machine's
//! journalctl finds it as it finds any other. Docker's own client is the one in `PATH`, else the lab's.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use lab::Lab;

use super::inputs::Random;
use super::measure;
use crate::repository::Repository;
use crate::summary::Summary;

/// What the row is called where it is not run.
const ROW: &str = "why137 NAME";
/// The journal's size on disk.
const JOURNAL: u64 = 500_000_000;
/// Its entries: some 390 bytes each on disk.
const ENTRIES: u64 = 1_350_000;
/// The time they cover, a week up to an hour ahead, so that the container's life lies within.
const SPAN: Duration = Duration::from_secs(7 * 86_400);
const AHEAD: Duration = Duration::from_secs(3_600);
/// The container; the lab removes it with its daemon.
const NAME: &str = "bench-own-limit";

/// Where journalctl looks.
const JOURNALS: &str = "/var/log/journal";
/// The word that has the ratios measured where the journal lies in place.
pub(super) const IN_PLACE: &str = "--in-place";
/// What the line begins with on which it tells them.
const RATIOS: &str = "ratios: ";

/// Who asks whom.
struct Clients {
    host: String,
    docker: Command,
    version: String,
}

/// Brings up the lab's daemon, measures, takes it down again.
pub(super) fn row(
    program: &Path,
    repository: &Repository,
    rounds: usize,
    summary: &mut Summary,
) -> Result<Option<String>> {
    if let Some(because) = lab::why_it_cannot_run() {
        summary.not_run(ROW, because);
        return Ok(None);
    }
    if Command::new("journalctl").arg("--version").output().is_err() {
        summary.not_run(ROW, "there is no journalctl on this machine");
        return Ok(None);
    }
    if !Path::new(JOURNALS).is_dir() {
        summary.not_run(ROW, &format!("there is no {JOURNALS} on this machine"));
        return Ok(None);
    }
    let lab = Lab::here(repository.lab());
    let journal = repository.target.join("bench/journal");
    write_journal(&lab, &journal)?;
    let host = lab::bring_up(&lab)?;
    let case = repository.target.join("bench/live.json");
    let measured = clients(&lab, host).and_then(|clients| {
        let (min, median, max) = die_and_compare(program, &clients, &journal, &case, rounds)?;
        let size = size_of(&journal) / 1_000_000;
        Ok(format!(
            "| `why137 NAME` to `docker inspect NAME`, client {}, journal of {size} MB (wall time) | {min:.2} / {median:.2} / {max:.2} | | |",
            clients.version
        ))
    });
    lab::take_down(&lab)?;
    measured.map(Some)
}

fn clients(lab: &Lab, host: String) -> Result<Clients> {
    let docker = match on_path("docker") {
        Some(program) => Command::new(program),
        None => lab::client(lab)?,
    };
    let mut clients = Clients { host, docker, version: String::new() };
    let said = clients.docker(&["version", "--format", "{{.Client.Version}}"]).output()?.stdout;
    clients.version = String::from_utf8_lossy(&said).trim().to_owned();
    Ok(clients)
}

impl Clients {
    fn docker(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.docker.get_program());
        command.envs(self.docker.get_envs().filter_map(|(key, value)| Some((key, value?))));
        command.env("DOCKER_HOST", &self.host).env_remove("DOCKER_CONTEXT").args(words);
        command
    }

    fn why137(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg(NAME).env("DOCKER_HOST", &self.host).env_remove("DOCKER_CONTEXT");
        command
    }
}

/// Lets the container die, then has this program measure with the journal in place: smallest,
/// median and largest ratio of the rounds.
fn die_and_compare(
    program: &Path,
    clients: &Clients,
    journal: &Path,
    case: &Path,
    rounds: usize,
) -> Result<(f64, f64, f64)> {
    let died = clients
        .docker(&["run", "--name", NAME, "--network", "none", "--pull", "never"])
        .args(["--memory", "64m", "--memory-swap", "64m", "lab/base"])
        .args(["python3", "-c", "kept = []\nwhile True: kept.append(bytearray(1 << 20))"])
        .stdin(Stdio::null())
        .output()?;
    if died.status.code() != Some(137) {
        bail!("the container did not die at its limit: {}", String::from_utf8_lossy(&died.stderr));
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    command.arg(format!("mount --bind \"$1\" {JOURNALS} && shift && exec \"$@\"")).arg("sh");
    command.arg(journal).arg(std::env::current_exe()?).args(["bench", IN_PLACE]);
    command.args([program, case, Path::new(clients.docker.get_program())]);
    command.arg(rounds.to_string()).env("DOCKER_HOST", &clients.host);
    command.envs(clients.docker.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let answer = command.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix(RATIOS)).unwrap_or_default();
    let ratios: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match ratios[..] {
        [min, median, max] if answer.status.success() => Ok((min, median, max)),
        _ => bail!("nothing was measured: {said}{}", String::from_utf8_lossy(&answer.stderr)),
    }
}

/// The inner half: `PROGRAM CASE DOCKER ROUNDS`, with the journal in place.
pub(super) fn in_place(words: &[&str]) -> Result<()> {
    let &[program, case, docker, rounds] = words else { bail!("{IN_PLACE} takes four words") };
    let host = std::env::var("DOCKER_HOST").context("DOCKER_HOST is not set")?;
    let clients = Clients { host, docker: Command::new(docker), version: String::new() };
    let program = Path::new(program);
    is_answered_with_the_journal(program, &clients, Path::new(case))?;
    let mut ratios = Vec::new();
    for _round in 0..rounds.parse::<usize>()? * 5 {
        let ours = measure::start(clients.why137(program))?;
        let docker = measure::start(clients.docker(&["inspect", NAME]))?;
        ratios.push(ours.as_secs_f64() / docker.as_secs_f64());
    }
    let (min, median, max) = measure::spread(&mut ratios);
    crate::say(&format!("{RATIOS}{min} {median} {max}"));
    Ok(())
}

/// A fast answer that left the journal out would be measured for nothing.
fn is_answered_with_the_journal(program: &Path, clients: &Clients, case: &Path) -> Result<()> {
    let answer = clients.why137(program).arg("--format=json").arg("--save").arg(case).output()?;
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    let saved: serde_json::Value = serde_json::from_str(&fs::read_to_string(case)?)?;
    let exhibits = saved.get("exhibits").and_then(serde_json::Value::as_array);
    let is_journal = |one: &serde_json::Value| one.get("id").is_some_and(|id| id == "journal");
    if !exhibits.is_some_and(|all| all.iter().any(is_journal)) {
        bail!("the case about the container has nothing of the journal");
    }
    if !answer.contains("\"proven\"") {
        bail!("the answer about the container is not proven:\n{answer}");
    }
    Ok(())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Writes the journal, unless one of this hour is there.
fn write_journal(lab: &Lab, folder: &Path) -> Result<()> {
    let machine = fs::read_to_string("/etc/machine-id").context("this machine has no id")?;
    let machine = machine.trim();
    let written = folder.join(machine).join("system.journal");
    let age = fs::metadata(&written).and_then(|status| status.modified()).ok();
    let is_new = age.and_then(|at| at.elapsed().ok()).is_some_and(|age| age < AHEAD / 2);
    if is_new && size_of(folder) >= JOURNAL {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder.join(machine))?;
    let mut writer = lab::journal_writer(lab)?;
    writer.arg(format!("--output={}", written.display())).arg("-");
    let mut child = writer.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut out = BufWriter::new(child.stdin.take().context("it has no input")?);
    let end = SystemTime::now().duration_since(UNIX_EPOCH)? + AHEAD;
    let begin = end.saturating_sub(SPAN).as_micros();
    let mut random = Random::new();
    for number in 0..ENTRIES {
        let at = begin + SPAN.as_micros() * u128::from(number) / u128::from(ENTRIES);
        out.write_all(entry(number, at, machine, &mut random)?.as_bytes())?;
    }
    drop(out);
    if !child.wait()?.success() || size_of(folder) < JOURNAL {
        bail!("systemd-journal-remote wrote only {} bytes", size_of(folder));
    }
    Ok(())
}

const BOOT: &str = "5d1f5d1f5d1f5d1f5d1f5d1f5d1f5d1f";

/// An entry as `journalctl -o export` prints it: of docker, containerd, other services, systemd about
/// them, and the kernel.
fn entry(number: u64, at: u128, machine: &str, random: &mut Random) -> Result<String> {
    let since_boot = number * 1000;
    let mut text = format!(
        "__CURSOR=s={BOOT};i={:x};b={BOOT};m={since_boot:x};t={at:x};x={number:x}\n\
         __REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={since_boot}\n_BOOT_ID={BOOT}\n\
         _MACHINE_ID={machine}\n_HOSTNAME=node-1\nPRIORITY=6\n",
        number + 1
    );
    let (unit, name) = match random.below(7) {
        0 => ("docker.service", "dockerd"),
        1 => ("containerd.service", "containerd"),
        2 => ("ssh.service", "sshd"),
        3 => ("cron.service", "cron"),
        4 => ("init.scope", "systemd"),
        5 => ("app.service", "app"),
        _ => ("", "kernel"),
    };
    if unit.is_empty() {
        text.push_str("_TRANSPORT=kernel\n");
    } else {
        let pid = 100 + random.below(3000);
        write!(text, "_SYSTEMD_UNIT={unit}\n_COMM={name}\n_PID={pid}\n_TRANSPORT=stdout\n")?;
    }
    if name == "systemd" {
        writeln!(text, "UNIT=job-{}.service", random.below(500))?;
    }
    // Now and then a container ends.
    let words = if number.is_multiple_of(20) { "shim disconnected, request" } else { "request" };
    let noise = [random.below(u64::MAX), random.below(u64::MAX), random.below(u64::MAX)];
    let noise = noise.map(|part| format!("{part:016x}")).concat();
    write!(
        text,
        "SYSLOG_IDENTIFIER={name}\nMESSAGE=time={at} level=info msg=\"{words} {number} of {noise} was answered\"\n\n"
    )?;
    Ok(text)
}

/// The bytes of the files of the folders in a folder.
fn size_of(folder: &Path) -> u64 {
    let inside = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let files = inside(folder.to_owned()).flat_map(|machine| inside(machine.path()));
    files.filter_map(|file| file.metadata().ok()).map(|status| status.len()).sum()
}
