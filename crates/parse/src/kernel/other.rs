//! Kernel lines about deaths that are not the OOM killer's: faults, broken memory, panics, SysRq.
//!
//! Only lines that begin as the kernel's own: arch/x86/kernel/traps.c, arch/x86/mm/fault.c,
//! arch/arm64/kernel/traps.c, mm/memory-failure.c, drivers/tty/sysrq.c, kernel/panic.c.

use super::victim::digits;
use crate::record::KernelEvent;

/// Reads a line; `sure` tells that its prefix says the kernel wrote it.
pub(super) fn event(text: &str, sure: bool) -> Option<KernelEvent> {
    if let Some(reason) = text.strip_prefix("Kernel panic - not syncing: ") {
        return Some(KernelEvent::Panic(reason.to_owned()));
    }
    if sure && text.starts_with("Linux version ") {
        return Some(KernelEvent::Boot);
    }
    if let Some(rest) = text.strip_prefix("oomd kill: ").filter(|_| sure) {
        return Some(KernelEvent::OomdKill(rest.to_owned()));
    }
    suppressed(text).or_else(|| hardware(text)).or_else(|| fault(text))
}

/// `oom_kill_process: 8 callbacks suppressed`
fn suppressed(text: &str) -> Option<KernelEvent> {
    // The limiter's name is its function: inlining and `.cold` parts change it.
    let (name, rest) = text.split_once(": ")?;
    let (number, rest) = digits(rest)?;
    let known = name.starts_with("oom_kill_process") || name.starts_with("dump_header");
    (known && rest == " callbacks suppressed")
        .then(|| number.parse().ok().map(KernelEvent::Suppressed))?
}

/// The words after `sysrq: ` or `SysRq : `.
pub(super) fn sysrq(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("sysrq: ").unwrap_or(text);
    let rest = rest.strip_prefix("SysRq : ").unwrap_or(rest);
    (rest.len() != text.len() && !rest.is_empty()).then_some(rest)
}

/// `Memory failure: 0x1f: Killing java:123 due to hardware memory corruption`, `MCE 0x1f: …`.
fn hardware(text: &str) -> Option<KernelEvent> {
    let known = ["Memory failure: ", "MCE: ", "MCE 0x"].iter().any(|words| text.starts_with(words));
    let (head, _) = text.split_once(" due to hardware memory corruption")?;
    let task = head.split_once("Killing ").or_else(|| head.split_once("Sending SIGBUS to "));
    let (_, task) = task?;
    let (comm, pid) = task.rsplit_once(':')?;
    known.then(|| KernelEvent::HardwareMemory {
        pid: digits(pid).and_then(|(pid, _)| pid.parse().ok()),
        comm: Some(comm.to_owned()),
    })
}

/// `app[123]: segfault at …`, `traps: app[123] general protection …`, `app[123]: unhandled …`.
fn fault(text: &str) -> Option<KernelEvent> {
    const WHATS: [&str; 12] = [
        "segfault",
        "general protection",
        "trap invalid opcode",
        "trap divide error",
        "trap int3",
        "trap stack segment",
        "trap bounds",
        "trap overflow",
        "unhandled signal",
        "unhandled level",
        "unhandled exception",
        "bad frame",
    ];
    let rest = text.strip_prefix("traps: ").unwrap_or(text);
    // The name has at most 15 bytes and may hold brackets itself.
    for (at, _) in rest.match_indices('[').take(8) {
        let (comm, after) = (rest.get(..at)?, rest.get(at + 1..)?);
        let Some((pid, after)) = digits(after) else { continue };
        let Some(words) = after.strip_prefix("]: ").or(after.strip_prefix("] ")) else { continue };
        let Some(what) = WHATS.iter().find(|what| words.starts_with(**what)) else { continue };
        let spaced = words.get(what.len()..).is_some_and(|rest| rest.starts_with([' ', ':']));
        if comm.is_empty() || comm.chars().count() > 15 || !spaced {
            continue;
        }
        return Some(KernelEvent::Fault {
            pid: pid.parse().ok(),
            comm: Some(comm.to_owned()),
            what: (*what).to_owned(),
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_their_process() {
        for (text, comm, what) in [
            ("a b[7]: segfault at 0 ip 1 sp 2 error 4 in x[3+4]", "a b", "segfault"),
            (
                "traps: x[7] general protection ip:1 sp:2 error:0 in y[1+2]",
                "x",
                "general protection",
            ),
            ("traps: x[7] trap invalid opcode ip:1 sp:2 error:0", "x", "trap invalid opcode"),
            ("y[1][7]: segfault at 0 ip 1", "y[1]", "segfault"),
        ] {
            let want = KernelEvent::Fault {
                pid: Some(7),
                comm: Some(comm.to_owned()),
                what: what.to_owned(),
            };
            assert_eq!(event(text, false), Some(want), "{text}");
        }
        assert_eq!(event("we saw x[7]: segfaults", false), None);
    }

    #[test]
    fn other_ends_are_told_apart() {
        assert_eq!(
            event("Memory failure: 0x1f: Killing java:123 due to hardware memory corruption", true),
            Some(KernelEvent::HardwareMemory { pid: Some(123), comm: Some("java".to_owned()) })
        );
        assert_eq!(
            event("oom_kill_process: 8 callbacks suppressed", true),
            Some(KernelEvent::Suppressed(8))
        );
        assert_eq!(event("Linux version 6.1.0", false), None);
        assert_eq!(event("Linux version 6.1.0", true), Some(KernelEvent::Boot));
        assert_eq!(sysrq("sysrq: SysRq : Kill All Tasks"), Some("Kill All Tasks"));
        assert_eq!(sysrq("sysrq: Manual OOM execution"), Some("Manual OOM execution"));
    }
}
