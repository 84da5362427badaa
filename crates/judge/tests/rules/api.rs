//! Signals through the API: killed, asked to stop and killed, asked to stop and obeyed.

use casefile::Source;
use judge::verdict::{Confidence, Fate, Killer, Level, Role};
use serde_json::json;

use crate::case::{Case, Report, WEB, died, event, exited, running, signalled, time, with};

const KERNEL: [Killer; 3] =
    [Killer::ContainerMemoryLimit, Killer::AncestorMemoryLimit, Killer::HostOutOfMemory];

/// `web` ended with a code at 60 s, after these entries.
fn after(entries: &[String], code: i64) -> Case {
    let history = [&[event(0.0, "start", &[])], entries, &[died(60.0, code)]].concat();
    Case::of(&exited(60.0, code)).all_events(&history)
}

#[test]
fn a_kill_through_the_api_rules_out_a_stop_and_a_whole_kernel_log_rules_out_memory() {
    let killed = after(&[signalled(59.9, 9)], 137);
    let answer = killed.answer();
    answer.is(Killer::ApiKill, Level::None, Confidence::Proven).by("api-kill");
    answer.rules_out(Killer::StopTimeout, "no stop signal came before");
    answer.rules_out_only(&[Killer::StopTimeout]);
    answer.proves("\"kill\"", "asked for SIGKILL").proves("137", "the end that followed");
    answer.in_short("do not name the client");
    assert_eq!((answer.verdict.main.fate, answer.verdict.main.signal), (Fate::Killed, Some(9)));
    assert_eq!(answer.verdict.victims[0].role, Role::Main);
    assert_eq!(answer.verdict.limit_at_fault, Some(false));
    let whole = killed.whole_kernel(&[]).answer();
    whole.rules_out_only(&[&[Killer::StopTimeout], KERNEL.as_slice()].concat());
}

#[test]
fn a_stop_signal_before_the_kill_is_not_denied() {
    // TERM from one client, KILL from another, no `stop`: no grace ran out, but a stop was asked for.
    let answer = after(&[signalled(10.0, 15), signalled(59.9, 9)], 137).answer();
    answer.says(Killer::ApiKill, Confidence::Proven).rules_out_only(&[]);
}

#[test]
fn a_removed_container_was_killed_by_its_removal_where_one_signal_came() {
    let removed = |entries: &[String]| {
        let history =
            [&[event(0.0, "start", &[])], entries, &[died(60.0, 137), event(60.2, "destroy", &[])]]
                .concat();
        Case::web().all_events(&history).answer()
    };
    removed(&[signalled(59.9, 9)]).by("api-kill").in_short("docker rm -f does this");
    let two = removed(&[signalled(10.0, 15), signalled(59.9, 9)]);
    two.by("api-kill").in_short("do not name the client");
}

#[test]
fn the_oom_flag_leaves_a_kill_through_the_api_no_more_than_likely() {
    let flagged = with(exited(60.0, 137), "/State/OOMKilled", json!(true));
    let history = [event(0.0, "start", &[]), signalled(59.9, 9), died(60.0, 137)];
    let case = || Case::of(&flagged).all_events(&history);
    case().answer().says(Killer::ApiKill, Confidence::Likely);
    let silent = case().whole_kernel(&[]).answer();
    silent.says(Killer::ApiKill, Confidence::Proven);
    assert!(silent.contradictions().contains("OOMKilled=true"));
    // A child's kill explains the flag.
    let child = case().kernel(&[Report::child(20.0).lines()]).answer();
    child.says(Killer::ApiKill, Confidence::Proven);
    assert!(child.contradictions().contains("work (pid 712) was killed for memory 40.0 s before"));
    // A kill whose part is unclear explains nothing.
    let unclear = Report {
        victim: ("serve", 712),
        table: vec![(712, "serve", 9), (700, "serve", 9)],
        ..Report::own(58.5)
    };
    let shell = with(flagged.clone(), "/Path", json!("sh"));
    let unclear = Case::of(&shell).all_events(&history).kernel(&[unclear.lines()]).answer();
    unclear.says(Killer::ApiKill, Confidence::Likely);
}

