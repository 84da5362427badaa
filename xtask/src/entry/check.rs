//! The containers: each is started with `why137 env` as its entrypoint, listened to, and told to end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::Cgroup;
use serde_json::{Value, json};

use super::{CELLS, Cell, read};

/// A JVM in the emulated machine takes half a minute to say something.
const PATIENCE: Duration = Duration::from_secs(180);
/// gunicorn says nothing more once its workers are there.
const QUIET: Duration = Duration::from_secs(4);
/// Docker waits so long before it kills; who hears SIGTERM needs no tenth of it.
const GRACE: u64 = 60;
/// A worker and its master in MiB, as they are told to `env` and to gunicorn's file.
const WORKER: (u64, u64) = (31, 12);

/// A client of the daemon, without words.
pub(super) type Docker<'a> = &'a dyn Fn() -> Result<Command>;

/// Every container of these runtimes.
pub(super) fn all(
    docker: Docker<'_>,
    images: &Path,
    why137: &Path,
    cgroup: Cgroup,
    wanted: &[&str],
    hear: &mut dyn FnMut(Cell),
) -> Result<()> {
    for (runtime, limits) in CELLS.iter().filter(|(runtime, _)| wanted.contains(runtime)) {
        let archive = std::fs::File::open(images.join(format!("{runtime}.tar")))?;
        let mut import = docker()?;
        import.args(["import", "-", &image(runtime)]).stdin(Stdio::from(archive));
        read(&mut import)?;
        for limit in limits {
            let bench = Bench { docker, why137, cgroup, runtime, limit: *limit };
            let outcome = bench.tried().map_err(|err| format!("{err:#}"));
            hear(Cell { runtime: (*runtime).to_owned(), limit: *limit, outcome });
        }
    }
    Ok(())
}

fn image(runtime: &str) -> String {
    format!("entry/{runtime}")
}

struct Bench<'a> {
    docker: Docker<'a>,
    why137: &'a Path,
    cgroup: Cgroup,
    runtime: &'a str,
    limit: Option<u64>,
}

/// What a container did.
struct Life {
    log: String,
    took: Duration,
    exit_code: i64,
}

