//! Which runtime a container has, by what is written of it: its image, the versions that images put into the
//! environment, its command line.
//!
//! For those that no longer run, or not yet. Names are given by people: what follows from them alone is
//! likely at best, and a version that nothing names stays unknown.

use super::{Runtime, Version};

/// Variables in which official images name the version of what they hold.
const VARIABLES: [(&str, Runtime); 10] = [
    ("BUN_VERSION", Runtime::Bun),
    ("DENO_VERSION", Runtime::Deno),
    ("DOTNET_VERSION", Runtime::DotNet),
    ("JAVA_VERSION", Runtime::Java),
    ("MARIADB_VERSION", Runtime::MariaDb),
    ("NODE_VERSION", Runtime::Node),
    ("PG_VERSION", Runtime::Postgres),
    ("PHP_VERSION", Runtime::Php),
    ("PYTHON_VERSION", Runtime::Python),
    ("RUBY_VERSION", Runtime::Ruby),
];

/// Image names, without what stands before the last `/`.
const IMAGES: [(&str, Runtime); 18] = [
    ("node", Runtime::Node),
    ("bun", Runtime::Bun),
    ("deno", Runtime::Deno),
    ("python", Runtime::Python),
    ("golang", Runtime::Go),
    ("eclipse-temurin", Runtime::Java),
    ("openjdk", Runtime::Java),
    ("amazoncorretto", Runtime::Java),
    ("sapmachine", Runtime::Java),
    ("zulu-openjdk", Runtime::Java),
    ("php", Runtime::Php),
    ("postgres", Runtime::Postgres),
    ("ruby", Runtime::Ruby),
    ("nginx", Runtime::Nginx),
    ("redis", Runtime::Redis),
    ("mariadb", Runtime::MariaDb),
    ("aspnet", Runtime::DotNet),
    ("erlang", Runtime::Beam),
];

/// The names of all of them.
pub fn version_variables() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|(name, _)| *name)
}

/// Whether a variable of this name tells a runtime's version, so that its value may be kept.
#[must_use]
pub fn is_version_variable(name: &str) -> bool {
    VARIABLES.iter().any(|(known, _)| *known == name)
}

/// What a version variable of an image tells: `NODE_VERSION=22.12.0`, `JAVA_VERSION=jdk-17.0.9+9`.
#[must_use]
pub fn of_variable(name: &str, value: &str) -> Option<(Runtime, Version)> {
    let (_, runtime) = VARIABLES.iter().find(|(known, _)| *known == name)?;
    let value = value.trim_start_matches("jdk-").trim_start_matches("jdk");
    // `1:10.11.6+maria~ubu2204`
    let value = value.split_once(':').map_or(value, |(_, version)| version);
    Some((*runtime, version(value)?))
}

/// What an image's name and tag tell; a tag without a number (`latest`, `lts`) tells no version.
#[must_use]
pub fn of_image(image: &str) -> Option<(Runtime, Option<Version>)> {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next()?;
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    let (_, runtime) = IMAGES.iter().find(|(known, _)| *known == name)?;
    Some((*runtime, version(tag)))
}

/// A number at the beginning, as far as it goes: `22.12-alpine`, `8u392-jre`.
fn version(text: &str) -> Option<Version> {
    let end =
        text.find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | 'u' | '_')));
    let number = text.get(..end.unwrap_or(text.len()))?.trim_end_matches(['.', 'u', '_']);
    number.starts_with(|letter: char| letter.is_ascii_digit()).then(|| Version::parse(number))?
}

/// What a program's file is called, without folders and the version behind it: `python3.12`, `node22`.
#[must_use]
pub fn of_program(path: &str) -> Option<Runtime> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let plain = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    Some(match plain {
        "node" | "nodejs" => Runtime::Node,
        "bun" => Runtime::Bun,
        "deno" => Runtime::Deno,
        "python" | "gunicorn" | "uvicorn" | "hypercorn" | "celery" | "uwsgi" => Runtime::Python,
        "java" => Runtime::Java,
        "php-fpm" | "php-fpm-" => Runtime::Php,
        "postgres" => Runtime::Postgres,
        "ruby" | "puma" => Runtime::Ruby,
        "nginx" => Runtime::Nginx,
        "redis-server" | "valkey-server" => Runtime::Redis,
        "mariadbd" => Runtime::MariaDb,
        "dotnet" => Runtime::DotNet,
        _ if name == "beam.smp" => Runtime::Beam,
        _ => return None,
    })
}

