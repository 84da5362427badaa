#![no_main]
//! The whole road of pasted files: bytes, a case, a verdict, every page. And noise proves nothing.

use judge::verdict::Killer;
use why137_fuzz::road;

why137_fuzz::target!(|bytes| {
    if let Some(case) = road::pasted(bytes) {
        road::check(&case);
    }
    let noise = road::noise(bytes);
    // A lone number is no noise: it may be all that `docker inspect --format` said.
    let is_number = !noise.chars().any(char::is_alphabetic);
    if let Some(case) = road::pasted(noise.as_bytes()).filter(|_| !is_number) {
        let verdict = road::check(&case);
        assert_eq!(verdict.killer, Killer::Unknown, "decided by noise: {}", verdict.rule);
    }
});
