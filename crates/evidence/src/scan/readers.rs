//! Reads the lines that may tell, on threads of their own, while the text goes by.
//!
//! Of most lines with a stem only reading shows whether they tell, and reading takes a hundred times
//! as long as searching. They come in batches; what became of a batch is handed back in the order in
//! which the batches were given, so the answer does not depend on which thread was faster. So many
//! batches are under way at most that memory stays bounded: whoever gives one more waits.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, available_parallelism};

use casefile::Source;

use super::form::Form;
use super::kept::{Piece, View, Window, joined};
use super::lines::BACK;

/// Neighbours that are read with a line that may tell: what a mailer wrapped, an exception's cause.
const NEAR: u64 = 240;
/// More threads would wait for the search.
const MOST_THREADS: usize = 4;

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What is kept of it.
    pub(super) windows: Vec<Window>,
    /// Lines that tell.
    pub(super) lines: usize,
}

type Job = (Vec<Window>, Sender<Told>);

/// The threads that read.
#[derive(Debug)]
pub(super) struct Readers {
    jobs: Sender<Job>,
    under_way: VecDeque<Receiver<Told>>,
    most: usize,
}

impl Readers {
    /// Starts them; they end when this value is gone.
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, form: Form) -> Self {
        let threads = available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let most = threads * 2;
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || {
                // The lock is held while one thread waits for a batch, not while it reads it.
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok((windows, answer)) = next() {
                    // Whoever asked may have given up.
                    drop(answer.send(read(form, windows)));
                }
            });
        }
        Self { jobs, under_way: VecDeque::new(), most }
    }

    /// Gives a batch to read; returns what became of an earlier one, if it had to be waited for or is
    /// there.
    pub(super) fn give(&mut self, windows: Vec<Window>) -> Option<Told> {
        let (send, answer) = channel();
        // The threads end only after this value.
        drop(self.jobs.send((windows, send)));
        self.under_way.push_back(answer);
        if self.under_way.len() > self.most { self.next() } else { None }
    }

    /// What became of the oldest batch under way; `None` if there is none.
    pub(super) fn next(&mut self) -> Option<Told> {
        // A thread that ended in a panic is told by the scope that it belongs to.
        Some(self.under_way.pop_front()?.recv().unwrap_or_default())
    }
}

/// Reads the lines that may tell; what tells is kept with the lines around it.
fn read(form: Form, windows: Vec<Window>) -> Told {
    let mut text = String::new();
    // Where in the batch a run of lines stands, of which window it is, and where in the text.
    let mut places: Vec<(usize, usize, u64)> = Vec::new();
    for (number, window) in windows.iter().enumerate() {
        for piece in &window.pieces {
            let near: Vec<(u64, u64)> =
                window.hits.iter().filter_map(|hit| whole(form, piece, *hit, NEAR)).collect();
            for (start, end) in joined(&near) {
                let Some(part) = piece.between(start, end) else { continue };
                places.push((text.len(), number, start));
                text.push_str(&String::from_utf8_lossy(&part.bytes));
            }
        }
    }
    let mut told: Vec<Vec<(u64, u64)>> = vec![Vec::new(); windows.len()];
    for seen in parse::read(Source::Pasted, &text) {
        let at = places.partition_point(|place| place.0 <= seen.span.start);
        let Some((offset, number, start)) = at.checked_sub(1).and_then(|at| places.get(at)) else {
            continue;
        };
        let from = start + (seen.span.start - offset) as u64;
        if let Some(told) = told.get_mut(*number) {
            told.push((from, from + (seen.span.end - seen.span.start) as u64));
        }
    }
    let mut kept = Told::default();
    for (window, told) in windows.into_iter().zip(told) {
        keep(form, &window, told, &mut kept);
    }
    kept
}

fn keep(form: Form, window: &Window, mut told: Vec<(u64, u64)>, kept: &mut Told) {
    told.sort_unstable();
    let reach = around(form);
    for piece in &window.pieces {
        let around: Vec<(u64, u64)> =
            told.iter().filter_map(|hit| whole(form, piece, *hit, reach)).collect();
        for (start, end) in joined(&around) {
            let inside = |hit: &&(u64, u64)| start <= hit.0 && hit.0 < end;
            let lines: Vec<(u64, u64)> =
                told.iter().filter(inside).filter_map(|hit| whole(form, piece, *hit, 0)).collect();
            let Some(piece) = piece.between(start, end) else { continue };
            kept.lines += lines.len();
            kept.windows.push(Window { pieces: vec![piece], hits: joined(&lines), victims: 0 });
        }
    }
}

/// How far what is kept reaches around a line of which only reading shows whether it tells.
pub(super) fn around(form: Form) -> u64 {
    ((2 << 10) * form.weight() as u64).min(BACK)
}

/// The whole lines of a piece from `near` bytes before a range to as many behind it.
fn whole(form: Form, piece: &Piece, range: (u64, u64), near: u64) -> Option<(u64, u64)> {
    if range.1 <= piece.start || piece.end() <= range.0 {
        return None;
    }
    let view = View { bytes: &piece.bytes, base: piece.start, form };
    let from = range.0.saturating_sub(near).max(piece.start);
    // A piece begins with a line.
    let start = view.entry_start(from).or(Some(piece.start).filter(|start| from - start <= near));
    let last = (range.1 + near).min(piece.end()).saturating_sub(1);
    Some((start.unwrap_or(range.0), view.entry_end(last).unwrap_or(piece.end())))
}
