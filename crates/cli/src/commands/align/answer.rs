//! One answer: what to tell a runtime beside its limit, and what comes of it; as a page and as JSON.
//!
//! The sums are `settings::runtimes::advice`'s; nothing is reckoned here but what is already right.

use casefile::Bytes;
use report::escape;
use serde_json::{Value, json};
use settings::runtimes::advice::{Advice, Place, Room, Setting};
use settings::runtimes::{Belief, Fits, Runtime, Told, Version, View};

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) runtime: Runtime,
    /// Where nobody knows it the settings are such as every version takes.
    pub(crate) version: Option<Version>,
    pub(crate) view: View,
    pub(crate) told: Told,
    /// The same as a file spells it, with its own variables; settings are made from this, so that those stay.
    pub(crate) spelled: Option<Told>,
    pub(crate) room: Room,
    /// The limit is to be another one: the ceiling follows it, also upwards.
    pub(crate) is_new_limit: bool,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) question: Question,
    /// The version that is reckoned with; `None`: no advice holds for all.
    version: Option<Version>,
    /// What to tell it; no settings where it is right as it is.
    pub(crate) advice: Advice,
    /// Whether it has room as it is told now.
    pub(crate) now: Fits,
    /// It was told something, and has room.
    pub(crate) is_right: bool,
    /// What it believes with the advice.
    pub(crate) belief: Belief,
    /// Whether it then has room.
    pub(crate) fits: Fits,
    /// What may then be used of the limit.
    pub(crate) may_use: Option<Bytes>,
}

impl Question {
    /// Asks `settings`.
    pub(crate) fn answer(self) -> Answer {
        let Self { runtime, version, view, told, room, is_new_limit, .. } = &self;
        let spelled = self.as_spelled();
        let found = match version {
            Some(version) => Some((version.clone(), runtime.advises(version, view, spelled, room))),
            None => runtime.advises_any(None, view, spelled, room),
        };
        let Some((version, mut advice)) = found else { return self.unanswered() };
        let outcome = |advice: &Advice, told| advice.outcome(*runtime, &version, view, told, room);
        let (before, now) = outcome(&Advice::default(), told);
        let (mut belief, mut fits) = outcome(&advice, spelled);
        let is_right = is_right(&advice, room, (&before, now), &belief, *is_new_limit);
        if is_right {
            advice.settings.clear();
            advice.steps.clear();
            (belief, fits) = (before, now);
        }
        let may_use = room.may_use(&belief);
        let version = Some(version);
        Answer { advice, version, now, is_right, may_use, belief, fits, question: self }
    }

    /// What it is told, as the file spells it.
    pub(crate) fn as_spelled(&self) -> &Told {
        self.spelled.as_ref().unwrap_or(&self.told)
    }

    fn unanswered(self) -> Answer {
        let why = "its version is not known, and what one version takes another refuses";
        Answer {
            advice: Advice { missing: Some(why.to_owned()), ..Advice::default() },
            version: None,
            now: Fits::Unknown,
            is_right: false,
            belief: Belief::default(),
            fits: Fits::Unknown,
            may_use: None,
            question: self,
        }
    }
}

/// Whether nothing has to change: what it was told keeps it within the limit, and where more was measured
/// than a belief knows of, is not above the advice.
fn is_right(
    advice: &Advice,
    room: &Room,
    now: (&Belief, Fits),
    then: &Belief,
    is_new_limit: bool,
) -> bool {
    let (belief, fits) = now;
    if advice.cannot.is_some() || advice.missing.is_some() || belief.refuses.is_some() {
        return false;
    }
    let same = |setting: &Setting| setting.replaces.as_deref() == Some(setting.value.as_str());
    if advice.settings.iter().all(same) {
        return true;
    }
    let was_told = advice.settings.iter().any(|setting| setting.replaces.is_some());
    let nothing_measured = room.outside.is_none() && room.worker.is_none();
    let below = belief.ceiling <= then.ceiling && belief.number() <= then.number();
    was_told && !is_new_limit && fits == Fits::Fits && (nothing_measured || below)
}

impl Answer {
    /// It cannot be kept within the limit, or something has to be known first.
    pub(crate) fn is_refusal(&self) -> bool {
        self.advice.cannot.is_some()
            || self.advice.missing.is_some()
            || self.fits == Fits::CannotFit
            || self.belief.refuses.is_some()
    }

    /// `node 22.12.0`.
    pub(crate) fn name(&self) -> String {
        match &self.question.version {
            Some(version) => format!("{} {version}", self.question.runtime.word()),
            None => format!("{} of whichever version", self.question.runtime.word()),
        }
    }

    /// What it believes when it is told this, and whether it then has room.
    pub(crate) fn outcome_of(&self, told: &Told) -> (Belief, Fits) {
        let Question { runtime, view, room, .. } = &self.question;
        match &self.version {
            Some(version) => Advice::default().outcome(*runtime, version, view, told, room),
            None => (Belief::default(), Fits::Unknown),
        }
    }