#[test]
fn a_container_that_stood_still_at_its_limit_was_killed_for_a_reason() {
    let history =
        [event(0.0, "start", &[]), event(5.0, "oom", &[]), signalled(59.9, 9), died(60.0, 137)];
    let disabled = with(exited(60.0, 137), "/HostConfig/OomKillDisable", json!(true));
    let answer = Case::of(&disabled).all_events(&history).answer();
    answer.by("api-kill").proves("true", "it stood still at its limit");
    let enabled = Case::of(&exited(60.0, 137)).all_events(&history).answer();
    enabled.by("api-kill").never_says("stood still");
    let quiet = [event(0.0, "start", &[]), signalled(59.9, 9), died(60.0, 137)];
    Case::of(&disabled).all_events(&quiet).answer().by("api-kill").never_says("stood still");
}

#[test]
fn a_kill_is_believed_only_where_the_end_shows_its_signal() {
    after(&[signalled(59.9, 10)], 138).answer().says(Killer::ApiKill, Confidence::Proven);
    assert_eq!(after(&[signalled(59.9, 10)], 138).answer().verdict.main.signal, Some(10));
    // SIGUSR1 is handled by most programs; the end by 137 has another cause.
    after(&[signalled(59.9, 10)], 137).answer().by("unknown");
    after(&[signalled(59.9, 9)], 1).answer().by("not-killed");
    // `die` without a code: SIGKILL cannot be survived, another signal can.
    let codeless = |signal: i32| {
        Case::web().all_events(&[
            event(0.0, "start", &[]),
            signalled(59.9, signal),
            event(60.0, "die", &[]),
        ])
    };
    codeless(9).answer().says(Killer::ApiKill, Confidence::Proven);
    assert_ne!(codeless(10).answer().verdict.killer, Killer::ApiKill);
}

#[test]
fn a_kill_half_a_minute_before_the_end_did_not_make_it() {
    after(&[signalled(30.1, 10)], 138).answer().by("api-kill");
    assert_ne!(after(&[signalled(30.0, 10)], 138).answer().verdict.rule, "api-kill");
}

#[test]
fn a_kill_that_has_not_ended_it_yet_kills_nobody() {
    let entries = [event(0.0, "start", &[]), signalled(59.9, 9)];
    Case::of(&running()).all_events(&entries).answer().by("still-alive");
    let stop = [
        event(0.0, "start", &[]),
        signalled(49.0, 15),
        signalled(59.9, 9),
        event(59.9, "stop", &[]),
    ];
    Case::of(&running()).all_events(&stop).answer().by("still-alive");
    let term = [event(0.0, "start", &[]), signalled(59.9, 15)];
    Case::of(&running()).all_events(&term).answer().by("still-alive");
}

#[test]
fn what_ended_the_main_process_is_asked_before_what_died_inside() {
    let child = || vec![Report::child(59.95).lines()];
    after(&[signalled(59.9, 9)], 137).kernel(&child()).answer().by("api-kill");
    let stop = [signalled(49.0, 15), signalled(59.9, 9), event(59.9, "stop", &[])];
    after(&stop, 137).kernel(&child()).answer().by("stop-timeout");
    after(&[signalled(59.0, 15)], 143).kernel(&child()).answer().by("stopped");
}

