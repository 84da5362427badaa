//! What must hold for any bytes at all, for the targets in `fuzz_targets/`.
//!
//! [`text`] makes hostile text out of known lines, [`room`] holds one reader to its promises,
//! [`road`] the whole way from a case to its pages, [`files`] the look at deployment files, [`samples`]
//! the way from a table to a size. Nothing here knows what an answer should be: only what no answer may
//! ever do. A broken promise is a panic, which the fuzzer keeps with the input. `cargo xtask fuzz`
//! builds and runs it.

pub mod files;
pub mod road;
pub mod room;
pub mod samples;
pub mod text;

#[doc(hidden)]
pub use libfuzzer_sys;

/// A fuzz target: the check, and [`text::mutate`] as every second mutation.
#[macro_export]
macro_rules! target {
    (|$bytes:ident| $check:expr) => {
        use $crate::libfuzzer_sys;

        libfuzzer_sys::fuzz_target!(|$bytes: &[u8]| {
            $check;
        });

        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            if seed % 2 == 0 {
                return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
            }
            let made = $crate::text::mutate(&data[..size], max_size, seed);
            data[..made.len()].copy_from_slice(&made);
            made.len()
        });
    };
}
