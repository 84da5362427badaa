//! The limit a container needs, by its memory over time: every step of the sum, the chance of another kill
//! at it and at its neighbours, and three gates before a raise.
//!
//! A raise is advised in one case only: the runtime fits its limit, the memory is stable, and what it needs lies
//! above the limit it has. Else the raise is blocked, with the reason and what it would buy. After a kill
//! the peak that was seen is the limit and no more: what was wanted is not known, and the sum says so.

mod chance;
mod lives;
mod met;
mod refuse;

use serde::Serialize;

use crate::forecast::kill::Kill;
use crate::forecast::{Forecast, Weights};
use crate::hours::{HOUR, Hours};
use crate::policy::ours::{Choice, because, margin};
use crate::series::{Series, Unit};
use crate::shape::{self, Confidence, Kind, Leak, Shape};

pub use refuse::{FEWEST, Refusal};

/// Bytes of a MiB, to which limits in bytes are rounded up.
const MIB: f64 = 1_048_576.0;
/// Seconds of a day.
const DAY: f64 = 24.0 * HOUR;
/// What is added to the peak of a past that is shorter than three hours.
const YOUNG: f64 = 0.3;
/// Seconds after which a life is more than its start.
const GROWN: f64 = 30.0;
/// So many times what is advised is no choice.
const FAR: f64 = 8.0;
/// Where a kill is at least as likely again, that is said.
const UNSURE: f64 = 0.15;

/// Whether the runtime is sized for the limit it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Runtime {
    /// Nobody told which runtime it is.
    #[default]
    NotKnown,
    /// It fits.
    Fits,
    /// It may grow beyond any limit that was asked for; the reason.
    CannotFit(String),
}

/// What is known beside the samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// The limit in effect now; `None`: as the samples tell it.
    pub limit: Option<f64>,
    /// Whether the samples end with a kill at the limit.
    pub killed: bool,
    /// The first gate.
    pub runtime: Runtime,
    /// No setting keeps the runtime within less than this; why.
    pub least: Option<(f64, String)>,
    /// A limit below the peak that was seen may be advised.
    pub below_peak: bool,
    /// A cap that somebody has in mind.
    pub cap: Option<f64>,
    /// Whether it is alone on its machine.
    pub alone: bool,
}

impl Asked {
    fn runtime_fits(&self) -> bool {
        !matches!(self.runtime, Runtime::CannotFit(_))
    }
}

/// One line of the sum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What it is.
    pub what: String,
    /// How much, in the series' unit; the lines add up to the limit.
    pub bytes: f64,
    /// From which samples, or which rule.
    pub from: String,
}

/// The chance at one limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Risk {
    /// The limit, in the series' unit.
    pub limit_bytes: f64,
    /// The chance that a day has a kill at it.
    pub oom_per_day: f64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    /// The shape it rests on.
    pub shape: Shape,
    /// What to set; `None` where a raise is blocked or no limit should be set.
    pub limit: Option<f64>,
    /// What to ask the scheduler for: the level it stays at.
    pub request: Option<f64>,
    /// Why there is no limit to set.
    pub blocked_because: Option<String>,
    /// Limits and their chances, the smallest first; none where the past is too short to tell.
    pub risk: Vec<Risk>,
    /// The sum.
    pub steps: Vec<Step>,
    /// Whether the limit was met: the peak is a lower bound.
    pub censored: bool,
    /// What else is to be said, a sentence each.
    pub says: Vec<String>,
}

/// The size of a series.
#[must_use]
pub fn size(series: &Series, asked: &Asked) -> Size {
    let limit = asked.limit.or_else(|| series.limit()).filter(|limit| *limit > 0.0);
    let shape = shape::of(series, limit);
    let killed = met::killed_at(series, limit, asked.killed);
    let met = killed
        .into_iter()
        .chain(met::touched(series, limit))
        .reduce(|one, other| if other.limit > one.limit { other } else { one });
    let mut size = Size {
        limit: None,
        request: shape.plateau,
        blocked_because: None,
        risk: Vec::new(),
        steps: Vec::new(),
        censored: met.is_some(),
        says: lives::told(series, &shape),
        shape,
    };
    if let Some(refusal) = refuse::before(series, &size.shape, asked) {
        size.blocked_because = Some(refusal.because());
        return size;
    }
    size.says.extend(met::above(series, limit));
    let hours = hours(series);
    let forecast = Forecast::of(&hours, &Weights::ALL);
    let leak = size.shape.leak.filter(|_| is_sure(series, &size.shape));
    let Some(wanted) = sum(series, &hours, (met, leak), asked, &mut size.steps) else {
        return size;
    };
    if let Some(forecast) = &forecast {
        let ask = |chance: f64| {
            let again = killed.map_or(0.0, |kill| kill.limit_for(chance));
            forecast.limit_for(chance).max(again)
        };
        let of = [0.1, 0.05, 0.01].map(|chance| round(ask(chance), series.unit));
        // Beyond, nobody would choose it.
        let of = of.into_iter().filter(|limit| *limit <= FAR * wanted);
        size.risk = chance::risks(of.chain([wanted]).chain(limit), |limit| {
            forecast.chance(limit).max(killed.map_or(0.0, |kill| kill.chance(limit)))
        });
        if let (Some(leak), Some(peak)) = (&leak, size.shape.peak) {
            for risk in &mut size.risk {
                risk.oom_per_day =
                    risk.oom_per_day.max(chance::outgrown(leak, peak, risk.limit_bytes));
            }
        }
    } else {
        size.says.push(format!(
            "{} of samples: too short to state a chance per day",
            crate::words::span(series.span())
        ));
    }
    if let Some(kill) = killed.filter(|kill| kill.chance(wanted) > UNSURE) {
        size.says.push(format!(
            "what it wanted when it was killed may be far more than twice its limit: it leapt there. Nine of ten such containers stay below {} for a day; measure it under a limit of that size before you settle on one",
            crate::words::amount(round(kill.limit_for(0.1), series.unit), series.unit)
        ));
    }
    gates(series, asked, limit, wanted, &mut size);
    size
}

