//! Whole cases: what docker's count, its events and the kernel's log tell together.

use casefile::{Asked, Body, CaseFile, Clock, ContainerId, Exhibit, Moment, Source};

use crate::loops::{Cause, Kind, Loop, State, loops};

const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

fn exhibit(id: &str, source: Source, text: String) -> Exhibit {
    Exhibit {
        id: id.to_owned(),
        source,
        label: id.to_owned(),
        check: None,
        about: (source != Source::KernelLog).then(|| ContainerId::parse(ID).unwrap()),
        clock: Clock::Wall,
        covers: false,
        cut_from: None,
        body: Body::Text(text),
    }
}

fn inspect(restarts: u32, status: &str, started: f64) -> Exhibit {
    let running = status != "exited";
    let pid = if status == "running" { 4711 } else { 0 };
    exhibit(
        "inspect",
        Source::ContainerInspect,
        format!(
            "{{\"Id\":\"{ID}\",\"Name\":\"/api\",\"Path\":\"python3\",\"Args\":[],\"RestartCount\":{restarts},\
             \"State\":{{\"Status\":\"{status}\",\"Running\":{running},\"Pid\":{pid},\"ExitCode\":137,\
             \"StartedAt\":\"{}\",\"FinishedAt\":\"{}\"}},\
             \"HostConfig\":{{\"Memory\":67108864,\"MemorySwap\":67108864,\
             \"RestartPolicy\":{{\"Name\":\"always\",\"MaximumRetryCount\":0}}}}}}",
            at(started),
            at(started + 2.0)
        ),
    )
}

/// A moment of the hour, as docker spells it.
fn at(second: f64) -> String {
    let (minute, second) = ((second / 60.0).floor(), second % 60.0);
    format!("2026-05-27T18:{minute:02}:{second:09.6}Z")
}

fn event(action: &str, second: f64, attributes: &str) -> String {
    let moment = Moment::parse(&at(second)).unwrap();
    let nanos = moment.0.as_nanosecond();
    format!(
        "{{\"Type\":\"container\",\"Action\":\"{action}\",\"Actor\":{{\"ID\":\"{ID}\",\"Attributes\":{{\"name\":\"api\"{attributes}}}}},\"time\":{},\"timeNano\":{nanos}}}\n",
        nanos / 1_000_000_000
    )
}

fn life(start: f64, code: i64) -> String {
    event("start", start, "") + &event("die", start + 2.0, &format!(",\"exitCode\":\"{code}\""))
}

fn kill(second: f64, pid: u32) -> String {
    let stamp = at(second).replace('Z', "+00:00");
    format!(
        "{stamp} host kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={ID},mems_allowed=0,oom_memcg=/docker/{ID},task_memcg=/docker/{ID},task=python3,pid={pid},uid=0\n\
         {stamp} host kernel: Memory cgroup out of memory: Killed process {pid} (python3) total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0\n"
    )
}

fn found(exhibits: Vec<Exhibit>, asked_at: f64) -> Vec<Loop> {
    let asked = Asked { container_id: ContainerId::parse(ID), ..Asked::default() };
    let mut case = CaseFile::new(asked, Moment::parse(&at(asked_at)).unwrap());
    case.exhibits = exhibits;
    loops(&case)
}

#[test]
fn the_kernels_log_tells_of_lives_that_dockers_events_have_forgotten() {
    let starts: Vec<f64> = (0..7).map(|life| f64::from(life) * 10.0).collect();
    let kernel: String = starts.iter().map(|start| kill(start + 1.95, 300)).collect();
    let events: String = starts.iter().skip(5).map(|start| life(*start, 137)).collect();
    let exhibits = |restarts| {
        vec![
            inspect(restarts, "restarting", 60.0),
            exhibit("events", Source::ContainerEvents, events.clone()),
            exhibit("kernel", Source::KernelLog, kernel.clone()),
        ]
    };
    let all = found(exhibits(7), 63.0);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].kind, &all[0].cause), (Kind::RestartLoop, &Cause::OwnLimit));
    assert_eq!((all[0].deaths, all[0].seen, all[0].at_limit), (7, 7, 7));
    assert_eq!(all[0].ages.map(|ages| ages.count), Some(2));
    assert_eq!(all[0].state, State::Waiting);
    // Docker counts two restarts: the other kills were no deaths under this policy.
    assert!(found(exhibits(2), 63.0).is_empty());
}

#[test]
fn a_container_that_is_restarted_by_hand_does_not_go_round() {
    let stopped = |start: f64| {
        event("start", start, "")
            + &event("kill", start + 1.0, ",\"signal\":\"15\"")
            + &event("die", start + 2.0, ",\"exitCode\":\"143\"")
            + &event("stop", start + 2.0, "")
    };
    let events: String = (0..5).map(|life| stopped(f64::from(life) * 10.0)).collect();
    let exhibits =
        vec![inspect(0, "exited", 40.0), exhibit("events", Source::ContainerEvents, events)];
    assert!(found(exhibits, 60.0).is_empty());
}

#[test]
fn kills_inside_one_life_are_told_beside_its_restart_policy() {
    let kernel: String = (0..6).map(|one| kill(10.0 + f64::from(one), 300 + one)).collect();
    let mut state = inspect(0, "running", 5.0);
    let Body::Text(text) = &mut state.body;
    *text = text.replace(&at(7.0), "0001-01-01T00:00:00Z");
    let exhibits = vec![
        state,
        exhibit("events", Source::ContainerEvents, event("start", 5.0, "")),
        exhibit("kernel", Source::KernelLog, kernel),
    ];
    let all = found(exhibits, 17.0);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].kind, &all[0].cause), (Kind::RespawnStorm, &Cause::OwnLimit));
    assert_eq!((all[0].deaths, all[0].state), (6, State::Up));
    assert!(all[0].trial().is_none());
}

#[test]
fn without_dockers_events_the_end_is_the_nearest_kill_and_the_kernels_log_tells_of_the_others() {
    let ends: Vec<f64> = (0..6).map(|life| f64::from(life) * 9.0 + 5.0).collect();
    let kernel: String = ends.iter().zip(300..).map(|(end, pid)| kill(*end - 0.05, pid)).collect();
    // It runs again: docker keeps the end of the life before, and the start of this one.
    let mut now = inspect(6, "running", 51.0);
    let Body::Text(text) = &mut now.body;
    *text = text.replace(&at(53.0), &at(50.0));
    let all = found(vec![now, exhibit("kernel", Source::KernelLog, kernel)], 54.0);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].cause.clone(), all[0].state), (Cause::OwnLimit, State::Up));
    assert_eq!((all[0].deaths, all[0].seen, all[0].at_limit), (6, 6, 6));
    let lines: Vec<&str> = all[0].because.iter().map(|it| it.says.as_str()).collect();
    assert!(lines.iter().any(|line| line.contains("pid 305")), "{lines:?}");
    assert!(all[0].interval_seconds.is_some_and(|it| (it - 9.0).abs() < 0.2), "{all:?}");
}
