//! The limit that one watched run is given, to see whether the start survives.
//!
//! Not a recommendation of a size: the kernel ended every life at the limit, so that what it would have held
//! is hidden. Twice the limit is a trial with a reason, no more; what the run holds says the rest.

use casefile::Bytes;

use super::{Cause, Kind, Loop};

/// A run to see what a start takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its limit.
    pub limit: Bytes,
    /// Memory and swap together; `None`: that is not limited on its own, or not known.
    pub limit_with_swap: Option<Bytes>,
    /// Why this limit.
    pub because: String,
    /// How long it is watched, in seconds: past twice the oldest age at which it died.
    pub watch_seconds: f64,
}

/// A start that is watched for less shows nothing on a busy machine.
const SHORTEST_WATCH: f64 = 5.0;
/// Sizes that people write.
const STEP: u64 = 16 << 20;

impl Loop {
    /// The limit to try, where a restart loop ends at the container's own limit.
    #[must_use]
    pub fn trial(&self) -> Option<Trial> {
        let limit = self.limit.filter(|limit| limit.0 > 0)?;
        let twice = limit.0.checked_mul(2)?.checked_next_multiple_of(STEP)?;
        let because = format!(
            "the kernel stopped it at {limit} each time, so its peak is at least that and nothing shows how much more; twice the limit is a trial, no recommendation"
        );
        self.trial_with(Bytes(twice), because)
    }

    /// The same with a limit that somebody else chose.
    #[must_use]
    pub fn trial_of(&self, limit: Bytes) -> Option<Trial> {
        self.trial_with(limit, "this is the limit that was asked for".to_owned())
    }

    fn trial_with(&self, limit: Bytes, because: String) -> Option<Trial> {
        if self.cause != Cause::OwnLimit || self.kind != Kind::RestartLoop {
            return None;
        }
        let old = self.limit?;
        let oldest = self.ages.map_or(0.0, |ages| ages.longest);
        // What swap it has beside the limit stays what it is.
        let swap = self.limit_with_swap.map(|both| both.0.saturating_sub(old.0));
        let with_swap = swap.and_then(|swap| limit.0.checked_add(swap)).map(Bytes);
        Some(Trial {
            limit,
            limit_with_swap: with_swap,
            because,
            watch_seconds: (oldest * 2.0 + 1.0).max(SHORTEST_WATCH),
        })
    }
}
