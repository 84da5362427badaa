//! The gate and the project's chores: `cargo xtask VERB`.
//!
//! Nothing of the product lives here. Every verb runs other programs or reads files of this
//! repository; what the machine cannot do is listed as `NOT RUN … because …`, never passed over.

use std::process::ExitCode;

use anyhow::{Result, bail};

mod bench;
mod check;
mod corpus;
mod deaths_page;
mod dossier;
mod entry;
mod fuzz;
mod generate;
mod lab_verb;
mod layers;
mod mutants;
mod repository;
mod rescue;
mod series;
mod summary;
mod truth;
mod truth_page;

use repository::Repository;
use summary::Summary;

const HELP: &str = "\
cargo xtask VERB

  check                 format, clippy with warnings denied, arrows between crates, file lengths,
                        generated files up to date, cargo-deny where it is installed
  test                  the whole gate: check, all tests, the lab, the truth table as saved, the corpus
                        scoreboard
  gen [--check]         write docs/reference and packaging/completions from the program
                        (--check: only say whether they are up to date)
  lab [NAME|NUMBER…]    real deaths on an own Docker daemon, every answer compared; all, or those
                        named (own-limit) or numbered (3) after the acceptance scenarios
      --list            the names
      --facts           check only what Docker shows; ask why137 nothing
      --save            write what Docker, the kernel and why137 said to lab/results, from which
                        `gen` makes docs/reference/deaths.md
  lab vm [NAME|NUMBER…] the same in a virtual machine with Docker 26 and cgroup v2, and the deaths
                        that take a machine of their own; the first start makes it (minutes)
      --cgroup v1|v2    the cgroup generation inside
      --systemd         with systemd inside: services, OOM daemons, Podman, Swarm and the like
  lab up | lab down     start the lab's daemon and leave it running; stop it
  record [NAME|NUMBER…] let the deaths happen and save each case as target/lab/cases/NAME.json
  dossier CASE NAME RULE
                        a saved case as a draft of cases/NAME.md that speaks for a rule
  corpus                only the corpus scoreboard
  truth [RUNTIME[@VERSION]…]
                        what real runtimes (node, java, go, python) believe in real cgroups, beside what
                        `why137 audit --predict` says; the programs are fetched once (1 GB)
      --cgroup v1|v2    on this machine (v1), or in the virtual one (v2; half an hour)
      --save            write lab/results/truth-cgroup-v1.json or -v2.json, from which `gen` makes
                        docs/reference/truth.md
      --saved           start nothing: compare today's predictions with what was said then, on both
                        (with --save: write down where they differ now)
  rescue [NAME…]        real programs that are sized wrongly die at their limit, and live with what
                        `why137 align` prints; the programs are fetched once (400 MB)
      --save            write lab/results/rescue.json, from which `gen` makes docs/reference/rescue.md
      --saved           start nothing: compare what why137 prints today with what was tried then
  series [NAME…]        record memory that leaks and memory that does not, from real programs in real
                        cgroups, one second for a minute; without `--save` fifteen seconds of one per runtime
      --save            all of those named, 24 minutes each, side by side; writes lab/series
      --again           write lab/series from the samples of the last recording
  env [RUNTIME…]        `why137 env` as the entrypoint of images from nothing: node, java, go and python at
                        three limits each; WHY137_STATIC=PATH names the static program
      --cgroup v1|v2    on this machine (v1), or in the virtual one (v2)
      --save            write lab/results/env-cgroup-v1.json or -v2.json
  bench                 how fast why137 is, as ratios to grep, rg, sh and docker in one run
      --rounds N        of each row (7)
      --live            only `why137 NAME` beside `docker inspect NAME`
      --container NAME  the live row about this container (DOCKER_HOST as it is set), not the lab's
      --save            write docs/reference/bench.md
  bench leaks           how many leaks of lab/series the shapes find, how soon, how often in vain, beside the rules of
                        others; alarms on the traces of others where they lie beside this checkout
      --save            write docs/reference/leaks.md
  bench sizing [PART…]  what limits cost and how often they are hit, beside the rules of others, on the traces that
                        lie beside this checkout; parts: equal, kill, chances, scale (1 GB of CSV)
      --save            write docs/reference/sizing.md
  fuzz [TARGET…]        hostile bytes for every reader and for the whole road; writes
                        docs/reference/fuzz.md (needs a nightly toolchain and cargo-fuzz)
      --minutes N       for each target (10)
      --at-once N       targets side by side (2)
  mutants [judge|parse] [FILE…]
                        small changes to the code, and whether a test notices; hours; keeps
                        docs/reference/mutants.md (needs cargo-mutants)
      --shard K/N       every N-th change only

