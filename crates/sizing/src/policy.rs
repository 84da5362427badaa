//! Rules that set a memory limit from the past, ours and those that others have published.
//!
//! All are given the same samples and asked at the same times ([`crate::replay`]).

pub mod named;
pub mod ours;
mod peers;

pub use ours::Choice;

use crate::series::Unit;

/// A rule at work on one container.
pub trait Policy {
    /// A sample that was seen; `killed`: the kernel killed at that limit, and what was wanted is not known.
    fn see(&mut self, at: f64, used: f64, killed: Option<f64>);
    /// The limit it sets now.
    fn limit(&mut self, now: f64) -> f64;
}

/// A rule by name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The largest of 14 days, times a factor; after a kill 20 % more at once.
    Max(f64),
    /// `target` of the Vertical Pod Autoscaler's recommender.
    Vpa,
    /// Robusta KRR, strategy `simple`.
    Krr,
    /// Crane's resource recommender.
    Crane,
    /// Kubecost, algorithm `max`, target utilisation 0.7.
    Kubecost,
    /// The largest hourly median of a week times 1.25.
    Plateau,
    /// The forecast of the next day, and what a kill is worth.
    Ours(Choice),
}

impl Rule {
    /// A new container under this rule.
    #[must_use]
    pub fn begin(&self, unit: Unit) -> Box<dyn Policy> {
        peers::begin(self, unit)
    }

    /// Whether kills reach it.
    #[must_use]
    pub fn hears_kills(&self) -> bool {
        matches!(self, Self::Max(_) | Self::Vpa | Self::Crane | Self::Ours(_))
    }

    /// As it is called.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Max(factor) => format!("max14 x {factor:.2}"),
            Self::Vpa => "vpa".to_owned(),
            Self::Krr => "krr".to_owned(),
            Self::Crane => "crane".to_owned(),
            Self::Kubecost => "kubecost".to_owned(),
            Self::Plateau => "plateau".to_owned(),
            Self::Ours(_) => "ours".to_owned(),
        }
    }
}
