//! A `--format` template found in a pasted command line, and lines read by it.

use super::assign;
use crate::record::ContainerRecord;

enum Piece {
    Literal(String),
    Field(String),
}

/// The pieces of a template, in order.
pub(super) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// The template of a runtime's `inspect` command.
    pub(super) fn in_command(words: &str) -> Option<Self> {
        let first = words.find("{{")?;
        let end = words.rfind("}}")? + 2;
        if !words.contains("inspect") {
            return None;
        }
        let before = words.get(..first)?;
        let start = before.rfind(['\'', '"', ' ', '=']).map_or(0, |at| at + 1);
        // A quote opens the template wherever it is; a blank only if no quote does.
        let start = before.rfind(['\'', '"']).map_or(start, |quote| quote + 1);
        let tail = words.get(end..)?;
        let after = tail.find(['\'', '"']).and_then(|at| tail.get(..at)).unwrap_or_default();
        let pieces = pieces(&format!("{}{after}", words.get(start..end)?));
        let known = |piece: &Piece| match piece {
            Piece::Literal(_) => false,
            Piece::Field(name) => super::fields::is_known(name),
        };
        pieces.iter().any(known).then_some(Self { pieces })
    }

    /// What a line says by this template; `None` if it does not fit.
    pub(super) fn read(&self, words: &str) -> Option<ContainerRecord> {
        let mut record = ContainerRecord::default();
        let words = super::clock::with_whole_times(words);
        let mut rest = words.trim_matches(['\'', '"']);
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Literal(literal) => {
                    rest = match rest.strip_prefix(literal.as_str()) {
                        Some(after) => after,
                        None => rest.trim_start().strip_prefix(literal.trim())?,
                    };
                }
                Piece::Field(name) => {
                    let end = match pieces.peek() {
                        Some(Piece::Literal(next)) => rest.find(next.as_str())?,
                        Some(Piece::Field(_)) => return None,
                        None => rest.len(),
                    };
                    let value = rest.get(..end)?;
                    if super::fields::is_known(name) {
                        assign(&mut record, name, value)?;
                    }
                    rest = rest.get(end..)?;
                }
            }
        }
        Some(record)
    }
}

fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once("{{") {
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        let Some((field, after)) = after.split_once("}}") else { return pieces };
        let field = field.trim().trim_matches('-').trim();
        pieces.push(Piece::Field(field.strip_prefix("json ").unwrap_or(field).trim().to_owned()));
        rest = after;
    }
    if !rest.trim().is_empty() {
        pieces.push(Piece::Literal(rest.trim_end().to_owned()));
    }
    pieces
}
