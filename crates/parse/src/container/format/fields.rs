//! One value to one field: by its label, or by its shape.

use casefile::{ContainerId, Limit, Moment};

use super::clock::with_whole_times;
use crate::record::ContainerRecord;

/// Whether a template's field or a label is one that [`assign`] knows.
pub(super) fn is_known(label: &str) -> bool {
    !matches!(field_of(label), Field::Unknown)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    ExitCode,
    OomKilled,
    Status,
    Running,
    Error,
    StartedAt,
    FinishedAt,
    Pid,
    Health,
    RestartCount,
    RestartPolicy,
    Memory,
    MemorySwap,
    Name,
    Image,
    Id,
    /// Known, and of no use.
    Ignored,
    Unknown,
}

/// `.State.ExitCode`, `ExitCode`, `Exit Code`, `exit` … without case, blanks and points.
fn field_of(label: &str) -> Field {
    let plain: String =
        label.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let plain = plain.strip_prefix("state").filter(|rest| !rest.is_empty()).unwrap_or(&plain);
    let plain = plain.strip_prefix("hostconfig").unwrap_or(plain);
    match plain {
        "exitcode" | "exit" | "exitstatus" => Field::ExitCode,
        "oomkilled" | "oom" | "oomkill" => Field::OomKilled,
        "status" | "state" => Field::Status,
        "running" => Field::Running,
        "error" => Field::Error,
        "startedat" | "started" => Field::StartedAt,
        "finishedat" | "finished" => Field::FinishedAt,
        "pid" => Field::Pid,
        "healthstatus" | "health" => Field::Health,
        "restartcount" | "restarts" => Field::RestartCount,
        "restartpolicyname" => Field::RestartPolicy,
        "memory" | "memorylimit" | "memlimit" => Field::Memory,
        "memoryswap" => Field::MemorySwap,
        "name" | "container" => Field::Name,
        "configimage" | "image" => Field::Image,
        "id" => Field::Id,
        "dead" | "paused" | "restarting" | "oomkilldisable" | "memoryreservation" => Field::Ignored,
        _ => Field::Unknown,
    }
}

/// Puts a value into the field its label names; `None` if it cannot be one.
pub(super) fn assign(record: &mut ContainerRecord, label: &str, value: &str) -> Option<()> {
    let value = value.trim().trim_matches(['"', '\'']);
    match field_of(label) {
        Field::ExitCode => record.exit_code = Some(value.parse().ok()?),
        Field::OomKilled => record.oom_killed = Some(flag(value)?),
        Field::Status => record.status = Some(status_word(value)?.to_owned()),
        Field::Running => record.running = Some(flag(value)?),
        Field::Error => {
            let said = !value.is_empty() && !matches!(value, "<nil>" | "<no value>" | "none");
            record.error = said.then(|| value.to_owned());
        }
        Field::StartedAt => record.started_at = time(value)?,
        Field::FinishedAt => record.finished_at = time(value)?,
        Field::Pid => record.pid = Some(value.parse().ok()?).filter(|pid| *pid > 0),
        Field::Health => record.health = Some(value.to_owned()).filter(|word| !word.is_empty()),
        Field::RestartCount => record.restart_count = Some(value.parse().ok()?),
        Field::RestartPolicy => record.restart_policy = Some(value.to_owned()),
        Field::Memory => record.memory = Some(memory(value)?),
        Field::MemorySwap => {
            record.memory_swap = Some(memory(value)?).filter(|_| value != "0");
        }
        Field::Name => record.name = Some(value.trim_start_matches('/').to_owned()),
        Field::Image => record.image = Some(value.to_owned()),
        Field::Id => record.id = ContainerId::parse(value),
        Field::Ignored => {}
        Field::Unknown => return None,
    }
    Some(())
}

fn flag(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    }
}

fn status_word(value: &str) -> Option<&str> {
    ["created", "running", "paused", "restarting", "removing", "exited", "dead", "stopped"]
        .into_iter()
        .find(|word| value.eq_ignore_ascii_case(word))
}

/// A time; Docker's "never" (year 1) is `Some(None)`.
fn time(value: &str) -> Option<Option<Moment>> {
    if !value.contains(':') || !value.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if value.starts_with("0001-01-01") {
        return Some(None);
    }
    Moment::parse(value).map(Some)
}

