//! Lives after lives: a restart policy, a storm, a name used again.

use super::limit::OWN;
use super::{BASE, Death, HOG, Memory, Other, RUNNING, Step, died};
use crate::expect::{Expect, Fault, Number, Victims};

/// The present life is well; the earlier one died at the limit.
const NOW_ALIVE: Expect = Expect {
    killer: &["still-alive"],
    level: &["none"],
    fate: &["alive"],
    exit_code: Number::Null,
    victims: Victims::Nobody,
    limit_at_fault: Fault::NotYes,
    limit_bytes: Number::Open,
    findings: &["container-memory-limit"],
    must_not: &[],
    must_not_open: &["was killed"],
    ..OWN
};

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "after-the-restart",
        done: "own limit, then the restart policy starts the container again",
        scenario: "5",
        memory: Memory::Mib(64),
        options: &["--restart", "always"],
        command: &[
            "bash",
            "-c",
            "[ -e /first ] && exec sleep 600; touch /first; \
             exec python3 -c \"x=[bytearray(b'a'*(1<<20)) for _ in range(128)]\"",
        ],
        then: &[Step::Restarted(1), Step::Sleep(500)],
        truth: RUNNING,
        expect: NOW_ALIVE,
        ..BASE
    },
    Death {
        name: "restart-storm",
        done: "own limit, five lives long (`--restart on-failure:4`)",
        scenario: "21",
        memory: Memory::Mib(64),
        options: &["--restart", "on-failure:4"],
        command: &["python3", "-c", HOG],
        then: &[Step::Restarted(4), Step::Ended("")],
        truth: died(true),
        expect: Expect { victims: Victims::Open, deaths: Some(5), ..OWN },
        ..BASE
    },
    Death {
        name: "name-used-again",
        done: "own limit; then the container is removed and another gets its name",
        memory: Memory::Mib(64),
        command: &["python3", "-c", HOG],
        then: &[
            Step::Ended(""),
            Step::Docker(&["rm", "{name}"]),
            Step::Another(Other {
                suffix: "",
                memory: Memory::Mib(64),
                options: &[],
                command: &["sleep", "600"],
            }),
            Step::Sleep(300),
        ],
        truth: RUNNING,
        // Whether the container that had the name before is told of is left open.
        expect: Expect { findings: &[], limit_at_fault: Fault::NotYes, ..NOW_ALIVE },
        ..BASE
    },
];
