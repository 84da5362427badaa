//! What the answer about a death must be, and how the given answer differs.
//!
//! An expectation is data beside the death it belongs to. Only the program's published JSON and
//! its text are read; a field that an expectation leaves open is not compared.

use serde_json::Value;

/// A number in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// Not compared.
    Open,
    /// Must be `null`.
    Null,
    /// Must be exactly this.
    Is(i64),
}

/// The answer's `limit_at_fault`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not compared.
    Open,
    /// The container's own limit is to blame.
    Yes,
    /// It is not.
    No,
    /// Anything but an accusation: `false` or `null`.
    NotYes,
}

/// The answer's `victims`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victims {
    /// Not compared.
    Open,
    /// Nobody.
    Nobody,
    /// Exactly these, as role and comm (an empty comm is not compared).
    These(&'static [(&'static str, &'static str)]),
    /// Exactly these in any order.
    Several(&'static [(&'static str, &'static str)]),
    /// One, of either of these roles.
    OneOf(&'static [&'static str]),
    /// As many as the container's kernel counter shows, all of this role and comm.
    AsCounted(&'static str, &'static str),
}

/// The expected answer. Lists of words mean "one of"; an empty list is not compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expect {
    pub(crate) killer: &'static [&'static str],
    pub(crate) level: &'static [&'static str],
    pub(crate) confidence: &'static [&'static str],
    pub(crate) fate: &'static [&'static str],
    pub(crate) exit_code: Number,
    pub(crate) victims: Victims,
    pub(crate) limit_at_fault: Fault,
    pub(crate) limit_bytes: Number,
    /// `killed_by.name`, one of.
    pub(crate) killed_by: &'static [&'static str],
    /// Killers that must stand among the findings.
    pub(crate) findings: &'static [&'static str],
    /// Killers that must stand among the candidates.
    pub(crate) candidates: &'static [&'static str],
    /// Killers that must not be among the candidates, the findings, nor the answer.
    pub(crate) never: &'static [&'static str],
    /// How many victims the answer and its findings of the same killer have together.
    pub(crate) deaths: Option<usize>,
    /// Words that must not stand in any quote: the line belongs to another death.
    pub(crate) not_quoted: &'static [&'static str],
    /// Phrases that must not stand anywhere in the text.
    pub(crate) must_not: &'static [&'static str],
    /// Phrases that must not stand in the text's first line.
    pub(crate) must_not_open: &'static [&'static str],
    /// Phrases of which one must stand in the text.
    pub(crate) must_say: &'static [&'static str],
}

/// An expectation that compares nothing: the start of every other.
pub(crate) const OPEN: Expect = Expect {
    killer: &[],
    level: &[],
    confidence: &[],
    fate: &[],
    exit_code: Number::Open,
    victims: Victims::Open,
    limit_at_fault: Fault::Open,
    limit_bytes: Number::Open,
    killed_by: &[],
    findings: &[],
    candidates: &[],
    never: &[],
    deaths: None,
    not_quoted: &[],
    must_not: &[],
    must_not_open: &[],
    must_say: &[],
};

/// Killers that blame memory. None may stand anywhere in the answer about a death without one.
pub(crate) const MEMORY: &[&str] = &[
    "container-memory-limit",
    "ancestor-memory-limit",
    "host-out-of-memory",
    "numa-out-of-memory",
    "out-of-memory",
];

/// A counter before the question and after it.
pub(crate) type Counted = Option<(u64, u64)>;

/// Every difference between the expectation and the answer. `counted` is the kernel's own
/// `oom_kill` of the container's cgroup right before the question and right after, where it was readable.
pub(crate) fn differences(
    expect: &Expect,
    answer: &Value,
    text: &str,
    counted: Counted,
) -> Vec<String> {
    let mut found = Vec::new();
    one_of(&mut found, answer, "/killer", expect.killer);
    one_of(&mut found, answer, "/level", expect.level);
    one_of(&mut found, answer, "/confidence", expect.confidence);
    one_of(&mut found, answer, "/main/fate", expect.fate);
    one_of(&mut found, answer, "/killed_by/name", expect.killed_by);
    number(&mut found, answer, "/main/exit_code", expect.exit_code);
    number(&mut found, answer, "/limit_bytes", expect.limit_bytes);
    blame(&mut found, answer, expect.limit_at_fault);
    victims(&mut found, answer, expect.victims, counted);
    others(&mut found, answer, expect);
    quotes(&mut found, answer, expect.not_quoted);
    words(&mut found, text, expect);
    found
}

fn at<'a>(answer: &'a Value, path: &str) -> &'a Value {
    answer.pointer(path).unwrap_or(&Value::Null)
}

fn list<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn killers(answers: &[Value]) -> Vec<&str> {
    answers.iter().filter_map(|one| one.get("killer").and_then(Value::as_str)).collect()
}

fn one_of(found: &mut Vec<String>, answer: &Value, path: &str, wanted: &[&str]) {
    let got = at(answer, path);
    if !wanted.is_empty() && !got.as_str().is_some_and(|word| wanted.contains(&word)) {
        found.push(format!("{}: expected {}, got {got}", field(path), wanted.join(" or ")));
    }
}

fn field(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ".")
}

fn number(found: &mut Vec<String>, answer: &Value, path: &str, wanted: Number) {
    let got = at(answer, path);
    let fits = match wanted {
        Number::Open => true,
        Number::Null => got.is_null(),
        Number::Is(number) => got.as_i64() == Some(number),
    };
    if !fits {
        found.push(format!("{}: expected {wanted:?}, got {got}", field(path)));
    }
}

