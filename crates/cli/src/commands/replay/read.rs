//! The series of a file in batches: as many at once as keep the processors busy and the memory small.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use sizing::Series;
use sizing::table::{self, TableError, Wanted};

use super::ReplayArgs;
use crate::failure::{Failure, NOTHING, USAGE};
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
    let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(File::open(file)?)) };
    let (mut batch, mut samples) = (Vec::new(), 0);
    let read = table::read(&open, &wanted, &mut |series| {
        samples += series.points.len();
        batch.push(series);
        if batch.len() >= SERIES || samples >= SAMPLES {
            take(&batch);
            batch.clear();
            samples = 0;
        }
        if started.elapsed() > PATIENCE {
            printer.progress(&format!("reading `{shown}`"));
        }
        Ok(())
    });
    read.map_err(|error| wrong(&shown, &error))?;
    if !batch.is_empty() {
        take(&batch);
    }
    Ok(())
}

fn stem(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    name.split('.').next().unwrap_or(&name).to_owned()
}

fn wrong(file: &str, error: &TableError) -> Failure {
    let (code, hint) = match error {
        TableError::Column { .. } => {
            (USAGE, "why137 replay FILE.csv --column after_mib --unit mib")
        }
        TableError::NoSeries { .. } => (USAGE, "without --series all of them are replayed"),
        TableError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            (NOTHING, "samples of what runs now: why137 measure NAME --save FILE.csv")
        }
        _ => (NOTHING, "a header row names the columns: series,t_s,mem_bytes"),
    };
    Failure::new(code, format!("`{file}`: {error}")).hint(hint)
}
