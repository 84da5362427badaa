//! Deaths by another process, inside or outside, and the ones that leave the same traces.

use super::{BASE, Death, Memory, Step, Truth, died};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};
use crate::images::Image;
use crate::platform::Flag;

/// 137 of which the evidence does not tell the maker.
pub(super) const UNDECIDED: Expect = Expect {
    killer: &["unknown"],
    confidence: &["unknown", "possible"],
    exit_code: Number::Is(137),
    limit_at_fault: Fault::NotYes,
    candidates: &["process", "not-killed"],
    never: MEMORY,
    must_not_open: &["memory limit"],
    ..OPEN
};

/// A parent that kills its worker after a second, as a worker timeout does, and leaves with 137.
const SILENT_SUPERVISOR: &str = r#"import os, sys, time
pid = os.fork()
if pid == 0:
    time.sleep(60)
time.sleep(1)
os.kill(pid, 9)
os.waitpid(pid, 0)
sys.exit(137)
"#;

/// The same with the log lines of a gunicorn-like supervisor.
const LOUD_SUPERVISOR: &str = r#"import os, sys, time
def log(level, text):
    stamp = time.strftime('%Y-%m-%d %H:%M:%S +0000', time.gmtime())
    print(f'[{stamp}] [{os.getpid()}] [{level}] {text}', file=sys.stderr, flush=True)
log('INFO', 'Starting gunicorn 23.0.0')
pid = os.fork()
if pid == 0:
    log('INFO', f'Booting worker with pid: {os.getpid()}')
    time.sleep(60)
time.sleep(1)
log('CRITICAL', f'WORKER TIMEOUT (pid:{pid})')
os.kill(pid, 9)
os.waitpid(pid, 0)
log('ERROR', f'Worker (pid:{pid}) was sent SIGKILL! Perhaps out of memory?')
sys.exit(137)
"#;

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "host-kill",
        done: "`kill -9` of the main process from the host",
        scenario: "8",
        then: &[Step::Sleep(300), Step::HostSignal("KILL"), Step::Ended("")],
        truth: died(false),
        expect: Expect { limit_at_fault: Fault::No, ..UNDECIDED },
        ..BASE
    },
    Death {
        name: "worker-killed-silently",
        done: "a supervisor ends its worker by SIGKILL, says nothing, and leaves with 137",
        scenario: "9",
        command: &["python3", "-c", SILENT_SUPERVISOR],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: UNDECIDED,
        ..BASE
    },
    Death {
        name: "worker-timeout-logged",
        done: "the same with a log like gunicorn’s",
        scenario: "9",
        command: &["python3", "-c", LOUD_SUPERVISOR],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: Expect {
            killer: &["process"],
            level: &["none"],
            confidence: &["likely"],
            fate: &["exited", "unknown"],
            victims: Victims::OneOf(&["child"]),
            killed_by: &["gunicorn", "python3"],
            limit_at_fault: Fault::No,
            candidates: &[],
            must_not: &["raise the limit", "raise the memory"],
            ..UNDECIDED
        },
        ..BASE
    },
    // `timeout` as the main process stands in the container's command, so it may be named; what
    // it did is still not shown.
    Death {
        name: "timeout-program",
        done: "the main process is `timeout -s KILL 1 sleep 100`",
        scenario: "9",
        command: &["timeout", "-s", "KILL", "1", "sleep", "100"],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: Expect {
            killer: &["unknown", "process"],
            confidence: &["unknown", "possible", "likely"],
            candidates: &[],
            ..UNDECIDED
        },
        ..BASE
    },
    Death {
        name: "exit-137",
        done: "`exit 137` in a shell; nothing was killed",
        scenario: "10",
        command: &["bash", "-c", "exit 137"],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: Expect { must_not: &["was SIGKILLed", "received SIGKILL"], ..UNDECIDED },
        ..BASE
    },
    Death {
        name: "child-killed-from-inside",
        done: "a shell ends its own child by `kill -9` and passes 137 on",
        command: &["sh", "-c", "sleep 100 & sleep 0.3; kill -9 $!; wait $!; exit $?"],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: UNDECIDED,
        ..BASE
    },
    Death {
        name: "cpu-limit-inside",
        done: "`prlimit --cpu=1:1` inside the container around a busy loop",
        scenario: "11",
        command: &["prlimit", "--cpu=1:1", "python3", "-c", "while True: pass"],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: Expect {
            killer: &["unknown", "resource-limit"],
            confidence: &["unknown", "possible", "likely"],
            candidates: &[],
            ..UNDECIDED
        },
        ..BASE
    },
    Death {
        name: "cpu-limit-configured",
        done: "`docker run --ulimit cpu=1:1` with a busy loop",
        scenario: "11",
        options: &["--ulimit", "cpu=1:1"],
        command: &["python3", "-c", "while True: pass"],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: Expect {
            killer: &["resource-limit"],
            level: &["none"],
            confidence: &["likely"],
            fate: &["killed"],
            victims: Victims::These(&[("main", "")]),
            limit_at_fault: Fault::No,
            candidates: &[],
            ..UNDECIDED
        },
        ..BASE
    },
    Death {
        name: "java-kills-itself",
        done: "Java with `-XX:OnOutOfMemoryError=kill -9 %p` fills its heap",
        scenario: "12",
        image: Image::Java,
        memory: Memory::Mib(512),
        command: &[
            "bash",
            "-c",
            "java -Xmx64m '-XX:OnOutOfMemoryError=kill -9 %p' -cp /app Filler heap 200; exit $?",
        ],
        then: &[Step::Ended("")],
        truth: died(false),
        expect: Expect {
            killer: &["process"],
            level: &["none"],
            confidence: &["likely"],
            fate: &["exited", "unknown"],
            victims: Victims::OneOf(&["child"]),
            limit_at_fault: Fault::No,
            candidates: &[],
            must_not: &["raise the container", "raise the limit", "raise the memory limit"],
            ..UNDECIDED
        },
        ..BASE
    },
    Death {
        name: "init-child-killed",
        done: "with `--init`: an exec ends the program by `kill -9`; init passes 137 on",
        options: &["--init"],
        command: &["sh", "-c", "echo $$ > /pid; echo up; exec sleep 600"],
        then: &[
            Step::Logged("up"),
            Step::Try(&["exec", "{name}", "bash", "-c", "kill -9 $(cat /pid)"]),
            Step::Ended(""),
        ],
        truth: died(false),
        // The event history holds the exec and its command, so the process may be named.
        expect: Expect {
            killer: &["unknown", "process"],
            confidence: &["unknown", "possible", "likely"],
            candidates: &[],
            ..UNDECIDED
        },
        ..BASE
    },
    // Main process alive, its shim killed: 137 is then made up by the runtime.
    Death {
        name: "shim-killed",
        done: "`kill -9` of the container’s containerd shim; the main process was alive",
        then: &[Step::Sleep(300), Step::ShimKilled, Step::Ended("")],
        truth: Truth { status: "exited", exit_code: Some(137), oom_killed: Flag::Is(false) },
        expect: Expect {
            killer: &["unknown", "runtime"],
            confidence: &["unknown", "possible", "likely"],
            candidates: &[],
            ..UNDECIDED
        },
        ..BASE
    },
];
