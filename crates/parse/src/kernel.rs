//! The kernel's own records about deaths: OOM reports of 2.6.18 to 7.2, faults, panics, SysRq.
//!
//! Reads lines whose prefix says that the kernel wrote them, and unprefixed lines that begin with
//! exactly the kernel's words; a program's log that prints or quotes such a line is not the
//! kernel. Lines are put together into reports; what a report means is judged elsewhere. Every
//! field shows what the text shows: a number that is cut or out of range is `None`.
//!
//! Not read: Android's lowmemorykiller, and processes that die silently because they share the
//! victim's memory. Sources: mm/oom_kill.c, mm/memcontrol.c, mm/show_mem.c, and the numbers of
//! records measured on 6.1, 6.12, 6.18 and 7.2.

mod amounts;
mod assemble;
#[cfg(test)]
mod corpus;
mod draft;
mod other;
mod summary;
#[cfg(test)]
mod tests;
mod victim;

use casefile::Stamp;

use crate::{
    Sighting,
    transport::{self, Line, Writer},
};

/// Everything that the kernel says in this text, in order of appearance.
pub(crate) fn read(text: &str) -> Vec<Sighting> {
    let mut assembly = assemble::Assembly::default();
    let mut lines = transport::lines(text);
    if newest_first(&lines) {
        lines.reverse();
    }
    for line in &lines {
        assembly.take(line);
    }
    assembly.finish()
}

/// `journalctl -r` and log viewers show the newest line first: stamps only go back.
fn newest_first(lines: &[Line]) -> bool {
    let stamps =
        lines.iter().filter(|line| line.writer == Writer::Kernel).filter_map(|line| line.at);
    let (mut back, mut last) = (0_usize, None);
    for stamp in stamps {
        let order = match (last, stamp) {
            (Some(Stamp::SinceBoot(last)), Stamp::SinceBoot(now)) => now.cmp(&last),
            (Some(Stamp::Wall(last)), Stamp::Wall(now))
            | (Some(Stamp::Local(last)), Stamp::Local(now)) => now.cmp(&last),
            _ => std::cmp::Ordering::Equal,
        };
        match order {
            std::cmp::Ordering::Greater => return false,
            std::cmp::Ordering::Less => back += 1,
            std::cmp::Ordering::Equal => {}
        }
        last = Some(stamp);
    }
    // One step back can be a boot between two lines.
    back >= 2
}
