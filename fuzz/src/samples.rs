//! What `why137 size` promises for any table of samples: it ends, it gives the same again, every
//! amount is a number, the sum adds up to the limit, and a line of a collector's log takes no
//! negative time.

use std::io::{Cursor, Read};

use sizing::size::{self, Asked, Size};
use sizing::table::{self, TableError, Wanted};

use crate::text::lossy;

/// Reads a table twice, and sizes each of its series as it ran and as one that was killed.
pub fn check(bytes: &[u8]) {
    let seen = sizes(bytes);
    assert_eq!(said(&seen), said(&sizes(bytes)), "the same table, read twice");
    for size in seen.iter().flatten() {
        check_size(size);
    }
    for line in lossy(bytes).lines() {
        let told = parse::collections::collection(line);
        assert!(told.is_none_or(|one| one.ms.is_finite() && one.ms >= 0.0), "{line}");
    }
}

fn sizes(bytes: &[u8]) -> Result<Vec<Size>, TableError> {
    let open = || -> std::io::Result<Box<dyn Read>> { Ok(Box::new(Cursor::new(bytes.to_vec()))) };
    let mut all = Vec::new();
    table::read(&open, &Wanted::default(), &mut |series| {
        assert!(!series.points.is_empty(), "a series without samples");
        assert!(series.points.windows(2).all(|two| two[0].at < two[1].at), "out of order");
        for killed in [false, true] {
            all.push(size::size(&series, &Asked { killed, ..Asked::default() }));
        }
        Ok(())
    })?;
    Ok(all)
}

/// What came of it, to compare.
fn said(seen: &Result<Vec<Size>, TableError>) -> String {
    match seen {
        Ok(sizes) => format!("{sizes:?}"),
        Err(refused) => {
            let said = refused.to_string();
            assert!(!said.is_empty(), "{refused:?}");
            said
        }
    }
}

fn check_size(size: &Size) {
    assert!(size.limit.is_some() || size.blocked_because.is_some(), "neither a limit nor why not");
    let amounts = size.limit.iter().chain(&size.request);
    assert!(amounts.clone().all(|one| one.is_finite() && *one >= 0.0), "{size:?}");
    if let (Some(limit), Some(request)) = (size.limit, size.request) {
        assert!(request <= limit, "a request of {request} above the limit of {limit}");
    }
    let sum: f64 = size.steps.iter().map(|step| step.bytes).sum();
    if let Some(limit) = size.limit {
        assert!((sum - limit).abs() <= limit.abs() * 1e-9 + 1e-9, "{sum} is not {limit}: {size:?}");
    }
    let chances = size.risk.iter().map(|one| one.oom_per_day);
    assert!(chances.clone().all(|chance| (0.0..=1.0).contains(&chance)), "{:?}", size.risk);
    assert!(size.says.iter().all(|sentence| !sentence.is_empty()));
}
