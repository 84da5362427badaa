//! Which life and which kill the answer is about, and what becomes of the others.

use judge::verdict::{Confidence, Killer, Level};

use serde_json::json;

use crate::case::{
    Answer, Case, DB, Report, WEB, died, docker, event, event_of, exited, running, signalled,
};

/// Three lives of `lived` seconds that ended with `code`, each restarted after `pause`; the fourth
/// is `age` seconds old when it is looked at.
fn restarts(lived: f64, code: i64, pause: f64, age: f64) -> Answer {
    let mut entries = vec![event(-1.0, "create", &[])];
    let mut start = 0.0;
    for _ in 0..3 {
        entries.push(event(start, "start", &[]));
        entries.push(died(start + lived, code));
        start += lived + pause;
    }
    entries.push(event(start, "start", &[]));
    Case::web().events(&entries).gathered(start + age).answer()
}

#[test]
fn a_restart_storm_is_asked_about_by_its_last_death() {
    for storm in [restarts(2.0, 137, 1.0, 5.0), restarts(9.9, 137, 119.9, 19.9)] {
        assert_eq!(storm.verdict.main.exit_code, Some(137), "{:#?}", storm.verdict);
        assert_eq!(storm.verdict.subject.as_ref().and_then(|it| it.life), Some(3));
        // The life that runs is no death.
        assert_eq!(storm.findings(), [Killer::Unknown, Killer::Unknown]);
    }
}

#[test]
fn a_container_that_came_to_rest_is_asked_about_as_it_is() {
    let rested = [
        ("it ran ten seconds each time", restarts(10.0, 137, 1.0, 5.0)),
        ("it ended by another code", restarts(2.0, 1, 1.0, 5.0)),
        ("somebody started it again, later than a policy would", restarts(2.0, 137, 120.0, 5.0)),
        ("it has run for twenty seconds", restarts(2.0, 137, 1.0, 20.0)),
    ];
    for (why, answer) in rested {
        assert_eq!(answer.verdict.killer, Killer::StillAlive, "{why}");
        assert_eq!(answer.findings().len(), 3, "{why}");
    }
}

#[test]
fn two_short_lives_are_no_storm() {
    let entries = [
        event(-1.0, "create", &[]),
        event(0.0, "start", &[]),
        died(2.0, 137),
        event(3.0, "start", &[]),
        died(5.0, 137),
        event(6.0, "start", &[]),
    ];
    let answer = Case::web().events(&entries).gathered(7.0).answer();
    answer.says(Killer::StillAlive, Confidence::Likely);
}

#[test]
fn one_other_end_among_the_last_three_is_no_storm() {
    for codes in [[1, 137, 137], [137, 1, 137], [137, 137, 1]] {
        let mut entries = Vec::new();
        for (at, code) in codes.into_iter().enumerate() {
            entries.push(event(at as f64 * 4.0, "start", &[]));
            entries.push(died(at as f64 * 4.0 + 2.0, code));
        }
        entries.push(event(12.0, "start", &[]));
        let answer = Case::web().events(&entries).gathered(14.0).answer();
        assert_eq!(answer.verdict.killer, Killer::StillAlive, "{codes:?}");
    }
}

#[test]
fn a_storm_that_is_over_is_asked_about_by_its_last_life() {
    // The policy gave up: nothing runs, so the last life is the last death.
    let mut entries = Vec::new();
    for at in [0.0, 4.0, 8.0, 12.0] {
        entries.push(event(at, "start", &[]));
        entries.push(died(at + 2.0, if at > 11.0 { 1 } else { 137 }));
    }
    let answer = Case::web().events(&entries).gathered(15.0).answer();
    assert_eq!(answer.verdict.main.exit_code, Some(1));
}

