//! A plain process (`why137 run`): its parent's wait tells a signal from a status, and the trace is of the
//! process and what it started.

use casefile::{Asked, CgroupPath, Source};
use judge::verdict::{Confidence, Fate, Killer, Role};

use crate::case::{Answer, Case, Report, time};

/// Pid 123, `sh`, ended after 60 s as its parent's wait saw it.
fn ended(how: &str) -> Case {
    let wait = format!(
        "==> wait status of pid 123 <==\ncomm sh\nstarted {}\nended {}\n{how}\n",
        time(0.0),
        time(60.0)
    );
    Case::pasted(&[]).add(Source::Proc, &wait)
}

/// `signal_generate` of a SIGKILL.
fn kill(at: f64, sender: &str, code: i32, pid: u32) -> String {
    format!(
        "            {sender}    [001] d..1.  {:.6}: signal_generate: sig=9 errno=0 code={code} comm=job pid={pid} grp=1 res=0\n",
        3600.0 + at
    )
}

fn traced(how: &str, lines: &[String]) -> Answer {
    ended(how).add(Source::Trace, &lines.concat()).answer()
}

#[test]
fn a_processs_sigkill_without_a_sender_is_no_containers() {
    let answer = ended("signal 9").answer();
    answer.says(Killer::Unknown, Confidence::Unknown).in_short("SIGKILL ended it");
    // Nothing of docker's, no shim, and its parent knows that it did not choose 137.
    answer.leaves(&[
        Killer::HostOutOfMemory,
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::OomDaemon,
        Killer::Process,
        Killer::ResourceLimit,
    ]);
    answer.rules_out(Killer::NotKilled, "its parent's wait saw SIGKILL, not a status");
    assert!(answer.candidate(Killer::Process).because.contains("itself included"));
    assert!(!answer.candidate(Killer::ResourceLimit).because.contains("LimitCPU"));
}

#[test]
fn another_signal_is_named_and_was_no_status() {
    for (number, name) in
        [(10, "SIGUSR1"), (34, "SIGRTMIN"), (37, "SIGRTMIN+3"), (64, "SIGRTMIN+30")]
    {
        let answer = ended(&format!("signal {number}")).answer();
        answer.says(Killer::Unknown, Confidence::Unknown).in_short(&format!("{name} ended it"));
        answer.leaves(&[Killer::Process]).rules_out(Killer::NotKilled, name);
    }
}

#[test]
fn a_childs_kill_right_before_the_status_that_passes_it_on_is_told() {
    let answer = traced("exited 137", &[kill(59.9, "sh-123", 0, 130)]);
    answer.says(Killer::Process, Confidence::Likely).by("process");
    answer.proves("signal_generate", "sh, pid 123, sent SIGKILL to job, pid 130");
    answer.proves("exited 137", "a child's end by SIGKILL");
    assert_eq!(answer.verdict.main.fate, Fate::Exited);
    assert_eq!(answer.verdict.main.signal, None);
    let victims: Vec<_> = answer.verdict.victims.iter().map(|it| (it.role, it.pid)).collect();
    assert_eq!(victims, [(Role::Child, Some(130))]);
    // The last of several is the one whose status was passed on.
    let lines = [kill(59.5, "sh-123", 0, 129), kill(59.9, "sh-123", 0, 130)];
    assert_eq!(traced("exited 137", &lines).verdict.victims[0].pid, Some(130));
}

#[test]
fn a_childs_kill_explains_no_other_end() {
    let child = |at: f64| [kill(at, "sh-123", 0, 130)];
    traced("exited 1", &child(59.9)).by("not-killed");
    traced("exited 137", &child(58.9)).by("not-killed");
    traced("exited 137", &child(59.1)).by("process");
    traced("exited 137", &child(60.2)).by("process");
    traced("exited 137", &child(60.3)).by("not-killed");
    traced("signal 9", &child(59.9)).by("unknown");
    // A kernel's own.
    traced("exited 137", &[kill(59.9, "kworker-31", 128, 130)]).by("not-killed");
}

#[test]
fn a_childs_end_at_a_cpu_limit_is_the_childs() {
    let own = |pid: u32| kill(59.9, &format!("job-{pid}"), 128, pid);
    let main = traced("signal 9", &[own(123)]);
    main.says(Killer::ResourceLimit, Confidence::Likely);
    assert_eq!(main.verdict.main.fate, Fate::Killed);
    assert_eq!(main.verdict.victims[0].role, Role::Main);
    let child = traced("exited 137", &[own(130)]);
    child.says(Killer::ResourceLimit, Confidence::Likely);
    child.proves("exited 137", "a child's end by SIGKILL");
    assert_eq!((child.verdict.main.fate, child.verdict.main.signal), (Fate::Exited, None));
    let victim = &child.verdict.victims[0];
    assert_eq!(
        (victim.role, victim.pid, victim.comm.as_deref()),
        (Role::Child, Some(130), Some("job"))
    );
    // Another end is not explained by it, nor a returned status by what the main process did not get.
    traced("exited 3", &[own(130)]).by("not-killed");
    traced("signal 9", &[own(130)]).by("unknown");
    traced("exited 137", &[own(123)]).by("not-killed");
}

#[test]
fn what_dies_in_cgroups_below_is_not_a_processs_that_stands_above_them() {
    let asked = |place: &str| {
        let cgroup = CgroupPath::parse(place);
        let status = "==> /proc/700/status <==\nName:\tserve\nPid:\t700\n";
        let job = Report {
            victim: ("hog", 22),
            full: Some((format!("{}/job-7", place.trim_end_matches('/')), 65_536)),
            task: format!("{}/job-7", place.trim_end_matches('/')),
            ..Report::own(30.0)
        };
        let within = Report {
            full: Some((place.to_owned(), 65_536)),
            task: place.to_owned(),
            ..job.clone()
        };
        let told = |report: &Report| {
            Case::asked(Asked { pid: Some(700), cgroup: cgroup.clone(), ..Asked::default() })
                .add(Source::Proc, status)
                .kernel(&[report.lines()])
                .answer()
                .verdict
                .killer
        };
        (told(&job), told(&within))
    };
    let (killed, alive) = (Killer::ContainerMemoryLimit, Killer::StillAlive);
    assert_eq!(asked("/"), (alive, alive));
    assert_eq!(asked("/batch"), (alive, killed));
    assert_eq!(asked("/system.slice/robot.service"), (killed, killed));
}

#[test]
fn what_is_counted_in_cgroups_below_is_not_such_a_processs_either() {
    let asked = |place: &str| {
        let status = "==> /proc/700/status <==\nName:\tserve\nPid:\t700\n";
        let folder = format!("/sys/fs/cgroup/memory{}", place.trim_end_matches('/'));
        let cgroup = CgroupPath::parse(place);
        Case::asked(Asked { pid: Some(700), cgroup, ..Asked::default() })
            .add(Source::Proc, status)
            .cgroup_at(&folder, &[("memory.oom_control", "under_oom 0\noom_kill 0")])
            .cgroup_at(
                &format!("{folder}/job-7"),
                &[("memory.oom_control", "under_oom 0\noom_kill 3")],
            )
            .answer()
            .verdict
            .killer
    };
    assert_eq!(asked("/"), Killer::StillAlive);
    assert_eq!(asked("/batch"), Killer::StillAlive);
    assert_eq!(asked("/system.slice/robot.service"), Killer::OutOfMemory);
}
