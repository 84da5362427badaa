//! A rule's manual page: the head of the file that holds the rule, so that both are read and changed
//! together.
//!
//! Every room with rules uses it, the killers' and the files'; which headings a page must have is each
//! room's own affair. The text is Markdown.

/// A rule's manual, as the rule's own file carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleManual {
    /// Kebab-case, the name of its file.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Markdown with the headings of its room.
    pub text: String,
}

impl RuleManual {
    /// The manual of a rule whose file is this text.
    #[must_use]
    pub fn of(id: &'static str, title: &'static str, file: &str) -> Self {
        Self { id, title, text: head_of(file) }
    }
}

/// The `//!` lines at the head of a file of Rust, with one line end behind them.
#[must_use]
pub fn head_of(file: &str) -> String {
    let lines = file.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    text.join("\n").trim().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_ends_where_the_code_begins() {
        let file = "//! # a — b\n//!\n//!  indented\n\n//! no more of it\nuse x;\n";
        assert_eq!(head_of(file), "# a — b\n\n indented\n");
        assert_eq!(head_of("use x;\n"), "\n");
        assert_eq!(RuleManual::of("a", "b", file).text, head_of(file));
    }
}
