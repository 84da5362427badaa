//! Texts cut at every byte: every beginning and every end of a real text gets an answer, shows
//! nothing that steers a terminal, and is never surer of another killer than the whole text.

use casefile::{CaseFile, Moment};
use judge::Verdict;
use judge::verdict::{Confidence, Killer};
use report::renderers::{json, quiet, text};

use crate::program::{NOW, run};
use crate::texts;

fn now() -> Moment {
    Moment::parse(NOW).unwrap()
}

/// The answer to a pasted text, and that every page of it can be made.
fn explain(text: &str) -> Verdict {
    let case: CaseFile =
        evidence::case_from_texts(vec![("paste".to_owned(), text.to_owned())], now()).unwrap();
    let verdict = judge::explain(&case, now());
    for because in &verdict.because {
        assert!(case.quote(&because.cite).is_some_and(|quote| !quote.is_empty()), "{because:?}");
    }
    let report = report::compose(&verdict, &case);
    let page = text::Page { width: 80, colour: false, verbose: true };
    for shown in [text::render(&report, page), quiet::render(&report), json::render(&report)] {
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
    verdict
}

/// A killer that is only less exact than another: the level of a kernel's kill is cut off.
fn is_vaguer(part: Killer, whole: Killer) -> bool {
    part == Killer::OutOfMemory && whole.is_kernel_oom()
}

fn cut_everywhere(name: &str, whole: &str) {
    let answer = explain(whole);
    assert_ne!(answer.killer, Killer::Unknown, "{name}");
    for at in (0..whole.len()).filter(|at| whole.is_char_boundary(*at)) {
        for (half, kept) in [("head", &whole[..at]), ("tail", &whole[at..])] {
            let part = explain(kept);
            let same = part.killer == answer.killer || is_vaguer(part.killer, answer.killer);
            let told = format!(
                "{name}: the {half} at {at} is {:?} {:?}, the whole {:?} {:?}:\n{kept}",
                part.killer, part.confidence, answer.killer, answer.confidence
            );
            assert!(same || part.confidence < Confidence::Proven, "{told}");
            assert!(same || part.confidence <= answer.confidence, "{told}");
            // Nothing is invented by losing text.
            let known = |pid: Option<u32>| answer.victims.iter().any(|one| one.pid == pid);
            let kernels = part.killer.is_kernel_oom() && answer.killer.is_kernel_oom();
            for victim in part.victims.iter().filter(|one| kernels && one.pid.is_some()) {
                let pid = victim.pid.unwrap().to_string();
                let cut_pid = answer
                    .victims
                    .iter()
                    .filter_map(|one| one.pid)
                    .any(|pid_of_whole| pid_of_whole.to_string().starts_with(&pid));
                assert!(known(victim.pid) || cut_pid, "{told}");
            }
        }
    }
}

#[test]
fn a_kernel_report_cut_anywhere() {
    let whole = texts::dmesg(&texts::kills()[0]);
    assert_eq!(explain(&whole).killer, Killer::ContainerMemoryLimit);
    cut_everywhere("kernel report", &whole);
}

#[test]
fn an_inspect_object_cut_anywhere() {
    cut_everywhere("inspect", &texts::inspect());
}

#[test]
fn events_cut_anywhere() {
    let whole = texts::lines_of(&texts::forced_stop());
    assert_eq!(explain(&whole).killer, Killer::StopTimeout);
    cut_everywhere("events", &whole);
}

#[test]
fn a_described_pod_cut_anywhere() {
    cut_everywhere("describe", texts::DESCRIBE);
}

#[test]
fn an_ecs_task_cut_anywhere() {
    cut_everywhere("ecs", &texts::ecs());
}

#[test]
fn a_ticket_cut_anywhere() {
    cut_everywhere("ticket", &texts::ticket());
}

/// The same through the program itself, at some of the bytes.
#[test]
fn the_program_answers_every_cut() {
    let folder = tempfile::tempdir().unwrap();
    let wholes = [
        texts::dmesg(&texts::kills()[1]),
        texts::inspect(),
        texts::lines_of(&texts::forced_stop()),
        texts::DESCRIBE.to_owned(),
        texts::ecs(),
        texts::ticket(),
    ];
    for whole in wholes {
        for at in (1..whole.len()).step_by(211).filter(|at| whole.is_char_boundary(*at)) {
            for kept in [&whole[..at], &whole[at..]] {
                let (code, out, err) = run(folder.path(), "", &["explain", "-"], kept);
                assert!([0, 3, 4].contains(&code), "{code} {err}\n{kept}");
                assert!(!out.is_empty() && !err.contains("panicked"), "{err}");
            }
        }
    }
}
