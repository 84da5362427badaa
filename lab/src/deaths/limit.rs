//! Deaths at the container's own memory limit: the main process, a child, an exec, a probe,
//! tmpfs, respawned workers, copy-on-write after fork.

use super::{BASE, Death, HOG, MIB_64, Memory, Other, Step, Truth, died, exited};
use crate::expect::{Expect, Fault, Number, OPEN, Victims};
use crate::platform::Flag;

/// A shell line whose first command is a hog of 128 MiB.
macro_rules! child_hog {
    ($then:literal) => {
        concat!("python3 -c \"x=[bytearray(b'a'*(1<<20)) for _ in range(128)]\"; ", $then)
    };
}

/// One run never shows a leak.
pub(super) const LEAK: &[&str] = &["is a leak", "leaks", "memory leak", "heap leak"];

/// An OOM kill at the own limit of 64 MiB, proven.
pub(super) const OWN: Expect = Expect {
    killer: &["container-memory-limit"],
    level: &["own"],
    confidence: &["proven"],
    fate: &["killed"],
    exit_code: Number::Is(137),
    victims: Victims::These(&[("main", "python3")]),
    limit_at_fault: Fault::Yes,
    limit_bytes: Number::Is(MIB_64),
    must_not: LEAK,
    ..OPEN
};

/// The same with a child as victim while the main process goes on.
const CHILD: Expect = Expect {
    fate: &["alive"],
    exit_code: Number::Null,
    victims: Victims::These(&[("child", "python3")]),
    must_not: &["no out-of-memory", "nothing was killed", "nothing died"],
    ..OWN
};

/// The same; then the main process ends by itself.
const CHILD_THEN_EXIT: Expect = Expect {
    fate: &["exited"],
    must_not: &["main process was killed", "SIGKILL was sent to the main process"],
    ..CHILD
};

const SUPERVISOR_OF_HOGS: &str = r#"import os, time
def worker():
    pid = os.fork()
    if pid == 0:
        x = [bytearray(b'a' * (1 << 20)) for _ in range(30)]
        time.sleep(600)
    return pid
for _ in range(6):
    worker()
for _ in range(4):
    os.wait()
    time.sleep(0.7)
    worker()
while True:
    try:
        os.wait()
    except ChildProcessError:
        pass
    print("settled", flush=True)
    time.sleep(600)
"#;

const REWRITER: &str = r#"import os, time
pages = bytearray(60 << 20)
for i in range(0, len(pages), 4096):
    pages[i] = 1
if os.fork() == 0:
    time.sleep(600)
for i in range(0, len(pages), 4096):
    pages[i] = 2
time.sleep(600)
"#;

const MAPPED: &str = r#"import mmap, os
fd = os.open('/dev/shm/f', os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 128 << 20)
m = mmap.mmap(fd, 128 << 20)
for i in range(0, len(m), 4096):
    m[i] = 1
