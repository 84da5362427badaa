//! What a runtime will make of the settings in a file under the file's limit: the sums of `settings`.
//!
//! A file seldom says everything that the sum depends on: the runtime's version, the machine, its cgroup
//! version. So the sum is made for every case that the file leaves open, and only what is wrong in all of
//! them is told, with the mildest of the sums. Of a default that is wrong on cgroup v2 alone a note tells,
//! which names that condition.

mod images;
mod told;

pub(super) use told::{is_open, steering};

use casefile::Bytes;
use settings::runtimes::advice::Room;
use settings::runtimes::{Belief, Cpus, Layout, Runtime, Told, Version, View};

use self::told::Heard;
use crate::Level;
use crate::place::Place;
use crate::workload::{Platform, Workload};

/// How a sum stands beside the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Excess {
    /// What a service usually needs beside its ceiling does not fit.
    Usual,
    /// Even a trivial program that fills its ceiling does not fit.
    Least,
    /// The ceiling is the limit.
    Whole,
    /// The ceiling is above the limit.
    Above,
    /// It will not start.
    Refused,
}

/// A sum that does not fit.
pub(super) struct Sum {
    pub(super) excess: Excess,
    pub(super) level: Level,
    pub(super) belief: Belief,
    /// The runtime's version, where the file tells it.
    pub(super) version: Option<String>,
    /// Where the setting stands that decides; of a default the limit.
    pub(super) place: Place,
    /// Nothing was said: it is the runtime's default.
    pub(super) is_default: bool,
    /// Other cases that the file leaves open come to more.
    pub(super) is_least: bool,
    /// Where it is so, if not everywhere.
    pub(super) condition: Option<&'static str>,
    pub(super) instead: String,
}

/// A case that the file leaves open.
struct World {
    version: Version,
    view: View,
    told: Told,
}

/// What does not fit of this runtime; `None`: it fits in some case, or the file does not steer it.
pub(super) fn weigh(workload: &Workload, runtime: Runtime, limit: Bytes) -> Option<Sum> {
    let heard = told::heard(workload, runtime);
    let image = images::of(workload, runtime);
    if heard.is_open {
        return None;
    }
    let is_default = heard.places.is_empty();
    if is_default && (heard.may_be_more || !image.as_ref()?.is_plain) {
        return None;
    }
    if is_default && is_configured_elsewhere(workload, runtime) {
        return None;
    }
    let version = image.and_then(|image| image.version);
    if is_default && version.as_deref().is_some_and(|version| !is_known(runtime, version)) {
        return None;
    }
    let worlds = worlds(runtime, version.as_deref(), limit, &heard.told);
    let weighed: Vec<Weighed<'_>> = worlds
        .iter()
        .map(|world| {
            let belief = runtime.believes(&world.version, &world.view, &world.told);
            let excess = excess(&belief, limit, counts_usual(runtime, &heard));
            Weighed { excess, belief, world }
        })
        .collect();
    let (found, condition) = told_of(those_that_read_it(weighed, &heard), is_default)?;
    let Weighed { excess: Some(excess), belief, world } = found.mildest else { return None };
    let place = match heard.places.iter().rfind(|word| decides(&belief, &word.text)) {
        Some(word) => word.place.clone(),
        None => heard.places.last().map(|word| &word.place).or(workload.limit.place())?.clone(),
    };
    Some(Sum {
        level: level(runtime, excess, is_default, condition),
        excess,
        belief,
        version,
        place,
        is_default,
        is_least: found.differs,
        condition,
        instead: instead(runtime, world, &heard, limit),
    })
}

/// A case and what comes of it.
struct Weighed<'a> {
    excess: Option<Excess>,
    belief: Belief,
    world: &'a World,
}

/// What is told of many cases.
struct Found<'a> {
    mildest: Weighed<'a>,
    /// Others come to more.
    differs: bool,
}

const ON_V2: &str = "where the machine has cgroup v2 and 8 GiB or more";

/// The mildest of all cases, if all are wrong; of a default else the mildest on cgroup v2.
fn told_of(all: Vec<Weighed<'_>>, is_default: bool) -> Option<(Found<'_>, Option<&'static str>)> {
    // A default's usual needs are what most such services live with.
    let is_wrong =
        |it: &Weighed<'_>| it.excess.is_some_and(|excess| !is_default || excess > Excess::Usual);
    if all.iter().all(is_wrong) {
        return Some((mildest(all)?, None));
    }
    let is_modern =
        |it: &Weighed<'_>| it.world.view.cgroup_version == 2 && it.world.view.host.0 >= 8 << 30;
    let modern: Vec<Weighed<'_>> = all.into_iter().filter(is_modern).collect();
    let is_told = is_default && modern.iter().all(is_wrong);
    Some((mildest(modern).filter(|_| is_told)?, Some(ON_V2)))
}

