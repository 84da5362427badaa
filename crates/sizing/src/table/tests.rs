use std::io::{Cursor, Read};

use super::*;
use crate::End;

fn all(text: &str, wanted: &Wanted) -> Result<Vec<Series>, TableError> {
    let owned = text.as_bytes().to_vec();
    let open = move || -> io::Result<Box<dyn Read>> { Ok(Box::new(Cursor::new(owned.clone()))) };
    let mut found = Vec::new();
    read(&open, wanted, &mut |series| {
        found.push(series);
        Ok(())
    })?;
    Ok(found)
}

fn values(series: &Series) -> Vec<(f64, f64)> {
    series.points.iter().map(|point| (point.at, point.used)).collect()
}

#[test]
fn series_one_after_the_other_and_mixed_are_the_same() {
    let together = "series,t_s,mem_mib\na,0,1\na,10,2\nb,0,3\nb,10,4\n";
    let mixed = "series,t_s,mem_mib\na,0,1\nb,0,3\na,10,2\nb,10,4\n";
    let mib = 1_048_576.0;
    for text in [together, mixed] {
        let found = all(text, &Wanted::default()).unwrap();
        assert_eq!(found.len(), 2, "{text}");
        assert_eq!(found[0].name, "a");
        assert_eq!(values(&found[0]), [(0.0, mib), (10.0, 2.0 * mib)]);
        assert_eq!(values(&found[1]), [(0.0, 3.0 * mib), (10.0, 4.0 * mib)]);
    }
}

#[test]
fn columns_are_known_by_their_names_and_units() {
    let of = |header: &str| {
        let text = format!("{header}\n{}\n", vec!["1"; header.split(',').count()].join(","));
        let found = all(&text, &Wanted { name: "f".to_owned(), ..Wanted::default() }).unwrap();
        (found[0].name.clone(), found[0].unit, values(&found[0])[0])
    };
    assert_eq!(of("vm,k,mem_mib"), ("1".to_owned(), Unit::Bytes, (300.0, 1_048_576.0)));
    assert_eq!(of("series,t_s,mem_pct_max"), ("1".to_owned(), Unit::Percent, (1.0, 1.0)));
    assert_eq!(of("t_s,mem_frac").0, "f");
    // What cannot be taken back comes before what is in use.
    assert_eq!(of("series,t_s,usage_mib,ws_kib,cpu").2, (1.0, 1024.0));
    let docker = of("run,series,t_s,used_mib,limit_mib,cpu_pct,pids");
    assert_eq!(docker, ("1/1".to_owned(), Unit::Bytes, (1.0, 1_048_576.0)));
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_column() {
    let said = |text: &str| all(text, &Wanted::default()).unwrap_err().to_string();
    assert!(said("").contains("no column tells the time"), "{}", said(""));
    assert!(said("series,mem_mib\na,1\n").contains("the columns are: series, mem_mib"));
    assert!(said("t_s,after_mib,heap_mib\n1,2,3\n").contains("say --column"));
    assert!(said("t_s,mem\n1,2\n").contains("--unit"));
    assert_eq!(
        said("t_s,mem_mib\n0,1\n10,many\n"),
        "line 3, column mem_mib: `many` is not a number of 0 or more"
    );
    assert!(said("t_s,mem_mib\n0,-1\n").contains("`-1`"));
    assert!(said("t_s,mem_mib\nnoon,1\n").contains("a time"));
    assert!(said("t_s,mem_mib\n").contains("no samples"));
    assert!(said("t_s,mem_mib\n1,2,3\n").contains("3 fields"));
    let one = Wanted { series: Some("c".to_owned()), ..Wanted::default() };
    let none = all("series,t_s,mem_mib\na,0,1\nb,0,1\n", &one).unwrap_err().to_string();
    assert_eq!(none, "no series `c`; there are: a, b");
}

#[test]
fn rows_out_of_order_are_sorted_and_gaps_stay_gaps() {
    let text = "t_s,mem_bytes\n20,3\n0,1\n10,\n20,5\n30,NaN\n";
    let found = all(text, &Wanted::default()).unwrap();
    assert_eq!(values(&found[0]), [(0.0, 1.0), (20.0, 5.0)]);
}

#[test]
fn lives_kills_limits_and_requests_are_kept() {
    let text = "t_s,mem_bytes,limit_bytes,requests,kills,life\n\
                0,1,64,0,0,0\n1,60,64,9,0,0\n2,2,128,,1,1\n3,4,128,20,2,1\n";
    let series = all(text, &Wanted::default()).unwrap().remove(0);
    assert_eq!(series.ends, [End { after: 2, killed: true }, End { after: 3, killed: true }]);
    assert_eq!((series.limit(), series.limit_at(0)), (Some(128.0), Some(64.0)));
    assert!(series.requests[2].is_nan() && series.requests[3] == 20.0);
}

#[test]
fn a_last_row_that_only_counts_a_kill_ends_the_last_life() {
    let text = "t_s,mem_bytes,limit_bytes,kills\n0,1,64,0\n1,60,64,0\n2,,,1\n";
    let series = all(text, &Wanted::default()).unwrap().remove(0);
    assert_eq!((series.points.len(), series.lives().len()), (2, 1));
    assert_eq!(series.ends, [End { after: 2, killed: true }]);
}

#[test]
fn nothing_after_the_asked_time_is_read() {
    let wanted = Wanted { as_of: Some(10.0), ..Wanted::default() };
    let found = all("t_s,mem_bytes\n0,1\n10,2\n20,99\n", &wanted).unwrap();
    assert_eq!(values(&found[0]), [(0.0, 1.0), (10.0, 2.0)]);
    let none = Wanted { as_of: Some(-1.0), ..Wanted::default() };
    assert!(
        all("t_s,mem_bytes\n0,1\n", &none).unwrap_err().to_string().contains("before that time")
    );
}

#[test]
fn times_may_be_dates() {
    let found =
        all("time,mem_bytes\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,2\n", &Wanted::default());
    assert_eq!(found.unwrap()[0].span(), 60.0);
}

#[test]
fn gzip_is_read_as_what_is_in_it() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"t_s,mem_bytes\n0,7\n").unwrap();
    let bytes = packed.finish().unwrap();
    let open = move || -> io::Result<Box<dyn Read>> { Ok(Box::new(Cursor::new(bytes.clone()))) };
    let mut seen = 0.0;
    let told = read(&open, &Wanted::default(), &mut |series| {
        seen = series.points[0].used;
        Ok(())
    });
    assert_eq!((told.unwrap().series, seen), (1, 7.0));
}

#[test]
fn a_mixed_file_that_needs_several_passes_loses_nothing() {
    // As many rows as two passes take is too many for a test; the passes are asked for directly.
    let text = (0..50).map(|at| format!("s{},{at},{at}\n", at % 7)).collect::<String>();
    let text = format!("series,t_s,mem_bytes\n{text}");
    let open =
        || -> io::Result<Box<dyn Read>> { Ok(Box::new(Cursor::new(text.clone().into_bytes()))) };
    let wanted = Wanted::default();
    let plan = Plan::of(&open, &wanted).unwrap();
    assert_eq!(plan.passes, Some(1));
    let (mut series, mut points) = (0, 0);
    for pass in 0..3 {
        let mut hand = |one: Series| {
            series += 1;
            points += one.points.len();
            Ok(())
        };
        mixed(&open, &wanted, &plan, (pass, 3), &mut hand).unwrap();
    }
    assert_eq!((series, points), (7, 50));
}
