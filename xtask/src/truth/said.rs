//! What a runtime says of itself, what why137 predicts, and whether both are the same.
//!
//! Bytes are compared exactly. Processors and the collector are compared where the runtime has a word for
//! them (`os.availableParallelism` is young, and only JVMs choose a collector by what they see).

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use lab::Cgroup;
use serde_json::{Value, json};

use super::cells::Question;

/// One side's word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Said {
    /// The runtime's own version.
    pub(crate) version: Option<String>,
    /// It does not start.
    pub(crate) refuses: bool,
    /// Its ceiling in bytes.
    pub(crate) ceiling: Option<u64>,
    /// The processors it counts.
    pub(crate) cpus: Option<u64>,
    /// The collector it chose.
    pub(crate) collector: Option<String>,
}

impl Said {
    /// Out of what a program printed.
    pub(crate) fn by(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let told = text.lines().rfind(|line| line.starts_with('{'));
        let told: Option<Value> = told.and_then(|line| serde_json::from_str(line).ok());
        let Some(told) = told.filter(|_| output.status.success()) else {
            return Self { refuses: true, ..Self::default() };
        };
        let flag = |name: &str| {
            // `size_t MaxHeapSize = 134217728 {product}`; `:=` where something changed it.
            text.lines().find_map(|line| {
                let mut words = line.split_whitespace().skip(1);
                (words.next() == Some(name)).then(|| words.nth(1).map(str::to_owned)).flatten()
            })
        };
        let is_on = |name: &str| flag(&format!("Use{name}GC")).as_deref() == Some("true");
        let collector = ["Serial", "Parallel", "G1"].into_iter().find(|name| is_on(name));
        let number = |name: &str| told.get(name).and_then(Value::as_u64);
        let version = told.get("version").and_then(Value::as_str).unwrap_or_default();
        Self {
            version: Some(version.trim_start_matches("go").trim_start_matches('v').to_owned()),
            refuses: false,
            ceiling: number("ceiling")
                .or_else(|| flag("MaxHeapSize").and_then(|text| text.parse().ok())),
            cpus: number("cpus"),
            collector: collector.map(str::to_owned),
        }
    }

    /// Out of `why137 audit --predict … --format json`.
    fn predicted(answer: &Value) -> Self {
        let of = |name: &str| answer.pointer(&format!("/processes/0/{name}"));
        Self {
            version: None,
            refuses: of("refuses").is_some_and(|why| !why.is_null()),
            ceiling: of("ceiling_bytes").and_then(Value::as_u64),
            cpus: of("cpus").and_then(Value::as_u64),
            collector: of("collector").and_then(Value::as_str).map(str::to_owned),
        }
    }

    /// Out of the results.
    pub(crate) fn read(saved: &Value) -> Self {
        if saved.is_string() {
            return Self { refuses: true, ..Self::default() };
        }
        let number = |at: usize| saved.get(at).and_then(Value::as_u64);
        let collector = saved.get(2).and_then(Value::as_str).map(str::to_owned);
        Self { ceiling: number(0), cpus: number(1), collector, ..Self::default() }
    }

    /// Whether a prediction is what was said.
    pub(crate) fn agrees(&self, predicted: &Self) -> bool {
        if self.refuses || predicted.refuses {
            return self.refuses == predicted.refuses;
        }
        self.ceiling == predicted.ceiling
            && (self.cpus.is_none() || self.cpus == predicted.cpus)
            && (self.collector.is_none() || self.collector == predicted.collector)
    }

    /// As it stands in the results: `"refuses"`, or ceiling, processors, collector.
    pub(crate) fn saved(&self) -> Value {
        if self.refuses {
            return json!("refuses");
        }
        match &self.collector {
            Some(collector) => json!([self.ceiling, self.cpus, collector]),
            None => json!([self.ceiling, self.cpus]),
        }
    }
}

/// The program that predicts, and the machine that it is told of.
pub(crate) struct Oracle<'a> {
    /// why137.
    pub(crate) program: &'a Path,
    /// The cgroup generation.
    pub(crate) cgroup: Cgroup,
    /// The machine's processors.
    pub(crate) cpus: u32,
    /// The machine's memory in bytes.
    pub(crate) memory: u64,
}

