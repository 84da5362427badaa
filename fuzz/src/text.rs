//! Hostile text: bytes as text, and new texts out of lines that are known to mean something.
//!
//! A byte-wise mutation seldom makes two whole kernel reports that interleave. [`mutate`] works on
//! lines: it splices known ones in, cuts, doubles, swaps and interleaves them, and changes numbers.
//! The known lines are those of `corpus/lines.txt`, which `cargo xtask fuzz` writes from the
//! dossiers and from the examples in the tests; without the file the fuzzer does with bytes alone.

use std::borrow::Cow;
use std::sync::OnceLock;

use casefile::Source;

/// No input is larger; a larger one of the same kind says nothing new.
pub const LARGEST: usize = 16 << 10;

/// Bytes as the program reads a file: what is not UTF-8 becomes `�`.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The first byte chooses, the rest is the text. Printable, so that a seed can be read.
pub fn chosen<'a, T: Copy>(from: &[T], bytes: &'a [u8]) -> Option<(T, Cow<'a, str>)> {
    let (first, rest) = bytes.split_first()?;
    let place = usize::from(first.wrapping_sub(b'A')) % from.len().max(1);
    Some((*from.get(place)?, lossy(rest)))
}

/// Every source, in the order of the letters by which a case's text names them.
pub const SOURCES: [Source; 15] = [
    Source::Pasted,
    Source::KernelLog,
    Source::ContainerInspect,
    Source::ContainerEvents,
    Source::DockerConfig,
    Source::Journal,
    Source::Cgroup,
    Source::Proc,
    Source::ApplicationLog,
    Source::Kubernetes,
    Source::Ecs,
    Source::Trace,
    Source::Machine,
    Source::UnitState,
    Source::Swarm,
];

/// A small generator of numbers (xorshift): the fuzzer's seed decides everything.
struct Dice(u64);

impl Dice {
    fn new(seed: u32) -> Self {
        Self(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % bound.max(1)
    }
}

/// Runs of lines as they stand together in one dossier or example, each with its line break.
fn known() -> &'static [Vec<String>] {
    static KNOWN: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/lines.txt");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split("\n\u{1e}\n")
            .map(|run| run.lines().map(|line| format!("{line}\n")).collect())
            .filter(|run: &Vec<String>| !run.is_empty())
            .collect()
    })
}

/// Numbers at which something may turn: signs, widths, sizes, codes, times.
const NUMBERS: [&str; 24] = [
    "0",
    "1",
    "-1",
    "9",
    "15",
    "64",
    "128",
    "137",
    "139",
    "143",
    "255",
    "256",
    "1000",
    "4096",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854771712",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
];

/// Times at which something may turn.
const TIMES: [&str; 10] = [
    "0001-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:60.999999999Z",
    "2026-02-29T25:61:61Z",
    "2026-05-27T18:42:10.301+23:59",
    "Dec 31 23:59:59",
    "Jan  1 00:00:00",
    "[Thu Jan  1 00:00:00 1970]",
    "[    0.000000]",
    "[99999999999.999999]",
];

/// A new text made of the old one, of known lines and of chance; true to the seed.
pub fn mutate(bytes: &[u8], largest: usize, seed: u32) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let text = lossy(bytes).into_owned();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for _ in 0..1 + dice.below(4) {
        change(&mut lines, &mut dice);
    }
    let mut made = lines.concat().into_bytes();
    made.truncate(largest.min(LARGEST));
    made
}

fn change(lines: &mut Vec<String>, dice: &mut Dice) {
    let at = dice.below(lines.len() + 1);
    let line = dice.below(lines.len());
    match dice.below(12) {
        0 | 1 => insert_run(lines, at, dice),
        2 => interleave(lines, dice),
        3 if !lines.is_empty() => drop(lines.remove(line)),
        4 if !lines.is_empty() => lines.insert(at, lines[line].clone()),
        5 if !lines.is_empty() => {
            let other = dice.below(lines.len());
            lines.swap(line, other);
        }
        6 if !lines.is_empty() => cut(&mut lines[line], dice),
        7 if !lines.is_empty() => {
            let end = lines[line].trim_end_matches('\n').len();
            lines[line].truncate(end);
        }
        8 | 9 if !lines.is_empty() => replace_number(&mut lines[line], dice),
        10 if !lines.is_empty() => {
            let time = TIMES[dice.below(TIMES.len())];
            lines[line].insert_str(0, &format!("{time} "));
        }
        11 if !lines.is_empty() => {
            lines.truncate(at);
        }
        _ => insert_run(lines, at, dice),
    }
}

/// Puts a run of known lines, or one of them, in.
fn insert_run(lines: &mut Vec<String>, at: usize, dice: &mut Dice) {
    let known = known();
    let Some(run) = known.get(dice.below(known.len())) else { return };
    if dice.below(2) == 0 {
        lines.splice(at..at, run.iter().take(60).cloned());
    } else {
        lines.insert(at, run[dice.below(run.len())].clone());
    }
}

/// Mixes a run of known lines with the text, both in their own order: two writers of one log.
fn interleave(lines: &mut Vec<String>, dice: &mut Dice) {
    let known = known();
    let Some(run) = known.get(dice.below(known.len())) else { return };
    let mut mixed = Vec::with_capacity(lines.len() + run.len());
    let mut others = run.iter().take(60);
    for line in lines.drain(..) {
        while dice.below(2) == 0 {
            mixed.extend(others.next().cloned());
        }
        mixed.push(line);
    }
    mixed.extend(others.cloned());
    *lines = mixed;
}

/// Keeps the head or the tail of a line.
fn cut(line: &mut String, dice: &mut Dice) {
    let wanted = dice.below(line.len() + 1);
    let at = (wanted..=line.len()).find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    if dice.below(2) == 0 {
        line.truncate(at);
    } else {
        line.drain(..at);
    }
}

/// One of the numbers of a line becomes another.
fn replace_number(line: &mut String, dice: &mut Dice) {
    let is_digit = |at: usize| line.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let starts: Vec<usize> =
        (0..line.len()).filter(|at| is_digit(*at) && (*at == 0 || !is_digit(at - 1))).collect();
    let Some(start) = starts.get(dice.below(starts.len())).copied() else { return };
    let length = line[start..].bytes().take_while(u8::is_ascii_digit).count();
    line.replace_range(start..start + length, NUMBERS[dice.below(NUMBERS.len())]);
}