#[test]
fn dockers_note_tells_of_the_api_where_its_events_are_gone() {
    let ended = exited(60.0, 137);
    let answer = Case::of(&ended).noted(true).answer();
    answer
        .says(Killer::ApiKill, Confidence::Likely)
        .leaves(&[Killer::ApiKill, Killer::StopTimeout]);
    answer.in_short("docker no longer knows which").proves("true", "a signal came through its API");
    assert!(answer.candidate(Killer::StopTimeout).confidence == Confidence::Likely);
    // The history is whole and holds no signal: the note is of later.
    Case::of(&ended)
        .noted(true)
        .all_events(&[event(0.0, "start", &[]), died(60.0, 137)])
        .answer()
        .by("unknown");
    // A signal is known that did not do it.
    Case::of(&ended)
        .noted(true)
        .events(&[event(0.0, "start", &[]), signalled(5.0, 10), died(60.0, 137)])
        .answer()
        .by("unknown");
    Case::of(&exited(60.0, 1)).noted(true).answer().by("not-killed");
    Case::of(&ended).noted(false).answer().by("unknown");
}

#[test]
fn dockers_note_beside_the_oom_flag_needs_a_silent_kernel() {
    let flagged = with(exited(60.0, 137), "/State/OOMKilled", json!(true));
    let open = Case::of(&flagged).noted(true).answer();
    open.says(Killer::OutOfMemory, Confidence::Possible);
    let silent = Case::of(&flagged).noted(true).whole_kernel(&[]).answer();
    silent.says(Killer::ApiKill, Confidence::Likely);
    Case::of(&exited(60.0, 137)).noted(true).whole_kernel(&[]).answer().by("api-kill");
}

/// A line of containerd's own log.
fn containerd(seconds: f64, words: &str) -> String {
    format!("time=\"{}\" level=info msg=\"{words}\"\n", time(seconds)).replace("ID", WEB)
}

/// `web` ended with 137, and the journal holds these lines.
fn journal(code: i64, lines: &[String]) -> Case {
    Case::of(&exited(60.0, code)).add(Source::Journal, &lines.concat())
}

#[test]
fn a_daemon_that_was_asked_to_kill_is_believed_unless_a_stop_came_before() {
    let kill = || containerd(60.0, "Kill container \\\"ID\\\"");
    let answer = journal(137, &[kill()]).answer();
    answer.says(Killer::ApiKill, Confidence::Likely).by("api-kill");
    answer.proves("Kill container", "containerd was asked to kill it");
    let by = answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref());
    assert_eq!(by, Some("containerd"));
    let stop = |at: f64| containerd(at, "StopContainer for \\\"ID\\\" with timeout 30 (s)");
    // The grace of 30 s was over (its last second is given for the clocks), or it was not. One log
    // shows by its order that the kill ended a wait; two logs show it by their times.
    let apart = |stop: String| journal(137, &[stop]).add(Source::Journal, &kill()).answer();
    apart(stop(30.9)).by("stop-timeout").in_short("30.0 s passed");
    apart(stop(31.0)).by("api-kill");
    apart(containerd(30.0, "StopContainer for \\\"ID\\\" with timeout 0 (s)")).by("api-kill");
    apart(containerd(58.9, "Stop container \\\"ID\\\" with signal terminated")).by("stop-timeout");
    // It ended by itself all the same.
    journal(1, &[kill()]).answer().by("not-killed");
    journal(1, &[stop(20.0), kill()]).answer().by("not-killed");
    // Somebody else's container.
    let other = containerd(60.0, "Kill container \\\"ID\\\"").replace(WEB, crate::case::DB);
    journal(137, &[other]).answer().by("unknown");
}

#[test]
fn a_stop_whose_grace_ran_out_says_how_long_it_waited() {
    let stop = [signalled(49.9, 15), signalled(59.9, 9), event(60.1, "stop", &[])];
    let answer = after(&stop, 137).whole_kernel(&[]).answer();
    answer.is(Killer::StopTimeout, Level::None, Confidence::Proven);
    answer.in_short("SIGTERM was sent, 10.0 s passed, then SIGKILL").rules_out_only(&KERNEL);
    answer.proves("\"signal\":\"15\"", "docker sent SIGTERM");
    answer.proves("\"signal\":\"9\"", "10.0 s later it sent SIGKILL");
    answer.proves("\"stop\"", "a stop was asked for, not a kill");
    assert_eq!((answer.verdict.main.fate, answer.verdict.main.signal), (Fate::Killed, Some(9)));
    assert_eq!(answer.verdict.victims[0].role, Role::Main);
    // `docker stop -t 0`
    let at_once = [signalled(59.9, 15), signalled(59.9, 9), event(60.1, "stop", &[])];
    after(&at_once, 137).answer().by("stop-timeout").in_short("no time to stop was given");
}

