//! A scope of the user's own systemd: the way to a memory cgroup without root.
//!
//! `systemd-run --scope` registers itself in a new scope and then becomes the command: same pid,
//! same terminal, same standard streams. Deliberately asks no bus itself. Leans on systemd-run(1),
//! systemd.resource-control(5): memory limits of users need cgroup v2.

use std::ffi::OsString;

use casefile::Limit;

use crate::Wish;

/// The words that put a command into a scope of the user's manager: they stand before it.
#[must_use]
pub fn scope_command(wish: &Wish) -> Vec<OsString> {
    let mut words =
        ["systemd-run", "--user", "--scope", "--quiet", "--collect"].map(str::to_owned).to_vec();
    words.push(format!("--unit={}.scope", wish.name));
    let mut property = |text: String| words.extend(["--property".to_owned(), text]);
    property("MemoryAccounting=yes".to_owned());
    property("Delegate=yes".to_owned());
    if let Some(limit) = wish.limit {
        property(format!("MemoryMax={}", limit.0));
    }
    if let Some(swap) = wish.swap {
        let most = swap.bytes().map_or("infinity".to_owned(), |bytes| bytes.0.to_string());
        property(format!("MemorySwapMax={most}"));
    }
    // One death inside must not end the whole scope: what happens is the kernel's, not systemd's.
    property("OOMPolicy=continue".to_owned());
    words.push("--".to_owned());
    words.into_iter().map(OsString::from).collect()
}

/// Whether a limit file holds what was wished.
pub(crate) fn is_in_force(found: Option<Limit>, wished: u64) -> bool {
    // v1 and v2 round down to whole pages, of 64 KiB at most.
    found.and_then(Limit::bytes).is_some_and(|limit| limit.0 <= wished && wished - limit.0 < 65536)
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::Bytes;

    #[test]
    fn a_scope_is_asked_for_with_the_limits_that_were_wished() {
        let wish = Wish {
            name: "why137-run-7".to_owned(),
            limit: Some(Bytes(64 << 20)),
            swap: Some(Limit::Unlimited),
        };
        let said: Vec<String> =
            scope_command(&wish).iter().map(|word| word.to_string_lossy().into_owned()).collect();
        assert!(said.starts_with(&["systemd-run".to_owned(), "--user".to_owned()]));
        assert!(said.contains(&"--unit=why137-run-7.scope".to_owned()));
        assert!(said.contains(&"MemoryMax=67108864".to_owned()));
        assert!(said.contains(&"MemorySwapMax=infinity".to_owned()));
        assert_eq!(said.last().map(String::as_str), Some("--"));
        let without = Wish { limit: None, swap: None, ..wish };
        assert!(
            !scope_command(&without).iter().any(|word| word.to_string_lossy().contains("Max="))
        );
    }

    #[test]
    fn a_limit_that_the_kernel_rounded_is_in_force() {
        let at = |bytes| Some(Limit::At(Bytes(bytes)));
        assert!(is_in_force(at(64 << 20), (64 << 20) + 5));
        assert!(!is_in_force(at(128 << 20), 64 << 20));
        assert!(!is_in_force(Some(Limit::Unlimited), 64 << 20));
        assert!(!is_in_force(None, 64 << 20));
    }
}
