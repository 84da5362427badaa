//! The kernel's own words about a kill (mm/oom_kill.c, mm/memcontrol.c; 2.6.32 … 7.2).

use std::collections::BTreeMap;

use casefile::{Bytes, CgroupPath, Limit, Span};

use super::Seen;

/// One event of the kernel log.
#[derive(Debug, Clone, PartialEq)]
pub enum KernelEvent {
    /// An OOM report: as much of it as the text shows, often only one line.
    Oom(Box<OomReport>),
    /// `oom_kill_process: 8 callbacks suppressed`: that many reports were not printed.
    Suppressed(u64),
    /// `Kernel panic - not syncing: …`
    Panic(String),
    /// `sysrq: …` other than the manual OOM: the letter's meaning (`Kill All Tasks`, …).
    SysRq(String),
    /// A process died of its own fault: `segfault`, `general protection`, `trap invalid opcode`.
    Fault {
        /// Its pid in the initial namespace.
        pid: Option<u32>,
        /// Its name.
        comm: Option<String>,
        /// What the kernel called it.
        what: String,
    },
    /// `Memory failure: … Killing COMM:PID due to hardware memory corruption`.
    HardwareMemory {
        /// The victim's pid.
        pid: Option<u32>,
        /// The victim's name.
        comm: Option<String>,
    },
    /// A new boot begins (`Linux version …`): stamps before and after do not compare.
    Boot,
    /// A user-space OOM daemon that writes to the kernel log (`oomd kill: …`).
    OomdKill(String),
}

/// One run of the OOM killer, as far as the text shows it. Lines of one report that stand apart
/// in the text (interleaving) are one report; lines that stand alone are a report of their own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OomReport {
    /// `C invoked oom-killer: …`
    pub invoker: Option<Seen<()>>,
    /// The invoker in detail.
    pub invoked_by: Option<Invoker>,
    /// A person asked for it: `sysrq: Manual OOM execution` before it, or `order=-1`.
    pub manual: bool,
    /// `constraint=` of the summary line.
    pub constraint: Option<Constraint>,
    /// `,global_oom,` in the summary line.
    pub global_oom: bool,
    /// The summary line (`oom-kill:constraint=…`) or, before 5.0, the `Task in …` line.
    pub summary: Option<Span>,
    /// True if the text ends inside the summary line.
    pub summary_cut: bool,
    /// The cgroup whose limit was hit: `oom_memcg=`, `as a result of limit of …`.
    pub oom_memcg: Option<CgroupPath>,
    /// The chosen task's cgroup: `task_memcg=`, `Task in …`.
    pub task_memcg: Option<CgroupPath>,
    /// The victim as the summary line names it: `task=,pid=,uid=`.
    pub named: Option<NamedVictim>,
    /// `memory: usage XkB, limit YkB, failcnt Z`
    pub memory: Option<MemoryLine>,
    /// `memory+swap: …` (v1)
    pub memory_swap: Option<MemoryLine>,
    /// `swap: …` (v2)
    pub swap: Option<MemoryLine>,
    /// `kmem: …` (v1)
    pub kmem: Option<MemoryLine>,
    /// The `Memory cgroup stats` block in bytes, under the names of the text (`anon`, `rss`,
    /// `total_rss`, `cache`, `shmem`, `slab` …).
    pub stats: BTreeMap<String, Bytes>,
    /// Where the stats block stands.
    pub stats_span: Option<Span>,
    /// The cgroup of the first stats block.
    pub stats_for: Option<CgroupPath>,
    /// The task table.
    pub tasks: Vec<TaskRow>,
    /// Free memory of the machine by `Mem-Info` (`free:121136`, pages of 4 KiB), if shown.
    pub free: Option<Seen<Bytes>>,
    /// `N pages RAM`, if shown.
    pub total_ram: Option<Seen<Bytes>>,
    /// `Kill process A (C) score N or sacrifice child`: chosen, not necessarily the one that died.
    pub chosen: Option<NamedVictim>,
    /// The words before `Kill process`. A grep for them shows this line and not the next one.
    pub chosen_message: Option<KillMessage>,
    /// `Killed process …` lines: who died. A group kill has several; the first may stand twice
    /// (kept once).
    pub killed: Vec<Killed>,
    /// `Tasks in /G are going to be killed due to memory.oom.group set`
    pub group: Option<Seen<()>>,
    /// The cgroup of the group kill.
    pub group_path: Option<CgroupPath>,
    /// `oom_reaper: reaped process P (C)`: processes seen only here were victims, too.
    pub reaped: Vec<NamedVictim>,
    /// `OOM victim P (C) is already exiting. Skip killing the task`: chosen, yet not killed.
    pub already_exiting: Option<NamedVictim>,
    /// `Out of memory and no killable processes...`
    pub none_killable: bool,
    /// The call trace goes through `mem_cgroup_out_of_memory` (true) or the page allocator (false).
    pub memcg_in_trace: Option<bool>,
    /// A BPF program decided (`bpf_out_of_memory` and the like in the trace, `CONSTRAINT_BPF…`).
    pub by_bpf: bool,
}

