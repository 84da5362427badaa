use super::*;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A systemctl and a journalctl that say what a test wrote down.
fn roots(folder: &Path, systemctl: &str, journalctl: &str) -> Roots {
    let script = |name: &str, words: &str| {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{words}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    std::fs::create_dir_all(folder.join("proc/1")).unwrap();
    std::fs::create_dir_all(folder.join("proc/self")).unwrap();
    std::fs::write(folder.join("proc/1/cgroup"), "4:memory:/x\n1:name=systemd:/lab/init.scope\n")
        .unwrap();
    let mounts = format!("1 2 0:1 / {} rw - cgroup2 cgroup2 rw\n", folder.join("cg").display());
    std::fs::write(folder.join("proc/self/mountinfo"), mounts).unwrap();
    Roots {
        systemctl: script("systemctl", systemctl),
        journalctl: script("journalctl", journalctl),
        proc: folder.join("proc"),
        dev_kmsg: folder.join("kmsg"),
        ..Roots::default()
    }
}

fn wanted(name: &str) -> Wanted {
    Wanted {
        name: name.to_owned(),
        docker_host: None,
        docker_context: None,
        with_logs: false,
        now: Moment::from_micros(0).unwrap(),
        environment: crate::Environment::default(),
    }
}

fn gathered(name: &str, systemctl: &str, journalctl: &str) -> Result<CaseFile, GatherError> {
    let folder = tempfile::tempdir().unwrap();
    let roots = roots(folder.path(), systemctl, journalctl);
    // Another test's fork may hold a script open for writing for a moment (ETXTBSY).
    let mut last = gather_at(&wanted(name), &roots, &mut |_| ());
    for _ in 0..50 {
        let busy = match &last {
            Ok(case) => case.gaps.iter().any(|gap| gap.because.contains("busy")),
            Err(error) => error.to_string().contains("busy"),
        };
        if !busy {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        last = gather_at(&wanted(name), &roots, &mut |_| ());
    }
    last
}

const FAILED: &str = "cat <<'END'\nId=api.service\nLoadState=loaded\nActiveState=failed\nResult=signal\nMainPID=0\nExecMainPID=96\nExecMainCode=2\nExecMainStatus=9\nExecMainStartTimestamp=Sun 2026-11-22 17:46:35.5 UTC\nExecMainExitTimestamp=Sun 2026-11-22 17:46:36 UTC\nControlGroup=\nSlice=web-prod.slice\nEND";

#[test]
fn a_short_name_is_a_service_and_its_place_follows_from_its_slice() {
    let case = gathered("api", FAILED, "exit 0").unwrap();
    assert_eq!(case.asked.unit.as_deref(), Some("api.service"));
    let place = "/lab/web.slice/web-prod.slice/api.service";
    assert_eq!(case.asked.cgroup.as_ref().unwrap().as_str(), place);
    assert_eq!(case.exhibits[0].source, Source::UnitState);
    assert!(case.exhibits[0].text().contains("ExecMainStatus=9"));
}

#[test]
fn an_old_systemctl_is_asked_without_what_it_does_not_know() {
    let old = format!(
        "case \"$*\" in *timestamp*) echo \"unrecognized option '--timestamp=us+utc'\" >&2; exit 1;; esac\n{FAILED}"
    );
    let case = gathered("api.service", &old, "exit 0").unwrap();
    assert_eq!(case.exhibits[0].id, "unit");
}

#[test]
fn a_unit_that_systemd_forgot_is_still_in_the_journal() {
    let forgotten = "echo Id=run-1.service; echo LoadState=not-found";
    let line = r#"echo '{"MESSAGE":"run-1.service: Failed with result","_PID":"1","UNIT":"run-1.service"}'"#;
    let case = gathered("run-1", forgotten, line).unwrap();
    assert!(case.gaps.iter().any(|gap| gap.source == Source::UnitState));
    assert!(case.exhibits.iter().any(|exhibit| exhibit.source == Source::Journal));
    let error = gathered("run-2", forgotten, "exit 0").unwrap_err();
    assert!(matches!(error, GatherError::NoSuchUnit { name, .. } if name == "run-2.service"));
}

#[test]
fn a_machine_without_systemd_says_so() {
    let error =
        gathered("api", "echo 'Failed to connect to bus: Host is down' >&2; exit 1", "exit 0");
    assert!(error.unwrap_err().to_string().contains("Host is down"));
}

#[test]
fn a_users_own_unit_is_found_after_the_systems() {
    let user =
        format!("case \"$*\" in --system*) echo LoadState=not-found; exit 0;; esac\n{FAILED}");
    let case = gathered("api", &user, r#"printf '{"MESSAGE":"%s"}\n' "$*""#).unwrap();
    let journal = case.exhibits.iter().find(|exhibit| exhibit.id == "journal").unwrap();
    assert!(journal.text().contains("_COMM=systemd USER_UNIT=api.service +"), "{}", journal.text());
}
