//! The questions: at which limits, in which layouts and with which settings each runtime is asked.
//!
//! Limits are those that people set, powers of two and others, and the borders of the runtimes' own
//! rules (250, 1791, 15,360 MiB). A program that prints what it believes touches almost nothing, so limits
//! above the machine's own memory are asked too. Those of cgroup v2 are chosen in `cells/unified.rs`.

use lab::Cgroup;

mod unified;

/// Where the limit is, and what of it the program sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// As Docker makes it: on cgroup v1 in the host's cgroup namespace, on v2 in a private one.
    Container,
    /// On cgroup v1 the same with `--cgroupns private`.
    ContainerPrivate,
    /// The whole hierarchy is visible.
    Service,
    /// The limit is that of a level above, visible.
    Parent,
    /// The limit is that of a level above a container.
    HiddenParent,
    /// On cgroup v1 the same with `--cgroupns private`.
    HiddenParentPrivate,
}

impl Layout {
    /// All, in the page's order.
    const ALL: [Self; 6] = [
        Self::Container,
        Self::ContainerPrivate,
        Self::Service,
        Self::Parent,
        Self::HiddenParent,
        Self::HiddenParentPrivate,
    ];

    /// As in the results.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::ContainerPrivate => "container, private namespace",
            Self::Service => "service",
            Self::Parent => "parent",
            Self::HiddenParent => "hidden parent",
            Self::HiddenParentPrivate => "hidden parent, private namespace",
        }
    }

    /// As `why137 audit --layout` has it; it knows no kinds of namespaces.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Container | Self::ContainerPrivate => "container",
            Self::Service => "service",
            Self::Parent => "parent",
            Self::HiddenParent | Self::HiddenParentPrivate => "hidden-parent",
        }
    }
}

/// What a program is asked under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// Where the limit is.
    pub(crate) layout: Layout,
    /// The limit in MiB.
    pub(crate) limit: Option<u64>,
    /// The soft limit in MiB; `memory.high` on v2.
    pub(crate) reservation: Option<u64>,
    /// The processor quota in thousandths.
    pub(crate) quota: Option<u32>,
    /// Bound to one processor.
    pub(crate) is_bound_to_one: bool,
    /// Variables (`NAME=VALUE`) and options (with `-`), as `why137 audit --setting` takes them.
    pub(crate) settings: Vec<String>,
}

impl Question {
    fn at(layout: Layout, limit: Option<u64>) -> Self {
        let (reservation, quota, settings) = (None, None, Vec::new());
        Self { layout, limit, reservation, quota, is_bound_to_one: false, settings }
    }

    /// A container that is told something.
    fn told(settings: &[String], limit: u64) -> Self {
        Self { settings: settings.to_vec(), ..Self::at(Layout::Container, Some(limit)) }
    }

    /// The options among the settings.
    pub(crate) fn options(&self) -> Vec<String> {
        self.settings.iter().filter(|word| word.starts_with('-')).cloned().collect()
    }

    /// The variables among the settings.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let variables = self.settings.iter().filter(|word| !word.starts_with('-'));
        let pairs = variables.filter_map(|word| word.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Everything but the limit, for people: a row of the page.
    pub(crate) fn row(&self) -> String {
        let mut words = vec![self.layout.word().to_owned()];
        if let Some(soft) = self.reservation {
            words.push(format!("soft limit {soft} MiB"));
        }
        if let Some(quota) = self.quota {
            words.push(format!("{} CPUs", f64::from(quota) / 1000.0));
        }
        if self.is_bound_to_one {
            words.push("bound to one CPU".to_owned());
        }
        if !self.settings.is_empty() {
            words.push(
                self.settings.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" "),
            );
        }
        words.join("; ")
    }
}

const LIMITS: [Option<u64>; 22] = [
    Some(128),
    Some(200),
    Some(249),
    Some(256),
    Some(300),
    Some(384),
    Some(500),
    Some(512),
    Some(600),
    Some(768),
    Some(900),
    Some(1024),
    Some(1536),
    Some(1791),
    Some(1792),
    Some(2048),
    Some(3000),
    Some(4096),
    Some(15_360),
    Some(15_872),
    // More than the machine has, and none at all.
    Some(1_048_576),
    None,
];
const FEW: [Option<u64>; 5] = [Some(128), Some(256), Some(512), Some(900), Some(2048)];
const QUOTAS: [u32; 3] = [500, 1500, 2500];

/// All that a runtime is asked.
pub(crate) fn questions(runtime: &str, cgroup: Cgroup) -> Vec<Question> {
    match cgroup {
        Cgroup::V1 => separate(runtime),
        Cgroup::V2 => unified::questions(runtime),
    }
}