fn blame(found: &mut Vec<String>, answer: &Value, wanted: Fault) {
    let got = at(answer, "/limit_at_fault");
    let fits = match wanted {
        Fault::Open => true,
        Fault::Yes => got.as_bool() == Some(true),
        Fault::No => got.as_bool() == Some(false),
        Fault::NotYes => got.as_bool() != Some(true),
    };
    if !fits {
        found.push(format!("limit_at_fault: expected {wanted:?}, got {got}"));
    }
}

fn victims(found: &mut Vec<String>, answer: &Value, wanted: Victims, counted: Counted) {
    let got: Vec<(&str, &str)> = list(answer, "victims")
        .iter()
        .map(|victim| {
            let word = |name| victim.get(name).and_then(Value::as_str).unwrap_or_default();
            (word("role"), word("comm"))
        })
        .collect();
    let like = |(role, comm): &(&str, &str), (got_role, got_comm): &(&str, &str)| {
        role == got_role && (comm.is_empty() || comm == got_comm)
    };
    let fits = match wanted {
        Victims::Open => true,
        Victims::Nobody => got.is_empty(),
        Victims::These(these) => {
            these.len() == got.len() && these.iter().zip(&got).all(|(want, one)| like(want, one))
        }
        Victims::Several(these) => {
            these.len() == got.len()
                && these.iter().all(|want| got.iter().any(|one| like(want, one)))
        }
        Victims::OneOf(roles) => got.len() == 1 && got.iter().all(|one| roles.contains(&one.0)),
        Victims::AsCounted(role, comm) => {
            counted.is_some_and(|(first, last)| (first..=last).contains(&(got.len() as u64)))
                && got.iter().all(|one| like(&(role, comm), one))
        }
    };
    if !fits {
        let count = counted
            .map_or(String::new(), |(first, last)| format!(" (kernel counted {first} to {last})"));
        found.push(format!("victims: expected {wanted:?}{count}, got {got:?}"));
    }
}

fn others(found: &mut Vec<String>, answer: &Value, expect: &Expect) {
    let findings = killers(list(answer, "findings"));
    let candidates = killers(list(answer, "candidates"));
    for wanted in expect.findings {
        if !findings.contains(wanted) {
            found.push(format!("findings: expected one of {wanted}, got {findings:?}"));
        }
    }
    for wanted in expect.candidates {
        if !candidates.contains(wanted) {
            found.push(format!("candidates: expected {wanted}, got {candidates:?}"));
        }
    }
    let killer = at(answer, "/killer").as_str().unwrap_or_default();
    for word in expect.never {
        if killer == *word || findings.contains(word) || candidates.contains(word) {
            found.push(format!("{word} must not be said: answer {killer}, findings {findings:?}, candidates {candidates:?}"));
        }
    }
    let deaths = std::iter::once(answer)
        .chain(list(answer, "findings"))
        .filter(|one| one.get("killer").and_then(Value::as_str) == Some(killer))
        .map(|one| list(one, "victims").len())
        .sum::<usize>();
    if expect.deaths.is_some_and(|wanted| wanted != deaths) {
        found.push(format!("victims over all lives: expected {:?}, got {deaths}", expect.deaths));
    }
}

fn quotes(found: &mut Vec<String>, answer: &Value, unwanted: &[&str]) {
    for because in list(answer, "because") {
        let quote = because.get("quote").and_then(Value::as_str).unwrap_or_default();
        if let Some(word) = unwanted.iter().find(|word| quote.contains(**word)) {
            found.push(format!("because: quotes another death's `{word}`"));
        }
    }
}

fn words(found: &mut Vec<String>, text: &str, expect: &Expect) {
    let low = text.to_lowercase();
    let open = low.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    for phrase in expect.must_not {
        if low.contains(&phrase.to_lowercase()) {
            found.push(format!("text: must not say `{phrase}`"));
        }
    }
    for phrase in expect.must_not_open {
        if open.contains(&phrase.to_lowercase()) {
            found.push(format!("text: must not open with `{phrase}`: {open}"));
        }
    }
    // A phrase may stand over the end of a line.
    let joined = low.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = |phrase: &&str| joined.contains(&phrase.to_lowercase());
    if !expect.must_say.is_empty() && !expect.must_say.iter().any(said) {
        found.push(format!("text: must say {}", expect.must_say.join(" or ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OWN: Expect = Expect {
        killer: &["container-memory-limit"],
        victims: Victims::These(&[("main", "python3")]),
        limit_bytes: Number::Is(64 << 20),
        must_not_open: &["leak"],
        ..OPEN
    };

    #[test]
    fn a_fitting_answer_has_no_differences() {
        let answer = json!({"killer": "container-memory-limit", "limit_bytes": 67108864,
            "victims": [{"role": "main", "comm": "python3"}]});
        assert_eq!(differences(&OWN, &answer, "a was killed\nno leak shown", None), [""; 0]);
    }

    #[test]
    fn every_difference_is_named_with_both_sides() {
        let answer = json!({"killer": "unknown", "victims": [], "limit_bytes": null});
        let found = differences(&OWN, &answer, "a leak", None);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.iter().any(|line| line.contains("container-memory-limit, got \"unknown\"")));
    }

    #[test]
    fn victims_are_compared_with_the_kernels_own_count() {
        let expect = Expect { victims: Victims::AsCounted("child", "python3"), ..OPEN };
        let one = json!({"role": "child", "comm": "python3"});
        let answer = json!({"victims": [one.clone(), one]});
        assert!(differences(&expect, &answer, "", Some((2, 2))).is_empty());
        // Another died while the question was asked.
        assert!(differences(&expect, &answer, "", Some((1, 2))).is_empty());
        assert_eq!(differences(&expect, &answer, "", Some((3, 4))).len(), 1);
        assert_eq!(differences(&expect, &answer, "", Some((0, 1))).len(), 1);
        assert_eq!(differences(&expect, &answer, "", None).len(), 1);
    }
}
