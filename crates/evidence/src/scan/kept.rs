//! What is kept of a large log: windows around telling lines, within a budget.
//!
//! The budget is spent on the newest windows. An older one is first reduced to its telling lines
//! (a report without its table of tasks), and only then left out, which is counted, with the times
//! between which it lay. Decides nothing about what a line means.

use std::collections::VecDeque;

use super::form::Form;

/// A run of bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it stood.
    pub(super) start: u64,
    /// Its bytes: whole lines.
    pub(super) bytes: Vec<u8>,
}

impl Piece {
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The part of it between two places of the text.
    pub(super) fn between(&self, start: u64, end: u64) -> Option<Self> {
        let from = usize::try_from(start.max(self.start) - self.start).ok()?;
        let to = usize::try_from(end.min(self.end()).checked_sub(self.start)?).ok()?;
        let bytes = self.bytes.get(from..to).filter(|bytes| !bytes.is_empty())?;
        Some(Self { start: self.start + from as u64, bytes: bytes.to_vec() })
    }
}

/// Telling lines and what stands around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) pieces: Vec<Piece>,
    /// The telling lines' places, in order.
    pub(super) hits: Vec<(u64, u64)>,
    /// How many of them name a victim.
    pub(super) victims: usize,
}

impl Window {
    fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes.len()).sum()
    }

    /// Leaves the telling lines alone.
    fn reduce(&mut self) {
        let mut pieces: Vec<Piece> = Vec::new();
        for (start, end) in joined(&self.hits) {
            pieces.extend(self.pieces.iter().filter_map(|piece| {
                let apart = piece.end() <= start || end <= piece.start;
                if apart { None } else { piece.between(start, end) }
            }));
        }
        self.pieces = pieces;
    }

    fn first_line(&self) -> String {
        let bytes = self.pieces.first().map(|piece| piece.bytes.as_slice()).unwrap_or_default();
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        String::from_utf8_lossy(line.get(..512).unwrap_or(line)).into_owned()
    }
}

/// Ranges in order, those that touch made one.
pub(super) fn joined(ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for (start, end) in ranges {
        match found.last_mut() {
            Some(last) if *start <= last.1 => last.1 = last.1.max(*end),
            _ => found.push((*start, *end)),
        }
    }
    found
}

/// What did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LeftOut {
    /// Windows that are gone.
    pub(super) windows: usize,
    /// Telling lines in them.
    pub(super) lines: usize,
    /// Victims named in them.
    pub(super) victims: usize,
    /// A line of the first one, and of the last.
    pub(super) from: Option<String>,
    /// See `from`.
    pub(super) to: Option<String>,
    /// Windows of which the telling lines alone are kept.
    pub(super) reduced: usize,
}

/// Windows within a budget.
#[derive(Debug)]
pub(super) struct Store {
    windows: VecDeque<Window>,
    /// So many windows at the old end are reduced already.
    reduced: usize,
    bytes: usize,
    /// Bytes up to which windows stay whole.
    whole: usize,
    /// Bytes up to which windows stay.
    most: usize,
    /// The log begins with its newest line.
    backwards: bool,
    left_out: LeftOut,
}

impl Store {
    pub(super) fn new(whole: usize, most: usize, backwards: bool) -> Self {
        Self {
            windows: VecDeque::new(),
            reduced: 0,
            bytes: 0,
            whole,
            most,
            backwards,
            left_out: LeftOut::default(),
        }
    }

    /// Adds the next window of the text.
    pub(super) fn push(&mut self, mut window: Window) {
        if self.backwards {
            if self.bytes + window.len() > self.whole {
                window.reduce();
                self.reduced += 1;
            }
            if self.bytes + window.len() > self.most {
                self.reduced = self.reduced.saturating_sub(1);
                self.leave_out(&window);
                return;
            }
        }
        self.bytes += window.len();
        self.windows.push_back(window);
        while self.bytes > self.whole
            && self.reduced + 1 < self.windows.len()
            && let Some(oldest) = self.windows.get_mut(self.reduced).filter(|_| !self.backwards)
        {
            self.bytes -= oldest.len();
            oldest.reduce();
            self.bytes += oldest.len();
            self.reduced += 1;
        }
        while self.bytes > self.most
            && self.windows.len() > 1
            && let Some(oldest) = self.windows.pop_front()
        {
            self.bytes -= oldest.len();
            self.reduced = self.reduced.saturating_sub(1);
            self.leave_out(&oldest);
        }
    }

    fn leave_out(&mut self, window: &Window) {
        self.left_out.windows += 1;
        self.left_out.lines += window.hits.len();
        self.left_out.victims += window.victims;
        let line = window.first_line();
        self.left_out.from.get_or_insert_with(|| line.clone());
        self.left_out.to = Some(line);
    }

    /// The windows, and what did not fit.
    pub(super) fn finish(mut self) -> (Vec<Window>, LeftOut) {
        self.left_out.reduced = self.reduced;
        (self.windows.into(), self.left_out)
    }
}

