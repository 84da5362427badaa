//! Dockerfiles: one subject, the main process of the image that the last stage makes.
//!
//! Edits stand in the last stage. A variable that is not there yet is set behind every `RUN`, so that it steers the
//! image's own process and not its build, and so that no layer is built anew. Leans on the Dockerfile reference.

use std::ops::Range;

use super::words;
use super::{Subject, Unreadable, Variable, Wish};
use crate::document::{self, Node, Style, Value};
use crate::edit::Refused;
use crate::text::{Edit, line_end, line_stop};

/// An instruction and where it stands.
#[derive(Debug, Clone)]
struct Instruction {
    /// In capitals.
    keyword: String,
    /// From its keyword to its last byte, here-documents too, its line end left out.
    span: Range<usize>,
    /// What stands behind the keyword, with its line continuations; here-documents are not in it.
    rest: Range<usize>,
}

/// By the name, else by the first instruction.
pub(super) fn is_one(name: &str, text: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let stem = base.split(['.', '-', '_']).next().unwrap_or_default();
    let extension = base.rsplit('.').next().unwrap_or_default();
    let kinds = ["dockerfile", "containerfile"];
    if matches!(extension, "yml" | "yaml" | "json") {
        return false;
    }
    if kinds.contains(&stem) || kinds.contains(&extension) {
        return true;
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let word = first.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    ["FROM", "ARG"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// Every instruction, in order.
fn instructions(text: &str) -> (Vec<Instruction>, char) {
    let escape = escape(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let stop = line_stop(text, at);
        let line = text.get(at..stop).unwrap_or_default();
        let begins = at + (line.len() - line.trim_start().len());
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            at = after_line(text, stop);
            continue;
        }
        let end = joined_end(text, begins, escape);
        let instruction = text.get(begins..end).unwrap_or_default();
        let keyword_end = instruction.find(char::is_whitespace).unwrap_or(instruction.len());
        let (keyword, behind) = instruction.split_at(keyword_end);
        let keyword = keyword.to_ascii_uppercase();
        let rest = begins + keyword_end + (behind.len() - behind.trim_start().len());
        let rest = rest.min(end)..end;
        let mut whole = end;
        if matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") {
            for (name, strips) in opened(text.get(rest.clone()).unwrap_or_default()) {
                whole = heredoc_end(text, whole, &name, strips);
            }
        }
        found.push(Instruction { keyword, span: begins..whole, rest });
        at = after_line(text, whole);
    }
    (found, escape)
}

fn after_line(text: &str, stop: usize) -> usize {
    text.get(stop..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| stop + at + 1)
}

/// Where an instruction ends whose lines are continued; comments and empty lines between belong to it.
fn joined_end(text: &str, begins: usize, escape: char) -> usize {
    let mut stop = line_stop(text, begins);
    let mut end = stop;
    let mut line = text.get(begins..stop).unwrap_or_default();
    loop {
        let is_skipped = line.trim().is_empty() || line.trim_start().starts_with('#');
        if !is_skipped || end == stop && stop == line_stop(text, begins) {
            end = begins + text.get(begins..stop).unwrap_or_default().trim_end().len();
            if !line.trim_end().ends_with(escape) {
                return end;
            }
        }
        let next = after_line(text, stop);
        if next >= text.len() {
            return end;
        }
        stop = line_stop(text, next);
        line = text.get(next..stop).unwrap_or_default();
    }
}

/// The escape character that the directives choose; a directive is no longer one behind anything else.
fn escape(text: &str) -> char {
    for line in text.lines() {
        let Some((name, value)) = line.trim().strip_prefix('#').and_then(|it| it.split_once('='))
        else {
            break;
        };
        let name = name.trim().to_ascii_lowercase();
        if name.is_empty() || name.contains(char::is_whitespace) {
            break;
        }
        if name == "escape" {
            return if value.trim() == "`" { '`' } else { '\\' };
        }
    }
    '\\'
}

/// The here-documents that a line opens, and whether leading tabs are taken out.
fn opened(rest: &str) -> Vec<(String, bool)> {
    let opened = rest.split_whitespace().filter_map(|word| {
        let (_, word) = word
            .split_once("<<")
            .filter(|(before, _)| before.bytes().all(|byte| byte.is_ascii_digit()))?;
        let (strips, word) = match word.strip_prefix('-') {
            Some(word) => (true, word),
            None => (false, word),
        };
        let name = word.trim_matches(['"', '\'']);
        let fine = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        (fine && !name.is_empty()).then(|| (name.to_owned(), strips))
    });
    opened.collect()
}

fn heredoc_end(text: &str, from: usize, name: &str, strips: bool) -> usize {
    let mut at = after_line(text, from);
    while at < text.len() {
        let stop = line_stop(text, at);
        let line = text.get(at..stop).unwrap_or_default();
        if (if strips { line.trim_start_matches('\t') } else { line }) == name {
            return stop;
        }
        at = after_line(text, stop);
    }
    text.len()
}

/// The instructions of the last stage, its `FROM` first.
fn last_stage(all: &[Instruction]) -> Option<&[Instruction]> {
    let at = all.iter().rposition(|one| one.keyword == "FROM")?;
    all.get(at..)
}

/// A variable where it is set: its name, its value as it is spelled, and the range of that.
struct Pair {
    name: String,
    value: Range<usize>,
    /// `NAME VALUE`: the value goes to the end of the line, blanks and all.
    is_old: bool,
}

/// The pairs of an `ENV`: `NAME=VALUE …` with quotes, or the old `NAME VALUE`.
fn pairs(text: &str, instruction: &Instruction, escape: char) -> Vec<Pair> {
    let rest = text.get(instruction.rest.clone()).unwrap_or_default();
    let first = rest.split_whitespace().next().unwrap_or_default();
    if !first.contains('=') && rest.trim() != first {
        let behind = rest.get(first.len()..).unwrap_or_default();
        let start =
            instruction.rest.start + first.len() + (behind.len() - behind.trim_start().len());
        let value = start..instruction.rest.end;
        return vec![Pair { name: first.to_owned(), value, is_old: true }];
    }
    let mut found = Vec::new();
    for range in raw_words(rest, escape) {
        let word = rest.get(range.clone()).unwrap_or_default();
        if let Some((name, _)) = word.split_once('=') {
            let start = instruction.rest.start + range.start + name.len() + 1;
            let value = start..instruction.rest.start + range.end;
            found.push(Pair { name: name.to_owned(), value, is_old: false });
        }
    }
    found
}

/// The words of a text with their quotes; a continued line is a blank, and its comments too.
fn raw_words(text: &str, escape: char) -> Vec<Range<usize>> {
    let (mut found, mut start, mut quote) = (Vec::new(), None, None);
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let continues = letter == escape
            && text
                .get(at + letter.len_utf8()..)
                .is_some_and(|rest| rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n'));
        if continues && quote.is_none() {
            found.extend(start.take().map(|start| start..at));
            while letters.next_if(|(_, next)| *next != '\n').is_some() {}
            letters.next();
            skip_comments(text, &mut letters);
            continue;
        }
        match (letter, quote) {
            (_, None) if letter.is_whitespace() => {
                found.extend(start.take().map(|start| start..at))
            }
            ('\'' | '"', None) => {
                quote = Some(letter);
                start.get_or_insert(at);
            }
            (_, Some(open)) if letter == open => quote = None,
            (_, Some('"') | None) if letter == escape => {
                start.get_or_insert(at);
                letters.next();
            }
            _ => {
                start.get_or_insert(at);
            }
        }
    }
    found.extend(start.map(|start| start..text.len()));
    found
}

fn skip_comments(text: &str, letters: &mut std::iter::Peekable<std::str::CharIndices<'_>>) {
    while let Some((at, _)) = letters.peek().copied() {
        let line = text.get(at..line_stop(text, at)).unwrap_or_default();
        if !line.trim_start().starts_with('#') && !line.trim().is_empty() {
            return;
        }
        while letters.next_if(|(_, next)| *next != '\n').is_some() {}
        letters.next();
    }
}

/// A value without its quotes; variables stay as they are spelled.
fn unquoted(raw: &str, escape: char) -> String {
    let (mut out, mut quote) = (String::new(), None);
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            // An escaped dollar stays escaped: it is how the file spells it.
            (_, Some('"') | None) if letter == escape => match letters.next() {
                Some('$') => out.extend([escape, '$']),
                Some(next) => out.push(next),
                None => {}
            },
            _ => out.push(letter),
        }
    }
    out
}

