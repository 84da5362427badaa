//! Whole cases: what docker's count, its events and the kernel's log tell together.

use casefile::{Asked, Body, CaseFile, Clock, Exhibit, Source};

use super::*;
use crate::facts;
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

/// The past of the container as these exhibits tell it.
fn past(exhibits: Vec<Exhibit>, asked_at: f64) -> Past {
    let asked = Asked { container_id: ContainerId::parse(ID), ..Asked::default() };
    let mut case = CaseFile::new(asked, Moment::parse(&at(asked_at)).unwrap());
    case.exhibits = exhibits;
    of(&facts::establish(&case), ContainerId::parse(ID)).unwrap()
}

fn events(text: String) -> Exhibit {
    exhibit("events", Source::ContainerEvents, text)
}

fn kernel(text: String) -> Exhibit {
    exhibit("kernel", Source::KernelLog, text)
}

/// A container that runs since the fifth second, and has not ended before.
fn up() -> Exhibit {
    let mut state = inspect(0, "running", 5.0);
    let Body::Text(text) = &mut state.body;
    *text = text.replace(&at(7.0), "0001-01-01T00:00:00Z");
    state
}

#[test]
fn without_a_question_every_container_of_the_text_is_looked_at_once() {
    let other = "a".repeat(64);
    let text = inspect(3, "exited", 5.0);
    let entries = life(5.0, 137) + &life(15.0, 137).replace(ID, &other);
    let mut case = CaseFile::new(Asked::default(), Moment::parse(&at(60.0)).unwrap());
    case.exhibits = vec![text, events(entries)];
    let ids = |case: &CaseFile| subjects(&facts::establish(case));
    assert_eq!(ids(&case), [ContainerId::parse(ID).unwrap(), ContainerId::parse(&other).unwrap()]);
    case.asked.container_id = ContainerId::parse(&other);
    assert_eq!(ids(&case), [ContainerId::parse(&other).unwrap()]);
}

#[test]
fn the_past_names_the_container_and_when_it_began_to_run() {
    let one = past(vec![up(), events(event("start", 5.0, ""))], 17.0);
    assert_eq!((one.name.as_deref(), one.policy.as_deref()), (Some("api"), Some("always")));
    assert_eq!((one.alive_since, one.now), (Moment::parse(&at(5.0)), Moment::parse(&at(17.0))));
    let dead = past(vec![inspect(0, "exited", 5.0)], 17.0);
    assert_eq!((dead.is_alive, dead.alive_since), (false, None));
}

#[test]
fn a_health_check_shows_in_the_record_or_in_the_events() {
    let checked = |status: &str, word: &str| {
        let mut state = up();
        let Body::Text(text) = &mut state.body;
        let health = format!("\"Health\":{{\"Status\":\"{word}\"}},\"StartedAt\"");
        *text = text.replace("\"StartedAt\"", &health);
        let entries = event("start", 5.0, "") + &event(status, 6.0, "");
        let one = past(vec![state, events(entries)], 17.0);
        (one.has_health_check, one.is_healthy)
    };
    let other = "exec_create: ls";
    assert_eq!(checked(other, "none"), (false, false));
    assert_eq!(checked(other, "starting"), (true, false));
    assert_eq!(checked(other, "healthy"), (true, true));
    assert_eq!(checked("health_status: unhealthy", "none"), (true, false));
    assert_eq!(checked("health_status: healthy", "none"), (true, true));
}

#[test]
fn a_check_that_passed_in_an_earlier_life_says_nothing_of_this_one() {
    let entries = event("start", 5.0, "")
        + &event("health_status: healthy", 6.0, "")
        + &event("die", 7.0, ",\"exitCode\":\"137\"")
        + &event("start", 12.0, "")
        + &event("die", 14.0, ",\"exitCode\":\"137\"");
    let healthy: Vec<bool> =
        past(vec![events(entries)], 17.0).ended.iter().map(|end| end.was_healthy).collect();
    assert_eq!(healthy, [true, false]);
}

#[test]
fn kills_before_the_first_known_life_are_lives_that_the_events_forgot() {
    let ended = |kills: &[String]| {
        let exhibits = vec![
            inspect(9, "restarting", 60.0),
            events(life(60.0, 137)),
            kernel(kills.concat() + &kill(61.9, 900)),
        ];
        past(exhibits, 65.0).ended.len()
    };
    assert_eq!(ended(&[kill(10.0, 300), kill(20.0, 301)]), 3);
    assert_eq!(ended(&[kill(59.9, 300)]), 2);
    assert_eq!(ended(&[kill(59.95, 300)]), 1, "fifty milliseconds are the clocks'");
    let elsewhere = kill(10.0, 300).replace(ID, &"a".repeat(64));
    assert_eq!(ended(&[elsewhere]), 1);
    let policy = kill(10.0, 300).replace("CONSTRAINT_MEMCG", "CONSTRAINT_BPF");
    assert_eq!(ended(&[policy]), 1);
    let by_hand = kill(10.0, 300);
    let sysrq = format!(
        "{} host kernel: bash invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0\n",
        at(10.0).replace('Z', "+00:00")
    );
    assert_eq!(ended(&[sysrq + &by_hand]), 1, "somebody asked for it at the keyboard");
}

#[test]
fn kills_inside_bring_what_to_change_where_there_are_two_and_it_goes_on() {
    let told = |count: u32, state: Exhibit, entries: String| {
        let kills: String = (0..count).map(|one| kill(6.0 + f64::from(one), 300 + one)).collect();
        let one = past(vec![state, events(entries), kernel(kills)], 17.0);
        (one.inside.len(), one.inside.iter().all(|kill| !kill.remedies.is_empty()))
    };
    let start = || event("start", 5.0, "");
    assert_eq!(told(2, up(), start()), (2, true));
    assert_eq!(told(1, up(), start()), (1, false));
    let mut ended = inspect(0, "exited", 5.0);
    let Body::Text(text) = &mut ended.body;
    *text = text.replace(&at(7.0), &at(16.0)).replace(":137", ":0");
    let later = start() + &event("die", 16.0, ",\"exitCode\":\"0\"");
    assert_eq!(told(3, ended, later), (3, false), "it is over");
}

