//! `cargo xtask env [RUNTIME…]`: `why137 env` as the entrypoint of images that hold nothing but it, a runtime
//! and a program; at three limits and without one, on cgroup v1 (this machine) or v2 (the virtual one).
//!
//! Each program says what it believes, as pid 1, is told to end, and has to end in time by itself. What it was
//! told must be what `why137 align --predict` says of the same, what it believes what `audit --predict` says
//! then. The static program is built for musl (`entry/images.rs`); the containers are `entry/check.rs`'s. In
//! the virtual machine this program does the same again (`entry/inside.rs`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lab::vm::{Flavour, Heard, Size, Task, Vm, carry_out, data_disk};
use lab::{Cgroup, Daemon, Lab, Lifetime};
use serde_json::{Value, json};

use crate::repository::Repository;
use crate::summary::Summary;

mod check;
mod images;
pub(crate) mod inside;

/// The machine that has four runtimes to start, one after the other.
const SIZE: Size = Size { cpus: 2, memory: 2048 };

/// The runtimes, each with the limits of its containers in MiB; `None` is without one.
pub(crate) const CELLS: [(&str, [Option<u64>; 4]); 4] = [
    ("node", [Some(64), Some(256), Some(512), None]),
    ("java", [Some(128), Some(256), Some(512), None]),
    ("go", [Some(64), Some(128), Some(384), None]),
    ("python", [Some(128), Some(192), Some(320), None]),
];

/// What came of one container.
pub(crate) struct Cell {
    pub(crate) runtime: String,
    pub(crate) limit: Option<u64>,
    /// What it said, or what is wrong.
    pub(crate) outcome: Result<Value, String>,
}

impl Cell {
    fn value(&self) -> Value {
        let mut value = json!({"runtime": self.runtime, "limit_mib": self.limit});
        if let Some(fields) = value.as_object_mut() {
            match &self.outcome {
                Ok(said) => fields.insert("said".to_owned(), said.clone()),
                Err(why) => fields.insert("failed".to_owned(), json!(why)),
            };
        }
        value
    }

    fn read(value: &Value) -> Result<Self> {
        let runtime = value.get("runtime").and_then(Value::as_str).context("no runtime")?;
        let said = value.get("said").cloned();
        let why = value.get("failed").and_then(Value::as_str).unwrap_or("it said nothing");
        let limit = value.get("limit_mib").and_then(Value::as_u64);
        Ok(Self { runtime: runtime.to_owned(), limit, outcome: said.ok_or_else(|| why.to_owned()) })
    }

    fn tell(&self, cgroup: Cgroup, summary: &mut Summary) {
        let limit = self.limit.map_or("no limit".to_owned(), |limit| format!("{limit} MiB"));
        let title = format!("env: {} at {limit}, cgroup {}", self.runtime, cgroup.word());
        match &self.outcome {
            Ok(said) => summary.passed(&format!("{title}: {said}")),
            Err(why) => summary.failed(&title, why),
        }
    }
}

/// Starts them.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let (mut cgroup, mut save, mut wanted) = (Cgroup::V1, false, Vec::new());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--save" => save = true,
            "--cgroup" => {
                let named = rest.next().copied().and_then(Cgroup::named);
                cgroup = named.context("--cgroup takes v1 or v2")?;
            }
            word if CELLS.iter().any(|(runtime, _)| *runtime == word) => wanted.push(word),
            wrong => bail!("no such runtime or option: `{wrong}`\n\nhint: cargo xtask --help"),
        }
    }
    if wanted.is_empty() {
        wanted = CELLS.map(|(runtime, _)| runtime).to_vec();
    }
    let why_not = match cgroup {
        Cgroup::V1 => lab::why_it_cannot_run(),
        Cgroup::V2 => lab::why_no_machine(),
    };
    if let Some(why) = why_not {
        summary.not_run(&format!("env on cgroup {}", cgroup.word()), why);
        return Ok(());
    }
    let folder = repository.target.join("entry");
    let why137 = static_program(repository)?;
    images::provide(repository, &folder, &why137, &wanted)?;
    let mut cells = Vec::new();
    let mut hear = |cell: Cell| {
        cell.tell(cgroup, summary);
        cells.push(cell.value());
    };
    match cgroup {
        Cgroup::V1 => here(repository, &folder, &why137, &wanted, &mut hear)?,
        Cgroup::V2 => machine(repository, &folder, &wanted, &mut hear)?,
    }
    if save {
        let path = repository.root.join(format!("lab/results/env-cgroup-{}.json", cgroup.word()));
        std::fs::write(&path, format!("{:#}\n", Value::Array(cells)))
            .with_context(|| format!("could not write `{}`", path.display()))?;
        crate::say(&format!("wrote {}", repository.inside(&path)));
    }
    Ok(())
}

/// The program that needs nothing beside itself: `WHY137_STATIC`, or built from this checkout.
fn static_program(repository: &Repository) -> Result<PathBuf> {
    const TARGET: &str = "x86_64-unknown-linux-musl";
    if let Some(given) = std::env::var_os("WHY137_STATIC") {
        return Ok(given.into());
    }
    let words = ["build", "--quiet", "--release", "--package", "cli", "--target", TARGET];
    repository
        .succeed(&mut repository.cargo(&words))
        .with_context(|| format!("it takes `rustup target add {TARGET}` and musl-tools"))?;
    Ok(repository.target.join(TARGET).join("release/why137"))
}

fn here(
    repository: &Repository,
    folder: &Path,
    why137: &Path,
    wanted: &[&str],
    hear: &mut dyn FnMut(Cell),
) -> Result<()> {
    let lab = Lab::here(repository.lab());
    let _daemon = Daemon::start(&lab, Lifetime::WithUs)?;
    let docker = || lab::client(&lab);
    check::all(&docker, &folder.join("images"), why137, Cgroup::V1, wanted, hear)
}

fn machine(
    repository: &Repository,
    folder: &Path,
    wanted: &[&str],
    hear: &mut dyn FnMut(Cell),
) -> Result<()> {
    let begun = Instant::now();
    let vm = Vm { folder: repository.lab(), flavour: Flavour::Plain, cgroup: Cgroup::V2 };
    let image = folder.join("images.img");
    data_disk(&vm, &folder.join("images"), &image)?;
    let runner = std::env::current_exe().context("this program has no path")?;
    let wish = json!({ "runtimes": wanted });
    let task = Task { verb: inside::VERB, runner, wish, data: &image, size: SIZE };
    let mut unread = None;
    let mut left: usize = CELLS.iter().filter(|(name, _)| wanted.contains(name)).count() * 4;
    carry_out(&vm, &repository.lab_guest()?, &task, &mut |heard| match heard {
        Heard::Begins(what) => {
            crate::say(&format!("{:>8.1} s  {what}", begun.elapsed().as_secs_f64()));
        }
        Heard::Over(value) => match Cell::read(value) {
            Ok(cell) => {
                left = left.saturating_sub(1);
                hear(cell);
            }
            Err(err) => unread = Some(err),
        },
    })?;
    if let Some(err) = unread {
        return Err(err);
    }
    if left > 0 {
        bail!("the machine said nothing of {left} containers");
    }
    Ok(())
}

/// Runs a program; its output, or what it complained of.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    crate::truth::programs::read(command)
}
