//! Ruby, and Puma: no ceiling; as many workers as `WEB_CONCURRENCY` says.
//!
//! # Recognised by
//! A mapped `libruby-3.N.so`, or an executable that exports its functions; the version is in the constants
//! (`ruby X.Y.Z`).
//!
//! # Settings, the later the stronger
//! Puma's workers: `WEB_CONCURRENCY` < `workers` in config/puma.rb < `-w`. Puma 5.6 does not start with
//! `WEB_CONCURRENCY=auto`; 6.6 takes the quota. The `RUBY_GC_…` variables move collections, none is a ceiling.
//!
//! # Its default
//! No bound of the memory. Puma: no workers, one process with 5 threads. `Etc.nprocessors` is what it may run
//! on, never the quota.
//!
//! # Outside its ceiling
//! It has none. Under Puma 5.6 an idle master takes 10 MiB and each worker 5 to 7 MiB of its own.
//!
//! # What to set
//! `WEB_CONCURRENCY` at what fits by the largest worker that was seen; `MALLOC_ARENA_MAX=2`.

use super::words::option;
use super::{Belief, Count, Part, Told, Version, View, malloc};

pub(super) fn believes(_version: &Version, view: &View, told: &Told) -> Belief {
    let mut belief = Belief {
        from: "nothing bounds its memory".to_owned(),
        cpus: Some(view.cpus.affinity),
        outside: vec![Part::new(
            "an idle interpreter",
            4,
            20,
            "measured: 5 to 7 MiB a Puma worker, 19 MiB alone",
        )],
        ..Belief::default()
    };
    let program = program(&told.arguments);
    // Puma writes its own title over its options: `puma 5.6.5 (tcp://…) [app]`, `puma: cluster worker …`.
    let is_title = matches!(told.arguments.first().map(String::as_str), Some("puma" | "puma:"));
    let is_puma = program.is_some_and(|name| name == "puma");
    let asked = option(&told.arguments, &["-w", "--workers"]);
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let set = told.variable("WEB_CONCURRENCY");
    if !is_title
        && (is_puma || program.is_none())
        && (asked.is_some() || told.setting("workers").is_some() || set.is_some())
    {
        let count =
            |text: &str, from: String| number(text).map(|number| Count::new(number.max(1), from));
        belief.processes = match (asked, told.setting("workers"), set) {
            (Some(text), _, _) => count(text, format!("-w {text}")),
            (None, Some(text), _) => count(text, format!("workers {text} in Puma's file")),
            (None, None, text) => {
                text.and_then(|text| count(text, format!("WEB_CONCURRENCY={text}")))
            }
        };
        if set == Some("auto") {
            belief
                .remarks
                .push("WEB_CONCURRENCY=auto: Puma before 6 does not start with it".to_owned());
        }
        if belief.number() > 1 {
            belief.outside.push(Part::shared("Puma's master", 8, 12, "measured: 8 to 13 MiB"));
        }
    }
    if is_puma || program.is_none() {
        belief.remarks.extend(malloc::remark(view, told));
    }
    belief
}

/// The script that runs, by its name.
fn program(arguments: &[String]) -> Option<&str> {
    let script = arguments.iter().find(|word| !word.starts_with('-'))?;
    script.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(words: &[&str], workers: Option<&str>, concurrency: Option<&str>) -> Belief {
        let cpus = Cpus { online: 2, affinity: 1, quota: Some(500) };
        let view = View::imagined(Layout::ContainerV1, Some(mib(384)), mib(24_000), cpus);
        let pair = |name: &str, value: Option<&str>| {
            value.map(|value| (name.to_owned(), value.to_owned())).into_iter().collect()
        };
        let told = Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            environment: pair("WEB_CONCURRENCY", concurrency),
            settings: pair("workers", workers),
            ..Told::default()
        };
        believes(&Version::parse("3.1.7").unwrap(), &view, &told)
    }

    /// Ruby 3.1.7 pinned to one of two processors; Puma 5.6.5: its children were counted.
    #[test]
    fn processors_and_workers_are_those_that_were_measured() {
        let puma = "/usr/bin/puma";
        assert_eq!(belief(&[puma], None, None).cpus, Some(1));
        assert_eq!(belief(&[puma], None, None).processes, None);
        assert_eq!(belief(&[puma], None, Some("2")).number(), 2);
        assert_eq!(belief(&[puma, "-w", "3"], None, Some("2")).number(), 3);
        assert_eq!(belief(&[puma], Some("4"), Some("2")).number(), 4);
        assert_eq!(belief(&[puma, "-w", "1"], Some("4"), Some("2")).number(), 1);
        assert_eq!(belief(&[puma], None, Some("auto")).processes, None);
        assert_eq!(belief(&[puma], None, Some("2")).fits(Some(mib(384)), 1), Fits::Unknown);
    }

    #[test]
    fn another_scripts_options_are_its_own() {
        assert_eq!(belief(&["train.rb", "-w", "3"], None, Some("2")).processes, None);
        assert_eq!(belief(&["puma", "5.6.5", "[app]"], None, Some("2")).processes, None);
    }
}
