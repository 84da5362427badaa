#![no_main]
//! A case as a machine's gatherer makes it, of any sources, and saved cases.

use why137_fuzz::road;

why137_fuzz::target!(|bytes| {
    if let Some(case) = road::gathered(bytes) {
        road::check(&case);
    }
});
