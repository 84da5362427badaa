//! What the searches share: their words, the series of a trace, and chance that is the same each time.

use std::error::Error;
use std::io::Read;

use sizing::Series;
use sizing::table::{self, Wanted};

/// What was asked for: `FOLDER [--without SET] [ROUNDS]`.
pub(crate) struct Asked {
    /// Where the traces lie.
    pub(crate) folder: String,
    /// The set that has no part in it.
    pub(crate) without: Option<String>,
    /// How often to try.
    pub(crate) rounds: u32,
}

impl Asked {
    /// By the words behind the program's name.
    pub(crate) fn of_words(rounds: u32) -> Result<Self, Box<dyn Error>> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let folder = words.first().ok_or("which folder holds the traces?")?.clone();
        let without = words.iter().position(|word| word == "--without");
        let without = without.and_then(|at| words.get(at + 1)).cloned();
        let rounds = words.last().and_then(|word| word.parse().ok()).unwrap_or(rounds);
        Ok(Self { folder, without, rounds })
    }

    /// Whether that set has a part in it.
    pub(crate) fn has(&self, set: &str) -> bool {
        self.without.as_deref() != Some(set)
    }

    /// Hands over the series of a trace.
    pub(crate) fn read(
        &self,
        file: &str,
        take: &mut dyn FnMut(Series),
    ) -> Result<(), Box<dyn Error>> {
        let path = format!("{}/{file}.csv.gz", self.folder);
        let open =
            || -> std::io::Result<Box<dyn Read>> { Ok(Box::new(std::fs::File::open(&path)?)) };
        table::read(&open, &Wanted::default(), &mut |series| {
            take(series);
            Ok(())
        })?;
        Ok(())
    }
}

/// xorshift64: the same search each time.
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    /// From 0 to below 1.
    pub(crate) fn part(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
