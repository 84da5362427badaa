//! Two texts → a unified diff, as `patch` reads it.
//!
//! The shortest script of lines (Myers 1986), three lines of context. Where texts differ in more than
//! [`FARTHEST`] lines the middle is shown as a whole: nobody reads such a diff line by line. Bytes are kept as they
//! are, `\r` too; what shows them to a person escapes them.

/// Lines that are taken out or put in, for the exact script.
const FARTHEST: usize = 1_000;
const CONTEXT: usize = 3;

/// One line of a diff: what happens to it, and it, with its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Keep(&'a str),
    Out(&'a str),
    In(&'a str),
}

/// The diff of a file's two contents; empty where they are the same.
#[must_use]
pub fn unified(name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let (from, to): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let steps = script(&from, &to);
    let shown = near_changes(&steps);
    let relative = name.trim_start_matches('/');
    let mut out = format!("--- a/{relative}\n+++ b/{relative}\n");
    let (mut line_old, mut line_new) = (0usize, 0usize);
    let mut hunk: Vec<Step<'_>> = Vec::new();
    let mut start = (0, 0);
    for (step, is_shown) in steps.iter().zip(&shown) {
        if *is_shown {
            if hunk.is_empty() {
                start = (line_old, line_new);
            }
            hunk.push(*step);
        } else if !hunk.is_empty() {
            write_hunk(&mut out, start, &std::mem::take(&mut hunk));
        }
        line_old += usize::from(!matches!(step, Step::In(_)));
        line_new += usize::from(!matches!(step, Step::Out(_)));
    }
    if !hunk.is_empty() {
        write_hunk(&mut out, start, &hunk);
    }
    out
}

/// Which steps stand within the context of a change.
fn near_changes(steps: &[Step<'_>]) -> Vec<bool> {
    let changed = |step: &Step<'_>| !matches!(step, Step::Keep(_));
    let mut shown = vec![false; steps.len()];
    let mut since = CONTEXT + 1;
    for (at, step) in steps.iter().enumerate() {
        since = if changed(step) { 0 } else { since + 1 };
        if let Some(slot) = shown.get_mut(at) {
            *slot = since <= CONTEXT;
        }
    }
    since = CONTEXT + 1;
    for (at, step) in steps.iter().enumerate().rev() {
        since = if changed(step) { 0 } else { since + 1 };
        if let Some(slot) = shown.get_mut(at) {
            *slot |= since <= CONTEXT;
        }
    }
    shown
}

fn write_hunk(out: &mut String, start: (usize, usize), hunk: &[Step<'_>]) {
    let count = |skip: fn(&Step<'_>) -> bool| hunk.iter().filter(|step| !skip(step)).count();
    let olds = count(|step| matches!(step, Step::In(_)));
    let news = count(|step| matches!(step, Step::Out(_)));
    // Of an empty side the line before is named.
    let first = |at: usize, lines: usize| if lines == 0 { at } else { at + 1 };
    let range = |at: usize, lines: usize| match lines {
        1 => first(at, lines).to_string(),
        _ => format!("{},{lines}", first(at, lines)),
    };
    out.push_str(&format!("@@ -{} +{} @@\n", range(start.0, olds), range(start.1, news)));
    for step in hunk {
        let (mark, line) = match step {
            Step::Keep(line) => (' ', line),
            Step::Out(line) => ('-', line),
            Step::In(line) => ('+', line),
        };
        out.push(mark);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// The steps from one list of lines to the other.
fn script<'a>(from: &[&'a str], to: &[&'a str]) -> Vec<Step<'a>> {
    let same = from.iter().zip(to).take_while(|(one, other)| one == other).count();
    let (head, from) = from.split_at(same);
    let (_, to) = to.split_at(same);
    let same =
        from.iter().rev().zip(to.iter().rev()).take_while(|(one, other)| one == other).count();
    let (from, tail) = from.split_at(from.len() - same);
    let (to, _) = to.split_at(to.len() - same);
    let mut steps: Vec<Step<'a>> = head.iter().map(|line| Step::Keep(line)).collect();
    match shortest(from, to) {
        Some(middle) => steps.extend(middle),
        None => {
            steps.extend(from.iter().map(|line| Step::Out(line)));
            steps.extend(to.iter().map(|line| Step::In(line)));
        }
    }
    steps.extend(tail.iter().map(|line| Step::Keep(line)));
    steps
}

/// Myers' greedy search, its frontiers kept to walk back.
fn shortest<'a>(from: &[&'a str], to: &[&'a str]) -> Option<Vec<Step<'a>>> {
    let most = (from.len() + to.len()).min(FARTHEST);
    let width = 2 * most + 3;
    let slot = |k: isize| usize::try_from(k + isize::try_from(most + 1).unwrap_or(0)).unwrap_or(0);
    let mut frontier = vec![0usize; width];
    let mut trace: Vec<Vec<usize>> = Vec::new();
    for depth in 0..=isize::try_from(most).ok()? {
        trace.push(frontier.clone());
        let mut k = -depth;
        while k <= depth {
            let (down, right) = (*frontier.get(slot(k + 1))?, *frontier.get(slot(k - 1))?);
            let mut x = if k == -depth || k != depth && right < down { down } else { right + 1 };
            let mut y = usize::try_from(isize::try_from(x).ok()? - k).unwrap_or(usize::MAX);
            while from.get(x).is_some() && from.get(x) == to.get(y) {
                x += 1;
                y += 1;
            }
            *frontier.get_mut(slot(k))? = x;
            if x >= from.len() && y >= to.len() {
                return walked_back(&trace, from, to, &slot);
            }
            k += 2;
        }
    }
    None
}

fn walked_back<'a>(
    trace: &[Vec<usize>],
    from: &[&'a str],
    to: &[&'a str],
    slot: &dyn Fn(isize) -> usize,
) -> Option<Vec<Step<'a>>> {
    let (mut x, mut y) = (from.len(), to.len());
    let mut steps = Vec::new();
    for (depth, frontier) in trace.iter().enumerate().rev() {
        let depth = isize::try_from(depth).ok()?;
        let k = isize::try_from(x).ok()? - isize::try_from(y).ok()?;
        let (down, right) = (*frontier.get(slot(k + 1))?, *frontier.get(slot(k - 1))?);
        let goes_down = k == -depth || k != depth && right < down;
        let start = match (depth, goes_down) {
            (0, _) => 0,
            (_, true) => down,
            (_, false) => right,
        };
        let before = if goes_down { k + 1 } else { k - 1 };
        let start_y = if depth == 0 {
            0
        } else {
            usize::try_from(isize::try_from(start).ok()? - before).ok()?
        };
        while x > start && y > start_y && from.get(x - 1) == to.get(y - 1) {
            x -= 1;
            y -= 1;
            steps.push(Step::Keep(from.get(x)?));
        }
        if depth > 0 && goes_down {
            y -= 1;
            steps.push(Step::In(to.get(y)?));
        } else if depth > 0 {
            x -= 1;
            steps.push(Step::Out(from.get(x)?));
        }
    }
    steps.reverse();
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_that_is_put_in_has_its_context() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nd\nX\ne\nf\ng\nh\n";
        let said = unified("/srv/f.yaml", old, new);
        assert_eq!(
            said,
            "--- a/srv/f.yaml\n+++ b/srv/f.yaml\n@@ -2,6 +2,7 @@\n b\n c\n d\n+X\n e\n f\n g\n"
        );
        assert_eq!(unified("f", old, old), "");
    }

    #[test]
    fn far_changes_are_hunks_of_their_own_and_a_missing_line_end_is_told() {
        let old: String = (0..30).map(|line| format!("{line}\n")).collect();
        let new = old.replace("2\n3\n", "2\nx\n3\n").replace("29\n", "29");
        let said = unified("f", &old, &new);
        assert_eq!(said.matches("@@ -").count(), 2, "{said}");
        assert!(said.ends_with("-29\n+29\n\\ No newline at end of file\n"), "{said}");
        assert!(unified("f", "", "a\n").contains("@@ -0,0 +1 @@\n+a\n"));
    }

    /// What a reader of the diff gets.
    fn patched(old: &str, diff: &str) -> String {
        let mut left: Vec<&str> = old.split_inclusive('\n').collect();
        left.reverse();
        let mut out = String::new();
        let mut line = 0usize;
        let body: Vec<&str> = diff.split_inclusive('\n').skip(2).collect();
        for (at, step) in body.iter().enumerate() {
            let unended = body.get(at + 1).is_some_and(|next| next.starts_with('\\'));
            let text = |step: &str| {
                let text: String = step.chars().skip(1).collect();
                if unended { text.trim_end_matches('\n').to_owned() } else { text }
            };
            if let Some(range) = step.strip_prefix("@@ -") {
                let first = range.split(' ').next().unwrap();
                let (first, count) = first.split_once(',').unwrap_or((first, "1"));
                let first: usize = first.parse().unwrap();
                let first = if count == "0" { first } else { first - 1 };
                while line < first {
                    out.push_str(left.pop().unwrap());
                    line += 1;
                }
            } else if step.starts_with('+') {
                out.push_str(&text(step));
            } else if step.starts_with([' ', '-']) {
                let old = left.pop().unwrap();
                assert_eq!(old, text(step));
                line += 1;
                if step.starts_with(' ') {
                    out.push_str(old);
                }
            }
        }
        while let Some(rest) = left.pop() {
            out.push_str(rest);
        }
        out
    }

    proptest! {
        #[test]
        fn whoever_applies_the_diff_gets_the_new_text(old in "([ab]{0,2}\n){0,12}[ab]?", new in "([ab]{0,2}\n){0,12}[ab]?") {
            prop_assert_eq!(patched(&old, &unified("f", &old, &new)), new);
        }
    }

    #[test]
    fn what_differs_everywhere_is_shown_as_a_whole() {
        let old: String = (0..3000).map(|line| format!("a{line}\n")).collect();
        let new: String = (0..3000).map(|line| format!("b{line}\n")).collect();
        assert_eq!(patched(&old, &unified("f", &old, &new)), new);
    }
}
