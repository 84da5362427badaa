#![no_main]
//! Deployment files: bytes, workloads, findings, alone and beside a container.

why137_fuzz::target!(|bytes| why137_fuzz::files::check(bytes));
