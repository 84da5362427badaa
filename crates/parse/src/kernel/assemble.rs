//! Puts the lines of the kernel's reports together.
//!
//! Reports are serialised by `oom_lock`, yet other records, other reports' reaper lines and cut
//! texts stand between their lines. A victim belongs to the report whose summary names its pid,
//! else to the nearest report before it that has no victim and can have this one, else it is a
//! report of its own. Two victims are one report only in a group kill.
//!
//! A log that was collected from several machines can mix reports all the same: one that begins
//! before another has told its victim. Of both only what names a process is kept.

use casefile::Bytes;

use super::{
    amounts::{self, Counter},
    draft::{Draft, near},
    other, summary, victim,
};
use crate::{
    Sighting,
    record::{Invoker, KernelEvent, Killed, Record, Seen},
    transport::{Line, Writer},
};

/// Three cgroup paths of 4,096 bytes do not fit a record of 1 KiB, pieces of several do.
const LONGEST_SUMMARY: usize = 1 << 13;

/// A kernel writes a report at once: lines further apart, in seconds, are not mixed but cut.
const MIXED_WITHIN: u64 = 2;

/// How many reports back a line may look for its own.
const REACH: usize = 64;

/// Reports and other events so far.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    drafts: Vec<Draft>,
    events: Vec<Sighting>,
    /// `sysrq: Manual OOM execution` whose report has not come yet: its line's index in `events`.
    manual: Option<usize>,
    /// Mem-Info before any report, of a text whose beginning is cut.
    free: Option<Seen<Bytes>>,
    total_ram: Option<Seen<Bytes>>,
}

impl Assembly {
    /// Takes one line; a program's line is never the kernel's.
    pub(super) fn take(&mut self, line: &Line) {
        let sure = match line.writer {
            Writer::Kernel => true,
            Writer::Unsaid => false,
            Writer::Program { .. } => return,
        };
        let taken = self.take_opener(line, sure)
            || self.take_victim(line, sure)
            || self.take_context(line)
            || self.take_summary(line, sure)
            || self.take_table(line, sure)
            || self.take_event(line, sure);
        if !taken {
            self.take_detail(line);
        }
    }

    /// Everything seen, in order of appearance.
    pub(super) fn finish(self) -> Vec<Sighting> {
        let mut found = self.events;
        let told = self.drafts.iter().any(|draft| draft.mixed && !draft.names_nobody());
        let kept = self.drafts.into_iter();
        // The rest of a mixture, whose victims other lines have told.
        let kept = kept.filter(|draft| !(told && draft.mixed && draft.names_nobody()));
        found.extend(kept.filter_map(Draft::complete).map(|(report, span, at)| Sighting {
            record: Record::Kernel(KernelEvent::Oom(Box::new(report))),
            span,
            at,
        }));
        found.sort_by_key(|sighting| (sighting.span.start, sighting.span.end));
        found
    }

    /// `C invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0`
    fn take_opener(&mut self, line: &Line, sure: bool) -> bool {
        let Some((comm, rest)) = line.text.split_once(" invoked oom-killer") else { return false };
        // Without the kernel's prefix only its exact words count; a name has 15 bytes.
        let longest = if sure { 64 } else { 15 };
        let exact = rest.starts_with(": gfp_mask=") || (sure && rest.trim_matches(':').is_empty());
        if comm.is_empty() || comm.chars().count() > longest || !exact {
            return false;
        }
        let value = |key: &str| rest.split_once(key).map(|(_, rest)| rest);
        let gfp_mask = value("gfp_mask=").map(|mask| {
            mask.split_once(", ").map_or(mask, |(mask, _)| mask).trim_end_matches(',').to_owned()
        });
        let order = value("order=").and_then(victim::signed);
        let manual = self.manual.take();
        let mixed = self.mark_mixed(line);
        self.open(line, |draft| {
            draft.mixed = mixed;
            let report = &mut draft.report;
            report.manual = manual.is_some() || order == Some(-1);
            report.invoker = Some(Seen { value: (), span: line.span });
            report.invoked_by = Some(Invoker {
                comm: comm.to_owned(),
                pid: None,
                gfp_mask,
                order,
                oom_score_adj: value("oom_score_adj=").and_then(victim::signed),
            });
        });
        self.drop_event(manual);
        true
    }

