//! The list: heaps and buffers beyond the limit, a ceiling that is too low, a start that is too large, a leak.

use super::{Becomes, Fix, Load, Made};
use crate::images::Image;

/// Answers lines at its port, and holds what it is told to.
const DESK_JS: (&str, &[u8]) = ("desk.js", include_bytes!("../../../workloads/desk.js"));
/// The same for Java.
const DESK: (&str, &[u8]) = ("Desk.class", include_bytes!("../../../workloads/Desk.class"));

/// 90 MiB for its start, then 20 MiB.
const STARTS_LARGE: &str = "import time\nheld = bytearray(b'a') * (90 << 20)\ntime.sleep(2)\n\
    del held\nheld = bytearray(b'a') * (20 << 20)\ntime.sleep(3600)\n";

/// 0.5 MiB a second, without end.
const LEAKS: &str = "import time\nheld = []\nwhile True:\n    \
    held.append(bytearray(b'a') * (1 << 19))\n    time.sleep(1)\n";

const FIXED: Becomes =
    Becomes { outcome: "fixed", because: "no kill", told: &[], memory: 0, killed_before: false };

pub(in crate::rounds) const FIXES: &[Fix] = &[
    Fix {
        name: "fix-node-heap",
        scenario: "16",
        image: Image::Node,
        memory: 128,
        made: Made::ByCompose,
        files: &[DESK_JS],
        command: &["node", "--max-old-space-size=1024", "/desk.js", "8080", "16"],
        words: &[],
        seconds: 25,
        load: Load::Asks,
        becomes: Becomes { told: &["--max-old-space-size=64"], memory: 128, ..FIXED },
    },
    // Buffers are given back by a collection of the heap, and a heap that is hardly used has none.
    Fix {
        name: "fix-java-direct",
        scenario: "18",
        image: Image::Java,
        memory: 192,
        made: Made::ByCompose,
        files: &[DESK],
        command: &[
            "java",
            "-Xmx96m",
            "-XX:MaxDirectMemorySize=1g",
            "-cp",
            "/",
            "Desk",
            "8080",
            "8",
            "16",
            "512",
        ],
        words: &[],
        seconds: 40,
        load: Load::Asks,
        becomes: Becomes {
            told: &["-XX:MaxDirectMemorySize="],
            memory: 192,
            killed_before: true,
            ..FIXED
        },
    },
    // What it holds is nearly all of the heap that fits: it is collected again and again.
    Fix {
        name: "fix-java-full-heap",
        scenario: "18",
        image: Image::Java,
        memory: 160,
        made: Made::ByCompose,
        files: &[DESK],
        command: &["java", "-Xmx1g", "-cp", "/", "Desk", "8080", "57", "2048", "0"],
        words: &[],
        seconds: 25,
        load: Load::Asks,
        becomes: Becomes {
            outcome: "moved_the_cost",
            because: "collections take",
            told: &["-Xmx64m"],
            memory: 160,
            killed_before: false,
        },
    },
    Fix {
        name: "fix-limit-in-place",
        scenario: "-",
        image: Image::Base,
        memory: 64,
        made: Made::ByDocker,
        files: &[],
        command: &["python3", "-c", STARTS_LARGE],
        words: &[],
        seconds: 15,
        load: Load::Works,
        becomes: Becomes { memory: 128, killed_before: true, ..FIXED },
    },
    Fix {
        name: "fix-limit-in-compose",
        scenario: "-",
        image: Image::Base,
        memory: 64,
        made: Made::ByCompose,
        files: &[],
        command: &["python3", "-c", STARTS_LARGE],
        words: &["--file", "{file}"],
        seconds: 15,
        load: Load::Works,
        becomes: Becomes { memory: 128, killed_before: true, ..FIXED },
    },
    Fix {
        name: "fix-leak",
        scenario: "23",
        image: Image::Base,
        memory: 128,
        made: Made::ByDocker,
        files: &[],
        command: &["python3", "-c", LEAKS],
        words: &[],
        seconds: 75,
        load: Load::Works,
        becomes: Becomes {
            outcome: "blocked",
            because: "too early to say: ",
            told: &[],
            memory: 128,
            killed_before: false,
        },
    },
];
