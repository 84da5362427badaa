//! Asking on cgroup v2: the lab's virtual machine, with the programs on a disk of their own.
//!
//! All portable programs are unpacked once into `target/truth/programs.img` (3 GB; made anew when the list
//! of programs changes), beside the libraries of this machine that they are linked to. Inside, this same
//! program asks them (`truth/inside.rs`); the predictions are made out here. What this machine has installed
//! in parts (`/usr/bin/node`, `/usr/lib/jvm`) stays here: it was asked on cgroup v1.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lab::Cgroup;
use lab::vm::{Flavour, Heard, Size, Task, Vm, carry_out, data_disk};
use serde_json::{Value, json};

use super::inside::{DATA, VERB};
use super::programs::{self, Program, Ready};
use super::{Answers, Hear, Machine, Outcome, Said};
use crate::repository::Repository;
use crate::say;

/// Four processors, so that quotas of 0.5 to 2.5 of them tell rounding up from down; more memory than
/// the largest limit that people set on so small a machine.
const SIZE: Size = Size { cpus: 4, memory: 4096 };

/// An emulated machine may break down; what was answered before is kept.
const STARTS: u32 = 3;

/// Asks the programs of these runtimes (of all, if none is named).
pub(super) fn ask(repository: &Repository, runtimes: &[&str], hear: Hear<'_>) -> Result<()> {
    let begun = Instant::now();
    let portable = |runtimes: &[&str]| -> Vec<Program> {
        programs::all(runtimes).into_iter().filter(Program::is_portable).collect()
    };
    let (all, wanted) = (portable(&[]), portable(runtimes));
    let vm = Vm { folder: repository.lab(), flavour: Flavour::Plain, cgroup: Cgroup::V2 };
    let folder = repository.target.join("truth");
    let image = folder.join("programs.img");
    let not_packed = provide(&vm, &folder, &image, &all)?;
    let mut open: Vec<usize> =
        all.iter().enumerate().filter(|(_, one)| wanted.contains(one)).map(|(at, _)| at).collect();
    let runner = std::env::current_exe().context("this program has no path")?;
    let sealer = repository.lab_guest()?;
    let mut machine = None;
    let mut ended = Ok(());
    for start in 1..=STARTS {
        let wish = json!({ "programs": open });
        let task = Task { verb: VERB, runner: runner.clone(), wish, data: &image, size: SIZE };
        let mut failed = None;
        ended = carry_out(&vm, &sealer, &task, &mut |heard| match heard {
            Heard::Begins(what) => {
                say(&format!("{:>8.1} s  {what}", begun.elapsed().as_secs_f64()));
            }
            Heard::Over(value) => {
                let told = take(value, &all, &mut machine, hear);
                let which = value.get("program").and_then(Value::as_u64);
                open.retain(|at| which != u64::try_from(*at).ok());
                failed = failed.take().or(told.err());
            }
        });
        if let Some(err) = failed {
            return Err(err);
        }
        match &ended {
            Err(err) if start < STARTS => {
                say(&format!("{err:#}\nstarting it again for {} programs", open.len()));
            }
            _ => break,
        }
    }
    let machine = machine.with_context(|| why_of(&ended))?;
    for program in open.iter().filter_map(|at| all.get(*at)) {
        let not = not_packed.iter().find(|(name, _)| *name == program.name());
        let outcome = match not {
            Some((_, why)) => Outcome::NotRun(why.clone()),
            None => Outcome::Failed(why_of(&ended)),
        };
        hear(&machine, program, outcome)?;
    }
    ended
}

fn why_of(ended: &Result<()>) -> String {
    match ended {
        Ok(()) => "the machine said nothing of it".to_owned(),
        Err(err) => format!("{err:#}"),
    }
}

