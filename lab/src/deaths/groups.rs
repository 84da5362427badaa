//! What only cgroup v2 can do: group kills, a limit in a cgroup nested inside the container, a stall
//! at `memory.high`, a limit lowered below what is in use, a kill by a write to `cgroup.kill`.

use super::limit::OWN;
use super::{BASE, Death, Memory, Other, Place, RUNNING, Step, Truth, died};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};
use crate::platform::{Cgroup, Flag, Needs};

const GROUP: Needs = Needs::Only(Cgroup::V2, "cgroup v1 has no memory.oom.group");
const HIGH: Needs = Needs::Only(Cgroup::V2, "cgroup v1 has no memory.high");
const KILL_FILE: Needs = Needs::Only(Cgroup::V2, "cgroup v1 has no cgroup.kill");
const LOWER: Needs =
    Needs::Only(Cgroup::V2, "cgroup v1 refuses a limit below what is in use and cannot reclaim");
const NESTED: Needs =
    Needs::OwnMachineAnd(Cgroup::V2, "a container cannot make cgroups of its own on cgroup v1");

/// Waits for SIGUSR1, then forks a hog of 128 MiB.
const WAITS_THEN_CHILD_HOGS: &str = r#"import os, signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print('up', flush=True)
signal.sigwait([signal.SIGUSR1])
if os.fork() == 0:
    x = [bytearray(b'a' * (1 << 20)) for _ in range(128)]
    os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(600)
"#;

/// Moves itself away, so that the container's cgroup may have children, gives one of them 32 MiB,
/// and lets a child go beyond them.
const NESTED_HOG: &str = "set -e; cd /sys/fs/cgroup; mkdir main work; echo $$ > main/cgroup.procs; \
    echo +memory > cgroup.subtree_control; echo 32M > work/memory.max; echo 0 > work/memory.swap.max || true; \
    (echo $BASHPID > work/cgroup.procs; exec python3 -c \"x=[bytearray(b'a'*(1<<20)) for _ in range(64)]\") || true; \
    echo over; sleep 600";

const GROWS_SLOWLY: &str = r#"import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print('up', flush=True)
signal.sigwait([signal.SIGUSR1])
x = []
for _ in range(100):
    x.append(bytearray(b'a' * (1 << 20)))
time.sleep(600)
"#;

const HOLDS_60: &str = "import time; x=[bytearray(b'a'*(1<<20)) for _ in range(60)]; print('held', flush=True); time.sleep(600)";
const GROWS_80: &str = "import time; x=[]\nfor _ in range(80): x.append(bytearray(b'a'*(1<<20))); time.sleep(0.01)\ntime.sleep(600)";

const ANCESTOR_GROUP: Expect = Expect {
    killer: &["ancestor-memory-limit"],
    level: &["ancestor"],
    limit_at_fault: Fault::No,
    // All that died by it, the neighbour's too.
    victims: Victims::Several(&[("main", "python3"), ("other", "python3")]),
    limit_bytes: Number::Is(96 << 20),
    must_not_open: &["its own memory limit"],
    ..OWN
};

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "group-kill",
        done: "`memory.oom.group=1` on a container with 64 MiB; its child is the hog, and the kernel kills all of it",
        needs: GROUP,
        memory: Memory::Mib(64),
        command: &["python3", "-c", WAITS_THEN_CHILD_HOGS],
        then: &[
            Step::Logged("up"),
            Step::Write(Place::Own, "memory.oom.group", "1"),
            Step::HostSignal("USR1"),
            Step::Ended(""),
        ],
        truth: died(true),
        expect: Expect {
            victims: Victims::Several(&[("child", "python3"), ("main", "python3")]),
            ..OWN
        },
        ..BASE
    },
    Death {
        name: "group-kill-at-the-parent",
        done: "`memory.oom.group=1` on a parent with 96 MiB: two containers below it, one grows, both are killed",
        needs: GROUP,
        options: &["--cgroup-parent", "{parent}"],
        command: &["python3", "-c", HOLDS_60],
        then: &[
            Step::Logged("held"),
            Step::Write(Place::Parent, "memory.oom.group", "1"),
            Step::Another(Other {
                suffix: "-b",
                memory: Memory::Mib(256),
                options: &["--cgroup-parent", "{parent}"],
                command: &["python3", "-c", GROWS_80],
            }),
            Step::Ended(""),
            Step::Ended("-b"),
        ],
        truth: died(true),
        expect: ANCESTOR_GROUP,
        also: &[("-b", ANCESTOR_GROUP)],
        ..BASE
    },
    Death {
        name: "nested-limit",
        done: "a privileged container makes a cgroup of 32 MiB inside its own 256 MiB and starts a hog in it; its shell goes on",
        needs: NESTED,
        options: &["--privileged"],
        command: &["bash", "-c", NESTED_HOG],
        then: &[Step::Logged("over"), Step::Sleep(300)],
        truth: Truth { status: "running", exit_code: None, oom_killed: Flag::KilledWhileRunning },
        expect: Expect {
            level: &["nested"],
            fate: &["alive"],
            exit_code: Number::Null,
            victims: Victims::These(&[("child", "python3")]),
            limit_at_fault: Fault::No,
            limit_bytes: Number::Is(32 << 20),
            must_not: &["nothing was killed", "nothing died"],
            ..OWN
        },
        ..BASE
    },
    Death {
        name: "stalled-at-high",
        done: "`memory.high` of 32 MiB on a container that grows to 100 MiB: throttled, nothing killed",
        needs: HIGH,
        command: &["python3", "-c", GROWS_SLOWLY],
        then: &[
            Step::Logged("up"),
            Step::Write(Place::Own, "memory.high", "33554432"),
            Step::HostSignal("USR1"),
            Step::Throttled,
            Step::Sleep(2000),
        ],
        truth: Truth { oom_killed: Flag::Is(false), ..RUNNING },
        expect: Expect {
            killer: &["still-alive"],
            confidence: &["proven"],
            fate: &["alive"],
            exit_code: Number::Null,
            victims: Victims::Nobody,
            never: MEMORY,
            must_not: &["healthy"],
            must_not_open: &["was killed"],
            must_say: &["memory.high", "throttled"],
            ..OPEN
        },
        ..BASE
    },
    Death {
        name: "limit-lowered",
        done: "`docker update -m 32m` of a container that holds 60 MiB",
        needs: LOWER,
        command: &["python3", "-c", HOLDS_60],
        then: &[
            Step::Logged("held"),
            Step::Try(&["update", "--memory", "32m", "--memory-swap", "32m", "{name}"]),
            Step::Ended(""),
        ],
        truth: died(true),
        expect: Expect { limit_bytes: Number::Is(32 << 20), ..OWN },
        ..BASE
    },
    Death {
        name: "cgroup-kill",
        done: "the host writes 1 to the container’s `cgroup.kill`",
        needs: KILL_FILE,
        memory: Memory::Mib(64),
        then: &[Step::Sleep(300), Step::Write(Place::Own, "cgroup.kill", "1"), Step::Ended("")],
        truth: died(false),
        expect: Expect { limit_at_fault: Fault::No, ..super::process::UNDECIDED },
        ..BASE
    },
];