/// On cgroup v1.
fn separate(runtime: &str) -> Vec<Question> {
    let settings: &[&[&str]] = match runtime {
        "node" => NODE,
        "java" => JAVA,
        "go" => GO,
        _ => PYTHON,
    };
    // What reads no limit is asked at few of them; a JVM takes its time to start.
    let everywhere =
        if matches!(runtime, "node" | "java") { LIMITS.as_slice() } else { FEW.as_slice() };
    let mut all = Vec::new();
    for layout in Layout::ALL {
        let is_own = matches!(layout, Layout::Container | Layout::Service);
        let is_whole = layout == Layout::Container || (is_own && runtime == "node");
        let limits = if is_whole { everywhere } else { FEW.as_slice() };
        all.extend(limits.iter().map(|limit| Question::at(layout, *limit)));
        if !is_own {
            continue;
        }
        for quota in QUOTAS {
            all.extend(
                [Some(512), Some(2048)]
                    .map(|limit| Question { quota: Some(quota), ..Question::at(layout, limit) }),
            );
        }
        all.push(Question { is_bound_to_one: true, ..Question::at(layout, Some(2048)) });
        all.push(Question { reservation: Some(300), ..Question::at(layout, Some(1024)) });
        all.push(Question { reservation: Some(1200), ..Question::at(layout, Some(2048)) });
    }
    for words in settings {
        let settings: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for limit in [200, 512, 2048] {
            all.push(Question::told(&settings, limit));
        }
    }
    all
}

const NODE: &[&[&str]] = &[
    &["--max-old-space-size=100"],
    &["--max-old-space-size=300"],
    &["--max-old-space-size=1024"],
    &["--max-old-space-size=0"],
    &["--max_old_space_size=200"],
    &["--max-old-space-size=300", "--max-old-space-size=200"],
    &["--max-old-space-size"],
    &["--max-old-space-size=512m"],
    &["--max-old-space-size=1.5"],
    &["--max-old-space-size=-1"],
    &["--max-old-space-size=1"],
    &["--max-old-space-size=75%"],
    &["--max-semi-space-size=3"],
    &["--max-semi-space-size=32"],
    &["--max-semi-space-size=0"],
    &["--max-semi-space-size=64", "--max-old-space-size=100"],
    &["--max-heap-size=300"],
    &["--max-heap-size=300", "--max-old-space-size=100"],
    &["--max-old-space-size-percentage=50"],
    &["--max-old-space-size-percentage=75"],
    &["--max-old-space-size-percentage=33.3"],
    &["--max-old-space-size-percentage=0"],
    &["--max-old-space-size-percentage=101"],
    &["--max-old-space-size-percentage=50", "--max-old-space-size=100"],
    &["NODE_OPTIONS=--max-old-space-size=100"],
    &["NODE_OPTIONS=--max-old-space-size=100", "--max-old-space-size=200"],
    &["NODE_OPTIONS=--max-old-space-size-percentage=50", "--max-old-space-size=100"],
    &["NODE_OPTIONS=--max-old-space-size=100 --max-semi-space-size=64"],
    &["NODE_OPTIONS=--max-heap-size=200"],
    &["NODE_OPTIONS=\"--max-old-space-size=150\""],
    &["NODE_OPTIONS="],
    &["NODE_OPTIONS='--max-old-space-size=150'"],
    &["NODE_OPTIONS=\"--max-old-space-size=1\\50\""],
    &["--max-old-space-size="],
    &["--max-old-space-size=99999999999999999999"],
    &["-max-old-space-size=100"],
    &["--max-heap-size=0"],
    &["--max-heap-size=1"],
    &["--max-heap-size=300", "--max-semi-space-size=4"],
    &["--max-heap-size=300", "--max-old-space-size=290"],
    &["--max-heap-size=300", "--max-old-space-size=400"],
];