#[test]
fn the_stop_signal_of_the_container_asks_and_others_do_not() {
    let using = |asked: i32, forced: f64| {
        let own = with(exited(60.0, 137), "/Config/StopSignal", json!("SIGUSR2"));
        let dockerd = format!(
            "time=\"{}\" level=info msg=\"Container failed to exit within 10s of signal 12 - using the force\" container={WEB}\n",
            time(59.9)
        );
        let entries = [
            event(0.0, "start", &[]),
            signalled(49.9, asked),
            signalled(forced, 9),
            died(60.0, 137),
        ];
        Case::of(&own).all_events(&entries).add(Source::Journal, &dockerd).answer()
    };
    // Without docker's `stop` entry the daemon's own word shows the stop.
    let own = using(12, 59.9);
    own.by("stop-timeout")
        .in_short("SIGUSR2 was sent")
        .proves("using the force", "gave up waiting");
    // SIGUSR1 is no stop signal here; the daemon's word alone remains, without the wait.
    using(10, 59.9).by("stop-timeout").in_short("the stop signal was sent, 10.0 s passed");
    // The kill came before the signal that asks.
    using(12, 20.0).in_short("the stop signal was sent");
    // With the `stop` entry whatever was sent before was the stop's.
    let entries = [signalled(49.9, 10), signalled(59.9, 9), event(60.1, "stop", &[])];
    after(&entries, 137).answer().by("stop-timeout").in_short("SIGUSR1 was sent, 10.0 s passed");
    // Neither entry nor word: two clients.
    after(&[signalled(49.9, 15), signalled(59.9, 9)], 137).answer().by("api-kill");
}

#[test]
fn a_stop_that_was_obeyed_late_is_no_timeout() {
    let stop = [signalled(49.9, 15), signalled(59.95, 9), event(60.1, "stop", &[])];
    after(&stop, 0).answer().by("stopped").in_short("it ended with 0");
}

#[test]
fn a_daemon_that_gave_up_waiting_is_proof_of_a_stop() {
    let given_up = |code: i64, words: &str| {
        let line = format!("time=\"{}\" level=info msg=\"{words}\" container={WEB}\n", time(59.9));
        journal(code, &[line])
    };
    let words = "Container failed to exit within 10s of signal 15 - using the force";
    let answer = given_up(137, words).answer();
    answer.says(Killer::StopTimeout, Confidence::Proven).in_short("10.0 s passed");
    answer.proves("using the force", "dockerd gave up waiting and used SIGKILL");
    assert_eq!(answer.verdict.at, Some(crate::case::moment(59.9)));
    given_up(1, words).answer().by("not-killed");
    let stop = containerd(29.0, "StopContainer for \\\"ID\\\" with timeout 30 (s)");
    let kill = containerd(59.9, "Kill container \\\"ID\\\"");
    let answer = journal(137, &[stop, kill]).answer();
    answer.says(Killer::StopTimeout, Confidence::Proven).in_short("30.0 s passed");
    answer.proves("Kill container", "containerd gave up waiting");
}

#[test]
fn systemd_names_whom_it_killed_after_the_stop_ran_out() {
    let text = "Dec 29 13:48:23 pi systemd[1]: robot.service: State 'stop-sigterm' timed out. Killing.\n\
        Dec 29 13:48:23 pi systemd[1]: robot.service: Killing process 410 (robot) with signal SIGKILL.\n\
        Dec 29 13:48:23 pi systemd[1]: robot.service: Killing process 411 (helper) with signal SIGKILL.\n";
    let answer = Case::pasted(&[text]).answer();
    answer
        .says(Killer::StopTimeout, Confidence::Proven)
        .proves("Killing process 411", "whom it killed");
    assert_eq!(answer.victims(), [Some(410), Some(411)]);
    answer.in_short("the grace period passed");
}

