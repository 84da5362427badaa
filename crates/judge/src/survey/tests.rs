use casefile::{Body, Clock};

use super::*;
use crate::verdict::Level;

const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

fn exhibit(id: &str, source: Source, text: &str) -> Exhibit {
    Exhibit {
        id: id.to_owned(),
        source,
        label: id.to_owned(),
        check: None,
        about: None,
        clock: Clock::SinceBoot { zero_at: moment("2026-05-27T18:00:00Z") },
        covers: false,
        cut_from: None,
        body: Body::Text(text.to_owned()),
    }
}

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn listed(exhibits: Vec<Exhibit>) -> Vec<Verdict> {
    let asked = Asked { whole_host: true, ..Asked::default() };
    let now = moment("2026-05-27T19:00:00Z");
    survey(&CaseFile { exhibits, ..CaseFile::new(asked, now) }, now)
}

/// A kill some seconds after boot in this cgroup, at this limit.
fn kill(seconds: u64, limit: &str, task: &str, pid: u32) -> String {
    format!(
        "6,{seconds}0,{seconds}000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),\
         cpuset=/,mems_allowed=0,oom_memcg={limit},task_memcg={task},task=w,pid={pid},uid=0\n\
         3,{seconds}1,{seconds}000010,-;Memory cgroup out of memory: Killed process {pid} (w) \
         total-vm:9kB, anon-rss:8kB, file-rss:1kB, shmem-rss:0kB, UID:0 pgtables:1kB \
         oom_score_adj:0\n"
    )
}

#[test]
fn kills_of_nobody_are_told_each_for_itself_and_those_of_a_storm_together() {
    let text = kill(100, "/mine/a", "/mine/a", 1)
        + &kill(500, "/mine/b", "/mine/b", 2)
        + &kill(501, "/mine/b", "/mine/b", 3);
    let told = listed(vec![exhibit("kmsg", Source::KernelLog, &text)]);
    let pids =
        |verdict: &Verdict| verdict.victims.iter().filter_map(|it| it.pid).collect::<Vec<_>>();
    assert_eq!(told.iter().map(pids).collect::<Vec<_>>(), [vec![2, 3], vec![1]]);
    assert!(told.iter().all(|verdict| verdict.killer == Killer::ContainerMemoryLimit));
}

/// Of a container that docker no longer knows: its main process died twice, at two limits.
#[test]
fn two_lives_of_a_forgotten_container_are_two_deaths() {
    let place = format!("/docker/{ID}");
    let life = |seconds: u64, pid: u32, kilobytes: u64| {
        format!(
            "6,{seconds}0,{seconds}000000,-;memory: usage {kilobytes}kB, limit {kilobytes}kB, failcnt 0\n\
             6,{seconds}1,{seconds}000001,-;[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n\
             6,{seconds}2,{seconds}000002,-;[{pid:7}]     0 {pid:5} 90000     8000   106496        0             0 w\n"
        ) + &kill(seconds, &place, &place, pid)
    };
    let told = |text: String| {
        let told = listed(vec![exhibit("kmsg", Source::KernelLog, &text)]);
        told.iter().map(|it| (it.limit, it.victims.len())).collect::<Vec<_>>()
    };
    let at = |mebibytes: u64| Some(casefile::Limit::At(casefile::Bytes(mebibytes << 20)));
    assert_eq!(told(life(100, 7, 32768) + &life(102, 9, 131_072)), [(at(128), 1), (at(32), 1)]);
    assert_eq!(told(life(100, 7, 32768) + &life(102, 9, 32768)), [(at(32), 1), (at(32), 1)]);
}

