//! From outside a process: which runtime it is, in which version, what it was told, and what it can
//! see of its limits.
//!
//! By what the kernel shows of it: the executable itself (also a deleted one, through `/proc/PID/exe`),
//! mapped libraries, the command line, the names of known settings in its environment. A name alone
//! proves nothing: a program called `node` may be anything, and Node may have any name. What is not
//! certain is `None`. Nothing is attached to, nothing is signalled. Leans on proc_pid_exe(5),
//! proc_pid_maps(5), proc_pid_environ(5).

mod executable;
mod go;
mod java;
mod node;
mod view;

use std::fs;
use std::path::{Path, PathBuf};

use settings::memory_settings;
use settings::runtimes::{Runtime, Told, Version, View};

/// A process, as seen from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its pid, as this machine counts.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// Its runtime, where that is certain.
    pub runtime: Option<(Runtime, Version)>,
    /// What it was told.
    pub told: Told,
    /// What it can see of its limits; `None` where its cgroup is not shown here.
    pub view: Option<View>,
}

/// Why a process could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("pid {pid}: {source}")]
pub struct Unseen {
    pid: u32,
    source: std::io::Error,
}

/// Looks at a process of this machine.
///
/// # Errors
/// It does not exist. What only its owner may read is left out.
pub fn process(pid: u32) -> Result<Seen, Unseen> {
    seen(pid, Path::new("/proc"))
}

fn seen(pid: u32, proc: &Path) -> Result<Seen, Unseen> {
    let folder = proc.join(pid.to_string());
    let comm = fs::read_to_string(folder.join("comm")).map_err(|source| Unseen { pid, source })?;
    let maps = fs::read_to_string(folder.join("maps")).unwrap_or_default();
    let look = Look { folder: folder.clone(), mapped: mapped(&maps) };
    let mut told = told(&folder);
    let runtime = java::recognise(&look)
        .map(|version| (Runtime::Java, version))
        .or_else(|| node::recognise(&look).map(|version| (Runtime::Node, version)))
        .or_else(|| {
            let build = go::recognise(&look)?;
            told.build_settings = build.settings;
            Some((Runtime::Go, build.version))
        });
    Ok(Seen { pid, comm: comm.trim_end().to_owned(), runtime, told, view: view::of(pid, proc) })
}

/// What a recogniser looks at.
struct Look {
    /// `/proc/PID`.
    folder: PathBuf,
    /// Files that are mapped, as the process names them.
    mapped: Vec<String>,
}

impl Look {
    fn executable(&self) -> PathBuf {
        self.folder.join("exe")
    }

    /// A file as the process itself would open it.
    fn inside(&self, path: &str) -> PathBuf {
        self.folder.join("root").join(path.trim_start_matches('/'))
    }
}

/// The files in a `/proc/PID/maps`, each once.
fn mapped(maps: &str) -> Vec<String> {
    let mut files: Vec<String> = maps
        .lines()
        .filter_map(|line| {
            let at = line.find('/')?;
            let path = line.get(at..)?;
            Some(path.strip_suffix(" (deleted)").unwrap_or(path).to_owned())
        })
        .collect();
    files.dedup();
    files
}

/// Arguments, and of the environment the memory settings only: every other value may be a secret.
fn told(folder: &Path) -> Told {
    let words = |file: &str| -> Vec<String> {
        let bytes = fs::read(folder.join(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.split('\0').map(str::to_owned).collect()
    };
    let mut arguments = words("cmdline");
    // The list ends with a NUL, and begins with the program's own name.
    arguments.pop();
    let arguments = arguments.into_iter().skip(1).collect();
    let environment = words("environ")
        .iter()
        .filter_map(|word| word.split_once('='))
        .filter(|(name, _)| memory_settings::is_memory_setting(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Told { arguments, environment, build_settings: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_files_are_told_once_and_also_deleted_ones() {
        let maps = "7f-8f r-xp 0 fe:00 7 /usr/lib/a b.so\n8f-9f r--p 0 fe:00 7 /usr/lib/a b.so\n\
            9f-af rw-p 0 00:00 0 \naf-bf r-xp 0 fe:00 9 /opt/x (deleted)\nbf-cf rw-p 0 0 0 [heap]\n";
        assert_eq!(mapped(maps), ["/usr/lib/a b.so", "/opt/x"]);
    }

    #[test]
    fn only_memory_settings_of_the_environment_are_kept() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cmdline"), "node\0--inspect\0a.js\0").unwrap();
        fs::write(root.path().join("environ"), "TOKEN=x\0GOGC=50\0PATH=/bin\0").unwrap();
        let told = told(root.path());
        assert_eq!(told.arguments, ["--inspect", "a.js"]);
        assert_eq!(told.environment, [("GOGC".to_owned(), "50".to_owned())]);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error_that_names_it() {
        let error = process(u32::MAX).unwrap_err();
        assert!(error.to_string().starts_with("pid 4294967295: "));
    }

    #[test]
    fn this_test_itself_has_no_runtime_that_is_known() {
        let seen = process(std::process::id()).unwrap();
        assert_eq!(seen.runtime, None);
    }
}
