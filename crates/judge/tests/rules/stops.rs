//! Asked to stop, and obeyed or not: by a typed command, by systemd, through `why137 run`, by the
//! program's own word.

use casefile::{Asked, CgroupPath, Source};
use judge::verdict::{Confidence, Fate, Killer, Role};
use serde_json::json;

use crate::case::{Answer, Case, Report, event, exited, moment, time, with};

/// A terminal in which `docker stop web` was typed and answered, and what `docker ps -a` said then.
fn typed_stop(options: &str, status: &str) -> String {
    format!(
        "root@n1:~# docker stop {options}web\nweb\nroot@n1:~# docker ps -a\n\
         CONTAINER ID   IMAGE     COMMAND       CREATED          STATUS                       PORTS     NAMES\n\
         3f9a1c5e7b2d   app:1     \"serve\"       10 minutes ago   {status} 2 seconds ago             web\n"
    )
}

fn terminal(texts: &[&str]) -> Answer {
    Case::pasted(texts).answer()
}

/// Who did it, by name.
fn by(answer: &Answer) -> Option<&str> {
    answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref())
}

#[test]
fn a_typed_stop_that_ended_with_137_ran_out_of_its_grace() {
    let forced = terminal(&[&typed_stop("", "Exited (137)")]);
    forced.says(Killer::StopTimeout, Confidence::Likely).by("stop-timeout");
    forced.in_short("the stop signal was sent, the grace period passed, then SIGKILL");
    forced.proves("docker stop web", "somebody typed `docker stop`, and it was answered");
    forced.proves("137", "still there when the grace period ran out");
    assert_eq!(by(&forced), Some("docker stop"));
    // What was typed says how long, and which signal came first.
    terminal(&[&typed_stop("-t 3 --signal USR2 ", "Exited (137)")])
        .by("stop-timeout")
        .in_short("SIGUSR2 was sent, 3.0 s passed");
}

#[test]
fn a_typed_stop_explains_no_137_that_the_kernel_does() {
    // The OOM flag beside it, or the kernel's own report: memory is the question then.
    let flag = json!([{"Id": crate::case::WEB, "Name": "/web", "State": {"Status": "exited", "Running": false,
        "OOMKilled": true, "ExitCode": 137, "StartedAt": time(0.0), "FinishedAt": time(60.0)}}]);
    let text = format!(
        "root@n1:~# docker stop web\nweb\nroot@n1:~# docker inspect web\n{}\n",
        serde_json::to_string_pretty(&flag).expect("json")
    );
    terminal(&[&text]).by("oom-level-unknown");
    terminal(&[&text.replace("\"OOMKilled\": true", "\"OOMKilled\": false")]).by("stop-timeout");
    let kernel = Report::child(59.0).lines();
    let both = terminal(&[&typed_stop("", "Exited (137)"), &kernel]);
    assert_ne!(both.verdict.killer, Killer::StopTimeout);
}

#[test]
fn a_typed_stop_that_was_obeyed_is_a_stop() {
    let term = terminal(&[&typed_stop("", "Exited (143)")]);
    term.says(Killer::Stopped, Confidence::Likely).in_short("`docker stop` was typed before");
    term.proves("docker stop web", "and it was answered").proves("143", "the end that followed");
    term.leaves(&[]);
    assert_eq!((term.verdict.main.fate, term.verdict.main.signal), (Fate::Killed, Some(15)));
    assert_eq!(by(&term), Some("docker stop"));
    terminal(&[&typed_stop("", "Exited (0)")]).says(Killer::Stopped, Confidence::Likely);
}

#[test]
fn a_typed_stop_without_an_end_may_have_been_forced() {
    let open = terminal(&["root@n1:~# docker stop web\nweb\n"]);
    open.says(Killer::Stopped, Confidence::Possible).leaves(&[Killer::StopTimeout]);
    assert!(open.candidate(Killer::StopTimeout).because.contains("grace period"));
    // A kill in the kernel's log beside it is the answer.
    terminal(&["root@n1:~# docker stop web\nweb\n", &Report::own(59.0).lines()]).by("own-limit");
}

