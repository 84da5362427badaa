//! Who a sender is, asked of `/proc` while it is still there.
//!
//! Leans on proc_pid_status(5), proc_pid_loginuid(5). Deliberately keeps the command line as it
//! is: secrets are taken out by the caller, before anything is stored or shown.

use std::path::Path;

/// The longest command line that is kept, in characters.
const LONGEST: usize = 512;

/// The `# sender` line for a signal's line, if a process sent it and still lives.
pub(crate) fn describe(line: &str) -> Option<String> {
    let thread = sending_thread(line)?;
    let directory = Path::new("/proc").join(thread.to_string());
    let read = |file: &str| std::fs::read(directory.join(file)).ok();
    let text = |file: &str| read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let status = text("status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next().map(str::to_owned)
    };
    let process = field("Tgid:").filter(|process| *process != thread.to_string());
    let login = text("loginuid").map(|login| login.trim().to_owned());
    // All bits set: nobody logged in for it.
    let login = login.filter(|login| !login.is_empty() && login != "4294967295");
    let command = read("cmdline").map(|bytes| on_one_line(&bytes)).unwrap_or_default();
    let program = std::fs::read_link(directory.join("exe")).ok();
    let mut out = format!("# sender pid={thread}");
    if let Some(process) = process {
        out += &format!(" tgid={process}");
    }
    if let Some(uid) = field("Uid:") {
        out += &format!(" uid={uid}");
    }
    out += &format!(" auid={}", login.as_deref().unwrap_or("unset"));
    if let Some(program) = program {
        out += &format!(" exe={}", on_one_line(program.to_string_lossy().as_bytes()));
    }
    Some(out + " cmdline=" + &command)
}

/// The thread that made the signal; `None` where the kernel itself did (`code` above 0) or the
/// line is of another event.
fn sending_thread(line: &str) -> Option<u32> {
    let (head, fields) = line.split_once(": signal_generate: ")?;
    let code = fields.split(' ').find_map(|field| field.strip_prefix("code="))?;
    if code.parse::<i64>().ok()? > 0 {
        return None;
    }
    // `NAME-NUMBER  [cpu] flags stamp`: a name may hold `-` and blanks, the number comes last.
    let (task, _) = head.rsplit_once(" [")?;
    let (_, number) = task.trim_end().rsplit_once('-')?;
    number.parse().ok().filter(|thread| *thread > 0)
}

/// Arguments joined with blanks; line ends and other controls cannot start a line of their own.
fn on_one_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\0');
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_dashes_and_blanks_does_not_hide_the_number() {
        let fields = "signal_generate: sig=9 errno=0 code=0 comm=a pid=2 grp=1 res=0";
        for head in ["my-app 7-771     [001] d..1.   964.310554", "   x-771 [000]  9.1"] {
            assert_eq!(sending_thread(&format!("{head}: {fields}")), Some(771), "{head}");
        }
        assert_eq!(sending_thread(&format!("  <idle>-0 [000] 9.1: {fields}")), None);
    }

    #[test]
    fn the_kernels_own_signals_have_no_sender() {
        let line = "hog-772 [000] d..1. 9.1: signal_generate: sig=9 errno=0 code=128 comm=hog pid=772 grp=1 res=0";
        assert_eq!(sending_thread(line), None);
        assert_eq!(sending_thread("hog-772 [000] d..1. 9.1: mark_victim: pid=772"), None);
        assert_eq!(sending_thread(""), None);
    }

    #[test]
    fn this_process_is_described_on_one_line() {
        let own = std::process::id();
        let line = format!(
            "x-{own} [000] d..1. 9.1: signal_generate: sig=9 errno=0 code=0 comm=a pid=2 grp=1 res=0"
        );
        let described = describe(&line).unwrap();
        assert!(described.starts_with(&format!("# sender pid={own} uid=")), "{described}");
        assert!(described.contains(" cmdline=") && !described.contains('\n'), "{described}");
    }
}
