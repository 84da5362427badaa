//! The same three deaths, recorded: for a user without the rights to make them.
//!
//! Made with `why137 demo --record DIR`, as root, on Linux 6.18 with cgroup v1.

use casefile::{Asked, CaseFile, Moment};

use super::stage::Act;

/// The recorded case of an act.
pub(super) fn case(act: Act) -> CaseFile {
    let text = match act {
        Act::OwnLimit => include_str!("recorded/own-limit.json"),
        Act::ForcedStop => include_str!("recorded/forced-stop.json"),
        Act::Neighbour => include_str!("recorded/neighbour.json"),
    };
    // A test reads every recording; should one break all the same, an empty case says `unknown`.
    let empty = || CaseFile::new(Asked::default(), Moment(jiff::Timestamp::UNIX_EPOCH));
    CaseFile::from_json(text).unwrap_or_else(|_broken| empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge::verdict::{Confidence, Killer};

    #[test]
    fn every_recording_is_explained_and_proven() {
        let expected = [Killer::ContainerMemoryLimit, Killer::StopTimeout, Killer::Process];
        for (act, killer) in Act::ALL.into_iter().zip(expected) {
            let case = case(act);
            assert!(!case.exhibits.is_empty(), "{act:?}");
            let verdict = judge::explain(&case, case.gathered_at);
            assert_eq!(
                (verdict.killer, verdict.confidence),
                (killer, Confidence::Proven),
                "{act:?}"
            );
        }
    }
}
