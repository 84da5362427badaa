//! The labelled series of memory over time: real programs that leak and real programs that do not, each in a
//! cgroup of its own with a limit, under a load that varies.
//!
//! `cargo xtask series [NAME…] [--save]`: with `--save` each of them (`series/plans.rs`) is recorded for 24
//! minutes that stand for 24 hours, side by side, and `lab/series` is written: the samples, one file per
//! runtime, and the truth, which is known because the program was told what to keep. Without `--save` a quarter
//! of a minute of one per runtime shows that recording works; `--again` writes `lab/series` anew from all samples
//! of the last recording, which are in `target/series-samples`. What has been saved is read by `series/saved.rs`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

mod load;
mod page;
mod plans;
mod record;
mod saved;

use plans::{Plan, Runtime};
use record::Recorded;

use crate::repository::Repository;
use crate::rescue::Scratch;
use crate::rescue::place::{Launch, why_not};
use crate::rescue::programs::{self, Ready};
use crate::rescue::workloads::Source;
use crate::summary::Summary;

/// A told day.
const DAY: usize = 24 * load::HOUR;
/// A quarter of a minute.
const SHORT: usize = 60;
/// Between one start and the next: a JVM takes a second of a processor to start.
const APART: Duration = Duration::from_millis(150);

/// Records them.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let [is_saved, is_again] = ["--save", "--again"].map(|word| words.contains(&word));
    let names: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with("--")).collect();
    let mut plans = plans::all(&names);
    if plans.is_empty() {
        let known: Vec<String> = plans::all(&[]).into_iter().map(|plan| plan.name).collect();
        bail!("no such series: `{}`\n\nhint: one of {}", names.join(" "), known.join(", "));
    }
    if is_again {
        page::save(repository, &page::kept(repository, &plans)?)?;
        return Ok(());
    }
    if let Some(why) = why_not() {
        summary.not_run("series", &why);
        return Ok(());
    }
    if !is_saved && names.is_empty() {
        let mut seen = Vec::new();
        plans.retain(|plan| {
            let is_first = !seen.contains(&plan.runtime) && plan.name.ends_with("leak-thirty");
            if is_first {
                seen.push(plan.runtime);
            }
            is_first
        });
    }
    let ticks = if is_saved { DAY } else { SHORT };
    let all = side_by_side(repository, &plans, ticks)?;
    for (plan, recorded) in plans.iter().zip(&all) {
        tell(plan, recorded, ticks, summary);
    }
    if is_saved {
        let good = plans.iter().zip(all).filter_map(|(plan, one)| Some((plan, one.ok()?)));
        let good: Vec<(&Plan, Recorded)> = good.collect();
        page::keep(repository, &good)?;
        page::save(repository, &good)?;
    }
    Ok(())
}

/// All at once; most of them sleep most of the time.
fn side_by_side(
    repository: &Repository,
    plans: &[Plan],
    ticks: usize,
) -> Result<Vec<Result<Recorded>>> {
    let mut ready = Vec::new();
    for runtime in Runtime::ALL {
        if plans.iter().any(|plan| plan.runtime == runtime) {
            let program = program(repository, runtime)?;
            programs::remember(&program)?;
            ready.push((runtime, program));
        }
    }
    let stage = |plan: &Plan| -> Result<(Scratch, Launch)> {
        let found = ready.iter().find(|(runtime, _)| *runtime == plan.runtime);
        let (_, program) = found.context("the program is not there")?;
        let folder = repository.target.join(format!("series/{}-{}", plan.name, std::process::id()));
        let scratch = Scratch::make(&folder, &repository.root.join("lab/workloads"))?;
        let launch = launch(plan, program, scratch.0.clone());
        Ok((scratch, launch))
    };
    let staged: Vec<Result<(Scratch, Launch)>> = plans.iter().map(stage).collect();
    let staged = staged.into_iter().collect::<Result<Vec<_>>>()?;
    // What a program reads of itself is charged to whom reads it first: nobody's cgroup.
    for (runtime, _) in &ready {
        let first = plans.iter().position(|plan| plan.runtime == *runtime);
        if let Some((_, launch)) = first.and_then(|at| staged.get(at)) {
            launch.outside().output().context("could not start a program")?;
        }
    }
    Ok(std::thread::scope(|scope| {
        let threads: Vec<_> = (plans.iter().zip(&staged).enumerate())
            .map(|(count, (plan, (_, launch)))| {
                scope.spawn(move || {
                    std::thread::sleep(APART * u32::try_from(count)?);
                    record::record(count, plan, launch, ticks)
                })
            })
            .collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, Result<Recorded>>| {
            thread.join().unwrap_or_else(|_| bail!("the recorder broke"))
        };
        threads.into_iter().map(ended).collect()
    }))
}

fn program(repository: &Repository, runtime: Runtime) -> Result<Ready> {
    let source = match runtime {
        Runtime::Node => Source::Node("22.23.3"),
        Runtime::Python => Source::Debian("python3"),
        Runtime::Java => Source::Debian("openjdk-17-jre-headless"),
        Runtime::Go => {
            let built = programs::go(repository, "1.26.6", "growth")?;
            return Ok(Ready { root: None, program: built.display().to_string() });
        }
    };
    programs::ready(repository, source)
}

fn launch(plan: &Plan, ready: &Ready, scratch: PathBuf) -> Launch {
    let here = if ready.root.is_some() { "/mnt".to_owned() } else { scratch.display().to_string() };
    let mut words = match plan.runtime {
        Runtime::Node | Runtime::Go => vec![ready.program.clone()],
        Runtime::Python => vec!["/usr/bin/python3".to_owned()],
        Runtime::Java => vec!["/usr/bin/java".to_owned()],
    };
    words.extend(plan.flags());
    match plan.runtime {
        Runtime::Node => words.push(format!("{here}/growth.js")),
        Runtime::Python => words.push(format!("{here}/growth.py")),
        Runtime::Java => words.extend(["-cp".to_owned(), here, "Growth".to_owned()]),
        Runtime::Go => {}
    }
    words.extend(plan.arguments());
    Launch { root: ready.root.clone(), scratch, words, environment: plan.environment() }
}

fn tell(plan: &Plan, recorded: &Result<Recorded>, ticks: usize, summary: &mut Summary) {
    let title = format!("series: {} ({} MiB)", plan.name, plan.limit);
    let one = match recorded {
        Ok(one) => one,
        Err(err) => return summary.failed(&title, &format!("{err:#}")),
    };
    let (first, last) = match (one.rows.get(8).or(one.rows.first()), one.rows.last()) {
        (Some(first), Some(last)) => (first, last),
        _ => return summary.failed(&title, "no samples"),
    };
    let figures = format!(
        "{} samples, {:.1} MiB, then {:.1} MiB, {} requests, {} MiB leaked",
        one.rows.len(),
        first.mem as f64 / 1_048_576.0,
        last.mem as f64 / 1_048_576.0,
        last.requests,
        one.leaked >> 20,
    );
    let is_short = one.rows.len() * 2 + 2 < ticks;
    if last.requests == 0
        || (is_short && !one.was_killed)
        || (one.was_killed && plan.leak().is_none())
    {
        let ended = if one.was_killed { "it was killed" } else { "it ended" };
        return summary.failed(&title, &format!("{ended}: {figures}\n{}", one.said.trim()));
    }
    summary.passed(&format!("{title}: {figures}"));
}
