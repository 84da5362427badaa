//! Names of environment variables that steer a runtime's memory. Only their values may be kept
//! in a case; every other value is a possible secret.

/// Known names, sorted. The runtime or allocator that reads each is in the comment.
pub const NAMES: [&str; 24] = [
    "CATALINA_OPTS",                 // Tomcat, JVM flags
    "DOTNET_GCHeapHardLimit",        // .NET, hexadecimal bytes
    "DOTNET_GCHeapHardLimitPercent", // .NET
    "DOTNET_gcServer",               // .NET
    "GOGC",                          // Go
    "GOMAXPROCS",                    // Go
    "GOMEMLIMIT",                    // Go
    "GUNICORN_CMD_ARGS",             // gunicorn
    "JAVA_OPTS",                     // many start scripts
    "JAVA_TOOL_OPTIONS",             // HotSpot itself
    "JDK_JAVA_OPTIONS",              // the java launcher, 9 and later
    "JVM_OPTS",                      // some start scripts
    "MALLOC_ARENA_MAX",              // glibc
    "MALLOC_CONF",                   // jemalloc
    "MALLOC_MMAP_THRESHOLD_",        // glibc
    "MALLOC_TRIM_THRESHOLD_",        // glibc
    "NODE_OPTIONS",                  // Node
    "PHP_MEMORY_LIMIT",              // common PHP images
    "PYTHONMALLOC",                  // CPython
    "RUBY_GC_HEAP_GROWTH_FACTOR",    // Ruby
    "RUBY_GC_HEAP_INIT_SLOTS",       // Ruby
    "UV_THREADPOOL_SIZE",            // Node
    "WEB_CONCURRENCY",               // gunicorn, uvicorn, puma
    "_JAVA_OPTIONS",                 // HotSpot itself
];

/// Whether a variable of this name steers memory, so that its value may be kept.
pub fn is_memory_setting(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
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
    }
}