/// A stage: its image, its name, and its instructions from its `FROM` on.
struct Stage<'a> {
    image: String,
    name: Option<String>,
    instructions: &'a [Instruction],
}

fn stages<'a>(text: &str, all: &'a [Instruction]) -> Vec<Stage<'a>> {
    let from: Vec<usize> =
        all.iter().enumerate().filter(|(_, it)| it.keyword == "FROM").map(|(at, _)| at).collect();
    let stage = |(number, at): (usize, &usize)| {
        let end = from.get(number + 1).copied().unwrap_or(all.len());
        let instructions = all.get(*at..end)?;
        let rest = text.get(instructions.first()?.rest.clone())?;
        let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
        let image = words.next()?.to_owned();
        let name = words.next().filter(|word| word.eq_ignore_ascii_case("as")).and(words.next());
        Some(Stage { image, name: name.map(str::to_owned), instructions })
    };
    from.iter().enumerate().filter_map(stage).collect()
}

/// The last stage and those of the same file that it rests on, the lowest first; and the image below them.
fn chain<'a>(text: &str, all: &'a [Instruction]) -> (Vec<Stage<'a>>, Option<String>) {
    let mut below = stages(text, all);
    let mut chain = Vec::new();
    let mut image = None;
    while let Some(stage) = below.pop() {
        image = Some(stage.image.clone());
        chain.push(stage);
        let named = |stage: &Stage<'_>| {
            let name = stage.name.as_deref();
            name.is_some_and(|name| {
                image.as_deref().is_some_and(|it| name.eq_ignore_ascii_case(it))
            })
        };
        match below.iter().rposition(named) {
            Some(at) => below.truncate(at + 1),
            None => break,
        }
    }
    chain.reverse();
    (chain, image.map(|image| with_defaults(&image, text, all)))
}

