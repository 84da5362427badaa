use super::*;

fn line(value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (0..24).map(|at| f64::from(at) / 23.0).map(|at| (at, value(at))).collect()
}

/// Something that is not the same twice, from -0.5 to 0.5.
fn rough(at: f64) -> f64 {
    let at = (at * 23.0).round() as i64;
    ((at * at * 7 + at * 13) % 41) as f64 / 40.0 - 0.5
}

#[test]
fn each_explanation_fits_its_own_best() {
    let straight = Fits::of(&line(|at| 1.0 + at));
    assert!(straight.line < 1e-9 && straight.rest > 0.0001 && straight.step > 0.1, "{straight:?}");
    let cache = Fits::of(&line(|at| 1.0 - (-at / 0.2).exp()));
    assert!(
        cache.rest < 1e-9 && cache.line > 0.1 && (cache.rest_in - 0.2).abs() < 1e-9,
        "{cache:?}"
    );
    let stair = Fits::of(&line(|at| if at < 0.4 { 1.0 } else { 2.0 }));
    assert!(stair.step < 1e-9 && (stair.step_by - 1.0).abs() < 1e-9, "{stair:?}");
    let full = Fits::of(&line(|at| at.min(0.5)));
    assert!(full.full < 1e-9 && (full.full_at - 0.5).abs() < 1e-9, "{full:?}");
    let bent = Fits::of(&line(|at| at.min(BEND) + 0.2 * (at - BEND).max(0.0)));
    assert!(bent.bent < 1e-9 && bent.line > 0.01, "{bent:?}");
}

#[test]
fn levels_are_found_with_the_least_of_their_steps() {
    let height = |at: f64| match at {
        0.0..0.25 => 1.0,
        0.25..0.5 => 3.0,
        0.5..0.75 => 4.0,
        _ => 9.0,
    };
    let [three, four, five] = Fits::of(&line(height)).stairs;
    assert!(three.left > 1.0 && four.left < 1e-9 && five.left < 1e-9, "{three:?} {four:?}");
    assert!((four.by - 1.0).abs() < 1e-9, "{four:?}");
    assert_eq!([three, four, five].map(|stairs| stairs.unknowns), [5.0, 7.0, 9.0]);
    // Fewer points than levels: nothing to say.
    let [three, four, _] = Fits::of(&[(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)]).stairs;
    assert!(three.left < 1e-9 && four.left.is_infinite());
    assert!(Fits::of(&[]).stairs.iter().all(|stairs| stairs.left.is_infinite()));
}

#[test]
fn a_bend_is_shown_by_many_points_and_not_by_a_few() {
    let bend = |at: f64| 1.0 - (-at / 0.3).exp() + 0.1 * rough(at);
    let many = line(bend);
    let few: Vec<_> = many.iter().copied().step_by(5).collect();
    let shown = |line: &[(f64, f64)]| {
        let fits = Fits::of(line);
        fits.shows((fits.rest, REST), fits.line, Chance::OneIn100)
    };
    assert!(shown(&many) && !shown(&few));
    // What is only rough bends by chance.
    assert!(!shown(&line(|at| at + 0.4 * rough(at))));
}

#[test]
fn a_curve_with_more_unknowns_is_charged_for_them() {
    let fits = Fits { count: 6.0, ..Fits::default() };
    assert_eq!((fits.charged(1.0, LINE), fits.charged(1.0, 5.0)), (1.0, 4.0));
    let many = Fits { count: 48.0, ..Fits::default() };
    assert!(many.charged(1.0, 5.0) < 1.1);
}

#[test]
fn chance_is_that_of_the_tables() {
    // F with 1 and so many degrees of freedom: 5 %, 1 %.
    for (free, often, rarely) in
        [(5.0, 6.61, 16.26), (10.0, 4.96, 10.04), (20.0, 4.35, 8.10), (45.0, 4.06, 7.23)]
    {
        let near = |chance: Chance, told: f64| (chance.most(free) / told - 1.0).abs() < 0.17;
        assert!(near(Chance::OneIn20, often) && near(Chance::OneIn100, rarely), "{free}");
    }
}

#[test]
fn two_explanations_are_told_apart_or_not_at_all() {
    let rows = (0..20).map(f64::from).map(|at| (at, (at * 1.7).sin(), 0.0));
    let rows: Vec<_> = rows.map(|(x, y, _)| (x, y, 2.0 * x + 5.0 * y)).collect();
    let (by, more, left) = two(&rows).unwrap();
    assert!((by - 2.0).abs() < 1e-9 && (more - 5.0).abs() < 1e-9 && left < 1e-9);
    let same: Vec<_> = rows.iter().map(|row| (row.0, row.0 * 3.0, row.2)).collect();
    assert_eq!(two(&same), None);
}
