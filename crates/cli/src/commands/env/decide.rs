//! What to export: the advice for what was found, less what the user has set.
//!
//! Pure: the machine is told to it. Whoever has set a ceiling, on the command line, in a variable or in a start
//! script, has decided; a note says whether it has room.

use casefile::Bytes;
use recognise::before::{Before, Known};
use settings::runtimes::advice::{Advice, Place, Room, Setting};
use settings::runtimes::{Belief, Cpus, Fits, Layout, Runtime, Told, Version, View};

/// Variables that hold several options: ours go in front of theirs.
const LISTS: [(&str, char); 3] =
    [("DENO_V8_FLAGS", ','), ("JAVA_TOOL_OPTIONS", ' '), ("NODE_OPTIONS", ' ')];
/// By these a user has told the runtime the same in another variable.
const SAME: [(Runtime, &[&str]); 2] = [
    (Runtime::Go, &["GOMEMLIMIT", "AUTOMEMLIMIT"]),
    (
        Runtime::DotNet,
        &[
            "COMPlus_GCHeapHardLimit",
            "COMPlus_GCHeapHardLimitPercent",
            "DOTNET_GCHeapHardLimit",
            "DOTNET_GCHeapHardLimitPercent",
        ],
    ),
];
/// Numbers of workers, each read by a server of its own.
const WORKERS: [&str; 5] = [
    "CELERY_WORKER_CONCURRENCY",
    "UVICORN_WORKERS",
    "UWSGI_PROCESSES",
    "UWSGI_WORKERS",
    "WEB_CONCURRENCY",
];
/// What start scripts hand on to the JVM.
const OF_SCRIPTS: [&str; 8] = [
    "CATALINA_OPTS",
    "ES_JAVA_OPTS",
    "JAVA_ARGS",
    "JAVA_OPTIONS",
    "JAVA_OPTS",
    "JVM_ARGS",
    "JVM_OPTS",
    "KAFKA_HEAP_OPTS",
];
/// Words that name a file with more flags of the JVM's; it does not start with a heap that begins above its ceiling.
const FLAG_FILES: [&str; 3] = ["@", "-XX:Flags=", "-XX:VMOptionsFile="];
/// Read here beside `memory_settings::NAMES`.
pub(super) const ALSO_READ: [&str; 6] =
    ["AUTOMEMLIMIT", "ES_JAVA_OPTS", "JAVA_ARGS", "JAVA_OPTIONS", "JVM_ARGS", "KAFKA_HEAP_OPTS"];
/// More than any server is asked for: as many as fit.
const AS_MANY_AS_FIT: &str = "9999";
/// It does not depend on the heap or the workers.
const APART: &str = "MALLOC_ARENA_MAX";

/// What is known at the start.
#[derive(Debug, Clone)]
pub(super) struct Circumstances {
    pub(super) view: Option<View>,
    pub(super) limit: Option<Bytes>,
    pub(super) found: Option<Before>,
    pub(super) given: Option<(Runtime, Option<Version>)>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) worker: Option<Bytes>,
    pub(super) master: Option<Bytes>,
    pub(super) processes: u64,
}

/// A variable for the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Export {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) because: String,
}

/// What comes of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Decision {
    /// The limit, and whose it is; or why there is none to reckon with.
    pub(super) limit: Option<Result<(Bytes, &'static str), &'static str>>,
    /// The runtime, its version and by what it was found.
    pub(super) program: Option<String>,
    pub(super) exports: Vec<Export>,
    /// What is left as it is, and why.
    pub(super) left: Vec<String>,
    /// The sum, and what it does not bound.
    pub(super) advice: Advice,
    /// What whoever starts it should know at once.
    pub(super) warning: Option<String>,
}

