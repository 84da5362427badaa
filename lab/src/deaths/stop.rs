//! Deaths by request: stop and its timeout, kill, restart, forced removal; an earlier OOM kill in
//! the same container must not take the blame.

use super::{BASE, Death, GONE, Memory, RUNNING, Step, Truth, died, exited};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};
use crate::platform::Flag;

/// SIGKILL after the grace period, no memory involved.
const TIMEOUT: Expect = Expect {
    killer: &["stop-timeout"],
    level: &["none"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    victims: Victims::These(&[("main", "")]),
    limit_at_fault: Fault::No,
    never: MEMORY,
    must_not: &["raise the limit", "raise the memory", "more memory", "increase the memory"],
    ..OPEN
};

/// `docker kill`.
const API: Expect = Expect { killer: &["api-kill"], must_not: &["external process"], ..TIMEOUT };

/// Asked to stop, and did.
const OBEYED: Expect = Expect {
    killer: &["stopped"],
    level: &["none"],
    confidence: &["proven", "likely"],
    fate: &["exited"],
    limit_at_fault: Fault::NotYes,
    never: MEMORY,
    ..OPEN
};

/// A hog as a child, then a main process that ignores SIGTERM.
const DEAF: &str = "python3 -c \"x=[bytearray(b'a'*(1<<20)) for _ in range(128)]\"; \
    trap '' TERM; while :; do sleep 1; done";

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "stop-after-a-childs-oom",
        done: "a child is OOM-killed; two seconds later `docker stop -t 1` of a shell that ignores SIGTERM",
        scenario: "4",
        memory: Memory::Mib(64),
        command: &["bash", "-c", DEAF],
        then: &[Step::Kills(1), Step::Sleep(2000), Step::Docker(&["stop", "-t", "1", "{name}"])],
        truth: died(true),
        expect: Expect {
            never: &[],
            findings: &["container-memory-limit"],
            must_not_open: &["memory limit", "out of memory"],
            must_not: &[],
            ..TIMEOUT
        },
        ..BASE
    },
    Death {
        name: "kill-after-a-childs-oom",
        done: "a child is OOM-killed; two seconds later `docker kill`",
        memory: Memory::Mib(64),
        command: &["bash", "-c", DEAF],
        then: &[Step::Kills(1), Step::Sleep(2000), Step::Docker(&["kill", "{name}"])],
        truth: died(true),
        expect: Expect {
            never: &[],
            findings: &["container-memory-limit"],
            must_not_open: &["memory limit", "out of memory"],
            ..API
        },
        ..BASE
    },
    Death {
        name: "stop-unheard",
        done: "`docker stop -t 2` of a main process without a SIGTERM handler",
        scenario: "6",
        command: &["sleep", "100"],
        then: &[Step::Docker(&["stop", "-t", "2", "{name}"])],
        truth: died(false),
        expect: TIMEOUT,
        ..BASE
    },
    Death {
        name: "docker-kill",
        done: "`docker kill`",
        scenario: "7",
        then: &[Step::Docker(&["kill", "{name}"])],
        truth: died(false),
        expect: API,
        ..BASE
    },
    Death {
        name: "docker-restart",
        done: "`docker restart -t 1` of a main process without a SIGTERM handler",
        scenario: "7",
        then: &[Step::Docker(&["restart", "-t", "1", "{name}"]), Step::Sleep(300)],
        truth: RUNNING,
        expect: Expect {
            killer: &["still-alive"],
            fate: &["alive"],
            exit_code: Number::Null,
            victims: Victims::Nobody,
            limit_at_fault: Fault::NotYes,
            findings: &["stop-timeout"],
            must_not: &["external process"],
            ..TIMEOUT
        },
        ..BASE
    },
    Death {
        name: "removed-by-force",
        done: "`docker rm -f` of a running container",
        then: &[Step::Docker(&["rm", "-f", "{name}"])],
        truth: GONE,
        expect: Expect { limit_at_fault: Fault::NotYes, ..API },
        ..BASE
    },
    Death {
        name: "kill-history-lost",
        done: "`docker kill`; then the daemon is restarted and its events are gone",
        then: &[Step::Docker(&["kill", "{name}"]), Step::DaemonRestarted],
        truth: died(false),
        expect: Expect {
            killer: &["unknown", "api-kill", "stop-timeout"],
            level: &[],
            confidence: &["unknown", "possible", "likely"],
            fate: &[],
            victims: Victims::Open,
            limit_at_fault: Fault::NotYes,
            ..API
        },
        ..BASE
    },
    Death {
        name: "term-obeyed",
        done: "`docker kill -s TERM` of a program that ends with 0 on SIGTERM",
        command: &["bash", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done"],
        then: &[
            Step::Logged("up"),
            Step::Docker(&["kill", "-s", "TERM", "{name}"]),
            Step::Ended(""),
        ],
        truth: exited(0, false),
        expect: Expect { exit_code: Number::Is(0), ..OBEYED },
        ..BASE
    },
    Death {
        name: "stop-obeyed",
        done: "`docker stop` of a program that ends with 143 on SIGTERM",
        command: &["bash", "-c", "trap 'exit 143' TERM; echo up; while :; do sleep 0.1; done"],
        then: &[Step::Logged("up"), Step::Docker(&["stop", "-t", "5", "{name}"])],
        truth: exited(143, false),
        // 143 of a handler and of the signal itself look the same.
        expect: Expect { fate: &[], exit_code: Number::Is(143), ..OBEYED },
        ..BASE
    },
    Death {
        name: "stop-obeyed-by-the-default",
        done: "`docker stop` with `--init`: SIGTERM ends the program by its default",
        options: &["--init"],
        then: &[Step::Sleep(300), Step::Docker(&["stop", "-t", "5", "{name}"])],
        truth: exited(143, false),
        expect: Expect { fate: &[], exit_code: Number::Is(143), ..OBEYED },
        ..BASE
    },
    Death {
        name: "hup-heard",
        done: "`docker kill -s HUP` of a program that has a handler",
        command: &["bash", "-c", "trap 'echo again' HUP; echo up; while :; do sleep 0.1; done"],
        then: &[
            Step::Logged("up"),
            Step::Docker(&["kill", "-s", "HUP", "{name}"]),
            Step::Logged("again"),
        ],
        truth: RUNNING,
        expect: Expect {
            killer: &["still-alive"],
            confidence: &["proven"],
            fate: &["alive"],
            exit_code: Number::Null,
            victims: Victims::Nobody,
            ..OBEYED
        },
        ..BASE
    },
    // Any signal through the API marks the container as "manually stopped" for the daemon, so
    // that mark must not turn a later kill from elsewhere into one through the API.
    Death {
        name: "hup-then-host-kill",
        done: "`docker kill -s HUP`, heard; two seconds later `kill -9` from the host",
        command: &["bash", "-c", "trap 'echo again' HUP; echo up; while :; do sleep 0.1; done"],
        then: &[
            Step::Logged("up"),
            Step::Docker(&["kill", "-s", "HUP", "{name}"]),
            Step::Logged("again"),
            Step::Sleep(2000),
            Step::HostSignal("KILL"),
            Step::Ended(""),
        ],
        truth: Truth { status: "exited", exit_code: Some(137), oom_killed: Flag::Is(false) },
        expect: Expect {
            killer: &["unknown"],
            confidence: &["unknown", "possible"],
            fate: &[],
            exit_code: Number::Is(137),
            candidates: &["process", "not-killed"],
            ..OBEYED
        },
        ..BASE
    },
];
