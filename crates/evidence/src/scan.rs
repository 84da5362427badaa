//! Reads a text of any size in bounded memory: a small one whole, of a log the lines that may tell.
//!
//! The text goes by once, in blocks. A search for many short pieces at once finds the lines that
//! may tell of a death ([`parse::telling`]); windows around them are kept within a budget, the
//! newest first. Other threads take the digest of everything and read the lines that were found. So the case holds what was read
//! and can prove of which text, without a copy. A document (JSON, YAML) is not cut: it is read whole
//! up to a limit. This room does not judge and redacts nothing; its caller does.
//!
//! Leans on: Teddy, the search of the Hyperscan project, as `aho-corasick` has it; BLAKE3.

mod form;
mod kept;
mod lines;
mod readers;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use casefile::{CaseFile, CutFrom};
use form::Form;
use lines::Lines;
use readers::Readers;

/// A text up to this size is read whole.
const WHOLE: usize = 8 << 20;
/// A document up to this size is read whole.
const LARGEST_DOCUMENT: usize = 64 << 20;
/// A saved case may hold several large exhibits.
const LARGEST_CASE: usize = 512 << 20;
/// Bytes read at once: they stay in the processor's cache from the read to the digest.
const BLOCK: usize = 1 << 20;
/// Room before a block for what is carried over from the one before: the context of a line at the
/// block's beginning, and that line's own beginning.
const CARRIED: usize = 512 << 10;
/// Blocks under way: one being read or searched, two waiting for the digest.
const BLOCKS: usize = 3;

/// A text that was read.
#[derive(Debug)]
pub enum Scanned {
    /// All of it.
    Whole(Vec<u8>),
    /// What tells.
    Cut(Cut),
}

/// What is kept of a large log.
#[derive(Debug)]
pub struct Cut {
    /// The kept lines.
    pub text: String,
    /// Of which text they are, and where they stood in it.
    pub from: CutFrom,
    /// Lines that tell of a death, those left out included.
    pub telling: usize,
    /// What was left out of the budget, in plain words; `None` if nothing was.
    pub left_out: Option<String>,
}

/// Why a text could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A document that is too large to be read whole, and means nothing in parts.
    #[error("it is one document of more than {} MiB", LARGEST_DOCUMENT >> 20)]
    Document,
}

/// A text of which the beginning is read.
#[derive(Debug)]
pub struct Reading<R> {
    from: R,
    head: Vec<u8>,
}

impl<R: Read> Reading<R> {
    /// Reads the beginning: all of a small text.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn begin(mut from: R) -> io::Result<Self> {
        let mut head = Vec::new();
        read_up_to(&mut from, WHOLE + 1, &mut head)?;
        Ok(Self { from, head })
    }

    /// What is read so far.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Reads to the end. `told` hears, now and then, how many bytes have gone by.
    ///
    /// # Errors
    /// What cannot be read, and what can only be read whole but is too large.
    pub fn finish(self, told: &mut dyn FnMut(u64)) -> Result<Scanned, ScanError> {
        let Self { mut from, mut head } = self;
        if head.len() <= WHOLE {
            return Ok(Scanned::Whole(head));
        }
        let form = Form::of(&head);
        if form != Form::Document {
            return Ok(Scanned::Cut(cut(from, head, form, told)?));
        }
        let beginning = String::from_utf8_lossy(head.get(..4096).unwrap_or_default());
        let saved = CaseFile::looks_like(&beginning);
        let largest = if saved { LARGEST_CASE } else { LARGEST_DOCUMENT };
        read_up_to(&mut from, largest + 1, &mut head)?;
        if head.len() > largest { Err(ScanError::Document) } else { Ok(Scanned::Whole(head)) }
    }
}

fn read_up_to(from: &mut impl Read, most: usize, into: &mut Vec<u8>) -> io::Result<()> {
    let more = most.saturating_sub(into.len());
    from.take(u64::try_from(more).unwrap_or(u64::MAX)).read_to_end(into)?;
    Ok(())
}

