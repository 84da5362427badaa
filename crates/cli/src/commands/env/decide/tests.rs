//! Every way in which a user may have told the same already.

use super::*;
use recognise::before::Script;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A container on cgroup v2 with 8 processors.
fn at(limit: Option<u64>) -> View {
    let cpus = Cpus { online: 8, affinity: 8, quota: Some(2000) };
    View::imagined(Layout::ContainerV2, limit.map(|mib| Bytes(mib << 20)), Bytes(64 << 30), cpus)
}

fn found(runtime: Runtime, version: &str, arguments: &str) -> Before {
    Before {
        runtime,
        version: Version::parse(version).map_or(Known::No, Known::Certain),
        told: Told { arguments: words(arguments), ..Told::default() },
        by: "/bin/x".to_owned(),
        script: None,
        beside: None,
    }
}

fn circumstances(
    runtime: Runtime,
    version: &str,
    line: &str,
    variables: &[(&str, &str)],
) -> Circumstances {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Circumstances {
        view: Some(at(Some(256))),
        limit: None,
        found: Some(found(runtime, version, line)),
        given: None,
        environment: variables.iter().map(pair).collect(),
        worker: None,
        master: None,
        processes: 1,
    }
}

fn exported(decision: &Decision) -> String {
    let word = |export: &Export| format!("{}={}", export.name, export.value);
    decision.exports.iter().map(word).collect::<Vec<_>>().join("\n")
}

fn node(line: &str, variables: &[(&str, &str)]) -> Decision {
    circumstances(Runtime::Node, "22.12.0", line, variables).decide()
}

#[test]
fn what_the_user_has_set_is_kept_and_ours_stands_in_front() {
    let ours = "NODE_OPTIONS=--max-old-space-size=179";
    assert_eq!(exported(&node("a.js", &[])), ours);
    assert_eq!(exported(&node("a.js", &[("NODE_OPTIONS", "")])), ours);
    let theirs = " --require \"./a  b.js\"  --no-warnings ";
    let both = exported(&node("a.js", &[("NODE_OPTIONS", theirs)]));
    assert_eq!(both, format!("{ours} {theirs}"));
    for told in ["--max-old-space-size=90", "--no-warnings --max_old_space_size=90"] {
        let decision = node("a.js", &[("NODE_OPTIONS", told)]);
        assert_eq!((exported(&decision), decision.warning), (String::new(), None), "{told}");
        assert_eq!(decision.left, ["NODE_OPTIONS is set"]);
    }
}

#[test]
fn a_ceiling_on_the_command_line_is_left_and_told_where_it_cannot_fit() {
    let decision = node("--max-old-space-size=90 a.js", &[]);
    assert_eq!((exported(&decision), decision.warning.clone()), (String::new(), None));
    assert!(decision.left[0].contains("`--max-old-space-size=90`"), "{:?}", decision.left);
    let warning = node("-r x --max-old-space-size=1024 a.js", &[]).warning.unwrap();
    assert!(warning.contains("of 256 MiB: --max-old-space-size=1024"), "{warning}");
    let java = |line: &str, variables: &[(&str, &str)]| {
        circumstances(Runtime::Java, "17.0.15", line, variables).decide()
    };
    assert_eq!(exported(&java("-cp a.jar -Xmx90m Main", &[])), "");
    assert!(java("-Xmx1g -jar a.jar", &[]).warning.unwrap().contains("-Xmx1g"));
    // `-Xms` alone: a smaller `-Xmx` in the variable would keep the JVM from starting.
    assert_eq!(exported(&java("-cp a.jar -Xms512m Main", &[])), "");
    assert_eq!(exported(&java("@/etc/flags -jar a.jar", &[])), "");
    assert_eq!(exported(&java("-jar a.jar", &[("_JAVA_OPTIONS", "-Xmx90m")])), "");
    assert_eq!(
        exported(&java("-jar a.jar", &[("JDK_JAVA_OPTIONS", "-XX:MaxRAMPercentage=60")])),
        ""
    );
    let with = exported(&java("-jar a.jar", &[("JAVA_TOOL_OPTIONS", "-Da='b c' -Xss1m")]));
    assert_eq!(with, "JAVA_TOOL_OPTIONS=-Xmx102m -XX:MaxDirectMemorySize=25m -Da='b c' -Xss1m");
}

#[test]
fn a_start_script_that_may_hand_on_flags_is_left_alone() {
    let script = |steers_by| Script { path: "/start".into(), steers_by };
    let mut java = circumstances(Runtime::Java, "17", "", &[("JAVA_OPTS", "-Xms1g")]);
    assert!(exported(&java.decide()).starts_with("JAVA_TOOL_OPTIONS=-Xmx102m"));
    java.found.as_mut().unwrap().script = Some(script(None));
    assert_eq!(exported(&java.decide()), "");
    java.environment = vec![("JAVA_OPTS".to_owned(), "-Da=b".to_owned())];
    assert!(exported(&java.decide()).starts_with("JAVA_TOOL_OPTIONS=-Xmx102m"));
    java.found.as_mut().unwrap().script = Some(script(Some("-Xmx")));
    let decision = java.decide();
    assert_eq!(exported(&decision), "");
    assert_eq!(decision.left, ["`/start` steers the memory itself (`-Xmx`)"]);
}