pub(super) fn subject(text: &str) -> Result<Subject, Unreadable> {
    let (all, escape) = instructions(text);
    let (chain, image) = chain(text, &all);
    if chain.is_empty() {
        return Err(Unreadable { line: 1, why: "it has no FROM".to_owned() });
    }
    let mut subject = Subject { image, ..Subject::default() };
    let (mut entry, mut command): (Option<(Vec<String>, bool)>, _) = (None, None);
    for stage in &chain {
        for instruction in stage.instructions.iter().filter(|it| it.keyword == "ENV") {
            for pair in pairs(text, instruction, escape) {
                let raw = unquoted(text.get(pair.value).unwrap_or_default(), escape);
                let value = (!raw.contains('$')).then(|| raw.clone());
                subject.environment.retain(|known: &Variable| known.name != pair.name);
                subject.environment.push(Variable { name: pair.name, raw, value });
            }
        }
        let last = |keyword: &str| {
            let found = stage.instructions.iter().rfind(|it| it.keyword == keyword)?;
            Some(start_of(text, found))
        };
        if let Some(found) = last("ENTRYPOINT") {
            // It puts away the command that a stage below brought.
            (entry, command) = (Some(found), None);
        }
        command = last("CMD").or(command);
    }
    let entry_is_line = entry.as_ref().is_some_and(|(_, is_line)| *is_line);
    subject.command = entry.map(|(words, _)| words).unwrap_or_default();
    if !entry_is_line {
        subject.command.extend(command.map(|(words, _)| words).unwrap_or_default());
    }
    Ok(subject)
}

