//! The containers inside the virtual machine: this program again, with the images on a disk of their own.
//!
//! It speaks as the lab's runner does: `@begins TEXT`, `@over JSON`, `@done`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use lab::{Cgroup, Daemon, Lab, Lifetime};
use serde_json::Value;

use super::check;
use crate::say;

/// The word that starts it: `xtask entry-inside v2`.
pub(crate) const VERB: &str = "entry-inside";
const DATA: &str = "/lab/data";
const DISK: &str = "/dev/vdc";
const WISH: &str = "/lab/in/wish.json";

/// Starts what the wish names; whether all of it was done.
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
    let wish: Value = serde_json::from_str(&std::fs::read_to_string(WISH)?)?;
    let wanted = wish.get("runtimes").and_then(Value::as_array).context("the wish names none")?;
    let wanted: Vec<&str> = wanted.iter().filter_map(Value::as_str).collect();
    let lab = Lab::inside("/lab".into(), cgroup);
    say("@begins starting Docker");
    let _daemon = Daemon::start(&lab, Lifetime::WithUs)?;
    let docker = || lab::client(&lab);
    let data = Path::new(DATA);
    say("@begins the first image");
    check::all(&docker, data, &data.join("why137"), cgroup, &wanted, &mut |cell| {
        say(&format!("@over {}", cell.value()));
    })
}
