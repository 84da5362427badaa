//! Becoming the command: exec(3), with what is exported beside the environment as it is.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::decide::Export;

/// exec(2): no format that the kernel knows.
const NO_FORMAT: i32 = 8;

/// Becomes the command; comes back only if that cannot be. `None`: there is no command.
pub(super) fn become_the(
    command: &[OsString],
    exports: &[Export],
) -> (OsString, Option<io::Error>) {
    let Some((program, words)) = command.split_first() else { return (OsString::new(), None) };
    let variables = || exports.iter().map(|export| (&export.name, &export.value));
    let error = Command::new(program).args(words).envs(variables()).exec();
    // A script without a first line of its own: exec(3) gives it to the shell, musl's does not.
    if error.raw_os_error() == Some(NO_FORMAT)
        && let Some(path) = found(program)
    {
        let mut shell = Command::new("/bin/sh");
        let shell = shell.arg(path).args(words).envs(variables()).exec();
        if shell.kind() != io::ErrorKind::NotFound {
            return (program.clone(), Some(shell));
        }
    }
    (program.clone(), Some(error))
}

/// The file of that name.
fn found(program: &OsString) -> Option<std::path::PathBuf> {
    let direct = Path::new(program);
    if direct.components().count() > 1 {
        return Some(direct.to_owned());
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(direct)).find(|path| path.is_file())
}
