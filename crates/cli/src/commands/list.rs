//! `why137` alone, `why137 list`: every death and every invisible kill that this machine still has
//! evidence of, and the command that explains each.
//!
//! One gathering for the whole machine; a saved one gives the same list again. What a death was is
//! decided elsewhere, what its line says too.

use std::process::ExitCode;

use casefile::{CaseFile, ContainerId, Moment, OwnerKind, Source};
use judge::Verdict;
use judge::verdict::{Confidence, Killer};
use report::renderers::list::{Death, List};
use report::renderers::{json, list, quiet};
use report::{Report, escape};

use super::daemon;
use super::explain::{self, STILL_ALIVE, UNDECIDED};
use crate::failure::{Failure, USAGE};
use crate::flags::{self, Format, ListArgs};
use crate::printer::Printer;

/// Lists what died.
pub(super) fn run(printer: &Printer, arguments: &ListArgs) -> anyhow::Result<ExitCode> {
    let now = explain::now()?;
    let since = match &arguments.since {
        Some(text) => Some(since(text, now)?),
        None => None,
    };
    let wanted = daemon::wanted(&arguments.daemon, String::new(), now);
    let case = evidence::gather_host(&wanted, since, &mut |doing| printer.progress(doing))
        .map_err(|error| explain::not_gathered(&error))?;
    show(printer, arguments, &case, since, now)
}

/// Lists what a case about a whole machine tells.
pub(super) fn show(
    printer: &Printer,
    arguments: &ListArgs,
    case: &CaseFile,
    since: Option<Moment>,
    now: Moment,
) -> anyhow::Result<ExitCode> {
    if case.exhibits.iter().all(|exhibit| exhibit.source == Source::Machine) {
        return Err(explain::nothing_gathered(case).into());
    }
    let mut verdicts = judge::survey(case, now);
    verdicts.retain(|verdict| verdict.at.zip(since).is_none_or(|(at, since)| at >= since));
    let all = verdicts.len();
    let names = names(&verdicts);
    verdicts.retain(|verdict| arguments.all || judge::is_death(verdict));
    let exit = exit_code(&verdicts);
    let hidden = all - verdicts.len();
    let shown = match arguments.format {
        Format::Json => {
            let reports: Vec<Report> =
                verdicts.into_iter().map(|verdict| with_gaps(verdict, case)).collect();
            json::render_all(&reports)
        }
        Format::Text if arguments.quiet => {
            let line = |verdict| quiet::render(&report::compose(&verdict, case));
            verdicts.into_iter().map(line).collect()
        }
        Format::Text => {
            list::text(&deaths(verdicts, case, &names, hidden), printer.page(arguments.verbose))
        }
        Format::Markdown => list::markdown(&deaths(verdicts, case, &names, hidden)),
    };
    printer.answer(&shown)?;
    if let Some(path) = &arguments.save {
        explain::save(printer, case, path)?;
    }
    Ok(exit)
}

/// 4: nothing died. 3: something of what died is not decided. Else 0.
fn exit_code(verdicts: &[Verdict]) -> ExitCode {
    let died = |verdict: &&Verdict| verdict.killer != Killer::StillAlive;
    let mut died = verdicts.iter().filter(died).peekable();
    if died.peek().is_none() {
        return ExitCode::from(STILL_ALIVE);
    }
    let decided = |verdict: &Verdict| {
        verdict.killer != Killer::Unknown && verdict.confidence >= Confidence::Likely
    };
    if died.all(decided) { ExitCode::SUCCESS } else { ExitCode::from(UNDECIDED) }
}

/// What could not be read belongs to every answer: a program may look at one of them only.
fn with_gaps(verdict: Verdict, case: &CaseFile) -> Report {
    report::compose(&Verdict { gaps: case.gaps.clone(), ..verdict }, case)
}

/// Every container's name, with its id.
type Names = Vec<(String, ContainerId)>;

fn names(verdicts: &[Verdict]) -> Names {
    let name = |verdict: &Verdict| {
        Some((verdict.subject.as_ref()?.name.clone()?, verdict.container_id.clone()?))
    };
    verdicts.iter().filter_map(name).collect()
}

fn deaths(verdicts: Vec<Verdict>, case: &CaseFile, names: &Names, hidden: usize) -> List {
    let deaths = verdicts.into_iter().map(|verdict| Death {
        command: command(&verdict, case, names),
        report: report::compose(&verdict, case),
    });
    List { deaths: deaths.collect(), hidden, gaps: case.gaps.clone() }
}

