//! The answer as JSON: the published shape, version 1, with its schema.
//!
//! Every key is always present; what was not seen is `null`, never 0. A field may be added in this
//! version; renaming or removing one makes a new `schema_version`. The quote is the exact text of
//! the case (secrets were taken out before it was stored), so nothing here is escaped or shortened.

use casefile::{Gap, Limit, Source};
use judge::verdict::{
    Candidate, Confidence, Fate, Killer, Level, Remedy, Role, RuledOut, Victim, WouldSettle,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::{Evidence, Report, words};

/// Who ended a container or process, why, by which proof.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Answer")]
pub(crate) struct Answer {
    /// Version of this shape.
    #[schemars(schema_with = "version_schema")]
    schema_version: u32,
    /// Who ended it.
    #[schemars(schema_with = "killer_schema")]
    killer: &'static str,
    /// Which limit filled.
    #[schemars(schema_with = "level_schema")]
    level: &'static str,
    /// How sure.
    #[schemars(schema_with = "confidence_schema")]
    confidence: &'static str,
    /// When, RFC 3339; null where the evidence has no wall-clock time for it.
    at: Option<String>,
    /// The process, daemon or API client that did it, where it is one.
    killed_by: Option<KilledBy>,
    /// What the answer is about; null for text without a container.
    subject: Option<Subject>,
    /// The container of the subject, or of the victim's cgroup.
    container_id: Option<String>,
    /// The main process of the container.
    main: Main,
    /// All that died by this killer in this event.
    victims: Vec<VictimAnswer>,
    /// Whether the container's own limit is to blame.
    limit_at_fault: Option<bool>,
    /// The limit that filled, in bytes; null: not seen, or no limit is set.
    limit_bytes: Option<u64>,
    /// Usage at that limit, in bytes.
    usage_bytes: Option<u64>,
    /// The cgroup whose limit it is.
    limit_cgroup: Option<String>,
    /// The proof.
    because: Vec<BecauseAnswer>,
    /// Rivals that the evidence excludes.
    ruled_out: Vec<RuledOutAnswer>,
    /// Rivals that the evidence does not exclude.
    candidates: Vec<CandidateAnswer>,
    /// Why two sources seem to disagree.
    contradictions: Vec<String>,
    /// Evidence that would decide, and how to get it.
    would_settle_it: Vec<WouldSettleAnswer>,
    /// Every other death or life, oldest first.
    findings: Vec<Answer>,
    /// What could not be read.
    gaps: Vec<GapAnswer>,
    /// What to change.
    remedies: Vec<RemedyAnswer>,
}

/// The process, daemon or client that did it.
#[derive(Debug, Serialize, JsonSchema)]
struct KilledBy {
    /// Program name.
    name: Option<String>,
    /// Pid in the initial namespace.
    pid: Option<u32>,
    /// Uid.
    uid: Option<u32>,
    /// Login uid.
    login_uid: Option<u32>,
    /// Command line.
    command: Option<String>,
    /// API client.
    client: Option<String>,
}

/// What the answer is about.
#[derive(Debug, Serialize, JsonSchema)]
struct Subject {
    /// Container or pod name.
    name: Option<String>,
    /// Container id.
    container_id: Option<String>,
    /// `docker`, `kubernetes`, `ecs`, `systemd`.
    runtime: Option<String>,
    /// Which life, counted from 1.
    life: Option<u32>,
}

/// The main process.
#[derive(Debug, Serialize, JsonSchema)]
struct Main {
    /// Pid in the initial namespace.
    pid: Option<u32>,
    /// Name.
    comm: Option<String>,
    /// What became of it.
    #[schemars(schema_with = "fate_schema")]
    fate: &'static str,
    /// Exit code as the runtime shows it.
    exit_code: Option<i64>,
    /// The signal that ended it, where that is known.
    signal: Option<i32>,
    /// False where the code was made up or is not known.
    exit_code_trusted: bool,
}

/// A process that died.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Victim")]
struct VictimAnswer {
    /// Pid in the initial namespace.
    pid: Option<u32>,
    /// Name.
    comm: Option<String>,
    /// Its part in the container; `main` is PID 1 of the container and nothing else.
    #[schemars(schema_with = "role_schema")]
    role: &'static str,
    /// Uid.
    uid: Option<u32>,
    /// Virtual size, kB of 1,024 bytes.
    total_vm_kb: Option<u64>,
    /// Resident anonymous memory, kB.
    anon_rss_kb: Option<u64>,
    /// Resident file pages, kB.
    file_rss_kb: Option<u64>,
    /// Resident shared memory, kB.
    shmem_rss_kb: Option<u64>,
    /// The kernel's adjustment of its choice.
    oom_score_adj: Option<i32>,
}

/// One line of evidence.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Because")]
struct BecauseAnswer {
    /// The exhibit's id in the case.
    exhibit: String,
    /// The kind of source; null when the case does not hold the exhibit.
    #[schemars(with = "Option<String>")]
    source: Option<Source>,
    /// When, RFC 3339.
    at: Option<String>,
    /// The text, verbatim.
    quote: Option<String>,
    /// What it says.
    says: String,
}

/// A rival that is excluded.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RuledOut")]
struct RuledOutAnswer {
    /// The rival.
    #[schemars(schema_with = "killer_schema")]
    killer: &'static str,
    /// By what.
    because: String,
}

/// A rival that is not excluded.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Candidate")]
struct CandidateAnswer {
    /// The rival.
    #[schemars(schema_with = "killer_schema")]
    killer: &'static str,
    /// How well it fits.
    #[schemars(schema_with = "confidence_schema")]
    confidence: &'static str,
    /// Why it may be it.
    because: String,
}

/// Evidence that would decide.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WouldSettle")]
struct WouldSettleAnswer {
    /// What is missing.
    missing: String,
    /// A command, or where to look.
    how: String,
}

/// A source that could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Gap")]
struct GapAnswer {
    /// The kind of source.
    #[schemars(with = "String")]
    source: Source,
    /// What was tried.
    tried: String,
    /// Why it did not work.
    because: String,
    /// What it would have told.
    would_tell: String,
}

/// What to change.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Remedy")]
struct RemedyAnswer {
    /// The change.
    change: String,
    /// What it does.
    effect: String,
    /// What it may cost.
    risk: String,
    /// How to take it back.
    undo: String,
}

fn words_schema(words: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

fn version_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "const": Answer::VERSION })
}

