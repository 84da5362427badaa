//! Programs' own words, cgroup counters, live processes, trace events, the machine.

use casefile::{Bytes, CgroupPath, Limit, Moment};

/// A language runtime or program that ended itself, by its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LanguageDeath {
    /// V8 reached its heap limit (`JavaScript heap out of memory`) and aborted.
    V8HeapLimit,
    /// V8 could not get memory (`Zone Allocation failed`, `process out of memory`).
    V8OutOfMemory,
    /// `java.lang.OutOfMemoryError`
    JavaOutOfMemoryError,
    /// HotSpot: `There is insufficient memory for the Java Runtime Environment to continue`.
    JavaNativeAllocation,
    /// Python `MemoryError`, numpy `_ArrayMemoryError`.
    PythonMemoryError,
    /// Go `fatal error: runtime: out of memory` / `cannot allocate memory`.
    GoOutOfMemory,
    /// .NET `System.OutOfMemoryException`, `GC heap hard limit`.
    DotnetOutOfMemory,
    /// Rust `memory allocation of N bytes failed`.
    RustAllocation,
    /// C++ `std::bad_alloc`.
    CppBadAlloc,
    /// PHP `Allowed memory size of N bytes exhausted`.
    PhpMemoryLimit,
    /// Ruby `failed to allocate memory (NoMemoryError)`.
    RubyNoMemory,
    /// The GPU's memory was exhausted (`CUDA out of memory`): not the host's.
    GpuOutOfMemory,
    /// Any other program that says it could not get memory and ended (`Cannot allocate memory`).
    OtherAllocation,
}

/// An end of the program's own making that is no want of memory, by its or its shell's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnEnd {
    /// Go: `panic: …`, `goroutine 1 [running]:`; the program ends with 2.
    GoPanic,
    /// Go: `fatal error: all goroutines are asleep - deadlock!` and its kin; ends with 2.
    GoFatal,
    /// Rust: `thread 'main' panicked at …`; ends with 101, or aborts.
    RustPanic,
    /// A shell or a runtime found no such program; 127.
    CommandNotFound,
    /// A program that may not or cannot be run: `Permission denied`, `exec format error`; 126.
    NotExecutable,
    /// A file outgrew RLIMIT_FSIZE while SIGXFSZ was ignored: errno EFBIG.
    FileTooLarge,
}

/// A telling line of the program's own output. It may lie; it never proves what the kernel did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Application {
    /// The program ended itself for want of memory.
    Language {
        /// Which runtime's words.
        death: LanguageDeath,
        /// The ceiling the words name (`-Xmx`, heap limit), if any.
        ceiling: Option<Bytes>,
        /// True if the words show that the program went on or only warned.
        survived: bool,
    },
    /// JVM `OnOutOfMemoryError`: it ran a command on heap exhaustion (`kill -9 %p`).
    JavaOnOutOfMemory {
        /// The command.
        command: String,
        /// True if the command sends SIGKILL to the JVM.
        kills_itself: bool,
    },
    /// A supervisor says a child ended by SIGKILL without knowing why: gunicorn `Worker (pid:N)
    /// was sent SIGKILL! Perhaps out of memory?`, celery `signal 9`, postgres `terminated by signal 9`,
    /// php-fpm `exited on signal 9`, node `signalCode SIGKILL`, a shell's `Killed`.
    ChildKilled {
        /// Program that says so: gunicorn, celery, postgres, php-fpm, shell …
        by: String,
        /// The child's pid in its own namespace.
        pid: Option<u32>,
        /// The child's name or command, where shown.
        child: Option<String>,
    },
    /// A supervisor says that it itself kills a child: gunicorn `WORKER TIMEOUT`, `handle_abort`;
    /// supervisord `killing 'x' (N) with SIGKILL`; `timeout: sending signal KILL`; uWSGI harakiri; celery hard
    /// time limit; php-fpm `execution timed out … terminating`, puma worker timeout, pm2.
    SupervisorKills {
        /// Program that kills.
        by: String,
        /// The child's pid in its own namespace.
        pid: Option<u32>,
        /// Why, by its words.
        reason: String,
    },
    /// The program says that it was told to stop (`received SIGTERM`, `Shutting down`).
    ToldToStop(String),
    /// A platform's words: Lambda `Memory Size: … Max Memory Used: …`, Cloud Run `Memory limit of
    /// 512 MiB exceeded with 550 MiB used`, Heroku `R15`, `signal: killed`.
    Platform {
        /// lambda, cloud-run, heroku, …
        name: String,
        /// The memory limit.
        limit: Option<Limit>,
        /// The memory used.
        usage: Option<Bytes>,
        /// True if the words say that the platform ended it for its memory.
        killed_for_memory: bool,
    },
    /// A fatal signal of the program's own (`Segmentation fault`, `Bus error`, `Aborted`).
    FatalSignal(i32),
    /// Another end of the program's own making.
    OwnEnd(OwnEnd),
}

