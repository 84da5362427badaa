#![no_main]
//! One room: `parse::read` of what ECS and Batch show.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(&[Source::Ecs], bytes));
