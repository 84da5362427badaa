//! Many at once: thirty children within about a second, and eight containers in parallel, where
//! Docker itself sometimes loses the flag.

use super::limit::OWN;
use super::{BASE, Death, Memory, Other, Step, Truth};
use crate::expect::{Expect, Number, Victims};
use crate::platform::Flag;

/// Thirty children of which each wants 100 MiB of the container's 64 MiB. They are all to die, and
/// the main process is not: they raise their own oom_score_adj, which needs no privilege. It waits for
/// a fresh window of the kernel's ten reports in 5 s.
const STORM: &str = r#"import os, time
time.sleep(6)
for _ in range(30):
    if os.fork() == 0:
        with open('/proc/self/oom_score_adj', 'w') as adj:
            adj.write('1000')
        x = [bytearray(b'a' * (1 << 20)) for _ in range(100)]
        os._exit(0)
for _ in range(30):
    os.wait()
print('over', flush=True)
time.sleep(600)
"#;

/// Waits for SIGUSR1, then is a hog of 128 MiB.
const WAITS_THEN_HOGS: &str = r#"import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print('up', flush=True)
signal.sigwait([signal.SIGUSR1])
x = [bytearray(b'a' * (1 << 20)) for _ in range(128)]
"#;

/// One more of the eight.
const fn another(suffix: &'static str) -> Step {
    Step::Another(Other {
        suffix,
        memory: Memory::Mib(64),
        options: &[],
        command: &["python3", "-c", WAITS_THEN_HOGS],
    })
}

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "storm",
        done: "thirty children ask for 100 MiB each in a container with 64 MiB, all at once; the main process goes on",
        memory: Memory::Mib(64),
        command: &["python3", "-c", STORM],
        then: &[Step::Logged("over"), Step::Sleep(500)],
        truth: Truth { status: "running", exit_code: None, oom_killed: Flag::KilledWhileRunning },
        expect: Expect {
            fate: &["alive"],
            exit_code: Number::Null,
            victims: Victims::AsCounted("child", "python3"),
            deaths: Some(30),
            ..OWN
        },
        ..BASE
    },
    // Whether the flag is raised is a race inside Docker; the answer must not depend on it.
    Death {
        name: "eight-at-once",
        done: "eight containers with 64 MiB each become hogs at the same moment",
        memory: Memory::Mib(64),
        command: &["python3", "-c", WAITS_THEN_HOGS],
        then: &[
            // The kernel prints ten reports in 5 s, and others may just have used them up.
            Step::Sleep(6000),
            another("-2"),
            another("-3"),
            another("-4"),
            another("-5"),
            another("-6"),
            another("-7"),
            another("-8"),
            Step::Logged("up"),
            Step::LoggedBy("-2", "up"),
            Step::LoggedBy("-3", "up"),
            Step::LoggedBy("-4", "up"),
            Step::LoggedBy("-5", "up"),
            Step::LoggedBy("-6", "up"),
            Step::LoggedBy("-7", "up"),
            Step::LoggedBy("-8", "up"),
            Step::SignalAll("USR1"),
            Step::Ended(""),
            Step::Ended("-2"),
            Step::Ended("-3"),
            Step::Ended("-4"),
            Step::Ended("-5"),
            Step::Ended("-6"),
            Step::Ended("-7"),
            Step::Ended("-8"),
            Step::Sleep(6000),
        ],
        truth: Truth { status: "exited", exit_code: Some(137), oom_killed: Flag::Open },
        expect: OWN,
        also: &[
            ("-2", OWN),
            ("-3", OWN),
            ("-4", OWN),
            ("-5", OWN),
            ("-6", OWN),
            ("-7", OWN),
            ("-8", OWN),
        ],
        ..BASE
    },
];
