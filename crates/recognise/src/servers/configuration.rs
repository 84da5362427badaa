//! What the configuration files of a server say, of the settings that `settings::runtimes` reads.
//!
//! Where they are: PHP-FPM's master and nginx's tell it in title and arguments, else the path is compiled
//! in; PostgreSQL's working directory is its data directory. Files that a worker could not name are
//! those of its master. What a client set later (`ALTER SYSTEM` without a reload, `SET`) is not seen.

use settings::runtimes::Runtime;

use crate::Look;
use crate::constants::strings;
use crate::files;

type Settings = Vec<(String, String)>;

/// Includes may include.
const DEEPEST: usize = 5;

pub(super) fn of(runtime: Runtime, look: &Look, constants: &[u8]) -> Settings {
    match runtime {
        Runtime::Php => php(look, constants),
        Runtime::Postgres => postgres(look),
        Runtime::Nginx => nginx(look, constants),
        Runtime::MariaDb => mariadb(look),
        Runtime::Redis => redis(look),
        Runtime::Node
        | Runtime::Bun
        | Runtime::Deno
        | Runtime::Python
        | Runtime::Go
        | Runtime::Java
        | Runtime::Ruby
        | Runtime::Beam
        | Runtime::DotNet => Vec::new(),
    }
}

/// The value behind an option, `-c FILE` or `--config_file=FILE`.
fn option<'a>(look: &'a Look, name: &str) -> Option<&'a str> {
    let words = &look.arguments;
    words.iter().enumerate().rev().find_map(|(at, word)| {
        let rest = word.strip_prefix(name)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => words.get(at + 1).map(String::as_str),
            None => None,
        }
    })
}

/// `name = value`, without comments and quotes.
fn pair(line: &str, comment: &[char]) -> Option<(String, String)> {
    let line = line.split(comment).next()?.trim();
    let (name, value) = line.split_once('=')?;
    let value = value.trim().trim_matches(['"', '\'']).to_owned();
    Some((name.trim().to_owned(), value)).filter(|(name, _)| !name.is_empty())
}

fn php(look: &Look, constants: &[u8]) -> Settings {
    let mut settings = Vec::new();
    // PHP_CONFIG_FILE_SCAN_DIR; php.ini stands above it.
    let scanned =
        strings(constants).find(|text| text.starts_with('/') && text.ends_with("/conf.d"));
    if let Some(folder) = scanned {
        let above = folder.strip_suffix("/conf.d").unwrap_or(folder);
        let more = files::names(&look.inside(folder), ".ini").into_iter();
        let all = std::iter::once(format!("{above}/php.ini"))
            .chain(more.map(|name| format!("{folder}/{name}")));
        for text in all.filter_map(|path| look.text(&path)) {
            settings.extend(text.lines().filter_map(|line| pair(line, &[';'])).filter(is_known));
        }
    }
    let title = look.arguments.join(" ");
    let from_title = title
        .split_once("master process (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|it| it.0);
    let path = from_title.or_else(|| option(look, "-y")).or_else(|| option(look, "--fpm-config"));
    let path = path.and_then(|path| look.absolute(path));
    let Some(path) = path else { return settings };
    let mut lines = Vec::new();
    pool_lines(look, &path, 0, &mut lines);
    settings.extend(pools(&lines));
    settings
}

/// What `settings::runtimes::php` reads, of an ini file.
fn is_known((name, _): &(String, String)) -> bool {
    ["memory_limit", "opcache.enable", "opcache.memory_consumption"].contains(&name.as_str())
}

/// The lines of FPM's file and of those that it includes: `include=/etc/php/8.2/fpm/pool.d/*.conf`.
fn pool_lines(look: &Look, path: &str, depth: usize, lines: &mut Vec<String>) {
    let Some(text) = look.text(path).filter(|_| depth < DEEPEST) else { return };
    for line in text.lines() {
        match pair(line, &[';']) {
            Some((name, value)) if name == "include" => {
                let (folder, pattern) = value.rsplit_once('/').unwrap_or((".", &value));
                match pattern.strip_prefix('*') {
                    Some(end) => {
                        for name in files::names(&look.inside(folder), end) {
                            pool_lines(look, &format!("{folder}/{name}"), depth + 1, lines);
                        }
                    }
                    None => pool_lines(look, &value, depth + 1, lines),
                }
            }
            _ => lines.push(line.to_owned()),
        }
    }
}

/// All pools' children together, and the largest limit that one of them has.
fn pools(lines: &[String]) -> Settings {
    let pairs: Vec<_> = lines.iter().filter_map(|line| pair(line, &[';'])).collect();
    let of = |name: &str| -> Vec<&str> {
        pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    };
    let children: Vec<u64> =
        of("pm.max_children").iter().filter_map(|text| text.parse().ok()).collect();
    let mut settings = Vec::new();
    if !children.is_empty() {
        let sum = children.into_iter().fold(0, u64::saturating_add);
        settings.push(("pm.max_children".to_owned(), sum.to_string()));
    }
    for name in ["php_value[memory_limit]", "php_admin_value[memory_limit]"] {
        let mut values = of(name);
        values.sort_by_key(|text| bytes(text));
        let largest = values.last().map(|value| (name.to_owned(), (*value).to_owned()));
        settings.extend(largest);
    }
    settings
}

/// PHP's shorthand; `-1` is the most.
fn bytes(text: &str) -> u64 {
    if text.starts_with('-') {
        return u64::MAX;
    }
    settings::quantity::parse(text, settings::quantity::Dialect::Binary).map_or(0, |bytes| bytes.0)
}

fn postgres(look: &Look) -> Settings {
    let given = look.arguments.iter().find_map(|word| {
        word.strip_prefix("config_file=")
            .or_else(|| word.strip_prefix("--config_file="))
            .or_else(|| word.strip_prefix("--config-file="))
    });
    let Some(data) = look.absolute(".").map(|path| path.trim_end_matches("/.").to_owned()) else {
        return Vec::new();
    };
    let main = given.map_or_else(|| format!("{data}/postgresql.conf"), str::to_owned);
    let mut settings = Vec::new();
    postgres_file(look, &main, 0, &mut settings);
    postgres_file(look, &format!("{data}/postgresql.auto.conf"), 0, &mut settings);
    settings
}

/// `name = value` or `name value`; `include`, `include_if_exists` and `include_dir` stand for files.
fn postgres_file(look: &Look, path: &str, depth: usize, settings: &mut Settings) {
    let Some(text) = look.text(path).filter(|_| depth < DEEPEST) else { return };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = |name: &str| match name.starts_with('/') {
        true => name.to_owned(),
        false => format!("{folder}/{name}"),
    };
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some((name, value)) = line.split_once(|c: char| c == '=' || c.is_whitespace()) else {
            continue;
        };
        let value = value.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
        let value = value.trim().trim_matches('\'');
        match name.to_ascii_lowercase().as_str() {
            "include" | "include_if_exists" => {
                postgres_file(look, &beside(value), depth + 1, settings);
            }
            "include_dir" => {
                let inner = beside(value);
                for name in files::names(&look.inside(&inner), ".conf") {
                    postgres_file(look, &format!("{inner}/{name}"), depth + 1, settings);
                }
            }
            name => settings.push((name.to_owned(), value.to_owned())),
        }
    }
}

