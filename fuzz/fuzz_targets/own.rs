#![no_main]
//! One room: `parse::read` of what a unit left and what this program itself recorded.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(
    &[Source::Proc, Source::Journal, Source::UnitState],
    bytes
));