"#;

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "own-limit",
        done: "a container with 64 MiB whose main process asks for 128 MiB",
        scenario: "1",
        memory: Memory::Mib(64),
        command: &["python3", "-c", HOG],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: OWN,
        ..BASE
    },
    Death {
        name: "child-killed",
        done: "a child asks for more than the container’s 64 MiB; the main process, a shell, goes on",
        scenario: "2",
        memory: Memory::Mib(64),
        command: &["bash", "-c", child_hog!("sleep 600")],
        then: &[Step::Kills(1), Step::Sleep(300)],
        truth: Truth { status: "running", exit_code: None, oom_killed: Flag::KilledWhileRunning },
        expect: CHILD,
        ..BASE
    },
    Death {
        name: "child-killed-exit-0",
        done: "a child is OOM-killed at 64 MiB; then the shell ends with 0",
        scenario: "3",
        memory: Memory::Mib(64),
        command: &["bash", "-c", child_hog!("exit 0")],
        then: &[Step::Ended("")],
        truth: exited(0, true),
        expect: Expect { exit_code: Number::Is(0), ..CHILD_THEN_EXIT },
        ..BASE
    },
    Death {
        name: "child-killed-exit-1",
        done: "a child is OOM-killed at 64 MiB; a second later the shell ends with 1",
        scenario: "3",
        memory: Memory::Mib(64),
        command: &["bash", "-c", child_hog!("sleep 1; exit 1")],
        then: &[Step::Ended("")],
        truth: exited(1, true),
        expect: Expect { exit_code: Number::Is(1), ..CHILD_THEN_EXIT },
        ..BASE
    },
    Death {
        name: "child-killed-exit-137",
        done: "a child is OOM-killed at 64 MiB; the shell passes the child’s 137 on",
        scenario: "3",
        memory: Memory::Mib(64),
        command: &["bash", "-c", child_hog!("exit $?")],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: Expect { exit_code: Number::Is(137), ..CHILD_THEN_EXIT },
        ..BASE
    },
    Death {
        name: "tmpfs-full",
        done: "128 MiB are written to a tmpfs inside a container with 64 MiB",
        scenario: "14",
        memory: Memory::Mib(64),
        options: &["--tmpfs", "/scratch:size=512m"],
        command: &["dd", "if=/dev/zero", "of=/scratch/f", "bs=1M", "count=128"],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: Expect {
            victims: Victims::These(&[("main", "dd")]),
            must_not: &["heap"],
            must_say: &["tmpfs", "shm"],
            ..OWN
        },
        ..BASE
    },
    Death {
        name: "shm-full",
        done: "128 MiB of /dev/shm are filled inside a container with 64 MiB",
        scenario: "14",
        memory: Memory::Mib(64),
        options: &["--shm-size", "512m"],
        command: &["python3", "-c", MAPPED],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: Expect { must_not: &["heap"], must_say: &["tmpfs", "shm"], ..OWN },
        ..BASE
    },
    Death {
        name: "respawned-workers",
        done: "a supervisor keeps four workers of 30 MiB in 128 MiB and starts a new one for each that dies",
        scenario: "19",
        memory: Memory::Mib(128),
        command: &["python3", "-c", SUPERVISOR_OF_HOGS],
        then: &[Step::Kills(4), Step::Sleep(3000)],
        truth: Truth { status: "running", exit_code: None, oom_killed: Flag::Open },
        expect: Expect {
            victims: Victims::AsCounted("child", "python3"),
            limit_bytes: Number::Is(128 << 20),
            must_say: &["of that size fit"],
            ..CHILD
        },
        ..BASE
    },
    Death {
        name: "copy-on-write",
        done: "a process of 60 MiB forks and writes to every page again, within 96 MiB",
        scenario: "20",
        memory: Memory::Mib(96),
        command: &["python3", "-c", REWRITER],
        then: &[Step::Kills(1), Step::Sleep(500)],
        truth: Truth { status: "", exit_code: None, oom_killed: Flag::Open },
        expect: Expect {
            confidence: &["proven", "likely"],
            fate: &["killed", "alive"],
            exit_code: Number::Open,
            victims: Victims::OneOf(&["main", "child"]),
            limit_bytes: Number::Is(96 << 20),
            must_say: &["share pages"],
            ..OWN
        },
        ..BASE
    },
    Death {
        name: "exec-killed",
        done: "`docker exec` starts a hog in a container with 64 MiB",
        memory: Memory::Mib(64),
        then: &[Step::Try(&["exec", "{name}", "python3", "-c", HOG]), Step::Sleep(300)],
        expect: Expect { victims: Victims::These(&[("exec", "python3")]), ..CHILD },
        ..BASE
    },
    Death {
        name: "probe-killed",
        done: "the health check is the hog, in a container with 64 MiB",
        memory: Memory::Mib(64),
        options: &[
            "--health-interval",
            "1s",
            "--health-cmd",
            "[ -e /once ] || { touch /once; python3 -c 'x=bytearray(b\"a\"*(1<<27))'; }",
        ],
        then: &[Step::Kills(1), Step::Sleep(300)],
        expect: Expect { victims: Victims::OneOf(&["exec", "child"]), ..CHILD },
        ..BASE
    },
    Death {
        name: "removed-by-itself",
        done: "as own-limit, with `--rm`: the container is gone afterwards",
        memory: Memory::Mib(64),
        options: &["--rm"],
        command: &["python3", "-c", HOG],
        then: &[Step::Gone],
        truth: super::GONE,
        expect: OWN,
        ..BASE
    },
    Death {
        name: "history-lost",
        done: "as own-limit; then the daemon is restarted and its events are gone",
        memory: Memory::Mib(64),
        command: &["python3", "-c", HOG],
        then: &[Step::Ended(""), Step::DaemonRestarted],
        truth: died(true),
        expect: Expect { confidence: &["proven", "likely"], ..OWN },
        ..BASE
    },
    Death {
        name: "second-owner-of-a-name",
        done: "a container is removed, another one gets its name and dies at 64 MiB",
        memory: Memory::Mib(64),
        command: &["sleep", "600"],
        then: &[
            Step::Docker(&["rm", "-f", "{name}"]),
            Step::Another(Other {
                suffix: "",
                memory: Memory::Mib(64),
                options: &[],
                command: &["python3", "-c", HOG],
            }),
            Step::Ended(""),
        ],
        truth: died(true),
        expect: OWN,
        ..BASE
    },
    Death {
        name: "build-step",
        done: "the RUN step of a classic `docker build --memory 64m` is a hog",
        scenario: "24",
        command: &["true"],
        then: &[
            Step::Ended(""),
            Step::BuildFails {
                memory: 64,
                run: "[\"python3\", \"-c\", \"x=[bytearray(b'a'*(1<<20)) for _ in range(128)]\"]",
            },
        ],
        truth: died(true),
        expect: OWN,
        ..BASE
    },
];
