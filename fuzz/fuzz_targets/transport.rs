#![no_main]
//! See `why137_fuzz::room::check_lines`.

why137_fuzz::target!(|bytes| why137_fuzz::room::check_lines(bytes));
