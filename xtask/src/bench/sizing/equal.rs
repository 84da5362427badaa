//! Bar 1: less slack than each peer where as many days have a kill as with that peer.
//!
//! Our rule's settings make a curve; on it the slack at a peer's own days with a kill is read off. How sure the
//! difference is comes from drawing the series anew, the same draw for both.

use sizing::policy::named::{self, Named};
use sizing::policy::{Choice, Rule};
use sizing::replay::Score;
use sizing::replay::curve::{self, Curve, Tally};

use super::page::Page;
use super::sets::Set;
use crate::summary::Summary;

/// So often the series are drawn anew.
const DRAWS: usize = 200;

/// A peer beside us.
#[derive(Debug, Clone)]
pub(super) struct Beside {
    pub(super) word: &'static str,
    pub(super) score: Score,
    /// Our slack where as many days have a kill; `None` where none of our settings has so few.
    pub(super) ours: Option<f64>,
    /// The same with the constants found without this set.
    pub(super) left_out: Option<f64>,
    /// The difference (ours less theirs) in 95 of 100 draws; infinite where a draw has no such setting.
    pub(super) interval: (f64, f64),
}

/// Compares, prints, and says whether the bar holds.
pub(super) fn run(set: &Set, page: &mut Page, summary: &mut Summary) {
    let peers: Vec<Named> =
        named::all().into_iter().filter(|named| !matches!(named.rule, Rule::Ours(_))).collect();
    let usual = Rule::Ours(Choice::default());
    let peer_rules = peers.iter().map(|peer| peer.rule);
    let rules: Vec<Rule> = peer_rules.chain([usual]).chain(curve::ours()).collect();
    let tallies = curve::tallies(&set.series, &rules, &set.terms);
    let left_out = left_out(set);
    let whole: Vec<usize> = (0..tallies.len()).collect();
    let (scores, ours) = drawn(&tallies, &whole, peers.len());
    let usual = scores.get(peers.len()).copied();
    let intervals = intervals(&tallies, peers.len());
    let beside: Vec<Beside> = peers
        .iter()
        .zip(&scores)
        .zip(intervals)
        .map(|((peer, score), interval)| Beside {
            word: peer.word,
            score: *score,
            ours: ours.slack_at(score.oom_days),
            left_out: left_out.slack_at(score.oom_days),
            interval,
        })
        .collect();
    page.equal(set, &beside, (&ours, &left_out), usual);
    for peer in &beside {
        let what = format!("{}: less slack than {}", set.name, peer.word);
        match peer.ours {
            Some(ours) if ours < peer.score.slack => summary.passed(&what),
            Some(ours) => summary.failed(
                &what,
                &format!("{:.1} % against {:.1} %", 100.0 * ours, 100.0 * peer.score.slack),
            ),
            None => summary.failed(&what, "no setting is hit as seldom"),
        }
    }
    if let Some(aim) = set.aim {
        let reached = ours.slack_at(aim.oom_days);
        let what = format!("{}: the aim of {}", set.name, aim.said);
        match reached {
            Some(slack) if slack <= aim.slack => summary.passed(&what),
            Some(slack) => summary.failed(&what, &format!("{:.1} % is reached", 100.0 * slack)),
            None => summary.failed(&what, "no setting is hit as seldom"),
        }
    }
}

/// Our curve with the constants that were found without this set.
fn left_out(set: &Set) -> Curve {
    let rules = curve::ours_with(set.constants);
    let tallies = curve::tallies(&set.series, &rules, &set.terms);
    let whole: Vec<usize> = (0..tallies.len()).collect();
    drawn(&tallies, &whole, 0).1
}

/// The scores of all rules, and our curve, of the series that were drawn.
fn drawn(tallies: &[Vec<Tally>], which: &[usize], peers: usize) -> (Vec<Score>, Curve) {
    let rules = tallies.first().map_or(0, Vec::len);
    let mut sums = vec![Tally::default(); rules];
    for at in which {
        for (sum, tally) in sums.iter_mut().zip(tallies.get(*at).into_iter().flatten()) {
            sum.add(tally);
        }
    }
    let scores: Vec<Score> = sums.iter().map(Tally::score).collect();
    let ours = Curve::of(scores.iter().skip(peers).copied());
    (scores, ours)
}

/// For each peer between what the difference lies in 95 of 100 draws.
fn intervals(tallies: &[Vec<Tally>], peers: usize) -> Vec<(f64, f64)> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut differences = vec![Vec::new(); peers];
    for _draw in 0..DRAWS {
        let which: Vec<usize> = tallies.iter().map(|_| random.below(tallies.len())).collect();
        let (scores, ours) = drawn(tallies, &which, peers);
        for (score, found) in scores.iter().zip(&mut differences) {
            let ours = ours.slack_at(score.oom_days).unwrap_or(f64::INFINITY);
            found.push(ours - score.slack);
        }
    }
    differences.into_iter().map(middle).collect()
}

fn middle(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = (part * values.len().saturating_sub(1) as f64).round() as usize;
        values.get(index).copied().unwrap_or(f64::NAN)
    };
    (at(0.025), at(0.975))
}

/// Numbers that look random and are the same each time (xorshift64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, number: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap_or(0) % number.max(1)
    }
}

#[cfg(test)]
mod tests {
    use sizing::replay::Day;

    use super::*;

    #[test]
    fn a_rule_that_is_always_better_is_better_in_every_draw() {
        let day = |slack: f64, kills: u32| Day { kills, slack, held: 1.0, used: 1.0 - slack };
        let series = |at: u32| {
            let kills = u32::from(at.is_multiple_of(4));
            vec![
                Tally::of(&[day(0.3, kills), day(0.3, 0)]),
                Tally::of(&[day(0.2, kills), day(0.25, 0)]),
                Tally::of(&[day(0.4, 0), day(0.4, 0)]),
            ]
        };
        let tallies: Vec<Vec<Tally>> = (0..40).map(series).collect();
        let (low, high) = intervals(&tallies, 1)[0];
        assert!((low + 0.075).abs() < 1e-9 && (high + 0.075).abs() < 1e-9, "{low} {high}");
        let whole: Vec<usize> = (0..40).collect();
        let (scores, ours) = drawn(&tallies, &whole, 1);
        assert_eq!(scores[0].oom_days, 0.125);
        assert_eq!(ours.points().len(), 2);
    }

    #[test]
    fn the_interval_leaves_out_five_of_a_hundred() {
        let (low, high) = middle((0..=1000).map(f64::from).collect());
        assert_eq!((low, high), (25.0, 975.0));
    }
}