fn killer_schema(_: &mut SchemaGenerator) -> Schema {
    words_schema(&Killer::ALL.map(Killer::word))
}

fn level_schema(_: &mut SchemaGenerator) -> Schema {
    const ALL: [Level; 7] = [
        Level::Own,
        Level::Nested,
        Level::Ancestor,
        Level::Host,
        Level::Numa,
        Level::Unknown,
        Level::None,
    ];
    words_schema(&ALL.map(words::level_word))
}

fn confidence_schema(_: &mut SchemaGenerator) -> Schema {
    const ALL: [Confidence; 4] =
        [Confidence::Proven, Confidence::Likely, Confidence::Possible, Confidence::Unknown];
    words_schema(&ALL.map(words::grade))
}

fn fate_schema(_: &mut SchemaGenerator) -> Schema {
    words_schema(&[Fate::Killed, Fate::Exited, Fate::Alive, Fate::Unknown].map(words::fate))
}

fn role_schema(_: &mut SchemaGenerator) -> Schema {
    words_schema(&[Role::Main, Role::Child, Role::Exec, Role::Other].map(role_word))
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Main => "main",
        Role::Child => "child",
        Role::Exec => "exec",
        Role::Other => "other",
    }
}

impl Answer {
    const VERSION: u32 = 1;

