//! # shell-swallows-sigterm — a shell is the first process and passes no SIGTERM on
//!
//! ## What it looks for
//! - Dockerfile: `ENTRYPOINT` or `CMD` as a line (docker runs it with `/bin/sh -c`), of the last stage; a list that is not
//!   valid JSON is a line as well.
//! - Compose, Kubernetes, ECS: `sh -c …` as the main process, without `exec` or `trap` in the script. Jobs and init
//!   containers end by themselves and are left out; so is a container whose runtime puts an init in front.
//!
//! ## Why it means that
//! The first process of a container ignores SIGTERM unless it has a handler for it. A shell has none and does
//! not pass the signal on; so the stop waits its 10 s (Docker) or 30 s (Kubernetes, ECS), and then everything is
//! killed: exit 137, without a word from the program, each time.
//!
//! ## What would speak against it
//! - A shell that becomes its last command. Measured: Debian's dash 0.5.12 never does, BusyBox (Alpine) does unless that is
//!   a pipeline, bash does for a script of one command, and from 5.1 on for the last of several. So on an
//!   Alpine image the finding is only a note.
//!
//! ## Example
//! ```dockerfile
//! CMD node server.js                 # CMD ["node", "server.js"] gets the signal
//! ```
//!
//! ## References
//! - Dockerfile reference, "Shell form"; kill(2), "the only signals that can be sent to process ID 1"; sh(1)

use super::{Rule, Wrong};
use crate::Level;
use crate::shell;
use crate::workload::{Platform, Workload};

pub(super) const RULE: Rule = Rule {
    id: "shell-swallows-sigterm",
    title: "a shell is the first process and passes no SIGTERM on",
    file: include_str!("shell_swallows_sigterm.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    if workload.has_init || workload.is_short {
        return Vec::new();
    }
    let Some((shell, script)) = shell::script(&workload.command) else { return Vec::new() };
    if !shell::stays(shell, &script.text) {
        return Vec::new();
    }
    let image = workload.image.as_deref().unwrap_or_default();
    let is_busybox = shell == "sh" && (image.contains("alpine") || image.contains("busybox"));
    let hands_over = shell == "ash" || is_busybox && !shell::stays("ash", &script.text);
    let stop = match workload.platform {
        Platform::Compose | Platform::Dockerfile => "10 s",
        Platform::Kubernetes | Platform::Ecs => "30 s",
    };
    let name = &workload.name;
    let message = if hands_over {
        format!(
            "{name} runs by `{shell} -c`: it gets SIGTERM only because this image's BusyBox shell becomes its last \
             command; Debian's does not, and ends {stop} later with 137"
        )
    } else {
        format!(
            "{name} runs by `{shell} -c`: the shell is the first process, ignores SIGTERM and does not pass it on; \
             a stop waits {stop} and ends with 137"
        )
    };
    let words = shell::split(&script.text);
    let plain = script.text.bytes().all(|byte| !b"$&|;<>(){}*?`\\\n\"'~#=".contains(&byte));
    let instead = match (plain && words.len() < 12, workload.platform) {
        (true, Platform::Dockerfile) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("`[{}]`", quoted.join(", "))
        }
        _ => "`exec` before the last command, or the program itself as a list of words".to_owned(),
    };
    let level = if hands_over { Level::Note } else { Level::Warning };
    vec![Wrong { level, place: script.place.clone(), message, instead }]
}