impl Bench<'_> {
    fn tried(&self) -> Result<Value> {
        let life = self.live(self.command())?;
        let said = life.log.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
        let said = said.with_context(|| format!("it said nothing of itself: {}", life.log))?;
        if said.get("pid") != Some(&json!(1)) {
            bail!("it is not pid 1: {said}");
        }
        self.ended_well(&life)?;
        let workers = booted(&life.log);
        let version = said.get("version").and_then(Value::as_str).context("no version")?;
        self.compare(version, &said, workers)?;
        let mut said = said;
        if let Some(fields) = said.as_object_mut() {
            fields.remove("pid");
            fields.insert(
                "stop_s".to_owned(),
                json!((life.took.as_secs_f64() * 10.0).round() / 10.0),
            );
            if self.runtime == "python" {
                fields.insert("workers".to_owned(), json!(workers));
            }
        }
        Ok(said)
    }

    /// The words behind the image's name.
    fn command(&self) -> Vec<String> {
        let words: &[&str] = match self.runtime {
            "node" => &["/why137", "env", "--", "/bin/node", "/app.js"],
            "java" => &["/why137", "env", "--", "/opt/java/bin/java", "-cp", "/app", "Main"],
            "go" => &["/why137", "env", "--", "/server"],
            _ => &[
                "/why137",
                "env",
                "--",
                "/usr/bin/python3",
                "-m",
                "gunicorn",
                "--preload",
                "--chdir",
                "/app",
                "-b",
                "unix:/tmp/s",
                "app:app",
            ],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn live(&self, command: Vec<String>) -> Result<Life> {
        let name = format!("entry-{}", self.runtime);
        drop(self.docker(&["rm", "-f", &name]));
        let mut words: Vec<String> =
            ["run", "-d", "--network", "none", "--pull", "never", "--name", &name]
                .map(str::to_owned)
                .to_vec();
        if let Some(limit) = self.limit {
            words.extend(["-m".to_owned(), format!("{limit}m")]);
        }
        if self.runtime == "python" {
            words.extend(["-e".to_owned(), "PYTHONPATH=/app".to_owned()]);
            for (name, mib) in [("WHY137_WORKER_MIB", WORKER.0), ("WHY137_MASTER_MIB", WORKER.1)] {
                words.extend(["-e".to_owned(), format!("{name}={mib}")]);
            }
        }
        words.push(image(self.runtime));
        words.extend(command);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.docker(&words)?;
        let begun = Instant::now();
        loop {
            let log = self.log(&name)?;
            if is_ready(&log, self.runtime) {
                break;
            }
            if begun.elapsed() > PATIENCE {
                bail!("it did not come up: {log}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let mut last = (self.log(&name)?.len(), Instant::now());
        // The last of the workers, too.
        while self.runtime == "python" && last.1.elapsed() < QUIET {
            std::thread::sleep(Duration::from_millis(200));
            let length = self.log(&name)?.len();
            if length != last.0 {
                last = (length, Instant::now());
            }
        }
        let asked = Instant::now();
        self.docker(&["stop", "-t", &GRACE.to_string(), &name])?;
        let took = asked.elapsed();
        let code = self.docker(&["inspect", "-f", "{{.State.ExitCode}}", &name])?;
        let life = Life { log: self.log(&name)?, took, exit_code: code.trim().parse()? };
        self.docker(&["rm", "-f", &name])?;
        Ok(life)
    }

    fn docker(&self, words: &[&str]) -> Result<String> {
        read((self.docker)()?.args(words))
    }

    /// What it wrote, on both streams.
    fn log(&self, name: &str) -> Result<String> {
        let done = (self.docker)()?.args(["logs", name]).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(text(&done.stdout) + &text(&done.stderr))
    }

    fn ended_well(&self, life: &Life) -> Result<()> {
        // The JVM ends with 128 + SIGTERM by itself.
        let expected = if self.runtime == "java" { 143 } else { 0 };
        let heard = match self.runtime {
            "python" => life.log.contains("Handling signal: term"),
            _ => life.log.lines().any(|line| line == "TERM"),
        };
        if !heard || life.exit_code != expected || life.took > Duration::from_secs(GRACE / 2) {
            bail!(
                "it did not end by itself: exit code {} after {:.1} s: {}",
                life.exit_code,
                life.took.as_secs_f64(),
                life.log
            );
        }
        Ok(())
    }

    /// What it was told and believes, beside what why137 says of the same.
    fn compare(&self, version: &str, said: &Value, workers: usize) -> Result<()> {
        let told = said.get("told").and_then(Value::as_str);
        let Some(limit) = self.limit else {
            return match told {
                None => Ok(()),
                Some(told) => bail!("without a limit it was told `{told}`"),
            };
        };
        if self.runtime == "python" {
            return self.compare_workers(told, workers);
        }
        let asked = format!("{}@{}", self.runtime, version.trim_start_matches("go"));
        let limit_word = format!("{limit}m");
        let common = [asked.as_str(), "--limit", &limit_word, "--cgroup", self.cgroup.word()];
        let ask = |verb: &str, more: &[&str]| -> Result<Value> {
            let mut command = Command::new(self.why137);
            command.args([verb, "--predict"]).args(common).args(["--format", "json"]).args(more);
            let done = command.output().context("could not run why137")?;
            Ok(serde_json::from_slice(&done.stdout)?)
        };
        let answer = ask("align", &[])?;
        let settings = answer.get("settings").and_then(Value::as_array).context("no settings")?;
        let word =
            settings.iter().find_map(|one| one.get("word")?.as_str()).context("no setting")?;
        let (_, value) = word.split_once('=').context("no value")?;
        if told != Some(value) {
            bail!("it was told {told:?}, `why137 align` says `{value}`");
        }
        let predicted = ask("audit", &["--setting", word])?;
        let predicted = predicted.pointer("/processes/0/ceiling_bytes").and_then(Value::as_u64);
        let believed = said.get("ceiling").and_then(Value::as_u64);
        let (Some(predicted), Some(believed)) = (predicted, believed) else {
            bail!("it believes {believed:?}, predicted {predicted:?}");
        };
        // Of a serial heap one survivor space does not count for `maxMemory`.
        let least = if self.runtime == "java" { predicted / 100 * 95 } else { predicted };
        if !(least..=predicted).contains(&believed) || believed >= limit << 20 {
            bail!("it believes {believed}, predicted {predicted}");
        }
        Ok(())
    }

    /// gunicorn with its ready file, without `env`, comes to the same.
    fn compare_workers(&self, told: Option<&str>, workers: usize) -> Result<()> {
        if told != Some(workers.to_string().as_str()) {
            bail!("it was told {told:?} and has {workers} workers");
        }
        let mut command = self.command();
        command.drain(..3);
        command.extend(["-c".to_owned(), "/app/gunicorn.conf.py".to_owned()]);
        let life = self.live(command)?;
        self.ended_well(&life)?;
        let own = booted(&life.log);
        if own != workers {
            bail!("{workers} workers by `env`, {own} by gunicorn.conf.py: {}", life.log);
        }
        Ok(())
    }
}

/// How many workers gunicorn says it has.
fn booted(log: &str) -> usize {
    log.lines().filter(|line| line.contains("Booting worker with pid")).count()
}

fn is_ready(log: &str, runtime: &str) -> bool {
    match runtime {
        "python" => booted(log) > 0,
        _ => log.lines().any(|line| line.starts_with('{')),
    }
}
