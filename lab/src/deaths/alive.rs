//! Nothing died: a healthy container, a full page cache, a paused one, one stalled at its limit.

use super::{BASE, Death, HOG, MIB_64, RUNNING, Step, Truth};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};

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
    Death { name: "healthy", then: &[Step::Sleep(300)], expect: ALIVE, ..BASE },
    Death {
        name: "cache-full",
        scenario: "15",
        memory: 64,
        command: &["bash", "-c", "dd if=/dev/zero of=/tmp/f bs=1M count=200; sleep 600"],
        then: &[Step::Logged("copied"), Step::Sleep(300)],
        truth: Truth { status: "running", exit_code: None, oom_killed: Some(false) },
        expect: Expect {
            limit_at_fault: Fault::No,
            must_not: &["raise the limit", "raise the memory", "increase the limit"],
            ..ALIVE
        },
        ..BASE
    },
    Death {
        name: "paused",
        then: &[Step::Sleep(300), Step::Docker(&["pause", "{name}"])],
        truth: Truth { status: "paused", exit_code: None, oom_killed: Some(false) },
        expect: ALIVE,
        ..BASE
    },
    Death {
        name: "stalled-at-limit",
        scenario: "25",
        memory: 64,
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