impl Circumstances {
    pub(super) fn decide(&self) -> Decision {
        let limit = self.limit_in_effect();
        let Some((runtime, known, told, by)) = self.program() else {
            return Decision { limit: Some(limit), ..Decision::default() };
        };
        let mut decision = Decision {
            limit: Some(limit),
            program: Some(named(runtime, &known, &by)),
            ..Decision::default()
        };
        let (limit, view) = match (limit, &self.view) {
            (Ok((limit, _)), Some(view)) => (limit, view.clone()),
            (Ok((limit, _)), None) => (limit, imagined(limit)),
            (Err(why), view) => {
                // Unlimited is no mistake; not to know is.
                decision.warning = view.is_none().then(|| format!("{why}: nothing is exported"));
                return decision;
            }
        };
        let room = self.room(limit);
        let asked = self.asked_for_workers(runtime, &told);
        let answer = match &known {
            Known::Certain(version) => {
                Some((version.clone(), runtime.advises(version, &view, &asked, &room)))
            }
            Known::Likely(version) => runtime.advises_any(Some(version), &view, &asked, &room),
            Known::No => runtime.advises_any(None, &view, &asked, &room),
        };
        let Some((version, advice)) = answer else {
            decision
                .left
                .push("what one version takes another refuses: name it by --runtime".to_owned());
            return decision;
        };
        self.take(&mut decision, runtime, &told, &advice);
        let believes = |told: &Told| runtime.believes(&version, &view, told);
        let with = Told { environment: environment_with(&told, &decision.exports), ..told.clone() };
        if let (Some(why), None) = (believes(&with).refuses, believes(&told).refuses) {
            decision.exports.clear();
            decision.warning = Some(format!("nothing is exported: {why}"));
        } else {
            let (belief, room) = (believes(&with), &room);
            decision.warning = self.warning(runtime, &advice, &belief, room, &decision.exports);
        }
        decision.advice = advice;
        decision
    }

