//! One text that several readers look at: its lines and its JSON are found once, and only if asked for.
//!
//! Pasted text is offered to every reader; each asks for the parts it needs. Nothing is read here
//! beyond what `transport` and `json` tell.

use std::cell::OnceCell;

use crate::{
    json::{self, Node},
    transport::{self, Line},
};

/// A text, with what was found in it so far.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    whole: &'a str,
    lines: OnceCell<Vec<Line>>,
    documents: OnceCell<Vec<Node>>,
}

impl<'a> Text<'a> {
    /// A text of which nothing is known yet.
    pub(crate) fn new(whole: &'a str) -> Self {
        Self { whole, lines: OnceCell::new(), documents: OnceCell::new() }
    }

    /// The text itself; spans are bytes of it.
    pub(crate) fn whole(&self) -> &'a str {
        self.whole
    }

    /// Its lines without what the transport put before them.
    pub(crate) fn lines(&self) -> &[Line] {
        self.lines.get_or_init(|| transport::lines(self.whole))
    }

    /// The JSON values in it.
    pub(crate) fn documents(&self) -> &[Node] {
        self.documents.get_or_init(|| json::documents(self.whole))
    }

    /// The JSON objects in it: every document that is one, and the elements of every array of them.
    pub(crate) fn objects(&self) -> Vec<&Node> {
        json::objects(self.documents())
    }
}