/// The program that a command line leads to, and its arguments: behind inits, shells and start scripts.
#[must_use]
pub fn program(command: &[String]) -> Option<(Runtime, Vec<String>)> {
    let mut words: Vec<String> = command.to_vec();
    // Each step takes at least a word away.
    while let Some((first, rest)) = words.split_first() {
        if let Some(runtime) = of_program(first) {
            // A script is its interpreter's first argument, and says which server it is.
            let words = if is_script(first) { words.clone() } else { rest.to_vec() };
            return Some((runtime, words));
        }
        let name = first.rsplit('/').next().unwrap_or(first);
        let is_shell = matches!(name, "sh" | "bash" | "dash" | "ash");
        let script = rest.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
        words = match script.and_then(|at| rest.get(at + 1)).filter(|_| is_shell) {
            Some(script) => spoken(script),
            None if is_wrapper(name) => rest
                .iter()
                .skip_while(|word| word.starts_with('-') || word.contains('='))
                .cloned()
                .collect(),
            None => return None,
        };
    }
    None
}

/// A program that an interpreter runs: its name stays among the arguments.
fn is_script(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "gunicorn" | "uvicorn" | "hypercorn" | "celery" | "uwsgi" | "puma")
}

/// What starts another program and gives it its own words.
fn is_wrapper(name: &str) -> bool {
    let inits =
        ["tini", "dumb-init", "docker-init", "catatonit", "exec", "env", "nohup", "nice", "setsid"];
    inits.contains(&name) || name.ends_with("entrypoint.sh") || name.ends_with("entrypoint")
}

/// The last command of a line of shell, without its assignments and quotes.
fn spoken(script: &str) -> Vec<String> {
    let last = script.split(['\n', ';', '|']).flat_map(|part| part.split("&&"));
    let last = last.filter(|part| {
        part.split_whitespace().any(|word| of_program(word.trim_matches(['"', '\''])).is_some())
    });
    let words = last.last().unwrap_or_default().split_whitespace();
    words
        .map(|word| word.trim_matches(['"', '\'']).to_owned())
        .skip_while(|word| word == "exec" || word.contains('=') && !word.starts_with('-'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn images_and_variables_name_runtime_and_version() {
        let image = |text| {
            of_image(text)
                .map(|(runtime, version)| (runtime, version.map(|version| version.to_string())))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(image("node:22.12-alpine"), Some((Runtime::Node, some("22.12"))));
        assert_eq!(image("hub.example/a/node:18@sha256:00"), Some((Runtime::Node, some("18"))));
        assert_eq!(image("eclipse-temurin:8u392-b08-jre"), Some((Runtime::Java, some("8.392"))));
        assert_eq!(image("node:lts"), Some((Runtime::Node, None)));
        assert_eq!(image("node"), Some((Runtime::Node, None)));
        assert_eq!(image("my-node:22"), None);
        assert_eq!(image("localhost:5000/api"), None);
        let of = |name, value| of_variable(name, value).map(|(_, version)| version.to_string());
        assert_eq!(of("NODE_VERSION", "22.12.0"), some("22.12.0"));
        assert_eq!(of("JAVA_VERSION", "jdk-17.0.9+9"), some("17.0.9"));
        assert_eq!(of("JAVA_VERSION", "jdk8u392-b08"), some("8.392"));
        assert_eq!(of("MARIADB_VERSION", "1:10.11.6+maria~ubu2204"), some("10.11.6"));
        assert_eq!(of("NODE_VERSION", "latest"), None);
        assert_eq!(of("APP_VERSION", "22"), None);
    }

    #[test]
    fn a_program_is_found_behind_what_starts_it() {
        let found =
            |text: &str| program(&words(text)).map(|(runtime, rest)| (runtime, rest.join(" ")));
        let some = |runtime, rest: &str| Some((runtime, rest.to_owned()));
        assert_eq!(found("node --inspect a.js"), some(Runtime::Node, "--inspect a.js"));
        assert_eq!(
            found("/sbin/tini -- /usr/bin/java -Xmx1g -jar a"),
            some(Runtime::Java, "-Xmx1g -jar a")
        );
        assert_eq!(found("docker-entrypoint.sh node a.js"), some(Runtime::Node, "a.js"));
        assert_eq!(found("python3.12 -m app"), some(Runtime::Python, "-m app"));
        assert_eq!(found("gunicorn -w 4 app:app"), some(Runtime::Python, "gunicorn -w 4 app:app"));
        assert_eq!(found("/app/server --node"), None);
        let shell = ["sh", "-c", "cd /app && A=1 exec node --max-old-space-size=64 'a.js'"];
        let shell: Vec<String> = shell.map(str::to_owned).to_vec();
        let (runtime, rest) = program(&shell).unwrap();
        assert_eq!(
            (runtime, rest.join(" ")),
            (Runtime::Node, "--max-old-space-size=64 a.js".to_owned())
        );
        assert_eq!(found("sh -c"), None);
        assert_eq!(found("timeout"), None);
    }
}
