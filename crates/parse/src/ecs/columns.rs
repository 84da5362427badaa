//! `aws … --output text` and `--output table`, and the words of a `stoppedReason` alone.
//!
//! Neither shows which field a cell is: values tell. A container's row is one with a known
//! reason, or with an exit code near a line that is certainly ECS's.

use casefile::Span;

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
}

impl Run {
    fn row(&mut self, row: &Row<'_>) {
        let cells = cells(row.words);
        let mut told = false;
        for cell in &cells {
            let value = value_of(cell);
            if is_stopped_reason(value) {
                self.task.stopped_reason = Some(value.to_owned());
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
        let reason =
            cells.iter().map(|cell| value_of(cell)).find(|value| is_container_reason(value));
        let code =
            cells.iter().find_map(|cell| cell.parse::<i64>().ok().filter(|n| (0..256).contains(n)));
        let of_rows =
            cells.first().is_some_and(|cell| *cell == "CONTAINERS") || row.words.contains('|');
        if reason.is_some() || (code.is_some() && of_rows) {
            told |= reason.is_some();
            self.task.containers.push(ContainerStatus {
                name: name_of(&cells),
                exit_code: code,
                reason: reason.map(str::to_owned),
                ended_now: true,
                shown_at: Some(row.span),
                ..ContainerStatus::default()
            });
        }
        self.certain |= told;
        if told || code.is_some() && of_rows {
            self.span = Some(self.span.map_or(row.span, |span| span.joined(row.span)));
        }
    }

    fn finish(self) -> Option<Sighting> {
        let span = self.span.filter(|_| self.certain)?;
        Some(sighting(self.task, span))
    }
}

/// Cells between tabs, bars, or two blanks.
fn cells(words: &str) -> Vec<&str> {
    let bars = words.starts_with('|');
    let tabs = words.contains('\t');
    let parts: Vec<&str> = if bars {
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
        is_stopped_reason(value)
            || is_container_reason(value)
            || STOP_CODES.contains(&value)
            || is_service_event(value)
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