    /// `Killed process …`, `Kill process …`, `oom_reaper: …`, `OOM victim … already exiting`.
    fn take_victim(&mut self, line: &Line, sure: bool) -> bool {
        let text = line.text.as_str();
        if let Some(killed) = victim::killed(text, line.span, line.at) {
            if !sure && !self.is_exact(&killed) {
                return false;
            }
            let killed = self.with_whole_pid(killed, text);
            self.add_killed(killed, line);
        } else if let Some((message, named)) = victim::chosen(text, line.span) {
            self.body(
                line,
                |draft| draft.report.chosen.is_some(),
                |draft| {
                    draft.chosen_message = message;
                    draft.report.chosen_message = message;
                    draft.report.chosen = Some(named);
                },
            );
        } else if let Some(named) = victim::exiting(text, line.span) {
            let named_pid = named.pid;
            let other = |pid| Some(pid) != named_pid;
            self.body(
                line,
                |draft| draft.report.chosen.as_ref().and_then(|seen| seen.pid).is_some_and(other),
                |draft| {
                    draft.report.already_exiting = Some(named);
                    draft.closed = true;
                },
            );
        } else if let Some(named) = victim::reaped(text, line.span) {
            let place = self.place(|draft| {
                named.pid.is_some_and(|pid| {
                    draft.named_pid() == Some(pid)
                        || draft.report.killed.iter().any(|killed| killed.pid == pid)
                })
            });
            let latest = self.drafts.len().checked_sub(1);
            let latest = latest.filter(|at| {
                self.drafts
                    .get(*at)
                    .is_some_and(|draft| !draft.is_only_reaped() && near(draft.last_at, line.at, 5))
            });
            self.at_or_new(place.or(latest), line, |draft| draft.report.reaped.push(named));
        } else {
            return false;
        }
        true
    }

    /// A text that ends inside the pid shows a part of it; the summary before it has the whole.
    fn with_whole_pid(&self, killed: Killed, text: &str) -> Killed {
        if !text.ends_with(&format!(" {}", killed.pid)) {
            return killed;
        }
        let open = self.drafts.last().filter(|draft| draft.report.killed.is_empty());
        let whole = open
            .and_then(Draft::named_pid)
            .filter(|whole| whole.to_string().starts_with(&killed.pid.to_string()));
        Killed { pid: whole.unwrap_or(killed.pid), ..killed }
    }

    /// Without the kernel's prefix `Killed process 7 (worker)` could be a supervisor's words: the
    /// kernel's have a message, sizes, or a `Kill process` line before them.
    fn is_exact(&self, killed: &Killed) -> bool {
        let announced = self.drafts.last().is_some_and(|draft| draft.report.chosen.is_some());
        killed.message.is_some() || killed.total_vm_kb.is_some() || announced
    }

    fn add_killed(&mut self, killed: Killed, line: &Line) {
        let named = self.place(|draft| {
            draft.report.killed.is_empty()
                && draft.named_pid() == Some(killed.pid)
                && near(draft.last_at, line.at, 120)
        });
        // Nothing stands between a summary and its victim but a step of the clock.
        let latest = self.drafts.len().checked_sub(1);
        let named = named.or(latest.filter(|at| {
            self.drafts
                .get(*at)
                .is_some_and(|draft| draft.is_open() && draft.named_pid() == Some(killed.pid))
        }));
        // A group kill prints its first victim twice, a pasted pair of logs every victim.
        let again = self.place(|draft| {
            near(draft.last_at, line.at, 10)
                && draft.report.killed.iter().any(|seen| seen.pid == killed.pid)
        });
        if again.is_some() && named.is_none() {
            return self.at_or_new(again, line, |_| {});
        }
        let group = latest.filter(|at| {
            self.drafts.get(*at).is_some_and(|draft| {
                draft.report.group.is_some() && near(draft.last_at, line.at, 10)
            })
        });
        let place = named.or(group).or_else(|| self.place(|draft| draft.waits_for(&killed)));
        let manual = if place.is_none() { self.manual.take() } else { None };
        self.at_or_new(place, line, |draft| {
            draft.report.manual |= manual.is_some();
            draft.report.killed.push(killed);
            draft.closed = true;
            draft.stats_open = false;
        });
        self.drop_event(manual);
    }

