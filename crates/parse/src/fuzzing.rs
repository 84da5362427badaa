//! Doors for the fuzzer (`cfg(fuzzing)`) into the two rooms that no other crate sees: what lines
//! and which JSON values were found, and where. It checks nothing itself.

use casefile::Span;

use crate::{json, transport};

/// Every logical line: where it stands and its words.
pub fn lines(text: &str) -> Vec<(Span, String)> {
    transport::lines(text).into_iter().map(|line| (line.span, line.text)).collect()
}

/// Every JSON value, each directly followed by those inside it: how deep it lies, where it stands.
pub fn values(text: &str) -> Vec<(usize, Span)> {
    let documents = json::documents(text);
    let mut waiting: Vec<(usize, &json::Node)> =
        documents.iter().rev().map(|node| (0, node)).collect();
    let mut found = Vec::new();
    while let Some((depth, node)) = waiting.pop() {
        found.push((depth, node.span));
        waiting.extend(node.children().into_iter().rev().map(|child| (depth + 1, child)));
    }
    found
}
