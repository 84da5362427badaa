//! containerd without Docker: `ctr containers info`, `ctr tasks ls`, as `ContainerRecord`s.
//!
//! A container of `ctr run` has a name and no hexadecimal id; containerd knows neither its exit
//! code nor its times once the task is deleted. A stopped task stands in the list until then,
//! without its code.
//!
//! Leans on containerd `cmd/ctr/commands/{containers,tasks}` (1.6 to 2.1), `core/containers`.

use casefile::{ContainerId, Span};

use crate::Sighting;
use crate::json::{self, Node};
use crate::record::{ContainerRecord, Form, Record};
use crate::text::Text;

/// Reads both commands' outputs; a gathered exhibit holds nothing else.
pub(crate) fn read(text: &str) -> Vec<Sighting> {
    let mut found = Vec::new();
    if text.contains("\"SnapshotKey\"") {
        found = of_documents(&json::documents(text));
    }
    found.extend(rows(text));
    found
}

/// Reads pasted text.
pub(crate) fn read_pasted(text: &Text<'_>) -> Vec<Sighting> {
    let mut found = of_documents(text.documents());
    if text.whole().contains("TASK ") {
        found.extend(rows(text.whole()));
    }
    found
}

/// Reads `ctr containers info` among JSON values.
fn of_documents(documents: &[Node]) -> Vec<Sighting> {
    json::objects(documents).into_iter().filter_map(info).collect()
}

/// `{"ID": "redis", "Labels": …, "Image": …, "Runtime": {"Name": …}, "SnapshotKey": …}`
fn info(node: &Node) -> Option<Sighting> {
    let name = node.get("ID").and_then(Node::as_str)?;
    node.get("SnapshotKey")?;
    node.path(&["Runtime", "Name"])?;
    let said = |keys: &[&str]| node.path(keys).and_then(Node::as_str).map(str::to_owned);
    let arguments = node.path(&["Spec", "process", "args"]).map(Node::items).unwrap_or_default();
    let memory = node.path(&["Spec", "linux", "resources", "memory", "limit"]);
    let memory = memory.and_then(Node::as_u64);
    let record = ContainerRecord {
        form: Some(Form::Inspect),
        id: ContainerId::parse(name),
        name: Some(name.to_owned()),
        image: said(&["Image"]),
        command: arguments.iter().filter_map(Node::as_str).map(str::to_owned).collect(),
        memory: memory.map(|bytes| casefile::Limit::from_kernel(bytes.into())),
        ..ContainerRecord::default()
    };
    Some(sighting(record, node.span))
}

/// `TASK    PID      STATUS` and its rows.
fn rows(text: &str) -> Vec<Sighting> {
    let mut found = Vec::new();
    let mut in_table = false;
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let words: Vec<&str> = raw.split_whitespace().collect();
        let span = Span { start, end: start + raw.trim_end().len() };
        start += raw.len();
        match words.as_slice() {
            ["TASK", "PID", "STATUS"] => in_table = true,
            [name, pid, status] if in_table => {
                let Ok(pid) = pid.parse::<u32>() else { continue };
                let status = status.to_ascii_lowercase();
                let runs = matches!(status.as_str(), "running" | "paused" | "pausing");
                let record = ContainerRecord {
                    form: Some(Form::PsRow),
                    id: ContainerId::parse(name),
                    name: Some((*name).to_owned()),
                    // A stopped task still shows the pid that its process had.
                    pid: Some(pid).filter(|pid| *pid > 0),
                    running: Some(runs),
                    status: Some(if runs { status } else { "exited".to_owned() }),
                    ..ContainerRecord::default()
                };
                found.push(sighting(record, span));
            }
            _ => in_table = false,
        }
    }
    found
}

fn sighting(record: ContainerRecord, span: Span) -> Sighting {
    Sighting { record: Record::Container(Box::new(record)), span, at: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records(text: &str) -> Vec<ContainerRecord> {
        let record = |sighting: Sighting| match sighting.record {
            Record::Container(record) => *record,
            other => panic!("{other:?}"),
        };
        read(text).into_iter().map(record).collect()
    }

    #[test]
    fn the_list_of_tasks_says_who_lives() {
        let all = records(
            "TASK     PID      STATUS    \nredis    4711     RUNNING\nold      0        STOPPED\n\nTASKS x 7 RUNNING\n",
        );
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].name.as_deref(), all[0].pid, all[0].running),
            (Some("redis"), Some(4711), Some(true))
        );
        assert_eq!(
            (all[1].pid, all[1].running, all[1].status.as_deref()),
            (None, Some(false), Some("exited"))
        );
    }

    #[test]
    fn a_containers_info_says_what_it_runs_and_its_limit() {
        let text = r#"{"ID":"redis","Labels":{},"Image":"lab/base","Runtime":{"Name":"io.containerd.runc.v2"},"Spec":{"process":{"args":["/hog","200"]},"linux":{"resources":{"memory":{"limit":67108864}},"cgroupsPath":"/default/redis"}},"SnapshotKey":"redis","Snapshotter":"overlayfs"}"#;
        let all = records(text);
        assert_eq!(all[0].command, ["/hog", "200"]);
        assert_eq!(all[0].memory, Some(casefile::Limit::At(casefile::Bytes(67_108_864))));
        assert!(records(r#"{"ID":"x","SnapshotKey":""}"#).is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(text in "(TASK PID STATUS\n|[a-z]{1,9} [0-9]{1,12} (RUNNING|STOPPED)\n|\\PC|\n){0,40}") {
            for sighting in read(&text) {
                prop_assert!(sighting.span.of(&text).is_some());
            }
        }
    }
}