/// `node:${VERSION}` with the default of the `ARG` above the first `FROM`.
fn with_defaults(image: &str, text: &str, all: &[Instruction]) -> String {
    let mut image = image.to_owned();
    for argument in
        all.iter().take_while(|it| it.keyword != "FROM").filter(|it| it.keyword == "ARG")
    {
        let rest = text.get(argument.rest.clone()).unwrap_or_default();
        if let Some((name, value)) = rest.trim().split_once('=') {
            let value = value.trim_matches(['"', '\'']);
            image =
                image.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        }
    }
    image
}

/// The words of an `ENTRYPOINT` or `CMD`, and whether it is a line for the shell.
fn start_of(text: &str, instruction: &Instruction) -> (Vec<String>, bool) {
    let rest = text.get(instruction.rest.clone()).unwrap_or_default();
    match list(rest) {
        Some(node) => {
            (node.items().iter().filter_map(|it| it.text().map(str::to_owned)).collect(), false)
        }
        None => (vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.to_owned()], true),
    }
}

/// `["a", "b"]`; docker takes anything else as a line.
fn list(rest: &str) -> Option<std::rc::Rc<Node>> {
    if !rest.starts_with('[') || !rest.trim_end().ends_with(']') {
        return None;
    }
    let node = document::read(rest).ok()?.into_iter().next()?;
    let is_double =
        |item: &std::rc::Rc<Node>| matches!(item.value, Value::Scalar { style: Style::Double, .. });
    node.items().iter().all(is_double).then_some(node)
}

pub(super) fn edits(text: &str, wish: &Wish) -> Result<Vec<Edit>, Refused> {
    if wish.limit.is_some() {
        return Err(Refused("a Dockerfile sets no limit: whoever runs the image does".to_owned()));
    }
    let (all, escape) = instructions(text);
    let stage = last_stage(&all).ok_or_else(|| Refused("it has no FROM".to_owned()))?;
    let mut edits = Vec::new();
    let mut fresh = Vec::new();
    for (name, value) in &wish.variables {
        let set = stage.iter().filter(|it| it.keyword == "ENV");
        let set = set.flat_map(|it| pairs(text, it, escape)).rfind(|pair| pair.name == *name);
        match set {
            Some(pair) => {
                let old = text.get(pair.value.clone()).unwrap_or_default();
                if old.contains('\n') {
                    return Err(Refused(format!("the value of `{name}` stands on several lines")));
                }
                edits.push(Edit {
                    new: value_like(old, value, escape, pair.is_old),
                    at: pair.value,
                });
            }
            None => fresh.push(format!("ENV {name}={}", value_like("", value, escape, false))),
        }
    }
    let end = line_end(text);
    let mut lines = fresh;
    for (old, new) in &wish.words {
        edits.push(replaced(text, stage, old, new)?);
    }
    if let Some((program, options)) = &wish.options {
        match appended(text, stage, options)? {
            Some(edit) => edits.push(edit),
            None => {
                let words = std::iter::once(program).chain(options);
                let words = words.map(|word| serde_json::Value::from(word.as_str()).to_string());
                lines.push(format!("CMD [{}]", words.collect::<Vec<_>>().join(", ")));
            }
        }
    }
    if !lines.is_empty() {
        edits.push(put_in(text, stage, &lines, end));
    }
    Ok(edits)
}

/// New lines stand before the instructions that only say how the image starts, behind all others.
fn put_in(text: &str, stage: &[Instruction], lines: &[String], end: &str) -> Edit {
    let is_start = |it: &Instruction| matches!(it.keyword.as_str(), "ENTRYPOINT" | "CMD");
    let last_other = stage.iter().rposition(|it| !is_start(it)).unwrap_or(0);
    let next = stage.get(last_other + 1).filter(|it| is_start(it));
    match (next, stage.get(last_other)) {
        (Some(next), _) => {
            let at = crate::text::line_start(text, next.span.start);
            let lines: String = lines.iter().map(|line| format!("{line}{end}")).collect();
            Edit::insert(at, lines)
        }
        (None, last) => {
            let at = last.map_or(text.len(), |last| line_stop(text, last.span.end));
            let lines: String = lines.iter().map(|line| format!("{end}{line}")).collect();
            Edit::insert(at, lines)
        }
    }
}

