#![no_main]
//! One room: `parse::read` of facts about a machine and its processes.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(&[Source::Machine, Source::Proc], bytes));