#[test]
fn the_same_kill_in_life_after_life_is_said_once_with_its_count() {
    let storm = |lives: usize| {
        let (mut entries, mut kernel) = (vec![event(-1.0, "create", &[])], Vec::new());
        for at in 0..lives {
            let start = at as f64 * 20.0;
            entries.push(event(start, "start", &[]));
            kernel.push(Report::own(start + 15.0).lines());
            entries.push(died(start + 15.1, 137));
        }
        Case::web().events(&entries).kernel(&kernel).answer()
    };
    let three = storm(3);
    three.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven);
    three.in_short("3 lives in a row ended this way");
    assert_eq!(three.findings(), [Killer::ContainerMemoryLimit; 2]);
    let two = storm(2).verdict.detail.unwrap_or_default();
    assert!(!two.contains("in a row"), "{two}");
}

#[test]
fn other_deaths_than_the_answers_are_not_counted_into_its_row() {
    let mut entries = vec![event(-1.0, "create", &[])];
    for (start, code) in [(0.0, 1), (20.0, 1), (40.0, 137)] {
        entries.push(event(start, "start", &[]));
        entries.push(died(start + 15.1, code));
    }
    let answer = Case::web().events(&entries).kernel(&[Report::own(55.0).lines()]).answer();
    answer.says(Killer::ContainerMemoryLimit, Confidence::Proven);
    let detail = answer.verdict.detail.clone().unwrap_or_default();
    assert!(!detail.contains("in a row"), "{detail}");
    // Nor are plain ends, however often they come.
    let ends: Vec<String> = [0.0, 20.0, 40.0]
        .iter()
        .flat_map(|at| [event(*at, "start", &[]), died(at + 15.0, 1)])
        .collect();
    let answer = Case::web().events(&ends).answer();
    answer.says(Killer::NotKilled, Confidence::Likely);
    assert_eq!(answer.findings(), [Killer::NotKilled; 2]);
    assert!(!answer.verdict.detail.unwrap_or_default().contains("in a row"));
}

#[test]
fn of_pasted_kills_the_last_is_the_answer_and_the_others_are_findings() {
    let first = Report {
        full: Some((docker(DB), 65_536)),
        task: docker(DB),
        victim: ("postgres", 90),
        ..Report::own(5.0)
    };
    let text = first.lines() + &Report::own(600.0).lines();
    let answer = Case::pasted(&[&text]).answer();
    answer.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven);
    assert_eq!(answer.victims(), [Some(700)]);
    assert_eq!(answer.findings(), [Killer::ContainerMemoryLimit]);
    assert_eq!(answer.verdict.findings[0].victims[0].pid, Some(90));
}

#[test]
fn a_policys_kill_after_a_limits_kill_does_not_hide_it() {
    let policy = Report { victim: ("serve", 801), ..Report::own(600.0) };
    let policy = policy.lines().replace("CONSTRAINT_MEMCG", "CONSTRAINT_BPF");
    let text = Report::own(5.0).lines() + &policy;
    Case::pasted(&[&text]).answer().is(
        Killer::ContainerMemoryLimit,
        Level::Own,
        Confidence::Proven,
    );
    // Alone it is nobody's limit.
    let alone = Case::pasted(&[&policy]).answer();
    alone.by("unknown").in_short("on behalf of a loaded policy");
    alone
        .proves("CONSTRAINT_BPF", "not one of the kernel's own")
        .proves("Killed process 801", "who died");
    assert_eq!(alone.victims(), [Some(801)]);
    assert_eq!(
        alone.verdict.limit.and_then(casefile::Limit::bytes).map(|it| it.0),
        Some(crate::case::LIMIT)
    );
}

#[test]
fn a_policys_kill_inside_is_no_oom_kill_and_no_finding() {
    let policy = Report::child(5.0).lines().replace("CONSTRAINT_MEMCG", "CONSTRAINT_BPF");
    let answer = Case::of(&running()).kernel(&[policy]).answer();
    assert!(!answer.verdict.killer.is_kernel_oom(), "{:#?}", answer.verdict);
    assert_eq!(answer.findings(), []);
}

#[test]
fn an_earlier_childs_kill_is_a_finding_beside_the_end() {
    let inspect = exited(60.0, 137);
    let entries = [event(0.0, "start", &[]), signalled(59.9, 9), died(60.0, 137)];
    let answer = Case::of(&inspect)
        .all_events(&entries)
        .whole_kernel(&[Report::child(20.0).lines()])
        .answer();
    answer.says(Killer::ApiKill, Confidence::Proven);
    assert_eq!(answer.findings(), [Killer::ContainerMemoryLimit]);
    assert_eq!(answer.verdict.findings[0].victims[0].comm.as_deref(), Some("work"));
}