/// A value spelled with the quotes of another, or with those that it needs. Both are spelled as a file spells
/// them: a `$` is a variable's.
fn value_like(old: &str, value: &str, escape: char, is_old: bool) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,+@%${}".contains(c);
    let quote = old
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'') && old.len() > 1 && old.ends_with(*c));
    let is_plain = !value.is_empty() && value.chars().all(|c| plain(c) || is_old && c == ' ');
    match quote {
        Some('\'') if !value.contains(['\'', '$']) => format!("'{value}'"),
        None if is_plain => value.to_owned(),
        _ => {
            let mut out = String::from("\"");
            let mut letters = value.chars().peekable();
            while let Some(letter) = letters.next() {
                match letter {
                    // `\$` is kept as the file spells it.
                    _ if letter == escape && letters.peek() == Some(&'$') => out.push(letter),
                    '"' => out.extend([escape, '"']),
                    _ if letter == escape => out.extend([escape, escape]),
                    _ => out.push(letter),
                }
            }
            out + "\""
        }
    }
}

fn starts(stage: &[Instruction]) -> impl Iterator<Item = &Instruction> {
    ["CMD", "ENTRYPOINT"]
        .into_iter()
        .filter_map(|keyword| stage.iter().rfind(|it| it.keyword == keyword))
}

fn replaced(text: &str, stage: &[Instruction], old: &str, new: &str) -> Result<Edit, Refused> {
    let spelled = |words: &str, separator: &str| -> String {
        words.split(' ').collect::<Vec<_>>().join(separator)
    };
    for start in starts(stage) {
        let raw = text.get(start.rest.clone()).unwrap_or_default();
        let is_list = list(raw).is_some();
        let (from, to) = match is_list {
            true => (spelled(old, "\", \""), spelled(new, "\", \"")),
            false => (old.to_owned(), new.to_owned()),
        };
        let is_edge =
            |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "\"';&|()".contains(c));
        let mut places = raw.match_indices(&from).filter(|(at, word)| {
            let left = raw.get(..*at).and_then(|text| text.chars().next_back());
            let right = raw.get(at + word.len()..).and_then(|text| text.chars().next());
            is_edge(left) && is_edge(right)
        });
        if let (Some((at, word)), None) = (places.next(), places.next()) {
            let start = start.rest.start + at;
            return Ok(Edit { at: start..start + word.len(), new: to });
        }
    }
    Err(Refused(format!(
        "`{old}` does not stand in the command line as it is written; put `{new}` there by hand"
    )))
}

/// Options behind what starts the program; `None`: nothing does yet.
fn appended(
    text: &str,
    stage: &[Instruction],
    options: &[String],
) -> Result<Option<Edit>, Refused> {
    let Some(start) = starts(stage).next() else { return Ok(None) };
    let raw = text.get(start.rest.clone()).unwrap_or_default();
    let Some(node) = list(raw) else {
        return Ok(Some(Edit::insert(start.rest.end, format!(" {}", options.join(" ")))));
    };
    let Some(last) = node.items().last() else {
        return Err(Refused("its command is an empty list".to_owned()));
    };
    let words: String = options
        .iter()
        .map(|word| format!(", {}", serde_json::Value::from(word.as_str())))
        .collect();
    Ok(Some(Edit::insert(start.rest.start + last.span.end, words)))
}

/// What a command line is to become; of a line for the shell its last word holds it.
pub(super) fn expected(before: &[String], wish: &Wish) -> Vec<String> {
    let is_line = before.len() == 3 && before.first().is_some_and(|word| word == "/bin/sh");
    match &wish.options {
        Some((_, options)) if is_line => {
            let wish = Wish { options: None, ..wish.clone() };
            let mut words = words::expected(before, &wish);
            if let Some(line) = words.last_mut() {
                line.push_str(&format!(" {}", options.join(" ")));
            }
            words
        }
        _ => words::expected(before, wish),
    }
}
