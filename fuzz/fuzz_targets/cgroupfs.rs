#![no_main]
//! One room: `parse::read` of cgroup files.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(&[Source::Cgroup], bytes));
