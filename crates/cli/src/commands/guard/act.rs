//! Does what was shown and agreed to: each change through the journal, the run in between.

use casefile::Bytes;
use change::{Consent, ContainerChange, Journal, Settings};

use super::plan::Plan;
use super::trial::{self, Tried};
use super::{GuardArgs, Stop};
use crate::commands::{align, explain};
use crate::printer::Printer;

/// What was done.
pub(super) struct Done {
    /// Each change that stands, in a few words.
    pub(super) changes: Vec<String>,
    pub(super) trial: Option<Tried>,
}

impl Done {
    /// For a person.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.changes.iter().map(|change| format!("done: {change}")).collect();
        lines.extend(self.trial.iter().flat_map(Tried::lines));
        lines
    }
}

/// One container under change.
struct Hand<'a> {
    plan: &'a Plan,
    journal: Journal,
    consent: &'a Consent,
    /// As they are by now.
    now: Settings,
    made: Vec<ContainerChange>,
}

/// Does it.
///
/// # Errors
/// A change was refused; those before it stand in the journal.
pub(super) fn act(
    printer: &Printer,
    arguments: &GuardArgs,
    plan: &Plan,
    stop: &Stop,
    consent: &Consent,
) -> anyhow::Result<Done> {
    let journal = align::apply::journal()?;
    let mut hand = Hand { plan, journal, consent, now: plan.now.clone(), made: Vec::new() };
    let last = plan.policy.clone().unwrap_or_else(|| plan.now.policy.clone());
    let mut tried = None;
    if let Some(wanted) = &plan.trial {
        hand.policy("no")?;
        plan.daemon.stop(&plan.id, &plan.name, consent)?;
        let swap = match (plan.now.memory_swap, wanted.limit_with_swap) {
            (set, Some(both)) if set > 0 => i64::try_from(both.0)?,
            (set, _) => set,
        };
        hand.sizes(wanted.limit.0, swap)?;
        let run = trial::run(printer, arguments, plan, wanted, stop, consent);
        let survived = run.as_ref().is_ok_and(|run| run.survived || run.goes_on);
        if !survived {
            hand.take_back_sizes()?;
        }
        // In any case the policy becomes what was agreed to, also where the run could not be watched.
        hand.policy(&last)?;
        tried = Some(Tried { limit_after: Bytes(hand.now.memory), ..run? });
    } else {
        hand.policy(&last)?;
    }
    Ok(Done { changes: hand.changes(), trial: tried })
}

impl Hand<'_> {
    fn policy(&mut self, policy: &str) -> anyhow::Result<()> {
        let new = Settings { policy: policy.to_owned(), ..self.now.clone() };
        let what = format!("restart policy {} → {policy}", self.now.policy);
        self.change(new, what)
    }

    fn sizes(&mut self, memory: u64, memory_swap: i64) -> anyhow::Result<()> {
        let new = Settings { memory, memory_swap, ..self.now.clone() };
        let what = format!("memory limit {} → {}", Bytes(self.now.memory), Bytes(memory));
        self.change(new, what)
    }

    fn change(&mut self, new: Settings, what: String) -> anyhow::Result<()> {
        if new == self.now {
            return Ok(());
        }
        let change = ContainerChange {
            at: explain::now()?.to_string(),
            daemon: self.plan.daemon.to_string(),
            id: self.plan.id.clone(),
            name: self.plan.name.clone(),
            what,
            old: self.now.clone(),
            new: new.clone(),
        };
        self.journal.apply_settings(&self.plan.daemon, &change, self.consent)?;
        self.now = new;
        self.made.push(change);
        Ok(())
    }

    /// The old limit again; the change is gone from the journal, as if it had not been.
    fn take_back_sizes(&mut self) -> anyhow::Result<()> {
        let is_size = |change: &ContainerChange| change.old.memory != change.new.memory;
        let Some(at) = self.made.iter().position(is_size) else { return Ok(()) };
        let change = self.made.remove(at);
        self.journal.restore(&self.plan.daemon, &change, None, self.consent)?;
        self.now = self.plan.daemon.settings(&self.plan.id, &self.plan.name)?;
        Ok(())
    }

    /// From what was to what is.
    fn changes(&self) -> Vec<String> {
        let (old, new) = (&self.plan.now, &self.now);
        let mut all = Vec::new();
        if old.policy != new.policy {
            all.push(format!("restart policy {} → {}", old.policy, new.policy));
        }
        if old.memory != new.memory {
            all.push(format!("memory limit {} → {}", Bytes(old.memory), Bytes(new.memory)));
        }
        all
    }
}
