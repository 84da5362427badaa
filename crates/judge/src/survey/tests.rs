use casefile::Body;

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
