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
    assert_eq!(said(""), "it is empty: there is no header row");
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
    assert_eq!(said("t_s,mem_mib\n1,2,3\n"), "line 2: 3 fields where the header has 2");
    assert_eq!(
        said("t_s,name,mem_mib\n1,\"a,2\n2,a,3\n"),
        "line 2: 2 fields where the header has 3; is a quote not closed?"
    );
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
    assert!(plan.passes.unwrap().values().all(|pass| *pass == 0));
    let (mut names, mut points) = (Vec::new(), 0);
    let (_, columns) = begun(&open, &wanted).unwrap();
    let seen = (0..7u64).map(|at| {
        let row = ByteRecord::from(vec![format!("s{at}"), "0".to_owned(), "0".to_owned()]);
        (hash(&columns, &row), (at, 7))
    });
    let placed = passes(&seen.collect(), 20);
    assert_eq!(placed.values().max(), Some(&2));
    for pass in 0..3 {
        let mut hand = |one: Series| {
            names.push(one.name);
            points += one.points.len();
            Ok(())
        };
        mixed(&open, &wanted, (&columns, &placed), pass, &mut hand).unwrap();
    }
    // In the order in which they stand in the file.
    assert_eq!((names.join(""), points), ("s0s1s2s3s4s5s6".to_owned(), 50));
}

/// What a table says with the one sample of its last row, its name and its unit.
fn last(text: &str) -> (String, Unit, f64, f64) {
    let wanted = Wanted { name: "f".to_owned(), ..Wanted::default() };
    let series = all(text, &wanted).unwrap().pop().unwrap();
    let point = *series.points.last().unwrap();
    (series.name, series.unit, point.at, point.used)
}

#[test]
fn tables_of_other_tools_are_understood() {
    let (mib, noon) = (1_048_576.0, 1_767_268_800.0);
    let bytes = |name: &str, at: f64, used: f64| (name.to_owned(), Unit::Bytes, at, used);
    for (text, told) in [
        // docker stats: the unit and the limit stand in the field.
        (
            "time,Name,CPU %,MEM USAGE / LIMIT,MEM %\n2026-01-01T12:00:00Z,web,3%,12.5MiB / 1GiB,1.2%\n",
            bytes("web", noon, 12.5 * mib),
        ),
        // kubectl top, with a stamp before it.
        ("timestamp,pod,cpu,memory\n1767268800,a-0,12m,345Mi\n", bytes("a-0", noon, 345.0 * mib)),
        // cAdvisor, from Prometheus.
        (
            "timestamp,namespace,pod,container,container_memory_working_set_bytes\n1767268800000,x,a,c,4096\n",
            bytes("x/a/c", noon, 4096.0),
        ),
        // A Bitbrains file as it comes: seconds under the name of milliseconds, tabs after semicolons.
        (
            "Timestamp [ms];\tMemory capacity provisioned [KB];\tMemory usage [KB]\n1376314846;\t6.7E7;\t6129.4\n",
            bytes("f", 1_376_314_846.0, 6_129_400.0),
        ),
        // A spreadsheet with decimal commas, and one that was put together from two.
        ("t_s;mem_mib\n10;1,5\n", bytes("f", 10.0, 1.5 * mib)),
        ("t_s,mem_mib\n0,1\nt_s,mem_mib\n10,2\n", bytes("f", 10.0, 2.0 * mib)),
        // Notes before the header, as Influx writes them.
        (
            "#group,false\n#default,x\n,result,_time,_value\n,,2026-01-01T11:59:00Z,8192\n,,2026-01-01T12:00:00Z,1052672\n,,2026-01-01T11:58:00Z,4096\n",
            bytes("f", noon, 1_052_672.0),
        ),
        // Dates without a zone, labels of a query, a mark for what is not known.
        ("Time,mem_mib\n2026-01-01 12:00:00,1\n2026-01-01 12:01:00,null\n", bytes("f", noon, mib)),
        ("time,\"mem_bytes{pod=\"\"a_kb\"\"}\"\n5,7\n", bytes("f", 5.0, 7.0)),
        // Called a part, and percent.
        ("t_s,mem_util\n5,40.5\n", ("f".to_owned(), Unit::Percent, 5.0, 40.5)),
        ("time_stamp,mem_util_percent\n5,40.5\n", ("f".to_owned(), Unit::Percent, 5.0, 40.5)),
        // The number of a row is nobody's name.
        ("id,t_s,container,mem_bytes\n1,0,a,7\n2,9,a,8\n", bytes("a", 9.0, 8.0)),
    ] {
        assert_eq!(last(text), told, "{text}");
    }
}

