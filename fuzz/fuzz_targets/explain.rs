#![no_main]
//! The whole road of pasted files: bytes, a case, a verdict, every page. And noise proves nothing.

use judge::verdict::Killer;
use why137_fuzz::road;

why137_fuzz::target!(|bytes| {
    if let Some(case) = road::pasted(bytes) {
        road::check(&case);
    }
    if let Some(case) = road::pasted(road::noise(bytes).as_bytes()) {
        let verdict = road::check(&case);
        assert_eq!(verdict.killer, Killer::Unknown, "decided by noise: {}", verdict.rule);
    }
});
