//! Runtimes with a ceiling on the heap of one process: Node.js, Deno, the JVM, Go, .NET.
//!
//! A ceiling ends the program with its own error (134, OutOfMemoryError) before the kernel does, or makes its
//! collector work in time. It does not make live data smaller.

use casefile::Bytes;

use super::super::{MIB, Part, Runtime, Told, Version, View};
use super::{Advice, Place, Room, Setting, Step, first_steps, sum};

/// No V8 starts a service in less.
const LEAST_OLD: u64 = 32 * MIB;
/// Buffers that leave the heap less than this have no bound: they filled what was there.
const LEAST_BESIDE_BUFFERS: u64 = 64 * MIB;

/// V8's old space: the greater the limit, the smaller a share lies outside it.
fn old_space(share: u64) -> (u64, &'static str) {
    match share / MIB {
        ..256 => (share.saturating_sub(64 * MIB).max(LEAST_OLD), "the rest but for 64 MiB"),
        256..1024 => (share / 10 * 7, "70 % of it"),
        1024..4096 => (share / 4 * 3, "75 % of it"),
        _ => (share / 5 * 4, "80 % of it"),
    }
}

/// The program's own pages: at the limit they are given back, and read again at each use. 20 MiB fewer made
/// Node.js stand still at 128 MiB without ever being killed.
const EXECUTABLE: u64 = 30 * MIB;

/// The steps from the limit to V8's old space.
fn v8_steps(room: &Room, usual: u64) -> (Vec<Step>, u64) {
    let mut steps = first_steps(room);
    let share = sum(&steps);
    let (usual_old, rule) = old_space(share);
    if let Some(outside) = room.outside.filter(|outside| outside.0 <= usual) {
        // Less than usual was seen (node-floor of the rescue: 96 of 160 MiB were too little, 105 enough).
        let parts = [
            ("Buffers and other memory outside the heap", outside.0, "measured"),
            ("pages of the program", EXECUTABLE, "given back at the limit, and read again"),
            ("free", share / 20, "a twentieth"),
        ];
        let beside: u64 = parts.iter().map(|(_, bytes, _)| bytes).sum();
        let old = share.saturating_sub(beside) / MIB * MIB;
        if old > usual_old {
            steps.extend(parts.map(|(what, bytes, from)| Step::less(what, bytes, from)));
            return (steps, old);
        }
    }
    if let Some(outside) = room.outside.filter(|outside| outside.0 > usual) {
        steps.push(Step::less(
            "Buffers and other memory outside the heap",
            outside.0 - usual,
            "measured, above what is usual",
        ));
    }
    let left = sum(&steps);
    let (old, rule) = if left == share { (usual_old, rule) } else { old_space(left) };
    let old = old / MIB * MIB;
    steps.push(Step::less(
        "code, stacks, young objects, small buffers",
        left.saturating_sub(old),
        rule,
    ));
    (steps, old)
}

/// Before 18 `NODE_OPTIONS` must not hold the flag for the young generation.
pub(super) fn node(version: &Version, view: &View, told: &Told, room: &Room) -> Advice {
    node_with(version, view, told, room, version.is_at_least(&[18]))
}