/// `worker_processes` stands at the top of the file, never in an include that matters here.
fn nginx(look: &Look, constants: &[u8]) -> Settings {
    let title = look.arguments.join(" ");
    let directive = |text: &str| {
        text.split([';', '\n']).find_map(|line| {
            let line = line.split('#').next()?.trim();
            let value = line.strip_prefix("worker_processes")?;
            Some(value.trim().to_owned()).filter(|_| value.starts_with(char::is_whitespace))
        })
    };
    let compiled =
        || strings(constants).find(|text| text.starts_with('/') && text.ends_with("/nginx.conf"));
    let words: Vec<&str> = title.split_whitespace().collect();
    let named =
        words.iter().position(|word| *word == "-c").and_then(|at| words.get(at + 1).copied());
    let in_file = || {
        let path = look.absolute(named.or_else(compiled)?)?;
        directive(&look.text(&path)?)
    };
    let global = title.split_once("-g ").and_then(|(_, rest)| directive(rest));
    let found = global.or_else(in_file);
    found.map(|value| ("worker_processes".to_owned(), value)).into_iter().collect()
}

/// The files that `mariadbd --help` lists, in its order.
fn mariadb(look: &Look) -> Settings {
    let given = option(look, "--defaults-file");
    if look.arguments.iter().any(|word| word == "--no-defaults") {
        return Vec::new();
    }
    let usual = ["/etc/my.cnf", "/etc/mysql/my.cnf"];
    let first: Vec<&str> = given.map_or_else(|| usual.to_vec(), |path| vec![path]);
    let extra = option(look, "--defaults-extra-file");
    let mut settings = Vec::new();
    for path in first.into_iter().chain(extra) {
        mariadb_file(look, path, 0, &mut settings);
    }
    settings
}

fn mariadb_file(look: &Look, path: &str, depth: usize, settings: &mut Settings) {
    let Some(text) = look.text(path).filter(|_| depth < DEEPEST) else { return };
    let mut ours = false;
    for line in text.lines().map(str::trim) {
        if let Some(folder) = line.strip_prefix("!includedir") {
            let folder = folder.trim().trim_end_matches('/');
            for name in files::names(&look.inside(folder), ".cnf") {
                mariadb_file(look, &format!("{folder}/{name}"), depth + 1, settings);
            }
        } else if let Some(path) = line.strip_prefix("!include") {
            mariadb_file(look, path.trim(), depth + 1, settings);
        } else if let Some(group) = line.strip_prefix('[') {
            let group = group.trim_end_matches(']');
            let is_server = ["mysqld", "server", "mariadb", "mariadbd"].iter().any(|name| {
                group == *name || group.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
            });
            ours = is_server;
        } else if ours && let Some((name, value)) = pair(line, &['#', ';']) {
            settings.push((name.replace('-', "_"), value));
        }
    }
}

/// The file is named first, until Redis writes its title over it.
fn redis(look: &Look) -> Settings {
    let first = look.arguments.first().filter(|word| word.ends_with(".conf"));
    let Some(path) = first else { return Vec::new() };
    let text = look.absolute(path).and_then(|path| look.text(&path)).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .filter(|(name, _)| ["maxmemory", "save", "appendonly"].contains(name))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests;
