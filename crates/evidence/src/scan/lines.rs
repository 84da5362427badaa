//! The telling lines of a log that goes by block after block.
//!
//! A line of a kernel report is kept with its whole report. Of any other line with a stem, only
//! reading it shows whether it tells; such lines are given to the readers in batches, a few neighbours
//! with each, and those of which a reader made nothing are forgotten. The first and the last lines
//! are kept for their clock.

use aho_corasick::packed::Searcher;
use aho_corasick::{Span as Range, packed};
use casefile::{CutFrom, Span};
use parse::telling::{self, STEMS, Telling};

use super::Cut;
use super::form::{Form, LONGEST};
use super::kept::{LeftOut, Piece, Reach, Store, Track, View, Window};
use super::readers::{self, Readers, Told};

/// Reports stay whole up to this many bytes of them, their telling lines up to the second.
const REPORTS: (usize, usize) = (3 << 19, 3 << 20);
/// The same of all other telling lines.
const OTHERS: (usize, usize) = (1 << 19, 3 << 18);
/// Lines that may tell are read when so many bytes of them have come together.
const BATCH: usize = 128 << 10;
/// What is carried from block to block for the lines before a telling one.
pub(super) const BACK: u64 = 64 << 10;
/// The first and the last lines.
const EDGE: u64 = 2 << 10;

/// What is known of the log so far.
pub(super) struct Lines {
    form: Form,
    /// `None` where the processor lacks the instructions; then it is done by the slower search.
    fast: Option<Searcher>,
    slow: Option<aho_corasick::AhoCorasick>,
    backwards: bool,
    sure: Track,
    perhaps: Track,
    reports: Store,
    others: Store,
    readers: Readers,
    batch: Vec<Window>,
    batched: usize,
    /// Everything before this place has been searched.
    done: u64,
    /// The text is inside a line that is too long to be one.
    in_giant: bool,
    giants: usize,
    edges: Vec<Piece>,
    telling: usize,
}

impl Lines {
    /// Nothing seen yet; `head` is where the text begins.
    pub(super) fn new(form: Form, head: &[u8], readers: Readers) -> Self {
        let beginning = String::from_utf8_lossy(head.get(..LONGEST).unwrap_or(head));
        let backwards = telling::runs_backwards(&beginning);
        let fast = packed::Config::new().builder().extend(STEMS).build();
        let slow = match &fast {
            Some(_) => None,
            None => aho_corasick::AhoCorasick::new(STEMS).ok(),
        };
        Self {
            form,
            fast,
            slow,
            backwards,
            sure: Track::default(),
            perhaps: Track::default(),
            reports: Store::new(REPORTS.0, REPORTS.1, backwards),
            others: Store::new(OTHERS.0, OTHERS.1, backwards),
            readers,
            batch: Vec::new(),
            batched: 0,
            done: 0,
            in_giant: false,
            giants: 0,
            edges: Vec::new(),
            telling: 0,
        }
    }

    /// Searches a block's whole lines; returns from where on the next block needs this one.
    pub(super) fn take(&mut self, bytes: &[u8], base: u64) -> usize {
        let view = View { bytes, base, form: self.form };
        if base == 0 {
            self.keep_edge(&view, 0, EDGE);
        }
        let end = self.whole_lines(&view);
        self.search(&view, end);
        let seen = View { bytes: bytes.get(..index(&view, end)).unwrap_or(bytes), ..view };
        if let Some(window) = self.sure.pass(&seen) {
            self.reports.push(window);
        }
        if let Some(window) = self.perhaps.pass(&seen) {
            self.add(window);
        }
        self.done = self.done.max(end);
        index(&view, self.done.saturating_sub(BACK))
    }

    /// Searches what is left at the end of the text.
    pub(super) fn end(&mut self, bytes: &[u8], base: u64) {
        let view = View { bytes, base, form: self.form };
        self.search(&view, view.end());
        if let Some(window) = self.sure.close(&view) {
            self.reports.push(window);
        }
        if let Some(window) = self.perhaps.close(&view) {
            self.add(window);
        }
        self.read_batch();
        while let Some(told) = self.readers.next() {
            self.keep(told);
        }
        if self.in_giant {
            return;
        }
        self.keep_edge(&view, view.end().saturating_sub(EDGE), view.end());
    }

