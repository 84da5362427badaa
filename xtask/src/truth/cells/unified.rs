//! The questions of cgroup v2. The machine that has it is emulated, and a JVM takes seconds to start there:
//! how settings are read is asked on cgroup v1; here it is which limit is seen from where.

use super::{FEW, GO, Layout, PYTHON, QUOTAS, Question};

/// Those of [`Layout`] that this generation tells apart.
const LAYOUTS: [Layout; 4] =
    [Layout::Container, Layout::Service, Layout::Parent, Layout::HiddenParent];

/// Those that people set, the borders of the runtimes' rules, more than the machine has, and none.
const NODE_LIMITS: [Option<u64>; 11] = [
    Some(128),
    Some(200),
    Some(256),
    Some(512),
    Some(600),
    Some(900),
    Some(1024),
    Some(2048),
    Some(3000),
    Some(15_872),
    None,
];
const JAVA_LIMITS: [Option<u64>; 11] = [
    Some(128),
    Some(200),
    Some(249),
    Some(256),
    Some(512),
    Some(900),
    Some(1791),
    Some(1792),
    Some(2048),
    Some(15_872),
    None,
];
/// Settings whose meaning hangs on the limit that is seen, and a few that do not.
const NODE: &[(&[&str], u64)] = &[
    (&["--max-old-space-size-percentage=50"], 512),
    (&["--max-old-space-size-percentage=75"], 2048),
    (&["NODE_OPTIONS=--max-old-space-size-percentage=50", "--max-old-space-size=100"], 512),
    (&["NODE_OPTIONS=--max-old-space-size=100"], 512),
    (&["--max-old-space-size=300"], 200),
    (&["--max-old-space-size=0"], 512),
    (&["--max-semi-space-size=32"], 512),
    (&["--max-heap-size=300"], 512),
];
const JAVA: &[(&[&str], u64)] = &[
    (&["-XX:MaxRAMPercentage=75.0"], 200),
    (&["-XX:MaxRAMPercentage=75.0"], 512),
    (&["-XX:MinRAMPercentage=75.0"], 200),
    (&["-XX:MaxRAMFraction=2"], 512),
    (&["-Xmx300m"], 512),
    (&["-Xms600m"], 512),
    (&["JAVA_TOOL_OPTIONS=-Xmx100m", "JDK_JAVA_OPTIONS=-Xmx200m"], 512),
    (&["-XX:-UseContainerSupport"], 512),
    (&["-XX:MaxRAM=1g"], 512),
    (&["-XX:+UseG1GC"], 512),
    (&["-XX:ActiveProcessorCount=3"], 2048),
];

/// All that a runtime is asked.
pub(super) fn questions(runtime: &str) -> Vec<Question> {
    match runtime {
        "node" => slow(&NODE_LIMITS, NODE),
        "java" => slow(&JAVA_LIMITS, JAVA),
        "go" => quick(GO),
        _ => quick(PYTHON),
    }
}

/// Of a runtime that takes its time.
fn slow(limits: &[Option<u64>], settings: &[(&[&str], u64)]) -> Vec<Question> {
    let at = Question::at;
    let mut all: Vec<Question> = limits.iter().map(|limit| at(Layout::Container, *limit)).collect();
    for layout in [Layout::Service, Layout::Parent, Layout::HiddenParent] {
        all.extend([Some(128), Some(512), Some(2048)].map(|limit| at(layout, limit)));
    }
    all.push(at(Layout::Service, None));
    let quota = |layout, quota| Question { quota: Some(quota), ..at(layout, Some(2048)) };
    for layout in [Layout::Container, Layout::Service] {
        all.extend(QUOTAS.map(|thousandths| quota(layout, thousandths)));
        all.push(Question { is_bound_to_one: true, ..at(layout, Some(2048)) });
        all.push(Question { reservation: Some(300), ..at(layout, Some(1024)) });
        all.push(Question { reservation: Some(1200), ..at(layout, Some(2048)) });
    }
    // Quota and limit on different levels.
    all.push(quota(Layout::HiddenParent, 1500));
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    all.extend(settings.iter().map(|(words, limit)| Question::told(&owned(words), *limit)));
    all
}

/// Of a runtime that starts at once.
fn quick(settings: &[&[&str]]) -> Vec<Question> {
    let mut all = Vec::new();
    for layout in LAYOUTS {
        all.extend(FEW.iter().map(|limit| Question::at(layout, *limit)));
        if !matches!(layout, Layout::Container | Layout::Service) {
            continue;
        }
        all.push(Question::at(layout, None));
        let at = || Question::at(layout, Some(2048));
        all.extend(QUOTAS.map(|quota| Question { quota: Some(quota), ..at() }));
        // Just what the machine has, and more.
        all.extend([4000, 9000].map(|quota| Question { quota: Some(quota), ..at() }));
        all.push(Question { is_bound_to_one: true, ..at() });
        all.push(Question { reservation: Some(1200), ..at() });
    }
    for words in settings {
        let settings: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        all.push(Question::told(&settings, 512));
        all.push(Question { quota: Some(1500), ..Question::told(&settings, 2048) });
    }
    all
}