    /// The answer of a report, its findings in the same shape.
    pub(crate) fn of(report: &Report) -> Self {
        let verdict = &report.verdict;
        Self {
            schema_version: Self::VERSION,
            killer: verdict.killer.word(),
            level: words::level_word(verdict.level),
            confidence: words::grade(verdict.confidence),
            at: verdict.at.map(|moment| moment.0.to_string()),
            killed_by: verdict.killed_by.as_ref().map(|by| KilledBy {
                name: by.name.clone(),
                pid: by.pid,
                uid: by.uid,
                login_uid: by.login_uid,
                command: by.command.clone(),
                client: by.client.clone(),
            }),
            subject: verdict.subject.as_ref().map(|subject| Subject {
                name: subject.name.clone(),
                container_id: subject.container_id.as_ref().map(ToString::to_string),
                runtime: subject.runtime.clone(),
                life: subject.life,
            }),
            container_id: verdict.container_id.as_ref().map(ToString::to_string),
            main: Main {
                pid: verdict.main.pid,
                comm: verdict.main.comm.clone(),
                fate: words::fate(verdict.main.fate),
                exit_code: verdict.main.exit_code,
                signal: verdict.main.signal,
                exit_code_trusted: verdict.main.exit_code_trusted,
            },
            victims: verdict.victims.iter().map(VictimAnswer::of).collect(),
            limit_at_fault: verdict.limit_at_fault,
            limit_bytes: verdict.limit.and_then(Limit::bytes).map(|bytes| bytes.0),
            usage_bytes: verdict.usage.map(|bytes| bytes.0),
            limit_cgroup: verdict.limit_cgroup.as_ref().map(ToString::to_string),
            because: report.evidence.iter().map(BecauseAnswer::of).collect(),
            ruled_out: verdict.ruled_out.iter().map(RuledOutAnswer::of).collect(),
            candidates: verdict.candidates.iter().map(CandidateAnswer::of).collect(),
            contradictions: verdict.contradictions.clone(),
            would_settle_it: verdict.would_settle_it.iter().map(WouldSettleAnswer::of).collect(),
            findings: report.findings.iter().map(Self::of).collect(),
            gaps: verdict.gaps.iter().map(GapAnswer::of).collect(),
            remedies: verdict.remedies.iter().map(RemedyAnswer::of).collect(),
        }
    }
}

impl VictimAnswer {
    fn of(victim: &Victim) -> Self {
        Self {
            pid: victim.pid,
            comm: victim.comm.clone(),
            role: role_word(victim.role),
            uid: victim.uid,
            total_vm_kb: victim.total_vm_kb,
            anon_rss_kb: victim.anon_rss_kb,
            file_rss_kb: victim.file_rss_kb,
            shmem_rss_kb: victim.shmem_rss_kb,
            oom_score_adj: victim.oom_score_adj,
        }
    }
}

impl BecauseAnswer {
    fn of(evidence: &Evidence) -> Self {
        Self {
            exhibit: evidence.exhibit.clone(),
            source: evidence.source,
            at: evidence.at.map(|moment| moment.0.to_string()),
            quote: evidence.quote.clone(),
            says: evidence.says.clone(),
        }
    }
}

impl RuledOutAnswer {
    fn of(rival: &RuledOut) -> Self {
        Self { killer: rival.killer.word(), because: rival.because.clone() }
    }
}

impl CandidateAnswer {
    fn of(rival: &Candidate) -> Self {
        Self {
            killer: rival.killer.word(),
            confidence: words::grade(rival.confidence),
            because: rival.because.clone(),
        }
    }
}

impl WouldSettleAnswer {
    fn of(settle: &WouldSettle) -> Self {
        Self { missing: settle.missing.clone(), how: settle.how.clone() }
    }
}

impl GapAnswer {
    fn of(gap: &Gap) -> Self {
        Self {
            source: gap.source,
            tried: gap.tried.clone(),
            because: gap.because.clone(),
            would_tell: gap.would_tell.clone(),
        }
    }
}

impl RemedyAnswer {
    fn of(remedy: &Remedy) -> Self {
        Self {
            change: remedy.change.clone(),
            effect: remedy.effect.clone(),
            risk: remedy.risk.clone(),
            undo: remedy.undo.clone(),
        }
    }
}

/// The JSON schema of the answer, pretty-printed.
pub fn schema() -> String {
    let mut generator =
        schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.root_schema_for::<Answer>();
    let pretty = serde_json::to_string_pretty(schema.as_value());
    // A schema is a JSON value already; printing a value cannot fail.
    pretty.map(|text| text + "\n").unwrap_or_default()
}
