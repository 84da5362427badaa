//! The last words of language runtimes that could not get memory.
//!
//! A ceiling of the runtime's own (V8 heap, `-Xmx`, PHP's `memory_limit`) is not the container's
//! limit; a sentence names it only for PHP and GHC. Whether a Java error was caught is seen from what
//! follows, next door in `blocks`.

use casefile::Bytes;

use super::words::{after, begins, begins_any, has_any, number};
use crate::record::{Application, LanguageDeath};

/// Reads one line.
pub(super) fn read(line: &str, lower: &str) -> Option<Application> {
    v8(line)
        .or_else(|| on_out_of_memory(line))
        .or_else(|| java(line))
        .or_else(|| python(line))
        .or_else(|| php(line))
        .or_else(|| ghc(line))
        .or_else(|| fixed(line))
        .or_else(|| other(line, lower))
}

fn died(death: LanguageDeath, ceiling: Option<u64>, survived: bool) -> Option<Application> {
    Some(Application::Language { death, ceiling: ceiling.map(Bytes), survived })
}

fn v8(line: &str) -> Option<Application> {
    let fatal = begins_any(
        line,
        &["FATAL ERROR: ", "Fatal process out of memory: ", "Fatal JavaScript out of memory: "],
    );
    if let Some(rest) = fatal {
        let names_memory = has_any(rest, &["out of memory", "Allocation failed", "heap limit"])
            || !line.contains("FATAL ERROR: ");
        // Not the JavaScript heap's own ceiling: V8 could not get pages from the system.
        let system = [
            "Zone",
            "NewSpace",
            "semi space",
            "AlignedAlloc",
            "Failed to reserve",
            "Failed to create",
            "Isolate",
            "Oilpan",
            "CodeRange",
            "Committing",
        ];
        let death = if has_any(rest, &system) {
            LanguageDeath::V8OutOfMemory
        } else if has_any(rest, &["heap", "CALL_AND_RETRY", "mark-compacts", "Allocation failed"]) {
            LanguageDeath::V8HeapLimit
        } else {
            LanguageDeath::V8OutOfMemory
        };
        return names_memory.then(|| died(death, None, false)).flatten();
    }
    let worker = line.contains("ERR_WORKER_OUT_OF_MEMORY")
        || begins(line, "Worker terminated due to reaching memory limit").is_some();
    worker.then(|| died(LanguageDeath::V8HeapLimit, None, false)).flatten()
}

/// HotSpot's own print of `-XX:OnOutOfMemoryError`, then of the command it runs.
fn on_out_of_memory(line: &str) -> Option<Application> {
    let option = begins(line, "# -XX:OnOutOfMemoryError=");
    let command = option.or_else(|| {
        begins(line, "#   Executing ")
            .or_else(|| begins(line, "# Executing "))
            .map(|rest| after(rest, "-c ").unwrap_or(rest))
    })?;
    let command = command.trim().trim_end_matches("...").trim_matches(['"', '\'']);
    let kills_itself = command.contains("kill")
        && has_any(command, &["-9", "-KILL", "-SIGKILL", "-s 9", "-s KILL", "-s SIGKILL", "-n 9"]);
    let command = command.to_owned();
    Some(Application::JavaOnOutOfMemory { command, kills_itself })
}

fn java(line: &str) -> Option<Application> {
    if begins(line, "There is insufficient memory for the Java Runtime Environment").is_some()
        || begins(line, "Could not reserve enough space for").is_some()
        || line.contains("os::commit_memory(") && line.contains("failed; error=")
    {
        return died(LanguageDeath::JavaNativeAllocation, None, false);
    }
    let thrown =
        begins_any(line, &["java.lang.OutOfMemoryError", "Caused by: java.lang.OutOfMemoryError"]);
    let in_thread = || {
        let rest = begins(line, "Exception in thread \"").or_else(|| {
            begins(line, "Exception: java.lang.OutOfMemoryError thrown from the Uncaught")
        })?;
        (rest.contains("OutOfMemoryError") || line.contains("Exception: java")).then_some(rest)
    };
    let ends = || {
        begins_any(
            line,
            &[
                "Terminating due to java.lang.OutOfMemoryError",
                "Aborting due to java.lang.OutOfMemoryError",
                "fatal error in thread",
            ],
        )
        .filter(|_| line.contains("OutOfMemoryError"))
    };
    let wrapped = || {
        // `… nested exception is java.lang.OutOfMemoryError: Java heap space`, JSON loggers.
        let at = line.find("java.lang.OutOfMemoryError: ")?;
        let known = [
            "Java heap space",
            "GC overhead limit",
            "Metaspace",
            "Direct buffer memory",
            "unable to create",
            "Requested array size",
            "Compressed class space",
            "Out of swap space",
            "Cannot reserve",
            "Map failed",
        ];
        let rest = line.get(at..)?;
        has_any(rest, &known).then_some(rest)
    };
    thrown.or_else(in_thread).or_else(ends).or_else(wrapped)?;
    // A library that prints it as a warning has caught it.
    let warned = has_any(line, &[" WARN ", "[WARN]", "WARNING:", "level=warn"]);
    died(LanguageDeath::JavaOutOfMemoryError, None, warned)
}