#[test]
fn a_policys_kill_inside_is_none_of_the_limits() {
    let policy = kill(6.0, 300).replace("CONSTRAINT_MEMCG", "CONSTRAINT_BPF");
    let one =
        past(vec![up(), events(event("start", 5.0, "")), kernel(policy + &kill(8.0, 301))], 17.0);
    let times: Vec<_> = one.inside.iter().map(|kill| kill.at).collect();
    assert_eq!(times, [Moment::parse(&at(8.0))]);
}

/// How many of the victim's name there were, and what all held.
#[test]
fn the_crowd_is_what_bears_the_victims_name_in_the_kernels_table() {
    let stamp = at(6.0).replace('Z', "+00:00");
    let table = |names: &[&str]| {
        let mut text = format!(
            "{stamp} host kernel: memory: usage 65536kB, limit 65536kB, failcnt 9\n{stamp} host kernel: Tasks state (memory values in pages):\n{stamp} host kernel: [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
        );
        for (pid, name) in (300..).zip(names) {
            text += &format!(
                "{stamp} host kernel: [{pid:7}]     0 {pid:5} 90000    9000   106496        0             0 {name}\n"
            );
        }
        let invoked = format!(
            "{stamp} host kernel: python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
        );
        let one = past(
            vec![up(), events(event("start", 5.0, "")), kernel(invoked + &text + &kill(6.0, 300))],
            17.0,
        );
        one.inside[0].crowd
    };
    assert_eq!(table(&["python3", "sh", "python3"]), Some((2, Bytes(64 << 20))));
    assert_eq!(table(&["sh"]), None);
}

#[test]
fn what_its_cgroup_counts_is_known_of_what_lives() {
    let counter = |key: &str, id: &str| {
        let text = format!("==> /sys/fs/cgroup/docker/{id}/memory.events <==\n{key} 7\n");
        exhibit("counter", Source::Cgroup, text)
    };
    let counted = |state: Exhibit, counter: Exhibit| {
        past(vec![state, counter], 17.0).counted.map(|(kills, _)| kills)
    };
    assert_eq!(counted(up(), counter("oom_kill", ID)), Some(7));
    assert_eq!(counted(up(), counter("oom", ID)), None);
    assert_eq!(counted(up(), counter("oom_kill", &"a".repeat(64))), None);
    assert_eq!(counted(inspect(0, "exited", 5.0), counter("oom_kill", ID)), None);
}

/// On a machine each container has its own; what goes round and is memory comes first.
#[test]
fn loops_of_a_machine_are_told_in_order_of_what_matters() {
    let other = "a".repeat(64);
    let lives =
        |code: i64| -> String { (0..4).map(|one| life(f64::from(one) * 10.0, code)).collect() };
    let about = |exhibit: Exhibit, id: &str| {
        let mut exhibit = exhibit;
        let Body::Text(text) = &mut exhibit.body;
        *text = text.replace(ID, id).replace("/api", &format!("/{}", id.get(..3).unwrap()));
        Exhibit { about: ContainerId::parse(id), id: format!("{}{id}", exhibit.id), ..exhibit }
    };
    let kernel: String = (0..4).map(|one| kill(f64::from(one) * 10.0 + 1.9, 300)).collect();
    let kernel = exhibit("kernel", Source::KernelLog, kernel);
    let machine = |own: &str, others: &str| {
        let asked = Asked { whole_host: true, ..Asked::default() };
        let mut case = CaseFile::new(asked, Moment::parse(&at(33.0)).unwrap());
        case.exhibits = vec![
            about(inspect(4, others, 30.0), &other),
            about(events(lives(1)), &other),
            about(inspect(4, own, 30.0), ID),
            about(events(lives(137)), ID),
            kernel.clone(),
        ];
        let found = loops(&case);
        found.into_iter().map(|one| (one.is_memory(), one.state)).collect::<Vec<_>>()
    };
    let goes = State::Waiting;
    assert_eq!(machine("restarting", "restarting"), [(true, goes), (false, goes)]);
    assert_eq!(machine("exited", "restarting"), [(false, goes), (true, State::Down)]);
}

/// Where a life began is not known: of two kills that ended a main process the last is its own.
#[test]
fn a_life_without_a_start_has_the_last_kill_alone() {
    let mut state = inspect(1, "exited", 18.0);
    let Body::Text(text) = &mut state.body;
    *text = text.replace("\"StartedAt\"", "\"Other\"");
    let report = |second: f64, pid: u32| {
        let stamp = at(second).replace('Z', "+00:00");
        format!(
            "{stamp} host kernel: python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n\
             {stamp} host kernel: Tasks state (memory values in pages):\n\
             {stamp} host kernel: [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n\
             {stamp} host kernel: [{pid:7}]     0 {pid:5} 90000    9000   106496        0             0 python3\n{}",
            kill(second, pid)
        )
    };
    let one = past(vec![state, kernel(report(18.5, 300) + &report(19.9, 301))], 25.0);
    let last = one.ended.last().unwrap();
    let says = last.because.as_ref().map(|because| because.says.as_str()).unwrap_or_default();
    assert!(says.contains("pid 301"), "{last:?}");
    assert!(!last.detail.as_deref().unwrap_or_default().contains("kills"), "{last:?}");
}
