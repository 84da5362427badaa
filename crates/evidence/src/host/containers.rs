//! All containers of one daemon: `inspect-ID`, `events-ID`, `config-ID` and `cgroup-ID` of each.
//!
//! A container that ran to its end and was removed is known by its events alone. A source that is closed
//! for all of them is one gap, not one for each.

use casefile::{ContainerId, Exhibit, Gap, Moment, Source};

use crate::cgroup::{self, place};
use crate::config;
use crate::docker::answers::{DaemonFacts, Listed};
use crate::docker::http::{Answer, ApiError, Daemon};
use crate::events::{self, History};
use crate::found::{Found, about, exhibit, gap};
use crate::names::oldest;
use crate::roots::Roots;
use crate::subject::Subject;

/// Calls that are under way at once: a daemon answers each from its own memory.
const AT_ONCE: usize = 24;

/// A container's state, or why it could not be read.
pub(crate) type State = (ContainerId, Result<String, ApiError>);

/// Asks for every container's state.
pub(crate) async fn states(daemon: &Daemon, list: &[Listed]) -> Vec<State> {
    let mut all = Vec::with_capacity(list.len());
    for some in list.chunks(AT_ONCE) {
        let calls: Vec<_> = some
            .iter()
            .map(|one| (one.id.clone(), daemon.start(&format!("/containers/{}/json", one.id))))
            .collect();
        for (id, call) in calls {
            all.push((id, call.text().await));
        }
    }
    all
}

/// What a daemon knows of its containers.
pub(super) struct Containers<'a> {
    pub(super) states: Vec<State>,
    pub(super) history: &'a History,
    /// When the daemon was started.
    pub(super) started: Option<Moment>,
    pub(super) client: &'a str,
}

impl Containers<'_> {
    /// Those that exist, as far as gathering needs to know them.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        let known = |(id, text): &State| Some(Subject::inspected(id, text.as_ref().ok()?));
        self.states.iter().filter_map(known).collect()
    }

    /// Those that only the events remember.
    fn removed(&self) -> Vec<Subject> {
        let mut ids: Vec<&ContainerId> = Vec::new();
        for id in self.history.events.iter().filter_map(|event| event.container.as_ref()) {
            let exists = self.states.iter().any(|(other, _)| other.is_same(id));
            if !exists && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids.into_iter().map(|id| Subject::remembered(id, &self.history.events)).collect()
    }

    /// Every container's state and events.
    pub(super) fn found(&self, answer: Result<Answer, ApiError>) -> Found {
        let mut found = Found::default();
        let mut refused: Vec<&ApiError> = Vec::new();
        for (id, text) in &self.states {
            match text {
                Ok(text) => found.exhibits.push(self.state(id, text)),
                // Removed since it was listed: its events tell.
                Err(error) if error.is_not_found() => {}
                Err(error) => refused.push(error),
            }
        }
        if let Some(first) = refused.first() {
            let because =
                format!("{} of {} containers: {}", refused.len(), self.states.len(), first.plain());
            let check = format!("{} inspect NAME", self.client);
            found.gaps.push(gap(Source::ContainerInspect, &check, &because, Some(&check)));
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let check = format!("{} events --since 0 --until 0s", self.client);
                found.gaps.push(gap(Source::ContainerEvents, &check, &error.plain(), Some(&check)));
                return found;
            }
        };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let subjects = self.subjects();
        for subject in subjects.iter().chain(&self.removed()) {
            found.exhibits.extend(self.events(subject, &text, answer.cut.is_none()));
        }
        found.gaps.extend(self.forgotten(answer.cut.as_ref()));
        found
    }

    fn state(&self, id: &ContainerId, text: &str) -> Exhibit {
        let short = short(id);
        let label = format!("docker inspect {short}");
        let exhibit = exhibit(&format!("inspect-{short}"), Source::ContainerInspect, &label, text);
        Exhibit {
            clock: casefile::Clock::Wall,
            check: Some(format!("{} inspect {id}", self.client)),
            ..about(exhibit, id)
        }
    }

    /// The container's own events, cut out of everybody's.
    fn events(&self, subject: &Subject, all: &str, whole: bool) -> Option<Exhibit> {
        let own = events::of_container(all, &subject.id);
        let cut = (!whole).then(|| ApiError::TooLong { path: "/events".to_owned() });
        let answer = Ok(Answer { body: own.into_bytes(), cut, server: None });
        let found = events::found(subject, answer, self.history, self.started, self.client);
        let exhibit = found.exhibits.into_iter().next()?;
        Some(Exhibit { id: format!("events-{}", short(&subject.id)), ..exhibit })
    }

    /// How far back the daemon remembers, where that is not to its own start.
    fn forgotten(&self, cut: Option<&ApiError>) -> Option<Gap> {
        let check = format!("{} events --since 0 --until 0s", self.client);
        let because = match (cut, oldest(&self.history.events)) {
            (Some(cut), _) => cut.plain(),
            (None, Some(since)) if self.history.wrapped => {
                format!("docker holds its 256 latest events, the oldest of {since}")
            }
            (None, Some(_) | None) => return None,
        };
        Some(gap(Source::ContainerEvents, &check, &because, None))
    }
}

/// What this machine's own files tell of the containers: docker's note of a signal by its API, and the
/// counters of those that run.
pub(super) fn files(subjects: &[Subject], facts: &DaemonFacts, roots: &Roots) -> Found {
    let mut all = Found::default();
    let mut closed: Option<Gap> = None;
    for subject in subjects {
        let short = short(&subject.id);
        let state = config::read(subject, facts.root_dir.as_deref());
        closed = closed.or_else(|| state.gaps.into_iter().next());
        all.exhibits.extend(
            state
                .exhibits
                .into_iter()
                .map(|exhibit| Exhibit { id: format!("config-{short}"), ..exhibit }),
        );
        let place =
            subject.pid.map(|_| place::find(subject, facts.cgroup_driver.as_deref(), roots));
        let Some(Ok(place)) = place else { continue };
        let found = cgroup::read(&subject.life(), &place);
        all.facts.extend(found.facts);
        let own = found.exhibits.into_iter().find(|exhibit| exhibit.about.is_some());
        all.exhibits.extend(own.map(|own| Exhibit { id: format!("cgroup-{short}"), ..own }));
    }
    all.gaps.extend(closed);
    all
}

fn short(id: &ContainerId) -> String {
    id.as_str().chars().take(12).collect()
}