    /// Where the last line, or the last entry, that is whole ends.
    fn whole_lines(&mut self, view: &View<'_>) -> u64 {
        let Some(end) = memchr::memrchr2(b'\n', 0, view.bytes) else {
            return self.skip_giant(view);
        };
        let end = end + 1;
        if end <= index(view, self.done) {
            return self.skip_giant(view);
        }
        let entry = match self.form {
            Form::Lines | Form::JsonLines | Form::Document => Some(end),
            Form::Export | Form::Pretty | Form::Verbose => {
                self.form.entry_start(view.bytes, end.saturating_sub(1))
            }
        };
        let entry = entry.filter(|entry| *entry > index(view, self.done));
        view.base + entry.unwrap_or(end) as u64
    }

    /// Nothing ends in sight: up to a length that may still become a line, beyond it is none.
    fn skip_giant(&mut self, view: &View<'_>) -> u64 {
        if view.end() - self.done <= LONGEST as u64 {
            return self.done;
        }
        self.giants += usize::from(!self.in_giant);
        self.in_giant = true;
        self.done = view.end();
        self.done
    }

    fn search(&mut self, view: &View<'_>, end: u64) {
        let end = index(view, end);
        let mut at = index(view, self.done);
        if self.in_giant && at < end {
            let rest = view.bytes.get(at..end).unwrap_or_default();
            let Some(over) = memchr::memchr2(b'\n', 0, rest) else { return };
            self.in_giant = false;
            at += over + 1;
        }
        while let Some(found) = self.next_stem(view.bytes, at, end) {
            let start = self.form.entry_start(view.bytes, found);
            let stop =
                self.form.entry_end(view.bytes, found).unwrap_or(end).min(end).max(found + 1);
            match start {
                Some(start) if stop - start <= LONGEST => self.hit(view, start.max(at), stop),
                Some(_) | None => self.giants += 1,
            }
            at = stop;
        }
    }

    /// Where the next stem stands.
    fn next_stem(&self, bytes: &[u8], start: usize, end: usize) -> Option<usize> {
        let mut start = start;
        while start < end {
            let (pattern, found, after) = match (&self.fast, &self.slow) {
                (Some(fast), _) => {
                    let found = fast.find_in(bytes, Range { start, end })?;
                    (found.pattern(), found.start(), found.end())
                }
                (None, Some(slow)) => {
                    let found = slow.find(aho_corasick::Input::new(bytes).range(start..end))?;
                    (found.pattern(), found.start(), found.end())
                }
                (None, None) => return None,
            };
            let stem = STEMS.get(pattern.as_usize()).copied().unwrap_or_default();
            if !telling::is_other_number(stem, bytes.get(after).copied()) {
                return Some(found);
            }
            start = after;
        }
        None
    }

    fn hit(&mut self, view: &View<'_>, start: usize, end: usize) {
        let line = String::from_utf8_lossy(view.bytes.get(start..end).unwrap_or_default());
        let hit = (view.base + start as u64, view.base + end as u64);
        let kind = telling::telling(&line);
        let reach = self.reach(kind);
        if kind == Telling::Perhaps {
            if let Some(window) = self.perhaps.take(view, hit, reach, false) {
                self.add(window);
            }
            return;
        }
        self.telling += 1;
        if let Some(window) = self.sure.take(view, hit, reach, kind == Telling::Victim) {
            self.reports.push(window);
        }
    }

    fn reach(&self, kind: Telling) -> Reach {
        // A task table of 3,000 processes has 330 KiB.
        const REPORT: u64 = 512 << 10;
        let weight = self.form.weight() as u64;
        let perhaps = readers::around(self.form);
        let (begins, ends) = match (kind, self.backwards) {
            (Telling::Opens, false) | (Telling::Victim, true) => (true, false),
            (Telling::Opens, true) | (Telling::Victim, false) => (false, true),
            (Telling::Report | Telling::Document | Telling::Perhaps, _) => (false, false),
        };
        let around = match kind {
            // Without a victim, the machine's free memory still follows.
            Telling::Opens => (4 << 10, 16 << 10),
            Telling::Victim | Telling::Report => (4 << 10, 2 << 10),
            Telling::Document => (16 << 10, 16 << 10),
            Telling::Perhaps => {
                return Reach { back: perhaps, ahead: perhaps, join: 0, closes: false };
            }
        };
        Reach {
            back: (around.0 * weight).min(BACK),
            ahead: (around.1 * weight).min(BACK),
            join: if begins { REPORT } else { 0 },
            closes: ends,
        }
    }

