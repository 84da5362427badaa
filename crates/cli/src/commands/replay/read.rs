//! The series of a file in batches: as many at once as keep the processors busy and the memory small.

use std::path::Path;
use std::time::{Duration, Instant};

use sizing::Series;
use sizing::table::{self, Wanted};

use super::ReplayArgs;
use crate::commands::size::input::{Input, refused};
use crate::commands::size::stem;
use crate::printer::Printer;

/// Samples of a batch: 16 MiB of them.
const SAMPLES: usize = 1 << 20;
/// Series of a batch: so that a person sees it go on.
const SERIES: usize = 16;
/// Before this time nobody is told what takes so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hands over the series of a file, some at a time.
pub(super) fn batches(
    printer: &Printer,
    arguments: &ReplayArgs,
    file: &Path,
    take: &mut dyn FnMut(&[Series]),
) -> anyhow::Result<()> {
    let started = Instant::now();
    let shown = file.display().to_string();
    let wanted = Wanted {
        column: arguments.column.clone(),
        unit: arguments.unit,
        series: arguments.series.clone(),
        requests: None,
        as_of: arguments.as_of,
        name: stem(file),
    };
    let input = Input::of(file)?;
    let open = || input.open();
    let (mut batch, mut samples, mut is_first) = (Vec::new(), 0, true);
    let read = table::read(&open, &wanted, &mut |series| {
        samples += series.points.len();
        batch.push(series);
        if batch.len() >= SERIES || samples >= SAMPLES {
            take(&batch);
            batch.clear();
            samples = 0;
            is_first = false;
        }
        // After the first batch the days that were replayed are told instead.
        if is_first && started.elapsed() > PATIENCE {
            printer.progress(&format!("reading `{shown}`"));
        }
        Ok(())
    });
    read.map_err(|error| refused(file, "replay", &error))?;
    if !batch.is_empty() {
        take(&batch);
    }
    Ok(())
}
