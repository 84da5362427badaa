//! A Swarm manager's word about a task: `GET /tasks/ID`, `docker inspect TASK`, and the rows of
//! `docker service ps --no-trunc` as far as they carry an error.
//!
//! Only objects that have a task's own keys are taken (`ServiceID` or `Slot` beside `Status.State`).
//! Says nothing about what an error means.
//!
//! Leans on the Engine API's `Task` (v1.24 to v1.51), swarmkit `api/types.proto`.

use casefile::{ContainerId, Moment};

use crate::Sighting;
use crate::json::{self, Node};
use crate::record::{Record, SwarmTask};

/// Reads every task among the JSON values of a text.
pub(crate) fn read(text: &str) -> Vec<Sighting> {
    if !text.contains("\"DesiredState\"") {
        return Vec::new();
    }
    of_documents(&json::documents(text))
}

/// Reads every task among JSON values.
pub(crate) fn of_documents(documents: &[Node]) -> Vec<Sighting> {
    json::objects(documents).into_iter().filter_map(task).collect()
}

fn task(node: &Node) -> Option<Sighting> {
    let said = |keys: &[&str]| {
        let text = node.path(keys).and_then(Node::as_str)?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let desired = said(&["DesiredState"])?;
    let state = said(&["Status", "State"])?;
    node.get("ServiceID").or_else(|| node.get("Slot"))?;
    let container = said(&["Status", "ContainerStatus", "ContainerID"]);
    let exit_code = node.path(&["Status", "ContainerStatus", "ExitCode"]).and_then(Node::as_i64);
    let record = SwarmTask {
        id: said(&["ID"]),
        container: container.as_deref().and_then(ContainerId::parse),
        // 0 stands there while it runs, too.
        exit_code: exit_code.filter(|_| state != "running" && state != "starting"),
        state: Some(state),
        desired: Some(desired),
        error: said(&["Status", "Err"]),
        message: said(&["Status", "Message"]),
        at: said(&["Status", "Timestamp"]).as_deref().and_then(Moment::parse),
    };
    Some(Sighting { record: Record::SwarmTask(Box::new(record)), span: node.span, at: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    fn text() -> String {
        format!(
            r#"{{"ID":"x0","ServiceID":"s0","Slot":1,"Status":{{"Timestamp":"2026-11-22T10:00:00.5Z","State":"failed","Message":"started","Err":"task: non-zero exit (137): dockerexec: unhealthy container","ContainerStatus":{{"ContainerID":"{ID}","PID":0,"ExitCode":137}}}},"DesiredState":"shutdown"}}"#
        )
    }

    #[test]
    fn a_task_says_why_it_ended() {
        let text = text();
        let found = read(&text);
        let [Sighting { record: Record::SwarmTask(task), .. }] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(task.container.as_ref().unwrap().as_str(), ID);
        assert!(task.error.as_ref().unwrap().contains("unhealthy"));
        assert_eq!((task.exit_code, task.desired.as_deref()), (Some(137), Some("shutdown")));
        assert_eq!(task.at, Moment::parse("2026-11-22T10:00:00.5Z"));
        let runs = text.replace("\"failed\"", "\"running\"").replace("137,", "0,");
        let Record::SwarmTask(task) = &read(&runs)[0].record else { panic!() };
        assert_eq!(task.exit_code, None);
    }

    #[test]
    fn other_objects_are_no_tasks() {
        let ecs = r#"{"desiredStatus":"STOPPED","DesiredState":"x","Status":"y"}"#;
        assert!(read(ecs).is_empty());
        assert!(read(&text().replace("ServiceID", "A").replace("Slot", "B")).is_empty());
    }

    proptest! {
        #[test]
        fn a_cut_task_is_no_panic(end in 0..400_usize) {
            let text = text();
            if let Some(cut) = text.get(..end) {
                read(cut);
            }
        }
    }
}