    fn add(&mut self, window: Window) {
        self.batched += window.hits.len() * 1024;
        self.batch.push(window);
        if self.batched >= BATCH {
            self.read_batch();
        }
    }

    fn read_batch(&mut self) {
        self.batched = 0;
        if let Some(told) = self.readers.give(std::mem::take(&mut self.batch)) {
            self.keep(told);
        }
    }

    fn keep(&mut self, told: Told) {
        self.telling += told.lines;
        told.windows.into_iter().for_each(|window| self.others.push(window));
    }

    /// The first or the last whole lines, if they are text.
    fn keep_edge(&mut self, view: &View<'_>, from: u64, to: u64) {
        let start = if from == 0 { Some(0) } else { view.entry_start(from.max(view.base)) };
        let end = if to == view.end() { Some(to) } else { view.entry_end(to) };
        let (Some(start), Some(end)) = (start, end) else { return };
        let bytes = view.bytes.get(index(view, start)..index(view, end)).unwrap_or_default();
        let is_text = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
        if is_text && !bytes.is_empty() && bytes.len() <= LONGEST {
            self.edges.push(Piece { start, bytes: bytes.to_vec() });
        }
    }

    /// What is kept, of a text of this length and digest.
    pub(super) fn finish(self, bytes: u64, digest: String) -> Cut {
        let (mut windows, reports) = self.reports.finish();
        let (others, lines) = self.others.finish();
        windows.extend(others);
        let mut pieces: Vec<Piece> = windows.into_iter().flat_map(|window| window.pieces).collect();
        pieces.extend(self.edges);
        pieces.sort_by_key(|piece| piece.start);
        let mut text = Vec::new();
        let mut kept: Vec<Span> = Vec::new();
        let mut end = 0;
        for piece in pieces {
            let Some(part) = piece.between(end.max(piece.start), piece.end()) else { continue };
            end = part.end();
            let start = usize::try_from(part.start).unwrap_or(usize::MAX);
            let span = Span { start, end: start.saturating_add(part.bytes.len()) };
            match kept.last_mut().filter(|last| last.end == span.start) {
                Some(last) => last.end = span.end,
                None => kept.push(span),
            }
            text.extend_from_slice(&part.bytes);
        }
        Cut {
            text: String::from_utf8(text)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            from: CutFrom { bytes, digest, kept },
            telling: self.telling,
            left_out: left_out(&reports, &lines, self.giants),
        }
    }
}

fn index(view: &View<'_>, at: u64) -> usize {
    usize::try_from(at.saturating_sub(view.base)).unwrap_or(usize::MAX).min(view.bytes.len())
}

/// What did not fit, in plain words.
fn left_out(reports: &LeftOut, lines: &LeftOut, giants: usize) -> Option<String> {
    let mut said = Vec::new();
    if reports.reduced > 0 {
        said.push(format!("{} older reports are kept without their tables", reports.reduced));
    }
    if reports.windows > 0 {
        said.push(format!(
            "{} older reports with {} victims are left out{}",
            reports.windows,
            reports.victims,
            when(reports)
        ));
    }
    if lines.reduced > 0 {
        said.push(format!(
            "{} older places with other telling lines are kept without the lines around them",
            lines.reduced
        ));
    }
    if lines.windows > 0 {
        said.push(format!("{} older telling lines are left out{}", lines.lines, when(lines)));
    }
    if giants > 0 {
        said.push(format!(
            "{giants} lines are longer than {} KiB and were not read",
            LONGEST >> 10
        ));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// `, from 2026-05-27T18:42:10Z to …`
fn when(left_out: &LeftOut) -> String {
    let stamp = |line: &Option<String>| {
        let stamp = line.as_deref().and_then(telling::first_stamp)?;
        Some(match stamp {
            casefile::Stamp::Wall(moment) => moment.to_string(),
            casefile::Stamp::Local(moment) => {
                let text = moment.to_string();
                text.strip_suffix('Z').unwrap_or(&text).to_owned()
            }
            casefile::Stamp::SinceBoot(micros) => format!("{} s after boot", micros / 1_000_000),
        })
    };
    match (stamp(&left_out.from), stamp(&left_out.to)) {
        (Some(from), Some(to)) => format!(", from {from} to {to}"),
        _ => String::new(),
    }
}
