//! Words of command lines: split as a shell does, replaced where they stand.

use super::{Found, Wish};
use crate::document::{Node, Value};
use crate::edit::{Editor, New, Refused};

/// The words of a line, as Compose and a shell split it.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut begun, mut quote) = (String::new(), false, None);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\'' | '"', None) => {
                quote = Some(letter);
                begun = true;
            }
            (_, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => {
                begun = true;
                word.extend(letters.next().filter(|next| *next != '\n'));
            }
            (_, None) if letter.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => {
                begun = true;
                word.push(letter);
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// The words of a string or a list.
pub(super) fn of(node: Option<&Node>) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    match node.text() {
        Some(line) => split(line),
        None => node.items().iter().filter_map(|item| item.text().map(str::to_owned)).collect(),
    }
}

/// What a command line is to become.
pub(super) fn expected(before: &[String], wish: &Wish) -> Vec<String> {
    let mut words = before.to_vec();
    for (old, new) in &wish.words {
        let (from, to): (Vec<&str>, Vec<String>) =
            (old.split(' ').collect(), new.split(' ').map(str::to_owned).collect());
        if let Some(at) = words.windows(from.len()).position(|window| window == from.as_slice()) {
            words.splice(at..at + from.len(), to);
        } else if let Some(word) = words.iter_mut().find(|word| word.contains(old.as_str())) {
            // Inside a script.
            *word = word.replacen(old.as_str(), new, 1);
        }
    }
    if let Some((program, options)) = &wish.options {
        if before.is_empty() {
            words.push(program.clone());
        }
        words.extend(options.iter().cloned());
    }
    words
}

/// Replaces words in the places where a command line is written, strings or lists.
pub(super) fn replace(
    editor: &mut Editor<'_>,
    places: &[&Node],
    wishes: &[(String, String)],
) -> Result<(), Refused> {
    for (old, new) in wishes {
        let done = places.iter().try_fold(false, |done, place| match done {
            true => Ok(true),
            false => replaced(editor, place, old, new),
        })?;
        if !done {
            return Err(Refused(format!(
                "`{old}` does not stand in the command line as it is written; put `{new}` there by hand"
            )));
        }
    }
    Ok(())
}

fn replaced(editor: &mut Editor<'_>, place: &Node, old: &str, new: &str) -> Result<bool, Refused> {
    match &place.value {
        Value::Scalar { .. } => Ok(editor.replace_words(place, old, new)),
        Value::List { items, .. } => {
            let (from, to): (Vec<&str>, Vec<&str>) =
                (old.split(' ').collect(), new.split(' ').collect());
            let same = |window: &[std::rc::Rc<Node>]| {
                window.iter().zip(&from).all(|(item, word)| item.text() == Some(*word))
            };
            let at = items.windows(from.len()).position(same);
            let Some(at) = at.filter(|_| from.len() == to.len()) else {
                // A script that a shell of the list runs.
                return Ok(items.iter().any(|item| {
                    matches!(item.value, Value::Scalar { .. })
                        && editor.replace_words(item, old, new)
                }));
            };
            for (item, word) in items.iter().skip(at).zip(&to) {
                editor.set(item, word)?;
            }
            Ok(true)
        }
        Value::Map { .. } | Value::Alias { .. } => Ok(false),
    }
}

/// Puts options behind a command line, or a command line where there is none.
pub(super) fn append(
    editor: &mut Editor<'_>,
    found: &Found<'_>,
    (entrypoint, command): (&str, &str),
    options: &(String, Vec<String>),
) -> Result<(), Refused> {
    let (program, options) = options;
    let container = found.node;
    let layers = || std::iter::once(container).chain(found.below.iter().copied());
    let has = |name: &str| layers().any(|it| it.field(name).is_some_and(|node| !node.is_null()));
    let own = |name: &str| container.own(name).filter(|entry| !entry.value.is_null());
    let name = if has(command) || !has(entrypoint) { command } else { entrypoint };
    if let Some(entry) = own(name) {
        return match &entry.value.value {
            Value::List { .. } => {
                let items: Vec<New> = options.iter().map(|word| super::text(word)).collect();
                editor.add_items(&entry.value, &items)
            }
            _ => editor.append_words(&entry.value, &options.join(" ")),
        };
    }
    if has(name) || container.own(name).is_some() {
        return Err(Refused("the command line comes from elsewhere in the file".to_owned()));
    }
    let words: Vec<String> = std::iter::once(program)
        .chain(options)
        .map(|word| serde_json::Value::from(word.as_str()).to_string())
        .collect();
    let list = New::Raw(format!("[{}]", words.join(", ")));
    editor.add_entries(container, &["image", "Image"], &[(command.to_owned(), list)])
}
