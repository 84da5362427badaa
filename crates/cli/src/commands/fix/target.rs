//! The container that is to be fixed: who changes it, its settings now, and the Compose file it was made by.

use change::{Daemon, Settings};

use super::FixArgs;
use super::compose::Made;
use crate::commands::guard::plan::daemon_at;
use crate::commands::{daemon, explain};
use crate::failure::{Failure, USAGE};
use crate::printer::Printer;

/// A container.
pub(super) struct Target {
    pub(super) daemon: Daemon,
    pub(super) id: String,
    pub(super) name: String,
    /// Its settings as they are.
    pub(super) now: Settings,
    /// By which project of Compose it was made.
    pub(super) made: Option<Made>,
}

impl Target {
    /// Asks its daemon.
    ///
    /// # Errors
    /// Nobody knows it, or it is far.
    pub(super) fn of(printer: &Printer, arguments: &FixArgs) -> anyhow::Result<Self> {
        let name = arguments.watch.what.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            Failure::new(USAGE, "nothing is named").hint("why137 fix NAME -- LOAD")
        })?;
        let wanted = daemon::wanted(&arguments.watch.daemon, name, explain::now()?);
        let reached = evidence::reach_container(&wanted, &mut |doing| printer.progress(doing))
            .map_err(|error| explain::not_gathered(&error))?;
        let daemon = daemon_at(reached.address)?;
        let id = reached.id.as_str().to_owned();
        let now = daemon.settings(&id, &reached.name)?;
        let made = Made::by(&daemon.labels(&id, &reached.name)?);
        Ok(Self { daemon, id, name: reached.name, now, made })
    }

    /// The limit in effect, in bytes.
    pub(super) fn limit(&self) -> Option<u64> {
        Some(self.now.memory).filter(|memory| *memory > 0)
    }
}
