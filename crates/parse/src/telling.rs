//! Which lines of a text too large to be read whole may tell of a death.
//!
//! A large text is a log, and one line in a hundred thousand matters. [`STEMS`] is the one table by
//! which such lines are found: of every sentence, record and event that a reader of log lines knows,
//! at least one stem stands in its line, written in the case in which its writer writes it. A stem
//! only *may* tell; a line that merely has one is read before it is kept. Tests hold the table
//! against every dossier and against the readers' own examples.
//!
//! Not found by it, on purpose: what is no log and never that large (bare values of `--format`, rows
//! of `docker stats`, files of a cgroup), and journal messages with unprintable bytes, which
//! `journalctl -o json` prints as numbers.

use casefile::Stamp;

use crate::{
    kernel,
    transport::{self, Writer},
};

/// Pieces of which at least one stands in every line that may tell. Four bytes at least: the search
/// compares four bytes at once, and shorter ones stand in every other line. Not more than needed: with
/// sixty the search takes twice as long as with thirty, and for more than sixty-four there is none.
pub const STEMS: [&str; 49] = [
    // The kernel, OOM daemons and everybody who speaks of a kill.
    "kill",
    "Kill",
    "KILL",
    "emory",
    "ENOMEM",
    " oom",
    "/oom",
    " OOM",
    "kOOM",
    // Faults, panics, boots.
    "segfault",
    "l protection",
    "traps:",
    "panic",
    "Linux version ",
    // Ends of processes and containers, in the words of runtimes and supervisors.
    "ignal",
    "exit",
    "Exit",
    "SIGTERM",
    "SIGSEGV",
    "SIGABRT",
    " 137",
    "=137",
    ":137",
    "core dump",
    "bort",
    "Bus error",
    "Illegal inst",
    "erminat",
    "died",
    // Stops, probes, evictions.
    "topping ",
    "hutdown",
    "hutting",
    "disconnected",
    " was low ",
    "imed out",
    "TIMEOUT",
    "TIME LIMIT",
    "ime limit",
    "with result",
    "ealth",
    "robe",
    "vict",
    "reempt",
    "estart",
    "eason",
    // Runtimes of languages.
    "bad_alloc",
    "llocat",
    "HARAKIRI",
    "exhausted",
];

/// True if a stem is the beginning of a longer number, `1371` or `137.5`: of no exit code.
pub fn is_other_number(stem: &str, after: Option<u8>) -> bool {
    stem.ends_with("137") && after.is_some_and(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// What a line with a stem is, as far as the line alone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// `C invoked oom-killer`: a report begins.
    Opens,
    /// `Killed process N`: a report's victim.
    Victim,
    /// Another line of a report.
    Report,
    /// A member of a document that says how a container ended: `"OOMKilled": true`, `Last State:`.
    Document,
    /// Only reading it shows.
    Perhaps,
}

/// What a line with a stem is.
pub fn telling(line: &str) -> Telling {
    const REPORT: [&str; 11] = [
        "oom-kill:constraint=",
        "emory cgroup out of memory",
        "ut of memory: Kill",
        "ut of Memory: Kill",
        "ill process ",
        "oom_reaper: ",
        "memory: usage ",
        "memory+swap: usage ",
        "swap: usage ",
        "Memory cgroup stats",
        "killed as a result of limit of",
    ];
    const MEMBERS: [&str; 10] = [
        "\"OOMKilled\":",
        "\"ExitCode\":",
        "\"exitCode\":",
        "\"stoppedReason\":",
        "Last State:",
        "Exit Code:",
        "lastState:",
        "terminated:",
        "exitCode:",
        "reason: OOMKilled",
    ];
    let words = line.trim_start();
    if line.contains(" invoked oom-killer") {
        Telling::Opens
    } else if line.contains("Killed process ") {
        Telling::Victim
    } else if REPORT.iter().any(|piece| line.contains(piece)) {
        Telling::Report
    } else if MEMBERS.iter().any(|member| words.starts_with(member)) {
        Telling::Document
    } else {
        Telling::Perhaps
    }
}

/// True if a log begins with its newest line: `journalctl -r`, log viewers.
pub fn runs_backwards(text: &str) -> bool {
    let lines = transport::lines(text);
    kernel::newest_first(&lines.iter().collect::<Vec<_>>())
}

/// The first stamp in a text.
pub fn first_stamp(text: &str) -> Option<Stamp> {
    transport::lines(text).iter().find_map(|line| line.at)
}

/// True if most lines of a text have what a log's transport puts before a line.
pub fn is_log(text: &str) -> bool {
    let lines = transport::lines(text);
    let told = lines.iter().filter(|line| line.at.is_some() || line.writer != Writer::Unsaid);
    told.count() * 2 > lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::Moment;

    #[test]
    fn a_stem_of_137_may_be_the_head_of_another_number() {
        for stem in [" 137", "=137", ":137"] {
            assert!(is_other_number(stem, Some(b'1')), "{stem}");
            assert!(is_other_number(stem, Some(b'.')), "{stem}");
            assert!(!is_other_number(stem, Some(b')')), "{stem}");
            assert!(!is_other_number(stem, None), "{stem}");
        }
        assert!(!is_other_number("kill", Some(b'1')));
    }

    #[test]
    fn a_line_tells_which_part_of_what_it_is() {
        for (line, is) in [
            ("[1.0] java invoked oom-killer: gfp_mask=0x1", Telling::Opens),
            ("Out of memory: Killed process 7 (x)", Telling::Victim),
            ("memory: usage 1kB, limit 1kB, failcnt 1", Telling::Report),
            ("Out of memory: Kill process 7 (x) score 1", Telling::Report),
            ("oom-kill:constraint=CONSTRAINT_MEMCG", Telling::Report),
            ("    \"OOMKilled\": true,", Telling::Document),
            ("      Exit Code:    137", Telling::Document),
            ("he said \"OOMKilled\": true", Telling::Perhaps),
            ("kill the lights", Telling::Perhaps),
        ] {
            assert_eq!(telling(line), is, "{line}");
        }
    }

    #[test]
    fn a_log_has_a_clock_or_a_writer_before_most_of_its_lines() {
        let stamped = "2026-05-27T18:42:10Z host app: a\n";
        let signed = "app[7]: b\n";
        assert!(is_log(&format!("{stamped}{signed}")));
        assert!(is_log(&format!("{stamped}{signed}words\n")));
        assert!(!is_log(&format!("{stamped}words\n")), "half of the lines are not most");
        assert!(is_log(signed));
        assert!(!is_log("words\nand words\n"));
        assert!(!is_log(""));
    }

    #[test]
    fn the_first_stamp_is_the_first_that_stands_anywhere() {
        let text = "words\n2026-05-27T18:42:10Z h app: a\n2026-05-27T18:42:11Z h app: b\n";
        assert_eq!(first_stamp(text), Moment::parse("2026-05-27T18:42:10Z").map(Stamp::Wall));
        assert_eq!(first_stamp("words\n"), None);
    }

    #[test]
    fn a_log_runs_backwards_where_its_stamps_only_fall() {
        let line = |micros: u32| format!("[    1.{micros:06}] word\n");
        let log = |all: [u32; 3]| all.map(line).concat();
        assert!(runs_backwards(&log([3, 2, 1])));
        assert!(!runs_backwards(&log([1, 2, 3])));
        assert!(!runs_backwards(&log([3, 1, 2])));
        assert!(!runs_backwards(&log([2, 2, 1])), "one step back can be a boot");
    }
}
