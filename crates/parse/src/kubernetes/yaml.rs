//! Block YAML as kubectl prints it, into the same tree as JSON, with the bytes of every value.
//!
//! Not a YAML reader: anchors, tags, multi-line flow collections and complex keys are not known, because
//! `sigs.k8s.io/yaml` never prints them for API objects. A text may begin or end inside a document.

use super::Row;
use crate::json::{self, Node, Value};

/// Deeper than any API object; bounds the recursion on hostile text.
const DEEPEST: usize = 48;

/// Keys of which one stands in every excerpt worth reading.
const KEYS: [&str; 9] = [
    "containerStatuses:",
    "initContainerStatuses:",
    "lastState:",
    "- lastState:",
    "terminated:",
    "involvedObject:",
    "regarding:",
    "reason: Evicted",
    "kind: Event",
];

/// Every document of a text that looks like an API object in YAML.
pub(super) fn documents(text: &str, rows: &[Row<'_>]) -> Vec<Node> {
    let is_key = |row: &Row<'_>| KEYS.iter().any(|key| row.words.starts_with(key));
    let pressure = |row: &Row<'_>| row.words.trim_start_matches("- ") == "type: MemoryPressure";
    let looks_so = rows.iter().any(|row| is_key(row) || pressure(row));
    if looks_so { blocks(text, rows) } else { Vec::new() }
}

/// Everything in a text that can be read as block YAML.
pub(crate) fn blocks(text: &str, rows: &[Row<'_>]) -> Vec<Node> {
    let rows: Vec<Row<'_>> = rows
        .iter()
        .filter(|row| !row.words.is_empty() && !row.words.starts_with('#'))
        .cloned()
        .collect();
    let mut reader = Reader { text, rows, at: 0 };
    let mut found = Vec::new();
    while let Some(row) = reader.rows.get(reader.at) {
        let (indent, before) = (row.indent, reader.at);
        if let Some(node) = reader.block(indent, 0) {
            found.push(node);
        }
        // A line that is no YAML: a prompt, `---`, prose.
        if reader.at == before {
            reader.at += 1;
        }
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    rows: Vec<Row<'a>>,
    at: usize,
}

impl Reader<'_> {
    fn block(&mut self, indent: usize, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return None;
        }
        let row = self.rows.get(self.at)?;
        if is_item(row.words) { self.sequence(indent, depth) } else { self.mapping(indent, depth) }
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let mut members: Vec<(String, Node)> = Vec::new();
        while let Some(row) = self.rows.get(self.at).cloned() {
            if row.indent != indent {
                break;
            }
            let Some((key, rest)) = key_of(row.words) else { break };
            self.at += 1;
            let mut node = self.value(rest, &row, indent, depth);
            node.span = row.span.joined(node.span);
            members.push((key.to_owned(), node));
        }
        let first = members.first().map(|(_, node)| node.span)?;
        let span = members.iter().fold(first, |span, (_, node)| span.joined(node.span));
        Some(Node { value: Value::Object(members), span, complete: true })
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let mut items: Vec<Node> = Vec::new();
        while let Some(row) = self.rows.get(self.at).cloned() {
            if row.indent != indent || !is_item(row.words) {
                break;
            }
            let rest = row.words.strip_prefix('-').unwrap_or(row.words);
            let words = rest.trim_start();
            let inner = indent + 1 + (rest.len() - words.len());
            if words.is_empty() {
                self.at += 1;
                if let Some(node) = self.deeper(indent, depth) {
                    items.push(node);
                }
            } else if key_of(words).is_some() || is_item(words) {
                // The item's first member stands on the dash's line: read it as a line of its own.
                if let Some(slot) = self.rows.get_mut(self.at) {
                    *slot = Row { indent: inner, words, span: row.span };
                }
                let before = self.at;
                items.extend(self.block(inner, depth + 1));
                self.at = self.at.max(before + 1);
            } else {
                self.at += 1;
                items.push(self.value(words, &row, indent, depth));
            }
        }
        let first = items.first().map(|node| node.span)?;
        let span = items.iter().fold(first, |span, node| span.joined(node.span));
        Some(Node { value: Value::Array(items), span, complete: true })
    }

    /// What stands behind a key or a dash.
    fn value(&mut self, rest: &str, row: &Row<'_>, indent: usize, depth: usize) -> Node {
        let null = Node { value: Value::Null, span: row.span, complete: true };
        if rest.is_empty() {
            let next = self.rows.get(self.at);
            // kubectl writes a list at its key's own indentation.
            if next.is_some_and(|next| next.indent == indent && is_item(next.words)) {
                return self.sequence(indent, depth + 1).unwrap_or(null);
            }
            return self.deeper(indent, depth).unwrap_or(null);
        }
        if rest.starts_with(['|', '>']) {
            return self.folded("", row, indent, if rest.starts_with('|') { "\n" } else { " " });
        }
        if rest.starts_with(['{', '[']) {
            // The rest of a row ends where the row does.
            let start = row.span.end - rest.len();
            let inside = json::documents(rest).into_iter().next();
            return inside.map_or(null, |node| node.moved(start));
        }
        self.folded(rest, row, indent, " ")
    }

    fn deeper(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let next = self.rows.get(self.at)?;
        let deeper = next.indent;
        (deeper > indent).then(|| self.block(deeper, depth + 1)).flatten()
    }

    /// A scalar and the deeper lines that continue it.
    fn folded(&mut self, first: &str, row: &Row<'_>, indent: usize, joint: &str) -> Node {
        let mut words = first.to_owned();
        let mut span = row.span;
        while let Some(next) = self.rows.get(self.at) {
            if next.indent <= indent {
                break;
            }
            if !words.is_empty() {
                words.push_str(joint);
            }
            words.push_str(next.words);
            span = span.joined(next.span);
            self.at += 1;
        }
        let complete = span.of(self.text).is_some();
        Node { value: scalar(&words), span, complete }
    }
}

fn is_item(words: &str) -> bool {
    words == "-" || words.starts_with("- ")
}

/// `key:` or `key: value`, the key perhaps quoted. The keys of `managedFields` hold colons
/// (`f:spec:`, `k:{"name":"web"}:`), so a colon ends a key only before a blank or the line's end.
fn key_of(words: &str) -> Option<(&str, &str)> {
    let (key, rest) = match words.split_once(": ") {
        Some(parts) => parts,
        None => (words.strip_suffix(':')?, ""),
    };
    let bare = key.trim_matches(['"', '\'']);
    let is_key =
        !bare.is_empty() && !key.contains(char::is_whitespace) && !key.starts_with(['{', '[']);
    is_key.then(|| (bare, rest.trim()))
}

fn scalar(words: &str) -> Value {
    let quoted = |mark: char| {
        words.strip_prefix(mark).and_then(|inner| inner.strip_suffix(mark)).map(str::to_owned)
    };
    // Between `"` the escapes are JSON's; between `'` only the quote itself is doubled.
    let single = || quoted('\'').map(|text| text.replace("''", "'"));
    let double = || json::string(words).or_else(|| quoted('"'));
    if let Some(inner) = single().or_else(|| words.starts_with('"').then(double).flatten()) {
        return Value::String(inner);
    }
    match words {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" | "~" => Value::Null,
        _ if words.parse::<f64>().is_ok() => Value::Number(words.to_owned()),
        _ => Value::String(words.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_document_becomes_the_tree_of_its_json() {
        let text = "status:\n  containerStatuses:\n  - name: web\n    lastState:\n      terminated:\n        exitCode: 137\n        reason: OOMKilled\n    args: [\"a\", \"b\"]\n  message: 'it''s\n    wrapped'\n  note: |\n    one\n    two\nkind: Pod\n";
        let rows = super::super::rows_of(text);
        let found = documents(text, &rows);
        assert_eq!(found.len(), 1);
        let container = &found[0].path(&["status", "containerStatuses"]).unwrap().items()[0];
        let code = container.path(&["lastState", "terminated", "exitCode"]).unwrap();
        assert_eq!(code.as_i64(), Some(137));
        assert_eq!(code.span.of(text).unwrap().trim(), "exitCode: 137");
        let quotes: Vec<&str> = container
            .get("args")
            .unwrap()
            .items()
            .iter()
            .filter_map(|item| item.span.of(text))
            .collect();
        assert_eq!(quotes, ["\"a\"", "\"b\""]);
        assert_eq!(found[0].path(&["status", "message"]).unwrap().as_str(), Some("it's wrapped"));
        assert_eq!(found[0].path(&["status", "note"]).unwrap().as_str(), Some("one\ntwo"));
    }

    #[test]
    fn what_nests_too_deep_is_left_out() {
        let levels = |depth: usize| {
            let text: String = (0..depth).map(|at| format!("{:at$}a:\n", "")).collect();
            let rows = super::super::rows_of(&text);
            let mut node = &blocks(&text, &rows)[0];
            let mut levels = 0;
            while let Some(inner) = node.get("a") {
                node = inner;
                levels += 1;
            }
            levels
        };
        assert_eq!((levels(40), levels(49), levels(50), levels(60)), (40, 49, 49, 49));
    }

    #[test]
    fn lists_that_nest_too_deep_are_left_out_and_the_next_item_is_kept() {
        let levels = |text: &str| {
            let rows = super::super::rows_of(text);
            let root = blocks(text, &rows).remove(0);
            let mut levels = 0;
            let mut node = &root;
            while let Some(inner) = node.children().first().copied() {
                node = inner;
                levels += 1;
            }
            (levels, root.children().len())
        };
        assert_eq!(levels(&format!("{}x\n- y\n", "- ".repeat(40))), (40, 2));
        assert_eq!(levels(&format!("{}x\n- y\n", "- ".repeat(60))), (1, 1));
        let mixed: String = (0..40).map(|at| format!("{:1$}- a:\n", "", at * 2)).collect();
        assert_eq!(levels(&mixed), (48, 1));
    }

    #[test]
    fn a_scalar_is_what_it_is_written_as() {
        let text = "a:\nb: true\nc: false\nd: null\ne: ~\nf: 137\ng: 1.5\nh: x y\ni: \"137\"\nj: '~'\nk: \"a\" b\n";
        let rows = super::super::rows_of(text);
        let root = blocks(text, &rows).remove(0);
        let value = |key: &str| root.get(key).map(|node| node.value.clone());
        assert_eq!(value("a"), Some(Value::Null));
        assert_eq!(value("b"), Some(Value::Bool(true)));
        assert_eq!(value("c"), Some(Value::Bool(false)));
        assert_eq!((value("d"), value("e")), (Some(Value::Null), Some(Value::Null)));
        assert_eq!(value("f"), Some(Value::Number("137".to_owned())));
        assert_eq!(value("g"), Some(Value::Number("1.5".to_owned())));
        assert_eq!(value("h"), Some(Value::String("x y".to_owned())));
        assert_eq!(value("i"), Some(Value::String("137".to_owned())));
        assert_eq!(value("j"), Some(Value::String("~".to_owned())));
        assert_eq!(value("k"), Some(Value::String("\"a\" b".to_owned())));
    }
}
