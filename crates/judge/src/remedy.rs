//! Verdict → what to change first. Concrete, with effect, risk and the way back.
//!
//! Whether the memory was stable is not known here: the words "raise the limit" need that reason, so they
//! are not said.

mod sizing;

use casefile::{Bytes, CgroupPath, Limit, OwnerKind};
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
        Killer::HostOutOfMemory => vec![host(verdict)],
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

/// Who manages what was stopped: by the subject's runtime, else by the one that gave up waiting.
fn stopped_by(verdict: &Verdict) -> Option<&str> {
    let runtime = verdict.subject.as_ref().and_then(|subject| subject.runtime.as_deref());
    let by = verdict.killed_by.as_ref().and_then(|by| by.name.as_deref());
    match by {
        Some("cri-o" | "containerd" | "kubelet" | "the kubelet") => Some("kubernetes"),
        Some(by @ ("nomad" | "heroku" | "systemd")) => Some(by),
        Some(_) | None => runtime,
    }
}

fn forced_stop(verdict: &Verdict) -> Vec<Remedy> {
    let runtime = stopped_by(verdict);
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
        Some("nomad") => (
            "handle SIGTERM in the program, or name the signal that it does handle: kill_signal in the task",
            "if the program needs longer: kill_timeout in the task (the client's max_kill_timeout bounds it)",
        ),
        Some("heroku") => (
            "handle SIGTERM in the program's processes: every one of the dyno gets it",
            "if the work needs longer than the 30 s, which are fixed: put it back into its queue on SIGTERM",
        ),
        Some(_) | None => (
            "run it with --init (Compose: `init: true`), or handle SIGTERM in the program",
            "if the program listens to another signal or needs longer: STOPSIGNAL (stop_signal) and --stop-timeout (stop_grace_period)",
        ),
    };
    let longer_wait = remedy(
        longer,
        "the request arrives, and the wait is as long as the work",
        "a longer grace period makes every stop of a stuck program slower",
        "put the old setting back",
    );
    // Without any time no handler and no init could have ended it by the request.
    if verdict.detail.as_deref().is_some_and(|it| it.contains("no time to stop was given")) {
        return vec![no_wait(runtime).unwrap_or(longer_wait)];
    }
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
        Some("systemd" | "nomad" | "heroku") => (
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
    remedies.push(longer_wait);
    remedies
}

/// Docker was asked for a stop without any wait.
fn no_wait(runtime: Option<&str>) -> Option<Remedy> {
    matches!(runtime, None | Some("docker" | "podman")).then(|| {
        remedy(
            "give it time to stop: `docker stop` without `-t 0`, or a --stop-timeout (stop_grace_period) above 0",
            "the program gets its chance to end on the request; with none, SIGKILL follows whatever it does",
            "a longer grace period makes every stop of a stuck program slower",
            "put the old setting back",
        )
    })
}

