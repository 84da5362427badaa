//! What a person reads while it is fixed: the size, the plan, what was done, the verdict.

use super::before::Before;
use super::json::Told;
use super::plan::{Plan, Way};
use super::target::Target;
use super::{Ended, FixArgs};
use crate::commands::audit::page::Lines;
use crate::printer::Printer;

/// What a person reads meanwhile.
pub(super) struct Say<'a> {
    pub(super) printer: &'a Printer,
    /// For programs nothing is said before the end.
    pub(super) is_text: bool,
}

impl Say<'_> {
    /// As it is.
    pub(super) fn text(&self, text: &str) -> anyhow::Result<()> {
        if self.is_text { self.printer.answer(text) } else { Ok(()) }
    }

    /// A line, wrapped behind its lead; a line end before it is a gap.
    pub(super) fn line(&self, line: &str) -> anyhow::Result<()> {
        let mut out = Lines::of_width(self.printer.page(false).width);
        let text = line.trim_start_matches('\n');
        if text.len() < line.len() {
            out.gap();
        }
        let lead = " ".repeat(text.len() - text.trim_start().len());
        out.wrapped(&lead, text.trim_start());
        self.text(&out.into_text())
    }

    /// Nothing was changed, and why.
    pub(super) fn blocked(
        &self,
        target: &Target,
        because: String,
        told: &mut Told,
    ) -> anyhow::Result<Ended> {
        self.line(&format!("\n{}: nothing was changed: {because}.", target.name))?;
        told.because(&because);
        Ok(Ended::Blocked)
    }

    /// What would be changed, or has to be by hand.
    pub(super) fn plan(
        &self,
        plan: &Plan,
        target: &Target,
        before: &Before,
        arguments: &FixArgs,
    ) -> anyhow::Result<()> {
        let is_by_hand = matches!(plan.way, Way::ByHand(_));
        self.line(if is_by_hand {
            "\nWhat has to be done by hand"
        } else {
            "\nWhat would change"
        })?;
        if self.is_text
            && let Way::ByFile(of) = &plan.way
        {
            of.file.show(self.printer)?;
        }
        for line in plan.lines(target, before, arguments.keep) {
            self.line(&format!("  {line}"))?;
        }
        Ok(())
    }
}