    /// The limit, the counters, the statistics, the group, and that nobody could be killed.
    fn take_context(&mut self, line: &Line) -> bool {
        let text = line.text.as_str();
        if let Some((counter, amounts)) = amounts::usage(text, line.span) {
            let has = |draft: &Draft| match counter {
                Counter::Memory => draft.report.memory.is_some(),
                Counter::MemorySwap => draft.report.memory_swap.is_some(),
                Counter::Swap => draft.report.swap.is_some(),
                Counter::Kmem => draft.report.kmem.is_some(),
            };
            self.body(line, has, |draft| match counter {
                Counter::Memory => draft.report.memory = Some(amounts),
                Counter::MemorySwap => draft.report.memory_swap = Some(amounts),
                Counter::Swap => draft.report.swap = Some(amounts),
                Counter::Kmem => draft.report.kmem = Some(amounts),
            });
        } else if let Some((task, limit)) = summary::task_in(text) {
            self.body(
                line,
                |draft| draft.report.summary.is_some(),
                |draft| {
                    draft.report.summary = Some(line.span);
                    draft.report.task_memcg = task;
                    draft.report.oom_memcg = limit;
                    draft.summary_at = line.at;
                },
            );
        } else if let Some((path, values)) = amounts::stats_for(text) {
            let values = amounts::stats(values).unwrap_or_default();
            self.body(
                line,
                |draft| !draft.report.tasks.is_empty(),
                |draft| {
                    draft.stats_blocks += 1;
                    draft.stats_open = true;
                    if draft.stats_blocks == 1 {
                        draft.report.stats_for = path;
                        draft.report.stats_span = Some(line.span);
                        draft.report.stats.extend(values);
                    }
                },
            );
        } else if let Some(path) = summary::group(text) {
            let place = self.drafts.len().checked_sub(1).filter(|at| {
                self.drafts.get(*at).is_some_and(|draft| {
                    draft.report.group.is_none() && near(draft.last_at, line.at, 60)
                })
            });
            self.at_or_new(place, line, |draft| {
                draft.report.group = Some(Seen { value: (), span: line.span });
                draft.report.group_path = path;
            });
        } else if text.starts_with("Out of memory and no killable processes") {
            self.body(
                line,
                |_| false,
                |draft| {
                    draft.report.none_killable = true;
                    draft.closed = true;
                },
            );
        } else {
            return false;
        }
        true
    }

    /// The summary line, or a later piece of it.
    fn take_summary(&mut self, line: &Line, sure: bool) -> bool {
        if line.text.starts_with("oom-kill:constraint=") {
            let pid = summary::parse(&line.text, line.span, |_| None).named.and_then(|n| n.pid);
            // In a text that was filtered or sorted the victim can stand before its summary.
            let victim = pid.and_then(|pid| {
                self.place(|draft| {
                    draft.report.summary.is_none()
                        && draft.report.killed.iter().any(|killed| killed.pid == pid)
                        && near(draft.last_at, line.at, 5)
                })
            });
            let latest_open = self.drafts.last().is_some_and(|draft| !draft.closed);
            if victim.is_some() && !latest_open {
                self.at_or_new(victim, line, |draft| draft.begin_summary(line));
                return true;
            }
            let has = |draft: &Draft| draft.report.summary.is_some();
            self.body(line, has, |draft| draft.begin_summary(line));
            return true;
        }
        let piece = line.text.starts_with(',') || line.text.contains(",pid=");
        let Some(draft) = self.drafts.last_mut().filter(|_| piece && sure) else { return false };
        if draft.closed || !draft.report.summary_cut {
            return false;
        }
        if draft.summary_text.len() > LONGEST_SUMMARY {
            return false;
        }
        draft.summary_text.push_str(&line.text);
        draft.report.summary = draft.report.summary.map(|seen| seen.joined(line.span));
        draft.covers(line.span, line.at);
        draft.read_summary();
        true
    }

