//! Text from strangers, made harmless for the medium it is shown in: terminal, Markdown, JSON,
//! a CI log, a shell.
//!
//! Names, command lines and log lines are chosen by whoever runs the container, so every sentence
//! passes here once, in its renderer, and nowhere else. This room shortens nothing and removes
//! nothing in silence: what cannot be shown as it is, is shown as its code point.
//!
//! Leans on: ECMA-48 (C0 and C1 controls), Unicode UAX #9 (bidirectional overrides), CommonMark
//! 0.31 section 2.4 (backslash escapes) and GitHub's and Azure's workflow commands (`::name::`
//! after any leading space, `##[name]` and `##vso[name]` anywhere in a line).

/// A character that a reader would not see, or that would move what is seen around it.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Appends one character, or its code point where it would deceive.
fn push_visible(out: &mut String, character: char) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        // A tab would break the columns of the page; its meaning in a log line is a space.
        '\t' => out.push(' '),
        _ if is_deceptive(character) => {
            let code = u32::from(character);
            let shown =
                if code < 0x100 { format!("\\x{code:02x}") } else { format!("\\u{{{code:x}}}") };
            out.push_str(&shown);
        }
        _ => out.push(character),
    }
}

/// Breaks the openings by which a log line becomes an order to a CI system: `##[…]`, `##vso[…]`,
/// `##teamcity[…]` anywhere, `::…` at the beginning.
fn without_ci_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("##") {
        out.push_str(before);
        let word_end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        let is_command = after.get(word_end..).is_some_and(|tail| tail.starts_with('['));
        out.push_str(if is_command { "#\\#" } else { "##" });
        rest = after;
    }
    out.push_str(rest);
    let begins = out.trim_start();
    if begins.starts_with("::") {
        let lead = out.len() - begins.len();
        out.insert(lead, '\\');
    }
    out
}

/// One line for a terminal or a log: no controls, no overrides, no line breaks, no CI commands.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_visible(&mut out, character);
    }
    without_ci_commands(&out)
}

/// A finished line, after wrapping may have moved `::` to its beginning.
pub fn terminal_line(line: &str) -> String {
    without_ci_commands(line)
}

/// The text of a GitHub annotation: one line, in which `%` begins an escape.
pub fn github_message(text: &str) -> String {
    terminal(text).replace('%', "%25")
}

/// A value in the head of a GitHub annotation, where `:` and `,` end it.
pub fn github_value(text: &str) -> String {
    github_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Prose for Markdown: nothing in it is markup, a link, a mention or an HTML tag.
pub fn markdown(text: &str) -> String {
    let shown = terminal(text);
    let mut out = String::with_capacity(shown.len() + 8);
    let mut characters = shown.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match character {
            '\\' | '`' | '|' | '<' | '>' | '*' | '_' | '[' | ']' | '~' | '$' => {
                out.push('\\');
                out.push(character);
            }
            // An entity would be decoded after escaping.
            '&' => out.push_str("&amp;"),
            // `http://…` and `www.…` become links by themselves in GitHub's Markdown.
            ':' if next == Some('/') => out.push_str("\\:"),
            '.' if ends_with_www(&out) => out.push_str("\\."),
            // `@name` would call a stranger, `#1` would cite one; the empty comment parts them.
            '@' | '#' if next.is_some_and(char::is_alphanumeric) => {
                out.push(character);
                out.push_str("<!-- -->");
            }
            _ => out.push(character),
        }
    }
    out
}

fn ends_with_www(text: &str) -> bool {
    let mut last = text.chars().rev();
    (0..3).all(|_| last.next().is_some_and(|c| c.eq_ignore_ascii_case(&'w')))
}

/// The lines of a quote for a fenced block, and a fence that the quote cannot close.
pub fn markdown_fence(quote: &str) -> (String, Vec<String>) {
    let lines: Vec<String> = quote.lines().map(terminal).collect();
    let mut longest = 0;
    let mut run = 0;
    for character in quote.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    ("`".repeat((longest + 1).max(3)), lines)
}

/// JSON as serde wrote it, with the same value, but safe to print on a terminal or in a CI log.
/// Deceptive characters can only stand inside strings, where `\uXXXX` means the same.
pub fn json(serialised: &str) -> String {
    let mut out = String::with_capacity(serialised.len());
    let mut units = [0_u16; 2];
    for character in serialised.chars() {
        if character != '\n' && is_deceptive(character) {
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out.replace("##", "#\\u0023")
}

/// One word of a command shown to paste: quoted unless every character is plainly harmless.
/// Line breaks and controls cannot be pasted safely, so such a word is written as `$'…'`.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if !word.chars().any(is_deceptive) {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let mut out = String::from("$'");
    for character in word.chars() {
        match character {
            '\\' | '\'' => {
                out.push('\\');
                out.push(character);
            }
            _ if is_deceptive(character) => {
                let mut bytes = [0_u8; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_stranger_moves_the_cursor_or_turns_the_text_around() {
        let hostile = "a\u{1b}[2Jb\u{9b}31mc\u{7}d\re\nf\u{202e}g\u{2066}h\u{200b}i\u{7f}j\tk";
        let shown = terminal(hostile);
        assert_eq!(
            shown,
            "a\\x1b[2Jb\\x9b31mc\\x07d\\re\\nf\\u{202e}g\\u{2066}h\\u{200b}i\\x7fj k"
        );
        assert!(!shown.chars().any(is_deceptive));
    }

    #[test]
    fn no_line_is_an_order_to_a_ci_system() {
        assert_eq!(terminal("::error::x"), "\\::error::x");
        assert_eq!(terminal("   ::set-output name=a::b"), "   \\::set-output name=a::b");
        assert_eq!(terminal("x ##[error]y"), "x #\\#[error]y");
        assert_eq!(terminal("##vso[task.setvariable]y"), "#\\#vso[task.setvariable]y");
        assert_eq!(terminal("std::string ## title"), "std::string ## title");
    }

    #[test]
    fn an_annotation_keeps_to_its_place() {
        assert_eq!(github_message("100%\n::error::x"), "100%25\\n::error::x");
        assert_eq!(github_message("%0A::error::x"), "%250A::error::x");
        assert_eq!(github_value("a,line=1::b\r"), "a%2Cline=1%3A%3Ab\\r");
    }

    #[test]
    fn markdown_shows_markup_as_characters() {
        assert_eq!(
            markdown("<img src=x> `a` |b| *c* _d_ [e](f) &lt;"),
            "\\<img src=x\\> \\`a\\` \\|b\\| \\*c\\* \\_d\\_ \\[e\\](f) &amp;lt;"
        );
        assert_eq!(
            markdown("http://x www.y @root #12"),
            "http\\://x www\\.y @<!-- -->root #<!-- -->12"
        );
    }

    #[test]
    fn a_quote_cannot_close_its_fence() {
        let (fence, lines) = markdown_fence("a ```` b\n```\n<b>");
        assert_eq!(fence, "`````");
        assert_eq!(lines, ["a ```` b", "```", "<b>"]);
    }

    #[test]
    fn json_keeps_its_value() {
        let value = "e\u{1b}\u{202e}\u{e0041}##[x]\u{9b}\n";
        let shown = json(&serde_json::to_string(value).unwrap());
        assert!(shown.is_ascii() && !shown.contains("##"), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), value);
    }

    #[test]
    fn a_name_in_a_command_stays_one_word() {
        assert_eq!(shell_word("api-1"), "api-1");
        assert_eq!(shell_word("a; rm -rf ~"), "'a; rm -rf ~'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word("-x"), "'-x'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("a\nb"), "$'a\\x0ab'");
    }
}
