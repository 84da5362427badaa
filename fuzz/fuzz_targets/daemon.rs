#![no_main]
//! One room: `parse::read` of a journal.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(&[Source::Journal], bytes));
