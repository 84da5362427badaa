//! A case from a few lines of text: one container, `web`, whose life starts at 10:00:00 UTC.
//!
//! Seconds in these tests count from that start; the kernel's clock stands at 3600 s then.

use casefile::{Asked, CaseFile, Clock, ContainerId, Gap, Moment, Source};
use judge::Verdict;
use judge::verdict::{Because, Candidate, Confidence, Killer, Level};
use serde_json::{Value, json};
use testkit::fixed_now;

/// The container's id.
pub(crate) const WEB: &str = "3f9a1c5e7b2d4f6081a3c5e7092b4d6f8fa1b3c5d7e9f0a2b4c6d8eafc0e1f23";
/// Another container's.
pub(crate) const DB: &str = "d0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccddeeff";
/// Its memory limit, 256 MiB.
pub(crate) const LIMIT: u64 = 268_435_456;

/// The moment so many seconds after the start.
pub(crate) fn moment(seconds: f64) -> Moment {
    let start = Moment::parse("2026-11-22T10:00:00Z").expect("a moment");
    start.plus_micros((seconds * 1e6).round() as i64).expect("in range")
}

/// The same as RFC 3339.
pub(crate) fn time(seconds: f64) -> String {
    moment(seconds).0.to_string()
}

/// A line of the kernel's log, with its stamp.
pub(crate) fn kernel_line(seconds: f64, words: &str) -> String {
    format!("[{:12.6}] {words}\n", 3600.0 + seconds)
}

/// An entry of docker's events about `web`; attributes as `name=value` words.
pub(crate) fn event(seconds: f64, action: &str, attributes: &[(&str, &str)]) -> String {
    event_of(WEB, seconds, action, attributes)
}

/// The same of any container.
pub(crate) fn event_of(
    id: &str,
    seconds: f64,
    action: &str,
    attributes: &[(&str, &str)],
) -> String {
    let mut told = json!({"image": "demo", "name": "web"});
    for (name, value) in attributes {
        told[*name] = json!(value);
    }
    let nanos = moment(seconds).0.as_nanosecond() as i64;
    let entry = json!({"Type": "container", "Action": action, "Actor": {"ID": id, "Attributes": told},
        "time": nanos / 1_000_000_000, "timeNano": nanos});
    format!("{entry}\n")
}

/// An entry `kill` with a signal.
pub(crate) fn signalled(seconds: f64, signal: i32) -> String {
    event(seconds, "kill", &[("signal", &signal.to_string())])
}

/// An entry `die` with an exit code.
pub(crate) fn died(seconds: f64, code: i64) -> String {
    event(seconds, "die", &[("exitCode", &code.to_string())])
}

/// `docker inspect web` of a container that ended after so many seconds; change what differs.
pub(crate) fn exited(seconds: f64, code: i64) -> Value {
    json!({
        "Id": WEB,
        "Path": "serve", "Args": ["--all"],
        "State": {"Status": "exited", "Running": false, "OOMKilled": false, "Pid": 0, "ExitCode": code,
            "Error": "", "StartedAt": time(0.0), "FinishedAt": time(seconds)},
        "Name": "/web", "RestartCount": 0,
        "HostConfig": {"Memory": LIMIT, "MemorySwap": LIMIT, "OomKillDisable": false},
        "Config": {"Image": "demo"}
    })
}

/// The same of one that runs, as pid 700.
pub(crate) fn running() -> Value {
    let mut told = exited(0.0, 0);
    told["State"] = json!({"Status": "running", "Running": true, "OOMKilled": false, "Pid": 700,
        "ExitCode": 0, "Error": "", "StartedAt": time(0.0), "FinishedAt": "0001-01-01T00:00:00Z"});
    told
}

/// A value with one part changed.
pub(crate) fn with(mut value: Value, path: &str, part: Value) -> Value {
    let (parent, key) = path.rsplit_once('/').expect("a path");
    value.pointer_mut(parent).expect("a parent")[key] = part;
    value
}

/// A case in the making.
pub(crate) struct Case(CaseFile);