    /// The tightest limit, where it is one.
    fn limit_in_effect(&self) -> Result<(Bytes, &'static str), &'static str> {
        if let Some(limit) = self.limit {
            return Ok((limit, "as --limit says"));
        }
        let view = self.view.as_ref().ok_or("no memory cgroup is shown here")?;
        // Above `memory.high` a process is held back until it stands still.
        let high = view.leaf_high.filter(|_| view.cgroup_version == 2);
        let hard = view.in_effect.ok_or(()).or(high.ok_or("no memory limit is in effect"))?;
        let limit = high.map_or(hard, |high| high.min(hard));
        if limit.0 == 0 {
            return Err("the limit in effect is 0");
        }
        if limit >= view.host {
            return Err("the limit in effect is no less than the machine's memory");
        }
        Ok((
            limit,
            match view.leaf {
                Some(own) if own == limit => "its own cgroup's",
                _ if high == Some(limit) => "its own cgroup's memory.high",
                _ => "a level above its own cgroup",
            },
        ))
    }

    /// The runtime, how well its version is known, what it is told, and by what that was found.
    fn program(&self) -> Option<(Runtime, Known, Told, String)> {
        let told =
            |found: &Before| Told { environment: self.environment.clone(), ..found.told.clone() };
        match (&self.given, &self.found) {
            (Some((runtime, version)), found) => {
                let same = found.as_ref().filter(|found| found.runtime == *runtime);
                let known = version.clone().map(Known::Certain);
                let known = known.or_else(|| Some(same?.version.clone())).unwrap_or(Known::No);
                let none = Told { environment: self.environment.clone(), ..Told::default() };
                Some((*runtime, known, same.map_or(none, told), "as --runtime says".to_owned()))
            }
            (None, Some(found)) => {
                Some((found.runtime, found.version.clone(), told(found), found.by.clone()))
            }
            (None, None) => None,
        }
    }

    fn room(&self, limit: Bytes) -> Room {
        let beside = self.found.as_ref().and_then(|found| found.beside.as_ref());
        Room {
            others: beside.map_or(Bytes(0), |(_, bytes)| *bytes),
            processes: self.processes.max(1),
            worker: self.worker,
            master: self.master,
            ..Room::of(limit)
        }
    }

    /// With a worker's size, and no number of them told: as many as fit.
    fn asked_for_workers(&self, runtime: Runtime, told: &Told) -> Told {
        let mut told = told.clone();
        let has_workers = matches!(runtime, Runtime::Python | Runtime::Ruby);
        if self.worker.is_some() && has_workers && workers_told(&told).is_none() {
            let many = |name: &&str| ((*name).to_owned(), AS_MANY_AS_FIT.to_owned());
            told.environment.extend(WORKERS.iter().map(many));
        }
        told
    }

    /// What of the advice is exported.
    fn take(&self, decision: &mut Decision, runtime: Runtime, told: &Told, advice: &Advice) {
        let elsewhere = self.told_elsewhere(runtime, told);
        let mut exports = Vec::new();
        let mut decided = elsewhere.clone();
        for setting in &advice.settings {
            match export(setting, told) {
                Ok(export) => exports.push(export),
                // Said already.
                Err(_) if elsewhere.is_some() => {}
                Err(why) => {
                    if setting.name != APART && !matches!(setting.place, Place::File(_)) {
                        decided.get_or_insert(why.clone());
                    }
                    decision.left.push(why);
                }
            }
        }
        decision.left.extend(elsewhere);
        // One ceiling is told already: another beside it would be half of two decisions.
        if decided.is_some() {
            exports.retain(|export| export.name == APART);
        }
        decision.exports = exports;
    }

    /// A ceiling that the advice does not know of.
    fn told_elsewhere(&self, runtime: Runtime, told: &Told) -> Option<String> {
        let script = self.found.as_ref().and_then(|found| found.script.as_ref());
        if let Some((script, word)) = script.and_then(|it| Some((it, it.steers_by?))) {
            let path = script.path.display();
            return Some(format!("`{path}` steers the memory itself (`{word}`)"));
        }
        let same =
            SAME.iter().find(|(other, _)| *other == runtime).map_or(&[][..], |(_, names)| names);
        if let Some(name) = same.iter().find(|name| is_set(told, name)) {
            return Some(format!("{name} is set"));
        }
        if runtime == Runtime::DotNet && !told.settings.is_empty() {
            return Some("its runtimeconfig.json has a limit of the heap".to_owned());
        }
        let is_file = |word: &&String| FLAG_FILES.iter().any(|begin| word.starts_with(begin));
        if runtime == Runtime::Java
            && let Some(word) = told.arguments.iter().find(is_file)
        {
            return Some(format!("`{word}` may have flags of the heap"));
        }
        let flags = ["-Xm", "MaxRAM", "InitialRAM", "HeapSize"];
        let steers = |name: &&&str| {
            told.variable(name).is_some_and(|text| flags.iter().any(|flag| text.contains(flag)))
        };
        if runtime == Runtime::Java && script.is_some() {
            let name = OF_SCRIPTS.iter().find(steers)?;
            return Some(format!(
                "{name} has flags of the heap, and a start script may hand them on"
            ));
        }
        None
    }

    /// What cannot fit.
    fn warning(
        &self,
        runtime: Runtime,
        advice: &Advice,
        belief: &Belief,
        room: &Room,
        exports: &[Export],
    ) -> Option<String> {
        let has_ceiling = matches!(
            runtime,
            Runtime::Node | Runtime::Deno | Runtime::Java | Runtime::Go | Runtime::DotNet
        );
        if let Some(why) = advice.cannot.as_ref().filter(|_| has_ceiling || self.worker.is_some()) {
            return Some(format!("no setting keeps {runtime} within {}: {why}", room.limit));
        }
        let left = Bytes(room.limit.0.saturating_sub(room.others.0));
        let least = match belief.fits(Some(left), room.processes) {
            Fits::CannotFit => Some(belief.least(room.processes)),
            // Nothing bounds a worker, but somebody measured one.
            Fits::Unknown => room.may_use(belief).filter(|sum| *sum > room.limit),
            Fits::Fits | Fits::Tight | Fits::Unlimited => None,
        }?;
        let count = belief.processes.as_ref().map(|count| &count.from);
        let from = match (exports.is_empty(), count) {
            (false, _) => "with what is exported",
            (true, Some(count)) => count,
            (true, None) => &belief.from,
        };
        Some(format!("{runtime} may come to use {least} and more of {}: {from}", room.limit))
    }
}

/// `node 22.12.0 (/usr/local/bin/node)`.
fn named(runtime: Runtime, known: &Known, by: &str) -> String {
    let version = match known {
        Known::Certain(version) => version.to_string(),
        Known::Likely(version) => format!("{version}, likely"),
        Known::No => "of any version".to_owned(),
    };
    format!("{} {version} ({by})", runtime.word())
}

/// With a limit that was given, where no cgroup is shown.
fn imagined(limit: Bytes) -> View {
    let online = std::thread::available_parallelism().map_or(1, usize::from);
    let online = u32::try_from(online).unwrap_or(u32::MAX);
    let cpus = Cpus { online, affinity: online, quota: None };
    View::imagined(Layout::ContainerV2, Some(limit), Bytes(u64::MAX), cpus)
}

/// The variable by which somebody said how many workers there are.
fn workers_told(told: &Told) -> Option<&'static str> {
    WORKERS.into_iter().find(|name| is_set(told, name))
}