/// The same with or without that flag.
pub(super) fn node_with(
    version: &Version,
    view: &View,
    told: &Told,
    room: &Room,
    may_say_young: bool,
) -> Advice {
    let usual = 48 * MIB;
    let (steps, old) = v8_steps(room, usual);
    let mut advice = Advice {
        steps,
        unbounded: Some(
            "Buffers, native addons and each worker thread's own heap lie outside of it".to_owned(),
        ),
        ..Advice::default()
    };
    if sum(&first_steps(room)) < LEAST_OLD + 32 * MIB {
        advice.cannot = Some(
            "Node.js itself takes some 40 MiB: no heap size leaves room for a service".to_owned(),
        );
        return advice;
    }
    // Measured up to a death they may have been about to grow (node-buffers-too-many of the rescue).
    let share = sum(&first_steps(room));
    let beside = LEAST_BESIDE_BUFFERS + share / 20;
    if let Some(outside) = room.outside.filter(|seen| seen.0 > usual && seen.0 + beside > share) {
        advice.cannot = Some(format!(
            "Buffers and other memory outside the heap took {outside}, and no heap size makes them smaller: bound them in the program, or give it a larger limit"
        ));
        return advice;
    }
    // The young generation follows the memory that V8 sees, not the flag.
    let flag = |old: u64| format!("--max-old-space-size={}", old / MIB);
    let young = Runtime::Node.believes(version, view, &with_flags(told, &[flag(old)])).ceiling;
    let young = young.map_or(0, |ceiling| ceiling.0.saturating_sub(old)) / 3;
    let most = (sum(&first_steps(room)) / 64 / MIB).max(1);
    let most = most.checked_next_power_of_two().unwrap_or(1) * MIB;
    let mut old = old;
    let mut flags = Vec::new();
    if young > most && may_say_young {
        flags.push(format!("--max-semi-space-size={}", (most / 2 / MIB).max(1)));
    } else if young > most {
        let share = sum(&first_steps(room));
        let left = share.saturating_sub(share / 20 + usual + young * 3).max(LEAST_OLD) / MIB * MIB;
        let from = "three semi-spaces, which V8 sizes by the machine; a twentieth free";
        advice.steps.push(Step::less("more young objects", old.saturating_sub(left), from));
        old = old.min(left);
    }
    flags.insert(0, flag(old));
    advice.settings = node_settings(told, flags, Bytes(old));
    advice
}

/// The flags, wherever something is said of the same.
fn node_settings(told: &Told, flags: Vec<String>, old: Bytes) -> Vec<Setting> {
    let ours = ["--max-old-space-size", "--max-semi-space-size", "--max-heap-size"];
    let mut settings = on_the_command_line(told, &flags, &ours);
    let now = told.variable("NODE_OPTIONS").map(str::to_owned);
    let kept = split_kept(now.as_deref().unwrap_or_default(), &ours);
    // What the command line says already need not be said again, unless the variable says otherwise.
    let said = |flag: &String| {
        settings.iter().any(|setting| setting.name.trim_end_matches('=') == name_part(flag))
    };
    let is_clear = now.as_deref().is_none_or(|text| v8_name(text) == v8_name(&kept.join(" ")));
    if is_clear && flags.iter().all(said) {
        return settings;
    }
    let value = flags.into_iter().chain(kept).collect::<Vec<_>>().join(" ");
    settings.push(Setting {
        place: Place::Environment,
        name: "NODE_OPTIONS".to_owned(),
        value,
        replaces: now,
        because: format!("V8 may then use {} as its old space", old),
    });
    settings
}

/// What stands on the command line beats the variable, and the percentage beats the number everywhere.
fn on_the_command_line(told: &Told, flags: &[String], ours: &[&str]) -> Vec<Setting> {
    let in_the_way = |word: &&String| ours.iter().any(|flag| v8_name(word).starts_with(flag));
    let own = super::super::node::own_options(&told.arguments).filter(in_the_way);
    own.map(|word| {
        let same = flags.iter().find(|flag| v8_name(word).starts_with(name_part(flag)));
        let new = same.or(flags.first()).map_or("", String::as_str);
        let (name, value) = new.split_once('=').unwrap_or((new, ""));
        Setting {
            place: Place::Argument,
            name: format!("{name}="),
            value: value.to_owned(),
            replaces: Some(word.clone()),
            because: "the command line beats NODE_OPTIONS".to_owned(),
        }
    })
    .collect()
}

fn with_flags(told: &Told, flags: &[String]) -> Told {
    let environment = vec![("NODE_OPTIONS".to_owned(), flags.join(" "))];
    Told { environment, arguments: Vec::new(), ..told.clone() }
}