#[test]
fn a_signal_that_was_obeyed_is_a_stop_whatever_its_code() {
    let term = after(&[signalled(59.0, 15)], 143).whole_kernel(&[]).answer();
    term.says(Killer::Stopped, Confidence::Proven)
        .in_short("SIGTERM was sent, and it ended with 143");
    term.rules_out_only(&KERNEL).proves("\"signal\":\"15\"", "docker sent SIGTERM");
    assert_eq!((term.verdict.main.fate, term.verdict.main.signal), (Fate::Killed, Some(15)));
    let tidy = after(&[signalled(59.0, 15)], 0).answer();
    assert_eq!((tidy.verdict.main.fate, tidy.verdict.main.signal), (Fate::Exited, None));
    // 128 alone is no signal's code; nor is one past the last signal.
    let odd = after(&[signalled(59.0, 15)], 128).answer();
    assert_eq!((odd.verdict.main.fate, odd.verdict.main.signal), (Fate::Exited, None));
    let past = after(&[signalled(59.0, 15)], 160).answer();
    assert_eq!(past.verdict.main.signal, None);
    for signal in [1, 2, 3] {
        after(&[signalled(59.0, signal)], 128 + i64::from(signal)).answer().by("stopped");
    }
    // USR1 asks for nothing: an end by it is a kill.
    after(&[signalled(59.0, 10)], 0).answer().by("not-killed");
    after(&[signalled(59.0, 15)], 137).answer().by("unknown");
}

#[test]
fn a_signal_that_it_lived_on_with_did_not_stop_it() {
    // 10 s of docker's own timeout and 5 s more.
    after(&[signalled(45.0, 1)], 0).answer().by("stopped");
    after(&[signalled(44.9, 1)], 0).answer().by("not-killed");
    // A `stop` waits as long as it was told to.
    after(&[signalled(5.0, 15), event(60.1, "stop", &[])], 0).answer().by("stopped");
    let patient = |asked: f64, timeout: i64| {
        let inspect = with(exited(60.0, 0), "/Config/StopTimeout", json!(timeout));
        Case::of(&inspect)
            .all_events(&[event(0.0, "start", &[]), signalled(asked, 15), died(60.0, 0)])
            .answer()
    };
    patient(25.1, 30).by("stopped");
    patient(24.9, 30).by("not-killed");
    // A shorter timeout does not shorten the others' patience.
    patient(45.1, 2).by("stopped");
}

#[test]
fn dockers_note_and_the_stop_signals_code_are_a_stop() {
    let answer = Case::of(&exited(60.0, 143)).noted(true).answer();
    answer
        .says(Killer::Stopped, Confidence::Likely)
        .proves("true", "a signal came through its API");
    answer.proves("143", "the end of a program that obeyed");
    Case::of(&exited(60.0, 143)).noted(false).answer().by("unknown");
    Case::of(&exited(60.0, 130)).noted(true).answer().by("unknown");
    let own = with(exited(60.0, 130), "/Config/StopSignal", json!("SIGINT"));
    Case::of(&own).noted(true).answer().by("stopped");
    let number = with(exited(60.0, 130), "/Config/StopSignal", json!("2"));
    Case::of(&number).noted(true).answer().by("stopped");
    let other = [event(0.0, "start", &[]), signalled(5.0, 10), died(60.0, 143)];
    Case::of(&exited(60.0, 143)).noted(true).events(&other).answer().by("unknown");
}

#[test]
fn kill_as_the_stop_signal_asks_for_nothing() {
    let own = with(exited(60.0, 137), "/Config/StopSignal", json!("SIGKILL"));
    let entries =
        [event(0.0, "start", &[]), signalled(59.9, 9), died(60.0, 137), event(60.1, "stop", &[])];
    Case::of(&own).all_events(&entries).answer().by("api-kill");
}
