//! Secrets known by their shape alone: marked tokens, private keys, passwords in URLs, and long
//! strings too mixed to be words.
//!
//! Never takes an id: container ids, digests, pod uids, boot ids and kernel addresses are all of
//! one case and of hexadecimal digits, and no mixed-case test can match them.

use super::REDACTED;

/// A token that says what it is by its head: head, least length of the rest.
const MARKED: [(&str, usize); 30] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("AGE-SECRET-KEY-", 20),
    ("SG.", 30),
    ("dckr_pat_", 16),
    ("dop_v1_", 30),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 12),
    ("glrt-", 12),
    ("gldt-", 12),
    ("hf_", 24),
    ("hvs.", 20),
    ("npm_", 30),
    ("pypi-AgE", 20),
    ("rk_live_", 16),
    ("shpat_", 24),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("whsec_", 20),
    ("xapp-", 12),
    ("xoxa-", 8),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("ya29.", 20),
];

/// No marked token is shorter: `xoxb-` and eight more. Most words of a log are.
const SHORTEST_MARKED: usize = 13;

/// A line without tokens of a known make, private keys and passwords in URLs.
pub(super) fn without_marked_tokens(line: &str) -> String {
    let line = without_url_passwords(&without_private_key(line));
    by_token(&line, |token| marked_start(token).map(|start| (start, token.len())))
}

/// A line without long random-looking strings.
pub(super) fn without_random_strings(line: &str) -> String {
    by_token(line, |token| {
        // `key=VALUE==`: base64 is padded.
        let start = token.trim_end_matches('=').rfind('=').map_or(0, |at| at + 1);
        let tail = token.get(start..)?;
        looks_random(tail).then_some((start, token.len()))
    })
}

/// Hands every run of token characters to `find`; what it returns is replaced.
fn by_token(line: &str, find: impl Fn(&str) -> Option<(usize, usize)>) -> String {
    let in_token = |c: char| c.is_ascii_alphanumeric() || "_-.+/=~".contains(c);
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if !in_token(first) {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let length = rest.find(|c| !in_token(c)).unwrap_or(rest.len());
        let token = rest.get(..length).unwrap_or_default();
        match find(token) {
            Some((start, end)) => {
                out.push_str(token.get(..start).unwrap_or_default());
                out.push_str(REDACTED);
                out.push_str(token.get(end..).unwrap_or_default());
            }
            None => out.push_str(token),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Where a marked token starts inside a run of token characters.
fn marked_start(run: &str) -> Option<usize> {
    let bytes = run.as_bytes();
    let is_word = |b: &u8| b.is_ascii_alphanumeric();
    let places = (run.len() + 1).saturating_sub(SHORTEST_MARKED);
    (0..places).find(|at| {
        let fresh =
            at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|b| !is_word(b));
        fresh && run.get(*at..).is_some_and(is_marked)
    })
}

fn is_marked(token: &str) -> bool {
    let body = |rest: &str| {
        rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"_-.".contains(b)).count()
    };
    let known = MARKED.iter().any(|(head, least)| {
        token.strip_prefix(head).is_some_and(|rest| body(rest) >= *least && has_mix(rest))
    });
    known || is_web_token(token) || is_sk_key(token)
}

/// `eyJ` is `{"` in base64: the head of a JSON web token, whole or cut.
fn is_web_token(token: &str) -> bool {
    token.starts_with("eyJ") && token.len() >= 20 && (token.contains('.') || token.len() >= 36)
}

/// `sk-…`: long, and not a name made of words (`sk-learn-worker-1`).
fn is_sk_key(token: &str) -> bool {
    token.strip_prefix("sk-").is_some_and(|rest| {
        let longest = rest.split(['-', '_', '.', '/']).map(str::len).max().unwrap_or(0);
        rest.len() >= 16 && longest >= 12 && has_mix(rest)
    })
}

/// Not one word repeated: digits or both cases.
fn has_mix(rest: &str) -> bool {
    let has = |test: fn(&u8) -> bool| rest.as_bytes().iter().any(test);
    has(u8::is_ascii_digit) || (has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase))
}

/// 32 characters or more with lower and upper case and digits that change kind about as often as
/// chance would have it. Random letters change in 62% of the places, CamelCase words in 30%.
pub(super) fn looks_random(token: &str) -> bool {
    let rooted = token.starts_with('/') || token.starts_with("./") || token.starts_with("../");
    if rooted {
        return token.split('/').any(looks_random_part);
    }
    looks_random_part(token)
}