fn memory(value: &str) -> Option<Limit> {
    let bytes: i64 = value.parse().ok()?;
    Some(match u64::try_from(bytes) {
        Ok(0) | Err(_) => Limit::Unlimited,
        Ok(bytes) => Limit::from_kernel(u128::from(bytes)),
    })
}

fn words_of(line: &str) -> Vec<&str> {
    line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|'))
        .filter(|word| !word.is_empty())
        .collect()
}

/// A line of nothing but labelled values: `ExitCode=137 OOMKilled=True`, `Exit Code: 137`, Go's
/// `map[Dead:false … ExitCode:137 …]`.
pub(super) fn labelled(line: &str) -> Option<ContainerRecord> {
    let line = with_whole_times(line);
    let line = line.as_ref();
    let inner = line.strip_prefix("map[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(line);
    let words = words_of(inner.trim_matches(['"', '\'']));
    let mut record = ContainerRecord::default();
    let mut rest = words.as_slice();
    if let Some((first, after)) = rest.split_first()
        && !after.is_empty()
        && let Some(name) = leading_name(first)
    {
        record.name = Some(name.to_owned());
        rest = after;
    }
    let mut values = 0;
    while !rest.is_empty() {
        let (label, value, after) = next_pair(rest)?;
        if field_of(&label) == Field::Error {
            // An error is a sentence: it takes all that is left, unless labels follow.
            let taken = after.iter().position(|word| pair_starts(word)).unwrap_or(after.len());
            let (said, left) = after.split_at_checked(taken)?;
            let sentence = [&[value.as_str()], said].concat().join(" ");
            assign(&mut record, &label, &sentence)?;
            rest = left;
        } else {
            assign(&mut record, &label, &value)?;
            rest = after;
        }
        values += 1;
    }
    (values > 0).then_some(record)
}

/// `/web` or `web:` before the first label.
fn leading_name(word: &str) -> Option<&str> {
    let name = word.strip_prefix('/').or_else(|| word.strip_suffix(':'))?;
    let name = name.trim_end_matches(':');
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    (plain && !name.is_empty() && !is_known(name)).then_some(name)
}

fn pair_starts(word: &str) -> bool {
    word.split_once(['=', ':']).is_some_and(|(label, _)| is_known(label))
}

/// The next label, its value and the words after it. A label has one or two words.
fn next_pair<'a>(words: &'a [&'a str]) -> Option<(String, String, &'a [&'a str])> {
    let mut label = String::new();
    let mut rest = words;
    for _ in 0..3 {
        let (word, after) = rest.split_first()?;
        rest = after;
        let Some((head, tail)) = word.split_once(['=', ':']) else {
            label.push_str(word);
            continue;
        };
        label.push_str(head);
        if !is_known(&label) {
            return None;
        }
        if !tail.is_empty() {
            return Some((label, tail.to_owned(), rest));
        }
        let empty = rest.first().is_none_or(|next| pair_starts(next));
        let wants = matches!(field_of(&label), Field::Error | Field::Health);
        if empty {
            return wants.then(|| (label, String::new(), rest));
        }
        let (value, after) = rest.split_first()?;
        return Some((label, (*value).to_owned(), after));
    }
    None
}

/// A line of two or more values and nothing else. `alone`: the text holds hardly anything else.
pub(super) fn bare_values(line: &str, alone: bool) -> Option<ContainerRecord> {
    let line = with_whole_times(line);
    let line = line.as_ref();
    if let Some(record) = go_struct(line) {
        return Some(record);
    }
    let mut record = ContainerRecord::default();
    let mut codes: Vec<i64> = Vec::new();
    let mut flags: Vec<bool> = Vec::new();
    let mut times: Vec<Option<Moment>> = Vec::new();
    let mut amounts: Vec<Limit> = Vec::new();
    let words = words_of(line.trim_matches(['"', '\'']));
    if words.len() < 2 {
        return None;
    }
    for (at, word) in words.iter().enumerate() {
        if let Some(status) = status_word(word).filter(|_| record.status.is_none()) {
            record.status = Some(status.to_owned());
        } else if let Some(flag) = flag(word).filter(|_| word.len() > 3) {
            flags.push(flag);
        } else if let Some(time) = time(word).filter(|_| word.contains('T')) {
            times.push(time);
        } else if let Ok(number) = word.parse::<i64>() {
            match number {
                0..=255 => codes.push(number),
                4_194_304.. => amounts.push(memory(word)?),
                _ => return None,
            }
        } else if at == 0 && word.starts_with('/') {
            record.name = Some(word.trim_start_matches('/').to_owned());
        } else if at == 0 && word.len() >= 12 {
            record.id = Some(ContainerId::parse(word)?);
        } else {
            return None;
        }
    }
    let told = !flags.is_empty() || record.status.is_some();
    record.exit_code = only_code(&codes)?;
    let alone = alone && !times.is_empty() && record.exit_code.is_some();
    if !(told || alone) {
        return None;
    }
    // Two flags that differ: one is `Running`, and nothing says which.
    let (first, rest) = flags.split_first().map_or((None, &[][..]), |(a, b)| (Some(*a), b));
    record.oom_killed = first.filter(|first| rest.iter().all(|flag| flag == first));
    record.memory = amounts.first().copied();
    match times.as_slice() {
        [] => {}
        [one] => record.finished_at = *one,
        [one, two] => (record.started_at, record.finished_at) = ordered(*one, *two),
        _ => return None,
    }
    // A container that never ended shows code 0 and the year 1.
    let never_ended = matches!(times.as_slice(), [None]) && record.exit_code == Some(0);
    if never_ended {
        record.exit_code = None;
        return (record.oom_killed.is_some()).then_some(record);
    }
    let running = matches!(record.status.as_deref(), Some("running" | "created" | "paused"));
    record.exit_code = record.exit_code.filter(|_| !running);
    (record.exit_code.is_some() || record.status.is_some() || record.oom_killed.is_some())
        .then_some(record)
}

/// The exit code among small numbers: the only one, or the only one that is not a counter.
/// `None`: there are too many to tell.
fn only_code(codes: &[i64]) -> Option<Option<i64>> {
    match codes {
        [] => Some(None),
        [one] => Some(Some(*one)),
        [_, _] => {
            let mut high = codes.iter().filter(|code| **code >= 125);
            let first = high.next();
            Some(first.filter(|_| high.next().is_none()).copied())
        }
        _ => None,
    }
}

fn ordered(one: Option<Moment>, two: Option<Moment>) -> (Option<Moment>, Option<Moment>) {
    match (one, two) {
        (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
        _ => (one, two),
    }
}

/// Go's print of the State struct: `{exited false false false false false 0 137  START END <nil>}`.
fn go_struct(line: &str) -> Option<ContainerRecord> {
    let inner = line.trim_start_matches('&').strip_prefix('{')?.strip_suffix('}')?;
    let mut words = inner.split_whitespace();
    let mut record = ContainerRecord::default();
    assign(&mut record, "Status", words.next()?)?;
    for label in ["Running", "Paused", "Restarting", "OOMKilled", "Dead", "Pid", "ExitCode"] {
        assign(&mut record, label, words.next()?)?;
    }
    let mut times = words.filter_map(time);
    record.started_at = times.next().flatten();
    record.finished_at = times.next().flatten();
    Some(record)
}

/// Whether two records show the same field.
pub(super) fn clash(one: &ContainerRecord, two: &ContainerRecord) -> bool {
    (one.exit_code.is_some() && two.exit_code.is_some())
        || (one.oom_killed.is_some() && two.oom_killed.is_some())
        || (one.status.is_some() && two.status.is_some())
        || (one.name.is_some() && two.name.is_some())
}

/// Adds to a record what another one shows.
pub(super) fn merge(into: &mut ContainerRecord, from: ContainerRecord) {
    let before = std::mem::take(into);
    *into = ContainerRecord {
        id: before.id.or(from.id),
        name: before.name.or(from.name),
        image: before.image.or(from.image),
        pid: before.pid.or(from.pid),
        status: before.status.or(from.status),
        running: before.running.or(from.running),
        oom_killed: before.oom_killed.or(from.oom_killed),
        exit_code: before.exit_code.or(from.exit_code),
        error: before.error.or(from.error),
        started_at: before.started_at.or(from.started_at),
        finished_at: before.finished_at.or(from.finished_at),
        restart_count: before.restart_count.or(from.restart_count),
        restart_policy: before.restart_policy.or(from.restart_policy),
        memory: before.memory.or(from.memory),
        memory_swap: before.memory_swap.or(from.memory_swap),
        health: before.health.or(from.health),
        ..ContainerRecord::default()
    };
}
