//! The thresholds of a verdict, each with its reason.

/// Seconds under load below which nothing is called good: warm-up, compilation and the first full collections
/// lie in the first half minute of most servers.
pub const LEAST_SPAN: f64 = 60.0;
/// Looks below which a share of time is an accident: one in thirty is 3 %.
pub const LEAST_LOOKS: usize = 30;
/// Requests below which a cost per request is one slow answer's.
pub const LEAST_REQUESTS: f64 = 50.0;
/// Of the load before (requests per second, else processor time) the part that must have been there again:
/// at less a program may hold because it was idle.
pub const LEAST_LOAD: f64 = 0.5;
/// Processors in use, below which a container does nothing: a hundredth of one. Timers and health checks take less.
pub const IDLE: f64 = 0.01;
/// Of the most that it held, by how much that must have moved to show work that takes next to no processor time.
pub const STILL: f64 = 0.01;
/// … or by so many bytes: an idle program's pages come and go by some hundred KiB.
pub const STILL_BYTES: f64 = 1_048_576.0;
/// Where a kill came after some time before, the new stretch must last so many times as long: kills of a
/// growing program come at the same age, give or take.
pub const OUTLIVE: f64 = 2.0;
/// Of the limit, what must be free above the highest need: between two looks of a second a program that
/// allocates 50 MiB/s takes 50 MiB.
pub const HEADROOM: f64 = 0.05;
/// Of the time, all tasks waiting for memory: a fifth of it is a program that stands still. A lone task that
/// reads files through a small limit waits some percent, and gets on.
pub const STALLED_FULL: f64 = 0.20;
/// Of the time, some task waiting for memory, where nothing is known of before.
pub const STALLED_ALONE: f64 = 0.10;
/// Of the time, some task waiting for memory, where it was less than half of it before: Coroot warns at 2 %.
pub const STALLED_SOME: f64 = 0.02;
/// "Doubled": of what is counted in small numbers less than this is noise.
pub const DOUBLED: f64 = 2.0;
/// Pages of files read again per second (4 MiB/s): below it a disk does not notice.
pub const REFAULTS_FILE: f64 = 1000.0;
/// The same where less than [`STUCK_ROOM`] of the limit is left for files: what is read again and again then are
/// the program's own instructions (40 MiB/s). It is not killed, and gets nothing done.
pub const STUCK_REFAULTS: f64 = 10_000.0;
/// Of the limit, what files have left in which a program cannot run: its code alone is some tens of MiB.
pub const STUCK_ROOM: f64 = 0.25;
/// Pages of programs' own memory read again per second: each is a wait for swap.
pub const REFAULTS_ANON: f64 = 100.0;
/// Of the time, collections: G1 itself aims at 1 part in 13 (`GCTimeRatio=12`, 7.7 %).
pub const GC_SHARE: f64 = 0.10;
/// The same where nothing is known of before: a quarter of the time is a program that lives to collect.
pub const GC_ALONE: f64 = 0.25;
/// From there on this much more than before is a cost, also where it collected much at its limit before.
pub const GC_RATIO: f64 = 1.25;
/// Processor time per request: two runs of one load in one machine differ by up to a tenth.
pub const CPU_RATIO: f64 = 1.25;
/// Median latency, or the load's wall time per request.
pub const MEDIAN_RATIO: f64 = 1.25;
/// … and by so many milliseconds, or nobody waits longer.
pub const MEDIAN_MORE: f64 = 1.0;
/// The slowest hundredth varies more.
pub const SLOWEST_RATIO: f64 = 1.5;
/// … and by so many milliseconds.
pub const SLOWEST_MORE: f64 = 5.0;
/// Of the limit, by which the floor must rise in each third that follows the first, to be called growth.
pub const GROWTH: f64 = 0.01;
/// Seconds (a day) within which growth reaches the limit, to be held against a change.
pub const GROWN_WITHIN: f64 = 86_400.0;
