//! Slack against days with a kill, as SVG: curves for the rules with a knob, a point with its name for the others.
//!
//! Down and to the left is better. Drawn by `plotters`, which is told no font: the reader's browser has one.

use anyhow::anyhow;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, EmptyElement, Text};
use plotters::prelude::SVGBackend;
use plotters::series::LineSeries;
use plotters::style::{Color, IntoFont, RGBColor, WHITE};
use sizing::policy::Rule;
use sizing::replay::curve::Curve;

use super::Answer;

const SIZE: (u32, u32) = (900, 560);
const OURS: RGBColor = RGBColor(0, 90, 160);
const LARGEST: RGBColor = RGBColor(150, 110, 20);
const POINT: RGBColor = RGBColor(60, 60, 60);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

pub(super) fn drawing(answer: &Answer) -> anyhow::Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area, answer)?;
        area.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(text)
}

fn draw(area: &Area<'_>, answer: &Answer) -> anyhow::Result<()> {
    let wrong = |error: &dyn std::fmt::Display| anyhow!("{error}");
    area.fill(&WHITE).map_err(|error| wrong(&error))?;
    let most = |of: fn(&(f64, f64)) -> f64| {
        let points = answer.rules.iter().map(|rule| (rule.score.oom_days, rule.score.slack));
        points.map(|point| of(&point)).fold(0.02, f64::max) * 125.0
    };
    let days = answer.rules.first().map_or(0, |rule| rule.score.days);
    let title = format!("{days} days of {} series", answer.series);
    let (right, top) = (most(|point| point.0).min(100.0), most(|point| point.1).min(100.0));
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 22).into_font())
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..right, 0.0..top)
        .map_err(|error| wrong(&error))?;
    chart
        .configure_mesh()
        .x_desc(below(answer))
        .y_desc("slack: part of the limit not used, %")
        .label_style(("sans-serif", 16).into_font())
        .axis_desc_style(("sans-serif", 18).into_font())
        .light_line_style(WHITE.mix(0.0))
        .draw()
        .map_err(|error| wrong(&error))?;
    line(&mut chart, &answer.ours, (right, top), OURS)?;
    if let Some(largest) = &answer.largest {
        line(&mut chart, largest, (right, top), LARGEST)?;
    }
    points(&mut chart, answer)
}

/// What lies to the right, and what the lines are.
fn below(answer: &Answer) -> &'static str {
    match (answer.ours.points().is_empty(), &answer.largest) {
        (true, None) => "days with a kill, % (better: down and to the left)",
        (false, None) => {
            "days with a kill, % (line: ours at other settings; better: down and to the left)"
        }
        (true, Some(_)) => {
            "days with a kill, % (line: max at other settings; better: down and to the left)"
        }
        (false, Some(_)) => {
            "days with a kill, % (lines: ours and max at other settings; better: down and to the left)"
        }
    }
}

/// A curve, as far as it lies within the drawing.
fn line(
    chart: &mut Chart<'_, '_>,
    curve: &Curve,
    corner: (f64, f64),
    colour: RGBColor,
) -> anyhow::Result<()> {
    let points = curve.points().iter().map(|(oom_days, slack)| (100.0 * oom_days, 100.0 * slack));
    let line = LineSeries::new(within(points, corner), colour.stroke_width(2));
    chart.draw_series(line).map_err(|error| anyhow!("{error}"))?;
    Ok(())
}

/// The part of a line between the axes and a corner: it ends where it leaves, for a backend would draw what lies
/// outside along the edge. Each point lies to the right of the one before and not above it, so that a line comes
/// from above once and leaves to the right once.
fn within(points: impl Iterator<Item = (f64, f64)>, (right, top): (f64, f64)) -> Vec<(f64, f64)> {
    let is_in = |(x, y): (f64, f64)| x <= right && y <= top;
    let mut kept = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    for point in points {
        if let Some(before) = last {
            let rise = (point.1 - before.1) / (point.0 - before.0).max(f64::MIN_POSITIVE);
            if before.1 > top && point.1 <= top {
                kept.push((before.0 + (top - before.1) / rise, top));
            }
            if before.0 <= right && point.0 > right {
                kept.push((right, before.1 + (right - before.0) * rise));
            }
        }
        if is_in(point) {
            kept.push(point);
        }
        last = Some(point);
    }
    kept.retain(|point| is_in(*point));
    kept
}

fn points(chart: &mut Chart<'_, '_>, answer: &Answer) -> anyhow::Result<()> {
    let marks = answer.rules.iter().map(|rule| {
        let colour = match rule.named.rule {
            Rule::Ours(_) => OURS,
            Rule::Max(_) => LARGEST,
            Rule::Vpa | Rule::Krr | Rule::Crane | Rule::Kubecost | Rule::Plateau => POINT,
        };
        // The plain rule and ours are often neighbours.
        let beside = if matches!(rule.named.rule, Rule::Max(_)) { (7, 4) } else { (7, -14) };
        let at = (100.0 * rule.score.oom_days, 100.0 * rule.score.slack);
        let text =
            Text::new(rule.named.word, beside, ("sans-serif", 18).into_font().color(&colour));
        EmptyElement::at(at) + Circle::new((0, 0), 4, colour.filled()) + text
    });
    chart.draw_series(marks).map_err(|error| anyhow!("{error}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sizing::policy::named;
    use sizing::replay::Score;

    use super::*;
    use crate::commands::replay::Replayed;

    #[test]
    fn a_line_ends_where_it_leaves_the_drawing() {
        let line = [(0.0, 60.0), (1.0, 40.0), (2.0, 30.0), (4.0, 20.0), (9.0, 10.0)];
        assert_eq!(
            within(line.into_iter(), (3.0, 50.0)),
            [(0.5, 50.0), (1.0, 40.0), (2.0, 30.0), (3.0, 25.0)]
        );
        assert_eq!(within(line.into_iter(), (10.0, 100.0)), line);
        assert!(within(line.into_iter(), (10.0, 5.0)).is_empty());
    }

    #[test]
    fn every_rule_is_drawn_with_its_name_within_the_frame() {
        let score = |at: usize| Score {
            days: 10,
            oom_days: 0.01 * at as f64,
            slack: 0.5 - 0.05 * at as f64,
            ..Score::default()
        };
        let rules = named::all().into_iter().enumerate();
        let answer = Answer {
            files: 1,
            series: 3,
            too_short: 0,
            history: 3600.0,
            rules: rules
                .map(|(at, named)| Replayed { named, score: score(at), ours: None })
                .collect(),
            ours: Curve::of((0..5).map(score)),
            largest: None,
        };
        let svg = drawing(&answer).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for named in named::all() {
            assert!(svg.contains(&format!("\n{}\n", named.word)), "{}: {svg}", named.word);
        }
        assert_eq!(svg.matches("<circle").count(), 7);
        assert_eq!(
            svg.matches(&format!("stroke=\"#{:02X}{:02X}{:02X}\" stroke-width=\"2\"", 0, 90, 160))
                .count(),
            1
        );
    }
}
