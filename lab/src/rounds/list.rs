//! The list: at the limit, while starting, by itself, of two causes, inside.

use super::{Found, Guarded, Round, Until};

/// At its own limit, while it starts.
const AT_LIMIT: Found = Found {
    kind: "restart-loop",
    cause: "container-memory-limit",
    is_memory: true,
    in_warm_up: true,
    before_health: None,
    deaths: 8,
    age: Some((0.02, 20.0)),
    never: &["leak-like", "cause not known"],
};

/// No want of memory.
const NOT_MEMORY: Found = Found {
    cause: "not-memory",
    is_memory: false,
    in_warm_up: false,
    deaths: 5,
    age: Some((0.5, 20.0)),
    never: &["out of memory", "memory limit", "raise", "oom"],
    ..AT_LIMIT
};

/// 200 MiB, three times the limit: the run with twice the limit ends as the others did.
const HOG: &str = "x=[bytearray(b'a'*(1<<20)) for _ in range(200)]";

/// 90 MiB within 5 s, then 20 MiB: healthy from then on.
const STARTS_LARGE: &str = r#"import os, time
if os.path.exists('/tmp/ready'):
    os.remove('/tmp/ready')
held = []
for _ in range(18):
    held.append(bytearray(b'a') * (5 << 20))
    time.sleep(0.28)
held = held[:4]
open('/tmp/ready', 'w').close()
time.sleep(600)
"#;

/// Six workers of 30 MiB in 128 MiB; whoever dies is replaced.
const POOL: &str = r#"import os, time
def work():
    held = bytearray(b'a') * (30 << 20)
    time.sleep(600)
for _ in range(6):
    if os.fork() == 0:
        work()
while True:
    os.wait()
    time.sleep(1)
    if os.fork() == 0:
        work()
"#;

/// Every other life ends by itself.
const IN_TURN: &str = "n=$(cat /n 2>/dev/null || echo 0); echo $((n + 1)) > /n; sleep 0.5; \
    [ $((n % 2)) = 1 ] && exit 1; exec python3 -c \"x=[bytearray(b'a'*(1<<20)) for _ in range(128)]\"";

pub(super) const ROUNDS: &[Round] = &[
    Round {
        name: "loop-at-limit",
        scenario: "21",
        memory: 64,
        options: &["--restart", "always"],
        command: &["python3", "-c", HOG],
        until: Until::Restarts(8),
        found: AT_LIMIT,
        guarded: Guarded::Tried { survived: false },
    },
    Round {
        name: "loop-while-starting",
        scenario: "22",
        memory: 64,
        options: &[
            "--restart",
            "always",
            "--health-cmd",
            "test -e /tmp/ready",
            "--health-interval",
            "1s",
        ],
        command: &["python3", "-c", STARTS_LARGE],
        until: Until::Restarts(5),
        found: Found { before_health: Some(true), deaths: 5, age: Some((1.5, 40.0)), ..AT_LIMIT },
        guarded: Guarded::Tried { survived: true },
    },
    Round {
        name: "loop-not-memory",
        scenario: "-",
        memory: 64,
        options: &["--restart", "always"],
        command: &["bash", "-c", "sleep 1; exit 1"],
        until: Until::Restarts(5),
        found: NOT_MEMORY,
        guarded: Guarded::LeftAlone,
    },
    Round {
        name: "loop-of-two-causes",
        scenario: "-",
        memory: 64,
        options: &["--restart", "always"],
        command: &["bash", "-c", IN_TURN],
        until: Until::Restarts(6),
        found: Found {
            cause: "mixed",
            deaths: 6,
            never: &["restarting cannot help"],
            ..NOT_MEMORY
        },
        guarded: Guarded::LeftAlone,
    },
    Round {
        name: "loop-inside",
        scenario: "19",
        memory: 128,
        options: &[],
        command: &["python3", "-c", POOL],
        until: Until::Kills(6),
        found: Found {
            kind: "respawn-storm",
            in_warm_up: false,
            deaths: 6,
            age: None,
            never: &["restart loop", "cause not known"],
            ..AT_LIMIT
        },
        guarded: Guarded::LeftAlone,
    },
];
