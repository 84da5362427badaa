//! Runs deaths one after the other: let it happen, check Docker's facts, ask why137, compare,
//! write down what everybody said, clean up.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::answer::Asker;
use crate::daemon::{Daemon, Lifetime, Places, stop_leftover};
use crate::deaths::{self, Death, Other};
use crate::debian::{Archive, DAEMON, Release};
use crate::docker::Docker;
use crate::expect::differences;
use crate::host;
use crate::platform::{Cgroup, Machine, Platform};
use crate::results::{Said, Watch};
use crate::rounds;
use crate::script;
use crate::stage::Stage;

/// The lab's folder and what to put into it.
#[derive(Debug, Clone)]
pub struct Lab {
    /// `target/lab`
    pub folder: PathBuf,
    /// Where fetched programs come from.
    pub release: Release,
    /// What the deaths happen on.
    pub platform: Platform,
}

impl Lab {
    /// On this machine, beside everybody else: Docker 20.10, fetched, on cgroup v1.
    pub fn here(folder: PathBuf) -> Self {
        let release = Release::Bookworm;
        let platform =
            Platform { docker: release.docker(), cgroup: Cgroup::V1, machine: Machine::Shared };
        Self { folder, release, platform }
    }

    /// Inside the lab's own machine, where Docker is installed.
    pub fn inside(folder: PathBuf, cgroup: Cgroup) -> Self {
        let release = Release::Trixie;
        let platform = Platform { docker: release.docker(), cgroup, machine: Machine::Own };
        Self { folder, release, platform }
    }

    /// Where the daemon's programs are.
    pub(crate) fn programs(&self) -> Result<PathBuf> {
        match self.platform.machine {
            Machine::Shared => Archive::new(&self.folder, self.release).unpacked(&DAEMON),
            Machine::Own => Ok(PathBuf::from("/")),
        }
    }
}

/// What is asked of a run.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Names or scenario numbers; empty for all.
    pub only: Vec<String>,
    /// Save each death's case and compare nothing.
    pub record: bool,
}

/// How one death went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It happened as it should, and the answer is right.
    Passed,
    /// What is wrong, one line each.
    Failed(Vec<String>),
    /// It could not be made here, because of this.
    NotRun(String),
}

/// One line of the lab's list.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The death's name.
    pub name: String,
    /// `lab scenario 3 child-killed-exit-0`, or the name alone.
    pub title: String,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// What Docker, the kernel and why137 said, for `lab/results`; null where nobody was asked.
    pub said: Value,
}

