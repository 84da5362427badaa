//! Each sentence in its own words, and what must not be taken for one.

use casefile::{Bytes, Limit};
use proptest::prelude::*;

use super::*;
use crate::record::LanguageDeath;

fn read(text: &str) -> Vec<Sighting> {
    super::read(&Text::new(text))
}

fn applications(text: &str) -> Vec<Application> {
    read(text)
        .into_iter()
        .filter_map(|sighting| match sighting.record {
            Record::Application(application) => Some(application),
            _ => None,
        })
        .collect()
}

fn only(text: &str) -> Application {
    let mut found = applications(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.remove(0)
}

fn death(text: &str) -> (LanguageDeath, Option<u64>, bool) {
    match only(text) {
        Application::Language { death, ceiling, survived } => {
            (death, ceiling.map(|bytes| bytes.0), survived)
        }
        other => panic!("{text}: {other:?}"),
    }
}

const LAST_WORDS: [(&str, LanguageDeath); 30] = [
    (
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        LanguageDeath::V8HeapLimit,
    ),
    (
        "api-1  | FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory",
        LanguageDeath::V8HeapLimit,
    ),
    (
        "FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - process out of memory",
        LanguageDeath::V8HeapLimit,
    ),
    (
        "#12 41.2 FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        LanguageDeath::V8HeapLimit,
    ),
    (
        "FATAL ERROR: NewSpace::Rebalance Allocation failed - JavaScript heap out of memory",
        LanguageDeath::V8OutOfMemory,
    ),
    ("FATAL ERROR: Zone Allocation failed - process out of memory", LanguageDeath::V8OutOfMemory),
    (
        "Error [ERR_WORKER_OUT_OF_MEMORY]: Worker terminated due to reaching memory limit: JS heap out of memory",
        LanguageDeath::V8HeapLimit,
    ),
    (
        "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space",
        LanguageDeath::JavaOutOfMemoryError,
    ),
    (
        "Caused by: java.lang.OutOfMemoryError: GC overhead limit exceeded",
        LanguageDeath::JavaOutOfMemoryError,
    ),
    (
        "Terminating due to java.lang.OutOfMemoryError: Java heap space",
        LanguageDeath::JavaOutOfMemoryError,
    ),
    ("Aborting due to java.lang.OutOfMemoryError: Metaspace", LanguageDeath::JavaOutOfMemoryError),
    (
        "2026-05-27 10:00:00,123 ERROR [http-1] org.example.App - java.lang.OutOfMemoryError: Direct buffer memory",
        LanguageDeath::JavaOutOfMemoryError,
    ),
    (
        "# There is insufficient memory for the Java Runtime Environment to continue.",
        LanguageDeath::JavaNativeAllocation,
    ),
    ("MemoryError", LanguageDeath::PythonMemoryError),
    ("[worker 3] MemoryError: could not grow", LanguageDeath::PythonMemoryError),
    (
        "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 3. GiB for an array",
        LanguageDeath::PythonMemoryError,
    ),
    ("pyarrow.lib.ArrowMemoryError: malloc of size 64 failed", LanguageDeath::PythonMemoryError),
    (
        "RuntimeError: [enforce fail at alloc_cpu.cpp:83] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 40 bytes.",
        LanguageDeath::PythonMemoryError,
    ),
    ("fatal error: runtime: out of memory", LanguageDeath::GoOutOfMemory),
    (
        "runtime: out of memory: cannot allocate 4194304-byte block (66846720 in use)",
        LanguageDeath::GoOutOfMemory,
    ),
    ("Out of memory.", LanguageDeath::DotnetOutOfMemory),
    (
        "Unhandled exception. System.OutOfMemoryException: Exception of type 'System.OutOfMemoryException' was thrown.",
        LanguageDeath::DotnetOutOfMemory,
    ),
    ("memory allocation of 34359738368 bytes failed", LanguageDeath::RustAllocation),
    ("terminate called after throwing an instance of 'std::bad_alloc'", LanguageDeath::CppBadAlloc),
    ("job.rb:3:in `*': failed to allocate memory (NoMemoryError)", LanguageDeath::RubyNoMemory),
    (
        "eheap_alloc: Cannot allocate 1781763260 bytes of memory (of type \"heap\").",
        LanguageDeath::OtherAllocation,
    ),
    ("bash: fork: Cannot allocate memory", LanguageDeath::OtherAllocation),
    ("OSError: [Errno 12] Cannot allocate memory", LanguageDeath::OtherAllocation),
    (
        "12:M 27 May 2026 10:00:00.000 # Out Of Memory allocating 98304 bytes!",
        LanguageDeath::OtherAllocation,
    ),
    (
        "cc1plus: out of memory allocating 65536 bytes after a total of 1 bytes",
        LanguageDeath::OtherAllocation,
    ),
];

#[test]
fn every_runtimes_last_words_are_known() {
    for (line, expected) in LAST_WORDS {
        assert_eq!(death(line).0, expected, "{line}");
        assert!(!death(line).2, "{line}");
    }
}

#[test]
fn a_ceiling_is_kept_where_the_words_name_it() {
    let line = "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in /app/x.php on line 3";
    assert_eq!(death(line), (LanguageDeath::PhpMemoryLimit, Some(134_217_728), false));
    let line = "solver: Heap exhausted; the current limit is 1073741824 bytes (1024 MB).";
    assert_eq!(death(line).1, Some(1 << 30));
}

#[test]
fn what_a_program_survives_is_marked() {
    for line in [
        "ERROR:  out of memory",
        "[27-May-2026 10:00:00] WARNING: [pool www] child 7 said into stderr: \"PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted\"",
        "# Can't save in background: fork: Cannot allocate memory",
        "[ERROR/ForkPoolWorker-1] Task shop.bill[5c1f] raised unexpected: MemoryError()",
        "2026-05-27 10:00:00 LOG:  could not fork new process for connection: Cannot allocate memory",
    ] {
        assert!(death(line).2, "{line}");
    }
}

#[test]
fn a_logged_java_error_is_survived_if_the_log_goes_on() {
    let error = "2026-05-27T10:00:00Z ERROR [pool-2] java.lang.OutOfMemoryError: Java heap space\n\tat a.B.c(B.java:3)\n";
    let on = "2026-05-27T10:00:01Z INFO ok 1\n2026-05-27T10:00:02Z INFO ok 2\n2026-05-27T10:00:03Z INFO ok 3\n";
    assert!(death(&format!("{error}{on}")).2);
    assert!(!death(error).2);
    let end = "2026-05-27T10:00:04Z INFO Shutting down\n";
    let found = applications(&format!("{error}{on}{end}"));
    assert!(matches!(found[0], Application::Language { survived: false, .. }), "{found:?}");
}

#[test]
fn a_daemons_signal_to_a_container_is_no_parents() {
    let line = "time=\"x\" level=debug msg=\"Sending kill signal 9 to container c41f0e77a9d2\"";
    assert_eq!(applications(line), []);
}

#[test]
fn a_manuals_words_about_a_signal_are_no_kill() {
    assert_eq!(applications("       and sends SIGKILL to the process when memory runs out."), []);
}

#[test]
fn prose_about_an_error_is_not_the_error() {
    for line in [
        "you may see FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "This fixes MemoryError when loading big files",
        "If the worker is slow then gunicorn prints WORKER TIMEOUT (pid:3)",
        "see how java.lang.OutOfMemoryError is handled",
        "Aborted by the user",
        "Aborted!",
        "FATAL:  terminating connection due to idle-in-transaction timeout",
        "systemd-journald[246]: Failed to open system journal:\nCannot allocate memory",
        "Killed process 12 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB",
        "kernel: Memory cgroup out of memory: Killed process 12 (x)",
        "earlyoom: sending SIGKILL to process 12 uid 0 \"x\": badness 900, VmRSS 3 MiB",
        "Container failed to exit within 10s of signal 15 - using the force",
    ] {
        assert_eq!(applications(line), [], "{line}");
    }
}

const WATCHED: [(&str, &str, Option<u32>); 26] = [
    (
        "A jest worker process (pid=12) was terminated by another process: signal=SIGKILL, exitCode=null.",
        "jest",
        Some(12),
    ),
    ("/usr/lib/go/pkg/tool/linux_amd64/link: signal: killed", "go", None),
    ("Gradle Test Executor 1 finished with non-zero exit value 137", "gradle", None),
    ("{\"log\":\"Killed\\n\",\"stream\":\"stderr\"}", "shell", None),
    (
        "[2026-05-27 10:00:00 +0000] [1] [ERROR] Worker (pid:7) was sent SIGKILL! Perhaps out of memory?",
        "gunicorn",
        Some(7),
    ),
    (
        "billiard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL) Job: 3.",
        "celery",
        None,
    ),
    (
        "[ERROR/MainProcess] Process 'ForkPoolWorker-1' pid:12 exited with 'signal 9 (SIGKILL)'",
        "celery",
        Some(12),
    ),
    ("LOG:  server process (PID 71) was terminated by signal 9: Killed", "postgres", Some(71)),
    (
        "[27-May-2026 10:00:00] WARNING: [pool www] child 12 exited on signal 9 (SIGKILL) after 3.1 seconds from start",
        "php-fpm",
        Some(12),
    ),
    ("DAMN ! worker 1 (pid: 9) died, killed by signal 9 :( trying respawn ...", "uwsgi", Some(9)),
    ("[core:notice] [pid 1] AH00052: child pid 14 exit signal Killed (9)", "apache", Some(1)),
    ("2026/05/27 10:00:00 [alert] 1#1: worker process 22 exited on signal 9", "nginx", Some(22)),
    (
        "2026-05-27 10:00:00,000 INFO exited: shop (terminated by SIGKILL; not expected)",
        "supervisord",
        None,
    ),
    ("make: *** [Makefile:3: all] Killed", "make", None),
    ("make[1]: *** [build] Error 137", "make", None),
    ("npm ERR! signal SIGKILL", "npm", None),
    (" ELIFECYCLE  Command failed with exit code 137.", "npm", None),
    ("error Command failed with signal \"SIGKILL\".", "yarn", None),
    ("  code: null, signal: 'SIGKILL',", "node", None),
    ("c++: fatal error: Killed signal terminated program cc1plus", "gcc", None),
    ("RuntimeError: DataLoader worker (pid 31) is killed by signal: Killed.", "pytorch", Some(31)),
    ("Error: llama runner process has terminated: signal: killed", "ollama", None),
    ("The exit codes of the workers are {SIGKILL(-9)}", "loky", None),
    (
        "[2026-05-27 10:00:00,000] {taskinstance.py:1} INFO - Task exited with return code Negsignal.SIGKILL",
        "airflow",
        None,
    ),
    (
        "subprocess.CalledProcessError: Command '['train']' died with <Signals.SIGKILL: 9>.",
        "python",
        None,
    ),
    (
        "failed (exitcode: -9) local_rank: 0 (pid: 77) of binary: /usr/bin/python",
        "torchrun",
        Some(77),
    ),
];

#[test]
fn a_killed_child_is_seen_by_whoever_watches() {
    for (line, by, pid) in WATCHED {
        match only(line) {
            Application::ChildKilled { by: said, pid: named, .. } => {
                assert_eq!((said.as_str(), named), (by, pid), "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn a_supervisor_that_kills_says_so() {
    for (line, by, pid) in [
        (
            "[2026-05-27 10:00:00 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:16)",
            "gunicorn",
            Some(16),
        ),
        (
            "Wed May 27 10:00:00 2026 - *** HARAKIRI ON WORKER 1 (pid: 9, try: 1) ***",
            "uwsgi",
            Some(9),
        ),
        (
            "WARNING: [pool www] child 12, script '/x.php' (request: \"GET /x\") execution timed out (31.2 sec), terminating",
            "php-fpm",
            Some(12),
        ),
        ("timeout: sending signal KILL to command ‘sleep’", "timeout", None),
        (
            "slurmstepd: error: *** JOB 8 ON n1 CANCELLED AT 2026-05-04T10:00:00 DUE TO TIME LIMIT ***",
            "slurm",
            None,
        ),
        ("=>> PBS: job killed: mem 2097152kb exceeded limit 1048576kb", "pbs", None),
        ("TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.", "lsf", None),
        ("2026-05-27 10:00:00,000 WARN killing 'shop' (12) with SIGKILL", "supervisord", Some(12)),
        ("[ERROR/MainProcess] Hard time limit (30s) exceeded for shop.bill[5c1f]", "celery", None),
        (
            "[1] ! Terminating timed out worker (Worker 0 failed to check in within 60 seconds): 25",
            "puma",
            Some(25),
        ),
        (
            "E, [2026-05-27T10:00:00.0 #1] ERROR -- : worker=1 PID:33 timeout (61s > 60s), killing",
            "unicorn",
            Some(33),
        ),
        (
            "PM2 | Process with pid 12 still alive after 1600ms, sending it SIGKILL now...",
            "pm2",
            Some(12),
        ),
    ] {
        match only(line) {
            Application::SupervisorKills { by: said, pid: named, .. } => {
                assert_eq!((said.as_str(), named), (by, pid), "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn gunicorns_aborted_worker_is_found_in_either_order() {
    let lines = [
        "2026-05-27T10:00:00.1Z   File \"/x/gunicorn/workers/base.py\", line 204, in handle_abort",
        "2026-05-27T10:00:00.2Z     sys.exit(1)",
        "2026-05-27T10:00:00.3Z SystemExit: 1",
        "2026-05-27T10:00:00.4Z [2026-05-27 10:00:00 +0000] [16] [INFO] Worker exiting (pid: 16)",
        "2026-05-27T10:00:09.5Z [2026-05-27 10:00:09 +0000] [3] [ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?",
    ];
    let reversed: Vec<&str> = lines.iter().rev().copied().collect();
    for text in [lines.join("\n"), reversed.join("\n")] {
        let found = applications(&text);
        let killed = found.iter().any(|said| {
            matches!(said, Application::SupervisorKills { by, pid: Some(16), .. } if by == "gunicorn")
        });
        assert!(killed, "{found:?}");
    }
}

#[test]
fn nodes_own_kill_of_a_child_is_not_a_strangers() {
    let text = "{\n  killed: true,\n  code: null,\n  signal: 'SIGKILL',\n}";
    assert!(matches!(only(text), Application::SupervisorKills { .. }));
}

#[test]
fn a_garbage_collection_block_tells_of_v8_without_its_fatal_line() {
    let text = "<--- Last few GCs --->\n\n  901 ms: Mark-sweep 98.1 (120.2) -> 98.0 (118.0) MB, 60.1 / 0 ms [last resort gc].\n\n<--- JS stacktrace --->\n\n==== JS stack trace ====\n";
    assert_eq!(death(text).0, LanguageDeath::V8HeapLimit);
    let with = format!(
        "{text}FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - JavaScript heap out of memory\n"
    );
    assert_eq!(death(&with).0, LanguageDeath::V8HeapLimit);
    assert_eq!(applications("<--- Last few GCs --->\n\n<--- JS stacktrace --->\n"), []);
    assert_eq!(applications("901 ms: Mark-sweep 98.1 (120.2) -> 98.0 (118.0) MB\n"), []);
}

#[test]
fn the_jvm_that_ran_its_kill_command_says_so() {
    let text = "#\n# java.lang.OutOfMemoryError: Java heap space\n# -XX:OnOutOfMemoryError=\"kill -9 %p\"\n#   Executing /bin/sh -c \"kill -9 17\"...\n";
    let found = applications(text);
    let commands: Vec<_> = found
        .iter()
        .filter_map(|said| match said {
            Application::JavaOnOutOfMemory { command, kills_itself } => {
                Some((command.as_str(), *kills_itself))
            }
            _ => None,
        })
        .collect();
    assert_eq!(commands, [("kill -9 %p", true), ("kill -9 17", true)]);
    let text = "# -XX:OnOutOfMemoryError=\"/bin/notify.sh\"";
    assert!(matches!(only(text), Application::JavaOnOutOfMemory { kills_itself: false, .. }));
}

#[test]
fn a_platforms_numbers_are_read_in_its_own_units() {
    for (line, name, limit, usage, killed) in [
        (
            "REPORT RequestId: 1\tDuration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 70 MB",
            "lambda",
            Some(128 << 20),
            Some(70 << 20),
            false,
        ),
        (
            "Memory limit of 512 MiB exceeded with 550 MiB used. Consider increasing the memory limit",
            "cloud-run",
            Some(512 << 20),
            Some(550 << 20),
            true,
        ),
        (
            "Memory limit of 256M exceeded with 263M used.",
            "cloud-run",
            Some(256 << 20),
            Some(263 << 20),
            true,
        ),
        ("Process running mem=1062M(207.5%)", "heroku", None, Some(1062 << 20), false),
        ("Error R15 (Memory quota vastly exceeded)", "heroku", None, None, true),
        ("Container 'docker' exceeded memory limit.", "bitbucket", None, None, true),
        (
            "Task x failed: Memory limit exceeded: Requested: 160MB Maximum Used: 161MB",
            "mesos",
            Some(160 << 20),
            Some(161 << 20),
            true,
        ),
        (
            "Container killed by YARN for exceeding memory limits. 2.5 GB of 2 GB physical memory used.",
            "yarn",
            Some(2 << 30),
            Some(5 << 29),
            true,
        ),
        (
            "Container [pid=4,containerID=c_1] is running beyond physical memory limits. Current usage: 3 GB of 2 GB physical memory used; Killing container.",
            "yarn",
            Some(2 << 30),
            Some(3 << 30),
            true,
        ),
        (
            "RequestId: 1 Error: Runtime exited with error: signal: killed",
            "lambda",
            None,
            None,
            false,
        ),
    ] {
        let expected = Application::Platform {
            name: name.to_owned(),
            limit: limit.map(|limit| Limit::At(Bytes(limit))),
            usage: usage.map(Bytes),
            killed_for_memory: killed,
        };
        assert_eq!(only(line), expected, "{line}");
    }
}

#[test]
fn fatal_signals_and_requests_to_stop_are_told_apart() {
    for (line, signal) in [
        ("Segmentation fault (core dumped)", 11),
        ("./run.sh: line 3:    12 Aborted                 (core dumped) ./x", 6),
        ("Bus error", 7),
        ("#  SIGSEGV (0xb) at pc=0x00007f, pid=1, tid=7", 11),
        ("RuntimeError: DataLoader worker (pid 3) is killed by signal: Bus error.", 7),
        (
            "2026/05/27 10:00:00 [alert] 1#1: worker process 22 exited on signal 11 (core dumped)",
            11,
        ),
    ] {
        assert_eq!(only(line), Application::FatalSignal(signal), "{line}");
    }
    for line in [
        "2026-05-27 10:00:00 INFO received SIGTERM, shutting down",
        "[INFO] Handling signal: term",
        "1:signal-handler (1700000000) Received SIGTERM scheduling shutdown...",
        "worker: Warm shutdown (MainProcess)",
        "LOG:  received fast shutdown request",
    ] {
        assert!(matches!(only(line), Application::ToldToStop(_)), "{line}");
    }
}

/// A text in which every kind of sentence occurs, for damage.
const MIXED: &str = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n\
    [1] [CRITICAL] WORKER TIMEOUT (pid:16)\nKilled\n./a: line 3:  12 Killed  x ‘y’\n\
    REPORT RequestId: 1\tMemory Size: 128 MB\tMax Memory Used: 70 MB\nreceived SIGTERM\n\
    <--- Last few GCs --->\n1 ms: Mark-sweep 1 (2) -> 1 (2) MB\n<--- JS stacktrace --->\n\
    # -XX:OnOutOfMemoryError=\"kill -9 %p\"\nBus error\n\u{1b}[31mMemoryError\u{1b}[0m\n";

#[test]
fn long_texts_are_read_in_time() {
    for line in [
        "MemoryError\n",
        "<--- Last few GCs --->\n",
        "x MemoryError ",
        "java.lang.OutOfMemoryError: Java heap space\n",
    ] {
        let text = line.repeat(100_000 / line.len());
        let began = std::time::Instant::now();
        read(&text);
        assert!(began.elapsed().as_secs() < 8, "{line}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,200}") {
        for sighting in read(&text) {
            prop_assert!(sighting.span.of(&text).is_some());
        }
    }

    #[test]
    fn damaged_text_keeps_its_spans(cut in 0usize..600, from in 0usize..600, drop in 0usize..14) {
        let text = crate::damage::damaged(MIXED, drop, from, cut);
        for sighting in read(&text) {
            prop_assert!(sighting.span.of(&text).is_some());
        }
    }
}
