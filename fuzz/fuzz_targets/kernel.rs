#![no_main]
//! One room: `parse::read` of a kernel log.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(&[Source::KernelLog], bytes));
