//! `why137 replay` through the real program: the table, the form for programs, the drawing, and what it refuses.

#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::fs;

    use serde_json::Value;
    use tempfile::TempDir;

    use crate::program::{Ran, run};

    fn replay(folder: &TempDir, words: &[&str]) -> Ran {
        let words: Vec<&str> = ["replay"].iter().chain(words).copied().collect();
        run(folder.path(), "unix:///nonexistent/docker.sock", &words, "")
    }

    /// Four days of two containers: one flat at 200 MiB, one that steps from 200 to 400 MiB on its third day.
    fn folder() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::from("series,t_s,mem_mib\n");
        for (name, step) in [("flat", usize::MAX), ("step", 2 * 144 + 73)] {
            for at in 0..=4 * 144 {
                let used = if at >= step { 400 } else { 200 };
                writeln!(text, "{name},{},{used}", at * 600).unwrap();
            }
        }
        fs::write(folder.path().join("days.csv"), text).unwrap();
        folder
    }

    #[test]
    fn each_rule_has_its_row_and_a_step_is_a_day_with_a_kill() {
        let (code, out, err) = replay(&folder(), &["days.csv", "--policy", "krr,kubecost"]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert!(out.starts_with("4 days of 2 series replayed.\n"), "{out}");
        let row = |word: &str| -> Vec<String> {
            let line = out.lines().find(|line| line.trim_start().starts_with(word)).unwrap();
            line.split_whitespace().map(str::to_owned).collect()
        };
        // KRR: 230, then 265, 305, 351 and 404 MiB: killed in four hours of one day of four.
        assert_eq!(row("krr")[1..5], ["4", "25.0", "%", "1.000"]);
        // Kubecost: 286, then 408 MiB: killed in one hour.
        assert_eq!(row("kubecost")[1..5], ["4", "25.0", "%", "0.250"]);
        assert!(!out.contains("plateau"), "{out}");
    }

    #[test]
    fn programs_get_parts_of_one_curves_and_sources() {
        let (code, out, _) = replay(&folder(), &["days.csv", "--format", "json"]);
        assert_eq!(code, 0, "{out}");
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&answer["series"], &answer["history_seconds"]), (&2.into(), &172_800.0.into()));
        let rules = answer["policies"].as_array().unwrap();
        let words: Vec<&str> = rules.iter().map(|rule| rule["policy"].as_str().unwrap()).collect();
        assert_eq!(words, ["ours", "vpa", "krr", "crane", "kubecost", "plateau", "max"]);
        assert!(rules[2]["source"].as_str().unwrap().contains("robusta-dev/krr"));
        assert_eq!(rules[2]["oom_days"], 0.25);
        for curve in ["ours", "max"] {
            let points = answer["curves"][curve].as_array().unwrap();
            let slack = |at: usize| points[at]["slack"].as_f64().unwrap();
            assert!(!points.is_empty() && (1..points.len()).all(|at| slack(at) < slack(at - 1)));
        }
    }

    #[test]
    fn only_one_series_and_only_the_past_where_that_is_asked_for() {
        let folder = folder();
        let days = |words: &[&str]| -> Value {
            let words: Vec<&str> = ["days.csv", "--format", "json", "--policy", "krr"]
                .iter()
                .chain(words)
                .copied()
                .collect();
            let (code, out, err) = replay(&folder, &words);
            assert_eq!(code, 0, "{err}");
            serde_json::from_str::<Value>(&out).unwrap()["policies"][0]["oom_days"].clone()
        };
        assert_eq!(days(&["--series", "flat"]), 0.0);
        assert_eq!(days(&["--series", "step"]), 0.5);
        // The first half of the third day, before the step.
        assert_eq!(days(&["--series", "step", "--as-of", "216000"]), 0.0);
    }

    #[test]
    fn the_drawing_is_svg_with_the_names_of_the_rules() {
        let folder = folder();
        let (code, out, err) = replay(&folder, &["days.csv", "--svg", "days.svg"]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("drawn in days.svg"), "{out}");
        let svg = fs::read_to_string(folder.path().join("days.svg")).unwrap();
        assert!(svg.starts_with("<svg ") && svg.contains("\nkubecost\n"), "{svg}");
    }

    #[test]
    fn what_cannot_be_read_is_named_with_file_line_and_column() {
        let folder = folder();
        fs::write(folder.path().join("bad.csv"), "series,t_s,mem_bytes\na,0,5\na,60,much\n")
            .unwrap();
        fs::write(folder.path().join("short.csv"), "series,t_s,mem_bytes\na,0,5\na,60,6\n")
            .unwrap();
        fs::write(folder.path().join("none.csv"), "a,b\n1,2\n").unwrap();
        for (words, code, says) in [
            (&["bad.csv"][..], 1, "`bad.csv`: line 3, column mem_bytes: `much` is not a number"),
            (&["gone.csv"], 1, "`gone.csv`: "),
            (&["none.csv"], 2, "no column tells the time"),
            (&["days.csv", "--series", "x"], 2, "no series `x`; there are: flat, step"),
            (&["short.csv"], 1, "no series is longer than the 2 days of history and half a day"),
            (&["days.csv", "--policy", "autopilot"], 2, "the rules are ours, vpa, krr"),
            (&["days.csv", "--history", "5w"], 2, "a time above 0 with its unit"),
            (&[], 2, "<FILE>..."),
        ] {
            let (ended, out, err) = replay(&folder, words);
            assert_eq!((ended, out.as_str()), (code, ""), "{words:?}: {err}");
            assert!(err.starts_with("error: ") && err.contains(says), "{words:?}: {err}");
        }
    }
}
