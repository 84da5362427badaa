//! From outside a process: which runtime it is, in which version, what it was told, and what it can
//! see of its limits.
//!
//! By what the kernel shows of it: the executable itself (also a deleted one, through `/proc/PID/exe`),
//! mapped libraries, the command line, the names of known settings in its environment. A name alone
//! proves nothing: a program called `node` may be anything, and Node may have any name. What is not
//! certain is `None`. Nothing is attached to, nothing is signalled. Leans on proc_pid_exe(5),
//! proc_pid_maps(5), proc_pid_environ(5).

mod beam;
pub mod before;
mod constants;
mod dotnet;
mod executable;
mod files;
mod go;
mod java;
mod node;
mod python;
mod role;
mod ruby;
mod servers;
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
    /// Its parent, if that runs the same executable: it is a worker of that one, which counts it.
    pub worker_of: Option<u32>,
    /// What tells workers of one kind from others of the same master; `None`: it serves nobody, as
    /// PostgreSQL's checkpointer does.
    pub kind: Option<String>,
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

/// What this process itself can see of its limits, on a host or in a container; `None`: no memory cgroup is
/// shown to it.
#[must_use]
pub fn own_view() -> Option<View> {
    view::own()
}

fn seen(pid: u32, proc: &Path) -> Result<Seen, Unseen> {
    let folder = proc.join(pid.to_string());
    let comm = fs::read_to_string(folder.join("comm")).map_err(|source| Unseen { pid, source })?;
    let maps = fs::read_to_string(folder.join("maps")).unwrap_or_default();
    let mut told = told(&folder);
    let look =
        Look { folder: folder.clone(), mapped: mapped(&maps), arguments: told.arguments.clone() };
    let runtime = recognise(&look, &mut told);
    let kind = role::kind(runtime.as_ref().map(|(runtime, _)| *runtime), &told.arguments);
    Ok(Seen {
        pid,
        kind,
        comm: comm.trim_end().to_owned(),
        runtime,
        told,
        view: view::of(pid, proc),
        worker_of: worker_of(&folder, proc),
    })
}

/// The runtimes, one after the other: a library that makes the process a virtual machine first, what the
/// executable itself holds after that.
fn recognise(look: &Look, told: &mut Told) -> Option<(Runtime, Version)> {
    let plain = |runtime| move |version| (runtime, version);
    java::recognise(look)
        .map(plain(Runtime::Java))
        .or_else(|| {
            let (version, settings) = dotnet::recognise(look)?;
            told.settings.extend(settings);
            Some((Runtime::DotNet, version))
        })
        .or_else(|| node::recognise(look).map(plain(Runtime::Node)))
        .or_else(|| {
            let build = go::recognise(look)?;
            told.build_settings = build.settings;
            Some((Runtime::Go, build.version))
        })
        .or_else(|| python::recognise(look).map(plain(Runtime::Python)))
        .or_else(|| ruby::recognise(look).map(plain(Runtime::Ruby)))
        .or_else(|| beam::recognise(look).map(plain(Runtime::Beam)))
        .or_else(|| {
            let found = servers::recognise(look, &master(look))?;
            told.settings.extend(found.settings);
            Some((found.runtime, found.version))
        })
}

/// The process whose command line and files count for this one: of a worker its master.
fn master(look: &Look) -> Look {
    let mut folder = look.folder.clone();
    let proc = folder.parent().map(Path::to_owned).unwrap_or_default();
    // A worker's worker, as of autovacuum, is rare; a circle cannot be.
    for _ in 0..8 {
        let Some(parent) = worker_of(&folder, &proc) else { break };
        folder = proc.join(parent.to_string());
    }
    let arguments = told(&folder).arguments;
    Look { folder, mapped: look.mapped.clone(), arguments }
}

/// The parent of a worker. Whether two files are one tells the kernel: device and number.
fn worker_of(folder: &Path, proc: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let parent: u32 =
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()?;
    let file = |folder: &Path| {
        let found = fs::metadata(folder.join("exe")).ok()?;
        Some((found.dev(), found.ino()))
    };
    let own = file(folder)?;
    (file(&proc.join(parent.to_string())) == Some(own)).then_some(parent)
}

/// What a recogniser looks at.
struct Look {
    /// `/proc/PID`.
    folder: PathBuf,
    /// Files that are mapped, as the process names them.
    mapped: Vec<String>,
    /// Its arguments, without its own name; some programs write a title there.
    arguments: Vec<String>,
}

impl Look {
    fn executable(&self) -> PathBuf {
        self.folder.join("exe")
    }

    /// A file as the process itself would open it: a link that is absolute leads into its root, not into
    /// ours.
    fn inside(&self, path: &str) -> PathBuf {
        files::inside(&self.folder.join("root"), path)
    }

    /// A mapped library by its name's beginning.
    fn library(&self, beginning: &str) -> Option<&str> {
        let name = |path: &str| path.rsplit('/').next().is_some_and(|it| it.starts_with(beginning));
        self.mapped.iter().map(String::as_str).find(|path| name(path))
    }

    /// A small text that the process could open.
    fn text(&self, path: &str) -> Option<String> {
        files::text(&self.inside(path))
    }

    /// A path from its working directory.
    fn absolute(&self, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(path.to_owned());
        }
        let folder = fs::read_link(self.folder.join("cwd")).ok()?;
        Some(format!("{}/{path}", folder.to_str()?))
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
    let executable = fs::read_link(folder.join("exe")).unwrap_or_default();
    let arguments = match arguments.split_first() {
        Some((first, rest)) if is_title(first, rest, &executable) => {
            first.split_whitespace().map(str::to_owned).collect()
        }
        Some((_, rest)) => rest.to_vec(),
        None => Vec::new(),
    };
    let environment = words("environ")
        .iter()
        .filter_map(|word| word.split_once('='))
        .filter(|(name, _)| memory_settings::is_memory_setting(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Told { arguments, environment, ..Told::default() }
}

/// Servers write a title over their command line (`nginx: master process nginx -c FILE`): one word with
/// spaces, and nothing behind it. It is given as its words.
fn is_title(first: &str, rest: &[String], executable: &Path) -> bool {
    first.contains(' ') && rest.iter().all(String::is_empty) && Path::new(first) != executable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_given_as_its_words() {
        let root = tempfile::tempdir().unwrap();
        let given = |text: &str| {
            fs::write(root.path().join("cmdline"), text).unwrap();
            told(root.path()).arguments
        };
        let title = given("php-fpm: master process (/etc/php-fpm.conf)   \0\0\0\0");
        assert_eq!(title, ["php-fpm:", "master", "process", "(/etc/php-fpm.conf)"]);
        assert_eq!(given("redis-server *:6379\0"), ["redis-server", "*:6379"]);
        assert_eq!(given("node\0-e\0a b\0"), ["-e", "a b"]);
        assert_eq!(given("node\0"), [""; 0]);
    }

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
        assert_eq!(seen.worker_of, None);
    }
}
