//! Amounts of memory. A missing amount is `None` with a gap, never zero.

use std::fmt;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

/// An amount of memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// From the kernel's `kB`, which are 1,024 bytes; `None` when the number is out of range.
    pub fn from_kib(kib: u64) -> Option<Self> {
        kib.checked_mul(1024).map(Self)
    }

    /// Whole `kB` as the kernel prints them.
    pub fn as_kib(self) -> u64 {
        self.0 / 1024
    }
}

/// The sum of amounts that a text claims: beyond what 64 bits hold it stays at their largest.
impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.fold(0, |sum, one| sum.saturating_add(one.0)))
    }
}

impl fmt::Display for Bytes {
    /// `64 MiB`, `62.9 MiB`, `980 KiB`: one decimal below 100 unless it is whole.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 4] =
            [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        for (unit, size) in UNITS {
            if self.0 >= size {
                let tenths = (u128::from(self.0) * 10 + u128::from(size) / 2) / u128::from(size);
                return if tenths % 10 == 0 || tenths >= 1000 {
                    write!(out, "{} {unit}", (tenths + 5 * u128::from(tenths >= 1000)) / 10)
                } else {
                    write!(out, "{}.{} {unit}", tenths / 10, tenths % 10)
                };
            }
        }
        write!(out, "{} B", self.0)
    }
}

/// A memory limit: a number, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Limit {
    /// No limit is set at this level.
    Unlimited,
    /// The limit in bytes.
    At(Bytes),
}

impl Limit {
    /// Reads the number the kernel shows. cgroup v1 has no word for "none": it shows
    /// `PAGE_COUNTER_MAX` (`9007199254740988` kB on 64 bit, `18014398509481983` kB for old memsw),
    /// so everything from 2^60 bytes up means that no limit is set.
    pub fn from_kernel(bytes: u128) -> Self {
        match u64::try_from(bytes) {
            Ok(bytes) if bytes < 1 << 60 => Self::At(Bytes(bytes)),
            Ok(_) | Err(_) => Self::Unlimited,
        }
    }

    /// The number, if there is a limit.
    pub fn bytes(self) -> Option<Bytes> {
        match self {
            Self::Unlimited => None,
            Self::At(bytes) => Some(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_that_a_text_claims_add_up_without_passing_the_largest() {
        assert_eq!([Bytes(2), Bytes(3)].into_iter().sum::<Bytes>(), Bytes(5));
        assert_eq!([Bytes(u64::MAX), Bytes(3)].into_iter().sum::<Bytes>(), Bytes(u64::MAX));
    }

    #[test]
    fn sizes_read_like_a_person_would_say_them() {
        let said: Vec<String> =
            [64 << 20, 980 << 10, 62_900_000, 513, 53_687_091_200, (1 << 30) - 1]
                .map(|bytes| Bytes(bytes).to_string())
                .to_vec();
        assert_eq!(said, ["64 MiB", "980 KiB", "60 MiB", "513 B", "50 GiB", "1024 MiB"]);
    }

    #[test]
    fn the_kernels_words_for_no_limit_are_unlimited() {
        assert_eq!(Limit::from_kernel(9_007_199_254_740_988 * 1024), Limit::Unlimited);
        assert_eq!(Limit::from_kernel(18_014_398_509_481_983 * 1024), Limit::Unlimited);
        assert_eq!(Limit::from_kernel(u128::from(u64::MAX) * 8), Limit::Unlimited);
        assert_eq!(Limit::from_kernel(1 << 26), Limit::At(Bytes(1 << 26)));
    }
}