fn hours(series: &Series) -> Hours {
    let mut hours = Hours::default();
    for point in &series.points {
        hours.see(point.at, point.used);
    }
    hours
}

/// The lines that add up to the limit.
fn sum(
    series: &Series,
    hours: &Hours,
    (met, leak): (Option<Kill>, Option<Leak>),
    asked: &Asked,
    steps: &mut Vec<Step>,
) -> Option<f64> {
    let peak = series.peak().filter(|peak| peak.used > 0.0)?;
    let traits = hours.traits()?;
    steps.push(Step {
        what: "the highest sample".to_owned(),
        bytes: peak.used,
        from: format!(
            "{} samples over {}, at {}",
            series.points.len(),
            crate::words::span(series.span()),
            at(series, peak.at)
        ),
    });
    let long = hours.len() >= crate::forecast::FEWEST_HOURS;
    let part = if long { margin(&traits, Choice::default()).exp() - 1.0 } else { YOUNG };
    let part = if asked.below_peak { part } else { part.max(0.0) };
    // Where the limit was met, how it came there tells more than the room that a free climb would need.
    let part = match met.filter(|kill| peak.used <= kill.limit) {
        Some(kill) => part.min(kill.advised() / peak.used - 1.0),
        None => part,
    };
    // Older than what the hours remember is only the peak.
    let base = if asked.below_peak { traits.top } else { peak.used };
    let plain = base * (1.0 + part);
    let from = if long {
        because(&traits)
    } else {
        format!("less than {} hours seen: {:.0} %", crate::forecast::FEWEST_HOURS, YOUNG * 100.0)
    };
    steps.push(Step {
        what: format!("room above it, {:.1} %", (plain / peak.used - 1.0) * 100.0),
        bytes: plain - peak.used,
        from,
    });
    let mut wanted = plain;
    if let Some(kill) = met {
        let least = kill.advised();
        if least > wanted {
            steps.push(Step {
                what: "the limit was met, so more was wanted than was seen".to_owned(),
                bytes: least - wanted,
                from: came(&kill),
            });
            wanted = least;
        }
    }
    if let Some(leak) = leak {
        let day = leak.per_second.middle.max(0.0) * DAY;
        steps.push(Step {
            what: "a day of its growth: a limit only decides when it dies".to_owned(),
            bytes: day,
            from: format!(
                "its floor grew by {} an hour",
                crate::words::amount(leak.per_second.middle * HOUR, series.unit)
            ),
        });
        wanted += day;
    }
    Some(last_steps(wanted, asked, series.unit, steps))
}

/// How much more than the limit that was met, and by what.
fn came(kill: &Kill) -> String {
    let advised = kill.advised();
    let stay = 100.0 * (1.0 - kill.chance(advised));
    format!(
        "{:.2} times the limit that was met; {stay:.0} % of those that came to it like this stay below that for a day: it lies {:.0} % above the sample before, {:.0} % above the highest, and hours were {:.0} % apart",
        advised / kill.limit,
        kill.leap.exp_m1() * 100.0,
        kill.gap.exp_m1() * 100.0,
        kill.change.exp_m1() * 100.0,
    )
}

/// What its runtime needs, and whole MiB.
fn last_steps(mut wanted: f64, asked: &Asked, unit: Unit, steps: &mut Vec<Step>) -> f64 {
    if let Some((least, because)) = asked.least.as_ref().filter(|(least, _)| *least > wanted) {
        steps.push(Step {
            what: "what its runtime needs at least".to_owned(),
            bytes: least - wanted,
            from: because.clone(),
        });
        wanted = *least;
    }
    let rounded = round(wanted, unit);
    if rounded > wanted {
        steps.push(Step {
            what: "rounded up".to_owned(),
            bytes: rounded - wanted,
            from: "whole MiB".to_owned(),
        });
    }
    rounded
}

