//! Every runtime has its page, measured cells, and settings whose names are known.

use super::*;
use crate::memory_settings::{NAMES, NEVER_KEPT};

/// The files of each, with those beside them.
fn sources(runtime: Runtime) -> Vec<&'static str> {
    let mut all = vec![runtime.source()];
    if runtime == Runtime::Python {
        all.push(include_str!("python/servers.rs"));
    }
    all.push(include_str!("malloc.rs"));
    all
}

/// Sections of a page, each with its text.
fn sections(manual: &Manual) -> Vec<(&str, &str)> {
    let parts = manual.text.split("# ").skip(1);
    parts.filter_map(|part| part.split_once('\n')).map(|(name, text)| (name, text.trim())).collect()
}

#[test]
fn every_page_has_the_five_sections_in_order_and_none_is_empty() {
    let pages = Runtime::ALL.map(Runtime::manual);
    for manual in pages.iter().chain([&malloc::manual()]) {
        assert!(manual.title.ends_with('.'), "{}", manual.title);
        let found = sections(manual);
        let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, Manual::SECTIONS, "{}", manual.title);
        assert!(found.iter().all(|(_, text)| text.len() > 20), "{}", manual.title);
    }
}

#[test]
fn no_runtime_without_a_measured_cell() {
    for runtime in Runtime::ALL {
        let tests = runtime.source().split_once("#[cfg(test)]").expect("tests").1;
        let cells = tests.lines().filter(|line| line.contains("fn ") && line.contains("measured"));
        assert!(cells.count() >= 1, "{runtime}");
    }
}

#[test]
fn words_are_unique_and_lead_back() {
    for runtime in Runtime::ALL {
        assert_eq!(Runtime::of_word(runtime.word()), Some(runtime));
        assert_eq!(Runtime::ALL.iter().filter(|other| other.word() == runtime.word()).count(), 1);
    }
}

/// `"NAME"` in the code, not in its tests.
fn variables(source: &str) -> Vec<&str> {
    let code = source.split_once("#[cfg(test)]").map_or(source, |(code, _)| code);
    let is_name = |text: &&str| {
        text.len() > 3
            && text.contains(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && (text.contains('_') || text.bytes().all(|b| b.is_ascii_uppercase()))
    };
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(is_name)
        .collect()
}

#[test]
fn every_variable_that_a_runtime_reads_has_its_name_in_the_list() {
    let mut seen = 0;
    for runtime in Runtime::ALL {
        for name in sources(runtime).into_iter().flat_map(variables) {
            seen += 1;
            let known = NAMES.contains(&name) || NEVER_KEPT.contains(&name);
            assert!(known, "{runtime} reads {name}, which is in no list");
        }
    }
    assert!(seen > 20, "{seen}");
    // Put together from parts.
    for name in ["DOTNET_GCHeapHardLimit", "COMPlus_GCHeapHardLimitPercent"] {
        assert!(NAMES.contains(&name));
    }
}

/// Neither the machine nor the limit may be nothing, however odd the settings.
#[test]
fn no_setting_makes_any_of_them_fall() {
    let cpus = Cpus { online: 1, affinity: 1, quota: Some(1) };
    let odd =
        ["", "-1", "0", "18446744073709551615", "99999999999999999999", "x", "1.5G", "auto", "%k"];
    for runtime in Runtime::ALL {
        for limit in [None, Some(Bytes(0)), Some(Bytes(1)), Some(Bytes(u64::MAX))] {
            let view = View::imagined(Layout::ContainerV1, limit, Bytes(u64::MAX), cpus);
            for value in odd {
                let pair = |name: &str| (name.to_owned(), value.to_owned());
                let told = Told {
                    arguments: ["-w", value, "--workers", value, "-c", value, "-d"]
                        .map(str::to_owned)
                        .to_vec(),
                    environment: NAMES.into_iter().map(pair).collect(),
                    settings: [
                        "memory_limit",
                        "pm.max_children",
                        "shared_buffers",
                        "work_mem",
                        "max_connections",
                        "maxmemory",
                        "innodb_buffer_pool_size",
                        "workers",
                        "worker_processes",
                        "opcache.memory_consumption",
                    ]
                    .map(pair)
                    .to_vec(),
                    ..Told::default()
                };
                let version = Version::parse("99").expect("a version");
                let belief = runtime.believes(&version, &view, &told);
                let least = belief.least(3);
                assert!(
                    belief.may_use(3).is_none_or(|(same, usual)| same == least && usual >= least)
                );
                assert!(belief.number() > 0, "{runtime} {value}");
            }
        }
    }
}