/// A neighbour's death under a shared limit is the neighbour's line and nobody else's.
#[test]
fn two_containers_under_one_limit_have_a_line_each() {
    let other = "a".repeat(64);
    let inspect = |id: &str, name: &str, code: i64| {
        let text = format!(
            r#"{{"Id":"{id}","Name":"/{name}","Path":"w","State":{{"Status":"exited","Running":false,
            "OOMKilled":false,"ExitCode":{code},"StartedAt":"2026-05-27T18:00:01Z",
            "FinishedAt":"2026-05-27T18:05:00.1Z"}},"HostConfig":{{"CgroupParent":"/pack"}},
            "Config":{{"Cmd":["w"]}}}}"#
        );
        let about = ContainerId::parse(id);
        Exhibit { about, clock: Clock::Wall, ..exhibit(name, Source::ContainerInspect, &text) }
    };
    let text = kill(300, "/pack", &format!("/pack/{ID}"), 7);
    let told = listed(vec![
        inspect(ID, "one", 137),
        inspect(&other, "two", 0),
        exhibit("kmsg", Source::KernelLog, &text),
    ]);
    let deaths: Vec<&Verdict> = told.iter().filter(|verdict| is_death(verdict)).collect();
    let [only] = deaths.as_slice() else { panic!("{deaths:?}") };
    assert_eq!((only.killer, only.level), (Killer::AncestorMemoryLimit, Level::Ancestor));
    assert_eq!(only.subject.as_ref().unwrap().name.as_deref(), Some("one"));
}

#[test]
fn a_counter_adds_only_what_the_log_does_not_name() {
    let counter = |kills: u32| {
        let text =
            format!("==> /sys/fs/cgroup/mine/a/memory.events <==\noom 1\noom_kill {kills}\n");
        Exhibit { clock: Clock::Unknown, ..exhibit("counter-1", Source::Cgroup, &text) }
    };
    let log = || exhibit("kmsg", Source::KernelLog, &kill(100, "/mine/a", "/mine/a", 1));
    assert_eq!(listed(vec![log(), counter(1)]).len(), 1);
    let told = listed(vec![log(), counter(3)]);
    assert_eq!(told.len(), 2);
    let rest = told.last().unwrap();
    assert_eq!((rest.killer, rest.at), (Killer::OutOfMemory, None));
    assert_eq!(rest.detail.as_deref(), Some("3 OOM kills counted, 1 of them in the kernel's log"));
}

#[test]
fn a_machine_without_a_death_has_no_line() {
    assert!(listed(Vec::new()).iter().all(|verdict| !is_death(verdict)));
    let quiet = exhibit("kmsg", Source::KernelLog, "6,1,1,-;Linux version 6.1.0\n");
    assert!(listed(vec![quiet]).iter().all(|verdict| !is_death(verdict)));
}

/// `docker inspect` of a container that ended after five minutes.
fn ended(id: &str, name: &str, code: i64, flag: bool) -> Exhibit {
    let text = format!(
        r#"{{"Id":"{id}","Name":"/{name}","Path":"w","State":{{"Status":"exited","Running":false,
        "OOMKilled":{flag},"ExitCode":{code},"StartedAt":"2026-05-27T18:00:01Z",
        "FinishedAt":"2026-05-27T18:05:00.1Z"}},"Config":{{"Cmd":["w"]}}}}"#
    );
    let about = ContainerId::parse(id);
    Exhibit { about, clock: Clock::Wall, ..exhibit(name, Source::ContainerInspect, &text) }
}

/// The same of one that runs since then.
fn lives_on(id: &str, name: &str) -> Exhibit {
    let mut told = ended(id, name, 0, false);
    let Body::Text(text) = &mut told.body;
    *text = text.replace("exited", "running").replace("\"Running\":false", "\"Running\":true");
    *text = text.replace("2026-05-27T18:05:00.1Z", "0001-01-01T00:00:00Z");
    told
}

fn journal(lines: &[(f64, &str, &str)]) -> Exhibit {
    let line = |(seconds, by, words): &(f64, &str, &str)| {
        let start = moment("2026-05-27T18:00:00Z");
        let micros = start.plus_micros((seconds * 1e6) as i64).unwrap().0.as_microsecond();
        let words = words.replace('"', "\\\"");
        let unit = if *by == "systemd" { ",\"UNIT\":\"robot.service\",\"_PID\":\"1\"" } else { "" };
        format!(
            "{{\"MESSAGE\":\"{words}\",\"SYSLOG_IDENTIFIER\":\"{by}\"{unit},\"__REALTIME_TIMESTAMP\":\"{micros}\"}}\n"
        )
    };
    let text: String = lines.iter().map(line).collect();
    Exhibit { clock: Clock::Wall, ..exhibit("journal", Source::Journal, &text) }
}

