//! Where the sums of a believed ceiling turn: at the limit itself, at a tenth of it, at half of it.

use settings::runtimes::Part;
use settings::runtimes::advice::Step;

use super::*;
use crate::remedy::tests::{program, victim};
use crate::verdict::Holder;

const MIB: u64 = 1 << 20;

fn node(flags: &[&str]) -> Verdict {
    let command = [&["node"], flags, &["a.js"]].concat();
    program(&command, &["NODE_VERSION=22.12.0"], 256)
}

#[test]
fn of_several_flags_the_one_that_made_the_ceiling_is_marked() {
    let told = node(&["--inspect", "--max-old-space-size=1024"]);
    let line = Sized::of(&told).unwrap().because(&told).unwrap();
    assert_eq!(line.decisive.as_deref(), Some("--max-old-space-size=1024"));
}

#[test]
fn settings_with_which_it_cannot_fit_either_are_no_advice() {
    let advised = |mib: u64| {
        let told = program(&["java", "-Xmx1g", "-jar", "a.jar"], &["JAVA_VERSION=17.0.9"], mib);
        let sized = Sized::of(&told).unwrap();
        sized.advice(&Room::of(sized.limit)).is_some()
    };
    assert!(advised(256));
    assert!(!advised(16), "the JVM alone is larger");
}

#[test]
fn a_sum_that_is_exactly_the_limit_has_room() {
    let mut sized = Sized::of(&node(&["--max-old-space-size=200"])).unwrap();
    sized.anonymous = None;
    sized.limit = sized.may_use().unwrap();
    assert!(sized.remedies().is_empty());
    sized.limit = Bytes(sized.limit.0 - 1);
    assert!(!sized.remedies().is_empty(), "a byte less has not");
}

#[test]
fn a_heap_that_already_has_what_would_be_advised_is_not_told_to_grow() {
    let larger = |flag: &str| Sized::of(&node(&[flag])).unwrap().larger();
    assert!(larger("--max-old-space-size=178").is_some());
    assert_eq!(larger("--max-old-space-size=179"), None);
}

/// A shell of Node's that started something, and what was killed of it.
fn started(role: Role, comm: &str, held: u64) -> Verdict {
    let mut told = node(&[]);
    told.main.pid = Some(7);
    told.main.comm = Some("node".to_owned());
    told.memory.holders = vec![Holder {
        pid: 7,
        comm: "node".to_owned(),
        rss: Bytes(held),
        killed: false,
        neighbour: false,
    }];
    told.victims = vec![victim(role, 9, comm)];
    told
}

#[test]
fn only_a_child_that_is_no_runtime_of_the_same_kind_is_another_program() {
    let another = |role, comm| is_about_another(&started(role, comm, MIB));
    assert!(another(Role::Child, "chrome") && another(Role::Child, "java"));
    assert!(!another(Role::Other, "chrome"), "it may be the main process itself");
    assert!(!another(Role::Child, "node") && !another(Role::Child, "nodejs"));
}

#[test]
fn a_runtime_that_held_half_of_the_limit_itself_is_no_bystander() {
    let another = |held| is_about_another(&started(Role::Child, "chrome", held));
    assert!(another(128 * MIB - 1) && !another(128 * MIB));
}

#[test]
fn a_part_of_exactly_a_tenth_of_the_limit_is_no_term() {
    let of = |usual: u64| {
        let part = Part {
            what: "threads".to_owned(),
            least: Bytes(0),
            usual: Bytes(usual),
            from: "measured".to_owned(),
            shared: false,
        };
        let (ceiling, from) = (Some(Bytes(64 * MIB)), "-Xmx64m, and no more".to_owned());
        terms(&Belief { ceiling, from, outside: vec![part], ..Belief::default() }, Bytes(300 * MIB))
    };
    assert_eq!(of(30 * MIB), "64 MiB (-Xmx64m)");
    assert_eq!(of(31 * MIB), "64 MiB (-Xmx64m) + 31 MiB (threads, measured)");
}

#[test]
fn a_sum_is_written_from_two_steps_on() {
    let written = |amounts: &[i64]| {
        let step = |(at, mib): (usize, &i64)| Step {
            what: format!("part {at}"),
            bytes: *mib * MIB as i64,
            from: String::new(),
        };
        let steps = amounts.iter().enumerate().map(step).collect();
        settings_and_sum(&Advice { steps, ..Advice::default() })
    };
    assert_eq!(written(&[128]), "");
    assert_eq!(written(&[128, -64]), "; 128 MiB (part 0) - 64 MiB (part 1) = 64 MiB");
    assert_eq!(
        written(&[128, -64, 0, 1]),
        "; 128 MiB (part 0) - 64 MiB (part 1) + 0 B (part 2) + 1 MiB (part 3) = 65 MiB"
    );
}