#[test]
fn a_typed_stop_does_not_hide_that_a_process_was_killed_for_memory_before() {
    let inspect = |oom: bool| {
        let state = json!([{"Id": crate::case::WEB, "Name": "/web", "State": {"Status": "exited", "Running": false,
            "OOMKilled": oom, "ExitCode": 143, "StartedAt": time(0.0), "FinishedAt": time(60.0)}}]);
        let text = serde_json::to_string_pretty(&state).expect("json");
        format!("root@n1:~# docker stop web\nweb\nroot@n1:~# docker inspect web\n{text}\n")
    };
    terminal(&[&inspect(false)]).says(Killer::Stopped, Confidence::Likely);
    assert_ne!(terminal(&[&inspect(true)]).verdict.killer, Killer::Stopped);
    let kernel = Report::child(59.9).lines();
    let killed = terminal(&[&inspect(false), &kernel]);
    assert_ne!(killed.verdict.killer, Killer::Stopped, "{:#?}", killed.verdict);
}

#[test]
fn a_typed_kill_is_believed_where_the_end_shows_its_signal() {
    let kill = |options: &str, status: &str| {
        typed_stop("", status).replace("stop web", &format!("kill {options}web"))
    };
    terminal(&[&kill("", "Exited (137)")])
        .says(Killer::ApiKill, Confidence::Likely)
        .in_short("`docker kill`");
    terminal(&[&kill("-s USR1 ", "Exited (138)")]).says(Killer::ApiKill, Confidence::Likely);
    // The end shows another signal, or a status of the program's own.
    assert_ne!(terminal(&[&kill("-s USR1 ", "Exited (137)")]).verdict.killer, Killer::ApiKill);
    terminal(&[&kill("", "Exited (1)")]).by("not-killed");
    // Without an end only SIGKILL is sure to have made one.
    terminal(&["$ docker kill web\nweb\n"]).says(Killer::ApiKill, Confidence::Likely);
    assert_ne!(terminal(&["$ docker kill -s HUP web\nweb\n"]).verdict.killer, Killer::ApiKill);
}

#[test]
fn a_typed_kill_explains_no_oom_notification() {
    let inspect = |oom: bool| {
        let state = json!([{"Id": crate::case::WEB, "Name": "/web", "State": {"Status": "exited", "Running": false,
            "OOMKilled": oom, "ExitCode": 137, "StartedAt": time(0.0), "FinishedAt": time(60.0)}}]);
        let text = serde_json::to_string_pretty(&state).expect("json");
        format!("root@n1:~# docker kill web\nweb\nroot@n1:~# docker inspect web\n{text}\n")
    };
    terminal(&[&inspect(false)]).says(Killer::ApiKill, Confidence::Likely);
    terminal(&[&inspect(true)]).by("oom-level-unknown");
    let killed = terminal(&[&inspect(false), &Report::child(59.9).lines()]);
    assert_ne!(killed.verdict.killer, Killer::ApiKill, "{:#?}", killed.verdict);
}

#[test]
fn a_drained_pods_end_is_the_drains_whatever_its_code() {
    let pod = |code: i64| {
        let told = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "api-1"}, "status": {"phase": "Failed",
            "containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": code, "reason": "Error"}}}]}});
        let text = serde_json::to_string_pretty(&told).expect("json");
        format!("$ kubectl drain n1\npod/api-1 evicted\n$ kubectl get pod api-1 -o json\n{text}\n")
    };
    for code in [137, 143] {
        terminal(&[&pod(code)])
            .says(Killer::ApiKill, Confidence::Likely)
            .in_short("`kubectl drain`");
    }
}

/// How `why137 run` saw its command (pid 123) end after 60 s, and a signal that it passed on.
fn run(status: &str, seconds: f64, passed: &str) -> Answer {
    let wait = format!(
        "==> wait status of pid 123 <==\ncomm hog\nstarted {}\nended {}\n{status}\n",
        time(0.0),
        time(60.0)
    );
    Case::pasted(&[])
        .add(Source::Proc, &wait)
        .add(Source::Journal, &passed_on(seconds, passed))
        .answer()
}

fn passed_on(seconds: f64, words: &str) -> String {
    format!("{} localhost why137-run[77]: passed {words}\n", time(seconds).replace('Z', "+00:00"))
}