fn mildest(all: Vec<Weighed<'_>>) -> Option<Found<'_>> {
    let first = all.first()?.belief.ceiling;
    let differs = all.iter().any(|other| other.belief.ceiling != first);
    let mildest = all.into_iter().min_by_key(|it| (it.excess, it.belief.may_use(1)))?;
    Some(Found { mildest, differs })
}

/// Whoever sets something has a version that starts with it and reads it: cases in which it is refused or
/// changes nothing go, if there is another.
fn those_that_read_it<'a>(mut all: Vec<Weighed<'a>>, heard: &Heard) -> Vec<Weighed<'a>> {
    let starts = |it: &Weighed<'_>| it.belief.refuses.is_none();
    if all.iter().any(starts) {
        all.retain(starts);
    }
    let reads = |it: &Weighed<'_>| heard.places.iter().any(|word| decides(&it.belief, &word.text));
    if !all.iter().any(reads) {
        return all;
    }
    all.into_iter().filter(reads).collect()
}

/// Whether the belief rests on this setting.
fn decides(belief: &Belief, setting: &str) -> bool {
    let refusal = belief.refuses.as_deref().unwrap_or_default();
    belief.from.contains(setting) || refusal.contains(setting) || {
        let name = setting.split(['=', ' ']).next().unwrap_or(setting);
        let name = ["-XX:", "-c", "-d"].iter().find_map(|it| name.strip_prefix(it)).unwrap_or(name);
        let name = name.trim_start_matches('-').replace('-', "_");
        !name.is_empty() && belief.from.replace('-', "_").contains(&name)
    }
}

fn excess(belief: &Belief, limit: Bytes, counts_usual: bool) -> Option<Excess> {
    if belief.refuses.is_some() {
        return Some(Excess::Refused);
    }
    let ceiling = belief.ceiling?;
    let (least, usual) = belief.may_use(1)?;
    if ceiling > limit {
        Some(Excess::Above)
    } else if ceiling == limit {
        Some(Excess::Whole)
    } else if least > limit {
        Some(Excess::Least)
    } else if usual > limit && counts_usual {
        Some(Excess::Usual)
    } else {
        None
    }
}

/// What connections may ask for counts where the file speaks of them: nobody fills a hundred by default.
fn counts_usual(runtime: Runtime, heard: &Heard) -> bool {
    let speaks = |names: &[&str]| {
        heard.places.iter().any(|word| names.iter().any(|name| word.text.contains(name)))
    };
    match runtime {
        Runtime::Postgres => speaks(&["work_mem", "max_connections", "hash_mem", "-N"]),
        Runtime::MariaDb => speaks(&["max_connections"]),
        _ => true,
    }
}

fn level(
    runtime: Runtime,
    excess: Excess,
    is_default: bool,
    condition: Option<&'static str>,
) -> Level {
    if condition.is_some() {
        return Level::Note;
    }
    match excess {
        Excess::Usual => Level::Warning,
        // A server's file may lie in its image or its data; its defaults are worth a look.
        _ if is_default && is_by_file(runtime) => Level::Warning,
        Excess::Least | Excess::Whole | Excess::Above | Excess::Refused => Level::Error,
    }
}

fn is_by_file(runtime: Runtime) -> bool {
    matches!(runtime, Runtime::Php | Runtime::Postgres | Runtime::Redis | Runtime::MariaDb)
}

/// A server whose file may be mounted, or put into its image when that is built.
fn is_configured_elsewhere(workload: &Workload, runtime: Runtime) -> bool {
    let is_conf =
        |path: &String| ["/etc", "conf", ".ini", ".cnf"].iter().any(|part| path.contains(part));
    is_by_file(runtime)
        && (workload.is_built
            || workload.platform == Platform::Dockerfile
            || !workload.files.is_empty()
            || workload.mounts.iter().any(is_conf))
}

/// Versions that differ, for a file that names none; none that the runtime's own measurements leave out.
fn lines(runtime: Runtime) -> &'static [&'static str] {
    match runtime {
        Runtime::Node => &[
            "12.4", "12.22", "14.21", "16.20", "18.20", "20.2", "20.20", "22.20", "22.23", "24.0",
            "24.21", "26.10",
        ],
        Runtime::Deno => &["2.0.6", "2.3.0", "2.3.7", "2.6.4", "2.9.6"],
        // Older ones do not know the setting that is looked at.
        Runtime::Go => &["1.19.13", "1.25.5"],
        Runtime::Java => &["8u504", "11.0.24", "17.0.15", "21.0.8", "25.0.3"],
        Runtime::DotNet => &["3.1.23", "6", "8", "10"],
        Runtime::Php => &["8.2"],
        Runtime::Postgres => &["13", "15", "17"],
        Runtime::Redis => &["7.0"],
        Runtime::MariaDb => &["10.11"],
        Runtime::Bun | Runtime::Python | Runtime::Ruby | Runtime::Beam | Runtime::Nginx => &[],
    }
}