/// The command that explains one death.
fn command(verdict: &Verdict, case: &CaseFile, names: &Names) -> Option<String> {
    let subject = verdict.subject.as_ref();
    let name = subject.and_then(|subject| subject.name.as_deref());
    let systemd = subject.and_then(|subject| subject.runtime.as_deref()) == Some("systemd");
    if let Some(unit) = name.filter(|_| systemd) {
        return Some(format!("why137 explain --unit {}", escape::shell_word(unit)));
    }
    if let Some(command) = of_container(verdict, name, case, names) {
        return Some(command);
    }
    let owner = verdict.place.as_ref().and_then(|place| place.owner());
    if let Some(owner) = owner.filter(|owner| {
        owner.kind == OwnerKind::Service && owner.within.is_none() && owner.user.is_none()
    }) {
        return Some(format!("why137 explain --unit {}", escape::shell_word(&owner.name)));
    }
    let pid = verdict.victims.iter().find_map(|victim| victim.pid);
    if let Some(pid) = pid {
        return Some(format!("why137 explain --pid {pid}"));
    }
    let cite = &verdict.because.first()?.cite;
    case.exhibit(&cite.exhibit)?.check.clone()
}

/// By its name, where that leads to this container and nothing else.
fn of_container(
    verdict: &Verdict,
    name: Option<&str>,
    case: &CaseFile,
    names: &Names,
) -> Option<String> {
    let id = verdict.container_id.as_ref()?;
    let own = |source: Source| {
        case.exhibits.iter().find(|exhibit| {
            let about = exhibit.about.as_ref().is_some_and(|about| about.is_same(id));
            exhibit.source == source && about
        })
    };
    let known = own(Source::ContainerInspect).or_else(|| own(Source::ContainerEvents))?;
    let daemon = known.check.as_deref().map(daemon).unwrap_or_default();
    let short: String = id.as_str().chars().take(12).collect();
    // A removed container's name may have been given again.
    let only = |name: &&str| names.iter().all(|(other, of)| other != name || of.is_same(id));
    match name.filter(only) {
        Some(name) if flags::is_subcommand(name) => {
            Some(format!("why137 explain {daemon}{}", escape::shell_word(name)))
        }
        Some(name) => Some(format!("why137 {daemon}{}", escape::shell_word(name))),
        None => Some(format!("why137 {daemon}{short}")),
    }
}

/// The words by which the daemon was named, from the command that checks an exhibit of it:
/// `docker --host URL inspect …`.
fn daemon(check: &str) -> String {
    let rest = check.strip_prefix("docker ").unwrap_or_default();
    let before = [" inspect ", " events "].iter().find_map(|word| Some(rest.split_once(word)?.0));
    before.map(|words| format!("{words} ")).unwrap_or_default()
}

/// `90s`, `30m`, `1h`, `2d` ago, or a time.
fn since(text: &str, now: Moment) -> anyhow::Result<Moment> {
    let ago = || {
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let micros = digits.parse::<i64>().ok()?.checked_mul(seconds)?.checked_mul(1_000_000)?;
        now.plus_micros(micros.checked_neg()?)
    };
    Moment::parse(text).or_else(ago).ok_or_else(|| {
        Failure::new(USAGE, format!("`{text}` is no time"))
            .hint("why137 list --since 2h        (or 30m, 3d, 2026-05-27T18:00:00Z)")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_a_distance_or_as_it_is() {
        let now = Moment::parse("2026-05-28T00:00:00Z").unwrap();
        let told = |text: &str| since(text, now).map(|moment| moment.0.to_string()).ok();
        assert_eq!(told("2h").as_deref(), Some("2026-05-27T22:00:00Z"));
        assert_eq!(told("90s").as_deref(), Some("2026-05-27T23:58:30Z"));
        assert_eq!(told("2026-05-27T18:00:00+02:00").as_deref(), Some("2026-05-27T16:00:00Z"));
        for wrong in ["", "h", "2", "é", "-", "99999999999999d", "2w"] {
            assert_eq!(told(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_daemon_that_was_asked_is_asked_again() {
        assert_eq!(daemon("docker inspect abc"), "");
        assert_eq!(
            daemon("docker --host unix:///x/y.sock inspect abc"),
            "--host unix:///x/y.sock "
        );
        assert_eq!(
            daemon("docker --context far events --since 0 --until 0s --filter container=abc"),
            "--context far "
        );
    }
}