impl Case {
    /// Files that were pasted, of whatever kind.
    pub(crate) fn pasted(texts: &[&str]) -> Self {
        let mut case = Self(CaseFile::new(Asked::default(), fixed_now()));
        for text in texts {
            case = case.add(Source::Pasted, text);
        }
        case
    }

    /// Asked about `web` on the machine that ran it.
    pub(crate) fn web() -> Self {
        let asked = Asked {
            name: Some("web".to_owned()),
            container_id: ContainerId::parse(WEB),
            ..Asked::default()
        };
        Self(CaseFile::new(asked, fixed_now()))
    }

    /// Asked about anything else.
    pub(crate) fn asked(asked: Asked) -> Self {
        Self(CaseFile::new(asked, fixed_now()))
    }

    /// The same with `docker inspect`.
    pub(crate) fn of(inspect: &Value) -> Self {
        Self::web().add(Source::ContainerInspect, &inspect.to_string())
    }

    /// One more exhibit; each source with the clock that its gatherer gives it.
    pub(crate) fn add(mut self, source: Source, text: &str) -> Self {
        let zero_at = moment(-3600.0);
        let clock = match source {
            Source::KernelLog | Source::Trace => Clock::SinceBoot { zero_at },
            Source::ContainerInspect | Source::ContainerEvents | Source::Journal => Clock::Wall,
            _ => Clock::Unknown,
        };
        let id = format!("{source}-{}", self.0.exhibits.len());
        let exhibit = json!({"id": id, "source": source, "label": id, "clock": clock, "body": {"text": text}});
        self.0.exhibits.push(serde_json::from_value(exhibit).expect("an exhibit"));
        self
    }

    /// Docker's events, some of them.
    pub(crate) fn events(self, entries: &[String]) -> Self {
        self.add(Source::ContainerEvents, &entries.concat())
    }

    /// Docker's events, all of this life.
    pub(crate) fn all_events(self, entries: &[String]) -> Self {
        self.events(entries).whole()
    }

    /// The kernel's log, some of it.
    pub(crate) fn kernel(self, lines: &[String]) -> Self {
        self.add(Source::KernelLog, &lines.concat())
    }

    /// The kernel's log from before the start to after the end.
    pub(crate) fn whole_kernel(self, lines: &[String]) -> Self {
        self.kernel(lines).whole()
    }

    /// Docker's own note whether a signal came through its API.
    pub(crate) fn noted(self, manually: bool) -> Self {
        let note = json!({"ID": WEB, "Name": "/web", "HasBeenManuallyStopped": manually});
        self.add(Source::DockerConfig, &note.to_string())
    }

    /// Facts about the machine, `key: value`.
    pub(crate) fn machine(self, lines: &str) -> Self {
        self.add(Source::Machine, lines)
    }

    /// The container's own log.
    pub(crate) fn log(self, text: &str) -> Self {
        self.add(Source::ApplicationLog, text)
    }

    /// Files of `web`'s cgroup, as `docker` lays it out: `(file, text)`.
    pub(crate) fn cgroup(self, files: &[(&str, &str)]) -> Self {
        self.cgroup_at(&format!("/sys/fs/cgroup/docker/{WEB}"), files)
    }

    /// Files of any cgroup.
    pub(crate) fn cgroup_at(self, folder: &str, files: &[(&str, &str)]) -> Self {
        let text: Vec<String> =
            files.iter().map(|(file, text)| format!("==> {folder}/{file} <==\n{text}\n")).collect();
        self.add(Source::Cgroup, &text.join("\n"))
    }

    /// The last exhibit holds the whole life.
    pub(crate) fn whole(mut self) -> Self {
        self.0.exhibits.last_mut().expect("an exhibit").covers = true;
        self
    }

    /// The last exhibit's stamps are times of day.
    pub(crate) fn on_the_wall(mut self) -> Self {
        self.0.exhibits.last_mut().expect("an exhibit").clock = Clock::Wall;
        self
    }

