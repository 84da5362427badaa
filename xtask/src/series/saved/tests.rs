//! Are the series that are shipped what their truth says?

use std::path::PathBuf;

use super::*;
use crate::series::page::{Truth, truths};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab/series")
}

fn all() -> BTreeMap<String, Saved> {
    let files =
        ["node", "python", "java", "go"].map(|name| folder().join(format!("{name}.csv.gz")));
    files.iter().flat_map(|file| read(file).unwrap()).collect()
}

fn told() -> Vec<Truth> {
    truths(&std::fs::read_to_string(folder().join("truth.csv")).unwrap()).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let row = Row { at: 30.0, mem: 4096, usage: 8192, anon: 1, file: 2, requests: 3, kills: 0 };
    let saved = Saved { limit: 1 << 25, rows: vec![row, Row { at: 60.0, kills: 1, ..row }] };
    let all = BTreeMap::from([("node-x".to_owned(), saved)]);
    let file = std::env::temp_dir().join(format!("why137-series-{}.gz", std::process::id()));
    write(&file, &all).unwrap();
    assert_eq!(read(&file).unwrap(), all);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn the_floor_of_a_saw_tooth_rises_as_what_is_under_it() {
    let limit = 100_u64 << 20;
    let rows = (0..1440).map(|minute: u64| Row {
        at: (minute * 60) as f64,
        mem: (20 << 20) + minute * (1 << 20) / 60 + (minute % 25) * 400_000,
        ..Row::default()
    });
    let saved = Saved { limit, rows: rows.collect() };
    let rate = floor_rate(&saved, 0.0).unwrap();
    assert!((rate - 1.0).abs() < 0.02, "{rate}");
}

#[test]
fn what_a_swing_leaves_after_a_day_is_what_grew() {
    let limit = 100_u64 << 20;
    let rows = (0..1440).map(|minute: u64| {
        let swing = (std::f64::consts::TAU * minute as f64 / 1440.0).sin() * 10_485_760.0;
        let grown = 31_457_280.0 + minute as f64 * 1_048_576.0 / 60.0;
        Row { at: (minute * 60) as f64, mem: (grown + swing) as u64, ..Row::default() }
    });
    let saved = Saved { limit, rows: rows.collect() };
    let rate = day_rate(&saved).unwrap();
    assert!((rate - 1.0).abs() < 0.5, "{rate}");
    let cut = Saved { limit, rows: saved.rows[..600].to_vec() };
    assert_eq!(day_rate(&cut), None);
}

#[test]
fn a_truth_is_read_as_it_was_written() {
    let text = std::fs::read_to_string(folder().join("truth.csv")).unwrap();
    let written: String = told().iter().map(Truth::line).collect();
    assert_eq!(text.split_once('\n').unwrap().1, written);
}

#[test]
fn every_series_has_its_truth_and_every_truth_its_series() {
    let (all, told) = (all(), told());
    let of: Vec<&String> = told.iter().map(|truth| &truth.series).collect();
    assert_eq!(all.len(), told.len());
    assert!(told.iter().all(|truth| all.contains_key(&truth.series)), "{of:?}");
    let leaks = told.iter().filter(|truth| truth.is_leak).count();
    assert!(leaks >= 40 && told.len() - leaks >= 80, "{leaks} of {}", told.len());
}

#[test]
fn what_ended_was_killed_and_everything_else_lived_for_a_day() {
    let all = all();
    for truth in told() {
        let saved = &all[&truth.series];
        let last = saved.rows.last().unwrap();
        assert_eq!(saved.limit, truth.limit, "{}", truth.series);
        assert_eq!(last.kills > 0, truth.was_killed, "{}", truth.series);
        assert!(truth.is_leak || !truth.was_killed, "{}", truth.series);
        assert!(truth.was_killed || last.at > 86_000.0, "{}: {}", truth.series, last.at);
        assert!(saved.rows.is_sorted_by(|one, other| one.at < other.at), "{}", truth.series);
        assert!(
            saved.rows.iter().all(|row| row.mem <= truth.limit + (1 << 20)),
            "{}",
            truth.series
        );
        let is_sampled = |pair: &[Row]| pair[1].at - pair[0].at < 300.0;
        assert!(saved.rows.windows(2).all(is_sampled), "{}: a gap", truth.series);
        assert!(last.requests > 0, "{}", truth.series);
    }
}

#[test]
fn the_floor_of_every_leak_rises_as_its_truth_says() {
    let all = all();
    for truth in told().iter().filter(|truth| truth.is_leak) {
        let rate = truth.measured(&all[&truth.series]).unwrap();
        assert!((rate - truth.measured).abs() < 0.006, "{}: {rate:.3}", truth.series);
        // What was kept is known; garbage and allocators put something on top of it. Of Go's rate half is room for
        // garbage, which its collector need not use; where sessions swing, room for the most of them is kept.
        let (part, times) = match (truth.series.contains("-swing"), truth.runtime.as_str()) {
            (true, _) => (0.6, 2.0),
            (false, "go") => (0.5, 1.4),
            (false, _) => (0.75, 1.4),
        };
        let (least, most) = (truth.rate * part, truth.rate * times);
        assert!(rate > least && rate < most, "{}: {rate:.3} for {}", truth.series, truth.rate);
    }
}

#[test]
fn nothing_that_does_not_leak_was_told_to_keep_anything() {
    for truth in told().iter().filter(|truth| !truth.is_leak) {
        assert!(truth.rate == 0.0, "{}", truth.series);
    }
}