/// A life that was cut short is all start-up: what grows for seconds is no leak yet.
fn is_sure(series: &Series, shape: &Shape) -> bool {
    let ages = series.lives().into_iter().filter_map(|life| {
        let points = series.points.get(life)?;
        Some(points.last()?.at - points.first()?.at)
    });
    shape.confidence == Confidence::Likely && ages.fold(0.0, f64::max) >= GROWN
}

fn at(series: &Series, time: f64) -> String {
    let first = series.points.first().map_or(0.0, |point| point.at);
    format!("{} after the first", crate::words::span(time - first))
}

fn round(value: f64, unit: Unit) -> f64 {
    match unit {
        Unit::Bytes => (value / MIB).ceil() * MIB,
        Unit::Percent | Unit::Fraction => value,
    }
}

/// What is there is enough. A short watch has not seen what a day brings, so it advises no less than there is.
fn enough(series: &Series, now: f64, wanted: f64, size: &mut Size) {
    let shown = crate::words::amount(now, series.unit);
    if !size.risk.is_empty() {
        size.limit = Some(wanted);
        size.says.push(format!("{shown} is enough: no raise is needed"));
        return;
    }
    size.limit = Some(now);
    if now > wanted {
        size.steps.push(Step {
            what: "kept at the limit it has".to_owned(),
            bytes: now - wanted,
            from: format!(
                "{} are too short to advise a smaller one",
                crate::words::span(series.span())
            ),
        });
    }
}

/// The limit was never met: the room above the peak is smaller than one would choose, but nothing shows that it is
/// too small.
fn never_met(series: &Series, now: f64, wanted: f64, size: &mut Size) {
    let shown = |value: f64| crate::words::amount(value, series.unit);
    let peak = size.shape.peak.unwrap_or_default();
    size.limit = Some(now);
    size.steps.push(Step {
        what: "kept at the limit it has".to_owned(),
        bytes: now - wanted,
        from: format!("never met: the highest sample is {}", shown(peak)),
    });
    let chance = size.risk.iter().find(|risk| risk.limit_bytes >= now);
    let chance = chance.map_or_else(String::new, |risk| {
        format!("; the chance that a day passes it is {:.1} %", risk.oom_per_day * 100.0)
    });
    size.says.push(format!(
        "{} was never met, so no raise is shown to be needed{chance}; one would choose {}",
        shown(now),
        shown(wanted)
    ));
}

/// The three gates, where what is wanted is more than there is.
fn gates(series: &Series, asked: &Asked, limit: Option<f64>, wanted: f64, size: &mut Size) {
    let shown = |value: f64| crate::words::amount(value, series.unit);
    let Some(now) = limit else {
        size.limit = Some(wanted);
        return;
    };
    if wanted <= now {
        enough(series, now, wanted, size);
        return;
    }
    let is_above = size.shape.peak.is_some_and(|peak| peak > now)
        || asked.least.as_ref().is_some_and(|(least, _)| *least > now);
    if !size.censored && !is_above && asked.runtime_fits() && size.shape.kind != Kind::Leak {
        never_met(series, now, wanted, size);
        return;
    }
    let buys = size.shape.leak.as_ref().map(|leak| {
        let rate = leak.per_second.middle.max(f64::MIN_POSITIVE);
        format!(
            "; {} instead of {} would last {} longer",
            shown(2.0 * now),
            shown(now),
            crate::words::span(now / rate)
        )
    });
    let because = match (&asked.runtime, size.shape.kind) {
        (Runtime::CannotFit(because), _) => Some(format!(
            "the runtime does not fit its limit: {because}; size it first (`why137 align`)"
        )),
        (_, Kind::Leak) => {
            let sure = is_sure(series, &size.shape);
            let looks = if sure {
                "it grows like a leak"
            } else {
                "it may be a leak, and longer samples would tell"
            };
            Some(format!(
                "{looks}: a larger limit only takes longer to fill{}",
                buys.unwrap_or_default()
            ))
        }
        (_, Kind::RestartLoop) if !size.censored => {
            Some("it restarts again and again, and not at its limit".to_owned())
        }
        (_, Kind::TooEarly)
            if series.span() < 3.0 * HOUR
                && size.censored
                && series.points.len() < shape::FEWEST_SAMPLES =>
        {
            Some(format!(
                "too few samples ({}) to tell a leak from a plateau: measure one load cycle first (`why137 measure`)",
                series.points.len()
            ))
        }
        _ => None,
    };
    match because {
        Some(because) => size.blocked_because = Some(because),
        None => size.limit = Some(wanted),
    }
}

#[cfg(test)]
mod tests;
