//! What a command line or environment tells a runtime it may use: the flags as they are spelled.
//!
//! Only numbers that the flag itself names: what a runtime makes of its defaults is not known here.

use casefile::Bytes;

use crate::quantity::{Dialect, parse};

/// A flag that sets a ceiling on a part of the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceiling {
    /// As it stands in the command or environment: `--max-old-space-size=1024`.
    pub flag: String,
    /// What it bounds: `V8's old space`, `the Java heap`.
    pub bounds: &'static str,
    /// How much it allows.
    pub allows: Bytes,
}

/// The flags with a ceiling, in the order of the words.
pub fn ceilings<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<Ceiling> {
    // A shell script in one word holds many: `sh -c "java -Xmx64m …"`.
    // An environment's first word stands behind the name: `JAVA_OPTS=-Xmx64m …`.
    let words: Vec<&str> = words
        .into_iter()
        .flat_map(|word| word.split([' ', '\t', '\n', '\'', '"']))
        .map(|word| word.split_once("=-").map_or(word, |(name, _)| after_name(word, name)))
        .collect();
    let next = |at: usize| words.get(at + 1).copied().unwrap_or_default();
    words.iter().enumerate().filter_map(|(at, word)| ceiling(word, next(at))).collect()
}

/// `NAME=-flag` without the name; a flag whose own value begins with `-` stays whole.
fn after_name<'a>(word: &'a str, name: &str) -> &'a str {
    let is_name = name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit());
    if is_name { word.get(name.len() + 1..).unwrap_or(word) } else { word }
}

fn ceiling(word: &str, next: &str) -> Option<Ceiling> {
    let spelled = word.replace('_', "-");
    let found = |bounds, allows: Option<Bytes>| {
        Some(Ceiling { flag: word.to_owned(), bounds, allows: allows? })
    };
    if spelled == "--max-old-space-size" {
        let flag = format!("{word} {next}");
        let allows = mebibytes(next)?;
        return Some(Ceiling { flag, bounds: "V8's old space", allows });
    }
    if let Some(number) = spelled.strip_prefix("--max-old-space-size=") {
        return found("V8's old space", mebibytes(number));
    }
    if let Some(amount) = word.strip_prefix("-Xmx") {
        return found("the Java heap", parse(amount, Dialect::Binary));
    }
    if let Some(amount) = word.strip_prefix("-XX:MaxHeapSize=") {
        return found("the Java heap", parse(amount, Dialect::Binary));
    }
    if let Some(amount) = word.strip_prefix("-XX:MaxDirectMemorySize=") {
        return found("Java's direct buffers", parse(amount, Dialect::Binary));
    }
    if let Some(amount) = word.strip_prefix("GOMEMLIMIT=") {
        return found("the Go runtime's memory", parse(amount, Dialect::Binary));
    }
    None
}

/// V8 counts in MiB without a unit.
fn mebibytes(number: &str) -> Option<Bytes> {
    number.parse::<u64>().ok()?.checked_mul(1 << 20).map(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_in_every_spelling() {
        let words = ["node", "--max_old_space_size=64", "--max-old-space-size", "1024", "app.js"];
        let read: Vec<u64> = ceilings(words).iter().map(|ceiling| ceiling.allows.0 >> 20).collect();
        assert_eq!(read, [64, 1024]);
        let script = "sh -c \"java -Xmx64m '-XX:MaxDirectMemorySize=1g' -cp . F\"";
        let read: Vec<u64> =
            ceilings([script]).iter().map(|ceiling| ceiling.allows.0 >> 20).collect();
        assert_eq!(read, [64, 1024]);
    }

    #[test]
    fn an_environments_first_word_stands_behind_its_name() {
        let words = ["JAVA_TOOL_OPTIONS=-Xmx512m -Xss1m", "NODE_OPTIONS=--max-old-space-size=64"];
        let read: Vec<u64> = ceilings(words).iter().map(|ceiling| ceiling.allows.0 >> 20).collect();
        assert_eq!(read, [512, 64]);
    }

    #[test]
    fn a_flag_without_a_number_is_no_ceiling() {
        assert!(ceilings(["-Xmx", "--max-old-space-size", "app.js", "-Xmxlots"]).is_empty());
    }
}
