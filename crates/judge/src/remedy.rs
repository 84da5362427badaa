//! Verdict → what to change first. Concrete, with effect, risk and the way back.
//!
//! Whether the memory was stable is not known here: the words "raise the limit" need that reason, so they
//! are not said.

mod sizing;

use casefile::Limit;
use settings::ceilings::Ceiling;

use crate::facts::program;
use crate::verdict::{Because, Confidence, Killer, Level, Remedy, Verdict};

/// First remedies for a verdict.
pub(crate) fn propose(verdict: &Verdict) -> Vec<Remedy> {
    match verdict.killer {
        Killer::StopTimeout => forced_stop(verdict),
        Killer::ContainerMemoryLimit => own_limit(verdict),
        Killer::AncestorMemoryLimit if verdict.limit_at_fault == Some(true) => own_limit(verdict),
        Killer::AncestorMemoryLimit => parent_limit(verdict),
        Killer::HostOutOfMemory => host(),
        Killer::StillAlive if verdict.level == Level::Own => stalled(verdict),
        Killer::Process if is_jvm_itself(verdict) => vec![remedy(
            "use -XX:+ExitOnOutOfMemoryError in place of OnOutOfMemoryError=\"kill -9 %p\", and look at what fills the Java heap",
            "the JVM ends with 3 and says why; as PID 1 a kill -9 from inside is ignored, so that a JVM can go on without a heap",
            "no shutdown hooks run, as with the kill",
            "put the old option back",
        )],
        Killer::FailedProbe => vec![remedy(
            "look at why the check failed before its threshold is changed: its message stands in the evidence",
            "a check that is right keeps its job",
            "a looser check restarts a stuck program later",
            "put the old numbers back",
        )],
        Killer::Eviction => vec![remedy(
            "give the container a memory request near what it uses",
            "the kubelet evicts pods by their usage over request first, then by priority",
            "the scheduler needs a node with that much unrequested memory",
            "restore the old request",
        )],
        Killer::Crash if verdict.detail.as_deref().is_some_and(|it| it.contains("heap limit")) => {
            sizing::Sized::of(verdict).and_then(|sized| sized.larger()).into_iter().collect()
        }
        Killer::OutOfMemory => {
            sizing::Sized::of(verdict).map(|sized| sized.remedies()).unwrap_or_default()
        }
        Killer::NumaOutOfMemory
        | Killer::OomDaemon
        | Killer::Stopped
        | Killer::ApiKill
        | Killer::Process
        | Killer::ResourceLimit
        | Killer::Runtime
        | Killer::Crash
        | Killer::NotKilled
        | Killer::StillAlive
        | Killer::Unknown => Vec::new(),
    }
}

fn is_jvm_itself(verdict: &Verdict) -> bool {
    let name = verdict.killed_by.as_ref().and_then(|by| by.name.as_deref());
    name.is_some_and(|name| name.starts_with("java"))
}