#[test]
fn a_kill_whose_victim_is_not_shown_is_no_finding_beside_a_kernels_kill() {
    let bare = Report::own(30.0).lines();
    let summary_only: String = bare
        .lines()
        .filter(|line| line.contains("invoked") || line.contains("CPU:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let answer =
        Case::of(&exited(30.1, 137)).kernel(&[Report::own(30.0).lines(), summary_only]).answer();
    answer.says(Killer::ContainerMemoryLimit, Confidence::Proven);
    assert_eq!(answer.findings(), []);
}

#[test]
fn findings_are_told_oldest_first() {
    let child = |at: f64, pid: u32| Report {
        victim: ("work", pid),
        invoker: ("work", pid),
        table: vec![(700, "serve", 1000), (pid, "work", 60_000)],
        ..Report::own(at)
    };
    let entries = [event(0.0, "start", &[]), signalled(399.9, 9), died(400.0, 137)];
    let kernel = [child(300.0, 713).lines(), child(100.0, 712).lines()];
    let answer = Case::of(&exited(400.0, 137)).all_events(&entries).kernel(&kernel).answer();
    let found: Vec<_> = answer.verdict.findings.iter().map(|it| it.victims[0].pid).collect();
    assert_eq!(found, [Some(712), Some(713)]);
}

#[test]
fn kills_of_one_storm_are_one_finding_and_a_minute_apart_two() {
    let child = |at: f64, pid: u32| Report {
        victim: ("work", pid),
        invoker: ("work", pid),
        table: vec![(700, "serve", 1000), (pid, "work", 60_000)],
        ..Report::own(at)
    };
    let found = |second: f64| {
        let kernel = [child(100.0, 712).lines(), child(second, 713).lines()];
        let entries = [event(0.0, "start", &[]), signalled(399.9, 9), died(400.0, 137)];
        let answer = Case::of(&exited(400.0, 137)).all_events(&entries).kernel(&kernel).answer();
        let victims = |it: &judge::Verdict| it.victims.len();
        (
            answer.verdict.findings.iter().map(victims).collect::<Vec<_>>(),
            answer.verdict.findings[0].at,
        )
    };
    assert_eq!(found(159.9), (vec![2], Some(crate::case::moment(159.9))));
    assert_eq!(found(160.0), (vec![1, 1], Some(crate::case::moment(100.0))));
}

#[test]
fn a_neighbours_kill_under_a_shared_limit_is_a_finding() {
    let shared = "/docker/pool".to_owned();
    let neighbour = |table: Vec<(u32, &'static str, u64)>| Report {
        full: Some((shared.clone(), 500_000)),
        task: format!("{shared}/{DB}"),
        victim: ("postgres", 90),
        invoker: ("postgres", 90),
        table,
        ..Report::own(50.0)
    };
    let listed = neighbour(vec![(90, "postgres", 9000), (700, "serve", 1000)]);
    let folder = format!("/sys/fs/cgroup{shared}/{WEB}");
    let proc = "==> /proc/700/status <==\nName:\tserve\nPid:\t700\nNSpid:\t700\t1\n";
    let case = || Case::of(&running()).add(casefile::Source::Proc, proc);
    let by_pid = case().kernel(&[listed.lines()]).answer();
    by_pid.says(Killer::StillAlive, Confidence::Likely);
    assert_eq!(by_pid.findings(), [Killer::AncestorMemoryLimit], "its task stands in the table");
    // By its place below the limit, where the table was not printed.
    let by_place = case()
        .cgroup_at(&folder, &[("memory.current", "1048576")])
        .kernel(&[neighbour(Vec::new()).lines()])
        .answer();
    assert_eq!(by_place.findings(), [Killer::AncestorMemoryLimit], "it lies below that limit");
    // Neither listed nor below: somebody else's.
    assert_eq!(case().kernel(&[neighbour(Vec::new()).lines()]).answer().findings(), []);
    let elsewhere =
        case().cgroup(&[("memory.current", "1048576")]).kernel(&[neighbour(Vec::new()).lines()]);
    assert_eq!(elsewhere.answer().findings(), []);
    // A neighbour at its own limit is its own affair.
    let own = Report { full: Some((format!("{shared}/{DB}"), 500_000)), ..listed };
    assert_eq!(case().kernel(&[own.lines()]).answer().findings(), []);
}

#[test]
fn of_a_pasted_table_every_container_that_died_is_told() {
    let rows = [
        serde_json::json!({"Id": WEB, "Name": "/web", "State": {"Status": "exited", "OOMKilled": false, "ExitCode": 137, "Running": false}}),
        serde_json::json!({"Id": DB, "Name": "/db", "State": {"Status": "exited", "OOMKilled": false, "ExitCode": 1, "Running": false}}),
        serde_json::json!({"Id": "e".repeat(64), "Name": "/job", "State": {"Status": "exited", "OOMKilled": false, "ExitCode": 0, "Running": false}}),
    ];
    let text = serde_json::to_string(&rows).expect("JSON");
    let answer = Case::pasted(&[&text]).answer();
    assert_eq!(answer.verdict.subject.as_ref().and_then(|it| it.name.as_deref()), Some("web"));
    assert_eq!(answer.findings(), [Killer::NotKilled], "db ended with 1; job's 0 is no death");
}

#[test]
fn an_event_of_another_container_is_not_in_this_ones_history() {
    let entries =
        [event(0.0, "start", &[]), event_of(DB, 1.0, "kill", &[("signal", "9")]), died(2.0, 137)];
    let answer = Case::of(&exited(2.0, 137)).events(&entries).answer();
    answer.by("unknown");
}

#[test]
fn every_manual_is_the_head_of_its_rules_file() {
    let manuals = judge::manuals();
    assert!(manuals.len() > 15);
    for manual in manuals {
        assert!(manual.text.starts_with(&format!("# {} —", manual.id)), "{}", manual.text);
        assert!(manual.text.contains("\n## References\n") && manual.text.ends_with('\n'));
        assert!(!manual.text.contains("//!"), "{}", manual.id);
    }
}

#[test]
fn kills_of_two_limits_are_two_findings_however_near() {
    let child = |at: f64, pid: u32| Report { victim: ("work", pid), ..Report::child(at) };
    let inner = format!("{}/build", docker(WEB));
    let nested = Report { full: Some((inner.clone(), 65_536)), task: inner, ..child(110.0, 713) };
    let parents = Report { full: Some(("/docker".to_owned(), 500_000)), ..child(110.0, 713) };
    for (second, killer) in
        [(nested, Killer::ContainerMemoryLimit), (parents, Killer::AncestorMemoryLimit)]
    {
        let entries = [event(0.0, "start", &[]), signalled(399.9, 9), died(400.0, 137)];
        let kernel = [child(100.0, 712).lines(), second.lines()];
        let answer = Case::of(&exited(400.0, 137)).all_events(&entries).kernel(&kernel).answer();
        assert_eq!(answer.findings(), [Killer::ContainerMemoryLimit, killer]);
    }
}

#[test]
fn two_boots_may_give_one_pid_to_two_victims() {
    let first = Report { full: Some((docker(DB), 65_536)), task: docker(DB), ..Report::own(5.0) };
    let text = first.lines() + &Report::own(600.0).lines();
    let answer = Case::pasted(&[&text]).answer();
    assert_eq!(answer.verdict.container_id.as_ref().map(ToString::to_string), Some(WEB.to_owned()));
    assert_eq!(answer.findings(), [Killer::ContainerMemoryLimit]);
}

#[test]
fn two_texts_that_tell_one_end_differently_prove_nothing() {
    let (clean, killed) = (exited(60.0, 0), exited(60.0, 137));
    let texts = [clean, killed].map(|value| json!([value]).to_string());
    let report = Report::own(59.9).lines();
    let stop = [event(0.0, "start", &[]), signalled(50.0, 15), signalled(59.0, 9)].concat();
    for (one, other) in [(0, 1), (1, 0)] {
        let answer = Case::pasted(&[&texts[one], &texts[other], &report, &stop]).answer();
        assert!(answer.verdict.confidence < Confidence::Proven, "{:?}", answer.verdict);
        assert!(answer.contradictions().contains("one end with the exit codes"), "{one}");
        assert_eq!(answer.verdict.main.exit_code, None);
    }
}

#[test]
fn of_two_states_of_one_life_the_ended_one_is_the_later() {
    let (lived, ended) = (json!([running()]).to_string(), json!([exited(60.0, 137)]).to_string());
    let report = Report::own(59.9).lines();
    for texts in [[&lived, &ended, &report], [&ended, &lived, &report]] {
        let answer = Case::pasted(&texts.map(String::as_str)).answer();
        answer.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven);
        assert_eq!(answer.verdict.main.exit_code, Some(137));
        assert!(!answer.contradictions().contains("exit codes"));
    }
}

/// Asked for by name, a container's present life is the question; in a paste its death is.
#[test]
fn in_pasted_text_the_end_before_the_life_that_runs_is_the_question() {
    let entries = [event(0.0, "start", &[]), died(60.0, 137), event(61.0, "start", &[])];
    let pasted = Case::pasted(&[&entries.concat()]).answer();
    assert_eq!(pasted.verdict.main.exit_code, Some(137));
    pasted.proves("start", "it was started again");
    let again = pasted.verdict.because.iter().find(|line| line.says.contains("started again"));
    assert_eq!(again.and_then(|line| line.at), Some(crate::case::moment(61.0)));
    let asked = Case::web().events(&entries).gathered(100.0).answer();
    asked.by("still-alive").never_says("started again");
}

/// A running container's record still dates the end before: without a code it is no death to explain.
#[test]
fn an_earlier_end_of_which_only_the_time_is_known_is_not_the_question() {
    let mut now = running();
    now["State"]["StartedAt"] = json!(crate::case::time(61.0));
    now["State"]["FinishedAt"] = json!(crate::case::time(60.0));
    Case::pasted(&[&json!([now]).to_string()]).answer().by("still-alive");
}

#[test]
fn a_journal_of_which_only_a_units_end_is_left_is_about_that_unit() {
    let line = "Nov 22 10:01:00 host systemd[1]: robot.service: Main process exited, code=killed, status=9/KILL\n";
    let answer = Case::pasted(&[line]).answer();
    assert_eq!(answer.verdict.main.exit_code, Some(137));
    let name = answer.verdict.subject.as_ref().and_then(|subject| subject.name.as_deref());
    assert_eq!(name, Some("robot.service"));
    // A kill that the kernel tells of comes first, explained or not.
    let own = Report::own(600.0).lines();
    Case::pasted(&[line, &own]).answer().by("own-limit");
    let policy = own.replace("CONSTRAINT_MEMCG", "CONSTRAINT_BPF");
    Case::pasted(&[line, &policy]).answer().in_short("on behalf of a loaded policy");
}

#[test]
fn in_pasted_events_the_question_is_about_the_death_before_the_restart() {
    let lines = |events: &[String]| events.join("");
    let stopped = [
        event(1.0, "start", &[]),
        signalled(50.0, 15),
        signalled(60.0, 9),
        died(60.2, 137),
        event(60.3, "stop", &[]),
        event(61.0, "start", &[]),
    ];
    let answer = Case::pasted(&[&lines(&stopped)]).answer();
    answer
        .by("stop-timeout")
        .proves("start", "it was started again, and nothing says that it died since");
    // An end with a code is a death even where nothing explains it.
    let bare = Case::pasted(&[&lines(&[
        event(1.0, "start", &[]),
        died(60.2, 137),
        event(61.0, "start", &[]),
    ])]);
    bare.answer().by("unknown");
    // A container that was asked for is asked for as it is now.
    Case::of(&running()).events(&stopped).answer().by("still-alive");
}