/// `--max_old_space_size=1` and `--max-old-space-size=1` are one.
fn v8_name(word: &str) -> String {
    word.replace('_', "-")
}

fn name_part(flag: &str) -> &str {
    flag.split_once('=').map_or(flag, |(name, _)| name)
}

/// The words of an options variable that are none of ours, as they stand.
fn split_kept(text: &str, ours: &[&str]) -> Vec<String> {
    let is_ours = |word: &str| ours.iter().any(|flag| v8_name(word).starts_with(flag));
    text.split(' ').filter(|word| !word.is_empty() && !is_ours(word)).map(str::to_owned).collect()
}

pub(super) fn deno(version: &Version, view: &View, told: &Told, room: &Room) -> Advice {
    let (steps, old) = v8_steps(room, 48 * MIB);
    let mut advice = Advice {
        steps,
        unbounded: Some("buffers and native memory lie outside of it".to_owned()),
        ..Advice::default()
    };
    if sum(&first_steps(room)) < 128 * MIB {
        advice.cannot = Some(
            "Deno takes 74 MiB beside a full heap of 64 MiB: 128 MiB are the least".to_owned(),
        );
        return advice;
    }
    let mut flags = vec![format!("--max-old-space-size={}", old / MIB)];
    let environment = vec![("DENO_V8_FLAGS".to_owned(), flags.join(","))];
    let with = Told { environment, ..Told::default() };
    let heap = Runtime::Deno.believes(version, view, &with).ceiling.map_or(u64::MAX, |heap| heap.0);
    let most = (sum(&first_steps(room)) / 64 / MIB).max(1);
    if heap.saturating_sub(old) / 3 > most * MIB {
        flags.push(format!("--max-semi-space-size={}", (most / 2).max(1).next_power_of_two()));
    }
    let ours = ["--max-old-space-size", "--max-semi-space-size"];
    let own = told.arguments.iter().find(|word| word.starts_with("--v8-flags="));
    if let Some(word) = own.filter(|word| ours.iter().any(|flag| v8_name(word).contains(flag))) {
        advice.settings.push(Setting {
            place: Place::Argument,
            name: "--v8-flags=".to_owned(),
            value: flags.join(","),
            replaces: Some(word.clone()),
            because: "the command line beats the variable".to_owned(),
        });
    }
    let now = told.variable("DENO_V8_FLAGS").map(str::to_owned);
    let kept = split_kept(&now.as_deref().unwrap_or_default().replace(',', " "), &ours);
    advice.settings.push(Setting {
        place: Place::Environment,
        name: "DENO_V8_FLAGS".to_owned(),
        value: flags.into_iter().chain(kept).collect::<Vec<_>>().join(","),
        replaces: now,
        because: format!("V8 may then use {} as its old space", Bytes(old)),
    });
    advice
}

/// What the JVM usually takes beside its heap, in MiB: metaspace, compiled code.
const METASPACE: u64 = 64;
const CODE: u64 = 48;

