#![no_main]
//! One room: `parse::read` of a program's own log.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(&[Source::ApplicationLog], bytes));
