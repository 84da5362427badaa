//! Does what was shown and agreed to, and takes it back: each change through the journal.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use change::{Consent, ContainerChange, Journal, NotChanged, Settings, Undo};

use super::FixArgs;
use super::before::{Before, wait_until_up};
use super::compose::Compose;
use super::plan::{OfFile, Plan, Way};
use super::target::Target;
use crate::commands::guard::undo::holds;
use crate::commands::{align, explain};
use crate::printer::Printer;

/// Docker waits no longer than a minute before it starts a container again.
const START: Duration = Duration::from_secs(65);

/// A change that was made.
pub(super) struct Hand {
    journal: Journal,
    did: Did,
    /// What is watched now.
    watched: String,
}

enum Did {
    /// The daemon's settings.
    Updated(ContainerChange),
    /// A file; what makes the service anew, where something does.
    Written { path: PathBuf, was_written: bool, compose: Option<Compose>, service: String },
}

impl Hand {
    /// Makes it.
    ///
    /// # Errors
    /// Nothing was changed, or what was changed is taken back.
    pub(super) fn change(
        printer: &Printer,
        (target, plan, before): (&Target, &Plan, &Before),
        consent: &Consent,
    ) -> anyhow::Result<Self> {
        let journal = align::apply::journal()?;
        printer.progress("changing it");
        match &plan.way {
            Way::InPlace => Self::update(journal, (target, plan, before), consent),
            Way::ByHand(_) => bail!("nothing can be changed from here"),
            Way::ByFile(of) => Self::write(journal, target, of, consent),
        }
    }

    fn write(
        journal: Journal,
        target: &Target,
        of: &OfFile,
        consent: &Consent,
    ) -> anyhow::Result<Self> {
        let was_written = of.file.changes();
        if was_written {
            of.file.write(consent)?;
        }
        let did = Did::Written {
            path: of.path.clone(),
            was_written,
            compose: of.compose.clone(),
            service: of.service.clone(),
        };
        let mut hand = Self { journal, did, watched: target.name.clone() };
        if let Some(compose) = of.compose.as_ref().filter(|it| it.is_there()) {
            if let Err(error) = compose.up(consent) {
                hand.take_file_back(consent)?;
                return Err(error.context("the file is as it was"));
            }
            // Compose gives the new container the old one's name, unless the project was another one.
            if target.daemon.life(&target.name, &target.name).is_err() {
                hand.watched = compose.id().unwrap_or_else(|| target.name.clone());
            }
        }
        Ok(hand)
    }

    fn update(
        journal: Journal,
        (target, plan, before): (&Target, &Plan, &Before),
        consent: &Consent,
    ) -> anyhow::Result<Self> {
        let (_, limit) = plan.limit.context("there is no other limit")?;
        let memory_swap = plan.swap(target).unwrap_or(target.now.memory_swap);
        let new = Settings { memory: limit.0, memory_swap, ..target.now.clone() };
        let change = ContainerChange {
            at: explain::now()?.to_string(),
            daemon: target.daemon.to_string(),
            id: target.id.clone(),
            name: target.name.clone(),
            what: plan.changes().join("; "),
            old: target.now.clone(),
            new,
        };
        journal.apply_settings(&target.daemon, &change, consent)?;
        if !before.was_up
            && let Err(error) = target.daemon.start(&target.id, &target.name, consent)
        {
            journal.restore(&target.daemon, &change, None, consent)?;
            return Err(error.into());
        }
        Ok(Self { journal, did: Did::Updated(change), watched: target.name.clone() })
    }

    /// What nobody here can do: the service was not made anew.
    pub(super) fn left_to_do(&self, target: &Target) -> Option<Vec<String>> {
        let Did::Written { path, compose, service, .. } = &self.did else { return None };
        let up = match compose {
            Some(compose) if compose.is_there() => return None,
            Some(compose) => compose.command(),
            None => {
                let word = |text: &str| report::escape::shell_word(text);
                let file = word(&path.display().to_string());
                format!("docker compose -f {file} up -d {}", word(service))
            }
        };
        let name = report::escape::shell_word(&target.name);
        Some(vec![up, format!("why137 verify {name} -- LOAD")])
    }

    /// What is watched now: a service that was made anew is another container.
    pub(super) fn watched(&self) -> String {
        self.watched.clone()
    }

    /// Whether it came up.
    pub(super) fn runs(&self, target: &Target) -> bool {
        match &self.did {
            Did::Updated(_) => wait_until_up(target, START).unwrap_or(false),
            // Compose has started it; a watch says itself where it has ended.
            Did::Written { .. } => true,
        }
    }

    /// Takes it back, as it was: also down, where it was down.
    ///
    /// # Errors
    /// It stands.
    pub(super) fn take_back(
        self,
        printer: &Printer,
        arguments: &FixArgs,
        (target, before): (&Target, &Before),
        consent: &Consent,
    ) -> anyhow::Result<()> {
        let change = match &self.did {
            Did::Written { .. } => return self.take_file_back(consent),
            Did::Updated(change) => change,
        };
        let stop = || target.daemon.stop(&target.id, &target.name, consent);
        if !before.was_up {
            stop()?;
            return Ok(self.journal.restore(&target.daemon, change, None, consent)?);
        }
        let held = holds(&arguments.watch.daemon, change, printer);
        match self.journal.restore(&target.daemon, change, held, consent) {
            Ok(()) => {}
            // It holds more than it may: what it holds goes with its end, and it begins anew.
            Err(NotChanged::WouldKill { .. } | NotChanged::Refused { step: "change", .. }) => {
                stop()?;
                self.journal.restore(&target.daemon, change, None, consent)?;
            }
            Err(error) => return Err(error.into()),
        }
        if !target.daemon.life(&target.id, &target.name)?.is_running() {
            target.daemon.start(&target.id, &target.name, consent)?;
        }
        Ok(())
    }

    fn take_file_back(&self, consent: &Consent) -> anyhow::Result<()> {
        let Did::Written { path, was_written, compose, .. } = &self.did else { return Ok(()) };
        if *was_written {
            match self.journal.last(Some(path))? {
                Some(Undo::Possible(change)) => self.journal.undo(&change, consent)?,
                Some(Undo::Done(change)) => self.journal.forget(&change)?,
                Some(Undo::Changed(..)) | None => bail!(
                    "`{}` was changed by somebody else meanwhile; it is left as it is",
                    path.display()
                ),
            }
        }
        match compose.as_ref().filter(|it| it.is_there()) {
            Some(compose) => compose.up(consent),
            None => Ok(()),
        }
    }
}