const FROM_RUNNER: &str = "SIGTERM on to pid 123, sent by pid 55 uid 1000 (runner)";

#[test]
fn a_signal_that_why137_run_passed_on_names_who_sent_it() {
    let term = run("signal 15", 59.9, FROM_RUNNER);
    term.says(Killer::Stopped, Confidence::Proven);
    term.in_short("runner, pid 55, sent SIGTERM, and it was passed on");
    term.proves("SIGTERM on to pid 123", "runner, pid 55, sent SIGTERM");
    term.proves("signal 15", "the end that followed");
    let sender = term.verdict.killed_by.clone().expect("a sender");
    assert_eq!(
        (sender.name.as_deref(), sender.pid, sender.uid),
        (Some("runner"), Some(55), Some(1000))
    );
    assert_eq!((term.verdict.main.fate, term.verdict.main.signal), (Fate::Killed, Some(15)));
    let unseen = run("exited 0", 59.9, "SIGINT on to pid 123, sent by pid 0 uid 0");
    unseen.says(Killer::Stopped, Confidence::Proven);
    unseen.in_short("a process sent SIGINT");
}

#[test]
fn a_signal_that_was_passed_on_is_no_stop_where_the_end_is_another() {
    // SIGKILL ended it: whoever sent that is another question.
    assert_ne!(run("signal 9", 59.9, FROM_RUNNER).verdict.killer, Killer::Stopped);
    // To another process; a signal that asks for no end; one that it lived on with.
    for (seconds, passed) in [
        (59.9, "SIGTERM on to pid 124, sent by pid 55 uid 1000 (runner)"),
        (59.9, "SIGUSR1 on to pid 123, sent by pid 55 uid 1000 (runner)"),
        (44.9, FROM_RUNNER),
    ] {
        run("exited 3", seconds, passed).by("not-killed");
    }
    run("exited 3", 45.1, FROM_RUNNER).by("stopped");
    // A container is another subject.
    Case::of(&exited(60.0, 143))
        .add(Source::Journal, &passed_on(59.9, FROM_RUNNER))
        .answer()
        .by("unknown");
}

#[test]
fn the_last_signal_that_was_passed_on_and_asks_for_an_end_is_the_one() {
    let wait = format!(
        "==> wait status of pid 7 <==\ncomm hog\nstarted {}\nended {}\nnamespace inner\nexited 0\n",
        time(0.0),
        time(60.0)
    );
    let lines = passed_on(58.0, "SIGINT on to pid 123, sent by pid 54 uid 0 (shell)")
        + &passed_on(59.0, FROM_RUNNER)
        + &passed_on(59.5, "SIGUSR1 on to pid 123, sent by pid 56 uid 0 (other)");
    // Its pid in the kernel's count is not known: the lines are about the one command all the same.
    let answer = Case::pasted(&[]).add(Source::Proc, &wait).add(Source::Journal, &lines).answer();
    answer.says(Killer::Stopped, Confidence::Proven).in_short("runner, pid 55, sent SIGTERM");
}

/// systemd's line about `robot.service`, so many seconds after its start.
pub(crate) fn systemd(seconds: f64, words: &str) -> String {
    let micros = moment(seconds).0.as_microsecond().to_string();
    let entry = json!({"MESSAGE": words, "SYSLOG_IDENTIFIER": "systemd", "_PID": "1", "UNIT": "robot.service",
        "__REALTIME_TIMESTAMP": micros});
    format!("{entry}\n")
}

pub(crate) const STARTED: &str = "Started robot.service - Robot control.";
const STOPPING: &str = "Stopping robot.service - Robot control...";
const RUNTIME_MAX: &str = "robot.service: Service reached runtime time limit. Stopping.";

/// The main process ended: `killed, status=9/KILL`.
pub(crate) fn main_exited(how: &str) -> String {
    systemd(60.0, &format!("robot.service: Main process exited, code={how}"))
}

/// Asked about `robot.service` on the machine that ran it.
pub(crate) fn robot() -> Case {
    Case::asked(Asked {
        name: Some("robot.service".to_owned()),
        unit: Some("robot.service".to_owned()),
        cgroup: CgroupPath::parse("/system.slice/robot.service"),
        ..Asked::default()
    })
}

