//! Lives of one container under different limits: did a raise help?

use crate::series::{AT_LIMIT, Series};
use crate::shape::{Kind, Shape};
use crate::words::{amount, span};

/// A life that was killed at its limit.
struct Killed {
    limit: f64,
    seconds: f64,
}

/// What the lives say, compared.
pub(super) fn told(series: &Series, shape: &Shape) -> Vec<String> {
    let killed = killed(series);
    let mut says = Vec::new();
    for pair in killed.windows(2) {
        let [before, after] = pair else { continue };
        if after.limit > before.limit * 1.02 {
            says.push(raised(series, before, after));
        }
    }
    if let (Some(before), Some(now)) = (killed.last(), filled(series))
        && now.limit > before.limit * 1.02
    {
        says.push(format!("{}, and has filled the limit again", longer(series, before, &now)));
    }
    if let [first, .., last] = killed.as_slice()
        && !matches!(shape.kind, Kind::Leak | Kind::RestartLoop)
        && (last.limit - first.limit).abs() < first.limit * 0.02
    {
        let ages: Vec<f64> = killed.iter().map(|life| life.seconds).collect();
        let (least, most) = ages
            .iter()
            .fold((f64::MAX, 0.0f64), |(least, most), age| (least.min(*age), most.max(*age)));
        says.push(format!(
            "{} lives ended at the limit of {}, {} to {} old",
            killed.len(),
            amount(last.limit, series.unit),
            span(least),
            span(most)
        ));
    }
    says
}

fn raised(series: &Series, before: &Killed, after: &Killed) -> String {
    format!("{}, died at the limit again", longer(series, before, after))
}

fn longer(series: &Series, before: &Killed, after: &Killed) -> String {
    let shown = |value: f64| amount(value, series.unit);
    let more = after.seconds - before.seconds;
    let lived = if more >= 0.0 {
        format!("lived {} longer", span(more))
    } else {
        format!("lived {} less", span(-more))
    };
    format!("raised {} → {}, {lived}", shown(before.limit), shown(after.limit))
}

/// The life that has not ended, where its newest sample lies at its limit.
fn filled(series: &Series) -> Option<Killed> {
    let from = series.ends.last().map_or(0, |end| end.after);
    let at = series.points.len().checked_sub(1).filter(|at| *at >= from)?;
    let (first, last, limit) =
        (series.points.get(from)?, series.points.get(at)?, series.limit_at(at)?);
    (last.used >= limit * AT_LIMIT).then_some(Killed { limit, seconds: last.at - first.at })
}

fn killed(series: &Series) -> Vec<Killed> {
    let mut from = 0;
    let mut found = Vec::new();
    for end in &series.ends {
        let last = end.after.saturating_sub(1);
        let ages = series.points.get(from).zip(series.points.get(last));
        if let (true, Some((first, last_point)), Some(limit)) =
            (end.killed, ages, series.limit_at(last))
        {
            found.push(Killed { limit, seconds: last_point.at - first.at });
        }
        from = end.after;
    }
    found
}