fn own_limit(verdict: &Verdict) -> Vec<Remedy> {
    let Bytes(total) = verdict.memory.shares.iter().map(|share| share.bytes).sum();
    let tmpfs = verdict.memory.shares.iter().find(|share| share.what.contains("tmpfs"));
    if let Some(share) = tmpfs.filter(|share| share.bytes.0 > total / 2) {
        if is_mapped(verdict, share.bytes) {
            return vec![mapped_memory(share.bytes)];
        }
        return vec![remedy(
            &format!(
                "give the tmpfs (or /dev/shm) a size well below the limit, or put those files on a disk volume: {} of the memory is files there (or a memfd, a file without a name)",
                share.bytes
            ),
            "files on tmpfs count against the memory limit, and killing a process does not free them",
            "a disk is slower; a smaller tmpfs answers with ENOSPC",
            "put the mount back",
        )];
    }
    if verdict.level == Level::Nested {
        return vec![remedy(
            "look at who set the inner cgroup's limit: it is the one that filled",
            &format!("no limit around it was reached: {} does not help", around(verdict)),
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

/// A change to what lies around a nested cgroup.
fn around(verdict: &Verdict) -> &'static str {
    if verdict.container_id.is_some() {
        "a change to the container's own limit"
    } else {
        "a change to an outer limit"
    }
}

/// The victims had at least half of the shared memory mapped (`shmem-rss:` in the kernel's line).
fn is_mapped(verdict: &Verdict, shared: Bytes) -> bool {
    let mapped = verdict.victims.iter().filter_map(|victim| victim.shmem_rss_kb).max();
    mapped.and_then(Bytes::from_kib).is_some_and(|mapped| mapped.0 >= shared.0 / 2)
}

fn mapped_memory(shared: Bytes) -> Remedy {
    remedy(
        &format!(
            "look at what shares memory: {shared} is memory that the victim had mapped as shared (MAP_SHARED, System V segments, shared buffers, files on /dev/shm or a tmpfs): make that pool smaller"
        ),
        "shared memory counts against the limit once, whoever uses it; System V segments and files stay after the process, until they are removed",
        "a smaller pool serves less at once",
        "put the old size back",
    )
}

/// What the runtime believes; where that is not known, what stands in its command.
fn sized(verdict: &Verdict) -> Vec<Remedy> {
    let limit = verdict.limit.and_then(Limit::bytes);
    let workers = limit.and_then(|limit| sizing::workers(verdict, limit));
    let own = sizing::Sized::of(verdict).map(|sized| sized.remedies()).unwrap_or_default();
    let kernel = kernel_memory(verdict);
    let known: Vec<Remedy> = workers.into_iter().chain(kernel).chain(own).collect();
    if known.is_empty() && !sizing::is_about_another(verdict) {
        told_ceilings(verdict)
    } else {
        known
    }
}

/// Most of the memory is the kernel's own, on behalf of the container: no heap setting bounds that.
fn kernel_memory(verdict: &Verdict) -> Option<Remedy> {
    let Bytes(total) = verdict.memory.shares.iter().map(|share| share.bytes).sum();
    let share = verdict.memory.shares.iter().find(|share| share.what == "kernel")?;
    (share.bytes.0 > total / 2).then(|| {
        remedy(
            &format!(
                "find out what the kernel keeps for it: {} of the memory is the kernel's own (buffers of sockets and pipes that nobody reads, stacks and page tables of many processes or threads, inodes and names of many files)",
                share.bytes
            ),
            "no heap setting bounds it; fewer processes, connections or open files do (--pids-limit, --ulimit nofile bound their number)",
            "what is asked for beyond a bound is refused",
            "take the bound away again",
        )
    })
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
    let others =
        || verdict.memory.holders.iter().filter(|holder| !holder.killed && holder.comm != "pause");
    let neighbour = others().next().map(|holder| {
        format!("; beside the victim {} (pid {}) held {}", holder.comm, holder.pid, holder.rss)
    });
    let neighbour = neighbour.unwrap_or_default();
    if is_pods(verdict) {
        // The table lists the whole pod: with nobody else in it the pod's limit is this container's.
        let alone = !verdict.memory.holders.is_empty() && others().next().is_none();
        let whose = if alone {
            "this container was alone in its pod, so its own `resources.limits.memory` made the limit that filled"
        } else {
            "a pod of one container has that container's limit; of several, what all of them hold counts"
        };
        let pods = remedy(
            &format!(
                "look at the pod as a whole: its limit is the sum of `resources.limits.memory` of its containers{neighbour}"
            ),
            whose,
            "",
            "",
        );
        let own = own_limit(verdict).into_iter().filter(|_| alone);
        return std::iter::once(pods).chain(own).collect();
    }
    vec![remedy(
        &format!(
            "look at {cgroup} as a whole: its limit has to hold everything below it{neighbour}"
        ),
        if verdict.confidence == Confidence::Proven {
            "it is not the container's own limit that filled; a change to that does not help"
        } else {
            "a change to one container's limit alone does not make room in the parent"
        },
        "",
        "",
    )]
}

/// The limit that filled is a Kubernetes pod's: the kubelet makes it of its containers' limits.
fn is_pods(verdict: &Verdict) -> bool {
    let owner = verdict.limit_cgroup.as_ref().and_then(CgroupPath::owner);
    owner.is_some_and(|owner| owner.kind == OwnerKind::Pod)
}

fn host(verdict: &Verdict) -> Remedy {
    let look = if verdict.memory.holders.is_empty() {
        "look at which processes were the biggest then (the report's table of tasks)"
    } else {
        "look at the biggest processes above"
    };
    if verdict.container_id.is_some() {
        return remedy(
            &format!(
                "give every container on this machine a limit, so that their sum fits into it, and {look}"
            ),
            "whoever grows then dies at its own limit instead of taking a neighbour with it",
            "a limit that is too small kills its own container",
            "docker update --memory 0 --memory-swap 0 NAME",
        );
    }
    // No container is known of: a service or a session died.
    remedy(
        &format!(
            "{look}, and bound what grows (MemoryMax= for a service, a limit for every container) so that all of it fits into the machine, or give the machine more memory or swap"
        ),
        "what is bounded dies at its own limit instead of taking a neighbour with it",
        "a limit that is too small kills its own service; on swap everything becomes slow before anything dies",
        "systemctl set-property UNIT MemoryMax=infinity; docker update --memory 0 --memory-swap 0 NAME",
    )
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

#[cfg(test)]
mod tests;