/// The same with systemd's journal, from the start on.
pub(crate) fn journal(lines: &[String]) -> Case {
    robot().add(Source::Journal, &(systemd(0.0, STARTED) + &lines.concat()))
}

#[test]
fn a_unit_that_systemd_stopped_and_that_obeyed_was_stopped() {
    let term = journal(&[systemd(59.0, STOPPING), main_exited("killed, status=15/TERM")]).answer();
    term.says(Killer::Stopped, Confidence::Proven);
    term.proves("Stopping robot.service", "systemd was asked to stop the unit");
    term.proves("status=15/TERM", "the end that followed");
    assert_eq!(by(&term), Some("systemd"));
    assert_eq!(term.verdict.detail, None, "who asked is all there is to say");
    let limit = journal(&[systemd(59.0, RUNTIME_MAX), main_exited("killed, status=15/TERM")]);
    limit.answer().says(Killer::Stopped, Confidence::Proven).in_short("RuntimeMaxSec=");
}

#[test]
fn a_stop_of_a_unit_explains_neither_a_sigkill_nor_an_end_that_is_not_shown() {
    let kill = journal(&[systemd(59.0, STOPPING), main_exited("killed, status=9/KILL")]).answer();
    kill.by("unknown");
    assert_ne!(journal(&[systemd(59.0, STOPPING)]).answer().verdict.killer, Killer::Stopped);
}

#[test]
fn a_stop_of_a_unit_that_had_to_be_forced_says_why_it_was_stopped_and_whom_it_took() {
    let forced = |why: &str| {
        let lines = [
            systemd(50.0, why),
            systemd(59.9, "robot.service: State 'stop-sigterm' timed out. Killing."),
            systemd(59.9, "robot.service: Killing process 700 (robot) with signal SIGKILL."),
            systemd(59.9, "robot.service: Killing process 712 (helper) with signal SIGKILL."),
            main_exited("killed, status=9/KILL"),
        ];
        let state = "Id=robot.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nExecMainPID=700\n\
            ExecMainCode=2\nExecMainStatus=9\nSlice=system.slice\nKillSignal=2\nTimeoutStopUSec=9.9s\n";
        journal(&lines).add(Source::UnitState, state).answer()
    };
    let asked = forced(STOPPING);
    asked.says(Killer::StopTimeout, Confidence::Proven);
    assert_eq!(
        asked.verdict.detail.as_deref(),
        Some("SIGINT was sent, 9.9 s passed, then SIGKILL"),
        "that somebody asked stands in the proof"
    );
    let first = asked.verdict.because.first().expect("a line");
    assert_eq!(first.says, "systemd was asked to stop the unit");
    let killed: Vec<_> =
        asked.verdict.victims.iter().map(|it| (it.pid, it.comm.as_deref(), it.role)).collect();
    let expected =
        [(Some(700), Some("robot"), Role::Main), (Some(712), Some("helper"), Role::Child)];
    assert_eq!(killed, expected);
    forced(RUNTIME_MAX).in_short(
        "it had run for its RuntimeMaxSec= and systemd stopped it; SIGINT was sent, 9.9 s passed",
    );
}

#[test]
fn systemds_result_tells_of_a_time_that_ran_out_where_its_lines_are_gone() {
    let result = |word: &str, how: &str| {
        let failed = systemd(60.0, &format!("robot.service: Failed with result '{word}'."));
        journal(&[main_exited(how), failed]).answer()
    };
    let timeout = result("timeout", "killed, status=9/KILL");
    timeout.says(Killer::StopTimeout, Confidence::Likely);
    timeout.proves("result 'timeout'", "systemd gave up waiting and used SIGKILL");
    assert_eq!(by(&timeout), Some("systemd"));
    result("signal", "killed, status=9/KILL").by("unknown");
    assert_ne!(result("timeout", "exited, status=1/FAILURE").verdict.killer, Killer::StopTimeout);
}

const TOLD: &str = "received SIGTERM, shutting down\n";