/// `MemoryError` and the classes named after it, as the last line of a traceback.
fn python(line: &str) -> Option<Application> {
    if has_any(
        line,
        &["DefaultCPUAllocator: can't allocate memory", "DefaultCPUAllocator: not enough memory"],
    ) {
        return died(LanguageDeath::PythonMemoryError, None, false);
    }
    if line.contains("raised unexpected: MemoryError") {
        return died(LanguageDeath::PythonMemoryError, None, true);
    }
    let at = line.find("MemoryError")?;
    let head = line.get(..at)?;
    let start = head.rfind(|c: char| !(c.is_alphanumeric() || "._".contains(c)));
    let name_at = start.map_or(0, |start| start + 1);
    let class = line.get(name_at..at)?;
    if class.ends_with("OutOf") || class.ends_with("No") || class.ends_with("Gpu") {
        return None;
    }
    let rest = begins(line, line.get(name_at..at + "MemoryError".len())?)?;
    // `MemoryError`, `MemoryError: …`, `MemoryError()`, never `MemoryErrors are …`
    let ends = rest.is_empty() || rest.starts_with([':', '(', '"', '\\', '\'', ',', '}']);
    ends.then(|| died(LanguageDeath::PythonMemoryError, None, false)).flatten()
}

/// `Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes)`. In a web
/// server the request dies of it, the worker does not.
fn php(line: &str) -> Option<Application> {
    let served = has_any(line, &["said into stderr", "FastCGI sent in stderr", "PHP message:"]);
    if let Some(rest) = after(line, "Allowed memory size of ")
        && rest.contains("bytes exhausted")
    {
        return died(LanguageDeath::PhpMemoryLimit, number(rest), served);
    }
    let out = after(line, "Fatal error:")
        .is_some_and(|rest| rest.trim_start().starts_with("Out of memory (allocated"));
    out.then(|| died(LanguageDeath::OtherAllocation, None, served)).flatten()
}

/// GHC: `Heap exhausted; the current limit is 1073741824 bytes (1024 MB).`
fn ghc(line: &str) -> Option<Application> {
    let rest = after(line, "Heap exhausted;")?;
    let limit = after(rest, "limit is ").and_then(number);
    died(LanguageDeath::OtherAllocation, limit, false)
}

/// Sentences with nothing to read out of them; each must begin a line.
const FIXED: [(&str, LanguageDeath, bool); 46] = [
    ("fatal error: runtime: out of memory", LanguageDeath::GoOutOfMemory, false),
    ("fatal error: runtime: cannot allocate", LanguageDeath::GoOutOfMemory, false),
    ("fatal error: out of memory", LanguageDeath::GoOutOfMemory, false),
    ("fatal error: cannot allocate memory", LanguageDeath::GoOutOfMemory, false),
    ("runtime: out of memory: cannot allocate", LanguageDeath::GoOutOfMemory, false),
    ("runtime: cannot allocate", LanguageDeath::GoOutOfMemory, false),
    ("System.OutOfMemoryException", LanguageDeath::DotnetOutOfMemory, false),
    ("Unhandled exception. System.OutOfMemoryException", LanguageDeath::DotnetOutOfMemory, false),
    ("Unhandled Exception: System.OutOfMemoryException", LanguageDeath::DotnetOutOfMemory, false),
    ("Unhandled Exception: OutOfMemoryException", LanguageDeath::DotnetOutOfMemory, false),
    ("Fatal error. System.OutOfMemoryException", LanguageDeath::DotnetOutOfMemory, false),
    ("Out of memory.", LanguageDeath::DotnetOutOfMemory, false),
    ("GC heap initialization failed", LanguageDeath::DotnetOutOfMemory, false),
    ("Failed to create CoreCLR, HRESULT: 0x8007000E", LanguageDeath::DotnetOutOfMemory, false),
    (
        "terminate called after throwing an instance of 'std::bad_alloc'",
        LanguageDeath::CppBadAlloc,
        false,
    ),
    (
        "terminate called after throwing an instance of 'std::bad_array_new_length'",
        LanguageDeath::CppBadAlloc,
        false,
    ),
    ("libc++abi: terminating", LanguageDeath::CppBadAlloc, false),
    (
        "terminating with uncaught exception of type std::bad_alloc",
        LanguageDeath::CppBadAlloc,
        false,
    ),
    (
        "terminating due to uncaught exception of type std::bad_alloc",
        LanguageDeath::CppBadAlloc,
        false,
    ),
    ("what():  std::bad_alloc", LanguageDeath::CppBadAlloc, false),
    ("what(): std::bad_alloc", LanguageDeath::CppBadAlloc, false),
    ("std::bad_alloc", LanguageDeath::CppBadAlloc, false),
    ("[FATAL] failed to allocate memory", LanguageDeath::RubyNoMemory, false),
    ("Error: cannot allocate vector of size", LanguageDeath::OtherAllocation, false),
    ("cannot allocate vector of size", LanguageDeath::OtherAllocation, false),
    ("Error: vector memory exhausted", LanguageDeath::OtherAllocation, false),
    ("ERROR: OutOfMemoryError()", LanguageDeath::OtherAllocation, false),
    ("OutOfMemoryError()", LanguageDeath::OtherAllocation, false),
    ("Fatal error: exception Out_of_memory", LanguageDeath::OtherAllocation, false),
    ("virtual memory exhausted", LanguageDeath::OtherAllocation, false),
    ("Out of memory!", LanguageDeath::OtherAllocation, false),
    ("Out of memory in perl", LanguageDeath::OtherAllocation, false),
    ("RangeError: Out of memory", LanguageDeath::OtherAllocation, false),
    ("RangeError: Array buffer allocation failed", LanguageDeath::OtherAllocation, false),
    (
        "RangeError: WebAssembly.Memory(): could not allocate memory",
        LanguageDeath::OtherAllocation,
        false,
    ),
    ("torch.OutOfMemoryError", LanguageDeath::GpuOutOfMemory, false),
    ("torch.cuda.OutOfMemoryError", LanguageDeath::GpuOutOfMemory, false),
    ("RuntimeError: CUDA out of memory", LanguageDeath::GpuOutOfMemory, false),
    ("RuntimeError: CUDA error: out of memory", LanguageDeath::GpuOutOfMemory, false),
    ("Out Of Memory allocating", LanguageDeath::OtherAllocation, false),
    ("OOM command not allowed when used memory", LanguageDeath::OtherAllocation, true),
    (
        "Can't save in background: fork: Cannot allocate memory",
        LanguageDeath::OtherAllocation,
        true,
    ),
    ("Error: spawn ENOMEM", LanguageDeath::OtherAllocation, false),
    ("InnoDB: Cannot allocate memory for the buffer pool", LanguageDeath::OtherAllocation, false),
    ("not enough memory", LanguageDeath::OtherAllocation, false),
    ("mmap: cannot allocate memory", LanguageDeath::OtherAllocation, false),
];

