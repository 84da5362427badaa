#![no_main]
//! Tables of samples and collectors' logs, to the size.

why137_fuzz::target!(|bytes| why137_fuzz::samples::check(bytes));
