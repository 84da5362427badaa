//! One line for each: verdict, limit, what is held now, and why.

use casefile::Bytes;
use report::{escape, layout};

use super::live::Seen;
use super::page;

/// The lines, in columns.
pub(super) fn lines(all: &[Seen]) -> String {
    if all.is_empty() {
        return "No container runs.\n".to_owned();
    }
    let rows: Vec<[String; 4]> = all.iter().map(columns).collect();
    let widest = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|it| layout::width(it)).max().unwrap_or(0)
    };
    let widths = [widest(0), widest(1), widest(2), 0];
    let line = |row: &[String; 4]| {
        let cells = row.iter().zip(widths).map(|(text, width)| layout::pad(text, width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// One look as one line, for whoever keeps them.
pub(super) fn line(seen: &Seen) -> String {
    lines(std::slice::from_ref(seen))
}

fn columns(seen: &Seen) -> [String; 4] {
    let live = &seen.live;
    let held = live.now.usage.map_or("?".to_owned(), |usage| usage.to_string());
    let limit = live.limit_bytes.map_or("no limit".to_owned(), |limit| format!("of {limit}"));
    let called = escape::terminal(&seen.called());
    [live.fits.to_owned(), format!("{held} {limit}"), called, escape::terminal(&why(seen))]
}

/// In a few words.
fn why(seen: &Seen) -> String {
    let live = &seen.live;
    let of = page::whose(seen);
    match (live.may_use_bytes, live.pools.iter().find(|pool| page::is_short(pool))) {
        (Some(sum), _) => format!("{of} may use {sum}"),
        (None, Some(pool)) => pool.says.clone(),
        (None, None) if live.certain_bytes > live.limit_bytes.unwrap_or(Bytes(u64::MAX)) => {
            page::certain(live)
        }
        (None, None) => format!("nothing bounds {}", page::listed(&live.unbounded)),
    }
}
