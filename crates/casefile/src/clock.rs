//! Moments, and the clock each was read from. Moments of different clocks are never compared to
//! the millisecond: the kernel log's clock drifts against the wall clock by tens of milliseconds.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A point in time on the wall clock, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// From microseconds since 1970; `None` outside the calendar.
    pub fn from_micros(micros: i64) -> Option<Self> {
        Timestamp::from_microsecond(micros).ok().map(Self)
    }

    /// From nanoseconds since 1970; `None` outside the calendar.
    pub fn from_nanos(nanos: i128) -> Option<Self> {
        Timestamp::from_nanosecond(nanos).ok().map(Self)
    }

    /// Reads RFC 3339 (`2026-05-27T18:42:10.301Z`). Docker's `0001-01-01T00:00:00Z` means "never"
    /// and is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = text.trim().parse::<Timestamp>().ok()?;
        (moment.as_second() > 0).then_some(Self(moment))
    }

    /// Seconds from `earlier` to `self`; negative when `self` is the earlier one.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.micros_since(earlier) as f64 / 1e6
    }

    /// Microseconds from `earlier` to `self`.
    pub fn micros_since(self, earlier: Self) -> i64 {
        self.0.as_microsecond() - earlier.0.as_microsecond()
    }

    /// This moment moved by `micros`; `None` outside the calendar.
    pub fn plus_micros(self, micros: i64) -> Option<Self> {
        Self::from_micros(self.0.as_microsecond().checked_add(micros)?)
    }
}

impl fmt::Display for Moment {
    /// `2026-05-27 18:42:10 UTC`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.strftime("%Y-%m-%d %H:%M:%S UTC"))
    }
}

/// A time as an exhibit shows it, before anyone decides what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stamp {
    /// Wall clock with a known offset.
    Wall(Moment),
    /// Wall clock of an unknown zone, read as if it were UTC; only good for order and distance
    /// within one exhibit. Syslog's missing year is read as 1970.
    Local(Moment),
    /// Microseconds since boot, on the kernel log's clock.
    SinceBoot(u64),
}

/// The clock of an exhibit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Clock {
    /// Nothing is known: stamps speak for themselves or there are none.
    #[default]
    Unknown,
    /// Wall-clock stamps in UTC or with an offset.
    Wall,
    /// Stamps since boot; boot was at this moment (calibrated when gathered, ± 250 ms).
    SinceBoot {
        /// The wall-clock time of stamp zero.
        zero_at: Moment,
    },
}

impl Clock {
    /// The wall-clock moment of a stamp on this clock, where that can be known.
    pub fn moment(self, stamp: Stamp) -> Option<Moment> {
        match (stamp, self) {
            (Stamp::Wall(moment), _) => Some(moment),
            (Stamp::SinceBoot(micros), Self::SinceBoot { zero_at }) => {
                zero_at.plus_micros(i64::try_from(micros).ok()?)
            }
            (Stamp::SinceBoot(_), Self::Unknown | Self::Wall) | (Stamp::Local(_), _) => None,
        }
    }
}
