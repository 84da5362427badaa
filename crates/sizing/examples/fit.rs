//! How the weights of `forecast` were found: what they say about the next day, against what the next day brought.
//!
//! `cargo run --release -p sizing --example fit -- FOLDER [--without jobs|pods|machines|hosts] [ROUNDS]`. Each set counts
//! alike. Made smaller is the mean logarithmic loss of "the next day's peak lies above this limit", for limits from 0.55 to
//! nine times the largest peak so far, at moments strides apart, from three hours of past on. The weights in the code came from a
//! gradient search (L-BFGS) with the same loss; this goes on from them, step by step, and says what is left to gain.

#![expect(clippy::print_stdout, reason = "a tool that prints what it finds")]

#[path = "support/search.rs"]
mod search;

use search::{Asked, Random};
use sizing::Series;
use sizing::forecast::{FEWEST_HOURS, Forecast, Weights};
use sizing::hours::{HOUR, Hours};

/// Limits as parts of the largest peak, as logarithms.
const LIMITS: [f64; 20] = [
    -0.6, -0.3, -0.2, -0.1, -0.05, -0.015, 0.0, 0.01, 0.02, 0.04, 0.065, 0.1, 0.15, 0.22, 0.33,
    0.5, 0.8, 1.3, 1.7, 2.2,
];

/// A moment: what was known, and the largest of the day after.
struct Moment {
    past: Hours,
    next: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = Asked::of_words(400)?;
    let mut sets = Vec::new();
    for (name, file, kept, stride) in [
        ("jobs", "google2011-jobs-multiday", 1, 5),
        ("pods", "alibaba-gentd26-pods", 1, 1),
        ("machines", "bitbrains-rnd-2013-08", 6, 19),
        ("hosts", "alibaba2018-machines-1min", 1, 9),
    ] {
        if asked.has(name) {
            sets.push(moments(&asked, file, kept, stride)?);
        }
    }
    let mut best = (loss(&sets, &Weights::ALL), Weights::ALL);
    println!("{:.5} at the weights of the code", best.0);
    let mut random = Random::default();
    for round in 0..asked.rounds {
        let mut tried = best.1;
        for weight in &mut tried.0 {
            if random.part() < 0.3 {
                *weight += 0.3 * (random.part() - 0.5);
            }
        }
        let loss = loss(&sets, &tried);
        if loss < best.0 {
            best = (loss, tried);
            println!("{loss:.5} in round {round}: {:?}", tried.0);
        }
    }
    Ok(())
}

fn moments(
    asked: &Asked,
    file: &str,
    kept: usize,
    stride: usize,
) -> Result<Vec<Moment>, Box<dyn std::error::Error>> {
    let (mut all, mut seen) = (Vec::new(), 0usize);
    asked.read(file, &mut |series| {
        seen += 1;
        if seen.is_multiple_of(kept) {
            of_series(&series, stride, &mut all);
        }
    })?;
    Ok(all)
}

fn of_series(series: &Series, stride: usize, all: &mut Vec<Moment>) {
    let Some(start) = series.points.first().map(|point| point.at) else { return };
    let end = start + series.span();
    let mut past = Hours::default();
    let mut points = series.points.iter().peekable();
    let mut hour = FEWEST_HOURS;
    loop {
        let now = start + hour as f64 * HOUR;
        if now + 12.0 * HOUR > end {
            return;
        }
        while let Some(point) = points.next_if(|point| point.at < now) {
            past.see(point.at, point.used);
        }
        let day = points.clone().take_while(|point| point.at < now + 24.0 * HOUR);
        let next = day.map(|point| point.used).fold(0.0, f64::max);
        if next > 0.0 && past.top() > 0.0 {
            all.push(Moment { past: past.clone(), next });
        }
        hour += stride;
    }
}

fn loss(sets: &[Vec<Moment>], weights: &Weights) -> f64 {
    let of = |set: &Vec<Moment>| {
        let all = set.iter().filter_map(|moment| {
            let forecast = Forecast::of(&moment.past, weights)?;
            let above = (moment.next / forecast.traits.top).ln();
            let one = LIMITS.iter().map(|limit| {
                let chance =
                    forecast.chance(forecast.traits.top * limit.exp()).clamp(1e-5, 1.0 - 1e-5);
                -(if above > *limit { chance } else { 1.0 - chance }).ln()
            });
            Some(one.sum::<f64>() / LIMITS.len() as f64)
        });
        let all: Vec<f64> = all.collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    };
    sets.iter().map(of).sum::<f64>() / sets.len().max(1) as f64
}
