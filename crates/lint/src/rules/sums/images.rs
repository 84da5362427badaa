//! What an image's name and tag tell of the runtime in it: `node:22.12-alpine`, `eclipse-temurin:17-jre`,
//! `maven:3.9-eclipse-temurin-17`.
//!
//! Only the last part of the path counts, whatever the registry. A tag without a number (`latest`, `lts`, a
//! code name) tells no version: none is guessed. Leans on the tags of the official images.

use settings::runtimes::{Runtime, Version};

use crate::workload::Workload;

/// What is known of a runtime by an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// As the tag spells it; `None`: it names none.
    pub(super) version: Option<String>,
    /// It starts this runtime as it comes, with the runtime's own defaults.
    pub(super) is_plain: bool,
}

/// JDKs that are HotSpot; OpenJ9 and native images follow rules of their own.
const JDKS: [&str; 7] = [
    "eclipse-temurin",
    "openjdk",
    "amazoncorretto",
    "sapmachine",
    "zulu-openjdk",
    "liberica-openjdk",
    "liberica-openjre",
];
/// What stands in front of a Java version in tags of programs that run on one.
const JDK_MARKS: [&str; 6] = ["jdk", "jre", "java", "temurin", "corretto", "openjdk"];

/// What the workload's image tells of this runtime; `None`: it is not known to hold it.
pub(super) fn of(workload: &Workload, runtime: Runtime) -> Option<Image> {
    let image = workload.image.as_deref()?;
    let image = image.split('@').next().unwrap_or(image);
    let (path, last) = image.rsplit_once('/').unwrap_or(("", image));
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    let parts: Vec<&str> = tag.split('-').collect();
    let first = || parts.first().and_then(|part| number(part));
    let with = |version: Option<String>| Some(Image { version, is_plain: true });
    match runtime {
        Runtime::Node => match name {
            "node" => with(first()),
            _ => with(Some(behind(name, "nodejs")?)),
        },
        Runtime::Bun => (name == "bun").then(first).and_then(with),
        // `alpine-2.1.4`, `2.1.4`.
        Runtime::Deno => {
            (name == "deno").then(|| parts.iter().find_map(|part| number(part))).and_then(with)
        }
        Runtime::Go => (name == "golang").then(first).and_then(with),
        Runtime::Java => java(name, &parts),
        Runtime::DotNet => {
            let is_its = path.rsplit('/').any(|part| part == "dotnet")
                && matches!(name, "aspnet" | "runtime" | "sdk" | "monitor");
            is_its.then(first).and_then(with)
        }
        Runtime::Php => (name == "php" && parts.contains(&"fpm")).then(first).and_then(with),
        Runtime::Postgres => named(&["postgres", "postgresql", "postgis"], name, path, first()),
        Runtime::Redis => named(&["redis"], name, path, first()),
        Runtime::MariaDb => named(&["mariadb"], name, path, first()),
        Runtime::Python => (name == "python").then(first).and_then(with),
        Runtime::Ruby => (name == "ruby").then(first).and_then(with),
        Runtime::Beam => matches!(name, "erlang" | "elixir").then_some(None).and_then(with),
        Runtime::Nginx => (name == "nginx").then(first).and_then(with),
    }
}

/// A server whose images others make too, with other files in them.
fn named(names: &[&str], name: &str, path: &str, version: Option<String>) -> Option<Image> {
    let is_plain = names.first() == Some(&name) && !path.contains("bitnami");
    names.contains(&name).then_some(Image { version, is_plain })
}

fn java(name: &str, parts: &[&str]) -> Option<Image> {
    if parts.iter().any(|part| part.contains("openj9") || part.contains("semeru")) {
        return None;
    }
    let is_jdk = JDKS.iter().any(|jdk| name == *jdk || name.starts_with(&format!("{jdk}-")));
    if is_jdk && behind(name, "openjdk").is_none() {
        let version = parts.iter().take(2).find_map(|part| number(part));
        return Some(Image { version, is_plain: true });
    }
    // Named in the name: `java17-debian12`, `openjdk-17`; the second sets its own options at the start.
    if let Some(version) = behind(name, "java") {
        return Some(Image { version: Some(version), is_plain: true });
    }
    if let Some(version) = behind(name, "openjdk") {
        return Some(Image { version: Some(version), is_plain: false });
    }
    let mut previous = "";
    for part in parts {
        let marked = JDK_MARKS.iter().find_map(|mark| number(part.strip_prefix(mark)?));
        let follows = JDK_MARKS.contains(&previous).then(|| number(part)).flatten();
        if let Some(version) = marked.or(follows) {
            return Some(Image { version: Some(version), is_plain: false });
        }
        previous = part;
    }
    None
}

/// The number directly behind a name: `nodejs20-debian12`, `nodejs-20`.
fn behind(name: &str, word: &str) -> Option<String> {
    let rest = name.strip_prefix(word)?;
    number(rest.strip_prefix('-').unwrap_or(rest).split('-').next()?)
}

