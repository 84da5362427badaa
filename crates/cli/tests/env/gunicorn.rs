//! `packaging/gunicorn.conf.py` and `why137 env` reckon the same, at many limits and quotas.

use crate::ground::{Cgroup, Ground, entry, said};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/gunicorn.conf.py");

/// Called `gunicorn`: prints what `why137 env` told it, and what the file comes to without that.
const SCRIPT: &str = r#"
import os, runpy, sys
told = os.environ.pop("WEB_CONCURRENCY", None)
print(told, runpy.run_path(sys.argv[1]).get("workers"))
"#;

fn python() -> Option<&'static str> {
    let found = ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter();
    let found = found.chain(option_env!("PYTHON")).find(|path| std::path::Path::new(path).exists());
    if found.is_none() {
        println!("NOT RUN: gunicorn.conf.py, because there is no python3");
    }
    found
}

#[test]
fn the_file_and_the_program_come_to_the_same_number_of_workers() {
    let (Some(cgroup), Some(python)) = (Cgroup::new("gunicorn"), python()) else { return };
    let ground = Ground::new();
    let gunicorn = ground.script("gunicorn", &format!("#!{python}\n{SCRIPT}"));
    let mut numbers = Vec::new();
    for (worker, master) in [("31", "12"), ("7", "40")] {
        for quota in ["-1", "150000", "400000"] {
            cgroup.write("cpu.cfs_quota_us", quota);
            for limit in [48, 64, 100, 128, 200, 333, 512, 2048] {
                cgroup.limit(limit);
                for below in [false, true] {
                    let mut command = entry(&["--quiet", &gunicorn, FILE]);
                    command.env("WHY137_WORKER_MIB", worker).env("WHY137_MASTER_MIB", master);
                    let text = said(&cgroup.run(below, &command));
                    let (told, own) = text.trim().split_once(' ').unwrap();
                    // Where not even one fits the program says so and tells nothing, the file starts one.
                    let told = if told == "None" { "1" } else { told };
                    let place = format!("{limit} MiB, {worker} + {master}, quota {quota}");
                    assert_eq!(told, own, "{place}: {text}");
                    numbers.push(own.to_owned());
                }
            }
        }
    }
    numbers.sort();
    numbers.dedup();
    assert!(numbers.len() > 5, "{numbers:?}");
}

#[test]
fn without_a_limit_or_a_workers_size_the_file_says_nothing() {
    let (Some(cgroup), Some(python)) = (Cgroup::new("none"), python()) else { return };
    let ground = Ground::new();
    let gunicorn = ground.script("gunicorn", &format!("#!{python}\n{SCRIPT}"));
    let said_with = |variables: &[(&str, &str)]| {
        let mut command = entry(&[&gunicorn, FILE]);
        command.envs(variables.iter().copied());
        said(&cgroup.run(false, &command))
    };
    assert_eq!(said_with(&[("WHY137_WORKER_MIB", "31")]), "None None\n");
    cgroup.limit(512);
    assert_eq!(said_with(&[]), "None None\n");
    let words = [("WHY137_WORKER_MIB", "200"), ("WHY137_MASTER_MIB", "")];
    assert_eq!(said_with(&words), "2 2\n");
}