#[test]
fn a_unit_that_nothing_tells_is_asked_for_and_never_guessed() {
    let wanted = |name: &str| Wanted { name: name.to_owned(), ..Wanted::default() };
    let rss = |page: u64| -> String {
        (0..9).map(|at| format!("{at},{}\n", (51_200 + at * 3) * page)).collect()
    };
    let of = |rows: &str, name: &str| all(&format!("time,rss\n{rows}"), &wanted(name));
    // Whole pages are bytes; thousands of them are KiB, or whatever somebody counts.
    assert_eq!(of(&rss(4096), "f").unwrap()[0].unit, Unit::Bytes);
    let asked = of(&rss(4), "f").unwrap_err().to_string();
    assert!(asked.contains("say --column rss --unit"), "{asked}");
    assert_eq!(of("1,2\n", "pods-mib").unwrap()[0].peak().unwrap().used, 2_097_152.0);
    assert!(of("1,2\n", "k").is_err() && of("1,2\n", "run-b").is_err());
    let column = Wanted { column: Some("k".to_owned()), ..wanted("f") };
    assert!(all("series,k,mem_mib\na,1,2\n", &column).is_err());
    let two = "time,\"mem_bytes{pod=\"\"a\"\"}\",\"mem_bytes{pod=\"\"b\"\"}\"\n1,2,3\n";
    assert!(all(two, &wanted("f")).unwrap_err().to_string().contains("2 columns tell a memory"));
}

#[test]
fn what_no_table_or_no_number_may_be_is_refused() {
    let said = |text: &str| all(text, &Wanted::default()).unwrap_err().to_string();
    for (text, words) in [
        ("t_s,mem_bytes\n0,inf\n", "line 2, column mem_bytes: `inf` is not a number"),
        ("t_s,mem_bytes\n0,1e400\n", "`1e400` is not a number of 0 or more"),
        ("t_s,mem_bytes\n0,1e300\n", "`1e300` is not an amount of memory"),
        ("t_s,mem_gib\n0,1e20\n", "not an amount of memory"),
        ("t_s,mem_bytes\ninf,1\n", "line 2, column t_s: `inf` is not a time"),
        ("t_s,mem_bytes\n1e300,1\n", "not a time"),
        ("t_s,mem_bytes\n,1\n", "line 2, column t_s: `` is not a time"),
        ("Date,mem_mib\n01/02/2026 10:00,1\n", "a date such as 2026-01-31T08:00:00Z"),
        ("t_s,mem_mib\n0,\"1,234\"\n", "`1,234`"),
        ("#x\n#y\nt_s,mem_mib\n0,no\n", "line 4, column mem_mib"),
        ("1,2\n3,4\n", "line 1 holds numbers and names no columns"),
        ("t_s,mem_bytes\n0,\n", "no row of 1 tells the memory"),
        ("\u{0}\u{1}\u{2}", "it is no text"),
        ("{\"status\":\"success\"}", "it is JSON: a table is CSV"),
        (&"x,".repeat(1 << 19), "its first line has no end within 1 MiB"),
    ] {
        assert!(said(text).contains(words), "{:.40}: {}", text, said(text));
    }
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain("t_s,mem\n".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(Cursor::new(utf16.clone()))) };
    let error = read(&open, &Wanted::default(), &mut |_| Ok(())).unwrap_err().to_string();
    assert_eq!(error, "it is UTF-16: save it as UTF-8");
}

