//! The answer for programs: one object, with what was measured, what was changed, and the verdict.

use anyhow::Context;
use report::escape;
use serde_json::{Map, Value, json};

use super::plan::{Plan, Way};
use super::target::Target;
use super::{Ended, undo};
use crate::commands::size::Sized;

/// What there is to tell by now.
pub(super) struct Told(Map<String, Value>);

impl Told {
    pub(super) fn of(target: &Target) -> Self {
        let mut all = Map::new();
        all.insert("name".to_owned(), json!(target.name));
        all.insert("container_id".to_owned(), json!(target.id));
        for key in ["outcome", "because", "size", "plan", "verify", "undo", "next"] {
            all.insert(key.to_owned(), Value::Null);
        }
        all.insert("changes".to_owned(), json!([]));
        all.insert("left_to_do".to_owned(), json!([]));
        all.insert("taken_back".to_owned(), json!(false));
        Self(all)
    }

    fn set(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    pub(super) fn because(&mut self, why: &str) {
        self.set("because", json!(why));
    }

    pub(super) fn size(&mut self, sized: &Sized) {
        self.set("size", sized.json());
    }

    pub(super) fn plan(&mut self, plan: &Plan, target: &Target) {
        let (way, diff, by_hand) = match &plan.way {
            Way::InPlace => ("in_place", None, None),
            Way::ByFile(of) => ("file", Some(of.file.diff()), None),
            Way::ByHand(lines) => ("by_hand", None, Some(lines)),
        };
        let limit = plan.limit.map(|(old, new)| json!({ "from": old, "to": new }));
        self.set(
            "plan",
            json!({
                "way": way, "limit_bytes": limit, "memory_swap": plan.swap(target),
                "settings": plan.settings, "diff": diff, "by_hand": by_hand,
            }),
        );
    }

    pub(super) fn changes(&mut self, changes: &[String]) {
        self.set("changes", json!(changes));
    }

    pub(super) fn left(&mut self, lines: &[String]) {
        self.set("left_to_do", json!(lines));
    }

    pub(super) fn verdict(&mut self, verdict: Value) {
        self.set("verify", verdict);
    }

    pub(super) fn undo(&mut self, target: &Target) {
        self.set("undo", json!(undo::command(target)));
    }

    pub(super) fn undone(&mut self) {
        self.set("taken_back", json!(true));
    }

    pub(super) fn next(&mut self, next: Option<&str>) {
        self.set("next", json!(next));
    }

    pub(super) fn render(&mut self, ended: Ended) -> anyhow::Result<String> {
        self.set("outcome", json!(ended.word()));
        let text = serde_json::to_string_pretty(&self.0).context("could not write JSON")?;
        Ok(escape::json(&(text + "\n")))
    }
}
