//! The list of deaths: how each is made, what Docker must show of it, what why137 must answer.
//!
//! A death is data. `{name}` in a word stands for the container's name, `{parent}` for the
//! lab's own parent cgroup, `{lab}` for the lab's folder. Scenario numbers are those of the
//! project's acceptance table; `-` marks a death of the lab's own.

use crate::expect::Expect;
use crate::images::Image;
use crate::platform::{Flag, Needs};

pub(crate) use parent::LIMIT as PARENT_LIMIT;

mod alive;
mod groups;
mod host_memory;
mod limit;
mod many;
mod odd_ends;
mod own_end;
mod parent;
mod process;
mod restarts;
mod runtimes;
mod stop;

/// One way to die (or not to).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Death {
    /// Its name on the command line; the container is `lab-NAME`.
    pub(crate) name: &'static str,
    /// Number in the acceptance table, or `-`.
    pub(crate) scenario: &'static str,
    /// What is done, in one line for `docs/reference/deaths.md`.
    pub(crate) done: &'static str,
    /// What it needs of the platform.
    pub(crate) needs: Needs,
    pub(crate) image: Image,
    pub(crate) memory: Memory,
    /// Words for `docker create` before the image.
    pub(crate) options: &'static [&'static str],
    /// The container's command.
    pub(crate) command: &'static [&'static str],
    /// What happens after the start.
    pub(crate) then: &'static [Step],
    /// What Docker must show in the end; if it does not, the lab failed, not the answer.
    pub(crate) truth: Truth,
    pub(crate) expect: Expect,
    /// The same death asked about another container: its suffix and the expected answer.
    pub(crate) also: &'static [(&'static str, Expect)],
}

/// A container's memory limit. Swap is never allowed beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// MiB.
    Mib(u64),
    /// None: only on a machine of the lab's own.
    Unlimited,
}

/// A second container beside (or after) the first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Other {
    /// Its name is the first one's with this behind; empty for a new life under the same name.
    pub(crate) suffix: &'static str,
    pub(crate) memory: Memory,
    pub(crate) options: &'static [&'static str],
    pub(crate) command: &'static [&'static str],
}

/// Something the runner does or waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A client command that must succeed.
    Docker(&'static [&'static str]),
    /// A client command of which success is not expected (an exec whose process is killed).
    Try(&'static [&'static str]),
    /// Creates and starts another container.
    Another(Other),
    /// Until the container with this suffix has ended.
    Ended(&'static str),
    /// Until the container's log holds this text.
    Logged(&'static str),
    /// The same of the container with this suffix.
    LoggedBy(&'static str, &'static str),
    /// Until the container's cgroup counts so many OOM kills, or the container has ended.
    Kills(u64),
    /// Until the container's cgroup says it is under OOM (`--oom-kill-disable`).
    UnderOom,
    /// Until it has been restarted so often and runs, or has ended for good.
    Restarted(u64),
    /// Until there is no container of that name any more.
    Gone,
    /// Milliseconds.
    Sleep(u64),
    /// A signal from the host to the main process.
    HostSignal(&'static str),
    /// The same to the main process of every container of this death.
    SignalAll(&'static str),
    /// SIGKILL from the host to the container's shim.
    ShimKilled,
    /// Writes a file of a cgroup from the host.
    Write(Place, &'static str, &'static str),
    /// Until the kernel has throttled the container at `memory.high`.
    Throttled,
    /// Asks the kernel for an OOM kill by hand (SysRq-f). Only on the lab's own machine.
    SysRqKill,
    /// Stops the daemon and starts it again: its event history is gone.
    DaemonRestarted,
    /// Takes this container away and builds an image by the classic builder, of which the RUN step
    /// must fail: the container it leaves gets this one's name.
    BuildFails {
        /// The builder's memory limit in MiB.
        memory: u64,
        /// The words after RUN.
        run: &'static str,
    },
}

/// Whose cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The container's.
    Own,
    /// The lab's parent.
    Parent,
}

/// What `docker inspect` must show when everything has happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth {
    /// `State.Status`, or `gone`.
    pub(crate) status: &'static str,
    pub(crate) exit_code: Option<i64>,
    pub(crate) oom_killed: Flag,
}

/// The end of most deaths: exited with 137.
const fn died(oom_killed: bool) -> Truth {
    exited(137, oom_killed)
}

const fn exited(exit_code: i64, oom_killed: bool) -> Truth {
    Truth { status: "exited", exit_code: Some(exit_code), oom_killed: Flag::Is(oom_killed) }
}

/// Nothing ended.
const RUNNING: Truth = Truth { status: "running", exit_code: None, oom_killed: Flag::Open };
/// Removed.
const GONE: Truth = Truth { status: "gone", exit_code: None, oom_killed: Flag::Open };

/// Grows by 1 MiB steps to 128 MiB and ends: twice the 64 MiB of the containers it is used in.
const HOG: &str = "x=[bytearray(b'a'*(1<<20)) for _ in range(128)]";
/// 64 MiB, the usual limit of a hog's container.
const MIB_64: i64 = 64 << 20;

const BASE: Death = Death {
    name: "",
    scenario: "-",
    done: "",
    needs: Needs::Nothing,
    image: Image::Base,
    memory: Memory::Mib(256),
    options: &[],
    command: &["sleep", "600"],
    then: &[],
    truth: RUNNING,
    expect: crate::expect::OPEN,
    also: &[],
};

/// Every death, in the order in which they are run.
pub(crate) fn all() -> Vec<Death> {
    [
        limit::DEATHS,
        groups::DEATHS,
        many::DEATHS,
        stop::DEATHS,
        process::DEATHS,
        own_end::DEATHS,
        odd_ends::DEATHS,
        parent::DEATHS,
        runtimes::DEATHS,
        alive::DEATHS,
        restarts::DEATHS,
        // Last: what a machine without memory loses, the other deaths have behind them.
        host_memory::DEATHS,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_a_container_name() {
        let mut names: Vec<&str> = all().iter().map(|death| death.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for name in names {
            assert!(
                name.len() > 1
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
        }
    }

    #[test]
    fn on_somebodys_machine_no_container_may_hold_more_than_512_mib() {
        let bounded = |memory| matches!(memory, Memory::Mib(16..=512));
        for death in all() {
            if matches!(death.needs, Needs::OwnMachine | Needs::OwnMachineAnd(..)) {
                continue;
            }
            assert!(bounded(death.memory), "{}", death.name);
            for step in death.then {
                if let Step::Another(other) = step {
                    assert!(bounded(other.memory), "{}", death.name);
                }
                assert!(!matches!(step, Step::SysRqKill), "{}", death.name);
            }
        }
    }

    #[test]
    fn every_death_says_what_is_done() {
        for death in all() {
            assert!(death.done.len() > 10, "{}", death.name);
            assert!(!death.done.contains('|') && !death.done.ends_with('.'), "{}", death.name);
        }
    }

    #[test]
    fn every_death_expects_an_answer() {
        for death in all() {
            assert!(!death.expect.killer.is_empty(), "{}", death.name);
            assert!(!death.expect.confidence.is_empty(), "{}", death.name);
        }
    }

    #[test]
    fn every_scenario_that_docker_can_show_afterwards_has_a_death() {
        let have: Vec<&str> = all().iter().map(|death| death.scenario).collect();
        for number in (1..=21).chain([25]) {
            let number = number.to_string();
            assert!(have.contains(&number.as_str()), "scenario {number}");
        }
    }
}