fn forced_stop(verdict: &Verdict) -> Vec<Remedy> {
    let runtime = verdict.subject.as_ref().and_then(|subject| subject.runtime.as_deref());
    let (init, longer) = match runtime {
        Some("kubernetes") => (
            "handle SIGTERM in the program, or put an init such as tini before it in the image",
            "if the program needs longer: terminationGracePeriodSeconds in the pod's spec",
        ),
        Some("ecs") => (
            "handle SIGTERM in the program, or set initProcessEnabled in the container definition",
            "if the program needs longer: stopTimeout in the container definition (Fargate: at most 120 s)",
        ),
        Some("systemd") => (
            "handle SIGTERM in the program, or name the signal that it does handle: KillSignal= in the unit",
            "if the program needs longer: TimeoutStopSec= in the unit",
        ),
        Some(_) | None => (
            "run it with --init (Compose: `init: true`), or handle SIGTERM in the program",
            "if the program listens to another signal or needs longer: STOPSIGNAL (stop_signal) and --stop-timeout (stop_grace_period)",
        ),
    };
    let signal = verdict.detail.as_deref().and_then(|detail| detail.split(' ').next());
    let signal = signal.filter(|word| word.starts_with("SIG")).unwrap_or("SIGTERM");
    let init = &init.replace("SIGTERM", signal);
    let program = verdict.main.command.first().map(|path| program::name_of(path));
    let mut remedies = Vec::new();
    if program.is_some_and(program::is_shell) && runtime != Some("systemd") {
        remedies.push(remedy(
            "let the program be PID 1: the exec form of ENTRYPOINT or CMD (a JSON array), or `exec` before the last command of the script",
            &format!("the program gets {signal} itself; a shell as PID 1 does not pass it on"),
            "variables and pipes of the shell form need a script then",
            "put the shell form back",
        ));
    }
    let (effect, risk) = match runtime {
        Some("systemd") => (
            format!("a program that catches or ignores {signal} without ending waits for SIGKILL"),
            "another signal may end it before its work is finished",
        ),
        Some(_) | None => (
            format!(
                "as PID 1 a program without a handler ignores {signal}; behind an init the default action ends it"
            ),
            "an init ends the program at once, so whatever must be finished first needs a handler",
        ),
    };
    remedies.push(remedy(init, &effect, risk, "take it away again"));
    remedies.push(remedy(
        longer,
        "the request arrives, and the wait is as long as the work",
        "a longer grace period makes every stop of a stuck program slower",
        "put the old setting back",
    ));
    remedies
}

fn own_limit(verdict: &Verdict) -> Vec<Remedy> {
    let total: u64 = verdict.memory.shares.iter().map(|share| share.bytes.0).sum();
    let tmpfs = verdict.memory.shares.iter().find(|share| share.what.contains("tmpfs"));
    if let Some(share) = tmpfs.filter(|share| share.bytes.0 > total / 2) {
        return vec![remedy(
            &format!(
                "give the tmpfs (or /dev/shm) a size well below the limit, or put those files on a disk volume: {} of the memory is files there",
                share.bytes
            ),
            "files on tmpfs count against the memory limit, and killing a process does not free them",
            "a disk is slower; a smaller tmpfs answers with ENOSPC",
            "put the mount back",
        )];
    }
    if verdict.level == Level::Nested {
        return vec![remedy(
            "look at who set the inner cgroup's limit: it is below the container's own",
            "the container's limit was not the one that filled",
            "",
            "",
        )];
    }
    let runtime = verdict.subject.as_ref().and_then(|subject| subject.runtime.as_deref());
    let name = verdict.subject.as_ref().and_then(|subject| subject.name.as_deref());
    let watch = match (runtime, name) {
        (Some("docker" | "podman" | "containerd"), Some(name)) => {
            format!("`why137 size {name} --for 10m`")
        }
        (Some("systemd" | "process"), _) => "`why137 size --pid PID --for 10m`".to_owned(),
        (_, _) => "`why137 size NAME --for 10m`".to_owned(),
    };
    let mut remedies = sized(verdict);
    remedies.push(remedy(
        &format!("find out whether the memory would have stopped growing before the limit is touched: {watch} over one load cycle, and look at the runtime's own ceiling (heap size, number of workers)"),
        "a leak or a runtime that is sized for a bigger machine dies at every limit",
        "",
        "",
    ));
    remedies
}

/// What the runtime believes; where that is not known, what stands in its command.
fn sized(verdict: &Verdict) -> Vec<Remedy> {
    let limit = verdict.limit.and_then(Limit::bytes);
    let workers = limit.and_then(|limit| sizing::workers(verdict, limit));
    let own = sizing::Sized::of(verdict).map(|sized| sized.remedies()).unwrap_or_default();
    let known: Vec<Remedy> = workers.into_iter().chain(own).collect();
    if known.is_empty() { told_ceilings(verdict) } else { known }
}