fn deaths(exhibits: Vec<Exhibit>) -> Vec<Verdict> {
    listed(exhibits).into_iter().filter(is_death).collect()
}

fn names(deaths: &[Verdict]) -> Vec<(Killer, Option<&str>)> {
    let name = |it: &Verdict| it.subject.as_ref().and_then(|subject| subject.name.clone());
    let named = deaths.iter().map(|it| (it.killer, name(it)));
    named.map(|(killer, name)| (killer, name.map(|it| &*it.leak()))).collect()
}

#[test]
fn two_exhibits_about_one_container_are_one_question() {
    let mut log = exhibit("log", Source::ApplicationLog, "ready\n");
    log.about = ContainerId::parse(ID);
    let told = listed(vec![ended(ID, "web", 137, false), log]);
    assert_eq!(names(&told), [(Killer::Unknown, Some("web"))]);
}

/// Whatever happened before the log begins it cannot tell.
#[test]
fn a_log_that_is_whole_since_before_the_start_rules_the_kernel_out() {
    let excluded = |covers: bool, since: &str| {
        let quiet = exhibit("kmsg", Source::KernelLog, "6,1,1,-;Linux version 6.1.0\n");
        let facts =
            exhibit("machine", Source::Machine, &format!("kernel-log-since-micros: {since}\n"));
        let told = listed(vec![ended(ID, "web", 137, false), Exhibit { covers, ..quiet }, facts]);
        let [only] = &told[..] else { panic!("{told:?}") };
        !only.candidates.iter().any(|it| it.killer.is_kernel_oom())
    };
    assert!(excluded(true, "900000") && excluded(true, "1000000"));
    assert!(excluded(true, "1000001"), "its end is in the log, and no kill with it");
    assert!(!excluded(true, "295000000"), "a kill may stand in what is lost");
    assert!(!excluded(false, "900000") && !excluded(true, "unknown"));
}

#[test]
fn a_unit_that_failed_is_told_by_its_state_or_by_the_journal() {
    let state = |name: &str, active: &str, code: u32, status: u32| {
        let text = format!(
            "Id={name}\nLoadState=loaded\nActiveState={active}\nSubState={active}\nExecMainPID=70\n\
             ExecMainStartTimestamp=Wed 2026-05-27 18:00:00.000000 UTC\n\
             ExecMainExitTimestamp=Wed 2026-05-27 18:01:00.000000 UTC\n\
             ExecMainCode={code}\nExecMainStatus={status}\nSlice=system.slice\n"
        );
        exhibit(name, Source::UnitState, &text)
    };
    let two = vec![state("a.service", "failed", 2, 9), state("b.service", "failed", 1, 3)];
    let told = deaths(two);
    let mut found: Vec<_> = told.iter().map(|it| it.main.exit_code).collect();
    found.sort_unstable();
    assert_eq!(found, [Some(3), Some(137)], "each by its own state: {told:?}");
    let failed = [
        (1.0, "systemd", "Started robot.service - Robot."),
        (60.0, "systemd", "robot.service: Main process exited, code=killed, status=9/KILL"),
        (60.0, "systemd", "robot.service: Failed with result 'signal'."),
    ];
    assert_eq!(names(&deaths(vec![journal(&failed)])), [(Killer::Unknown, Some("robot.service"))]);
    // Without its result nothing failed; a process that it lost is enough.
    assert_eq!(listed(vec![journal(&failed[..2])]), []);
    let lost = (
        59.0,
        "systemd",
        "robot.service: A process of this unit has been killed by the OOM killer.",
    );
    let told = listed(vec![journal(&[failed[0], lost])]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].subject.as_ref().and_then(|it| it.name.as_deref()), Some("robot.service"));
}

const OOMD: &str = "Killed /system.slice/robot.service due to memory pressure for /system.slice being 71.20% > 50.00% for > 20s with reclaim activity";

