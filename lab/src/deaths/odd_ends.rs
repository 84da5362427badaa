//! Ends that look like another one: a status that answers a stop, a stop whose signal is SIGKILL, a
//! namespace that ends with its owner, a thread in place of its process, memory that is the kernel's or
//! another program's.

use super::limit::OWN;
use super::process::UNDECIDED;
use super::{BASE, Death, Memory, Other, Step, died, exited};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};
use crate::images::Image;

/// A thread that grows after the first thread has ended (exit(2) ends one thread; 60 on x86-64).
const LEADERLESS: &str = r"import ctypes, threading, time
def grow():
    time.sleep(1)
    x = [bytearray(b'a' * (1 << 20)) for _ in range(128)]
threading.Thread(target=grow).start()
ctypes.CDLL(None).syscall(60, 0)
";

/// Buffers of sockets that nobody reads: at most 128 MiB of the kernel's memory.
const SOCKETS: &str = r"import socket
kept = []
for _ in range(512):
    one, other = socket.socketpair()
    one.setblocking(False)
    kept += [one, other]
    try:
        while True:
            one.send(b'a' * 65536)
    except BlockingIOError:
        pass
";

/// A child that is no JavaScript takes 200 MiB at most; its parent ends with 1.
const SPAWNS: &str = "const c = require('child_process').spawn('bash', ['-c', \
    'x=$(printf %01048576d 1); for i in $(seq 200); do a[$i]=$x$i; done']); \
    c.on('exit', () => process.exit(1))";

/// Killed by request, no memory involved.
const BY_REQUEST: Expect = Expect {
    level: &["none"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    victims: Victims::These(&[("main", "")]),
    limit_at_fault: Fault::No,
    never: MEMORY,
    must_not: &["raise the limit", "raise the memory"],
    ..OPEN
};

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "stop-answered-with-137",
        done: "`docker stop` of a shell whose handler for SIGTERM ends with 137 at once",
        command: &["sh", "-c", "trap 'exit 137' TERM; echo up; while :; do sleep 0.1; done"],
        then: &[Step::Logged("up"), Step::Docker(&["stop", "-t", "30", "{name}"]), Step::Ended("")],
        truth: died(false),
        expect: Expect {
            limit_at_fault: Fault::No,
            never: &[
                "stop-timeout",
                "api-kill",
                "container-memory-limit",
                "ancestor-memory-limit",
                "host-out-of-memory",
                "out-of-memory",
            ],
            must_say: &["SIGTERM was sent, SIGKILL was not"],
            ..UNDECIDED
        },
        ..BASE
    },
    Death {
        name: "stop-by-sigkill",
        done: "`docker stop` of a container with `--stop-signal SIGKILL`",
        options: &["--stop-signal", "SIGKILL"],
        then: &[Step::Docker(&["stop", "{name}"]), Step::Ended("")],
        truth: died(false),
        expect: Expect {
            killer: &["api-kill"],
            must_say: &["no time to end was given"],
            ..BY_REQUEST
        },
        ..BASE
    },
    Death {
        name: "stop-by-a-real-time-signal",
        done: "`docker stop -t 1` of a container with `--stop-signal SIGRTMIN+3`, which the main process takes no notice of",
        options: &["--stop-signal", "SIGRTMIN+3"],
        then: &[Step::Docker(&["stop", "-t", "1", "{name}"]), Step::Ended("")],
        truth: died(false),
        expect: Expect {
            killer: &["stop-timeout"],
            must_say: &["SIGRTMIN+3 was sent"],
            ..BY_REQUEST
        },
        ..BASE
    },
    Death {
        name: "host-kill-after-an-execs-oom",
        done: "a hog that `docker exec` started is OOM-killed, and right after it `kill -9` from the host ends the main process",
        memory: Memory::Mib(64),
        then: &[
            Step::Try(&["exec", "{name}", "python3", "-c", super::HOG]),
            Step::HostSignal("KILL"),
            Step::Ended(""),
        ],
        truth: died(true),
        expect: Expect {
            findings: &["container-memory-limit"],
            never: &[],
            must_not: &["passed on its child"],
            must_not_open: &["memory limit"],
            ..UNDECIDED
        },
        ..BASE
    },
    Death {
        name: "pid-namespace-ended",
        done: "a container shares the pid namespace of another one (`--pid container:…`), whose main process is killed from the host",
        then: &[
            Step::Another(Other {
                suffix: "-guest",
                memory: Memory::Mib(64),
                options: &["--pid", "container:{name}"],
                command: &["sleep", "600"],
            }),
            Step::Sleep(300),
            Step::HostSignal("KILL"),
            Step::Ended(""),
            Step::Ended("-guest"),
        ],
        truth: died(false),
        expect: Expect { limit_at_fault: Fault::No, ..UNDECIDED },
        also: &[(
            "-guest",
            Expect {
                limit_at_fault: Fault::No,
                candidates: &["runtime", "process"],
                must_say: &["it lives in the pid namespace"],
                ..UNDECIDED
            },
        )],
        ..BASE
    },
    Death {
        name: "cpu-limit-unused",
        done: "`docker run --ulimit cpu=600:600` of a shell that sleeps and ends with 137",
        options: &["--ulimit", "cpu=600:600"],
        command: &["sh", "-c", "sleep 1; exit 137"],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: UNDECIDED,
        ..BASE
    },
    Death {
        name: "thread-in-place-of-its-process",
        done: "the first thread of the main process ends, then another one asks for more than 64 MiB: the kernel names the thread",
        memory: Memory::Mib(64),
        command: &["python3", "-c", LEADERLESS],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: OWN,
        ..BASE
    },
    Death {
        name: "sockets-full",
        done: "buffers of sockets that nobody reads fill 64 MiB of the kernel’s memory",
        memory: Memory::Mib(64),
        options: &["--ulimit", "nofile=4096"],
        command: &["python3", "-c", SOCKETS],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: Expect { must_not: &["heap limit"], must_say: &["kernel's own"], ..OWN },
        ..BASE
    },
    Death {
        name: "node-spawns-a-hog",
        done: "Node.js starts a shell that asks for more than the container’s 128 MiB, and ends with 1",
        image: Image::Node,
        memory: Memory::Mib(128),
        command: &["node", "-e", SPAWNS],
        then: &[Step::Ended("")],
        truth: exited(1, true),
        expect: Expect {
            fate: &["exited"],
            exit_code: Number::Is(1),
            victims: Victims::These(&[("child", "bash")]),
            limit_bytes: Number::Is(128 << 20),
            must_not: &["NODE_OPTIONS", "max-old-space-size"],
            ..OWN
        },
        ..BASE
    },
];