#[test]
fn the_programs_own_word_tells_a_stop_where_its_end_fits() {
    for code in [0, 129, 130, 131, 143] {
        let answer = Case::of(&exited(60.0, code)).log(TOLD).answer();
        answer
            .says(Killer::Stopped, Confidence::Likely)
            .in_short("the program's own log says that it was told to stop");
        answer.proves("received SIGTERM", "who asked is not in it");
        answer.proves(&code.to_string(), "the end that followed");
    }
    Case::of(&exited(60.0, 1)).log(TOLD).answer().by("not-killed");
}

#[test]
fn the_programs_own_word_does_not_hide_what_was_killed_for_memory() {
    // A child that the kernel killed half a minute before.
    let child = Case::of(&exited(60.0, 0)).log(TOLD).kernel(&[Report::child(30.0).lines()]);
    child.answer().by("own-limit");
    // The runtime's flag alone.
    let flagged = with(exited(60.0, 0), "/State/OOMKilled", json!(true));
    Case::of(&flagged).log(TOLD).answer().by("oom-level-unknown");
}

#[test]
fn a_pod_that_is_being_stopped_and_still_runs_is_alive() {
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"phase": "Running",
        "containerStatuses": [{"name": "web", "state": {"running": {"startedAt": "2026-11-22T10:00:00Z"}}}]}});
    let stopping = json!({"kind": "Event", "apiVersion": "v1", "reason": "Killing", "message": "Stopping container web",
        "type": "Normal", "involvedObject": {"kind": "Pod", "name": "p"}, "count": 1, "lastTimestamp": "2026-11-22T10:01:00Z"});
    Case::pasted(&[&pod.to_string(), &stopping.to_string()]).answer().by("still-alive");
}

#[test]
fn a_kill_whose_times_are_not_known_is_likely_where_they_would_decide() {
    let history = |entries: &[String], ended: bool| {
        let inspect = exited(60.0, 137);
        let unknown = json!("0001-01-01T00:00:00Z");
        let inspect = if ended { inspect } else { with(inspect, "/State/FinishedAt", unknown) };
        Case::of(&inspect).all_events(entries).answer()
    };
    let kill = crate::case::signalled(59.9, 9);
    let stop = crate::case::signalled(59.0, 15);
    let start = || event(0.0, "start", &[]);
    // When it ended is not shown, but one kill is all that came.
    history(&[start(), kill.clone()], false).says(Killer::ApiKill, Confidence::Proven);
    // Nor is when the kill was asked for: with a dated end it may be an earlier life's.
    let undated = |entry: String| {
        let mut entry: serde_json::Value = serde_json::from_str(&entry).expect("json");
        let told = entry.as_object_mut().expect("an object");
        told.remove("time");
        told.remove("timeNano");
        format!("{entry}\n")
    };
    let entries = [undated(start()), undated(kill.clone())];
    history(&entries, false).says(Killer::ApiKill, Confidence::Proven);
    history(&entries, true).says(Killer::ApiKill, Confidence::Likely);
    // After a stop's signal its own SIGKILL cannot be told from a client's then.
    history(&[start(), stop.clone(), kill.clone()], false)
        .says(Killer::ApiKill, Confidence::Likely)
        .leaves(&[Killer::StopTimeout]);
    history(&[start(), stop, kill], true).says(Killer::ApiKill, Confidence::Proven).leaves(&[]);
}

/// What Compose told of its own doing, and the end that it repeated.
fn compose(state: &str, name: &str, code: i64) -> Answer {
    terminal(&[&format!(
        "db-1 exited with code 0\n Container shop-{name}  {state}\nweb-1 exited with code {code}\n"
    )])
}

#[test]
fn compose_says_itself_whom_it_stopped_and_whom_it_killed() {
    let stopped = compose("Stopped", "web-1", 137);
    stopped.says(Killer::StopTimeout, Confidence::Likely).by("stop-timeout");
    stopped.proves("Container shop-web-1  Stopped", "Compose's own word: it stopped the container");
    assert_eq!(by(&stopped), Some("docker compose"));
    // The code of another container is none of this one's.
    assert_eq!(stopped.contradictions(), "");
    let obeyed = compose("Stopped", "web-1", 143);
    obeyed.says(Killer::Stopped, Confidence::Likely).in_short("Compose stopped it");
    let killed = compose("Killed", "web-1", 137);
    killed.says(Killer::ApiKill, Confidence::Likely).in_short("Compose killed it");
    // Another container's row, and a job's code beside it, are no request for this end.
    compose("Stopped", "db-1", 137).by("unknown");
    terminal(&[" Container shop-db-1  Stopped\nProcess completed with exit code 137.\n"])
        .by("unknown");
}