    /// A source that could not be read, and how to open it.
    pub(crate) fn closed(mut self, source: Source, open_by: Option<&str>) -> Self {
        self.0.gaps.push(Gap {
            source,
            tried: "to read it".to_owned(),
            because: "permission denied".to_owned(),
            would_tell: "more".to_owned(),
            open_by: open_by.map(str::to_owned),
        });
        self
    }

    /// Gathered so many seconds after the start.
    pub(crate) fn gathered(mut self, seconds: f64) -> Self {
        self.0.gathered_at = moment(seconds);
        self
    }

    /// Every death on the machine.
    pub(crate) fn survey(&self) -> Vec<Verdict> {
        judge::survey(&self.0, fixed_now())
    }

    /// The answer, each line of its proof with the words it points at.
    pub(crate) fn answer(&self) -> Answer {
        let verdict = judge::explain(&self.0, fixed_now());
        let quote = |because: &Because| {
            self.0.quote(&because.cite).expect("a because points at bytes").to_owned()
        };
        let quotes = verdict.because.iter().map(quote).collect();
        Answer { verdict, quotes }
    }
}

/// A verdict and what its proof quotes.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    quotes: Vec<String>,
}

impl Answer {
    /// Killer, level and confidence.
    pub(crate) fn is(&self, killer: Killer, level: Level, confidence: Confidence) -> &Self {
        let told = &self.verdict;
        assert_eq!(
            (told.killer, told.level, told.confidence),
            (killer, level, confidence),
            "{told:#?}"
        );
        self
    }

    /// The killer and how sure.
    pub(crate) fn says(&self, killer: Killer, confidence: Confidence) -> &Self {
        let told = &self.verdict;
        assert_eq!((told.killer, told.confidence), (killer, confidence), "{told:#?}");
        self
    }

    /// The rule that reached it.
    pub(crate) fn by(&self, rule: &str) -> &Self {
        assert_eq!(self.verdict.rule, rule, "{:#?}", self.verdict);
        self
    }

    /// A rival is excluded, and the reason holds these words.
    pub(crate) fn rules_out(&self, killer: Killer, words: &str) -> &Self {
        let found = self
            .verdict
            .ruled_out
            .iter()
            .any(|out| out.killer == killer && out.because.contains(words));
        assert!(found, "{killer:?} by `{words}`: {:#?}", self.verdict.ruled_out);
        self
    }

    /// Exactly these rivals are excluded.
    pub(crate) fn rules_out_only(&self, killers: &[Killer]) -> &Self {
        let out: Vec<Killer> = self.verdict.ruled_out.iter().map(|out| out.killer).collect();
        assert_eq!(out, killers, "{:#?}", self.verdict);
        self
    }

    /// Exactly these rivals are left, in this order.
    pub(crate) fn leaves(&self, killers: &[Killer]) -> &Self {
        let left: Vec<Killer> = self.verdict.candidates.iter().map(|it| it.killer).collect();
        assert_eq!(left, killers, "{:#?}", self.verdict.candidates);
        self
    }

    /// A rival that is left.
    pub(crate) fn candidate(&self, killer: Killer) -> &Candidate {
        let found = self.verdict.candidates.iter().find(|candidate| candidate.killer == killer);
        assert!(found.is_some(), "no candidate {killer:?}: {:#?}", self.verdict);
        found.expect("a candidate")
    }

    /// A line of the proof that quotes these words and says those.
    pub(crate) fn proves(&self, quote: &str, says: &str) -> &Self {
        let mut lines = self.verdict.because.iter().zip(&self.quotes);
        let found = lines.any(|(line, text)| text.contains(quote) && line.says.contains(says));
        let told: Vec<_> =
            self.verdict.because.iter().map(|line| &line.says).zip(&self.quotes).collect();
        assert!(found, "`{quote}` says `{says}`: {told:#?}");
        self
    }

    /// No line of the proof says these words.
    pub(crate) fn never_says(&self, words: &str) -> &Self {
        let lines = &self.verdict.because;
        assert!(lines.iter().all(|line| !line.says.contains(words)), "`{words}`: {lines:#?}");
        self
    }