#[test]
fn a_packing_that_is_cut_is_not_taken_for_its_first_half() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let rows: String = (0..5000).map(|at| format!("{at},{}\n", at * 7919 % 5003)).collect();
    packed.write_all(format!("t_s,mem_bytes\n{rows}").as_bytes()).unwrap();
    let bytes = packed.finish().unwrap();
    for end in [bytes.len() / 2, bytes.len() - 4] {
        let cut = bytes[..end].to_vec();
        let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(Cursor::new(cut.clone()))) };
        let mut handed = 0;
        let error = read(&open, &Wanted::default(), &mut |_| {
            handed += 1;
            Ok(())
        });
        let error = error.unwrap_err().to_string();
        assert!(error.contains("gzip data is damaged or cut short"), "{error}");
        assert_eq!(handed, 0);
    }
}

#[test]
fn a_limit_that_is_none_is_none() {
    for none in ["max", "0", "-1", "unlimited", "9223372036854771712", "", "null"] {
        let text = format!("t_s,mem_bytes,limit_bytes\n0,5,{none}\n");
        assert_eq!(all(&text, &Wanted::default()).unwrap()[0].limit(), None, "{none}");
    }
    let beside = "t_s,MemUsage\n0,5MiB / 64MiB\n";
    assert_eq!(all(beside, &Wanted::default()).unwrap()[0].limit(), Some(67_108_864.0));
    assert!(all("t_s,mem_bytes,limit_bytes\n0,5,-7\n", &Wanted::default()).is_err());
}

#[test]
fn a_series_is_asked_for_by_its_name_or_a_part_of_it() {
    let text = "run,series,t_s,mem_mib\n1,a,0,1\n1,b,0,2\n2,a,0,3\n";
    let of = |asked: &str| {
        let wanted = Wanted { series: Some(asked.to_owned()), ..Wanted::default() };
        let found = all(text, &wanted).map_err(|error| error.to_string())?;
        Ok::<_, String>(found.into_iter().map(|one| one.name).collect::<Vec<_>>())
    };
    assert_eq!(of("a/1").unwrap(), ["a/1"]);
    assert_eq!(of("a").unwrap(), ["a/1", "a/2"]);
    assert_eq!(of("1").unwrap(), ["a/1", "b/1"]);
    assert!(of("").unwrap_err().contains("no series ``") && of("c").is_err());
}

#[test]
fn a_moment_that_the_table_does_not_reach_is_told() {
    let said = |text: &str, as_of: f64| {
        let wanted = Wanted { as_of: Some(as_of), ..Wanted::default() };
        all(text, &wanted).unwrap_err().to_string()
    };
    assert!(said("t_s,mem_bytes\n60,1\n", 5.0).contains("the first is at 60"));
    let date = said("t_s,mem_bytes\n60,1\n", 1.8e9);
    assert!(date.contains("counts its seconds from a start of its own"), "{date}");
}

#[test]
fn lives_are_seen_where_only_limits_tell_of_them() {
    let rising = |from: u32, to: u32, limit: u32, at: u32| -> String {
        let rows = (0..(to - from) / 8)
            .map(|step| format!("{},{},{limit}\n", at + step * 10, (from + step * 8).min(limit)));
        rows.collect()
    };
    let table = |first: u32| {
        format!(
            "t_s,mem_mib,limit_mib\n{}{}",
            rising(100, first, 512, 0),
            rising(100, 900, 2048, 600)
        )
    };
    let ends = |text: &str| all(text, &Wanted::default()).unwrap()[0].ends.clone();
    // 8 MiB below its limit and 8 MiB more at each look: it was about to fill it.
    assert_eq!(ends(&table(510)), [End { after: 51, killed: true }]);
    // A container that was made anew with a larger limit in time was not killed.
    assert_eq!(ends(&table(400)), []);
    // A table that counts kills knows better.
    let counted = table(510).replace("limit_mib\n", "limit_mib,kills\n").replace("12\n", "12,0\n");
    let counted = counted.replace("2048\n", "2048,0\n");
    assert_eq!(ends(&counted), []);
}

#[test]
fn lives_that_count_their_own_seconds_are_put_one_after_the_other() {
    let text = "life,t_s,mem_bytes\n0,0,1\n0,10,2\n0,20,3\n1,0,4\n1,10,5\n";
    let series = all(text, &Wanted::default()).unwrap().remove(0);
    assert_eq!(values(&series), [(0.0, 1.0), (10.0, 2.0), (20.0, 3.0), (21.0, 4.0), (31.0, 5.0)]);
    assert_eq!(series.lives(), [0..3, 3..5]);
}