/// The kubelet's line that it stops the container, and its line of the end.
fn kubelets(grace: u64, code: i64) -> Answer {
    let id = crate::case::WEB;
    terminal(&[&format!(
        "I0511 10:00:00.000000    1800 kuberuntime_container.go:779] \"Killing container with a grace period\" pod=\"p/api\" podUID=\"u\" containerName=\"app\" containerID=\"containerd://{id}\" gracePeriod={grace}\n\
         I0511 10:00:31.000000    1800 generic.go:334] \"Generic (PLEG): container finished\" podID=\"u\" containerID=\"{id}\" exitCode={code}\n"
    )])
}

#[test]
fn a_stop_that_a_daemon_was_asked_for_is_told_by_the_end() {
    let forced = kubelets(30, 137);
    forced.says(Killer::StopTimeout, Confidence::Likely).in_short("the grace period passed");
    forced.proves("gracePeriod=30", "kubelet was asked to stop it, and gives it 30 s");
    forced.proves("exitCode=137", "still there when the grace period ran out");
    let obeyed = kubelets(30, 143);
    obeyed.says(Killer::Stopped, Confidence::Likely);
    obeyed.in_short("kubelet stopped it, and gave it 30 s");
    // Of no seconds it is a kill.
    kubelets(0, 137).by("api-kill");
    // Without an end it may have been forced.
    let only = format!(
        "I0511 10:00:00.000000    1800 kuberuntime_container.go:779] \"Killing container with a grace period\" pod=\"p/api\" containerID=\"containerd://{}\" gracePeriod=30\n",
        crate::case::WEB
    );
    let open = terminal(&[&only]);
    open.says(Killer::Stopped, Confidence::Possible).leaves(&[Killer::StopTimeout]);
}

#[test]
fn an_end_that_came_before_the_grace_was_over_is_not_the_stops() {
    let asked = |seconds: f64, code: i64| {
        let line = format!(
            "time=\"{}\" level=info msg=\"StopContainer for \\\"{}\\\" with timeout 10 (s)\"\n",
            time(60.0 - seconds),
            crate::case::WEB
        );
        Case::of(&exited(60.0, code)).add(Source::Journal, &line).answer()
    };
    asked(10.0, 137).by("stop-timeout").in_short("10.0 s passed");
    asked(9.1, 137).by("stop-timeout");
    asked(9.0, 137).by("unknown");
    asked(5.0, 1).by("stopped");
}

#[test]
fn the_kubelet_says_why_it_stopped_a_container() {
    for (message, why) in [
        ("Stopping container web", "its pod was deleted or replaced"),
        (
            "Container web definition changed, will be restarted",
            "its definition in the pod was changed",
        ),
        ("FailedPostStartHook", "its postStart hook failed"),
    ] {
        let row = format!("10s   Normal   Killing   pod/api-1   {message}\n");
        terminal(&[&row]).says(Killer::Stopped, Confidence::Likely).in_short(why);
    }
    terminal(&["10s   Normal   Pulled   pod/api-1   FailedPostStartHook\n"]).by("unknown");
}

#[test]
fn a_pod_that_was_refused_was_not_killed_and_a_controllers_eviction_is_its_own() {
    let told = |reason: &str, message: &str| {
        terminal(&[&format!("10s   Normal   {reason}   pod/api-1   {message}\n")])
    };
    told("NodeShutdown", "Pod Node is in progress of shutting down, not admitting any new pods")
        .by("unknown");
    told("NodeShutdown", "node is shutting down").by("api-kill");
    told("EvictedByVPA", "by VPA").by("api-kill");
    told("Descheduled", "pod evicted by descheduler").by("api-kill");
    told("ScaleDown", "deleting pod for node scale down").by("api-kill");
    told("ScaleDown", "node removed").by("unknown");
    told("Evicted", "Evicted pod: Underutilized").by("api-kill");
    told("Evicted", "The node was low on resource: memory.").by("eviction");
}
