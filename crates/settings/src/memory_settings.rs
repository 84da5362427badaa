//! Names of environment variables that steer a runtime's memory. Only their values may be kept
//! in a case; every other value is a possible secret.

use crate::runtimes::names::is_version_variable;

/// Known names, sorted. The runtime or allocator that reads each is in the comment.
pub const NAMES: [&str; 40] = [
    "BUN_JSC_forceRAMSize",           // Bun, a hint
    "BUN_JSC_gcMaxHeapSize",          // Bun, a hint
    "CATALINA_OPTS",                  // Tomcat, JVM flags
    "CELERY_WORKER_CONCURRENCY",      // celery
    "CELERY_WORKER_POOL",             // celery
    "COMPlus_GCHeapHardLimit",        // .NET, hexadecimal bytes
    "COMPlus_GCHeapHardLimitPercent", // .NET, hexadecimal
    "DENO_USE_CGROUPS",               // Deno
    "DENO_V8_FLAGS",                  // Deno
    "DOTNET_GCHeapHardLimit",         // .NET, hexadecimal bytes
    "DOTNET_GCHeapHardLimitPercent",  // .NET, hexadecimal
    "DOTNET_PROCESSOR_COUNT",         // .NET
    "DOTNET_gcServer",                // .NET
    "GLIBC_TUNABLES",                 // glibc
    "GODEBUG",                        // Go
    "GOGC",                           // Go
    "GOMAXPROCS",                     // Go
    "GOMEMLIMIT",                     // Go
    "GUNICORN_CMD_ARGS",              // gunicorn
    "JAVA_OPTS",                      // many start scripts
    "JAVA_TOOL_OPTIONS",              // HotSpot itself
    "JDK_JAVA_OPTIONS",               // the java launcher, 9 and later
    "JVM_OPTS",                       // some start scripts
    "LD_PRELOAD",                     // the loader: another malloc
    "MALLOC_ARENA_MAX",               // glibc
    "MALLOC_CONF",                    // jemalloc
    "MALLOC_MMAP_THRESHOLD_",         // glibc
    "MALLOC_TRIM_THRESHOLD_",         // glibc
    "NODE_OPTIONS",                   // Node
    "PHP_MEMORY_LIMIT",               // common PHP images
    "PYTHONMALLOC",                   // CPython
    "PYTHON_CPU_COUNT",               // CPython, 3.13 and later
    "RUBY_GC_HEAP_GROWTH_FACTOR",     // Ruby
    "RUBY_GC_HEAP_INIT_SLOTS",        // Ruby
    "UVICORN_WORKERS",                // uvicorn
    "UV_THREADPOOL_SIZE",             // Node
    "UWSGI_PROCESSES",                // uWSGI
    "UWSGI_WORKERS",                  // uWSGI
    "WEB_CONCURRENCY",                // gunicorn, uvicorn, puma
    "_JAVA_OPTIONS",                  // HotSpot itself
];

/// Read by a runtime, but never kept: they may hold a secret beside (`-setcookie` of the BEAM).
pub const NEVER_KEPT: [&str; 3] = ["ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS"];

/// Whether a variable of this name steers memory, so that its value may be kept.
pub fn is_memory_setting(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

/// Whether the value of a variable of this name may be kept: it steers memory, or tells a runtime's version.
pub fn may_be_kept(name: &str) -> bool {
    is_memory_setting(name) || is_version_variable(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_unique() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_secret_is_not_a_memory_setting() {
        assert!(is_memory_setting("NODE_OPTIONS"));
        assert!(!is_memory_setting("DATABASE_URL"));
        assert!(NEVER_KEPT.iter().all(|name| !is_memory_setting(name)));
    }
}