#[test]
fn the_same_told_by_another_name_counts() {
    let decide = |runtime, variables: &[(&str, &str)]| {
        exported(&circumstances(runtime, "10.0.1", "", variables).decide())
    };
    assert_eq!(decide(Runtime::DotNet, &[]), "DOTNET_GCHeapHardLimit=B300000");
    assert_eq!(decide(Runtime::DotNet, &[("DOTNET_GCHeapHardLimitPercent", "3C")]), "");
    let go = |variables: &[(&str, &str)]| {
        exported(&circumstances(Runtime::Go, "1.25.1", "", variables).decide())
    };
    assert_eq!(go(&[]), "GOMEMLIMIT=217MiB");
    assert_eq!(go(&[("GOMEMLIMIT", "off")]), "");
    assert_eq!(go(&[("AUTOMEMLIMIT", "0.8")]), "");
}

#[test]
fn no_limit_and_an_absurd_one_export_nothing_and_say_nothing() {
    for limit in [None, Some(0), Some(64 << 10), Some(1 << 20)] {
        let view = Some(at(limit));
        let decision =
            Circumstances { view, ..circumstances(Runtime::Node, "22", "", &[]) }.decide();
        assert_eq!((exported(&decision), decision.warning), (String::new(), None), "{limit:?}");
    }
    // `memory.high` alone holds a process back.
    let view = Some(View { leaf_high: Some(Bytes(256 << 20)), ..at(None) });
    let decision = Circumstances { view, ..circumstances(Runtime::Node, "22", "", &[]) }.decide();
    assert_eq!(exported(&decision), "NODE_OPTIONS=--max-old-space-size=179");
    let blind = Circumstances { view: None, ..circumstances(Runtime::Node, "22", "", &[]) };
    assert!(blind.decide().warning.unwrap().contains("no memory cgroup"));
    let given = Circumstances { limit: Some(Bytes(256 << 20)), ..blind };
    assert_eq!(exported(&given.decide()), "NODE_OPTIONS=--max-old-space-size=179");
}

#[test]
fn workers_are_as_many_as_fit_unless_somebody_said_how_many() {
    let decide = |line: &str, variables: &[(&str, &str)], limit| {
        let view = Some(at(Some(limit)));
        let worker = Some(Bytes(31 << 20));
        let master = Some(Bytes(12 << 20));
        let of = circumstances(Runtime::Python, "3.12", line, variables);
        Circumstances { view, worker, master, ..of }.decide()
    };
    // (85 % of 128 - 12) / 31
    assert_eq!(exported(&decide("/bin/gunicorn app:app", &[], 128)), "WEB_CONCURRENCY=3");
    // 2 × 2 processors + 1
    assert_eq!(exported(&decide("/bin/gunicorn app:app", &[], 1024)), "WEB_CONCURRENCY=5");
    assert_eq!(
        exported(&decide("-m celery -A app worker", &[], 128)),
        "CELERY_WORKER_CONCURRENCY=3"
    );
    let uvicorn = exported(&decide("-m uvicorn app:app", &[], 128));
    assert_eq!(uvicorn, "MALLOC_ARENA_MAX=2\nUVICORN_WORKERS=3");
    for told in [("WEB_CONCURRENCY", "9"), ("UVICORN_WORKERS", "9")] {
        assert_eq!(exported(&decide("-m uvicorn app:app", &[told], 128)), "MALLOC_ARENA_MAX=2");
    }
    let many = decide("/bin/gunicorn -w 9 app:app", &[], 128);
    assert_eq!(exported(&many), "");
    let warning = many.warning.unwrap();
    assert!(warning.contains("291 MiB and more of 128 MiB: -w 9"), "{warning}");
    // Its file reckons by itself.
    assert_eq!(exported(&decide("/bin/gunicorn -c gunicorn.conf.py app:app", &[], 128)), "");
    let none = decide("/bin/gunicorn app:app", &[], 32);
    assert!(exported(&none).is_empty() && none.warning.unwrap().contains("no number of workers"));
}

#[test]
fn what_stays_beside_it_is_taken_off() {
    let mut npm = circumstances(Runtime::Node, "22.12.0", "npm start", &[]);
    npm.found.as_mut().unwrap().beside = Some(("npm".to_owned(), Bytes(16 << 20)));
    assert_eq!(exported(&npm.decide()), "NODE_OPTIONS=--max-old-space-size=176");
}

#[test]
fn a_limit_in_which_nothing_lives_is_warned_of() {
    let view = Some(at(Some(48)));
    let decision = Circumstances { view, ..circumstances(Runtime::Node, "22", "", &[]) }.decide();
    assert_eq!(exported(&decision), "");
    assert!(decision.warning.unwrap().starts_with("no setting keeps Node.js within 48 MiB"));
}

#[test]
fn a_runtime_that_is_named_counts_more_than_what_was_found() {
    let named = |given| {
        let of = circumstances(Runtime::Node, "22.12.0", "--max-old-space-size=90", &[]);
        Circumstances { given: Some(given), ..of }.decide()
    };
    assert_eq!(exported(&named((Runtime::Go, None))), "GOMEMLIMIT=217MiB");
    assert_eq!(exported(&named((Runtime::Node, Version::parse("20")))), "");
}

#[test]
fn words_of_ours_stand_in_front_byte_for_byte() {
    assert_eq!(in_front("--a=1 --b", "--b", ' ').as_deref(), Some("--a=1 --b"));
    assert_eq!(in_front("--a=1,--b", "--b", ',').as_deref(), Some("--a=1,--b"));
    assert_eq!(in_front("--a=1", "--a=2", ' '), None);
    assert_eq!(in_front("--a=1 --c", "--b", ' '), None);
    assert_eq!(in_front("--b", "--b", ' '), None);
}
