//! How the constants of `policy::ours` were found: a local search on public traces, against the published rules.
//!
//! `cargo run --release -p sizing --example tune -- FOLDER [--without jobs|pods|machines] [ROUNDS]`, FOLDER holding
//! `google2011-jobs-multiday.csv.gz`, `alibaba-gentd26-pods.csv.gz` and `bitbrains-rnd-2013-08.csv.gz`. What is made smaller: by how
//! much our slack lies above a rule's at that rule's own days with a kill, over all rules and sets, a rule that is not
//! beaten counting ten times as much as one that is. A set that is left out has no part in it: its constants are
//! what the bench judges that set with.

#![expect(clippy::print_stdout, reason = "a tool that prints what it finds")]

#[path = "support/search.rs"]
mod search;

use search::{Asked, Random};
use sizing::Series;
use sizing::policy::ours::Constants;
use sizing::policy::{Choice, Rule};
use sizing::replay::{self, Score, Terms, curve};

const DAY: f64 = 86_400.0;
const RULES: [Rule; 6] =
    [Rule::Kubecost, Rule::Krr, Rule::Vpa, Rule::Crane, Rule::Plateau, Rule::Max(1.1)];
const HOURS: [f64; 5] = [0.95, 0.85, 0.75, 0.68, 0.63];

/// Where the search starts: nobody climbs more than anybody, or hardly.
const PLAIN: Constants = Constants { per_climb: 0.5, ..Constants::ALL };

struct Set {
    name: &'static str,
    series: Vec<Series>,
    terms: Terms,
    peers: Vec<Score>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = Asked::of_words(60)?;
    let sets = sets(&asked)?;
    let mut random = Random::default();
    let mut best = (f64::INFINITY, PLAIN);
    for round in 0..asked.rounds {
        let tried = if round == 0 { best.1 } else { near(&mut random, best.1) };
        let (cost, told) = cost(&sets, tried);
        if cost < best.0 {
            best = (cost, tried);
            println!("round {round}: {cost:.4} {tried:?}{told}");
        }
    }
    Ok(())
}

fn sets(asked: &Asked) -> Result<Vec<Set>, Box<dyn std::error::Error>> {
    let mut sets = Vec::new();
    for (name, file, history, kept) in [
        ("jobs", "google2011-jobs-multiday", 2.0 * DAY, 1usize),
        ("pods", "alibaba-gentd26-pods", 0.25 * DAY, 1),
        // One machine in 25: the search is about days, and these have most of them.
        ("machines", "bitbrains-rnd-2013-08", 8.0 * DAY, 25),
    ] {
        if !asked.has(name) {
            continue;
        }
        let (mut series, mut seen) = (Vec::new(), 0usize);
        asked.read(file, &mut |one| {
            let is_long = one.points.len() >= if name == "pods" { 1200 } else { 1 };
            if is_long && one.peak().is_some_and(|peak| peak.used > 0.0) {
                seen += 1;
                if seen.is_multiple_of(kept) {
                    series.push(one);
                }
            }
        })?;
        let terms = Terms { history, ..Terms::default() };
        let peers = RULES.iter().map(|rule| score(&series, rule, &terms)).collect();
        sets.push(Set { name, series, terms, peers });
    }
    Ok(sets)
}

fn score(series: &[Series], rule: &Rule, terms: &Terms) -> Score {
    let days: Vec<_> = series.iter().flat_map(|one| replay::days(one, rule, terms)).collect();
    Score::of(&days)
}

fn cost(sets: &[Set], constants: Constants) -> (f64, String) {
    let (mut sum, mut told) = (0.0, String::new());
    let shares: Vec<f64> = curve::shares_of_days().collect();
    for set in sets {
        let deep = if set.name == "machines" { &HOURS[..] } else { &[] };
        let points = shares.iter().chain(deep).map(|share| {
            let rule = Rule::Ours(Choice::of(*share).with(constants));
            let score = score(&set.series, &rule, &set.terms);
            (score.oom_days, score.slack)
        });
        let points: Vec<(f64, f64)> = points.collect();
        told += &format!("\n  {}:", set.name);
        for peer in &set.peers {
            let above = at(&points, peer.oom_days) - peer.slack;
            sum += if above > -0.005 { 3.0 * (above + 0.005) } else { 0.3 * above.max(-0.1) };
            told += &format!(" {:+.1}", above * 100.0);
        }
    }
    (sum, told)
}

/// The least slack at so many days with a kill, between the points of a curve.
fn at(points: &[(f64, f64)], level: f64) -> f64 {
    let level = level + 1e-4;
    let below = points.iter().filter(|point| point.0 <= level);
    let mixed = below.clone().flat_map(|one| {
        let beyond = points.iter().filter(|other| other.0 > level);
        beyond.map(move |other| one.1 + (level - one.0) / (other.0 - one.0) * (other.1 - one.1))
    });
    below.map(|point| point.1).chain(mixed).fold(1.0, f64::min)
}

fn moved(random: &mut Random, value: f64) -> f64 {
    if random.part() < 0.5 { value } else { value * 4f64.powf(random.part() - 0.5) }
}

fn near(random: &mut Random, from: Constants) -> Constants {
    Constants {
        base: moved(random, from.base),
        per_climb: moved(random, from.per_climb),
        per_spread: moved(random, from.per_spread),
        most: moved(random, from.most),
        after_kill: (from.after_kill + 0.1 * (random.part() - 0.5)).max(1.05),
        kept: moved(random, from.kept),
    }
}
