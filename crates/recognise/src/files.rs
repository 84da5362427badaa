//! Files of another root: paths as a process itself would walk them.
//!
//! `/proc/PID/root` leads into its root, but a link that is absolute leads out again, into ours: links are
//! followed here, one by one. proc_pid_root(5), symlink(7).

use std::fs;
use std::path::{Component, Path, PathBuf};

/// As the kernel: more links than this are a circle.
const MOST_LINKS: usize = 40;
/// No configuration file is larger.
const MOST: u64 = 1 << 20;

/// A path below a root, as somebody in it would walk it.
pub(crate) fn inside(root: &Path, path: &str) -> PathBuf {
    let mut rest: Vec<String> = parts(Path::new(path));
    let (mut done, mut links): (Vec<String>, usize) = (Vec::new(), 0);
    while let Some(part) = rest.pop() {
        if part == ".." {
            done.pop();
            continue;
        }
        done.push(part);
        let Ok(target) = fs::read_link(root.join(done.join("/"))) else { continue };
        links += 1;
        if links > MOST_LINKS {
            break;
        }
        done.pop();
        if target.is_absolute() {
            done.clear();
        }
        rest.extend(parts(&target));
    }
    root.join(done.join("/"))
}

/// The names of a path, the last one first.
fn parts(path: &Path) -> Vec<String> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        Component::ParentDir => Some("..".to_owned()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().rev().filter_map(name).collect()
}

/// The text of a small plain file.
pub(crate) fn text(path: &Path) -> Option<String> {
    let about = fs::symlink_metadata(path).ok()?;
    if !about.is_file() || about.len() > MOST {
        return None;
    }
    Some(String::from_utf8_lossy(&fs::read(path).ok()?).into_owned())
}

/// The files of a folder whose name has this end, by their names.
pub(crate) fn names(folder: &Path, end: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(end) && !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_never_leads_out_of_the_root() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("etc/alternatives")).unwrap();
        fs::write(at("etc/real"), "inside").unwrap();
        symlink("/etc/real", at("etc/alternatives/my.cnf")).unwrap();
        symlink("alternatives/my.cnf", at("etc/my.cnf")).unwrap();
        symlink("../../../../../../etc/real", at("etc/up")).unwrap();
        symlink("/etc/circle", at("etc/circle")).unwrap();
        for path in ["/etc/my.cnf", "etc/up", "/etc/./alternatives/../my.cnf"] {
            assert_eq!(inside(root.path(), path), at("etc/real"), "{path}");
            assert_eq!(text(&inside(root.path(), path)).as_deref(), Some("inside"));
        }
        assert_eq!(text(&inside(root.path(), "/etc/circle")), None);
        assert_eq!(text(&at("etc")), None);
    }
}
