//! Programs that are one executable: by what their constants hold, each by several that others do not have.
//!
//! What their configuration files say is read by `servers/configuration`. Forks with another version of
//! their own (Valkey, KeyDB, OpenResty, Percona) are not taken for the original.

mod configuration;

use memchr::memmem;
use settings::runtimes::{Runtime, Version};

use crate::Look;
use crate::constants::{ending, hold_all, strings, version_behind};
use crate::executable;

/// A program, with what its files say.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) runtime: Runtime,
    pub(crate) version: Version,
    pub(crate) settings: Vec<(String, String)>,
}

/// What tells a program: all of these stand in its constants, none of those.
struct Marks {
    runtime: Runtime,
    has: &'static [&'static str],
    has_not: &'static [&'static str],
}

const PROGRAMS: [Marks; 7] = [
    Marks { runtime: Runtime::Bun, has: &["oven-sh/bun/releases/download/bun-v"], has_not: &[] },
    Marks {
        runtime: Runtime::Deno,
        has: &["DENO_DIR", "DENO_NO_UPDATE_CHECK", "Deno/"],
        has_not: &[],
    },
    Marks {
        runtime: Runtime::Php,
        has: &["X-Powered-By: PHP/", "max_children", "memory_limit", "php-fpm"],
        has_not: &[],
    },
    Marks {
        runtime: Runtime::Postgres,
        has: &["autovacuum_max_workers", "shared_buffers", "PostgreSQL "],
        has_not: &["EnterpriseDB", "Greenplum"],
    },
    Marks {
        runtime: Runtime::Nginx,
        has: &["nginx version: nginx/", "worker_processes", "worker_connections"],
        has_not: &[],
    },
    Marks {
        runtime: Runtime::Redis,
        has: &["redis_version:%s", "maxmemory-policy", "noeviction", "appendonly"],
        has_not: &["valkey_version", "KeyDB", "dragonfly"],
    },
    Marks {
        runtime: Runtime::MariaDb,
        has: &["innodb_buffer_pool_size", "-MariaDB"],
        has_not: &["Percona Server"],
    },
];

/// Looks at one; its files are those that its master names.
pub(crate) fn recognise(look: &Look, master: &Look) -> Option<Found> {
    executable::with(&look.executable(), |elf| {
        let constants = elf.section(".rodata")?;
        let is = |marks: &&Marks| hold_all(constants, marks.has);
        let marks = PROGRAMS.iter().find(is)?;
        let stranger = marks.has_not.iter().any(|mark| hold_all(constants, &[mark]));
        // A sentinel holds no data, and reads other settings.
        let sentinel = marks.runtime == Runtime::Redis
            && look.arguments.iter().any(|word| word == "--sentinel" || word == "[sentinel]");
        if stranger || sentinel {
            return None;
        }
        let version = version(marks.runtime, constants)?;
        let settings = configuration::of(marks.runtime, master, constants);
        Some(Found { runtime: marks.runtime, version, settings })
    })
}

fn version(runtime: Runtime, constants: &[u8]) -> Option<Version> {
    match runtime {
        Runtime::Bun => version_behind(constants, "oven-sh/bun/releases/download/bun-v", 3),
        Runtime::Deno => deno(constants),
        Runtime::Php => version_behind(constants, "X-Powered-By: PHP/", 3),
        // version(): other texts name old versions, for upgrades.
        Runtime::Postgres => strings(constants)
            .filter(|text| text.contains(", compiled by "))
            .find_map(|text| Version::parse(text.strip_prefix("PostgreSQL ")?)),
        Runtime::Nginx => version_behind(constants, "nginx version: nginx/", 3),
        Runtime::Redis => redis(constants),
        Runtime::MariaDb => strings(constants)
            .find_map(|text| text.split_once("-MariaDB").map(|(before, _)| before))
            .filter(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
            .and_then(Version::parse),
        Runtime::Node
        | Runtime::Python
        | Runtime::Go
        | Runtime::Java
        | Runtime::Ruby
        | Runtime::Beam
        | Runtime::DotNet => None,
    }
}

/// `Deno/2.9.6Deno/2.9.6+e1b5c0d`: its name for servers, short and long. Libraries inside have one too.
fn deno(constants: &[u8]) -> Option<Version> {
    memmem::find_iter(constants, b"Deno/").find_map(|at| {
        let rest = constants.get(at + b"Deno/".len()..)?;
        let end = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
        let (version, behind) = rest.split_at_checked(end)?;
        let is_own = behind.starts_with(b"Deno/") || behind.starts_with(b"+");
        Version::parse(std::str::from_utf8(version).ok()?).filter(|_| is_own)
    })
}

/// The version alone is one string, and another begins with it: the build's id, with time and commit behind.
/// Other versions are those since which a command is there.
fn redis(constants: &[u8]) -> Option<Version> {
    // The build's id may stand right behind a number in binary, not as a string of its own.
    let is_build = |version: &str| {
        memmem::find_iter(constants, version.as_bytes()).any(|at| {
            let rest = constants.get(at + version.len()..).unwrap_or_default();
            let length = rest.iter().take(64).take_while(|byte| byte.is_ascii_graphic()).count();
            length > 16
        })
    };
    let mut found =
        strings(constants).filter(|text| ending(text) == Some(*text)).filter(|text| is_build(text));
    let first = found.next()?;
    found.all(|other| other == first).then(|| Version::parse(first))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denos_version_is_not_that_of_a_library() {
        let said = |constants: &[u8]| deno(constants).map(|version| version.to_string());
        assert_eq!(said(b"xDeno/0.80.0grpcDeno/2.9.6Deno/2.9.6+e1").as_deref(), Some("2.9.6"));
        assert_eq!(said(b"xDeno/0.80.0grpc"), None);
    }

    #[test]
    fn rediss_version_is_the_one_that_its_build_begins_with() {
        let said = |constants: &[u8]| redis(constants).map(|version| version.to_string());
        let build = b"\x002.6.0\x007.0.15\x007.0.15host-179028205600000000\x006.0.0\0";
        assert_eq!(said(build).as_deref(), Some("7.0.15"));
        assert_eq!(said(b"\x002.6.0\x007.0.15\0"), None);
    }
}