/// A part of the text in memory.
struct Block {
    bytes: Vec<u8>,
    /// So many bytes are filled.
    filled: usize,
    /// Before this one they were carried over.
    fresh: usize,
}

impl Block {
    fn is_of_size(&self) -> bool {
        self.bytes.len() == CARRIED + BLOCK
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

/// Lets the text go by.
fn cut(
    mut from: impl Read,
    head: Vec<u8>,
    form: Form,
    told: &mut dyn FnMut(u64),
) -> io::Result<Cut> {
    let (to_digest, digested) = sync_channel::<Arc<Block>>(BLOCKS);
    let (give_back, given_back) = channel::<Arc<Block>>();
    thread::scope(|scope| {
        let mut lines = Lines::new(form, &head, Readers::start(scope, form));
        let digest = scope.spawn(move || digest(&digested, &give_back));
        let passed = pass(&mut from, head, &mut lines, &to_digest, &given_back, told);
        drop(to_digest);
        let hash =
            digest.join().map_err(|_panicked| io::Error::other("the digest thread ended"))?;
        Ok(lines.finish(passed?, format!("blake3:{}", hash.to_hex())))
    })
}

fn digest(blocks: &Receiver<Arc<Block>>, give_back: &Sender<Arc<Block>>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for block in blocks {
        hasher.update(block.text().get(block.fresh..).unwrap_or_default());
        // The reader may have ended; then nobody needs the block again.
        give_back.send(block).unwrap_or_default();
    }
    hasher.finalize()
}

/// Reads, searches and hands on block after block; returns the text's length.
fn pass(
    from: &mut impl Read,
    head: Vec<u8>,
    lines: &mut Lines,
    to_digest: &SyncSender<Arc<Block>>,
    given_back: &Receiver<Arc<Block>>,
    told: &mut dyn FnMut(u64),
) -> io::Result<u64> {
    let closed = |_| io::Error::other("the digest thread ended");
    let mut block = Block { filled: head.len(), fresh: 0, bytes: head };
    let mut carried = Vec::with_capacity(CARRIED);
    let mut base = 0_u64;
    let mut made = 0;
    loop {
        let shared = Arc::new(block);
        to_digest.send(Arc::clone(&shared)).map_err(closed)?;
        let carry = lines.take(shared.text(), base);
        carried.clear();
        carried.extend_from_slice(shared.text().get(carry..).unwrap_or_default());
        drop(shared);
        block = spare(given_back, &mut made)?;
        if let Some(room) = block.bytes.get_mut(..carried.len()) {
            room.copy_from_slice(&carried);
        }
        block.fresh = carried.len();
        let read = fill(from, block.bytes.get_mut(block.fresh..block.fresh + BLOCK))?;
        block.filled = block.fresh + read;
        base += carry as u64;
        told(base + block.filled as u64);
        // What is left is the last block's end, which the digest has already.
        if read == 0 {
            lines.end(block.text(), base);
            return Ok(base + block.filled as u64);
        }
    }
}

/// A block that is in nobody's hands.
fn spare(given_back: &Receiver<Arc<Block>>, made: &mut usize) -> io::Result<Block> {
    if *made >= BLOCKS {
        // The first block, the head of the text, is of another size; it comes back once.
        for back in given_back.iter().take(2) {
            if let Some(block) = Arc::into_inner(back).filter(|block| block.is_of_size()) {
                return Ok(block);
            }
        }
        return Err(io::Error::other("the digest thread ended"));
    }
    *made += 1;
    Ok(Block { bytes: vec![0; CARRIED + BLOCK], filled: 0, fresh: 0 })
}

fn fill(from: &mut impl Read, room: Option<&mut [u8]>) -> io::Result<usize> {
    let room = room.unwrap_or_default();
    let mut filled = 0;
    while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
