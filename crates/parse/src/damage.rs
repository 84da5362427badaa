//! What pasting does to a text, for property tests: a line lost, the head and the tail cut off.
//! Tests only.

/// The text without one line, then from one character on for so many characters.
pub(crate) fn damaged(text: &str, lost_line: usize, from: usize, length: usize) -> String {
    let kept: String = text
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != lost_line)
        .flat_map(|(_, line)| [line, "\n"])
        .collect();
    kept.chars().skip(from).take(length).collect()
}
