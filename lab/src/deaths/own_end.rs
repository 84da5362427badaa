//! Programs that end by their own doing: a status, a fatal signal of their own making, a start
//! that failed.

use super::{BASE, Death, HOG, Memory, Other, Step, Truth, exited};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};
use crate::platform::Flag;

const BY_ITSELF: Expect = Expect {
    killer: &["not-killed"],
    level: &["none"],
    confidence: &["proven", "likely"],
    fate: &["exited"],
    victims: Victims::Nobody,
    limit_at_fault: Fault::NotYes,
    never: MEMORY,
    ..OPEN
};

/// A crash that leaves no line in the kernel log: only the status tells, and a program may choose
/// that status. The fault of the container before, a second ago, is none of its own.
const CRASHED_BY_STATUS: Expect =
    Expect { confidence: &["likely"], not_quoted: &["general protection fault"], ..CRASHED };

const CRASHED: Expect = Expect {
    killer: &["crash"],
    victims: Victims::Open,
    limit_at_fault: Fault::NotYes,
    ..BY_ITSELF
};

/// A start that failed.
const fn never_ran(exit_code: i64) -> Truth {
    Truth { status: "created", exit_code: Some(exit_code), oom_killed: Flag::Is(false) }
}

const SMALL_SHM: &str = r#"import mmap, os
fd = os.open('/dev/shm/f', os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 32 << 20)
m = mmap.mmap(fd, 32 << 20)
for i in range(0, len(m), 4096):
    m[i] = 1
"#;

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "exit-0",
        done: "a program that ends with 0",
        command: &["true"],
        then: &[Step::Ended("")],
        truth: exited(0, false),
        expect: Expect { exit_code: Number::Is(0), ..BY_ITSELF },
        ..BASE
    },
    Death {
        name: "exit-1",
        done: "a program that ends with 1",
        command: &["bash", "-c", "exit 1"],
        then: &[Step::Ended("")],
        truth: exited(1, false),
        expect: Expect { exit_code: Number::Is(1), ..BY_ITSELF },
        ..BASE
    },
    // A neighbour's OOM kill a second before must change nothing.
    Death {
        name: "exit-1-beside-an-oom",
        done: "a program that ends with 1, a second after a neighbour was OOM-killed",
        command: &["bash", "-c", "sleep 2; exit 1"],
        then: &[
            Step::Another(Other {
                suffix: "-hog",
                memory: Memory::Mib(64),
                options: &[],
                command: &["python3", "-c", HOG],
            }),
            Step::Ended("-hog"),
            Step::Ended(""),
        ],
        truth: exited(1, false),
        expect: Expect { exit_code: Number::Is(1), ..BY_ITSELF },
        also: &[("-hog", super::limit::OWN)],
        ..BASE
    },
    Death {
        name: "no-such-program",
        done: "a command that does not exist",
        command: &["no-such-program"],
        truth: never_ran(127),
        expect: Expect { fate: &[], exit_code: Number::Is(127), ..BY_ITSELF },
        ..BASE
    },
    Death {
        name: "not-executable",
        done: "a command that is not executable",
        command: &["/etc/passwd"],
        truth: never_ran(126),
        expect: Expect { fate: &[], exit_code: Number::Is(126), ..BY_ITSELF },
        ..BASE
    },
    Death {
        name: "shell-127",
        done: "a shell whose command does not exist",
        command: &["bash", "-c", "no-such-program"],
        then: &[Step::Ended("")],
        truth: exited(127, false),
        expect: Expect { exit_code: Number::Is(127), ..BY_ITSELF },
        ..BASE
    },
    Death {
        name: "memory-error",
        done: "Python under `prlimit --as` gets no memory and ends with a traceback",
        command: &["prlimit", "--as=134217728", "python3", "-c", "bytearray(1 << 29)"],
        then: &[Step::Ended("")],
        truth: exited(1, false),
        expect: Expect { exit_code: Number::Is(1), ..BY_ITSELF },
        ..BASE
    },
    Death {
        name: "segfault",
        done: "a fault in the main process (SIGSEGV)",
        command: &["python3", "-c", "import ctypes; ctypes.string_at(0)"],
        then: &[Step::Ended("")],
        truth: exited(139, false),
        expect: Expect { exit_code: Number::Is(139), ..CRASHED },
        ..BASE
    },
    // PID 1 ignores SIGABRT; the C library's abort then falls through to a trap.
    Death {
        name: "abort-as-main",
        done: "abort() in the main process, which as PID 1 ignores SIGABRT",
        command: &["python3", "-c", "import os; os.abort()"],
        then: &[Step::Ended("")],
        truth: exited(139, false),
        expect: Expect { exit_code: Number::Is(139), ..CRASHED },
        ..BASE
    },
    Death {
        name: "abort-under-init",
        done: "abort() under `--init`",
        options: &["--init"],
        command: &["python3", "-c", "import os; os.abort()"],
        then: &[Step::Ended("")],
        truth: exited(134, false),
        expect: Expect { exit_code: Number::Is(134), ..CRASHED_BY_STATUS },
        ..BASE
    },
    Death {
        name: "forbidden-call",
        done: "a system call that the seccomp profile answers with death (SIGSYS)",
        options: &["--security-opt", "seccomp={lab}/run/forbid-sethostname.json"],
        command: &["python3", "-c", "import ctypes; ctypes.CDLL(None).sethostname(b'x', 1)"],
        then: &[Step::Ended("")],
        truth: exited(159, false),
        // Where the kernel audits, a line of type 1326 names the pid and the signal.
        expect: Expect {
            confidence: &["proven", "likely"],
            exit_code: Number::Is(159),
            ..CRASHED_BY_STATUS
        },
        ..BASE
    },
    Death {
        name: "small-shm",
        done: "32 MiB of a /dev/shm of 16 MiB are touched (SIGBUS)",
        scenario: "14",
        options: &["--shm-size", "16m"],
        command: &["python3", "-c", SMALL_SHM],
        then: &[Step::Ended("")],
        truth: exited(135, false),
        expect: Expect { exit_code: Number::Is(135), must_not: &["heap"], ..CRASHED_BY_STATUS },
        ..BASE
    },
];