fn earlyoom(pid: u32) -> String {
    format!(
        "sending SIGKILL to process {pid} uid 991 \"hog\": oom_score 1331, VmRSS 4102 MiB, cmdline \"hog\""
    )
}

#[test]
fn an_oom_daemons_kill_is_told_once() {
    let alone = deaths(vec![journal(&[(60.0, "earlyoom", &earlyoom(70))])]);
    assert_eq!(alone.len(), 1, "{alone:?}");
    assert_eq!((alone[0].killer, alone[0].victims[0].pid), (Killer::OomDaemon, Some(70)));
    let times = |second: f64, pid: u32| {
        let lines = [(10.0, "earlyoom", &*earlyoom(70)), (second, "earlyoom", &*earlyoom(pid))];
        deaths(vec![journal(&lines)]).len()
    };
    assert_eq!((times(69.9, 70), times(69.9, 71)), (1, 2));
    assert_eq!(times(70.0, 70), 2, "a pid that came again");
}

#[test]
fn a_unit_that_an_oom_daemon_killed_is_told_once_a_minute() {
    let other = OOMD.replace("robot.service", "other.service");
    let lines = [(10.0, "systemd-oomd", OOMD), (11.0, "systemd-oomd", &*other)];
    assert_eq!(deaths(vec![journal(&lines)]).len(), 2);
    // Of a unit that failed by it, the unit's own line tells.
    let lines = [
        (1.0, "systemd", "Started robot.service - Robot."),
        (60.0, "systemd-oomd", OOMD),
        (60.1, "systemd", "robot.service: Main process exited, code=killed, status=9/KILL"),
        (60.1, "systemd", "robot.service: Failed with result 'oom-kill'."),
    ];
    let told = deaths(vec![journal(&lines)]);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_counter_that_was_gathered_about_a_container_is_no_question_of_its_own() {
    let text = "==> /sys/fs/cgroup/mine/a/memory.events <==\noom 1\noom_kill 3\n";
    let counter = |about: Option<ContainerId>| Exhibit {
        about,
        clock: Clock::Unknown,
        ..exhibit("counter", Source::Cgroup, text)
    };
    let told = |about| deaths(vec![lives_on(ID, "web"), counter(about)]);
    assert_eq!(told(ContainerId::parse(ID)), []);
    let own = told(None);
    assert_eq!(own.len(), 1, "{own:?}");
    let detail = own[0].detail.as_deref();
    assert_eq!(detail, Some("3 OOM kills counted, none of them in the kernel's log"));
    // What else the machine shows is not about that cgroup either: its place is.
    assert_eq!(own[0].place, CgroupPath::parse("/mine/a"));
}

#[test]
fn a_cgroup_of_a_container_whose_death_is_told_has_no_line_of_its_own() {
    let text = format!("==> /sys/fs/cgroup/docker/{ID}/memory.events <==\noom 1\noom_kill 1\n");
    let counter = || Exhibit { clock: Clock::Unknown, ..exhibit("counter", Source::Cgroup, &text) };
    let died = deaths(vec![ended(ID, "web", 137, true), counter()]);
    assert_eq!(died.len(), 1, "{died:?}");
    let lives = deaths(vec![lives_on(ID, "web"), counter()]);
    assert_eq!(lives.len(), 1, "the container lives, and something in it was killed: {lives:?}");
    // An end that nobody explains has told of no kill.
    let unknown = deaths(vec![ended(ID, "web", 137, false), counter()]);
    assert!(unknown.iter().any(|it| it.killer == Killer::OutOfMemory), "{unknown:?}");
}

/// The log was cut before the victim.
#[test]
fn a_kill_without_a_victim_is_told_by_the_container_that_died_of_it() {
    let kill = OomKill {
        report: Box::default(),
        exhibit: "kmsg".to_owned(),
        at: None,
        stamp: None,
        level: Level::Own,
        level_shown: true,
        victims: Vec::new(),
        kill_line: false,
        container: ContainerId::parse(ID),
        limit: None,
        usage: None,
        inferred: false,
    };
    let told = |exhibit: Exhibit| Told { verdicts: listed(vec![exhibit]) }.has_kill(&kill);
    assert!(told(ended(ID, "web", 137, true)));
    assert!(!told(ended(&"a".repeat(64), "other", 137, true)));
    assert!(!told(lives_on(ID, "web")), "it lives");
    assert!(!told(ended(ID, "web", 137, false)), "nobody knows what ended it");
}

#[test]
fn a_container_that_an_oom_daemon_killed_is_told_once() {
    let words = OOMD.replace("robot.service", &format!("docker-{ID}.scope"));
    let line = (300.0, "systemd-oomd", &*words);
    let told = deaths(vec![ended(ID, "web", 137, false), journal(&[line])]);
    assert_eq!(names(&told), [(Killer::OomDaemon, Some("web"))]);
}

#[test]
fn what_is_about_one_container_says_nothing_of_another() {
    let other = "a".repeat(64);
    let words = "terminate called after throwing an instance of 'std::bad_alloc'\n";
    let log = Exhibit {
        about: ContainerId::parse(ID),
        clock: Clock::Unknown,
        ..exhibit("log", Source::ApplicationLog, words)
    };
    let told = deaths(vec![ended(ID, "one", 1, false), ended(&other, "two", 1, false), log]);
    let detail = |name: &str| {
        let of = |it: &&Verdict| it.subject.as_ref().unwrap().name.as_deref() == Some(name);
        told.iter().find(of).and_then(|it| it.detail.clone()).unwrap_or_default()
    };
    assert!(detail("one").contains("bad_alloc"), "{}", detail("one"));
    assert_eq!(detail("two"), "it ended with 1");
}

/// A file that was printed without its path is nobody's.
#[test]
fn a_counter_of_an_unknown_cgroup_is_no_containers() {
    let text = "==> memory.events <==\noom 1\noom_kill 3\n";
    let counter = Exhibit { clock: Clock::Unknown, ..exhibit("counter", Source::Cgroup, text) };
    assert_eq!(deaths(vec![lives_on(ID, "web"), counter]), []);
}

/// The question was asked on the machine itself: what that would tell is told.
#[test]
fn a_container_of_this_machine_is_not_sent_to_its_machine() {
    let told = listed(vec![ended(ID, "web", 137, false)]);
    assert!(told[0].would_settle_it.iter().all(|it| it.how != "why137 explain NAME"), "{told:?}");
}

#[test]
fn a_kill_in_another_cgroup_does_not_make_up_for_a_counted_one() {
    let text = "==> /sys/fs/cgroup/mine/a/memory.events <==\noom 1\noom_kill 1\n";
    let counter = Exhibit { clock: Clock::Unknown, ..exhibit("counter", Source::Cgroup, text) };
    let log = exhibit("kmsg", Source::KernelLog, &kill(100, "/mine/b", "/mine/b", 1));
    let machine = exhibit("machine", Source::Machine, "mem-total-bytes: 8589934592\n");
    let told = listed(vec![log, counter, machine]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1].main.around.host, Some(casefile::Bytes(8 << 30)));
}

#[test]
fn what_an_oom_daemon_killed_stands_beside_the_machine_that_it_ran_on() {
    let machine = exhibit("machine", Source::Machine, "mem-total-bytes: 8589934592\n");
    let told = deaths(vec![journal(&[(60.0, "earlyoom", &earlyoom(70))]), machine]);
    assert_eq!(told[0].main.around.host, Some(casefile::Bytes(8 << 30)));
}

#[test]
fn a_unit_that_an_oom_daemon_kills_again_after_a_minute_died_twice() {
    let deaths = |second: f64| {
        let lines = [
            (1.0, "systemd", "Started robot.service - Robot."),
            (60.0, "systemd-oomd", OOMD),
            (60.0, "systemd", "robot.service: Main process exited, code=killed, status=9/KILL"),
            (60.0, "systemd", "robot.service: Failed with result 'oom-kill'."),
            (second, "systemd-oomd", OOMD),
        ];
        deaths(vec![journal(&lines)]).len()
    };
    assert_eq!((deaths(119.9), deaths(120.0)), (1, 2));
}