    fn take_table(&mut self, line: &Line, sure: bool) -> bool {
        if line.text.starts_with("Tasks state (memory values in pages)") {
            self.body(
                line,
                |draft| !draft.report.tasks.is_empty(),
                |draft| {
                    draft.stats_open = false;
                },
            );
            return true;
        }
        if let Some(columns) = amounts::header(&line.text) {
            let over = |draft: &Draft| draft.columns.is_some() || draft.after_choice();
            self.body(line, over, |draft| {
                draft.columns = Some(columns);
                draft.stats_open = false;
            });
            return true;
        }
        let open = self.drafts.last().filter(|draft| !draft.closed);
        let columns = open.and_then(|draft| draft.columns.as_ref());
        // A row alone, without header or the kernel's prefix, could be anybody's.
        if columns.is_none() && !sure {
            return false;
        }
        let Some(row) = amounts::row(&line.text, columns, line.span) else { return false };
        self.body(line, |_| false, |draft| draft.report.tasks.push(row));
        true
    }

    fn take_event(&mut self, line: &Line, sure: bool) -> bool {
        let asked = other::sysrq(&line.text);
        let event = match asked {
            Some(words) => Some(KernelEvent::SysRq(words.to_owned())),
            None => other::event(&line.text, sure),
        };
        let Some(event) = event else { return false };
        if event == KernelEvent::Boot {
            // Nothing that stands before a boot is continued after it.
            self.drafts.iter_mut().rev().take(REACH).for_each(|draft| draft.closed = true);
            self.drafts.push(Draft { closed: true, ..Draft::default() });
            (self.free, self.total_ram, self.manual) = (None, None, None);
        }
        if asked.is_some_and(|words| words.starts_with("Manual OOM execution")) {
            self.manual = Some(self.events.len());
        }
        self.events.push(Sighting { record: Record::Kernel(event), span: line.span, at: line.at });
        true
    }

    /// Lines that only mean something inside a report: statistics, Mem-Info, the call trace.
    fn take_detail(&mut self, line: &Line) {
        let text = line.text.as_str();
        let seen = |value| Seen { value, span: line.span };
        let free = amounts::free(text).map(seen);
        let total_ram = amounts::total_ram(text).map(seen);
        let Some(draft) = self.drafts.last_mut().filter(|draft| !draft.closed) else {
            self.free = free.or(self.free);
            self.total_ram = total_ram.or(self.total_ram);
            return;
        };
        draft.report.free = draft.report.free.or(free);
        draft.report.total_ram = draft.report.total_ram.or(total_ram);
        if draft.stats_open
            && let Some(values) = amounts::stats(text)
        {
            draft.covers(line.span, line.at);
            if draft.stats_blocks == 1 {
                draft.report.stats.extend(values);
                draft.report.stats_span =
                    draft.report.stats_span.map(|span| span.joined(line.span));
            }
            return;
        }
        read_trace(draft, line);
    }

    /// A report begins with this line while those before it have not told their victims: true if
    /// there are such, and they are marked.
    fn mark_mixed(&mut self, line: &Line) -> bool {
        let mut any = false;
        for draft in self.drafts.iter_mut().rev().take(REACH) {
            // A boot ends every report before it.
            if draft.span.is_none() {
                break;
            }
            if draft.is_open() && near(draft.last_at, line.at, MIXED_WITHIN) {
                draft.mixed = true;
                any = true;
            }
        }
        any
    }

