//! `${NAME:-default}` in Compose files: the defaults count, the environment and `.env` are not read.
//!
//! Leans on the Compose specification, 12-interpolation.

/// The text with its defaults put in; `None`: it depends on a variable.
pub(super) fn substituted(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let Some(inner) = after.strip_prefix('{') else {
            if after.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
                return None;
            }
            out.push('$');
            rest = after;
            continue;
        };
        let (inner, tail) = inner.split_at_checked(closing(inner)?)?;
        let operator = inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let default = operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-'))?;
        out.push_str(&substituted(default)?);
        rest = tail.strip_prefix('}')?;
    }
    out.push_str(rest);
    Some(out)
}

/// Where the brace that is open closes; defaults may hold variables.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_count_and_the_rest_is_open() {
        assert_eq!(substituted("a${A:-512m}$$b").as_deref(), Some("a512m$b"));
        assert_eq!(substituted("${A-${B:-1g}}").as_deref(), Some("1g"));
        for open in ["${A}", "$A", "${A:?must}", "${A"] {
            assert_eq!(substituted(open), None, "{open}");
        }
    }
}