/// The part of the text that is in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) bytes: &'a [u8],
    /// Where its first byte stands in the text.
    pub(super) base: u64,
    pub(super) form: Form,
}

impl View<'_> {
    pub(super) fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    fn index(&self, at: u64) -> usize {
        usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.bytes.len())
    }

    fn slice(&self, start: u64, end: u64) -> &[u8] {
        self.bytes.get(self.index(start)..self.index(end)).unwrap_or_default()
    }

    pub(super) fn entry_start(&self, at: u64) -> Option<u64> {
        let start = self.form.entry_start(self.bytes, self.index(at))?;
        // What stands before the view may be the beginning of this line.
        (start > 0 || self.base == 0).then(|| self.base + start as u64)
    }

    pub(super) fn entry_end(&self, at: u64) -> Option<u64> {
        self.form.entry_end(self.bytes, self.index(at)).map(|end| self.base + end as u64)
    }
}

/// A window while the text goes by.
#[derive(Debug)]
struct Open {
    piece: Piece,
    /// The text belongs to it up to here if nothing else is found.
    until: u64,
    /// So much is kept behind the last telling line.
    ahead: u64,
    hits: Vec<(u64, u64)>,
    victims: usize,
}

/// How far a window reaches around a telling line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub(super) back: u64,
    pub(super) ahead: u64,
    /// The next telling line is part of it up to this distance.
    pub(super) join: u64,
    /// Ends what waited for it: a report's victim.
    pub(super) closes: bool,
}

/// Makes windows of telling lines, in order.
#[derive(Debug, Default)]
pub(super) struct Track {
    open: Option<Open>,
    /// Up to here everything is in a window already.
    floor: u64,
}

/// A window that grows beyond this is closed; the next one begins.
const WIDEST: usize = 1 << 20;

impl Track {
    /// A telling entry stands at `hit`. Returns the window that it leaves behind.
    pub(super) fn take(
        &mut self,
        view: &View<'_>,
        hit: (u64, u64),
        reach: Reach,
        victim: bool,
    ) -> Option<Window> {
        let from = hit.0.saturating_sub(reach.back).max(self.floor);
        let over = self
            .open
            .as_ref()
            .is_some_and(|open| from > open.until || open.piece.bytes.len() > WIDEST);
        let closed = if over { self.close(view) } else { None };
        let floor = self.floor;
        let open = self.open.get_or_insert_with(|| {
            let from = hit.0.saturating_sub(reach.back).max(view.base).max(floor);
            // A line that is too long to have a beginning begins with the hit.
            let start = view.entry_start(from).filter(|start| *start >= floor).unwrap_or(hit.0);
            // Zeros that a crash left are no context.
            let before = view.slice(start.min(hit.0), hit.0);
            let start = memchr::memrchr(0, before)
                .map_or(start.min(hit.0), |zero| start.min(hit.0) + zero as u64 + 1);
            let piece = Piece { start, bytes: Vec::new() };
            Open { piece, until: hit.1, ahead: 0, hits: Vec::new(), victims: 0 }
        });
        let end = open.piece.end();
        open.piece.bytes.extend_from_slice(view.slice(end, hit.1));
        let until = hit.1 + reach.join.max(reach.ahead);
        open.until = if reach.closes { until } else { until.max(open.until) };
        open.ahead = if reach.closes { reach.ahead } else { reach.ahead.max(open.ahead) };
        if open.hits.last().is_none_or(|last| last.1 <= hit.0) {
            open.hits.push(hit);
        }
        open.victims += usize::from(victim);
        closed
    }

    /// The view is about to move on: what belongs to the open window is taken from it.
    pub(super) fn pass(&mut self, view: &View<'_>) -> Option<Window> {
        let open = self.open.as_mut()?;
        if open.until <= view.end() {
            return self.close(view);
        }
        let end = open.piece.end();
        open.piece.bytes.extend_from_slice(view.slice(end, view.end()));
        None
    }

    /// Ends the open window.
    pub(super) fn close(&mut self, view: &View<'_>) -> Option<Window> {
        let mut open = self.open.take()?;
        let last = open.hits.last().map_or(open.piece.start, |hit| hit.1);
        let to = open.until.min(last + open.ahead).max(last);
        if to > open.piece.end() {
            let end = open.piece.end();
            let to = view.entry_end(to.saturating_sub(1)).unwrap_or(view.end());
            open.piece.bytes.extend_from_slice(view.slice(end, to));
        } else {
            let most = usize::try_from(to - open.piece.start).unwrap_or(usize::MAX);
            let tail = open.piece.bytes.get(most..).unwrap_or_default();
            let line = memchr::memchr(b'\n', tail).map_or(tail.len(), |end| end + 1);
            let whole = if to == last { 0 } else { line };
            open.piece.bytes.truncate(most.saturating_add(whole));
        }
        self.floor = open.piece.end();
        Some(Window { pieces: vec![open.piece], hits: open.hits, victims: open.victims })
    }
}
