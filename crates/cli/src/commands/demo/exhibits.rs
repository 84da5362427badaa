//! What only the demonstration shows: the trace lines of one process, and its own gaps.

use casefile::{CaseFile, Gap, Source};

/// The lines of a trace that tell of one process, each signal with its sender.
pub(super) fn trace_of(lines: &[String], pid: u32) -> String {
    let mut text = String::new();
    let mut is_ours = false;
    for line in lines {
        if !line.starts_with("# sender ") {
            is_ours = line.split([' ', ':']).any(|word| word == format!("pid={pid}"));
        }
        if is_ours {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// A source that could not be read.
pub(super) fn gap(case: &mut CaseFile, source: Source, tried: &str, because: &str) {
    let would_tell = match source {
        Source::KernelLog => "which process the kernel killed, and at which limit",
        Source::Trace => "who sent the signal",
        _ => "more about the death",
    };
    case.gaps.push(Gap {
        source,
        tried: tried.to_owned(),
        because: because.to_owned(),
        would_tell: would_tell.to_owned(),
        open_by: Some("sudo why137 demo".to_owned()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_of_one_process_are_kept() {
        let lines = [
            "a-1 [000] d..1. 9.1: signal_generate: sig=9 errno=0 code=0 comm=x pid=7 grp=1 res=0",
            "# sender pid=1 uid=0 auid=unset cmdline=a",
            "b-2 [000] d..1. 9.2: signal_generate: sig=9 errno=0 code=0 comm=x pid=77 grp=1 res=0",
            "# sender pid=2 uid=0 auid=unset cmdline=b",
            "c-3 [000] d..1. 9.3: mark_victim: pid=7",
        ]
        .map(str::to_owned);
        let kept = trace_of(&lines, 7);
        let expected = format!("{}\n{}\n{}\n", lines[0], lines[1], lines[4]);
        assert_eq!(kept, expected);
    }
}