/// The line of evidence that tells what the runtime believed, where its own or its parent's limit filled.
pub(crate) fn belief(verdict: &Verdict) -> Option<Because> {
    let filled = matches!(verdict.killer, Killer::ContainerMemoryLimit | Killer::OutOfMemory);
    sizing::Sized::of(verdict)
        .filter(|_| filled && verdict.level != Level::Nested)?
        .because(verdict)
}

/// What the program was told that it may use, beside what it may: the flags as they are spelled.
fn told_ceilings(verdict: &Verdict) -> Vec<Remedy> {
    let Some(limit) = verdict.limit.and_then(Limit::bytes) else { return Vec::new() };
    let words = verdict.main.command.iter().chain(&verdict.main.settings).map(String::as_str);
    let ceilings = settings::ceilings::ceilings(words);
    let over = ceilings.iter().filter(|ceiling| ceiling.allows >= limit).map(|ceiling| {
        let Ceiling { flag, bounds, allows } = ceiling;
        remedy(
            &format!("lower `{flag}`: it allows {bounds} {allows}, and the limit is {limit} for everything, what lies outside it included"),
            "the runtime collects its garbage, or reports its own error, before the kernel has to kill",
            "too low a ceiling costs time in garbage collection",
            "put the old value back",
        )
    });
    let over: Vec<Remedy> = over.collect();
    let inside = ceilings.first().filter(|_| over.is_empty()).map(|ceiling| {
        let Ceiling { flag, bounds, allows } = ceiling;
        remedy(
            &format!("look at what lies outside {bounds} (buffers, native memory, threads, other processes): `{flag}` allows only {allows} of {limit}, so lowering it cannot help alone"),
            "the part that filled the limit is found",
            "",
            "",
        )
    });
    over.into_iter().chain(inside).collect()
}

fn parent_limit(verdict: &Verdict) -> Vec<Remedy> {
    let cgroup =
        verdict.limit_cgroup.as_ref().map_or("the parent".to_owned(), |path| format!("`{path}`"));
    let biggest = verdict.memory.holders.iter().find(|holder| !holder.killed);
    let neighbour = biggest.map(|holder| {
        format!("; beside the victim {} (pid {}) held {}", holder.comm, holder.pid, holder.rss)
    });
    vec![remedy(
        &format!(
            "look at {cgroup} as a whole: its limit has to hold everything below it{}",
            neighbour.unwrap_or_default()
        ),
        if verdict.confidence == Confidence::Proven {
            "the container's own limit was not reached; a change to it does not help"
        } else {
            "a change to one container's limit alone does not make room in the parent"
        },
        "",
        "",
    )]
}

fn host() -> Vec<Remedy> {
    vec![remedy(
        "give every container on this machine a limit, so that their sum fits into it, and look at the biggest processes above",
        "whoever grows then dies at its own limit instead of taking a neighbour with it",
        "a limit that is too small kills its own container",
        "docker update --memory 0 --memory-swap 0 NAME",
    )]
}

fn stalled(verdict: &Verdict) -> Vec<Remedy> {
    if verdict.detail.as_deref().is_some_and(|detail| detail.contains("memory.high")) {
        return vec![remedy(
            "find out what the memory is (above), then end the program or set memory.high (MemoryHigh=, Kubernetes' memory QoS) above what it needs",
            "at memory.high the kernel slows the program and takes its memory back, and never kills it: it looks like a hang",
            "with more room a leak only takes longer",
            "put the old memory.high back",
        )];
    }
    vec![remedy(
        "end it, or free it: `docker kill NAME`, or `docker update` with a larger --memory to let it go on for now",
        "with the OOM killer disabled nothing else will end the stall",
        "what is in the program's memory is lost with a kill",
        "start it again without --oom-kill-disable",
    )]
}

fn remedy(change: &str, effect: &str, risk: &str, undo: &str) -> Remedy {
    Remedy {
        change: change.to_owned(),
        effect: effect.to_owned(),
        risk: risk.to_owned(),
        undo: undo.to_owned(),
    }
}
