//! The Docker API: which daemon to ask, how to ask it, and what of its answers steers the gathering.
//!
//! Only GET requests are ever made. Answers are kept as they came; what is read here is only what
//! decides where to look next.

pub(crate) mod answers;
pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod ssh;
pub(crate) mod tls;
