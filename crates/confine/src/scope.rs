//! A scope of the user's own systemd: the way to a memory cgroup without root.
//!
//! `systemd-run --scope` registers itself in a new scope and then becomes the command: same pid,
//! same terminal, same standard streams. Deliberately asks no bus itself. Leans on systemd-run(1),
//! systemd.resource-control(5): memory limits of users need cgroup v2.
//!
//! A scope is gone with its last process, and its counters with it. So the limit is set on a slice around
//! it, which stays until it is stopped.

use std::ffi::OsString;

use casefile::Limit;

use crate::Wish;

/// A slice of this name; a dash would nest it in others.
#[must_use]
pub fn slice_of(wish: &Wish) -> String {
    format!("{}.slice", wish.name.replace('-', "_"))
}

/// The commands that make the slice, with the limits that were wished. They need no session bus, as
/// `systemd-run` needs none: systemctl talks to the manager's own socket.
#[must_use]
pub fn slice_commands(wish: &Wish) -> [Vec<OsString>; 2] {
    let slice = slice_of(wish);
    let systemctl = ["systemctl", "--user", "--quiet"].map(str::to_owned);
    let mut set = systemctl.to_vec();
    set.extend(["--runtime".to_owned(), "set-property".to_owned(), slice.clone()]);
    set.push("MemoryAccounting=yes".to_owned());
    set.extend(limits(wish));
    let mut start = systemctl.to_vec();
    start.extend(["start".to_owned(), slice]);
    [set, start].map(|words| words.into_iter().map(OsString::from).collect())
}

/// The limits as properties of a unit.
fn limits(wish: &Wish) -> impl Iterator<Item = String> + use<> {
    let memory = wish.limit.map(|limit| format!("MemoryMax={}", limit.0));
    let swap = wish.swap.map(|swap| {
        let most = swap.bytes().map_or("infinity".to_owned(), |bytes| bytes.0.to_string());
        format!("MemorySwapMax={most}")
    });
    memory.into_iter().chain(swap)
}

/// The words that put a command into a scope of the user's manager: they stand before it. With a slice
/// around it the limits are the slice's.
#[must_use]
pub fn scope_command(wish: &Wish, slice: Option<&str>) -> Vec<OsString> {
    let mut words =
        ["systemd-run", "--user", "--scope", "--quiet", "--collect"].map(str::to_owned).to_vec();
    words.push(format!("--unit={}.scope", wish.name));
    let mut property = |text: String| words.extend(["--property".to_owned(), text]);
    property("MemoryAccounting=yes".to_owned());
    property("Delegate=yes".to_owned());
    if slice.is_none() {
        limits(wish).for_each(&mut property);
    }
    // One death inside must not end the whole scope: what happens is the kernel's, not systemd's.
    property("OOMPolicy=continue".to_owned());
    words.extend(slice.map(|slice| format!("--slice={slice}")));
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
    use std::ffi::OsStr;

    use casefile::Bytes;

    #[test]
    fn a_scope_is_asked_for_with_the_limits_that_were_wished() {
        let wish = Wish {
            name: "why137-run-7".to_owned(),
            limit: Some(Bytes(64 << 20)),
            swap: Some(Limit::Unlimited),
        };
        let said: Vec<String> = scope_command(&wish, None)
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        assert!(said.starts_with(&["systemd-run".to_owned(), "--user".to_owned()]));
        assert!(said.contains(&"--unit=why137-run-7.scope".to_owned()));
        assert!(said.contains(&"MemoryMax=67108864".to_owned()));
        assert!(said.contains(&"MemorySwapMax=infinity".to_owned()));
        assert_eq!(said.last().map(String::as_str), Some("--"));
        let without = Wish { limit: None, swap: None, ..wish };
        assert!(
            !scope_command(&without, None)
                .iter()
                .any(|word| word.to_string_lossy().contains("Max="))
        );
    }

    #[test]
    fn a_slice_around_the_scope_has_the_limits_in_its_place() {
        let wish = Wish {
            name: "why137-run-7".to_owned(),
            limit: Some(Bytes(64 << 20)),
            swap: Some(Limit::Unlimited),
        };
        let said =
            |words: Vec<OsString>| words.join(OsStr::new(" ")).to_string_lossy().into_owned();
        let [set, start] = slice_commands(&wish).map(said);
        assert_eq!(
            set,
            "systemctl --user --quiet --runtime set-property why137_run_7.slice MemoryAccounting=yes \
             MemoryMax=67108864 MemorySwapMax=infinity"
        );
        assert_eq!(start, "systemctl --user --quiet start why137_run_7.slice");
        let scope = said(scope_command(&wish, Some("why137_run_7.slice")));
        assert!(scope.ends_with("--slice=why137_run_7.slice --") && !scope.contains("Max="));
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
