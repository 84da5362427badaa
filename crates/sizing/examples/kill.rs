//! How the constants of `forecast::kill` were found: what a killed container wanted, by how it came to its limit.
//!
//! `cargo run --release -p sizing --example kill -- FOLDER [--without jobs|pods|machines] [ROUNDS]`. Each series is cut where it
//! first passes a quantile of its samples; what lies before is known, what the next day brought is asked. Made smaller is
//! the mean logarithmic loss of "it passes so many times the limit", each set counting alike. Then it prints how often
//! limits of a stated chance were passed, on the set that was left out too.

#![expect(clippy::print_stdout, reason = "a tool that prints what it finds")]

#[path = "support/search.rs"]
mod search;

use search::{Asked, Random};
use sizing::Series;
use sizing::forecast::kill::{Kill, SCALE};

const DAY: f64 = 86_400.0;
const QUANTILES: [f64; 5] = [0.70, 0.80, 0.90, 0.95, 0.99];
const TIMES: [f64; 5] = [1.3, 1.5, 1.8, 2.5, 4.0];

/// A kill, and by what part of the limit the next day's peak lies above it, as a logarithm.
type Case = (Kill, f64);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = Asked::of_words(4000)?;
    let mut sets: Vec<(&str, Vec<Case>)> = Vec::new();
    for (name, file, kept) in [
        ("jobs", "google2011-jobs-multiday", 1usize),
        ("pods", "alibaba-gentd26-pods", 1),
        ("machines", "bitbrains-rnd-2013-08", 4),
    ] {
        sets.push((name, cases(&asked, file, kept)?));
    }
    let of = |scale: [f64; 4]| {
        let seen = sets.iter().filter(|(name, _)| asked.has(name));
        seen.map(|(_, cases)| loss(cases, scale)).sum::<f64>()
    };
    let mut best = (of(SCALE), SCALE);
    println!("{:.4} {SCALE:?} in the code", best.0);
    let mut random = Random::default();
    for round in 0..asked.rounds {
        let tried = best.1.map(|one| (one + 0.1 * (random.part() - 0.5)).max(0.01));
        let loss = of(tried);
        if loss < best.0 {
            best = (loss, tried);
            println!("{loss:.4} {tried:.3?} in round {round}");
        }
    }
    for (name, cases) in &sets {
        let hit = [0.3, 0.1, 0.05, 0.01].map(|chance: f64| {
            let over =
                cases.iter().filter(|(kill, above)| *above > -chance.ln() * kill.scale(best.1));
            100.0 * over.count() as f64 / cases.len().max(1) as f64
        });
        println!("{name}: {} kills; of 30, 10, 5, 1 % stated: {hit:.1?} %", cases.len());
    }
    Ok(())
}

fn cases(asked: &Asked, file: &str, kept: usize) -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    let (mut all, mut seen) = (Vec::new(), 0usize);
    asked.read(file, &mut |series| {
        seen += 1;
        if seen.is_multiple_of(kept) && series.points.len() >= 600 {
            all.extend(QUANTILES.iter().filter_map(|part| case(&series, *part)));
        }
    })?;
    Ok(all)
}

/// `None` where the limit is never passed, less than an hour lies before it, or less than six after.
fn case(series: &Series, part: f64) -> Option<Case> {
    let mut sorted: Vec<f64> = series.points.iter().map(|point| point.used).collect();
    sorted.sort_by(f64::total_cmp);
    let limit = *sorted.get((part * sorted.len() as f64) as usize)?;
    let at = series.points.iter().position(|point| point.used > limit)?;
    let (before, after) = series.points.split_at_checked(at)?;
    let (first, killed, last) = (before.first()?.at, after.first()?.at, after.last()?.at);
    if limit <= 0.0 || killed - first < 3600.0 || last - killed < DAY / 4.0 {
        return None;
    }
    let day = after.iter().take_while(|point| point.at <= killed + DAY);
    let peak = day.map(|point| point.used).fold(limit, f64::max);
    Some((Kill::of(before.iter(), limit), (peak / limit).ln()))
}

fn loss(cases: &[Case], scale: [f64; 4]) -> f64 {
    let all = cases.iter().map(|(kill, above)| {
        let of = TIMES.iter().map(|times| {
            let chance = times.powf(-1.0 / kill.scale(scale)).clamp(1e-6, 1.0 - 1e-6);
            -(if *above > times.ln() { chance } else { 1.0 - chance }).ln()
        });
        of.sum::<f64>()
    });
    all.sum::<f64>() / cases.len().max(1) as f64
}