fn looks_random_part(token: &str) -> bool {
    let letters: Vec<u8> = token.bytes().filter(u8::is_ascii_alphanumeric).collect();
    if letters.len() < 32 || is_an_id(token) {
        return false;
    }
    let kind = |b: &u8| (b.is_ascii_lowercase(), b.is_ascii_digit());
    let has = |test: fn(&u8) -> bool| letters.iter().any(test);
    let mixed =
        has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
    let changes = letters.windows(2).filter(|pair| match pair {
        [one, other] => kind(one) != kind(other),
        _ => false,
    });
    let distinct: std::collections::BTreeSet<u8> = letters.iter().copied().collect();
    // The rest is `-`, `_`, `.`: many of them are a name's, not a key's.
    let joined = letters.len() * 10 >= token.len() * 9;
    mixed && joined && distinct.len() >= 14 && changes.count() * 5 >= (letters.len() - 1) * 2
}

/// Hexadecimal digits of one case, with `-`, `_`, `.`, `:` between: an id, a digest, a uid.
pub(super) fn is_an_id(token: &str) -> bool {
    let separators = |c: char| matches!(c, '-' | '_' | '.' | ':');
    let mut digits = token.chars().filter(|c| !separators(*c));
    let all_hex = digits.clone().all(|c| c.is_ascii_hexdigit());
    let one_case =
        !(digits.clone().any(|c| c.is_ascii_lowercase()) && digits.any(|c| c.is_ascii_uppercase()));
    all_hex && one_case
}

/// A private key on one line (`\n` written out, or only its head): all between the marks.
fn without_private_key(line: &str) -> String {
    let Some(begin) = line.find("-----BEGIN ") else { return line.to_owned() };
    let rest = line.get(begin + 11..).unwrap_or_default();
    let Some((kind, body)) = rest.split_once("-----") else { return line.to_owned() };
    let ends = body.find("-----END ").unwrap_or(body.len());
    let (inner, after) = body.split_at_checked(ends).unwrap_or((body, ""));
    if !kind.ends_with("PRIVATE KEY") || inner.trim_matches(['"', '\'', ',', ' ']).is_empty() {
        return line.to_owned();
    }
    let tail = if after.is_empty() && inner.ends_with(['"', '\'']) {
        inner.get(inner.len() - 1..).unwrap_or_default()
    } else {
        after
    };
    let head = line.get(..begin).unwrap_or_default();
    format!("{head}-----BEGIN {kind}-----{REDACTED}{tail}")
}

/// `scheme://user:password@host`: the password; `scheme://TOKEN@host`: a long token.
fn without_url_passwords(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at_checked(at + 3).unwrap_or((rest, ""));
        out.push_str(head);
        let stop = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\0' | '|');
        let url = tail.get(..tail.find(stop).unwrap_or(tail.len())).unwrap_or(tail);
        match password_in(url) {
            Some((start, end)) => {
                out.push_str(url.get(..start).unwrap_or_default());
                out.push_str(REDACTED);
                rest = tail.get(end..).unwrap_or_default();
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    out
}

/// Where the password stands in the part of a URL after `://`.
fn password_in(url: &str) -> Option<(usize, usize)> {
    let path = url.find(['/', '?', '#']).unwrap_or(url.len());
    let authority = url.get(..path)?;
    let (user, at) = match authority.rfind('@') {
        Some(at) => (url.get(..at)?, at),
        // A password with a raw `/`, `?` or `#` in it; but `host:8080/x@y` is a port and a path.
        None => {
            let port = authority.split_once(':')?.1;
            let at = url.rfind('@')?;
            if port.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (url.get(..at)?, at)
        }
    };
    match user.find(':') {
        Some(colon) if colon + 1 < at => Some((colon + 1, at)),
        Some(_) => None,
        None => (user.len() >= 16 && has_mix(user)).then_some((0, at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_marked_token_is_shorter_than_the_shortest() {
        let shortest = MARKED.iter().map(|(head, least)| head.len() + least).min();
        assert_eq!(shortest, Some(SHORTEST_MARKED));
    }

    #[test]
    fn ids_and_names_are_not_random() {
        for token in [
            "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014",
            "35393d36-d6bf-435b-8e2c-fc096e60d3bb",
            "OutOfMemoryErrorHandlerFactoryBeanV2Configurer",
            "/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so",
            "kubepods-burstable-pod58dc1221_d430_496e_951d_e8cb23caaead.slice",
        ] {
            assert!(!looks_random(token), "{token}");
        }
        assert!(looks_random("wJa8rXUtnF3MIK7MDG9bPxRfi2CYzEXAMPLEKEY4"));
    }

    #[test]
    fn only_the_password_of_a_url_goes() {
        let redacted = without_url_passwords("a postgres://app:p/w@rd@db:5432/x http://h:80/a@b");
        assert_eq!(redacted, "a postgres://app:<redacted>@db:5432/x http://h:80/a@b");
        assert_eq!(without_url_passwords("redis://:pw@r:1"), "redis://:<redacted>@r:1");
    }
}
