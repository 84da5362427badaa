//! `why137 size` as its user meets it: tables, units, several series, what is wrong with them.

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Output, Stdio};

    use serde_json::Value;

    fn ask(words: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_why137"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses its command line reads nothing.
        let _written = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn text(output: &Output) -> String {
        String::from_utf8(output.stdout.clone()).unwrap()
    }

    fn said(output: &Output) -> String {
        String::from_utf8(output.stderr.clone()).unwrap()
    }

    /// Two days of a container that stays about a level.
    fn steady(name: &str, level: u64) -> String {
        let rows = (0..576u64).map(|at| format!("{name},{},{}\n", at * 300, level + (at * 7) % 11));
        rows.collect()
    }

    const HEAD: &str = "series,t_s,mem_mib\n";

    #[test]
    fn one_series_is_a_page_with_its_sum_and_its_chances() {
        let output = ask(&["size", "-"], &format!("{HEAD}{}", steady("web", 200)));
        let page = text(&output);
        assert_eq!(output.status.code(), Some(0), "{page}{}", said(&output));
        for words in [
            "web: a limit of ",
            "Shape: plateau",
            "The sum",
            "210 MiB",
            "576 samples over",
            "this limit",
        ] {
            assert!(page.contains(words), "`{words}` is not in:\n{page}");
        }
    }

    #[test]
    fn several_series_are_lines_and_json_keeps_the_contract() {
        let table = format!("{HEAD}{}{}", steady("a", 100), steady("b", 300));
        let page = text(&ask(&["size", "-"], &table));
        assert_eq!(page.lines().count(), 2, "{page}");
        let json = text(&ask(&["size", "-", "--format", "json"], &table));
        let lines: Vec<Value> =
            json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        let first = &lines[0];
        for field in [
            "shape",
            "shape_confidence",
            "samples",
            "span_seconds",
            "limit_bytes",
            "ceiling_bytes",
            "blocked_because",
            "risk",
            "steps",
            "censored",
        ] {
            assert!(first.get(field).is_some(), "{field}: {first}");
        }
        let limit = first["limit_bytes"].as_i64().unwrap();
        let steps =
            first["steps"].as_array().unwrap().iter().map(|step| step["bytes"].as_i64().unwrap());
        assert!((steps.sum::<i64>() - limit).abs() <= 2, "{first}");
        assert!((110 << 20..160 << 20).contains(&limit), "{limit}");
    }

    #[test]
    fn only_the_past_of_a_moment_is_used() {
        let table = format!("{HEAD}{}web,172800,9999\n", steady("web", 200));
        let at = |time: &str| {
            let json = text(&ask(&["size", "-", "--format", "json", "--as-of", time], &table));
            let value: Value = serde_json::from_str(&json).unwrap();
            (value["samples"].as_u64().unwrap(), value["limit_bytes"].as_i64().unwrap() >> 20)
        };
        assert_eq!(at("172799").0, 576);
        assert!(at("172799").1 < 300 && at("172800").1 > 9999);
    }

    #[test]
    fn percent_needs_no_bytes_and_a_limit_is_in_the_same_unit() {
        let rows: String = (0..300).map(|at| format!("{},{}\n", at * 300, 40 + at % 5)).collect();
        let table = format!("t_s,mem_pct\n{rows}");
        let words = ["size", "-", "--format", "json", "--limit", "44", "--killed"];
        let value: Value = serde_json::from_str(&text(&ask(&words, &table))).unwrap();
        assert_eq!(value["unit"], "percent");
        assert_eq!(value["censored"], true);
        assert!(value["limit_bytes"].as_f64().unwrap() > 60.0, "{value}");
        let wrong = ask(&["size", "-", "--limit", "512m"], &table);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(said(&wrong).contains("the samples are in percent"), "{}", said(&wrong));
    }

    #[test]
    fn a_leak_at_its_limit_is_refused_with_what_a_raise_would_buy() {
        let rows: String =
            (0..600).map(|at| format!("{},{},64\n", at, 4.0 + f64::from(at) / 10.0)).collect();
        let output = ask(&["size", "-", "--killed"], &format!("t_s,mem_mib,limit_mib\n{rows}"));
        let page = text(&output);
        assert_eq!(output.status.code(), Some(3), "{page}");
        assert!(page.contains("leak") && page.contains("would last"), "{page}");
    }

    #[test]
    fn the_ceiling_stands_beside_the_limit() {
        let words =
            ["size", "-", "--runtime", "node@22.12.0", "--host-memory", "8g", "--host-cpus", "2"];
        let page = text(&ask(&words, &format!("{HEAD}{}", steady("web", 400))));
        assert!(
            page.contains("Beside the limit") && page.contains("--max-old-space-size="),
            "{page}"
        );
    }

    #[test]
    fn no_limit_is_advised_below_what_the_runtime_needs() {
        for (runtime, level) in [
            ("node@22.12.0", 20),
            ("deno@2", 20),
            ("postgres@16", 8),
            ("java@17", 300),
            ("go@1.22", 9),
        ] {
            for more in [&[][..], &["--limit", "24m"], &["--limit", "2g"]] {
                let words = ["size", "-", "--format", "json", "--runtime", runtime];
                let words =
                    [&words, &["--host-memory", "8g", "--host-cpus", "2"][..], more].concat();
                let json = text(&ask(&words, &format!("{HEAD}{}", steady("web", level))));
                let value: Value = serde_json::from_str(&json).unwrap();
                let (limit, ceiling) =
                    (value["limit_bytes"].as_i64(), value["ceiling_bytes"].as_i64());
                assert!(limit.is_some() || value["blocked_because"].is_string(), "{value}");
                assert!(ceiling <= limit, "{runtime} {more:?}: {value}");
            }
        }
        let words = ["size", "-", "--runtime", "node@22.12.0", "--limit", "24m", "--killed"];
        let page = text(&ask(&words, &format!("{HEAD}{}", steady("web", 10))));
        assert!(page.contains("raise the limit from 24 MiB to 64 MiB"), "{page}");
        assert!(page.contains("what its runtime needs at least"), "{page}");
    }

    #[test]
    fn what_is_wrong_with_a_table_is_named() {
        for (table, words) in [
            ("", "it is empty: there is no header row"),
            ("series,mem_mib\na,1\n", "no column tells the time"),
            ("t_s,mem_mib\n", "no samples: nothing stands below the header"),
            ("t_s,mem_mib\n0,1,2\n", "line 2: 3 fields where the header has 2"),
            ("t_s,mem_mib\n0,inf\n", "line 2, column mem_mib: `inf`"),
            ("t_s,mem_mib\n0,1\n5,x\n", "line 3, column mem_mib: `x`"),
            ("t_s,heap\n0,1\n", "say --column"),
        ] {
            let output = ask(&["size", "-"], table);
            assert!(said(&output).contains(words), "{}", said(&output));
            assert_ne!(output.status.code(), Some(0));
            assert!(text(&output).is_empty());
        }
        let missing = ask(&["size", "nowhere.csv"], "");
        assert_eq!(missing.status.code(), Some(1));
        let why = said(&missing);
        assert!(why.contains("`nowhere.csv`: there is no such file"), "{why}");
        let folder = ask(&["size", "/tmp/"], "");
        assert_eq!(folder.status.code(), Some(1));
        assert!(said(&folder).contains("`/tmp/`: it is a directory"), "{}", said(&folder));
        let wrong = ask(&["size", "-", "--column", "rss"], "t_s,mem_mib\n0,1\n");
        assert_eq!(wrong.status.code(), Some(2));
        assert!(said(&wrong).contains("no column `rss`; the columns are: t_s, mem_mib"));
    }

    #[test]
    fn two_samples_are_no_measurement() {
        let output = ask(&["size", "-"], "t_s,mem_mib\n0,10\n60,20\n");
        assert_eq!(output.status.code(), Some(3));
        assert!(text(&output).contains("not measured: 2 samples"), "{}", text(&output));
    }

    #[test]
    fn a_pipe_is_read_like_a_file() {
        let table = format!("{HEAD}{}{}", steady("a", 100), steady("b", 300));
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.csv");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let written = std::thread::spawn({
            let (pipe, table) = (pipe.clone(), table.clone());
            move || std::fs::write(pipe, table).unwrap()
        });
        let by_pipe = ask(&["size", pipe.to_str().unwrap(), "--format", "json"], "");
        written.join().unwrap();
        assert_eq!(by_pipe.status.code(), Some(0), "{}", said(&by_pipe));
        assert_eq!(text(&by_pipe), text(&ask(&["size", "-", "--format", "json"], &table)));
    }

    #[test]
    fn the_steps_of_the_json_add_up_to_the_limit_to_the_byte() {
        let rows: String = (0..400)
            .map(|at| format!("{},{}\n", at * 300, 12_345_678 + (at * 7919) % 100_003))
            .collect();
        for more in [&[][..], &["--killed", "--limit", "12m"], &["--below-peak"]] {
            let words = [&["size", "-", "--format", "json"], more].concat();
            let json = text(&ask(&words, &format!("t_s,mem_bytes\n{rows}")));
            let value: Value = serde_json::from_str(&json).unwrap();
            let steps = value["steps"].as_array().unwrap();
            let all: i64 = steps.iter().map(|step| step["bytes"].as_i64().unwrap()).sum();
            assert_eq!(Some(all), value["limit_bytes"].as_i64(), "{value}");
            let risk = value["risk"].as_array().unwrap();
            assert!(risk.iter().any(|one| one["limit_bytes"] == value["limit_bytes"]), "{value}");
        }
    }

    #[test]
    fn a_raise_that_did_not_help_is_recognised_with_and_without_counters() {
        let (mut plain, mut counted) = (String::new(), String::new());
        let mut at = 0;
        for (life, limit, seconds, rate) in [(0, 512, 1200, 0.345), (1, 2048, 3600, 0.542)] {
            for second in (0..seconds).step_by(10) {
                let used = 100.0 + f64::from(second) * rate;
                plain += &format!("{at},{used},{limit}\n");
                counted += &format!("{at},{used},{limit},{life},{life}\n");
                at += 10;
            }
        }
        counted += &format!("{at},,,2,1\n");
        let counted = format!("t_s,mem_mib,limit_mib,kills,life\n{counted}");
        let page = text(&ask(&["size", "-"], &counted));
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "raised 512 MiB → 2 GiB, lived 40 min longer, died at the limit again",
            "grows like a leak",
            "it met its limit",
            "4 GiB instead of 2 GiB would last",
        ] {
            assert!(page.contains(words), "`{words}` is not in:\n{page}");
        }
        let json = text(&ask(
            &["size", "-", "--format", "json"],
            &format!("t_s,mem_mib,limit_mib\n{plain}"),
        ));
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&value["limit_bytes"], &value["censored"]), (&Value::Null, &true.into()));
        let says = value["says"].to_string();
        let wanted = "raised 512 MiB → 2 GiB, lived 40 min longer, and has filled the limit again";
        assert!(says.contains(wanted), "{says}");
    }

    #[test]
    fn a_time_before_the_first_sample_and_a_date_for_seconds_are_told() {
        let table = "t_s,mem_mib\n60,1\n120,2\n180,3\n";
        for (time, words) in [
            ("-5", "the first is at 60"),
            ("2026-01-31T08:00:00Z", "counts its seconds from a start of its own"),
        ] {
            let output = ask(&["size", "-", "--as-of", time], table);
            assert_eq!(output.status.code(), Some(1));
            assert!(said(&output).contains(words), "{}", said(&output));
        }
        assert_eq!(ask(&["size", "-", "--as-of", "nan"], table).status.code(), Some(2));
    }
}
