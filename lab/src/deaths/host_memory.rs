//! The whole machine runs out of memory: the case in which Docker's flag says `false` on cgroup v1
//! and `true` on cgroup v2. Only on the lab's own machine.

use super::{BASE, Death, Memory, Other, Step, Truth};
use crate::expect::{Expect, Fault, Number, OPEN, Victims};
use crate::platform::{Flag, Needs};

/// The machine's memory, not a limit.
const HOST: Expect = Expect {
    killer: &["host-out-of-memory"],
    level: &["host"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    victims: Victims::These(&[("main", "python3")]),
    limit_at_fault: Fault::No,
    never: &["container-memory-limit", "ancestor-memory-limit"],
    must_not: &["raise the limit", "raise the container", "increase the limit"],
    must_not_open: &["its own memory limit"],
    ..OPEN
};

/// A kill that somebody asked for by hand; memory was not short.
const BY_HAND: Expect = Expect {
    killer: &["process"],
    level: &["none"],
    killed_by: &["SysRq-f"],
    never: crate::expect::MEMORY,
    must_not_open: &["memory limit", "ran out of memory"],
    ..HOST
};

/// In steps of 16 MiB far beyond the machine's memory; ends by itself at 4 GiB. Every page is
/// written once only: the machine is emulated.
const HOG: &str = "x=[b'a'*(1<<24) for _ in range(256)]";
const CHILD_HOG: &str = "python3 -c \"x=[b'a'*(1<<24) for _ in range(256)]\"; echo over; sleep 600";
const HOLDS_60: &str = "import time; x=[bytearray(b'a'*(1<<20)) for _ in range(60)]; print('held', flush=True); time.sleep(600)";
const HOLDS_200: &str = "import time; x=[bytearray(b'a'*(1<<20)) for _ in range(200)]; print('held', flush=True); time.sleep(600)";

const DIED: Truth =
    Truth { status: "exited", exit_code: Some(137), oom_killed: Flag::HostOutOfMemory };

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "host-memory",
        done: "a container without a limit asks for more than the machine has",
        needs: Needs::OwnMachine,
        memory: Memory::Unlimited,
        command: &["python3", "-c", HOG],
        then: &[Step::Ended("")],
        truth: DIED,
        expect: HOST,
        ..BASE
    },
    Death {
        name: "host-memory-within-a-limit",
        done: "a container with a limit of 4 GiB asks for more than the machine has",
        needs: Needs::OwnMachine,
        memory: Memory::Mib(4096),
        command: &["python3", "-c", HOG],
        then: &[Step::Ended("")],
        truth: DIED,
        expect: HOST,
        ..BASE
    },
    Death {
        name: "host-memory-child",
        done: "a child in a container without a limit asks for more than the machine has; the shell goes on",
        needs: Needs::OwnMachine,
        memory: Memory::Unlimited,
        command: &["bash", "-c", CHILD_HOG],
        then: &[Step::Logged("over"), Step::Sleep(300)],
        truth: Truth {
            status: "running",
            exit_code: None,
            oom_killed: Flag::HostOutOfMemoryWhileRunning,
        },
        expect: Expect {
            fate: &["alive"],
            exit_code: Number::Null,
            victims: Victims::These(&[("child", "python3")]),
            ..HOST
        },
        ..BASE
    },
    // 200 MiB within a limit of 512 MiB, chosen by its oom_score_adj; the asker is another one.
    Death {
        name: "host-memory-bystander",
        done: "a quiet container of 200 MiB (limit 512 MiB, `--oom-score-adj 900`) is killed because another one, without a limit, asks for more than the machine has",
        needs: Needs::OwnMachine,
        memory: Memory::Mib(512),
        options: &["--oom-score-adj", "900"],
        command: &["python3", "-c", HOLDS_200],
        then: &[
            Step::Logged("held"),
            Step::Another(Other {
                suffix: "-b",
                memory: Memory::Unlimited,
                options: &[],
                command: &["python3", "-c", HOG],
            }),
            Step::Ended(""),
            Step::Ended("-b"),
        ],
        truth: DIED,
        expect: HOST,
        also: &[("-b", HOST)],
        ..BASE
    },
    Death {
        name: "kill-by-hand",
        done: "`echo f > /proc/sysrq-trigger` with a container of 60 MiB at `--oom-score-adj 1000`, no limit, memory not short",
        needs: Needs::OwnMachine,
        memory: Memory::Unlimited,
        options: &["--oom-score-adj", "1000"],
        command: &["python3", "-c", HOLDS_60],
        then: &[Step::Logged("held"), Step::SysRqKill, Step::Ended("")],
        truth: DIED,
        expect: BY_HAND,
        ..BASE
    },
    Death {
        name: "kill-by-hand-within-a-limit",
        done: "the same with a limit of 256 MiB",
        needs: Needs::OwnMachine,
        options: &["--oom-score-adj", "1000"],
        command: &["python3", "-c", HOLDS_60],
        then: &[Step::Logged("held"), Step::SysRqKill, Step::Ended("")],
        truth: DIED,
        expect: BY_HAND,
        ..BASE
    },
];
