//! The lab's runner inside its virtual machine: the same deaths by the same code, with Docker
//! installed and the machine to itself.
//!
//! It reads its wish from the unpacked input disk, tells of its progress in lines on stdout (the
//! second serial line, which the host reads as they come), and appends what each death left (its
//! entry, case and answers) to the output disk as a tar stream, so that nothing is lost of what is
//! over when the machine breaks down.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::daemon::{Daemon, Lifetime};
use crate::images::Image;
use crate::platform::Cgroup;
use crate::run::{Entry, Lab, Outcome, Told, Wish, all_of, all_rounds, provide, wanted};
use crate::script;

/// The lab's folder inside.
const LAB: &str = "/lab";
/// Where the input disk was unpacked.
pub(crate) const INPUT: &str = "/lab/in";
/// The output disk; `vda` is the root, `vdb` the input.
const OUTPUT: &str = "/dev/vdc";
/// The first of the disks with an image each, when the machine is made.
const IMAGES: [&str; 3] = ["/dev/vdd", "/dev/vde", "/dev/vdf"];

/// What the host asks for, as the input disk's `wish.json`.
pub(crate) fn wish_as_json(wish: &Wish, with_program: bool) -> Value {
    json!({"only": wish.only, "record": wish.record, "program": with_program})
}

/// `seal CGROUP` puts the images into a new machine; `run CGROUP` lets the deaths happen.
pub fn main(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [verb, cgroup] => Cgroup::named(cgroup)
            .context("the cgroup generation is v1 or v2")
            .and_then(|cgroup| match *verb {
                "seal" => seal(cgroup),
                "run" => run(cgroup),
                "scripts" => scripts(),
                other => bail!("no such verb: {other}"),
            }),
        _ => Err(anyhow::anyhow!("usage: lab-guest seal|run|scripts v1|v2")),
    };
    match done {
        Ok(()) => {
            say("@done");
            ExitCode::SUCCESS
        }
        Err(err) => {
            say(&format!("@failed {err:#}"));
            ExitCode::FAILURE
        }
    }
}

/// A line for the host.
#[expect(clippy::print_stdout, reason = "the serial line is how the host hears of progress")]
fn say(line: &str) {
    println!("{}", line.replace('\n', " · "));
}

fn seal(cgroup: Cgroup) -> Result<()> {
    let lab = Lab::inside(PathBuf::from(LAB), cgroup);
    say("@begins starting Docker");
    let daemon = Daemon::start(&lab, Lifetime::WithUs)?;
    for (image, disk) in Image::ALL.into_iter().zip(IMAGES) {
        say(&format!("@begins putting in the image {}", image.tag()));
        let archive = File::open(disk).with_context(|| format!("could not open `{disk}`"))?;
        image.import(&daemon.docker, Stdio::from(archive))?;
    }
    Ok(())
}

/// What the host asks for, and the program under test.
fn asked() -> Result<(Wish, Option<PathBuf>)> {
    let text = std::fs::read_to_string(Path::new(INPUT).join("wish.json"))?;
    let asked: Value = serde_json::from_str(&text).context("the wish is not JSON")?;
    let is = |key: &str| asked.get(key).and_then(Value::as_bool).unwrap_or(false);
    let only = asked.get("only").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let only = only.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let program = is("program").then(|| Path::new(INPUT).join("why137"));
    Ok((Wish { only, record: is("record") }, program))
}

/// The deaths outside plain Docker.
fn scripts() -> Result<()> {
    let (wish, program) = asked()?;
    let wanted = script::wanted(&wish.only)?;
    let (lab, mut disk) = (Path::new(LAB), Disk::open()?);
    let mut broken = None;
    script::all_of(lab, program.as_deref(), wish.record, &wanted, &mut |told| {
        if let Err(err) = disk.note(lab, told) {
            broken = Some(err);
        }
    })?;
    broken.map_or(Ok(()), |err| Err(err.context("could not write the output disk")))
}

fn run(cgroup: Cgroup) -> Result<()> {
    let (wish, program) = asked()?;
    let lab = Lab::inside(PathBuf::from(LAB), cgroup);
    let deaths = wanted(&wish.only)?;
    say("@begins starting Docker");
    let mut daemon = Daemon::start(&lab, Lifetime::WithUs)?;
    provide(&lab, &daemon, &deaths)?;
    let mut disk = Disk::open()?;
    let mut broken = None;
    let mut note = |told: Told<'_>| {
        if let Err(err) = disk.note(&lab.folder, told) {
            broken = Some(err);
        }
    };
    all_of(&lab, &mut daemon, program.as_deref(), &wish, &deaths, &mut note)?;
    all_rounds(&lab, &daemon, program.as_deref(), &wish, &mut note)?;
    broken.map_or(Ok(()), |err| Err(err.context("could not write the output disk")))
}

