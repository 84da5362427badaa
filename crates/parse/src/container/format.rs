//! Bare values: the output of `docker inspect --format …`, pasted with its command, with labels of
//! its own, or alone.
//!
//! With the command in the text its template says what each value is. Without it a value is only
//! taken where its shape leaves one reading: `137 false 2026-05-27T18:42:11Z` is an exit code, the
//! OOM flag and an end; a lone `true` is nothing. Grammar of templates: Go's text/template, fields
//! only.

mod clock;
mod fields;
mod template;

use casefile::{Limit, Span};

use self::fields::{assign, bare_values, labelled};
use self::template::Template;
use super::Raw;
use crate::Sighting;
use crate::record::{ContainerRecord, Form, Record};

/// Docker refuses limits below 6 MiB (4 MiB until 20.10): a smaller number is something else.
const SMALLEST_LIMIT: u64 = 4 << 20;
/// Rows without a label or a flag are only read in a text that holds hardly anything else.
const FEW_LINES: usize = 3;

/// The bare values among lines.
pub(super) fn read(text: &str, lines: &[Raw<'_>]) -> Vec<Sighting> {
    let answers = lines.iter().filter(|line| !is_command(line.words)).count();
    let listed = lines.iter().any(|line| line.words == "containers:");
    let of_ecs = listed && lines.iter().any(|line| is_of_ecs(line.words));
    // GNU time(1) prints `Exit status: 0` of a command that a signal ended, too.
    let by_signal =
        lines.iter().any(|line| line.words.starts_with("Command terminated by signal "));
    let mut found = Vec::new();
    let mut template: Option<Template> = None;
    let mut group = Group::default();
    for (at, line) in lines.iter().enumerate() {
        if let Some(seen) = Template::in_command(line.words) {
            template = Some(seen);
        } else if let Some(record) = commented(line.words, template.as_ref()) {
            found.push(sighting(record, line.span));
        } else if is_command(line.words) {
            template = None;
        } else if by_signal && line.words == "Exit status: 0" {
            continue;
        } else if let Some(record) = template.as_ref().and_then(|form| form.read(line.words)) {
            found.push(sighting(record, line.span));
        } else if let Some(record) = labelled(line.words).filter(|_| !of_ecs) {
            let neighbours = [at.checked_sub(1), at.checked_add(1)];
            let near = neighbours.into_iter().flatten().filter_map(|near| lines.get(near));
            if line.words.contains("State.Status") && record.status.is_some() {
                found.push(sighting(record, line.span));
                continue;
            }
            if !near.map(|near| near.words).any(is_of_kubectl) {
                group.add(record, line.span);
                continue;
            }
        } else if let Some(record) = bare_values(line.words, answers <= FEW_LINES) {
            found.push(sighting(record, line.span));
        } else if answers == 1 && is_alone(text) {
            let typed = lines.get(..at).unwrap_or_default();
            found.extend(lone_number(line, typed.iter().any(|typed| asks_for_a_code(typed.words))));
        }
        found.extend(group.take());
    }
    found.extend(group.take());
    found
}

/// An answer noted as a comment below its command: `# true`, `# => 137 false`.
fn commented(words: &str, template: Option<&Template>) -> Option<ContainerRecord> {
    let rest = words.strip_prefix("# ").or_else(|| words.strip_prefix("// "))?;
    let rest = rest.trim_start_matches(['=', '-', '>', ' ', '→']);
    let by_template = template.and_then(|form| form.read(rest));
    by_template.or_else(|| bare_values(rest, false)).or_else(|| {
        labelled(rest).filter(|record| record.exit_code.is_some() && record.oom_killed.is_some())
    })
}

/// Whether a line is nothing but labelled values, one of them a code or the flag.
pub(super) fn is_labelled(words: &str) -> bool {
    labelled(words).is_some_and(|record| record.exit_code.is_some() || record.oom_killed.is_some())
}

fn sighting(mut record: ContainerRecord, span: Span) -> Sighting {
    record.form = Some(Form::Format);
    let only_memory =
        ContainerRecord { form: record.form, memory: record.memory, ..ContainerRecord::default() };
    let record = match record.memory {
        Some(limit) if record == only_memory => Record::BareLimit(limit),
        Some(_) | None => Record::Container(Box::new(record)),
    };
    Sighting { record, span, at: None }
}

/// Labelled lines one below the other are one container's.
#[derive(Default)]
struct Group {
    lines: Vec<(ContainerRecord, Span)>,
}

impl Group {
    fn add(&mut self, record: ContainerRecord, span: Span) {
        self.lines.push((record, span));
    }

    /// The group's record, if it says anything that matters.
    fn take(&mut self) -> Vec<Sighting> {
        let mut merged: Vec<(ContainerRecord, Span)> = Vec::new();
        for (record, span) in self.lines.drain(..) {
            let fits = merged.last().is_some_and(|(last, _)| !fields::clash(last, &record));
            match merged.last_mut() {
                Some((last, whole)) if fits => {
                    fields::merge(last, record);
                    *whole = whole.joined(span);
                }
                Some(_) | None => merged.push((record, span)),
            }
        }
        merged.into_iter().filter_map(|(record, span)| labelled_sighting(record, span)).collect()
    }
}

fn labelled_sighting(record: ContainerRecord, span: Span) -> Option<Sighting> {
    let alone = |only: ContainerRecord| only == record;
    if let Some(code) = record.exit_code
        && alone(ContainerRecord { exit_code: Some(code), ..ContainerRecord::default() })
    {
        return Some(Sighting { record: Record::BareExit(code), span, at: None });
    }
    if let Some(flag) = record.oom_killed
        && alone(ContainerRecord { oom_killed: Some(flag), ..ContainerRecord::default() })
    {
        return Some(Sighting { record: Record::BareOomFlag(flag), span, at: None });
    }
    (record.exit_code.is_some() || record.oom_killed.is_some()).then(|| sighting(record, span))
}

/// Labels that `kubectl describe` and pod YAML print around an exit code: another reader's text.
fn is_of_kubectl(words: &str) -> bool {
    let key = words.split_once(':').map_or("", |(key, _)| key.trim_start_matches("- ").trim());
    ["Reason", "reason", "Signal", "signal", "Message", "message", "Last State", "containerID"]
        .contains(&key)
        || (matches!(key, "Started" | "Finished") && words.contains("+"))
        || matches!(key, "startedAt" | "finishedAt")
}

/// Keys of ECS' own YAML, in whose list `name:` and `exitCode:` are a task's containers'.
fn is_of_ecs(words: &str) -> bool {
    ["stoppedReason:", "stopCode:", "taskArn:", "containerArn:"]
        .iter()
        .any(|key| words.trim_start_matches("- ").starts_with(key))
}

/// A line that a person typed: a prompt, or a runtime's command.
pub(super) fn is_command(words: &str) -> bool {
    let programs =
        ["docker ", "podman ", "nerdctl ", "sudo ", "docker-compose ", "echo ", "crictl "];
    let prompted = ["$ ", "# ", "% ", "> ", "PS "].iter().any(|prompt| words.starts_with(prompt));
    let after_prompt = ["$ ", "# ", "% ", "> "]
        .iter()
        .filter_map(|prompt| words.split_once(prompt))
        .any(|(_, typed)| programs.iter().any(|program| typed.starts_with(program)));
    prompted || after_prompt || programs.iter().any(|program| words.starts_with(program))
}

/// Whether a text holds one line besides what was typed: what other readers took, whole or
/// damaged, is company too, and beside it a number can be anything.
fn is_alone(text: &str) -> bool {
    let lines = text.lines().map(str::trim).filter(|words| !words.is_empty());
    lines.filter(|words| !is_command(words)).nth(1).is_none()
}

/// Whether a typed line asks how something ended: `docker wait web`, `./job; echo $?`.
fn asks_for_a_code(typed: &str) -> bool {
    let typed = typed.to_ascii_lowercase();
    ["exit", "wait", "$?", "status", "inspect", "errorlevel"].iter().any(|it| typed.contains(it))
}

/// The only line of a text, if it is a number that can be only one thing. A program's own small codes
/// are any small number, unless a command asked for one.
fn lone_number(line: &Raw<'_>, asked: bool) -> Option<Sighting> {
    let number: u64 = unquoted(line.words).parse().ok()?;
    let record = match number {
        0 => Record::BareLimit(Limit::Unlimited),
        1..=124 if !asked => return None,
        1..=255 => Record::BareExit(i64::try_from(number).ok()?),
        SMALLEST_LIMIT.. => Record::BareLimit(Limit::from_kernel(u128::from(number))),
        _ => return None,
    };
    Some(Sighting { record, span: line.span, at: None })
}

fn unquoted(words: &str) -> &str {
    let inner = words.trim_matches(['"', '\'']);
    if inner.is_empty() { words } else { inner }
}