/// The oldest that anything is known of; what is older is looked at as if no version were named.
fn oldest(runtime: Runtime) -> u32 {
    match runtime {
        Runtime::Node => 12,
        Runtime::Java => 8,
        Runtime::Deno => 2,
        Runtime::DotNet => 3,
        Runtime::Postgres => 13,
        _ => 0,
    }
}

fn is_known(runtime: Runtime, version: &str) -> bool {
    Version::parse(version).is_some_and(|version| version.major() >= oldest(runtime))
}

/// Every case that the file leaves open, the likeliest first.
fn worlds(runtime: Runtime, version: Option<&str>, limit: Bytes, told: &Told) -> Vec<World> {
    let versions = match version.filter(|version| is_known(runtime, version)) {
        Some(version) => images::versions(version),
        None => lines(runtime).iter().rev().filter_map(|text| Version::parse(text)).collect(),
    };
    let mut ways_of_told = vec![told.clone()];
    // Whether an image lets Deno look at its limit is not in its name.
    let looks = "DENO_USE_CGROUPS";
    if runtime == Runtime::Deno && told.variable(looks).is_none() {
        let mut other = told.clone();
        other.environment.push((looks.to_owned(), "1".to_owned()));
        ways_of_told.push(other);
    }
    let twice = limit.0.saturating_mul(2).max(1 << 30);
    // What looks at no limit looks at no machine either; processors choose the JVM's collector.
    let is_blind = is_by_file(runtime) || runtime == Runtime::Go;
    let hosts = [twice.max(64 << 30), twice.max(8 << 30), twice];
    let layouts = [Layout::ContainerV2, Layout::ContainerV1];
    let cpus: &[u32] = if runtime == Runtime::Java { &[4, 1] } else { &[4] };
    let views = hosts.iter().take(if is_blind { 1 } else { 3 }).flat_map(|host| {
        layouts.iter().take(if is_blind { 1 } else { 2 }).flat_map(move |layout| {
            cpus.iter().map(move |cpus| {
                let cpus = Cpus { online: *cpus, affinity: *cpus, quota: None };
                View::imagined(*layout, Some(limit), Bytes(*host), cpus)
            })
        })
    });
    let views: Vec<View> = views.collect();
    let mut all = Vec::new();
    for version in &versions {
        for view in &views {
            for told in &ways_of_told {
                let (version, view, told) = (version.clone(), view.clone(), told.clone());
                all.push(World { version, view, told });
            }
        }
    }
    all
}

/// What `settings` advises.
fn instead(runtime: Runtime, world: &World, heard: &Heard, limit: Bytes) -> String {
    let advice = runtime.advises(&world.version, &world.view, &heard.told, &Room::of(limit));
    if let Some(cannot) = advice.cannot {
        return format!("a higher limit: {cannot}");
    }
    let words: Vec<String> =
        advice.settings.iter().map(|setting| format!("`{}`", setting.word())).collect();
    let because = advice.settings.last().map(|setting| setting.because.clone());
    let rest = because.into_iter().chain(advice.unbounded).collect::<Vec<_>>().join("; ");
    match (words.is_empty(), advice.missing) {
        (true, Some(missing)) => missing,
        (true, None) => format!("no setting of its own: its default fits {limit}"),
        (false, _) => format!("{} ({rest})", words.join(", ")),
    }
}

impl Sum {
    /// `384 MiB (…) + 48 MiB (…)`, and what it comes to; of several processes `5 × (…) + …`.
    pub(super) fn spelled(&self, usual: bool) -> (String, Bytes) {
        let belief = &self.belief;
        let amount = |part: &settings::runtimes::Part| if usual { part.usual } else { part.least };
        let terms = |shared: bool| -> Vec<String> {
            let parts = belief.outside.iter().filter(|part| part.shared == shared);
            let parts = parts.filter(|part| amount(part).0 > 0);
            parts.map(|part| format!("{} ({})", mebibytes(amount(part)), part.what)).collect()
        };
        let ceiling = belief.ceiling.unwrap_or(Bytes(0));
        let mut each = vec![format!("{} ({})", mebibytes(ceiling), belief.from)];
        each.extend(terms(false));
        let each = each.join(" + ");
        let mut text = match &belief.processes {
            Some(count) if count.number > 1 => {
                format!("{} × ({each}) ({})", count.number, count.from)
            }
            _ => each,
        };
        for term in terms(true) {
            text += &format!(" + {term}");
        }
        let sum = belief.may_use(1).unwrap_or((Bytes(0), Bytes(0)));
        (text, if usual { sum.1 } else { sum.0 })
    }
}

/// Terms of a sum in one unit, so that it can be checked by eye.
pub(super) fn mebibytes(amount: Bytes) -> String {
    match amount.0 {
        0..0x10_0000 => amount.to_string(),
        bytes => format!("{} MiB", bytes.saturating_add(1 << 19) >> 20),
    }
}
