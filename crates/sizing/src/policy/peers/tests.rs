//! Each published rule beside an example that was reckoned by hand.

use proptest::prelude::*;

use super::*;
use crate::policy::named;

/// What a rule says after samples of (hours, MiB).
fn says(rule: Rule, samples: &[(f64, f64)]) -> f64 {
    let mut policy = rule.begin(Unit::Bytes);
    samples.iter().for_each(|(hours, mib)| policy.see(hours * HOUR, mib * MIB, None));
    policy.limit(samples.last().map_or(0.0, |(hours, _)| hours * HOUR)) / MIB
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6 * other.abs()
}

#[test]
fn vpa_buckets_start_at_ten_megabytes_and_grow_by_a_twentieth() {
    let scale = Scale::of(Unit::Bytes);
    // Edges: 10 MB, 10 + 10.5 = 20.5 MB, 20.5 + 11.025 = 31.525 MB.
    assert!(near(scale.edge(0.0), 1e7));
    assert!(near(scale.edge(9.9e6), 1e7));
    assert!(near(scale.edge(1.5e7), 2.05e7));
    assert!(near(scale.edge(2.1e7), 3.1525e7));
    // The edge of 1 GB lies within a bucket's width above it.
    let edge = scale.edge(1e9);
    assert!(edge > 1e9 && edge < 1.06e9, "{edge}");
}

#[test]
fn vpa_takes_the_edge_above_the_peak_and_15_percent_more() {
    // One day with a peak of 1,000 MB: bucket 36 ends at 10 MB * (1.05^37 - 1) / 0.05 = 1,016.28 MB.
    let mib = 1e9 / MIB;
    let edge = 1e7 * (1.05f64.powi(37) - 1.0) / 0.05;
    assert!(near(says(Rule::Vpa, &[(0.0, 10.0), (3.0, mib), (9.0, 50.0)]) * MIB, edge * 1.15));
}

#[test]
fn vpa_asks_for_250_mib_at_least_but_not_of_a_part() {
    assert!(near(says(Rule::Vpa, &[(0.0, 20.0)]), 250.0));
    let mut policy = Rule::Vpa.begin(Unit::Percent);
    policy.see(0.0, 0.05, None);
    assert!(near(policy.limit(1.0), 0.1 * 1.15));
}

#[test]
fn vpa_forgets_a_lone_peak_on_the_fourth_day() {
    // Weights 1, 1/2, 1/4 …: a high day that is two days old has 0.25 of 1.75 (14 %), three days old 0.125 of
    // 1.875 (7 %, below the tenth that lies above P90).
    let days = |after: usize| {
        let low = (1..=after).map(|day| (day as f64 * 24.0, 400.0));
        says(Rule::Vpa, &std::iter::once((0.0, 2000.0)).chain(low).collect::<Vec<_>>())
    };
    assert!(days(2) > 2000.0, "{}", days(2));
    assert!(days(3) < 520.0, "{}", days(3));
}

#[test]
fn vpa_counts_a_kill_as_a_peak_of_20_percent_or_100_mib_more() {
    let killed = |limit: f64| {
        let mut policy = Rule::Vpa.begin(Unit::Bytes);
        policy.see(0.0, limit * MIB, Some(limit * MIB));
        policy.limit(HOUR)
    };
    let scale = Scale::of(Unit::Bytes);
    assert!(near(killed(300.0), scale.edge(400.0 * MIB) * 1.15));
    assert!(near(killed(1000.0), scale.edge(1200.0 * MIB) * 1.15));
}

#[test]
fn krr_takes_the_highest_of_14_days_and_15_percent_in_whole_mib() {
    // 333 * 1.15 = 382.95
    assert_eq!(says(Rule::Krr, &[(0.0, 333.0), (1.0, 200.0)]), 383.0);
    assert_eq!(says(Rule::Krr, &[(0.0, 40.0)]), 100.0);
    // An hour that began 14 days ago is still seen, what lies before is not.
    assert_eq!(says(Rule::Krr, &[(0.0, 1000.0), (336.0, 200.0)]), 1150.0);
    assert_eq!(says(Rule::Krr, &[(0.0, 1000.0), (337.0, 200.0)]), 230.0);
}

#[test]
fn krr_does_not_hear_of_kills() {
    let mut policy = Rule::Krr.begin(Unit::Bytes);
    policy.see(0.0, 200.0 * MIB, Some(200.0 * MIB));
    assert_eq!(policy.limit(1.0), 230.0 * MIB);
    assert!(!Rule::Krr.hears_kills() && !Rule::Kubecost.hears_kills());
}

#[test]
fn kubecost_divides_the_highest_by_seven_tenths() {
    assert!(near(says(Rule::Kubecost, &[(0.0, 350.0), (1.0, 70.0)]), 500.0));
    assert!(near(says(Rule::Kubecost, &[(0.0, 7.0)]), 20.0));
}