fn fixed(line: &str) -> Option<Application> {
    let (death, survived) = FIXED.iter().find_map(|(words, death, survived)| {
        let rest = begins(line, words)?;
        // These are whole sentences or type names elsewhere: nothing more than an end may follow.
        let alone = ["Out of memory.", "not enough memory", "std::bad_alloc"].contains(words);
        let allocation = !words.starts_with("libc++abi") || rest.contains("std::bad_alloc");
        let ends = rest.trim().trim_matches(['"', '}', '.', '\\', 'n', '\'']).is_empty();
        ((!alone || ends) && allocation).then_some((death, survived))
    })?;
    died(*death, None, *survived)
}

/// Sentences with a number or a name in the middle, and errno's own text at the end of a line.
fn other(line: &str, lower: &str) -> Option<Application> {
    if begins(line, "memory allocation of ").is_some_and(|rest| rest.contains(" bytes failed")) {
        return died(LanguageDeath::RustAllocation, None, false);
    }
    if line.contains("failed to allocate memory (NoMemoryError)") {
        return died(LanguageDeath::RubyNoMemory, None, false);
    }
    // BEAM: `eheap_alloc: Cannot allocate 1234 bytes of memory (of type "heap").`
    let beam =
        line.contains("_alloc: Cannot allocate ") || line.contains("_alloc: Cannot reallocate ");
    if beam && line.contains(" bytes of memory") {
        return died(LanguageDeath::OtherAllocation, None, false);
    }
    if lower.contains(": out of memory allocating ") {
        return died(LanguageDeath::OtherAllocation, None, false);
    }
    // PostgreSQL ends the statement, and with FATAL the connection, never the server.
    if let Some(rest) = begins_any(line, &["ERROR:  out of memory", "ERROR: out of memory"]) {
        return rest.is_empty().then(|| died(LanguageDeath::OtherAllocation, None, true)).flatten();
    }
    let tail = lower.trim_end_matches(['.', ')', '"', '\'', '}', ',', ' ', ']']);
    let errno = ["cannot allocate memory", "enomem", "errno=12", "error code 12"];
    let ends = errno.iter().any(|words| {
        tail.strip_suffix(words).is_some_and(|head| {
            head.ends_with([':', ' ', '(', '='])
                && head.trim_end().ends_with([':', ']', '(', '=', ';', '-'])
        })
    });
    let goes_on = has_any(line, &["LOG:", "WARN", "warning", "NOTICE", "retry", "ERROR:  "]);
    ends.then(|| died(LanguageDeath::OtherAllocation, None, goes_on)).flatten()
}
