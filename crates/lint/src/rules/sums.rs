//! What a runtime will make of the settings in a file under the file's limit: the sums of `settings`.
//!
//! A file seldom names the runtime's version; where the image does not either, a usual one is taken, and
//! only settings that mean the same in all versions are looked at.

use casefile::Bytes;
use settings::runtimes::{Belief, Cpus, Layout, Runtime, Told, Version, View};

use crate::place::Place;
use crate::workload::{Variable, Word, Workload};

/// A runtime's settings as a workload has them.
pub(super) struct Steered {
    pub(super) belief: Belief,
    pub(super) version: Version,
    /// Where the setting stands that decides.
    pub(super) place: Place,
}

/// The version that counts where nobody says one: what is looked at means the same since long before.
fn usual(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Node => "22",
        Runtime::Go => "1.24",
        // The JVM; no other runtime is asked about here.
        _ => "17",
    }
}

/// What the runtime believes under this limit; `None`: the file does not steer it.
pub(super) fn steered(workload: &Workload, runtime: Runtime, limit: Bytes) -> Option<Steered> {
    let (told, places) = told(workload, runtime);
    if places.is_empty() {
        return None;
    }
    let version = image_version(workload, runtime).or_else(|| Version::parse(usual(runtime)))?;
    let belief = runtime.believes(&version, &view(limit), &told);
    let decides = |word: &&Word| belief.from.contains(word.text.trim_start_matches("GOMEMLIMIT="));
    let place = places.iter().rfind(decides).or(places.last())?.place.clone();
    Some(Steered { belief, version, place })
}

/// What the image's runtime believes when the file says nothing.
pub(super) fn by_default(workload: &Workload, runtime: Runtime, limit: Bytes) -> Option<Steered> {
    let version = image_version(workload, runtime)?;
    let belief = runtime.believes(&version, &view(limit), &Told::default());
    Some(Steered { belief, version, place: workload.limit.place()?.clone() })
}

/// A container on cgroup v2; the machine is large, since the file does not say.
fn view(limit: Bytes) -> View {
    let cpus = Cpus { online: 4, affinity: 4, quota: None };
    let host = Bytes(limit.0.saturating_mul(4).max(64 << 30));
    View::imagined(Layout::ContainerV2, Some(limit), host, cpus)
}

/// The settings of a runtime: what its own variables and the command line hold, and each setting's place.
fn told(workload: &Workload, runtime: Runtime) -> (Told, Vec<Word>) {
    let mut told = Told::default();
    let mut places = Vec::new();
    let inherited = workload.inherited.environment.iter();
    let kept = inherited.filter(|it| !workload.environment.iter().any(|own| own.name == it.name));
    for Variable { name, value, place } in kept.chain(&workload.environment) {
        let is_own = own_variables(runtime).contains(&name.as_str());
        let is_setting = |word: &str| is_setting(runtime, word);
        if runtime == Runtime::Go {
            if name == "GOMEMLIMIT" {
                told.environment.push((name.clone(), value.clone()));
                places.push(Word { text: format!("GOMEMLIMIT={value}"), place: place.clone() });
            }
            continue;
        }
        let words: Vec<&str> = value.split_whitespace().collect();
        let mut settings = words.iter().filter(|word| is_setting(word)).peekable();
        if is_own {
            told.environment.push((name.clone(), value.clone()));
        } else if runtime == Runtime::Java && settings.peek().is_some() {
            // `JAVA_OPTS` and the like: a start script puts them on the command line.
            told.arguments
                .extend(words.iter().filter(|it| it.starts_with('-')).map(|it| (*it).to_owned()));
        } else {
            continue;
        }
        for word in settings {
            places.push(Word { text: (*word).to_owned(), place: place.clone() });
        }
    }
    for Word { text, place } in workload.inherited.command.iter().chain(&workload.command) {
        for word in text.split([' ', '\t', '\n', '\'', '"']).filter(|word| !word.is_empty()) {
            let word = word.trim_end_matches(';');
            if runtime == Runtime::Go {
                if let Some(value) = word.strip_prefix("GOMEMLIMIT=") {
                    told.environment.push(("GOMEMLIMIT".to_owned(), value.to_owned()));
                    places.push(Word { text: word.to_owned(), place: place.clone() });
                }
            } else if is_setting(runtime, word) {
                told.arguments.push(word.to_owned());
                places.push(Word { text: word.to_owned(), place: place.clone() });
            }
        }
    }
    (told, places)
}

fn own_variables(runtime: Runtime) -> &'static [&'static str] {
    match runtime {
        Runtime::Node => &["NODE_OPTIONS"],
        Runtime::Java => &["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"],
        _ => &[],
    }
}

/// Whether a word steers the runtime's memory.
fn is_setting(runtime: Runtime, word: &str) -> bool {
    let spelled = word.replace('_', "-");
    match runtime {
        Runtime::Node => {
            spelled.starts_with("--max-old-space-size")
                || spelled.starts_with("--max-semi-space-size")
        }
        Runtime::Java => {
            let named = [
                "-Xmx",
                "-XX:MaxHeapSize=",
                "-XX:MaxRAM",
                "-XX:MinRAMPercentage=",
                "-XX:MaxDirectMemorySize=",
            ];
            named.iter().any(|name| word.starts_with(name))
        }
        _ => false,
    }
}

/// The version that an official image names in its tag: `node:22.12-alpine`, `eclipse-temurin:17-jre`.
pub(super) fn image_version(workload: &Workload, runtime: Runtime) -> Option<Version> {
    let image = workload.image.as_deref()?;
    let image = image.split('@').next().unwrap_or(image);
    let (name, tag) = image.rsplit('/').next()?.split_once(':')?;
    let known = match runtime {
        Runtime::Node => name == "node",
        Runtime::Java => matches!(
            name,
            "eclipse-temurin" | "openjdk" | "amazoncorretto" | "sapmachine" | "zulu-openjdk"
        ),
        _ => false,
    };
    let end = tag.find(|letter: char| !(letter.is_ascii_digit() || letter == '.' || letter == 'u'));
    let number = tag.get(..end.unwrap_or(tag.len()))?.trim_end_matches('.');
    Version::parse(number).filter(|_| known && number.starts_with(|it: char| it.is_ascii_digit()))
}

/// `384 MiB (…) + 48 MiB (…)`, and the sum.
pub(super) fn spelled(belief: &Belief, usual: bool) -> Option<(String, Bytes)> {
    let ceiling = belief.ceiling?;
    let mut text = format!("{} ({})", mebibytes(ceiling), belief.from);
    let mut sum = ceiling;
    for part in &belief.outside {
        let amount = if usual { part.usual } else { part.least };
        if amount.0 > 0 {
            text += &format!(" + {} ({})", mebibytes(amount), part.what);
            sum = Bytes(sum.0.saturating_add(amount.0));
        }
    }
    Some((text, sum))
}

/// Terms of a sum in one unit, so that it can be checked by eye.
pub(super) fn mebibytes(amount: Bytes) -> String {
    match amount.0 {
        0..0x10_0000 => amount.to_string(),
        bytes => format!("{} MiB", bytes.saturating_add(1 << 19) >> 20),
    }
}
