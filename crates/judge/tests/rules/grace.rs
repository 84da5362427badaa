//! A daemon's line that a stop was asked for, beside what else tells of the end; and other words that tell
//! something only up to a bound.

use casefile::Source;
use judge::verdict::{Confidence, Killer};
use serde_json::{Value, json};

use crate::case::{Answer, Case, Report, WEB, died, event, exited, signalled, time, with};

/// containerd's line that `web` is to stop, ten seconds before its end at 60 s.
fn asked(grace: u32) -> String {
    let at = time(50.0);
    format!(
        "time=\"{at}\" level=info msg=\"StopContainer for \\\"{WEB}\\\" with timeout {grace} (s)\"\n"
    )
}

/// `web` as docker tells it, with that line in the journal.
fn stopped(inspect: &Value) -> Case {
    Case::of(inspect).add(Source::Journal, &asked(10))
}

fn flagged(code: i64) -> Value {
    with(exited(60.0, code), "/State/OOMKilled", json!(true))
}

#[test]
fn a_stop_that_was_asked_for_explains_no_137_beside_memorys_own_witness() {
    stopped(&exited(60.0, 137)).answer().by("stop-timeout");
    stopped(&flagged(137)).answer().by("oom-level-unknown");
    let child = stopped(&exited(60.0, 137)).kernel(&[Report::child(59.9).lines()]).answer();
    child.by("own-limit");
}

#[test]
fn a_stop_that_was_asked_for_hides_no_child_that_was_killed_for_memory() {
    stopped(&exited(60.0, 1)).answer().by("stopped");
    stopped(&flagged(1)).answer().by("oom-level-unknown");
    let child = stopped(&exited(60.0, 1)).kernel(&[Report::child(59.9).lines()]).answer();
    child.by("own-limit");
}

#[test]
fn a_stop_that_gives_no_time_is_no_wait_that_ran_out() {
    let forced = |grace: u32| {
        Case::of(&exited(60.0, 137)).add(Source::Journal, &asked(grace)).answer().verdict.killer
    };
    assert_eq!(forced(1), Killer::StopTimeout);
    assert_ne!(forced(0), Killer::StopTimeout);
}

#[test]
fn a_supervisors_reason_is_repeated_where_it_is_short() {
    let told = |words: &str| {
        let line = format!("[2026-11-22 10:00:31 +0000] [7] [CRITICAL] {words}\n");
        Case::pasted(&[&line]).answer()
    };
    let short = told("WORKER TIMEOUT (pid:16)");
    short.by("supervisor").in_short("\"WORKER TIMEOUT (pid:16)\"");
    let long = told(&format!("WORKER TIMEOUT (pid:16) {}", "since it waited ".repeat(8)));
    long.by("supervisor").proves("since it waited", "says that it kills its child");
    assert_eq!(long.verdict.detail, None, "its whole line stands in the evidence");
}

/// `web` ended with 137 at 60 s, and one SIGTERM came through the API.
fn signalled_at(seconds: f64) -> Answer {
    let history = [event(0.0, "start", &[]), signalled(seconds, 15), died(60.0, 137)];
    Case::of(&exited(60.0, 137)).events(&history).answer()
}

#[test]
fn a_signal_right_before_the_end_is_told_beside_it() {
    let before = "docker sent SIGTERM";
    for (seconds, gap) in [(59.9, "0.1 s before"), (60.0, "0.0 s before"), (30.1, "29.9 s before")]
    {
        let answer = signalled_at(seconds);
        answer.by("unknown").proves("\"signal\":\"15\"", before).proves("\"signal\":\"15\"", gap);
    }
    signalled_at(30.0).by("unknown").never_says(before);
}

#[test]
fn a_program_that_was_told_to_stop_makes_a_forced_stop_the_first_candidate() {
    let ended = |log: &str| Case::of(&exited(60.0, 137)).log(log).answer();
    let told = ended("received SIGTERM, shutting down\n");
    told.says(Killer::Unknown, Confidence::Unknown)
        .proves("received SIGTERM", "the program's own log says that it was told to stop before");
    let left = |answer: &Answer| -> Vec<(Killer, Confidence)> {
        answer.verdict.candidates.iter().map(|it| (it.killer, it.confidence)).collect()
    };
    assert_eq!(left(&told)[0], (Killer::StopTimeout, Confidence::Likely));
    // The other candidates stand behind it as they did without that word.
    let silent = ended("ready\n").never_says("told to stop").verdict.candidates.clone();
    let mut others: Vec<_> = silent.iter().map(|it| (it.killer, it.confidence)).collect();
    assert_ne!(others[0].0, Killer::StopTimeout);
    others.retain(|(killer, _)| *killer != Killer::StopTimeout);
    assert_eq!(left(&told)[1..], others);
}

#[test]
fn a_container_of_the_pod_that_has_not_begun_is_no_finding() {
    let pod = |other: Value| {
        let told = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"phase": "Pending",
            "containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}},
                {"name": "next", "state": other}]}});
        Case::pasted(&[&told.to_string()]).answer()
    };
    let waits = pod(json!({"waiting": {"reason": "PodInitializing"}}));
    waits.says(Killer::Unknown, Confidence::Unknown);
    assert_eq!(waits.verdict.main.exit_code, Some(137));
    assert_eq!(waits.findings(), []);
    // One that ended is one, though what ended it is not known either.
    let ended = pod(json!({"terminated": {"exitCode": 130, "reason": "Error"}}));
    assert_eq!(ended.findings(), [Killer::Unknown]);
}
