//! What each rule says beside its killer: which rivals it rules out and by what, which it leaves, what
//! would settle it, what the memory held, and where its thresholds lie.
//!
//! Every case is a few lines of text of the shapes that dossiers record; the verdict is compared by
//! meaning. Whole recorded cases stand under `cases/`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where a case is not what it must be"
)]

#[path = "rules/alive.rs"]
mod alive;
#[path = "rules/api.rs"]
mod api;
#[path = "rules/case.rs"]
mod case;
#[path = "rules/ends.rs"]
mod ends;
#[path = "rules/excluded.rs"]
mod excluded;
#[path = "rules/grace.rs"]
mod grace;
#[path = "rules/inside.rs"]
mod inside;
#[path = "rules/kernel.rs"]
mod kernel;
#[path = "rules/levels.rs"]
mod levels;
#[path = "rules/lives.rs"]
mod lives;
#[path = "rules/managers.rs"]
mod managers;
#[path = "rules/memory.rs"]
mod memory;
#[path = "rules/open.rs"]
mod open;
#[path = "rules/orchestrators.rs"]
mod orchestrators;
#[path = "rules/orders.rs"]
mod orders;
#[path = "rules/own_end.rs"]
mod own_end;
#[path = "rules/processes.rs"]
mod processes;
#[path = "rules/requests.rs"]
mod requests;
#[path = "rules/runs.rs"]
mod runs;
#[path = "rules/sizing.rs"]
mod sizing;
#[path = "rules/stops.rs"]
mod stops;
#[path = "rules/units.rs"]
mod units;
#[path = "rules/witnesses.rs"]
mod witnesses;
