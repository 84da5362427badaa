//! Deaths at a parent cgroup's limit: the container that dies is far below its own.

use super::{BASE, Death, Memory, Other, Step, Truth, died};
use crate::expect::{Expect, Fault, Number, OPEN, Victims};
use crate::platform::Flag;

/// The parent's limit in MiB; the runner makes the cgroup.
pub(crate) const LIMIT: u64 = 96;

const PARENT: Expect = Expect {
    killer: &["ancestor-memory-limit"],
    level: &["ancestor"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    victims: Victims::These(&[("main", "python3")]),
    limit_at_fault: Fault::No,
    limit_bytes: Number::Is(96 << 20),
    must_not: &["exceeded its limit"],
    must_not_open: &["its own memory limit"],
    ..OPEN
};

/// Beside a neighbour's death at the shared parent: alive, whatever its flag says.
const SPARED: Expect = Expect {
    killer: &["still-alive"],
    level: &[],
    fate: &["alive"],
    exit_code: Number::Null,
    victims: Victims::Nobody,
    limit_at_fault: Fault::NotYes,
    limit_bytes: Number::Open,
    must_not: &[],
    must_not_open: &["was killed"],
    ..PARENT
};

const HOLDS_60: &str = "import time; x=[bytearray(b'a'*(1<<20)) for _ in range(60)]; print('held', flush=True); time.sleep(600)";
const HOLDS_20: &str = "import time; x=[bytearray(b'a'*(1<<20)) for _ in range(20)]; print('held', flush=True); time.sleep(600)";
const GROWS_50: &str = "import time; x=[]\nfor _ in range(50): x.append(bytearray(b'a'*(1<<20))); time.sleep(0.01)\ntime.sleep(600)";
const GROWS_120: &str = "import time; x=[]\nfor _ in range(120): x.append(bytearray(b'a'*(1<<20))); time.sleep(0.01)\ntime.sleep(600)";

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "neighbour-grew",
        done: "a container of 60 MiB shares a parent limit of 96 MiB with one that grows by 50 MiB; the quiet one is killed",
        scenario: "13",
        options: &["--cgroup-parent", "{parent}"],
        command: &["python3", "-c", HOLDS_60],
        then: &[
            Step::Logged("held"),
            Step::Another(Other {
                suffix: "-b",
                memory: Memory::Mib(256),
                options: &["--cgroup-parent", "{parent}"],
                command: &["python3", "-c", GROWS_50],
            }),
            Step::Ended(""),
            Step::Sleep(800),
        ],
        truth: died(true),
        expect: PARENT,
        also: &[("-b", SPARED)],
        ..BASE
    },
    Death {
        name: "grew-under-a-parent",
        done: "a container of 20 MiB shares a parent limit of 96 MiB with one that grows to 120 MiB; the quiet one lives",
        scenario: "13",
        options: &["--cgroup-parent", "{parent}"],
        command: &["python3", "-c", HOLDS_20],
        then: &[
            Step::Logged("held"),
            Step::Another(Other {
                suffix: "-b",
                memory: Memory::Mib(256),
                options: &["--cgroup-parent", "{parent}"],
                command: &["python3", "-c", GROWS_120],
            }),
            Step::Ended("-b"),
        ],
        truth: Truth { status: "running", exit_code: None, oom_killed: Flag::Open },
        expect: SPARED,
        also: &[("-b", PARENT)],
        ..BASE
    },
];