    /// Opens a report with this line.
    fn open(&mut self, line: &Line, change: impl FnOnce(&mut Draft)) {
        let mut draft = Draft::default();
        draft.covers(line.span, line.at);
        change(&mut draft);
        self.drafts.push(draft);
    }

    /// Changes the report that a line of its body belongs to: the latest, unless it is over or
    /// already has what the line tells; else a new one.
    fn body(&mut self, line: &Line, has: impl Fn(&Draft) -> bool, change: impl FnOnce(&mut Draft)) {
        let latest = self
            .drafts
            .last_mut()
            .filter(|draft| !draft.closed && !has(draft) && near(draft.last_at, line.at, 600));
        if let Some(draft) = latest {
            draft.covers(line.span, line.at);
            return change(draft);
        }
        let (free, total_ram) = (self.free.take(), self.total_ram.take());
        let mixed = self.mark_mixed(line);
        self.open(line, |draft| {
            draft.mixed = mixed;
            draft.report.free = free;
            draft.report.total_ram = total_ram;
            change(draft);
        });
    }

    /// The nearest report back that fits; nothing is looked for before a boot.
    fn place(&self, fits: impl Fn(&Draft) -> bool) -> Option<usize> {
        let since = self.drafts.iter().enumerate().rev().take(REACH);
        since
            .take_while(|(_, draft)| draft.span.is_some())
            .find(|(_, draft)| fits(draft))
            .map(|(at, _)| at)
    }

    fn at_or_new(&mut self, place: Option<usize>, line: &Line, change: impl FnOnce(&mut Draft)) {
        match place.and_then(|at| self.drafts.get_mut(at)) {
            Some(draft) => {
                draft.covers(line.span, line.at);
                change(draft);
            }
            None => self.open(line, change),
        }
    }

    fn drop_event(&mut self, at: Option<usize>) {
        if let Some(at) = at.filter(|at| self.events.get(*at).is_some()) {
            self.events.remove(at);
        }
    }
}

/// `CPU: 0 PID: 7 Comm: java`, `Pid: 7, comm: java`, and the functions of the call trace.
fn read_trace(draft: &mut Draft, line: &Line) {
    let text = line.text.as_str();
    const MEMCG: [&str; 2] = ["mem_cgroup_out_of_memory", "mem_cgroup_oom_synchronize"];
    const PAGES: [&str; 2] = ["__alloc_pages_may_oom", "__alloc_pages_slowpath"];
    const BPF: [&str; 3] = ["bpf_out_of_memory", "bpf_oom_kill_process", "bpf_handle_oom"];
    let names = |functions: &[&str]| functions.iter().any(|function| text.contains(function));
    // The summary and the table come after the trace; a later trace is another record's.
    if draft.report.summary.is_some() || !draft.report.tasks.is_empty() {
        return;
    }
    let report = &mut draft.report;
    let Some(invoker) = &mut report.invoked_by else { return };
    let task = text
        .split_once(" PID: ")
        .filter(|(cpu, _)| cpu.starts_with("CPU: "))
        .and_then(|(_, rest)| rest.split_once(" Comm: "))
        .or_else(|| text.strip_prefix("Pid: ")?.split_once(", comm: "));
    if let Some((pid, comm)) = task {
        if invoker.pid.is_none() && comm.starts_with(invoker.comm.as_str()) {
            invoker.pid = victim::digits(pid).and_then(|(pid, _)| pid.parse().ok());
            draft.covers(line.span, line.at);
        }
    } else if names(&MEMCG) {
        report.memcg_in_trace = Some(true);
        draft.covers(line.span, line.at);
    } else if names(&PAGES) {
        report.memcg_in_trace = report.memcg_in_trace.or(Some(false));
        draft.covers(line.span, line.at);
    }
    draft.report.by_bpf |= names(&BPF);
}
