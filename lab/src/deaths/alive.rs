//! Nothing died: a healthy container, a full page cache, a paused one, one stalled at its limit.

use super::{BASE, Death, HOG, MIB_64, Memory, RUNNING, Step, Truth};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};
use crate::platform::{Cgroup, Flag, Needs};

const ALIVE: Expect = Expect {
    killer: &["still-alive"],
    level: &["none"],
    confidence: &["proven"],
    fate: &["alive"],
    exit_code: Number::Null,
    victims: Victims::Nobody,
    limit_at_fault: Fault::NotYes,
    never: MEMORY,
    must_not_open: &["was killed"],
    ..OPEN
};

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "healthy",
        done: "a container that sleeps",
        then: &[Step::Sleep(300)],
        expect: ALIVE,
        ..BASE
    },
    Death {
        name: "cache-full",
        done: "200 MB are written to a file in a container with 64 MiB: the page cache fills the limit",
        scenario: "15",
        memory: Memory::Mib(64),
        command: &["bash", "-c", "dd if=/dev/zero of=/tmp/f bs=1M count=200; sleep 600"],
        then: &[Step::Logged("copied"), Step::Sleep(300)],
        truth: Truth { status: "running", exit_code: None, oom_killed: Flag::Is(false) },
        expect: Expect {
            limit_at_fault: Fault::No,
            must_not: &["raise the limit", "raise the memory", "increase the limit"],
            ..ALIVE
        },
        ..BASE
    },
    Death {
        name: "paused",
        done: "`docker pause`",
        then: &[Step::Sleep(300), Step::Docker(&["pause", "{name}"])],
        truth: Truth { status: "paused", exit_code: None, oom_killed: Flag::Is(false) },
        expect: ALIVE,
        ..BASE
    },
    Death {
        name: "stalled-at-limit",
        needs: Needs::Only(Cgroup::V1, "cgroup v2 has no `--oom-kill-disable`"),
        done: "`--oom-kill-disable` and a hog: every process waits at the limit",
        scenario: "25",
        memory: Memory::Mib(64),
        options: &["--oom-kill-disable"],
        command: &["python3", "-c", HOG],
        then: &[Step::UnderOom, Step::Sleep(300)],
        truth: RUNNING,
        expect: Expect {
            level: &["own"],
            limit_at_fault: Fault::Yes,
            limit_bytes: Number::Is(MIB_64),
            never: &[],
            must_not: &["healthy"],
            ..ALIVE
        },
        ..BASE
    },
];
