//! One process with a heap: Node.js, Bun, the JVM, Go.

use super::{Expected, Layout, Measures, Source, Workload};

const NODE: Source = Source::Node("22.23.3");
const OLD_NODE: Source = Source::Node("18.20.8");
const GO: Source = Source::Go("1.26.6");
const BUN: Source = Source::Bun("1.3.14");
const JAVA: Source = Source::Debian("openjdk-17-jre-headless");

/// `{program} OPTIONS… sessions.js …` and the like stand whole in each row, as a person would type them.
pub(super) const ALL: &[Workload] = &[
    Workload {
        story: "A flag lets the old space grow to four times the limit: garbage piles up.",
        words: &[
            "{program}",
            "--max-old-space-size=1024",
            "{here}/sessions.js",
            "130",
            "20000",
            "0",
        ],
        done: "done 20000",
        told: &["--max-old-space-size=1024"],
        ..Workload::of("node-heap-flag", "node@22.23.3", NODE, 256)
    },
    Workload {
        story: "No flag: Node.js takes no less than 256 MiB as its old space, however small the limit. Half a processor.",
        quota: Some(500),
        words: &["{program}", "{here}/sessions.js", "83", "15000", "0", "0"],
        done: "done 15000",
        measures: Measures::Outside,
        ..Workload::of("node-floor", "node@22.23.3", NODE, 160)
    },
    Workload {
        story: "A systemd service on Node.js 18, which does not see its limit: the heap follows the machine.",
        layout: Layout::Service,
        words: &["{program}", "{here}/sessions.js", "180", "30000", "0", "0"],
        done: "done 30000",
        ..Workload::of("node-blind-service", "node@18.20.8", OLD_NODE, 384)
    },
    Workload {
        story: "75 MiB of Buffers are held beside a heap that is allowed twice the limit.",
        words: &[
            "{program}",
            "--max-old-space-size=512",
            "{here}/sessions.js",
            "85",
            "20000",
            "64",
            "1200",
        ],
        done: "done 20000",
        told: &["--max-old-space-size=512"],
        measures: Measures::Outside,
        ..Workload::of("node-buffers-held", "node@22.23.3", NODE, 256)
    },
    Workload {
        story: "Buffers without end are held: memory outside the heap grows until the limit.",
        words: &["{program}", "{here}/sessions.js", "20", "20000", "64", "20000"],
        done: "done 20000",
        measures: Measures::Outside,
        expected: Expected::Refused,
        ..Workload::of("node-buffers-too-many", "node@22.23.3", NODE, 256)
    },
    Workload {
        story: "300 MiB of sessions are held in a limit of 256.",
        words: &[
            "{program}",
            "--max-old-space-size=1024",
            "{here}/sessions.js",
            "300",
            "40000",
            "0",
        ],
        done: "done 40000",
        told: &["--max-old-space-size=1024"],
        expected: Expected::OwnError("heap out of memory"),
        ..Workload::of("node-too-much-held", "node@22.23.3", NODE, 256)
    },
    Workload {
        story: "Bun has no ceiling: what it holds is more than the limit.",
        words: &["{program}", "{here}/sessions.js", "300", "40000", "0", "0"],
        done: "done 40000",
        expected: Expected::Refused,
        ..Workload::of("bun-too-much-held", "bun@1.3.14", BUN, 256)
    },
    Workload {
        story: "-Xmx is nearly three times the limit: garbage piles up.",
        words: &[
            "/usr/bin/java",
            "-Xmx1g",
            "-cp",
            "{here}",
            "Sessions",
            "130",
            "200000",
            "heap",
            "0",
        ],
        done: "done 200000",
        told: &["-Xmx1g"],
        ..Workload::of("java-heap", "java@17", JAVA, 384)
    },
    Workload {
        story: "75 % for the heap, and as much again for direct buffers, which only the collector frees.",
        words: &[
            "/usr/bin/java",
            "-XX:MaxRAMPercentage=75.0",
            "-cp",
            "{here}",
            "Sessions",
            "50",
            "60000",
            "direct",
            "64",
        ],
        done: "done 60000",
        told: &["-XX:MaxRAMPercentage=75.0"],
        ..Workload::of("java-percentage", "java@17", JAVA, 256)
    },
    Workload {
        story: "Direct buffers come and go; they are freed by the collector only, and bounded as the heap is.",
        words: &[
            "/usr/bin/java",
            "-Xmx300m",
            "-cp",
            "{here}",
            "Sessions",
            "100",
            "100000",
            "direct",
            "64",
        ],
        done: "done 100000",
        told: &["-Xmx300m"],
        ..Workload::of("java-direct-dropped", "java@17", JAVA, 384)
    },
    Workload {
        story: "Direct buffers are kept until the limit.",
        words: &[
            "/usr/bin/java",
            "-Xmx600m",
            "-cp",
            "{here}",
            "Sessions",
            "50",
            "100000",
            "kept",
            "64",
        ],
        done: "done 100000",
        told: &["-Xmx600m"],
        expected: Expected::OwnError("OutOfMemoryError"),
        ..Workload::of("java-direct-kept", "java@17", JAVA, 384)
    },
    Workload {
        story: "400 MiB of sessions are held in a limit of 384.",
        words: &[
            "/usr/bin/java",
            "-Xmx1g",
            "-cp",
            "{here}",
            "Sessions",
            "400",
            "200000",
            "heap",
            "0",
        ],
        done: "done 200000",
        told: &["-Xmx1g"],
        expected: Expected::OwnError("OutOfMemoryError"),
        ..Workload::of("java-too-much-held", "java@17", JAVA, 384)
    },
    Workload {
        story: "Without GOMEMLIMIT the heap doubles before the collector works: 150 MiB are held in 256.",
        words: &["{program}", "150", "300000"],
        done: "done 300000",
        ..Workload::of("go-doubling", "go@1.26.6", GO, 256)
    },
    Workload {
        story: "300 MiB of sessions are held in a limit of 256.",
        words: &["{program}", "300", "300000"],
        done: "done 300000",
        expected: Expected::SoftCeiling,
        ..Workload::of("go-too-much-held", "go@1.26.6", GO, 256)
    },
];