    /// The whole answer in one sentence.
    pub(crate) fn headline(&self) -> String {
        let (name, limit) = (self.name(), self.question.room.limit);
        let advice = &self.advice;
        if let Some(why) = &advice.cannot {
            return format!("{name} cannot be kept within {limit}: {why}.");
        }
        if let Some(what) = &advice.missing {
            return format!("Not known yet for {name} at {limit}: {what}.");
        }
        if let Some(why) = &self.belief.refuses {
            return format!("{name} would not start: {why}.");
        }
        let may_use = self.may_use.map_or(String::new(), |sum| format!("it may use {sum}, "));
        let told = match advice.settings.len() {
            0 => "as it is told",
            1 => "with this setting",
            _ => "with these settings",
        };
        match self.fits {
            Fits::Fits => format!("{name} fits {told}: {may_use}limit {limit}."),
            Fits::Tight => format!(
                "{name} is tight even {told}: {may_use}limit {limit}; a trivial program fits, a usual service may not."
            ),
            Fits::CannotFit => format!("{name} does not fit even {told}: {may_use}limit {limit}."),
            Fits::Unlimited => format!("{name} has no limit."),
            Fits::Unknown if advice.settings.is_empty() => {
                format!(
                    "{name} has nothing to be told; what it may use is not known, limit {limit}."
                )
            }
            Fits::Unknown => format!(
                "{name} is bounded {told} as far as it can be; what it may use in all is not known, limit {limit}."
            ),
        }
    }

    /// The page for a person.
    pub(crate) fn page(&self) -> String {
        let advice = &self.advice;
        let mut text = format!("{}\n", escape::terminal(&self.headline()));
        if self.is_right {
            text += "\n  Nothing has to change.\n";
        }
        if !advice.settings.is_empty() {
            text += if advice.cannot.is_some() || advice.missing.is_some() {
                "\nSet (it takes less then, and is not bounded)\n"
            } else {
                "\nSet\n"
            };
        }
        for setting in &advice.settings {
            text += &lines_of(setting);
        }
        if !advice.steps.is_empty() {
            text += "\nThe sum\n";
            for step in &advice.steps {
                text += &format!("  {:>11}  {} ({})\n", signed(step.bytes), step.what, step.from);
            }
            let left = advice.steps.iter().fold(0i64, |sum, step| sum.saturating_add(step.bytes));
            text += &format!("  {:>11}  left\n", signed(left));
        }
        if let Some(what) = &advice.unbounded {
            text += &format!("\nNot bounded: {what}.\n");
        }
        if !self.is_right && !advice.settings.is_empty() {
            text += &format!("\nAs it is told now: {}.\n", words_of(self.now));
        }
        for remark in &self.belief.remarks {
            text += &format!("\n  ! {}\n", escape::terminal(remark));
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let advice = &self.advice;
        let steps: Vec<Value> = advice
            .steps
            .iter()
            .map(|step| json!({"what": step.what, "bytes": step.bytes, "from": step.from}))
            .collect();
        json!({
            "runtime": self.question.runtime.word(),
            "version": self.question.version.as_ref().map(ToString::to_string),
            "limit_bytes": self.question.room.limit,
            "settings": advice.settings.iter().map(setting_json).collect::<Vec<_>>(),
            "steps": steps,
            "unbounded": advice.unbounded,
            "cannot": advice.cannot,
            "missing": advice.missing,
            "refuses": self.belief.refuses,
            "now": self.now.word(),
            "fits": self.fits.word(),
            "may_use_bytes": self.may_use,
        })
    }
}

fn setting_json(setting: &Setting) -> Value {
    let place = match setting.place {
        Place::Environment => "environment",
        Place::Argument => "argument",
        Place::File(_) => "file",
    };
    let mut value = json!({
        "place": place,
        "name": setting.name,
        "value": setting.value,
        "word": setting.word(),
        "replaces": setting.replaces,
        "because": setting.because,
    });
    if let (Place::File(file), Some(fields)) = (setting.place, value.as_object_mut()) {
        fields.insert("file".to_owned(), json!(file));
    }
    value
}

fn lines_of(setting: &Setting) -> String {
    let place = match setting.place {
        Place::Environment => "environment".to_owned(),
        Place::Argument => "command line".to_owned(),
        Place::File(file) => file.to_owned(),
    };
    let word = match setting.place {
        Place::Environment => format!("{}={}", setting.name, escape::shell_word(&setting.value)),
        Place::Argument | Place::File(_) => escape::terminal(&setting.word()),
    };
    let mut text = format!("  {word}\n    {place}: {}\n", escape::terminal(&setting.because));
    if let Some(old) = setting.replaces.as_deref().filter(|old| *old != setting.value) {
        text += &format!("    instead of: {}\n", escape::terminal(old));
    }
    text
}

fn signed(bytes: i64) -> String {
    let size = Bytes(bytes.unsigned_abs());
    if bytes < 0 { format!("- {size}") } else { size.to_string() }
}

fn words_of(fits: Fits) -> &'static str {
    match fits {
        Fits::Fits => "it fits",
        Fits::Tight => "tight",
        Fits::CannotFit => "it cannot fit",
        Fits::Unlimited => "nothing limits it",
        Fits::Unknown => "nothing bounds what it may use",
    }
}
