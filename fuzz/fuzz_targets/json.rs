#![no_main]
//! See `why137_fuzz::room::check_values`.

why137_fuzz::target!(|bytes| why137_fuzz::room::check_values(bytes));
