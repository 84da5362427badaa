//! An executable file: its runtime, and the version as far as a small file beside it tells.

use std::fs;
use std::path::Path;

use settings::runtimes::{Runtime, Told, Version, names};

use super::{Before, Known};
use crate::{dotnet, executable, go, java, node};

/// As much of an executable's names is searched for Node's: of every build of 12 to 26 the first one stands in the
/// first 16 KiB.
const MOST_NAMES: u64 = 1 << 20;
/// As much of its constants for Node's version: in those builds it stands in the first 400 KiB, before those of V8.
const MOST_CONSTANTS: u64 = 512 << 10;
/// What every build of Node exports.
const OF_NODE: &[u8] = b"_ZN4node";
/// What Debian's is linked to, and where that lies.
const LIBRARY: &[u8] = b"libnode.so.";
const LIBRARIES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
];

pub(super) fn of(path: &Path, arguments: &[String]) -> Option<Before> {
    let real = fs::canonicalize(path).unwrap_or_else(|_gone| path.to_owned());
    let told = Told { arguments: arguments.to_vec(), ..Told::default() };
    let by = real.display().to_string();
    let found = |runtime, version, told| {
        Some(Before { runtime, version, told, by: by.clone(), script: None, beside: None })
    };
    if let Some(build) = go::of_file(&real) {
        let told = Told { build_settings: build.settings, ..told };
        return found(Runtime::Go, Known::Certain(build.version), told);
    }
    if let Some(settings) = dotnet_host(&real) {
        let version = said_by_dotnet(&settings);
        return found(
            Runtime::DotNet,
            version,
            Told { settings: dotnet::settings(&settings), ..told },
        );
    }
    let name = |path: &Path| names::of_program(path.file_name()?.to_str()?);
    match name(&real).or_else(|| name(path)) {
        Some(Runtime::DotNet) => {
            let version = frameworks(&real).map_or(Known::No, Known::Likely);
            let program = arguments.iter().find_map(|word| word.strip_suffix(".dll"));
            let file = program.map(|program| format!("{program}.runtimeconfig.json"));
            let text = file.and_then(|file| crate::files::text(Path::new(&file)));
            let settings = dotnet::settings(&text.unwrap_or_default());
            found(Runtime::DotNet, version, Told { settings, ..told })
        }
        Some(runtime) => found(runtime, version(runtime, &real), told),
        None if exports_node(&real) => found(Runtime::Node, version(Runtime::Node, &real), told),
        None => None,
    }
}

/// What a small file says.
fn version(runtime: Runtime, real: &Path) -> Known {
    let certain = match runtime {
        Runtime::Node => match node_constants(real) {
            Some(version) => Some(version),
            // They may be another one's.
            None => return node_headers(real).map_or(Known::No, Known::Likely),
        },
        Runtime::Java => {
            let folders = real.ancestors().skip(1).take(3);
            folders.filter_map(|folder| crate::files::text(&folder.join("release"))).find_map(
                // A Debian system has a file of this name too.
                |text| java::release(&text),
            )
        }
        // `python3.11`: what is behind the second number changes nothing here.
        Runtime::Python => {
            let name = real.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let digits = name.strip_prefix("python").filter(|digits| digits.contains('.'));
            digits.and_then(Version::parse)
        }
        _ => None,
    };
    certain.map_or(Known::No, Known::Certain)
}

/// `#define NODE_MAJOR_VERSION 22` and so on, in the headers that come with it.
fn node_headers(real: &Path) -> Option<Version> {
    let folder = real.parent()?.parent()?;
    let text = crate::files::text(&folder.join("include/node/node_version.h"))?;
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name));
        line?.trim().parse::<u32>().ok()
    };
    let (major, minor) = (number("NODE_MAJOR_VERSION")?, number("NODE_MINOR_VERSION")?);
    Version::parse(&format!("{major}.{minor}.{}", number("NODE_PATCH_VERSION")?))
}

/// The version among the constants of Node itself, or of its library.
fn node_constants(real: &Path) -> Option<Version> {
    let version = |path: &Path| executable::search(path, ".rodata", MOST_CONSTANTS, node::said_in);
    version(real).or_else(|| {
        let name = executable::search(real, ".dynstr", MOST_NAMES, |names| {
            let name = names.get(memchr::memmem::find(names, LIBRARY)?..)?;
            let end = name.iter().position(|byte| *byte == 0)?;
            Some(std::str::from_utf8(name.get(..end)?).ok()?.to_owned())
        })?;
        LIBRARIES.iter().find_map(|folder| version(&Path::new(folder).join(&name)))
    })
}

/// Whether it exports Node's names, whatever it is called.
fn exports_node(path: &Path) -> bool {
    executable::search(path, ".dynstr", MOST_NAMES, |names| memchr::memmem::find(names, OF_NODE))
        .is_some()
}

/// An application's own host: `NAME` beside `NAME.dll` and `NAME.runtimeconfig.json`.
fn dotnet_host(real: &Path) -> Option<String> {
    let name = real.file_name()?.to_str()?;
    let beside = |end: &str| real.with_file_name(format!("{name}{end}"));
    beside(".dll").is_file().then(|| crate::files::text(&beside(".runtimeconfig.json")))?
}

/// `"version": "8.0.0"`: the least that it was built for.
fn said_by_dotnet(text: &str) -> Known {
    let version = text.split_once("\"version\"").and_then(|(_, rest)| {
        let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        Version::parse(rest.split('"').next()?)
    });
    version.map_or(Known::No, Known::Likely)
}

/// The newest framework beside the `dotnet` host.
fn frameworks(real: &Path) -> Option<Version> {
    let folder = real.parent()?.join("shared/Microsoft.NETCore.App");
    let names = fs::read_dir(folder).ok()?.flatten();
    let versions = names.filter_map(|entry| Version::parse(entry.file_name().to_str()?));
    let numbers = |version: &Version| [version.major(), version.number(1), version.number(2)];
    versions.max_by_key(numbers)
}
