#![no_main]
//! One room: `parse::read` of what Kubernetes shows.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(&[Source::Kubernetes], bytes));