The program under test is built from this checkout; WHY137=PATH names another one.
`test` exits 0 only if nothing failed; its last line is `N passed, N failed`.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            complain(&format!("error: {err:#}"));
            ExitCode::from(2)
        }
    }
}

/// Runs one verb; false if something failed.
fn run(words: &[String]) -> Result<bool> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.is_empty() || words.iter().any(|word| ["--help", "-h", "help"].contains(word)) {
        say(HELP.trim_end());
        return Ok(!words.is_empty());
    }
    if let [truth::inside::VERB, cgroup] = words.as_slice() {
        return Ok(truth::inside::main(cgroup));
    }
    if let [entry::inside::VERB, cgroup] = words.as_slice() {
        return Ok(entry::inside::main(cgroup));
    }
    let repository = Repository::find()?;
    let mut summary = Summary::default();
    match words.as_slice() {
        ["check"] => check::run(&repository, &mut summary),
        ["test"] => test(&repository, &mut summary),
        ["gen"] => generate::write(&repository, &mut summary)?,
        ["gen", "--check"] => generate::check(&repository, &mut summary),
        ["lab", "up"] => return lab_verb::up(&repository),
        ["lab", "down"] => return lab_verb::down(&repository),
        ["lab", "--list"] => return Ok(lab_verb::list()),
        ["lab", "vm", rest @ ..] => lab_verb::vm(&repository, rest, &mut summary)?,
        ["lab", rest @ ..] => lab_verb::run(&repository, rest, &mut summary)?,
        ["record", rest @ ..] => lab_verb::record(&repository, rest, &mut summary)?,
        ["dossier", case, name, rule] => {
            dossier::write(&repository, case, name, rule)?;
            return Ok(true);
        }
        ["fuzz", rest @ ..] => fuzz::run(&repository, rest, &mut summary)?,
        ["mutants", rest @ ..] => mutants::run(&repository, rest, &mut summary)?,
        ["truth", rest @ ..] => truth::run(&repository, rest, &mut summary)?,
        ["env", rest @ ..] => entry::run(&repository, rest, &mut summary)?,
        ["rescue", rest @ ..] => rescue::run(&repository, rest, &mut summary)?,
        ["series", rest @ ..] => series::run(&repository, rest, &mut summary)?,
        ["bench", rest @ ..] => bench::run(&repository, rest, &mut summary)?,
        ["corpus"] => corpus::run(&repository, &mut summary),
        other => bail!("no such verb or option: `{}`\n\nhint: cargo xtask --help", other.join(" ")),
    }
    Ok(summary.close())
}

fn test(repository: &Repository, summary: &mut Summary) {
    check::run(repository, summary);
    let mut tests = repository.cargo(&["test", "--workspace"]);
    // A changed snapshot is a failure here, never a new file.
    tests.env("INSTA_UPDATE", "no");
    summary.step("tests", repository.succeed(&mut tests));
    if let Err(err) = lab_verb::run(repository, &[], summary) {
        summary.failed("lab", &format!("{err:#}"));
    }
    if let Err(err) = truth::run(repository, &["--saved"], summary) {
        summary.failed("truth as saved", &format!("{err:#}"));
    }
    if let Err(err) = rescue::run(repository, &["--saved"], summary) {
        summary.failed("rescue as saved", &format!("{err:#}"));
    }
    corpus::run(repository, summary);
}

/// A line for the reader of stdout.
#[expect(clippy::print_stdout, reason = "this is what xtask has to say")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// A line for stderr.
#[expect(clippy::print_stderr, reason = "a failure of xtask itself is told apart from its answer")]
pub(crate) fn complain(line: &str) {
    eprintln!("{line}");
}
