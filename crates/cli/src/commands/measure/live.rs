//! The line that a person at a terminal sees meanwhile: the time, what is held, and how it went so far.

use casefile::Bytes;
use sizing::verify::Look;

/// Eight heights.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns of the spark line.
const COLUMNS: usize = 24;

/// One line of at most `width` columns.
pub(super) fn line(doing: &str, name: &str, looks: &[Look], width: usize) -> String {
    let name: String = name.chars().take(24).collect();
    let Some(last) = looks.last() else { return format!("{doing} {name}") };
    let seconds = last.t_s.max(0.0) as u64;
    let mut parts = vec![format!("{doing} {name}  {}:{:02}", seconds / 60, seconds % 60)];
    if let Some(held) = last.mem_bytes {
        let limit = last.limit_bytes.map_or(String::new(), |limit| format!(" of {}", bytes(limit)));
        parts.push(format!("{}{limit}", bytes(held)));
    }
    parts.push(spark(looks));
    if let Some(kills) = last.kills.filter(|kills| *kills > 0.0) {
        parts.push(format!("{kills:.0} killed"));
    }
    if let Some(requests) = last.requests {
        parts.push(format!("{requests:.0} requests"));
    }
    parts.push("Ctrl-C ends it".to_owned());
    let all = parts.join("  ");
    all.chars().take(width.saturating_sub(2)).collect()
}

/// The whole time in a few columns, each its highest; the limit, or the highest of all, is the top.
fn spark(looks: &[Look]) -> String {
    let held: Vec<f64> = looks.iter().filter_map(|look| look.mem_bytes).collect();
    let most = held.iter().copied().fold(1.0, f64::max);
    let top =
        looks.last().and_then(|look| look.limit_bytes).filter(|it| *it >= most).unwrap_or(most);
    let each = held.len().div_ceil(COLUMNS).max(1);
    let column = |part: &[f64]| {
        let height = part.iter().copied().fold(0.0, f64::max) / top * 8.0;
        // Between 0 and 8; a part of an eighth is drawn as one.
        let step = (height.ceil() as usize).clamp(1, 8) - 1;
        HEIGHTS.get(step).copied().unwrap_or(' ')
    };
    held.chunks(each).map(column).collect()
}

fn bytes(count: f64) -> Bytes {
    Bytes(count.max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fits_and_the_spark_shows_the_way() {
        let looks: Vec<Look> = (0..100)
            .map(|at| Look {
                t_s: f64::from(at),
                mem_bytes: Some(f64::from(at) * 1_048_576.0),
                limit_bytes: Some(128.0 * 1_048_576.0),
                kills: Some(2.0),
                ..Look::default()
            })
            .collect();
        let told = line("measuring", "api", &looks, 120);
        assert!(told.starts_with("measuring api  1:39  99 MiB of 128 MiB  ▁"), "{told}");
        assert!(told.contains("▇  2 killed  Ctrl-C"), "{told}");
        assert!(spark(&looks).chars().count() <= COLUMNS);
        assert_eq!(line("measuring", "api", &looks, 40).chars().count(), 38);
        assert_eq!(line("measuring", "api", &[], 80), "measuring api");
        assert_eq!(spark(&looks[..1]), "▁");
    }
}
