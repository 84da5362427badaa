//! `why137 env` as users start it: the command is the same process and finds everything as it was, the
//! variables are there, and the real runtimes of this machine believe them.
//!
//! Cgroups are made on version 1, below `why137-env-PID`, by root only; nothing is allocated.

#[cfg(test)]
#[path = "env/ground.rs"]
mod ground;
#[cfg(test)]
#[path = "env/gunicorn.rs"]
mod gunicorn;
#[cfg(test)]
#[path = "env/process.rs"]
mod process;
#[cfg(test)]
#[path = "env/runtimes.rs"]
mod runtimes;