/// Who ran out: not who died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoker {
    /// Its name.
    pub comm: String,
    /// Its pid, from the `CPU: N PID: P` line.
    pub pid: Option<u32>,
    /// `gfp_mask=` as printed.
    pub gfp_mask: Option<String>,
    /// `order=`; -1 is a person's request.
    pub order: Option<i32>,
    /// `oom_score_adj=`
    pub oom_score_adj: Option<i32>,
}

/// `constraint=`: which memory was short. 5.0 to 5.2 print `NONE` for cgroup kills too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// `CONSTRAINT_NONE`
    None,
    /// `CONSTRAINT_MEMCG`
    Memcg,
    /// `CONSTRAINT_CPUSET`
    Cpuset,
    /// `CONSTRAINT_MEMORY_POLICY`
    MemoryPolicy,
    /// Any other word, as printed.
    Other(String),
}

/// The words before `Killed process`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillMessage {
    /// `Memory cgroup out of memory`
    MemoryCgroup,
    /// `Out of memory`
    OutOfMemory,
    /// `Out of memory (oom_kill_allocating_task)`
    AllocatingTask,
}

/// A process as one line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedVictim {
    /// Pid in the initial namespace.
    pub pid: Option<u32>,
    /// Name, at most 15 bytes.
    pub comm: Option<String>,
    /// `uid=` / `UID:`
    pub uid: Option<u32>,
    /// The line.
    pub span: Span,
}

/// A `Killed process` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Killed {
    /// Pid in the initial namespace.
    pub pid: u32,
    /// Name; `None` where the text is cut before it.
    pub comm: Option<String>,
    /// The words before it, from this line or, up to 5.0, from the `Kill process` line.
    pub message: Option<KillMessage>,
    /// `UID:`, else from the summary or the task table.
    pub uid: Option<u32>,
    /// `total-vm:` kB
    pub total_vm_kb: Option<u64>,
    /// `anon-rss:` kB
    pub anon_rss_kb: Option<u64>,
    /// `file-rss:` kB
    pub file_rss_kb: Option<u64>,
    /// `shmem-rss:` kB
    pub shmem_rss_kb: Option<u64>,
    /// `oom_score_adj:`, else from the task table.
    pub oom_score_adj: Option<i32>,
    /// The line.
    pub span: Span,
    /// Its stamp.
    pub at: Option<casefile::Stamp>,
}

/// `memory: usage 65536kB, limit 65536kB, failcnt 0`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLine {
    /// `usage`
    pub usage: Option<Bytes>,
    /// `limit`
    pub limit: Option<Limit>,
    /// `failcnt`: proves nothing, 0 after a real kill is common.
    pub failcnt: Option<u64>,
    /// The line.
    pub span: Span,
}

/// One row of the task table; memory columns are pages of 4 KiB, converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// Pid in the initial namespace.
    pub pid: u32,
    /// Thread group.
    pub tgid: Option<u32>,
    /// Uid.
    pub uid: Option<u32>,
    /// `rss` in bytes.
    pub rss: Option<Bytes>,
    /// `total_vm` in bytes.
    pub total_vm: Option<Bytes>,
    /// `oom_score_adj`
    pub oom_score_adj: Option<i32>,
    /// Name.
    pub comm: String,
    /// The row.
    pub span: Span,
}

impl TaskRow {
    /// The process. The first column is a thread that still has the memory (`find_lock_task_mm`), another
    /// one where the first thread has ended.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.tgid.unwrap_or(self.pid)
    }
}