/// The number at the beginning of a part, as far as it is one: `22.12`, `8u392`, `17.0.9_9`.
fn number(part: &str) -> Option<String> {
    let part = part.strip_prefix('v').unwrap_or(part);
    let end = part.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | 'u' | '_')));
    let number = part.get(..end.unwrap_or(part.len()))?.trim_end_matches(['.', 'u', '_']);
    let begins = number.starts_with(|letter: char| letter.is_ascii_digit());
    // A date is no version: `20240101`.
    let is_date = number.split(['.', 'u', '_']).next().is_some_and(|major| major.len() > 4);
    (begins && !is_date).then(|| number.to_owned())
}

/// The versions that a tag may stand for: a release line is known by its newest release, and of one that
/// names no patch both ends are looked at.
pub(super) fn versions(tag: &str) -> Vec<Version> {
    let Some(version) = Version::parse(tag) else { return Vec::new() };
    let has_two = tag.split('.').count() == 2 && !tag.contains(['u', '_']);
    let newest = has_two.then(|| Version::parse(&format!("{tag}.999"))).flatten();
    [version].into_iter().chain(newest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use crate::workload::Platform;

    fn said(image: &str, runtime: Runtime) -> Option<Option<String>> {
        let place = Place::new(&std::sync::Arc::from("f"), 1, 1);
        let mut workload = Workload::new(Platform::Compose, "x".to_owned(), place);
        workload.image = Some(image.to_owned());
        of(&workload, runtime).map(|image| image.version)
    }

    #[test]
    fn tags_tell_the_version_in_every_spelling() {
        for (image, runtime, version) in [
            ("node:22.12-alpine", Runtime::Node, "22.12"),
            ("mirror:5000/library/node:v20", Runtime::Node, "20"),
            ("node:18.20.4@sha256:00", Runtime::Node, "18.20.4"),
            ("x/nodejs20-debian12:nonroot", Runtime::Node, "20"),
            ("ubi9/nodejs-22:1", Runtime::Node, "22"),
            ("denoland/deno:alpine-2.1.4", Runtime::Deno, "2.1.4"),
            ("denoland/deno:2.3", Runtime::Deno, "2.3"),
            ("eclipse-temurin:17-jre", Runtime::Java, "17"),
            ("eclipse-temurin:17.0.9_9-jre-alpine", Runtime::Java, "17.0.9_9"),
            ("eclipse-temurin:8u392-b08-jre", Runtime::Java, "8u392"),
            ("bellsoft/liberica-openjre-debian:21.0.4", Runtime::Java, "21.0.4"),
            ("tomcat:10.1-jdk17-temurin", Runtime::Java, "17"),
            ("maven:3.9-eclipse-temurin-21", Runtime::Java, "21"),
            ("x/java17-debian12", Runtime::Java, "17"),
            ("ubi8/openjdk-17:1.18", Runtime::Java, "17"),
            ("x/dotnet/aspnet:8.0-alpine", Runtime::DotNet, "8.0"),
            ("x/dotnet/core/runtime:3.1", Runtime::DotNet, "3.1"),
            ("php:8.3-fpm", Runtime::Php, "8.3"),
            ("postgres:16", Runtime::Postgres, "16"),
            ("bitnami/postgresql:15.4.0", Runtime::Postgres, "15.4.0"),
            ("redis:7.2-alpine", Runtime::Redis, "7.2"),
            ("mariadb:10.11", Runtime::MariaDb, "10.11"),
            ("golang:1.25-alpine", Runtime::Go, "1.25"),
        ] {
            assert_eq!(said(image, runtime), Some(Some(version.to_owned())), "{image}");
        }
    }

    #[test]
    fn no_version_is_guessed_and_no_stranger_is_recognised() {
        for (image, runtime) in [
            ("node", Runtime::Node),
            ("node:latest", Runtime::Node),
            ("node:lts-alpine3.19", Runtime::Node),
            ("node:jod", Runtime::Node),
            ("eclipse-temurin:latest", Runtime::Java),
            ("php:fpm", Runtime::Php),
            ("postgres:bookworm", Runtime::Postgres),
            ("denoland/deno:alpine", Runtime::Deno),
        ] {
            assert_eq!(said(image, runtime), Some(None), "{image}");
        }
        for (image, runtime) in [
            ("shop/node-exporter:1.8", Runtime::Node),
            ("adoptopenjdk:11-jre-openj9", Runtime::Java),
            ("ibm-semeru-runtimes:open-17-jre", Runtime::Java),
            ("php:8.3-apache", Runtime::Php),
            ("mysql:8.4", Runtime::MariaDb),
            ("shop/runtime:8.0", Runtime::DotNet),
            ("kafka:3.7", Runtime::Java),
            ("x/javascript:1", Runtime::Java),
        ] {
            assert_eq!(said(image, runtime), None, "{image}");
        }
        assert_eq!(number("20240101"), None);
    }

    #[test]
    fn a_line_without_its_patch_has_two_ends() {
        let said =
            |tag: &str| -> Vec<String> { versions(tag).iter().map(ToString::to_string).collect() };
        assert_eq!(said("22"), ["22"]);
        assert_eq!(said("2.3"), ["2.3", "2.3.999"]);
        assert_eq!(said("8u392"), ["8.392"]);
        assert_eq!(said("17.0.9_9"), ["17.0.9.9"]);
    }
}