/// One value of one cgroup file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The cgroup, absolute in the hierarchy; `None` in pasted text that does not say.
    pub cgroup: Option<CgroupPath>,
    /// The file: `memory.events`, `memory.oom_control`, `memory.limit_in_bytes` …
    pub file: String,
    /// The key in the file; empty for files of one value.
    pub key: String,
    /// The value; `max` and v1's huge numbers are `u64::MAX`-free: see [`Limit::from_kernel`].
    pub value: CounterValue,
}

/// A number, or a limit that may be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterValue {
    /// A count, bytes, microseconds: as printed.
    Number(u64),
    /// A limit file's value.
    Limit(Limit),
    /// A pressure average in hundredths of a percent (`avg10=12.34` is 1234).
    Pressure(u32),
}

/// A live process of the container, from `/proc`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessRecord {
    /// Pid in the initial namespace.
    pub pid: u32,
    /// Parent.
    pub ppid: Option<u32>,
    /// `comm`
    pub comm: Option<String>,
    /// Command line.
    pub command: Vec<String>,
    /// `NSpid`'s last number: the pid inside; 1 is the container's main process.
    pub inner_pid: Option<u32>,
    /// `RssAnon`
    pub anon: Option<Bytes>,
    /// `RssFile`
    pub file: Option<Bytes>,
    /// `RssShmem`
    pub shmem: Option<Bytes>,
    /// `oom_score_adj`
    pub oom_score_adj: Option<i32>,
    /// Signals with a handler (`SigCgt`) or ignored (`SigIgn`): bit n-1 is signal n.
    pub handles: Option<u64>,
    /// Ignored signals.
    pub ignores: Option<u64>,
    /// `wchan` or the top of the kernel stack (`mem_cgroup_oom_synchronize`: stalled at the limit).
    pub waits_in: Option<String>,
    /// The soft `Max cpu time` limit in seconds.
    pub cpu_limit_seconds: Option<u64>,
    /// Start time.
    pub started_at: Option<Moment>,
}

/// One tracepoint event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceEvent {
    /// `signal:signal_generate`
    Signal {
        /// Sending context's name.
        sender_comm: String,
        /// Sending context's pid.
        sender_pid: u32,
        /// Signal number.
        signal: i32,
        /// `code`: 0 kill(2), -6 tgkill, 128 the kernel.
        code: i32,
        /// Target's name.
        comm: String,
        /// Target's pid.
        pid: u32,
        /// `grp`
        group: bool,
        /// `res`: 0 delivered, 1 ignored, 2 already pending.
        result: u32,
    },
    /// `oom:mark_victim`
    MarkVictim {
        /// The victim.
        pid: u32,
        /// Its name, where this kernel tells it.
        comm: Option<String>,
    },
    /// A line our own probe adds about a sender: `sender pid=P uid=U auid=A exe=… cmdline=…`.
    Sender {
        /// Its pid.
        pid: u32,
        /// Its uid.
        uid: Option<u32>,
        /// Its login uid.
        login_uid: Option<u32>,
        /// Its command line.
        command: Option<String>,
    },
}

/// A fact about the machine, from `key: value` lines the gatherer writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineFact {
    /// `uname -r`
    KernelRelease(String),
    /// 1 or 2: which hierarchy holds the memory controller.
    CgroupVersion(u8),
    /// Docker's version.
    DockerVersion(String),
    /// containerd's version.
    ContainerdVersion(String),
    /// Physical memory.
    MemTotal(Bytes),
    /// Memory available now.
    MemAvailable(Bytes),
    /// Processors online.
    Cpus(u32),
    /// When the machine booted.
    BootedAt(Moment),
    /// When the Docker daemon started: its event history begins there.
    DaemonStartedAt(Moment),
    /// True if the event history may have lost its oldest entries (256 were returned).
    EventsWrapped(bool),
    /// The earliest event the history still holds.
    EventsSince(Moment),
    /// Whether the evidence was gathered in the initial pid namespace, whose pids the kernel logs.
    PidNamespace {
        /// False inside a container.
        initial: bool,
    },
    /// The stamp of the kernel log's oldest record, microseconds since boot.
    KernelLogSince(u64),
}

/// How a process ended, as wait(2) told its parent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitStatus {
    /// Pid in the initial namespace.
    pub pid: u32,
    /// Its name.
    pub comm: Option<String>,
    /// Its exit code, if it ended by itself.
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// When it was started.
    pub started_at: Option<Moment>,
    /// When it had ended.
    pub ended_at: Option<Moment>,
    /// The pid is one of an inner namespace: the kernel's log calls the process by another.
    pub inner_pid: bool,
}
