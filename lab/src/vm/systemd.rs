//! What the flavour with systemd has beside the plain one: users of its services, the unit that
//! starts the lab, a small root for containers. It changes nothing of systemd's own settings except
//! how soon systemd-oomd strikes.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

/// Files, by their place in the root.
const FILES: [(&str, &str); 9] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\n\
         messagebus:x:100:100::/nonexistent:/usr/sbin/nologin\n\
         systemd-oom:x:101:101::/nonexistent:/usr/sbin/nologin\n\
         worker:x:1000:1000::/home/worker:/bin/bash\n\
         nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
    ),
    (
        "etc/group",
        "root:x:0:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nkmem:x:15:\nutmp:x:43:\nmessagebus:x:100:\n\
         systemd-oom:x:101:\nsystemd-journal:x:102:\ndocker:x:999:\nworker:x:1000:\nnogroup:x:65534:\n",
    ),
    // No first boot, and no question for a name.
    ("etc/machine-id", "137137137137137137137137137137aa\n"),
    ("etc/systemd/system/lab.service", include_str!("../../guest/lab.service")),
    ("etc/systemd/system/lab.target", include_str!("../../guest/lab.target")),
    // The least that systemd takes, so that nobody waits.
    (
        "etc/systemd/oomd.conf.d/lab.conf",
        "[OOM]\nDefaultMemoryPressureLimit=5%\nDefaultMemoryPressureDurationSec=2s\n",
    ),
    // An emulated machine starts a service in its own time; a death has a time of its own.
    (
        "etc/systemd/system.conf.d/lab.conf",
        "[Manager]\nDefaultTimeoutStartSec=300s\nDefaultDeviceTimeoutSec=300s\n",
    ),
    ("etc/containers/policy.json", "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}\n"),
    ("usr/lib/lab/scene", include_str!("../../guest/scene")),
];

/// What would only cost time: no hardware, no console, no network to wait for.
const MASKED: [&str; 9] = [
    "systemd-udevd.service",
    "systemd-networkd.service",
    "systemd-logind.service",
    "docker.socket",
    "systemd-hwdb-update.service",
    "ldconfig.service",
    "systemd-journal-catalog-update.service",
    "systemd-update-done.service",
    "getty.target",
];

/// Programs of busybox in the small root.
const APPLETS: [&str; 8] = ["sh", "tail", "sleep", "cat", "true", "false", "echo", "kill"];

/// What the disk depends on.
pub(super) fn recipe() -> String {
    let files = FILES.map(|(file, text)| format!("{file}\n{text}"));
    format!("{}{MASKED:?}{APPLETS:?}", files.concat())
}

/// Writes all of it into an unpacked and otherwise finished root.
pub(super) fn finish(root: &Path) -> Result<()> {
    for (file, text) in FILES {
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().context("a file without a folder")?)?;
        std::fs::write(&file, text)
            .with_context(|| format!("could not write `{}`", file.display()))?;
    }
    replace("/run", &root.join("var/run"))?;
    let units = root.join("etc/systemd/system");
    replace("lab.target", &units.join("default.target"))?;
    for unit in MASKED {
        replace("/dev/null", &units.join(unit))?;
    }
    let busy = root.join("usr/lib/lab/busy");
    for folder in
        ["usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "proc", "sys", "dev", "run", "tmp", "etc"]
    {
        std::fs::create_dir_all(busy.join(folder))?;
    }
    for folder in ["bin", "lib", "lib64", "sbin"] {
        replace(&format!("usr/{folder}"), &busy.join(folder))?;
    }
    let program = root.join("usr/bin/busybox");
    std::fs::copy(&program, busy.join("usr/bin/busybox"))
        .with_context(|| format!("could not copy `{}`", program.display()))?;
    for applet in APPLETS {
        replace("busybox", &busy.join("usr/bin").join(applet))?;
    }
    Ok(())
}

fn replace(to: &str, at: &Path) -> Result<()> {
    if let Ok(found) = std::fs::symlink_metadata(at) {
        let removed =
            if found.is_dir() { std::fs::remove_dir_all(at) } else { std::fs::remove_file(at) };
        removed.with_context(|| format!("could not remove `{}`", at.display()))?;
    }
    symlink(to, at).with_context(|| format!("could not make the link `{}`", at.display()))
}