impl Oracle<'_> {
    /// Asks why137.
    pub(crate) fn ask(
        &self,
        runtime: &str,
        version: &str,
        build: &[String],
        question: &Question,
    ) -> Result<Said> {
        let mut command = Command::new(self.program);
        command.args(["audit", "--cgroup", self.cgroup.word(), "--format", "json", "--predict"]);
        command.arg(format!("{runtime}@{version}"));
        command.args(["--layout", question.layout.option()]);
        command.args(["--host-memory", &self.memory.to_string()]);
        command.args(["--host-cpus", &self.cpus.to_string()]);
        if let Some(limit) = question.limit {
            command.arg("--limit").arg(format!("{limit}m"));
        }
        if let Some(soft) = question.reservation {
            command.arg("--reservation").arg(format!("{soft}m"));
        }
        if let Some(quota) = question.quota {
            command.arg("--cpus").arg((f64::from(quota) / 1000.0).to_string());
        }
        if question.is_bound_to_one {
            command.args(["--cpuset", "1"]);
        }
        for setting in &question.settings {
            command.arg(format!("--setting={setting}"));
        }
        for setting in build {
            command.arg(format!("--build-setting={setting}"));
        }
        let done = command.env_clear().output().context("could not run why137")?;
        if done.stdout.is_empty() {
            let complaint = String::from_utf8_lossy(&done.stderr);
            bail!("`{}`: {}", crate::repository::words(&command), complaint.trim());
        }
        let answer: Value = serde_json::from_slice(&done.stdout).context("why137's JSON")?;
        Ok(Said::predicted(&answer))
    }
}

/// A disagreement that is known: the cgroup generation, the runtime, the version's beginning, the row's,
/// and the reason.
type Known = (Cgroup, &'static str, &'static str, &'static str, &'static str);

/// The disagreements that are known. None is now.
const KNOWN: &[Known] = &[];

/// The reason of a disagreement that is known.
pub(crate) fn known(
    cgroup: Cgroup,
    runtime: &str,
    version: &str,
    question: &Question,
) -> Option<&'static str> {
    let row = question.row();
    let is_it = |one: &&Known| {
        (one.0, one.1) == (cgroup, runtime) && version.starts_with(one.2) && row.starts_with(one.3)
    };
    KNOWN.iter().find(is_it).map(|one| one.4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str, code: i32) -> Said {
        use std::os::unix::process::ExitStatusExt;
        let status = std::process::ExitStatus::from_raw(code << 8);
        Said::by(&Output { status, stdout: text.as_bytes().to_vec(), stderr: Vec::new() })
    }

    #[test]
    fn a_jvms_flags_are_read_with_and_without_a_change() {
        let eight = "    uintx MaxHeapSize                              := 134217728                           {product}\n\
                     \x20    bool UseSerialGC  = true  {product}\n{\"version\": \"1.8.0_504\", \"cpus\": 1}\n";
        let found = printed(eight, 0);
        assert_eq!((found.ceiling, found.cpus), (Some(134_217_728), Some(1)));
        assert_eq!(found.collector.as_deref(), Some("Serial"));
        assert_eq!(found.version.as_deref(), Some("1.8.0_504"));
    }

    #[test]
    fn what_is_saved_is_read_again() {
        let collector = Some("G1".to_owned());
        let said = Said { ceiling: Some(5), cpus: Some(2), collector, ..Said::default() };
        for one in [said, Said { refuses: true, ..Said::default() }] {
            assert_eq!(Said::read(&one.saved()), one);
        }
    }

    #[test]
    fn what_ends_badly_refuses() {
        assert!(printed("", 1).refuses && printed("{\"version\": \"v1\"}", 9).refuses);
        assert!(printed("nothing to say\n", 0).refuses);
    }

    #[test]
    fn what_the_runtime_has_no_word_for_is_not_compared() {
        let node = printed("{\"version\":\"v12.6.0\",\"ceiling\":5,\"cpus\":null}\n", 0);
        let right = Said { ceiling: Some(5), cpus: Some(2), ..Said::default() };
        assert!(node.agrees(&right));
        assert!(!node.agrees(&Said { ceiling: Some(6), ..right.clone() }));
        assert!(!node.agrees(&Said { refuses: true, ..right }));
    }
}