pub(super) fn java(version: &Version, view: &View, told: &Told, room: &Room) -> Advice {
    let belief = Runtime::Java.believes(version, view, told);
    let is_serial = belief.collector == Some("Serial");
    let own = if is_serial { 40 } else { 60 };
    let mut steps = first_steps(room);
    let share = sum(&steps);
    // Direct buffers may grow to as much as the heap unless they are told.
    let direct =
        room.outside.map_or(0, |seen| seen.0.saturating_sub((own + METASPACE + CODE) * MIB));
    let direct = direct.max(share / 10).max(16 * MIB) / MIB * MIB;
    let mut roomy = steps.clone();
    let parts = [
        ("a twentieth, free", share / 20, "so that the end is the JVM's own"),
        (
            "the JVM itself and its threads",
            own * MIB,
            "measured: 20 to 24 MiB with Serial, 60 to 68 with G1",
        ),
        ("metaspace", METASPACE * MIB, "usual for a service"),
        ("compiled code", CODE * MIB, "usual for a service"),
        ("direct buffers", direct, "bounded by -XX:MaxDirectMemorySize below"),
    ];
    roomy.extend(parts.into_iter().map(|(what, bytes, from)| Step::less(what, bytes, from)));
    let left = sum(&roomy);
    let tables = if is_serial { 0 } else { left / 25 };
    let heap = (left - tables) / MIB * MIB;
    let least = share / 10 * 4 / MIB * MIB;
    let mut advice = Advice {
        unbounded: Some(
            "metaspace, compiled code, thread stacks and JNI lie outside of it".to_owned(),
        ),
        ..Advice::default()
    };
    let heap = if heap >= least {
        if tables > 0 {
            roomy.push(Step::less("the collector's tables", tables, "4 % of the heap"));
        }
        steps = roomy;
        heap
    } else {
        steps.push(Step::less(
            "the JVM, metaspace, code and direct buffers",
            share - least,
            "60 % of so small a limit; a usual service needs more: watch it",
        ));
        least
    };
    advice.steps = steps;
    if heap < 16 * MIB {
        advice.cannot = Some(
            "the JVM itself takes 20 MiB and more: no heap size leaves room for a service"
                .to_owned(),
        );
        return advice;
    }
    let flags =
        [format!("-Xmx{}m", heap / MIB), format!("-XX:MaxDirectMemorySize={}m", direct / MIB)];
    advice.settings = java_settings(version, told, &flags, heap);
    advice
}

/// What sets the heap or the direct buffers; a start above the ceiling goes as well.
const JAVA_FLAGS: [&str; 9] = [
    "-Xmx",
    "-Xms",
    "-mx",
    "-ms",
    "-XX:MaxHeapSize=",
    "-XX:InitialHeapSize=",
    "-XX:MaxRAM",
    "-XX:InitialRAM",
    "-XX:MaxDirectMemorySize=",
];

fn java_settings(version: &Version, told: &Told, flags: &[String; 2], heap: u64) -> Vec<Setting> {
    let is_ours = |word: &str| JAVA_FLAGS.iter().any(|flag| word.starts_with(flag));
    let [heap_flag, direct_flag] = flags;
    let mut settings = Vec::new();
    // Every place that is stronger than the variable, where it says something about the same.
    let options = super::super::java::own_options(&told.arguments);
    for word in options.iter().filter(|word| is_ours(word)) {
        let (name, value) = match word.contains("Direct") {
            true => ("-XX:MaxDirectMemorySize=", direct_flag.split_once('=').map(|(_, v)| v)),
            false if word.contains("ms") || word.contains("Initial") => {
                ("-Xms", heap_flag.strip_prefix("-Xmx"))
            }
            false => ("-Xmx", heap_flag.strip_prefix("-Xmx")),
        };
        settings.push(Setting {
            place: Place::Argument,
            name: name.to_owned(),
            value: value.unwrap_or_default().to_owned(),
            replaces: Some(word.clone()),
            because: "the command line beats JAVA_TOOL_OPTIONS".to_owned(),
        });
    }
    let stronger = ["JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];
    let strong =
        stronger.iter().filter(|name| **name == "_JAVA_OPTIONS" || version.is_at_least(&[9]));
    let holds =
        |name: &str| told.variable(name).is_some_and(|text| text.split_whitespace().any(is_ours));
    let mut names: Vec<&str> = strong.copied().filter(|name| holds(name)).collect();
    // What the command line says already need not be said again, unless the variable says otherwise.
    let said = |flag: &str| settings.iter().any(|setting| flag.starts_with(&setting.name));
    let flags: Vec<String> = match holds("JAVA_TOOL_OPTIONS") || !names.is_empty() {
        true => flags.to_vec(),
        false => flags.iter().filter(|flag| !said(flag)).cloned().collect(),
    };
    if !flags.is_empty() {
        names.push("JAVA_TOOL_OPTIONS");
    }
    for name in names {
        let now = told.variable(name).map(str::to_owned);
        // Quotes stay: `-Dname="a b"` is one word to the JVM.
        let kept = now.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned);
        let kept = kept.filter(|word| !is_ours(word.trim_start_matches(['"', '\''])));
        settings.push(Setting {
            place: Place::Environment,
            name: name.to_owned(),
            value: flags.iter().cloned().chain(kept).collect::<Vec<_>>().join(" "),
            replaces: now,
            because: format!("the heap may then grow to {}", Bytes(heap)),
        });
    }
    settings
}