#[test]
fn crane_takes_the_bucket_of_the_highest_hundredth_and_15_percent_more() {
    // 99 samples of 150 MiB and one of 950: its weight is just under a hundredth, then just over with two.
    let with = |high: usize| {
        let samples: Vec<(f64, f64)> = (0..200)
            .map(|at| (at as f64 / 60.0, if at >= 100 && at < 100 + high { 950.0 } else { 150.0 }))
            .collect();
        says(Rule::Crane, &samples)
    };
    assert!(near(with(1), 200.0 * 1.15), "{}", with(1));
    assert!(near(with(4), 1000.0 * 1.15), "{}", with(4));
}

#[test]
fn crane_counts_a_sample_half_after_two_days_and_not_after_seven() {
    // One high sample among 60 low ones of now: 1/61 is more than a hundredth, half of it less.
    let after = |hours: f64| {
        let low = (0..60).map(|at| (hours + at as f64 / 60.0, 150.0));
        says(Rule::Crane, &std::iter::once((0.0, 950.0)).chain(low).collect::<Vec<_>>())
    };
    assert!(near(after(1.0), 1150.0), "{}", after(1.0));
    assert!(near(after(48.0), 230.0), "{}", after(48.0));
    let only_old = [(0.0, 950.0), (168.0, 150.0)];
    assert!(near(says(Rule::Crane, &only_old), 230.0));
}

#[test]
fn crane_keeps_what_a_kill_asked_for_seven_days() {
    let at = |hours: f64| {
        let mut policy = Rule::Crane.begin(Unit::Bytes);
        policy.see(0.0, 1000.0 * MIB, Some(1000.0 * MIB));
        policy.see(hours * HOUR, 150.0 * MIB, None);
        policy.limit(hours * HOUR) / MIB
    };
    // A bucket edge of 1,100 * 1.15 = 1,265 is more than 1,000 * 1.2, until the sample is old.
    assert!(near(at(0.5), 1265.0), "{}", at(0.5));
    assert!(near(at(168.0), 1200.0), "{}", at(168.0));
    assert!(near(at(169.0), 230.0), "{}", at(169.0));
}

#[test]
fn plateau_takes_the_largest_median_of_an_hour_and_a_quarter_more() {
    // A burst of one sample in five leaves an hour's median alone.
    let hour = |hour: f64, level: f64| {
        let low = (0..4).map(move |at| (hour + at as f64 / 10.0, level));
        low.chain([(hour + 0.5, 900.0)])
    };
    let samples: Vec<(f64, f64)> = hour(0.0, 200.0).chain(hour(1.0, 160.0)).collect();
    assert!(near(says(Rule::Plateau, &samples), 250.0));
    let later: Vec<(f64, f64)> = samples.into_iter().chain(hour(170.0, 100.0)).collect();
    assert!(near(says(Rule::Plateau, &later), 125.0));
}

#[test]
fn the_plain_rule_gives_a_fifth_more_for_a_day_after_a_kill() {
    let at = |hours: f64| {
        let mut policy = Rule::Max(1.1).begin(Unit::Bytes);
        policy.see(0.0, 1000.0, Some(1000.0));
        policy.limit(hours * HOUR)
    };
    assert!(near(at(1.0), 1200.0) && near(at(24.0), 1200.0) && near(at(25.0), 1100.0));
}

proptest! {
    /// Without floors and buckets in the way: twice the memory, twice the limit.
    #[test]
    fn a_rule_does_not_care_what_the_whole_is(
        samples in proptest::collection::vec(1.0f64..90.0, 1..300),
        which in 0usize..7,
    ) {
        let rule = named::all()[which].rule;
        prop_assume!(!matches!(rule, Rule::Vpa | Rule::Crane));
        let of = |factor: f64| {
            let mut policy = rule.begin(Unit::Percent);
            for (at, used) in samples.iter().enumerate() {
                policy.see(at as f64 * 300.0, used * factor, None);
            }
            policy.limit(samples.len() as f64 * 300.0)
        };
        prop_assert!((of(2.0) - 2.0 * of(1.0)).abs() < 1e-3 * of(2.0), "{} {}", of(2.0), of(1.0));
    }

    /// More memory never makes a limit smaller, and none lies below the level it has held all the time.
    #[test]
    fn more_use_never_means_a_smaller_limit(
        samples in proptest::collection::vec(1.0f64..90.0, 1..200),
        which in 1usize..7,
        more in 0.0f64..20.0,
    ) {
        let rule = named::all()[which].rule;
        let of = |more: f64| {
            let mut policy = rule.begin(Unit::Percent);
            for (at, used) in samples.iter().enumerate() {
                policy.see(at as f64 * 900.0, used + more, None);
            }
            policy.limit(samples.len() as f64 * 900.0)
        };
        prop_assert!(of(more) >= of(0.0) - 1e-9, "{} {}", of(more), of(0.0));
        let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
        prop_assert!(of(0.0) >= least);
    }
}
