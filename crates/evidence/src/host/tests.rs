use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use casefile::ContainerId;

use super::*;
use crate::Environment;
use crate::docker::http::scripted::{Act, serve};

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn id(digit: char) -> String {
    std::iter::repeat_n(digit, 64).collect()
}

/// A machine whose daemon has two containers and remembers a third.
fn machine(folder: &Path) -> Roots {
    write(&folder.join("kmsg"), "6,1,1000000,-;first\n6,2,2000000,-;second\n");
    let journalctl = folder.join("journalctl");
    let script = "#!/bin/sh\nprintf '{\"MESSAGE\":\"late\"}\\n{\"MESSAGE\":\"early\"}\\n'\n";
    write(&journalctl, script);
    std::fs::set_permissions(&journalctl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let socket = folder.join("docker.sock");
    serve(&socket, |path| {
        let place = path.split('?').next().unwrap();
        let state = |digit: char, pid: u32| {
            let (running, id) = (pid > 0, id(digit));
            Act::Answer(
                200,
                format!(
                    r#"{{"Id":"{id}","Name":"/{digit}","State":{{"Running":{running},"Pid":{pid},
                    "StartedAt":"2026-05-27T18:00:00Z"}}}}"#
                ),
            )
        };
        let event = |digit: char| {
            let id = id(digit);
            format!(
                "{{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{{\"ID\":\"{id}\"}},\"time\":9}}\n"
            )
        };
        match place {
            "/containers/json" => Act::Answer(
                200,
                format!(
                    r#"[{{"Id":"{}","Names":["/a"]}},{{"Id":"{}","Names":["/b"]}}]"#,
                    id('a'),
                    id('b')
                ),
            ),
            "/events" => Act::Answer(200, event('a') + &event('c')),
            "/info" | "/version" => Act::Answer(200, "{}".to_owned()),
            _ if place.contains(&id('a')) => state('a', 0),
            _ if place.contains(&id('b')) => state('b', 0),
            _ => Act::Answer(404, "{}".to_owned()),
        }
    });
    Roots {
        proc: folder.join("proc"),
        dev_kmsg: folder.join("kmsg"),
        journalctl,
        docker_socket: socket,
        user_runtime: folder.join("none"),
        ..Roots::default()
    }
}

fn wanted() -> Wanted {
    Wanted {
        name: String::new(),
        docker_host: None,
        docker_context: None,
        with_logs: false,
        now: Moment::from_micros(0).unwrap(),
        environment: Environment::default(),
    }
}

#[test]
fn all_containers_and_the_machine_make_one_case() {
    let folder = tempfile::tempdir().unwrap();
    let roots = machine(folder.path());
    let case = gather(&wanted(), None, &roots, &mut |_| ()).unwrap();
    assert!(case.asked.whole_host);
    let about = |digit: char, source: Source| {
        let id = ContainerId::parse(&id(digit));
        case.exhibits.iter().filter(|it| it.about == id && it.source == source).count()
    };
    // Of `b` nothing is remembered: that is evidence, because the history reaches back far enough.
    for (digit, states, events) in [('a', 1, 1), ('b', 1, 1), ('c', 0, 1)] {
        assert_eq!(about(digit, Source::ContainerInspect), states, "{digit}");
        assert_eq!(about(digit, Source::ContainerEvents), events, "{digit}");
    }
    let mut ids: Vec<&str> = case.exhibits.iter().map(|exhibit| exhibit.id.as_str()).collect();
    let kmsg = case.exhibit("kmsg").unwrap();
    assert!(kmsg.covers && kmsg.text().starts_with("6,1,"));
    // The newest came first, so that what is cut off for want of time is the oldest.
    assert_eq!(
        case.exhibit("journal").unwrap().text(),
        "{\"MESSAGE\":\"early\"}\n{\"MESSAGE\":\"late\"}\n"
    );
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "two exhibits of one name: {ids:?}");
}

#[test]
fn a_daemon_that_is_not_there_is_a_gap_and_the_kernel_still_tells() {
    let folder = tempfile::tempdir().unwrap();
    let roots = Roots { docker_socket: folder.path().join("no.sock"), ..machine(folder.path()) };
    let case = gather(&wanted(), None, &roots, &mut |_| ()).unwrap();
    assert!(case.exhibit("kmsg").is_some());
    let gap = case.gaps.iter().find(|gap| gap.source == Source::ContainerInspect).unwrap();
    assert_eq!(gap.because, "it does not exist");
}