pub(super) fn go(version: &Version, told: &Told, room: &Room) -> Advice {
    let mut advice = Advice {
        steps: first_steps(room),
        unbounded: Some(
            "it is a soft ceiling: live data above it, memory from C and mmap are not bounded"
                .to_owned(),
        ),
        ..Advice::default()
    };
    if !version.is_at_least(&[1, 19]) {
        advice.unbounded = None;
        advice.cannot = Some(format!(
            "Go {version} has no ceiling: GOMEMLIMIT is read from 1.19 on; GOGC=50 makes the peak smaller without bounding it"
        ));
        return advice;
    }
    let share = sum(&advice.steps);
    let percent = if share <= 512 * MIB { 15 } else { 10 };
    let late = (share / 100 * percent).max(share / 20 + 12 * MIB);
    let late = late.max(room.outside.map_or(0, |outside| outside.0 + share / 20));
    let ceiling = share.saturating_sub(late) / MIB * MIB;
    let rule = "10 % of it, 15 % up to 512 MiB: peaks were up to 12 MiB above GOMEMLIMIT";
    advice.steps.push(Step::less("what the collector is late by, and C", share - ceiling, rule));
    if ceiling < 8 * MIB {
        advice.cannot = Some("nothing is left for the program".to_owned());
        return advice;
    }
    advice.settings.push(Setting {
        place: Place::Environment,
        name: "GOMEMLIMIT".to_owned(),
        value: format!("{}MiB", ceiling / MIB),
        replaces: told.variable("GOMEMLIMIT").map(str::to_owned),
        because: "the collector then works in time; without it the heap doubles before it does"
            .to_owned(),
    });
    advice
}

pub(super) fn dotnet(version: &Version, told: &Told, room: &Room) -> Advice {
    let mut advice = Advice {
        steps: first_steps(room),
        unbounded: Some("native memory, code and stacks lie outside of it".to_owned()),
        ..Advice::default()
    };
    let share = sum(&advice.steps);
    let outside = room.outside.map_or(0, |outside| outside.0).max(64 * MIB);
    let beside = outside + share / 20;
    let ceiling = share.saturating_sub(beside).min(share / 4 * 3).max(share / 5 * 2) / MIB * MIB;
    let rule =
        "64 MiB for the runtime and native memory, a twentieth free; at least 40 % for the heap";
    advice.steps.push(Step::less("outside the heap", share.saturating_sub(ceiling), rule));
    if ceiling < 20 * MIB {
        advice.cannot = Some(".NET takes a heap of 20 MiB at least".to_owned());
        return advice;
    }
    let prefix = if version.is_at_least(&[6]) { "DOTNET_" } else { "COMPlus_" };
    let name = format!("{prefix}GCHeapHardLimit");
    let replaces = told.variable(&name).map(str::to_owned);
    advice.settings.push(Setting {
        place: Place::Environment,
        name,
        value: format!("{ceiling:X}"),
        replaces,
        because: format!("{} in hexadecimal digits, as .NET reads it", Bytes(ceiling)),
    });
    advice
}

/// What all parts of a belief take that every process has for itself.
pub(super) fn own_parts(parts: &[Part]) -> u64 {
    parts.iter().filter(|part| !part.shared).fold(0, |sum, part| sum.saturating_add(part.usual.0))
}
