//! Programs that become, or start, the program that stands behind their own words.
//!
//! Which words are their options differs by program and version: the first word behind them that leads to a
//! runtime is taken, which no option's value does.

use casefile::Bytes;

use super::{Before, name_of};

/// Words that are tried, behind the options.
const TRIED: usize = 4;

/// A launcher.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launcher {
    /// Words of its own that are no options: a user, a time.
    own: usize,
    /// It is a script, which runs in a runtime itself.
    pub(super) is_script: bool,
}

/// By its name, with the number of its own words.
const KNOWN: [(&str, usize, bool); 38] = [
    ("bundle", 1, true),
    ("bwrap", 0, false),
    ("catatonit", 0, false),
    ("chpst", 0, false),
    ("chroot", 1, false),
    ("chrt", 1, false),
    ("ddtrace-run", 0, true),
    ("docker-init", 0, false),
    ("dumb-init", 0, false),
    ("env", 0, false),
    ("exec", 0, false),
    ("gosu", 1, false),
    ("ionice", 0, false),
    ("newrelic-admin", 1, true),
    ("nice", 0, false),
    ("nohup", 0, false),
    ("numactl", 0, false),
    ("opentelemetry-instrument", 0, true),
    ("pid1", 0, false),
    ("pipenv", 1, true),
    ("poetry", 1, true),
    ("prlimit", 0, false),
    ("runuser", 0, false),
    ("s6-setuidgid", 1, false),
    ("setpriv", 0, false),
    ("setsid", 0, false),
    ("setuidgid", 1, false),
    ("softlimit", 0, false),
    ("stdbuf", 0, false),
    ("su-exec", 1, false),
    ("sudo", 0, false),
    ("taskset", 1, false),
    ("time", 0, false),
    ("timeout", 1, false),
    ("tini", 0, false),
    ("tini-static", 0, false),
    ("uv", 1, false),
    ("why137", 1, false),
];

pub(super) fn of(name: &str) -> Option<Launcher> {
    let at = KNOWN.binary_search_by(|(known, _, _)| known.cmp(&name)).ok()?;
    KNOWN.get(at).map(|(_, own, is_script)| Launcher { own: *own, is_script: *is_script })
}

impl Launcher {
    /// The first of the words behind its own that leads somewhere.
    pub(super) fn behind(
        self,
        words: &[String],
        follow: &dyn Fn(&[String]) -> Option<Before>,
    ) -> Option<Before> {
        // `env -S 'python3 -u'`, as in a `#!` line.
        let apart = |words: &[String]| match words {
            [s, text, rest @ ..] if s == "-S" => Some((text.clone(), rest.to_vec())),
            [first, rest @ ..] => Some((first.strip_prefix("-S")?.to_owned(), rest.to_vec())),
            [] => None,
        };
        if let Some((text, rest)) = apart(words).filter(|(text, _)| !text.starts_with('-')) {
            let split = text.split_whitespace().map(str::to_owned);
            let words: Vec<String> = split.chain(rest.iter().cloned()).collect();
            return self.behind(&words, follow);
        }
        let is_end = |word: &String| word == "--";
        let is_option = |word: &str| word.starts_with('-') || word.contains('=');
        let places = words.iter().enumerate().filter(|(_, word)| !is_option(word));
        let places = places.map(|(at, _)| at).skip(self.own).take(TRIED);
        // What stands behind `--` is the program, unless that is the program's own `--`.
        let end = words.iter().position(is_end).map(|at| at + 1);
        let first = end.filter(|end| words.iter().take(*end).all(|word| is_option(word)));
        let places = first.map(|at| at + self.own).into_iter().chain(places);
        places.filter_map(|at| words.get(at..)).find_map(follow)
    }
}

/// What stays as a process of its own while it waits for the program. npm 11 under Node 20, idle: 15 MiB of its own,
/// beside the executable's pages, which it shares.
const PACKAGE_MANAGERS: [&str; 5] = ["npm", "npx", "yarn", "yarnpkg", "pnpm"];

/// Of a program of this name.
pub(super) fn beside(word: &str) -> Option<(String, Bytes)> {
    let name = name_of(word);
    PACKAGE_MANAGERS.contains(&name).then(|| (name.to_owned(), Bytes(16 << 20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KNOWN.is_sorted_by(|a, b| a.0 < b.0));
        assert!(of("tini").is_some() && of("node").is_none());
    }
}
