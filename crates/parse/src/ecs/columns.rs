//! `aws … --output text` and `--output table`, and the words of a `stoppedReason` alone.
//!
//! Neither shows which field a cell is: values tell. A container's row is one with a known
//! reason, or with an exit code near a line that is certainly ECS's.

use casefile::{Bytes, Limit, Span};

use super::{STOP_CODES, is_container_reason, is_service_event, is_stopped_reason, sighting};
use crate::Sighting;
use crate::kubernetes::Row;
use crate::record::{ContainerStatus, EcsTask};

/// Reads the runs of rows in which ECS' words stand.
pub(super) fn read(rows: &[Row<'_>]) -> Vec<Sighting> {
    let mut found = Vec::new();
    let mut run = Run::default();
    for row in rows {
        // A blank line or a prompt ends an output.
        if row.words.is_empty() || row.words.starts_with('$') {
            found.extend(std::mem::take(&mut run).finish());
        } else if !row.words.starts_with(['{', '}', '"', '[', ']']) {
            run.row(row);
        }
    }
    found.extend(run.finish());
    found
}

#[derive(Default)]
struct Run {
    task: EcsTask,
    certain: bool,
    span: Option<Span>,
    /// In `--output table`: inside the box named `containers`.
    in_containers: bool,
    /// The keys over the columns of a box, where it lies flat.
    header: Vec<String>,
}

impl Run {
    fn row(&mut self, row: &Row<'_>) {
        let cells = cells(row.words);
        if self.titled(row, &cells) || self.tabled(row, &cells) {
            return;
        }
        let told = self.task_cells(&cells);
        let reason =
            cells.iter().map(|cell| value_of(cell)).find(|value| is_container_reason(value));
        let code = code_of(&cells);
        let of_rows =
            cells.first().is_some_and(|cell| *cell == "CONTAINERS") || row.words.contains('|');
        if reason.is_some() || (code.is_some() && of_rows) {
            self.task.containers.push(ContainerStatus {
                name: name_of(&cells),
                exit_code: code,
                reason: reason.map(str::to_owned),
                ended_now: true,
                shown_at: Some(row.span),
                ..ContainerStatus::default()
            });
        }
        let told = told || reason.is_some();
        self.certain |= told;
        if told || code.is_some() && of_rows {
            self.touch(row);
        }
    }

    fn touch(&mut self, row: &Row<'_>) {
        self.span = Some(self.span.map_or(row.span, |span| span.joined(row.span)));
    }

    /// Values that are a task's wherever they stand.
    fn task_cells(&mut self, cells: &[&str]) -> bool {
        let mut told = false;
        for cell in cells {
            let value = value_of(cell);
            if is_stopped_reason(value) {
                // `has stopped 1 running tasks` behind the reason adds none.
                let said = self.task.stopped_reason.take().filter(|_| is_service_event(value));
                self.task.stopped_reason = said.or_else(|| Some(value.to_owned()));
                told = true;
            } else if STOP_CODES.contains(&value) {
                self.task.stop_code = Some(value.to_owned());
                told = true;
            } else if value.contains(":task/") && value.starts_with("arn:") {
                self.task.task = Some(value.to_owned());
                told = true;
            } else if matches!(value, "FARGATE" | "EC2") && cells.len() > 1 {
                self.task.launch_type = Some(value.to_owned());
            } else if matches!(value, "STOPPED" | "DEPROVISIONING") && cells.len() > 1 {
                self.task.last_status = Some(value.to_owned());
            }
        }
        told
    }

    /// `||   containers   ||`: a box's name stands alone in its row.
    fn titled(&mut self, row: &Row<'_>, cells: &[&str]) -> bool {
        let [name] = cells else { return false };
        let is_title = row.words.starts_with('|')
            && matches!(
                *name,
                "containers" | "tasks" | "DescribeTasks" | "attachments" | "overrides"
            );
        if is_title {
            self.in_containers = *name == "containers";
            self.header.clear();
            if self.in_containers {
                let fresh = ContainerStatus { ended_now: true, ..ContainerStatus::default() };
                self.task.containers.push(fresh);
            }
        }
        is_title
    }

    /// Rows of a table whose keys are shown: `exitCode | 137` upright, or under a header.
    fn tabled(&mut self, row: &Row<'_>, cells: &[&str]) -> bool {
        if !row.words.starts_with('|') || cells.len() < 2 {
            return false;
        }
        if cells.iter().all(|cell| is_key(cell)) {
            self.header = cells.iter().map(|cell| (*cell).to_owned()).collect();
            return true;
        }
        let header = std::mem::take(&mut self.header);
        let pairs: Vec<(&str, &str)> = match cells {
            [key, value] if is_key(key) => vec![(*key, *value)],
            _ if header.len() == cells.len() => {
                header.iter().map(String::as_str).zip(cells.iter().copied()).collect()
            }
            _ => Vec::new(),
        };
        let flat = pairs.len() > 1;
        if flat && self.in_containers {
            let full =
                |status: &ContainerStatus| status.name.is_some() || status.exit_code.is_some();
            if self.task.containers.last().is_none_or(full) {
                let fresh = ContainerStatus { ended_now: true, ..ContainerStatus::default() };
                self.task.containers.push(fresh);
            }
        }
        for (key, value) in &pairs {
            self.pair(key, value, row);
        }
        self.header = header.clone();
        !pairs.is_empty()
    }

    fn pair(&mut self, key: &str, value: &str, row: &Row<'_>) {
        // Only a container has these: the box's name was not copied.
        let of_container = key == "exitCode" || key == "reason" && is_container_reason(value);
        if of_container && !self.in_containers {
            self.in_containers = true;
            let fresh = ContainerStatus { ended_now: true, ..ContainerStatus::default() };
            self.task.containers.push(fresh);
        }
        let container = self.task.containers.last_mut().filter(|_| self.in_containers);
        let Some(container) = container else {
            let memory = value.parse::<u64>().ok().and_then(|mib| mib.checked_mul(1 << 20));
            if key == "memory" {
                self.task.memory = memory.map(Bytes);
            }
            if self.task_cells(&[value, key]) {
                self.certain = true;
                self.touch(row);
            }
            return;
        };
        match key {
            // The tools' print of what the API leaves out.
            _ if value == "None" => return,
            "exitCode" => container.exit_code = value.parse().ok(),
            "name" => container.name = Some(value.to_owned()),
            "reason" => container.reason = Some(value.to_owned()),
            "lastStatus" => container.ended_now = value == "STOPPED",
            "memory" => {
                let mib = value.parse::<u64>().ok().and_then(|mib| mib.checked_mul(1 << 20));
                container.memory.limit = mib.map(|bytes| Limit::At(Bytes(bytes)));
            }
            _ => return,
        }
        container.shown_at =
            Some(container.shown_at.map_or(row.span, |span| span.joined(row.span)));
        self.certain |= key == "reason" && is_container_reason(value);
        self.touch(row);
    }

    fn finish(mut self) -> Option<Sighting> {
        let empty = |status: &ContainerStatus| {
            status.name.is_none() && status.exit_code.is_none() && status.reason.is_none()
        };
        self.task.containers.retain(|status| !empty(status));
        let span = self.span.filter(|_| self.certain)?;
        Some(sighting(self.task, span))
    }
}

/// Keys of a task or a container as the API spells them.
fn is_key(cell: &str) -> bool {
    let camel = cell.starts_with(|c: char| c.is_ascii_lowercase())
        && cell.contains(|c: char| c.is_ascii_uppercase())
        && cell.chars().all(|c| c.is_ascii_alphanumeric());
    camel || matches!(cell, "name" | "reason" | "memory" | "cpu" | "image" | "group" | "version")
}

/// A row's exit code. A whole `CONTAINERS` row has its columns in the order of the alphabet: the ARN,
/// cpu, exitCode; a row of somebody's own choice has no other small number.
fn code_of(cells: &[&str]) -> Option<i64> {
    let small = |cell: &&str| cell.parse::<i64>().ok().filter(|code| (0..256).contains(code));
    let arn =
        cells.iter().position(|cell| cell.starts_with("arn:") && cell.contains(":container/"));
    if let Some(at) = arn {
        let numbers = cells.get(at + 1..)?.iter();
        let numbers: Vec<&&str> = numbers.take_while(|cell| cell.parse::<i64>().is_ok()).collect();
        return match numbers.as_slice() {
            [_, code, ..] => small(code),
            _ => None,
        };
    }
    cells.iter().find_map(small)
}

/// Cells between tabs, bars, or two blanks.
fn cells(words: &str) -> Vec<&str> {
    let bars = words.starts_with('|');
    let tabs = words.contains('\t');
    let commas = !tabs && words.matches(',').count() >= 3 && !words.contains(", ");
    let parts: Vec<&str> = if commas && super::is_word_of_ecs(words) {
        words.split(',').collect()
    } else if bars {
        words.split('|').collect()
    } else if tabs {
        words.split('\t').collect()
    } else {
        words.split("  ").collect()
    };
    parts.into_iter().map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// `stoppedReason: Essential …`, `reason=OutOfMemoryError: …`: without its key.
fn value_of(cell: &str) -> &str {
    let bare = cell.trim_matches(['"', '\'', ',', ' ']);
    let known = |value: &str| {
        is_stopped_reason(value) || is_container_reason(value) || STOP_CODES.contains(&value)
    };
    if known(bare) {
        return bare;
    }
    bare.split_once([':', '='])
        .map(|(_, value)| value.trim().trim_matches(['"', '\'', ',']))
        // A list of reasons is somebody's, not a task's.
        .filter(|value| known(value) && !value.contains("; "))
        .unwrap_or(bare)
}

fn name_of(cells: &[&str]) -> Option<String> {
    cells
        .iter()
        .find(|cell| {
            let name = cell.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            name && cell.parse::<f64>().is_err()
                && !STOP_CODES.contains(*cell)
                && !matches!(
                    **cell,
                    "CONTAINERS" | "None" | "STOPPED" | "EC2" | "FARGATE" | "TASKS"
                )
        })
        .map(|cell| (*cell).to_owned())
}