    /// The clause of the first line holds these words.
    pub(crate) fn in_short(&self, words: &str) -> &Self {
        let detail = self.verdict.detail.as_deref().unwrap_or_default();
        assert!(detail.contains(words), "`{words}` in `{detail}`");
        self
    }

    /// What would settle it: the commands.
    pub(crate) fn how_to_settle(&self) -> Vec<&str> {
        self.verdict.would_settle_it.iter().map(|it| it.how.as_str()).collect()
    }

    /// Why two sources seem to disagree, in one text.
    pub(crate) fn contradictions(&self) -> String {
        self.verdict.contradictions.join("\n")
    }

    /// The killers of the findings, oldest first.
    pub(crate) fn findings(&self) -> Vec<Killer> {
        self.verdict.findings.iter().map(|finding| finding.killer).collect()
    }

    /// Pids of the victims.
    pub(crate) fn victims(&self) -> Vec<Option<u32>> {
        self.verdict.victims.iter().map(|victim| victim.pid).collect()
    }
}

/// The cgroup of a container by docker's default layout.
pub(crate) fn docker(id: &str) -> String {
    format!("/docker/{id}")
}

/// One run of the kernel's OOM killer.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) at: f64,
    /// Who asked for memory: name and pid.
    pub(crate) invoker: (&'static str, u32),
    /// The cgroup whose limit filled, with the limit in kB; `None`: the whole machine.
    pub(crate) full: Option<(String, u64)>,
    /// The victim's cgroup.
    pub(crate) task: String,
    pub(crate) victim: (&'static str, u32),
    /// Rows of the task table: pid, name, pages of 4 kB.
    pub(crate) table: Vec<(u32, &'static str, u64)>,
}

impl Report {
    /// `web`'s own limit filled, and `serve` (pid 700) died.
    pub(crate) fn own(at: f64) -> Self {
        Self {
            at,
            invoker: ("serve", 700),
            full: Some((docker(WEB), LIMIT / 1024)),
            task: docker(WEB),
            victim: ("serve", 700),
            table: Vec::new(),
        }
    }

    /// The whole machine was out of memory, and `serve` (pid 700) died in `web`.
    pub(crate) fn host(at: f64) -> Self {
        Self { full: None, ..Self::own(at) }
    }

    /// A child of `web`'s main process (pid 700) died at its own limit.
    pub(crate) fn child(at: f64) -> Self {
        Self {
            invoker: ("work", 712),
            victim: ("work", 712),
            table: vec![(700, "serve", 1000), (712, "work", 60_000)],
            ..Self::own(at)
        }
    }

    /// The lines as the kernel prints them.
    pub(crate) fn lines(&self) -> String {
        let line = |words: String| kernel_line(self.at, &words);
        let mut text = line(format!(
            "{} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
            self.invoker.0
        ));
        text += &line(format!(
            "CPU: 0 UID: 0 PID: {} Comm: {} Not tainted 6.12.1 #1",
            self.invoker.1, self.invoker.0
        ));
        if let Some((_, limit)) = &self.full {
            text += &line(format!("memory: usage {limit}kB, limit {limit}kB, failcnt 23"));
        }
        if !self.table.is_empty() {
            text += &line("Tasks state (memory values in pages):".to_owned());
            text += &line("[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name".to_owned());
        }
        for (pid, comm, pages) in &self.table {
            text += &line(format!(
                "[{pid:7}]     0 {pid:5} 90000 {pages:8}   106496        0             0 {comm}"
            ));
        }
        text += &line(self.summary());
        let scope =
            if self.full.is_some() { "Memory cgroup out of memory" } else { "Out of memory" };
        let (comm, pid) = self.victim;
        text + &line(format!(
            "{scope}: Killed process {pid} ({comm}) total-vm:360000kB, anon-rss:240000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0"
        ))
    }

    fn summary(&self) -> String {
        let (comm, pid) = self.victim;
        let victim = format!("task_memcg={},task={comm},pid={pid},uid=0", self.task);
        match &self.full {
            Some((full, _)) => format!(
                "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={full},{victim}"
            ),
            None => format!(
                "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=x,mems_allowed=0,global_oom,{victim}"
            ),
        }
    }
}
