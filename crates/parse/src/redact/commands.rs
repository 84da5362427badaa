//! Secrets at known places of known command lines: `docker run -e`, systemd's `Environment=`,
//! `env`'s Go print, and the short password flags of the clients next door.
//!
//! Long flags (`--password X`) are named, and are found by their names.

use settings::memory_settings::may_be_kept;

use super::clients::Walk;
use super::names;
use super::words::cut_out;

/// What stands between the words of a command, also of one from `/proc`.
const BLANKS: [char; 3] = [' ', '\t', '\0'];

/// `-e K=V`, `--env K=V`, `Environment=K=V`, `[K=V K=V]`: the values of variables that do not
/// steer memory.
pub(super) fn without_variables(line: &str) -> String {
    let mut cuts = Vec::new();
    let trimmed = line.trim_start();
    let is_runtime =
        ["docker", "podman", "nerdctl", "ctr ", "buildah"].iter().any(|name| line.contains(name))
            || trimmed.starts_with("-e ")
            || trimmed.starts_with("--env");
    for (start, word) in shell_words(line) {
        let before = line.get(..start).unwrap_or_default().trim_end_matches(BLANKS);
        let flag = before.rsplit(BLANKS).next().unwrap_or(before);
        let after_flag = flag == "-e" || flag.ends_with("--env");
        let (pair, skipped) = match word.strip_prefix("--env=") {
            Some(pair) => (pair, "--env=".len()),
            None if after_flag => (word, 0),
            None => continue,
        };
        let sure = is_runtime || skipped > 0 || flag.ends_with("--env");
        cuts.extend(
            value_of(pair, sure).map(|(from, to)| (start + skipped + from, start + skipped + to)),
        );
    }
    if let Some(list) = trimmed.strip_prefix("Environment=") {
        let offset = line.len() - list.len();
        for (start, word) in shell_words(list) {
            cuts.extend(
                value_of(word, true).map(|(from, to)| (offset + start + from, offset + start + to)),
            );
        }
    }
    cuts.extend(go_list(line));
    cut_out(line, cuts)
}

/// Where the value stands in a word `K=V`, `"K=V"` or `K="V"`, if it has to go.
fn value_of(word: &str, sure: bool) -> Option<(usize, usize)> {
    let bare = word.trim_start_matches(['"', '\'', '\\']);
    let open = word.len() - bare.len();
    let (name, _) = bare.split_once('=')?;
    let shouted = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if !names::is_variable_name(name) || may_be_kept(name) || !(sure || shouted) {
        return None;
    }
    let start = open + name.len() + 1;
    let tail = word.get(start..)?;
    let quote = tail.len() - tail.trim_start_matches(['"', '\'', '\\']).len();
    let value = tail.trim_matches(['"', '\'', '\\']);
    (!value.is_empty() && value != super::REDACTED)
        .then_some((start + quote, start + quote + value.len()))
}

/// Words as a shell would split them: quotes hold spaces together.
fn shell_words(line: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    for (at, letter) in line.char_indices() {
        let is_space = BLANKS.contains(&letter);
        match (start, quote) {
            (Some(from), None) if is_space => {
                words.push((from, line.get(from..at).unwrap_or_default()));
                start = None;
            }
            (_, Some(mark)) if letter == mark => quote = None,
            (None, _) if is_space => {}
            (known, open) => {
                start = known.or(Some(at));
                if open.is_none() && matches!(letter, '"' | '\'') {
                    quote = Some(letter);
                }
            }
        }
    }
    if let Some(from) = start {
        // An open quote at the end of a cut line holds all that follows.
        words.push((from, line.get(from..).unwrap_or_default()));
    }
    words
}

/// `docker inspect --format '{{.Config.Env}}'` prints `[A=b C=d e]`: a value ends where the next
/// `NAME=` begins.
fn go_list(line: &str) -> Vec<(usize, usize)> {
    let mut cuts = Vec::new();
    for (open, _) in line.match_indices('[') {
        let inner = line.get(open + 1..).unwrap_or_default();
        let inner = inner.get(..inner.rfind(']').unwrap_or(inner.len())).unwrap_or(inner);
        let starts: Vec<(usize, &str)> = inner
            .split(' ')
            .scan(0, |at, word| {
                let start = *at;
                *at += word.len() + 1;
                Some((start, word))
            })
            .filter_map(|(start, word)| {
                let (name, _) = word.split_once('=')?;
                let shouted = !name.is_empty()
                    && !name.starts_with(|c: char| c.is_ascii_digit())
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
                shouted.then_some((start, name))
            })
            .collect();
        // `[PATH=…` is what every image has; a list must at least begin with a variable.
        if starts.first().is_none_or(|(start, _)| *start != 0) {
            continue;
        }
        for (at, (start, name)) in starts.iter().enumerate() {
            let end = starts.get(at + 1).map_or(inner.len(), |(next, _)| next.saturating_sub(1));
            let from = start + name.len() + 1;
            let value = inner.get(from..end).unwrap_or_default();
            if !value.is_empty() && value != super::REDACTED && !may_be_kept(name) {
                cuts.push((open + 1 + from, open + 1 + end));
            }
        }
    }
    cuts
}

/// `mysql -pSECRET`, `sshpass -p SECRET`, `redis-cli -a SECRET`, `curl -u user:SECRET`.
pub(super) fn without_client_passwords(line: &str) -> String {
    const AROUND: [char; 8] = ['"', '\'', '\\', '(', ')', '[', ']', ','];
    let mut cuts = Vec::new();
    let mut walk = Walk::default();
    for (start, word) in shell_words(line) {
        let bare = word.trim_start_matches(AROUND);
        let start = start + word.len() - bare.len();
        let found = walk.step(bare.trim_end_matches(AROUND));
        cuts.extend(found.map(|(from, to)| (start + from, start + to)));
        if word.ends_with(';') {
            walk = Walk::default();
        }
    }
    cut_out(line, cuts)
}
