//! Language runtimes and their own limits: V8's heap, buffers outside it, Java's heap and direct
//! memory.

use super::limit::OWN;
use super::{BASE, Death, Memory, Step, died, exited};
use crate::expect::{Expect, Fault, MEMORY, Number, OPEN, Victims};
use crate::images::Image;

/// Arrays of 4 MiB on V8's heap, 256 MiB in all.
const ARRAYS: &str = "const kept=[];for(let i=0;i<64;i++){kept.push(new Array(1<<19).fill(1.5+i))}";
/// Arrays of 32 MiB on V8's heap, 224 MiB in all: big steps, since a V8 that creeps up to a cgroup's
/// limit first drives its own program text out of memory again and again, for up to a minute.
const BIG_ARRAYS: &str =
    "const kept=[];for(let i=0;i<7;i++){kept.push(new Array(1<<22).fill(1.5+i))}";
/// Buffers outside V8's heap, 256 MiB in all.
const BUFFERS: &str = "const kept=[];for(let i=0;i<256;i++){kept.push(Buffer.alloc(1<<20,1))}";

pub(super) const DEATHS: &[Death] = &[
    Death {
        name: "node-heap-beyond-limit",
        done: "Node.js with a heap limit of 1 GiB in a container with 128 MiB",
        scenario: "16",
        image: Image::Node,
        memory: Memory::Mib(128),
        command: &["node", "--max-old-space-size=1024", "-e", BIG_ARRAYS],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: Expect {
            victims: Victims::These(&[("main", "node")]),
            limit_bytes: Number::Is(128 << 20),
            must_say: &["in place of `--max-old-space-size=1024`"],
            ..OWN
        },
        ..BASE
    },
    Death {
        name: "node-buffers",
        done: "Node.js fills buffers outside its heap in a container with 128 MiB",
        scenario: "16",
        image: Image::Node,
        memory: Memory::Mib(128),
        command: &["node", "--max-old-space-size=64", "-e", BUFFERS],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: Expect {
            victims: Victims::These(&[("main", "node")]),
            limit_bytes: Number::Is(128 << 20),
            must_say: &["cannot help alone", "can help alone"],
            ..OWN
        },
        ..BASE
    },
    Death {
        name: "node-heap-limit",
        done: "Node.js reaches its own heap limit of 64 MiB",
        scenario: "17",
        image: Image::Node,
        memory: Memory::Mib(512),
        command: &["node", "--max-old-space-size=64", "-e", ARRAYS],
        then: &[Step::Ended("")],
        truth: exited(139, false),
        expect: Expect {
            killer: &["crash"],
            level: &["none"],
            confidence: &["likely", "proven"],
            fate: &["exited"],
            exit_code: Number::Is(139),
            limit_at_fault: Fault::No,
            never: MEMORY,
            must_not: &["segfault", "OOM-killed", "OOM killed"],
            must_say: &["has room for more"],
            ..OPEN
        },
        ..BASE
    },
    Death {
        name: "java-direct-memory",
        done: "Java fills direct buffers in a container with 192 MiB",
        scenario: "18",
        image: Image::Java,
        memory: Memory::Mib(192),
        command: &[
            "java",
            "-Xmx96m",
            "-XX:MaxDirectMemorySize=1g",
            "-cp",
            "/app",
            "Filler",
            "direct",
            "320",
        ],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: Expect {
            victims: Victims::These(&[("main", "java")]),
            limit_bytes: Number::Is(192 << 20),
            must_say: &["1 GiB (direct buffers"],
            ..OWN
        },
        ..BASE
    },
    Death {
        name: "java-heap-beyond-limit",
        done: "Java with a heap limit of 1 GiB in a container with 128 MiB",
        scenario: "18",
        image: Image::Java,
        memory: Memory::Mib(128),
        command: &["java", "-Xmx1g", "-cp", "/app", "Filler", "heap", "240"],
        then: &[Step::Ended("")],
        truth: died(true),
        expect: Expect {
            victims: Victims::These(&[("main", "java")]),
            limit_bytes: Number::Is(128 << 20),
            must_say: &["in place of `-Xmx1g`"],
            ..OWN
        },
        ..BASE
    },
];
