//! Evidence that is broken or lies, and everything that is no evidence at all: each gets a clear
//! answer or a clear error, soon, and never the wrong killer. The real program, end to end; only
//! where every byte of a text is cut in turn the same road is walked in this process.

#![cfg_attr(
    test,
    expect(clippy::string_slice, reason = "texts are cut at places that are checked before")
)]

#[cfg(test)]
#[path = "bad_input/clocks.rs"]
mod clocks;
#[cfg(test)]
#[path = "bad_input/cuts.rs"]
mod cuts;
#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[path = "bad_input/engines.rs"]
mod engines;
#[cfg(test)]
#[path = "bad_input/files.rs"]
mod files;
#[cfg(test)]
#[path = "bad_input/json.rs"]
mod json;
#[cfg(test)]
#[path = "bad_input/liars.rs"]
mod liars;
#[cfg(test)]
#[path = "bad_input/mixed.rs"]
mod mixed;
#[cfg(test)]
#[path = "support/program.rs"]
mod program;
#[cfg(test)]
#[path = "bad_input/texts.rs"]
mod texts;
#[cfg(test)]
#[path = "bad_input/words.rs"]
mod words;