const JAVA: &[&[&str]] = &[
    &["-Xmx300m"],
    &["-Xmx64m"],
    &["-Xmx1g"],
    &["-Xmx333M"],
    &["-Xmx204800k"],
    &["-Xmx134217729"],
    &["-Xmxlots"],
    &["-Xmx1.5g"],
    &["-mx150m"],
    &["-XX:MaxHeapSize=200m"],
    &["-Xms600m"],
    &["-Xms100m", "-Xmx50m"],
    &["-XX:MaxRAMPercentage=75"],
    &["-XX:MaxRAMPercentage=75.0"],
    &["-XX:MaxRAMPercentage=33.3"],
    &["-XX:MaxRAMPercentage=150.0"],
    &["-XX:MinRAMPercentage=75.0"],
    &["-XX:MaxRAMPercentage=75.0", "-XX:MinRAMPercentage=75.0"],
    &["-XX:MaxRAMPercentage=10.0", "-XX:MinRAMPercentage=10.0"],
    &["-XX:InitialRAMPercentage=80.0"],
    &["-XX:MaxRAMFraction=2"],
    &["-XX:MaxRAM=1g"],
    &["-XX:ActiveProcessorCount=4"],
    &["-XX:ActiveProcessorCount=1"],
    &["-XX:+UseSerialGC"],
    &["-XX:+UseParallelGC"],
    &["-XX:+UseG1GC"],
    &["-XX:+UseG1GC", "-Xmx333m"],
    &["-XX:-UseContainerSupport"],
    &["-Xmx100m", "-XX:MaxRAMPercentage=75.0"],
    &["-Xmx100m", "-Xmx200m"],
    &["JAVA_TOOL_OPTIONS=-Xmx100m"],
    &["JAVA_TOOL_OPTIONS=-Xmx100m", "JDK_JAVA_OPTIONS=-Xmx200m"],
    &["JAVA_TOOL_OPTIONS=-Xmx100m", "JDK_JAVA_OPTIONS=-Xmx200m", "-Xmx300m"],
    &["_JAVA_OPTIONS=-Xmx400m", "-Xmx300m"],
    &["JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=50.0", "-XX:MaxRAMPercentage=80.0"],
    &["JAVA_OPTS=-Xmx64m"],
    &["JAVA_TOOL_OPTIONS=-Xmxlots"],
    &["-Xmx1m"],
    &["-Xmx0x8000000"],
    &["-XX:MaxRAMFraction=2", "-XX:MaxRAMPercentage=40.0"],
];

const GO: &[&[&str]] = &[
    &["GOMEMLIMIT=400MiB"],
    &["GOMEMLIMIT=1073741824"],
    &["GOMEMLIMIT=400M"],
    &["GOMEMLIMIT=90%"],
    &["GOMEMLIMIT=1.5GiB"],
    &["GOMEMLIMIT=off"],
    &["GOMEMLIMIT="],
    &["GOMEMLIMIT=0"],
    &["GOMEMLIMIT=100B"],
    &["GOMEMLIMIT=1TiB"],
    &["GOMEMLIMIT=-1"],
    &["GOMAXPROCS=1"],
    &["GOMAXPROCS=7"],
    &["GOMAXPROCS=0"],
    &["GOMAXPROCS=x"],
    &["GODEBUG=containermaxprocs=0"],
    &["GODEBUG=containermaxprocs=1"],
    &["GOGC=50"],
];

const PYTHON: &[&[&str]] = &[
    &["PYTHON_CPU_COUNT=7"],
    &["PYTHON_CPU_COUNT=default"],
    &["-Xcpu_count=3"],
    &["PYTHON_CPU_COUNT=7", "-Xcpu_count=3"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_is_asked_twice() {
        for cgroup in [Cgroup::V1, Cgroup::V2] {
            for runtime in ["node", "java", "go", "python"] {
                let all = questions(runtime, cgroup);
                for (at, one) in all.iter().enumerate() {
                    assert!(!all[..at].contains(one), "{runtime}: {one:?}");
                }
            }
        }
    }

    #[test]
    fn every_layout_and_limits_from_128_mib_to_2_gib_are_asked_on_both_generations() {
        for cgroup in [Cgroup::V1, Cgroup::V2] {
            for runtime in ["node", "java", "go", "python"] {
                let all = questions(runtime, cgroup);
                let has = |layout, limit| {
                    all.iter().any(|one| one.layout == layout && one.limit == Some(limit))
                };
                for limit in [128, 512, 2048] {
                    assert!(has(Layout::Container, limit), "{runtime} {limit}");
                }
                for layout in [Layout::Service, Layout::Parent, Layout::HiddenParent] {
                    assert!(has(layout, 512), "{runtime} {layout:?}");
                }
                assert!(all.iter().any(|one| one.quota.is_some() && one.layout == Layout::Service));
            }
        }
    }

    #[test]
    fn settings_are_told_apart_by_their_dash() {
        let settings = vec!["NODE_OPTIONS=--a=1 --b".to_owned(), "--c=2".to_owned()];
        let one = Question { settings, ..Question::at(Layout::Container, None) };
        assert_eq!(one.options(), ["--c=2"]);
        assert_eq!(one.environment(), [("NODE_OPTIONS".to_owned(), "--a=1 --b".to_owned())]);
        assert_eq!(one.row(), "container; `NODE_OPTIONS=--a=1 --b` `--c=2`");
    }
}