/// What the machine says: of itself first, then of each program.
fn take(
    value: &Value,
    all: &[Program],
    machine: &mut Option<Machine>,
    hear: Hear<'_>,
) -> Result<()> {
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    if let (Some(cpus), Some(memory), Some(kernel)) =
        (number("cpus"), number("memory"), word("kernel"))
    {
        *machine = Some(Machine { cpus: u32::try_from(cpus)?, memory, kernel });
        return Ok(());
    }
    let at = number("program").and_then(|at| usize::try_from(at).ok());
    let program = at.and_then(|at| all.get(at)).context("the machine speaks of no program")?;
    let machine = machine.as_ref().context("the machine does not say what it is")?;
    let outcome = match (word("failed"), word("version")) {
        (None, Some(version)) => Outcome::Said(Answers {
            version,
            build: words_of(value, "build"),
            said: list(value, "said").iter().map(Said::read).collect(),
        }),
        (why, _) => Outcome::Failed(why.unwrap_or_else(|| "no version".to_owned())),
    };
    hear(machine, program, outcome)
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn words_of(value: &Value, name: &str) -> Vec<String> {
    list(value, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Makes the disk unless it is there; returns what could not be put on it.
fn provide(vm: &Vm, folder: &Path, image: &Path, all: &[Program]) -> Result<Vec<(String, String)>> {
    let recipe = all.iter().map(|one| one.name() + "\n").collect::<String>() + programs::SOURCES;
    let done = folder.join("programs.done");
    if image.exists() && std::fs::read_to_string(&done).is_ok_and(|found| found == recipe) {
        return Ok(Vec::new());
    }
    drop(std::fs::remove_file(&done));
    let stage = folder.join("stage");
    if stage.exists() {
        std::fs::remove_dir_all(&stage)?;
    }
    std::fs::create_dir_all(stage.join("libraries"))?;
    let (mut entries, mut missing) = (Vec::new(), Vec::new());
    for (at, program) in all.iter().enumerate() {
        say(&format!("unpacking {}", program.name()));
        entries.push(match pack(program, folder, &stage, at) {
            Ok(entry) => entry,
            Err(err) => {
                missing.push((program.name(), format!("{err:#}")));
                Value::Null
            }
        });
    }
    std::fs::write(stage.join("programs.json"), Value::Array(entries).to_string())?;
    say("making the programs' disk");
    data_disk(vm, &stage, image)?;
    std::fs::remove_dir_all(&stage)?;
    if missing.is_empty() {
        std::fs::write(&done, recipe)?;
    }
    Ok(missing)
}

/// Puts a program below the stage; where it is then, as the machine sees it.
fn pack(program: &Program, folder: &Path, stage: &Path, at: usize) -> Result<Value> {
    let own = stage.join(at.to_string());
    let mut ready = program.prepare_in(folder, own.clone())?;
    // It stays.
    ready.unpacked = None;
    if program.runtime == "java" {
        share(&ready);
    }
    let here = Path::new(&ready.program).to_owned();
    let (name, runtime) = (program.name(), program.runtime);
    if ready.root.is_some() {
        return Ok(json!({"name": name, "runtime": runtime, "root": inside(&own, stage)?,
            "program": ready.program, "classes": ready.classes, "build": ready.build_settings}));
    }
    let there = match runtime {
        "python" => interpreter(&here, &own)?,
        "go" => {
            std::fs::create_dir_all(&own)?;
            std::fs::copy(&here, own.join("program"))?;
            own.join("program")
        }
        _ => here,
    };
    if runtime == "java" && !stage.join("classes").exists() {
        run(Command::new("cp").arg("-r").arg(&ready.classes).arg(stage.join("classes")))?;
    }
    libraries(&own, &stage.join("libraries"))?;
    Ok(json!({"name": name, "runtime": runtime, "program": inside(&there, stage)?,
        "classes": format!("{DATA}/classes"), "build": ready.build_settings}))
}

fn inside(path: &Path, stage: &Path) -> Result<String> {
    Ok(format!("{DATA}/{}", path.strip_prefix(stage)?.display()))
}

/// The archive of classes that a JDK's installer makes; without it a JVM starts slowly, and says the same.
fn share(ready: &Ready) {
    let mut dump = match &ready.root {
        Some(root) => {
            // The launcher finds its libraries by way of /proc; the mount is the namespace's own.
            let enter = "mount --rbind /proc \"$1/proc\" && exec chroot \"$@\"";
            let mut command = Command::new("unshare");
            command.args(["-m", "sh", "-c", enter, "sh"]).arg(root).arg(&ready.program);
            command
        }
        None => Command::new(&ready.program),
    };
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    if let Err(err) = run(dump.arg("-Xshare:dump").env_clear().env("PATH", path)) {
        say(&format!("no archive of classes: {err:#}"));
    }
}

/// An interpreter with its own modules, and once started, so that they are compiled.
fn interpreter(python: &Path, own: &Path) -> Result<std::path::PathBuf> {
    let prefix =
        python.parent().and_then(Path::parent).context("an interpreter without a folder")?;
    let real = std::fs::canonicalize(python)?;
    let file = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    std::fs::create_dir_all(own)?;
    let mut copy = Command::new("sh");
    copy.args(["-c", COPY, "sh"]).arg(prefix).arg(own).arg(&file);
    run(&mut copy)?;
    let there = own.join("bin").join(file);
    run(Command::new(&there).args(["-c", programs::PYTHON_SCRIPT]).env_clear())?;
    Ok(there)
}

/// `sh -c COPY sh PREFIX TO python3.N`
const COPY: &str = r#"
cd "$1"
set -- "$2" "bin/$3" "lib/$3" lib/lib"$3"*.so*
to=$1
shift
for one; do [ -e "$one" ] && set -- "$@" "$one"; shift; done
tar -c --exclude=test --exclude=tests --exclude=site-packages --exclude='config-*' --exclude='*.a' "$@" |
    tar -x -C "$to"
"#;

/// The shared libraries of this machine that the programs below a folder are linked to, except the C
/// library's own.
fn libraries(own: &Path, to: &Path) -> Result<()> {
    let list = "find \"$1\" -type f -size +8k \\( -perm -u+x -o -name '*.so*' \\) -exec ldd {} + 2>&1; true";
    let text = run(Command::new("sh").args(["-c", list, "sh"]).arg(own))?;
    for line in text.lines() {
        let Some((name, rest)) = line.trim().split_once(" => ") else { continue };
        let found = Path::new(rest.split_whitespace().next().unwrap_or_default());
        let of_the_c_library =
            ["libc.", "libm.", "libdl.", "libpthread.", "librt.", "libutil.", "ld-linux"];
        if of_the_c_library.iter().any(|begin| name.starts_with(begin))
            || !found.is_absolute()
            || found.starts_with(own)
            || to.join(name).exists()
        {
            continue;
        }
        std::fs::copy(found, to.join(name))
            .with_context(|| format!("could not copy `{}`", found.display()))?;
    }
    Ok(())
}

/// What a program prints; an error if it does not end well.
fn run(command: &mut Command) -> Result<String> {
    let line = crate::repository::words(command);
    let done = command.output().with_context(|| format!("could not run `{line}`"))?;
    if !done.status.success() {
        let complaint = String::from_utf8_lossy(&done.stderr);
        bail!("`{line}` ended with {}: {}", done.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_says_becomes_answers() {
        let all = programs::all(&["go"]);
        let mut machine = None;
        let mut heard = Vec::new();
        let mut hear = |machine: &Machine, program: &Program, outcome: Outcome| {
            let told = match outcome {
                Outcome::Said(found) => Ok((found.version, found.said.len())),
                Outcome::NotRun(why) | Outcome::Failed(why) => Err(why),
            };
            heard.push((machine.cpus, program.name(), told));
            Ok(())
        };
        let answered = json!({"program": 0, "version": "1.21.13", "said": [[null, 2], "refuses"]});
        assert!(take(&answered, &all, &mut machine, &mut hear).is_err(), "of no machine");
        let about = json!({"cpus": 4, "memory": 5, "kernel": "6.12"});
        for value in [about, answered, json!({"program": 1, "failed": "it does not start"})] {
            take(&value, &all, &mut machine, &mut hear).unwrap();
        }
        assert!(take(&json!({"program": 99}), &all, &mut machine, &mut hear).is_err());
        let name = |at: usize| all[at].name();
        assert_eq!(
            heard,
            [
                (4, name(0), Ok(("1.21.13".to_owned(), 2))),
                (4, name(1), Err("it does not start".to_owned()))
            ]
        );
    }
}
