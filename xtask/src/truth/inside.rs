//! The questions inside the virtual machine: this program again, started by the machine's own script.
//!
//! It mounts the programs' disk, puts libraries that the machine lacks where programs look for them, and
//! asks several programs side by side, each in cgroups of its own. It speaks as the lab's runner does:
//! `@begins TEXT`, `@over JSON`, `@done`. It knows nothing of why137.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lab::Cgroup;
use serde_json::{Value, json};

use super::machine::{list, words_of};
use super::place::{Place, keep_a_quota};
use super::programs::Ready;
use super::{Answers, Machine, RUNTIMES, answers, cells};
use crate::say;

/// The word that starts it: `xtask truth-inside v2`.
pub(crate) const VERB: &str = "truth-inside";
/// Where the programs' disk is mounted.
pub(super) const DATA: &str = "/lab/data";
const DISK: &str = "/dev/vdc";
const WISH: &str = "/lab/in/wish.json";
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";
/// Programs that are asked side by side: a start does not fill the machine's processors.
const AT_ONCE: usize = 3;
/// After so many answers a program's progress is told.
const STEP: usize = 10;

/// Asks what the wish names; whether all of it was done.
pub(crate) fn main(cgroup: &str) -> bool {
    match Cgroup::named(cgroup).context("the cgroup generation is v1 or v2").and_then(run) {
        Ok(()) => {
            say("@done");
            true
        }
        Err(err) => {
            say(&format!("@failed {}", format!("{err:#}").replace('\n', " · ")));
            false
        }
    }
}

fn run(cgroup: Cgroup) -> Result<()> {
    std::fs::create_dir_all(DATA)?;
    let mounted = Command::new("mount").args(["-o", "ro", DISK, DATA]).status()?;
    if !mounted.success() {
        bail!("`{DISK}` cannot be mounted");
    }
    libraries()?;
    if cgroup == Cgroup::V2 {
        keep_a_quota()?;
    }
    let read = |path: &str| -> Result<Value> {
        let text = std::fs::read_to_string(path).with_context(|| path.to_owned())?;
        serde_json::from_str(&text).with_context(|| path.to_owned())
    };
    let (packed, wish) = (read(&format!("{DATA}/programs.json"))?, read(WISH)?);
    let packed = packed.as_array().context("the list of programs is none")?;
    let machine = Machine::here()?;
    say(&format!(
        "@over {}",
        json!({"cpus": machine.cpus, "memory": machine.memory, "kernel": machine.kernel})
    ));
    let wanted = list(&wish, "programs").iter().filter_map(Value::as_u64);
    // The last is taken first.
    let mut wanted: Vec<u64> = wanted.collect();
    wanted.reverse();
    let wanted = Mutex::new(wanted);
    let next = || wanted.lock().ok().and_then(|mut wanted| wanted.pop());
    let work = |number: usize| -> Result<()> {
        let place = Place::make(cgroup, number)?;
        while let Some(at) = next() {
            let entry = usize::try_from(at).ok().and_then(|at| packed.get(at));
            let entry = entry.filter(|entry| entry.is_object());
            // What could not be packed is told of outside.
            let Some(entry) = entry else { continue };
            let told = match asked(entry, &place, cgroup) {
                Ok(answers) => json!({"program": at, "version": answers.version,
                    "build": answers.build,
                    "said": answers.said.iter().map(super::Said::saved).collect::<Vec<_>>()}),
                Err(err) => json!({"program": at, "failed": format!("{err:#}")}),
            };
            say(&format!("@over {told}"));
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let work = &work;
        let all: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(move || work(number))).collect();
        for one in all {
            match one.join() {
                Ok(done) => done?,
                Err(_panicked) => bail!("a thread ended before its work was done"),
            }
        }
        Ok(())
    })
}

fn asked(entry: &Value, place: &Place, cgroup: Cgroup) -> Result<Answers> {
    let word = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let runtime = RUNTIMES.into_iter().find(|one| *one == word("runtime"));
    let runtime = runtime.context("a program of no runtime")?;
    let root = Some(word("root")).filter(|root| !root.is_empty()).map(std::path::PathBuf::from);
    let ready = Ready {
        runtime,
        build_settings: words_of(entry, "build"),
        root,
        program: word("program"),
        classes: word("classes"),
        unpacked: None,
    };
    let (begun, name) = (Instant::now(), word("name"));
    let all = cells::questions(runtime, cgroup).len();
    answers(&ready, place, cgroup, &mut |count| {
        if count == 1 || count == all || count % STEP == 0 {
            let each = begun.elapsed().as_secs_f64() / count as f64;
            say(&format!("@begins {name}: {count} of {all} cells, {each:.1} s each"));
        }
    })
}

/// Copies the libraries that the machine has not.
fn libraries() -> Result<()> {
    for entry in std::fs::read_dir(Path::new(DATA).join("libraries"))?.flatten() {
        let to = Path::new(LIBRARIES).join(entry.file_name());
        if !to.exists() {
            std::fs::copy(entry.path(), &to)
                .with_context(|| format!("could not write `{}`", to.display()))?;
        }
    }
    Ok(())
}