/// The output disk, written once from its beginning.
struct Disk {
    file: File,
}

impl Disk {
    fn open() -> Result<Self> {
        let file = File::options().write(true).open(OUTPUT);
        Ok(Self { file: file.with_context(|| format!("could not open `{OUTPUT}`"))? })
    }

    /// Tells the host, and keeps what a death left.
    fn note(&mut self, lab: &Path, told: Told<'_>) -> Result<()> {
        match told {
            Told::Begins(what) => {
                say(&format!("@begins {what}"));
                Ok(())
            }
            Told::Over(entry) => {
                let kept = self.append(lab, entry);
                say(&format!("@over {}", entry_as_json(entry)));
                kept
            }
        }
    }

    /// What this death left. Cases and answers of another container of it begin with its name.
    fn append(&mut self, lab: &Path, entry: &Entry) -> Result<()> {
        let entries = lab.join("entries");
        std::fs::create_dir_all(&entries)?;
        let file = format!("{}.json", entry.name);
        std::fs::write(entries.join(&file), entry_as_json(entry).to_string())?;
        let mut names = vec![format!("entries/{file}")];
        for folder in ["cases", "answers"] {
            let Ok(listing) = std::fs::read_dir(lab.join(folder)) else { continue };
            for found in listing.flatten() {
                names.push(format!("{folder}/{}", found.file_name().to_string_lossy()));
            }
        }
        let packed = Command::new("tar").arg("-C").arg(lab).arg("-c").args(&names).output()?;
        if !packed.status.success() {
            bail!("`tar`: {}", String::from_utf8_lossy(&packed.stderr));
        }
        self.file.write_all(without_end(&packed.stdout))?;
        self.file.sync_all()?;
        for name in names {
            std::fs::remove_file(lab.join(name))?;
        }
        Ok(())
    }
}

/// A tar archive without the blocks of zeros that end it: more may follow.
fn without_end(archive: &[u8]) -> &[u8] {
    let mut blocks = archive.chunks(512).collect::<Vec<_>>();
    while blocks.last().is_some_and(|block| block.iter().all(|byte| *byte == 0)) {
        blocks.pop();
    }
    archive.get(..blocks.len() * 512).unwrap_or(archive)
}

/// An entry for the other side.
pub(crate) fn entry_as_json(entry: &Entry) -> Value {
    let outcome = match &entry.outcome {
        Outcome::Passed => json!("passed"),
        Outcome::Failed(lines) => json!({"failed": lines}),
        Outcome::NotRun(why) => json!({"not_run": why}),
    };
    let milliseconds = u64::try_from(entry.took.as_millis()).unwrap_or(u64::MAX);
    json!({"name": entry.name, "title": entry.title, "outcome": outcome, "ms": milliseconds,
        "said": entry.said})
}

/// The other way round; `None` if it is not an entry.
pub(crate) fn entry_from_json(value: &Value) -> Option<Entry> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let outcome = value.get("outcome")?;
    let lines = outcome.get("failed").and_then(Value::as_array);
    let outcome = if let Some(lines) = lines {
        Outcome::Failed(lines.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    } else if let Some(why) = outcome.get("not_run").and_then(Value::as_str) {
        Outcome::NotRun(why.to_owned())
    } else {
        (outcome.as_str() == Some("passed")).then_some(Outcome::Passed)?
    };
    Some(Entry {
        name: text("name")?,
        title: text("title")?,
        outcome,
        took: std::time::Duration::from_millis(value.get("ms")?.as_u64()?),
        said: value.get("said").cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_went() {
        let outcomes = [
            Outcome::Passed,
            Outcome::Failed(vec!["killer: expected a, got b".to_owned()]),
            Outcome::NotRun("no such file".to_owned()),
        ];
        for outcome in outcomes {
            let entry = Entry {
                name: "exit-1".to_owned(),
                title: "lab exit-1".to_owned(),
                outcome,
                took: std::time::Duration::from_millis(1500),
                said: json!({"done": "x"}),
            };
            assert_eq!(entry_from_json(&entry_as_json(&entry)), Some(entry));
        }
        assert_eq!(entry_from_json(&json!({"name": "x", "outcome": "lost"})), None);
    }

    #[test]
    fn an_archive_is_cut_at_its_end_marker_only() {
        let mut archive = vec![b'a'; 512];
        archive.extend([0; 511]);
        archive.push(1);
        archive.extend([0; 1024]);
        assert_eq!(without_end(&archive).len(), 1024);
    }
}
