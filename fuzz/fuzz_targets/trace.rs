#![no_main]
//! One room: `parse::read` of trace events.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(&[Source::Trace], bytes));