/// What the one who waits is told.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// Something begins that may take a while.
    Begins(&'a str),
    /// A death is over.
    Over(&'a Entry),
}

/// Names of all deaths with their scenario numbers, in order.
pub fn all_names() -> Vec<(&'static str, &'static str)> {
    let outside = script::all().into_iter().map(|script| (script.name, "-"));
    let deaths = deaths::all().into_iter().map(|death| (death.name, death.scenario));
    deaths.chain(outside).chain(rounds::names()).collect()
}

/// Acceptance scenarios and platforms that have no death here, and why.
pub const NOT_MADE: &[(&str, &str)] = &[
    ("lab on Docker 26, cgroup v2 and v1", "it takes the virtual machine: `cargo xtask lab vm`"),
    (
        "lab on systemd, Podman and Swarm",
        "it takes the virtual machine: `cargo xtask lab vm --systemd`",
    ),
];

/// Makes the deaths on this machine and compares the answers of `program` (none: only Docker's
/// facts are checked). `tell` hears of each as soon as it is over.
pub fn run(
    lab: &Lab,
    program: Option<&Path>,
    wish: &Wish,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<Entry>> {
    let wanted = wanted(&wish.only)?;
    if let Some(reason) = host::why_it_cannot_run() {
        return Ok(all_alike(&wanted, &Outcome::NotRun(reason.to_owned()), tell));
    }
    let hidden = host::hidden_controllers();
    if !hidden.is_empty() {
        bail!(
            "another process has mounted the cgroup controllers {} where Docker cannot see them; \
             until it has ended, Docker hears of no OOM kill",
            hidden.join(", ")
        );
    }
    std::fs::create_dir_all(&lab.folder)
        .with_context(|| format!("could not make `{}`", lab.folder.display()))?;
    tell(Told::Begins("fetching and starting Docker"));
    let mut daemon = Daemon::start(lab, Lifetime::WithUs)?;
    provide(lab, &daemon, &wanted)?;
    let mut entries = all_of(lab, &mut daemon, program, wish, &wanted, tell)?;
    entries.extend(all_rounds(lab, &daemon, program, wish, tell)?);
    Ok(entries)
}

/// What goes round, after the deaths; where nobody is asked there is nothing to compare.
pub(crate) fn all_rounds(
    lab: &Lab,
    daemon: &Daemon,
    program: Option<&Path>,
    wish: &Wish,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<Entry>> {
    match program {
        Some(program) if !wish.record && rounds::fits(lab.platform.machine) => {
            rounds::all_of(lab, daemon, program, &wish.only, tell)
        }
        Some(_) | None => Ok(Vec::new()),
    }
}

/// The deaths, one after the other, on a daemon that runs.
pub(crate) fn all_of(
    lab: &Lab,
    daemon: &mut Daemon,
    program: Option<&Path>,
    wish: &Wish,
    wanted: &[Death],
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for death in wanted {
        let begun = Instant::now();
        let name = title(death);
        let (outcome, said) = match death.needs.missing(&lab.platform) {
            Some(why) => (Outcome::NotRun(why), Value::Null),
            None => {
                tell(Told::Begins(&name));
                one(lab, daemon, program, wish.record, death)
            }
        };
        let took = begun.elapsed();
        let entry = Entry { name: death.name.to_owned(), title: name, outcome, took, said };
        tell(Told::Over(&entry));
        entries.push(entry);
    }
    Ok(entries)
}

/// All of them told with the same outcome; none was made.
pub(crate) fn all_alike(
    deaths: &[Death],
    outcome: &Outcome,
    tell: &mut dyn FnMut(Told<'_>),
) -> Vec<Entry> {
    let entry = |death: &Death| Entry {
        name: death.name.to_owned(),
        title: title(death),
        outcome: outcome.clone(),
        took: Duration::ZERO,
        said: Value::Null,
    };
    let entries: Vec<Entry> = deaths.iter().map(entry).collect();
    entries.iter().for_each(|entry| tell(Told::Over(entry)));
    entries
}

/// Starts a daemon that stays, with all images; returns its `DOCKER_HOST`.
pub fn bring_up(lab: &Lab) -> Result<String> {
    if let Some(reason) = host::why_it_cannot_run() {
        bail!("{reason}");
    }
    let daemon = Daemon::start(lab, Lifetime::UntilTakenDown)?;
    provide(lab, &daemon, &deaths::all())?;
    Ok(daemon.host())
}

/// The unpacked `docker` of that daemon, without words.
///
/// # Errors
/// The programs could not be fetched.
pub fn client(lab: &Lab) -> Result<std::process::Command> {
    Ok(Docker::new(&Places::new(&lab.folder, lab.programs()?)?).command(&[]))
}

/// Stops the daemon that `bring_up` or a killed run left; true if there was one.
pub fn take_down(lab: &Lab) -> Result<bool> {
    let places = Places::new(&lab.folder, lab.programs()?)?;
    drop(Docker::new(&places).remove_all_containers());
    stop_leftover(&places)
}

fn title(death: &Death) -> String {
    match death.scenario {
        "-" => format!("lab {}", death.name),
        number => format!("lab scenario {number} {}", death.name),
    }
}

/// The deaths with these names or scenario numbers; all where none is named.
pub(crate) fn wanted(only: &[String]) -> Result<Vec<Death>> {
    let all = deaths::all();
    let is_death = |word: &String| all.iter().any(|one| one.name == *word || one.scenario == *word);
    if let Some(stranger) = only.iter().find(|word| !is_death(word) && !rounds::is_known(word)) {
        bail!("the lab has no death or scenario `{stranger}`");
    }
    let asked = |death: &Death| {
        only.is_empty() || only.iter().any(|word| word == death.name || word == death.scenario)
    };
    Ok(all.into_iter().filter(asked).collect())
}

/// The images these deaths need, and the seccomp profile of one of them.
pub(crate) fn provide(lab: &Lab, daemon: &Daemon, wanted: &[Death]) -> Result<()> {
    let mut images: Vec<_> = wanted.iter().map(|death| death.image).collect();
    images.sort();
    images.dedup();
    for image in images {
        image.provide(lab, &daemon.docker)?;
    }
    let profile = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["sethostname"],"action":"SCMP_ACT_KILL_PROCESS"}]}"#;
    std::fs::write(lab.folder.join("run/forbid-sethostname.json"), profile)?;
    Ok(())
}

/// One death from creation to removal: how it went, and what everybody said.
fn one(
    lab: &Lab,
    daemon: &mut Daemon,
    program: Option<&Path>,
    record: bool,
    death: &Death,
) -> (Outcome, Value) {
    let stage = Stage::new(lab, death);
    let mut said = Said::new(death);
    let found =
        happen_unless_lost(lab, &stage, daemon, death, &mut said).and_then(|happened| {
            match (happened, program) {
                (Happened { wrong, watch }, Some(program)) if wrong.is_empty() => {
                    let asker = asker(lab, daemon, program, record);
                    ask(&stage, &daemon.docker, &asker, death, &watch, &mut said)
                }
                (Happened { wrong, .. }, _) => Ok(wrong),
            }
        });
    let cleared = stage.clear(&daemon.docker);
    let outcome = match found.and_then(|found| cleared.map(|()| found)) {
        Ok(found) if found.is_empty() => Outcome::Passed,
        Ok(found) => Outcome::Failed(found),
        Err(err) => Outcome::Failed(vec![format!("{err:#}")]),
    };
    if let Outcome::Failed(lines) = &outcome {
        said.wrong(lines);
    }
    (outcome, said.value())
}

/// What came of making a death.
struct Happened {
    /// Where Docker's facts are not those that they should be.
    wrong: Vec<String>,
    watch: Watch,
}

/// How often a death is made before a lost flag is believed.
const ATTEMPTS: usize = 3;

/// Docker itself loses the flag now and then: the notification of the kill comes after the end of
/// the container was told (one in ten on a busy machine). The death is then made once more, so that
/// what is compared and written down is what Docker shows as a rule; `eight-at-once` takes the
/// flag as it comes.
fn happen_unless_lost(
    lab: &Lab,
    stage: &Stage,
    daemon: &mut Daemon,
    death: &Death,
    said: &mut Said,
) -> Result<Happened> {
    for _ in 1..ATTEMPTS {
        stage.clear(&daemon.docker)?;
        let happened = happen(lab, stage, daemon, death, said)?;
        if happened.wrong.is_empty() || !stage.lost_its_flag(&daemon.docker, death)? {
            return Ok(happened);
        }
    }
    stage.clear(&daemon.docker)?;
    happen(lab, stage, daemon, death, said)
}

/// Lets it happen, and checks that it did.
fn happen(
    lab: &Lab,
    stage: &Stage,
    daemon: &mut Daemon,
    death: &Death,
    said: &mut Said,
) -> Result<Happened> {
    let mut watch = Watch::begin()?;
    let first =
        Other { suffix: "", memory: death.memory, options: death.options, command: death.command };
    stage.create(&daemon.docker, death, &first)?;
    watch.marks(stage.marks(&daemon.docker)?);
    let started = daemon.docker.output(&["start", &stage.name])?;
    if !started.status.success() && death.truth.status != "created" {
        bail!("could not start it: {}", String::from_utf8_lossy(&started.stderr).trim());
    }
    for step in death.then {
        stage.take(step, daemon, death).with_context(|| format!("at {step:?}"))?;
    }
    watch.marks(stage.marks(&daemon.docker)?);
    said.kernel(watch.kernel_lines(lab.platform.machine));
    let wrong = stage.check_truth(&daemon.docker, death)?;
    Ok(Happened { wrong, watch })
}

fn asker<'a>(lab: &'a Lab, daemon: &Daemon, program: &'a Path, only_records: bool) -> Asker<'a> {
    // What comes out of the lab's own machine is asked again on the host.
    let asks_again = lab.platform.machine == Machine::Shared;
    Asker { program, host: daemon.host(), lab: &lab.folder, asks_again, only_records }
}

/// Asks about each container of the death; every difference.
fn ask(
    stage: &Stage,
    docker: &Docker,
    asker: &Asker<'_>,
    death: &Death,
    watch: &Watch,
    said: &mut Said,
) -> Result<Vec<String>> {
    let asked = std::iter::once(("", death.expect)).chain(death.also.iter().copied());
    let mut found = Vec::new();
    for (suffix, expect) in asked {
        let name = format!("{}{suffix}", stage.name);
        let keep_as = format!("{}{suffix}", death.name);
        if asker.only_records {
            asker.record(&name, &keep_as)?;
            continue;
        }
        let before = stage.oom_kills(docker, &name)?;
        let shown = watch.docker_says(docker, &name)?;
        let answer = asker.ask(&name, &keep_as)?;
        let counted = before.zip(stage.oom_kills(docker, &name)?);
        said.subject(suffix, shown, &answer);
        let about = if death.also.is_empty() { String::new() } else { format!("{name}: ") };
        found.extend(
            differences(&expect, &answer.json, &answer.text, counted)
                .into_iter()
                .chain(answer.faults)
                .map(|line| format!("{about}{line}")),
        );
    }
    Ok(found)
}