fn is_set(told: &Told, name: &str) -> bool {
    told.variable(name).is_some_and(|value| !value.trim().is_empty())
}

/// A setting as a variable, or why it stays as it is.
fn export(setting: &Setting, told: &Told) -> Result<Export, String> {
    let Setting { name, value, because, .. } = setting;
    let made = |value: String| Export { name: name.clone(), value, because: because.clone() };
    match setting.place {
        Place::File(file) => Err(format!("`{}` belongs into {file}", setting.word())),
        Place::Argument => Err(match &setting.replaces {
            Some(word) => {
                format!("the command line says `{word}`, where `{}` has room", setting.word())
            }
            None => format!("`{}` belongs on the command line", setting.word()),
        }),
        Place::Environment if WORKERS.contains(&name.as_str()) && workers_told(told).is_some() => {
            Err(format!("{} is set", workers_told(told).unwrap_or(name)))
        }
        Place::Environment if !is_set(told, name) => Ok(made(value.clone())),
        Place::Environment => {
            let theirs = told.variable(name).unwrap_or_default();
            let list = LISTS.iter().find(|(known, _)| known == name);
            let front = list.and_then(|(_, between)| in_front(value, theirs, *between));
            front.map(made).ok_or_else(|| format!("{name} is set"))
        }
    }
}

/// Our words of a list in front of theirs, byte for byte; `None` where one of theirs would go.
fn in_front(value: &str, theirs: &str, between: char) -> Option<String> {
    let words = |text: &str| -> Vec<String> {
        let separates = |letter: char| letter == between || letter == ' ';
        text.split(separates).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (all, kept) = (words(value), words(theirs).len());
    let ours = all.len().checked_sub(kept)?;
    let plain = |word: &String| word.trim_matches(['"', '\'']).to_owned();
    let same = all.iter().skip(ours).map(plain).eq(words(theirs).iter().map(plain));
    let ours = all.get(..ours).filter(|ours| same && !ours.is_empty())?;
    Some(format!("{}{between}{theirs}", ours.join(&between.to_string())))
}

fn environment_with(told: &Told, exports: &[Export]) -> Vec<(String, String)> {
    let exported = exports.iter().map(|export| (export.name.clone(), export.value.clone()));
    told.environment.iter().cloned().chain(exported).collect()
}

#[cfg(test)]
mod tests;
