//! Which names announce a secret, and which labels may be kept.
//!
//! Deliberately a matter of whole words: `token` is one, `tokenizer` is not; `SECRET_FILE` names
//! a path, not a secret.

/// How surely a name announces a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Telling {
    /// `auth`, `session`: also the names of services and of log lines about them.
    Weak,
    /// `password`, `api_key`: nothing else.
    Strong,
}

/// Said anywhere in a name, with separators left out.
const STRONG_PARTS: [&str; 24] = [
    "accesskey",
    "accesstoken",
    "accountkey",
    "apikey",
    "apitoken",
    "authorization",
    "authtoken",
    "bearertoken",
    "clientkey",
    "connectionstr",
    "connstr",
    "credential",
    "encryptionkey",
    "jwtkey",
    "licensekey",
    "masterkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sharedkey",
    "signingkey",
    "storagekey",
];

/// Said as a whole word of a name.
const STRONG_WORDS: [&str; 18] = [
    "adminpass",
    "dbpass",
    "dsn",
    "keypass",
    "masterauth",
    "masterpass",
    "mypass",
    "pass",
    "passcode",
    "pwd",
    "requirepass",
    "rootpass",
    "signature",
    "smtppass",
    "storepass",
    "token",
    "userpass",
    "webhook",
];

const WEAK_WORDS: [&str; 8] =
    ["auth", "cookie", "cookies", "jwt", "oauth", "private", "session", "sessionid"];

/// Pieces of which one stands in every part and word above.
const STEMS: [&str; 15] = [
    "auth", "conn", "cookie", "cred", "dsn", "jwt", "key", "pass", "private", "pwd", "secret",
    "session", "sign", "token", "webhook",
];

/// A name that ends so tells about a secret and does not hold one.
const ABOUT: [&str; 40] = [
    "age",
    "alg",
    "algorithm",
    "class",
    "count",
    "dir",
    "directory",
    "disabled",
    "enabled",
    "expiration",
    "expires",
    "expiry",
    "file",
    "host",
    "kind",
    "len",
    "length",
    "limit",
    "max",
    "method",
    "min",
    "mode",
    "ms",
    "name",
    "names",
    "path",
    "policy",
    "port",
    "provider",
    "ref",
    "retries",
    "seconds",
    "secs",
    "size",
    "timeout",
    "tmp",
    "ttl",
    "type",
    "user",
    "version",
];

/// A name that ends so is a program's, where a colon follows it (`token-server: started`).
const ROLES: [&str; 22] = [
    "agent",
    "api",
    "app",
    "cache",
    "controller",
    "daemon",
    "db",
    "exporter",
    "gateway",
    "handler",
    "job",
    "manager",
    "operator",
    "plugin",
    "proxy",
    "server",
    "service",
    "sidecar",
    "store",
    "svc",
    "web",
    "worker",
];

/// Whether a name announces a secret.
pub(super) fn telling(name: &str) -> Option<Telling> {
    if name.len() > 120 {
        return None;
    }
    if name.is_ascii() && !has_stem(name) {
        return None;
    }
    let words = words_of(name);
    let last = words.last()?;
    if ABOUT.contains(&last.as_str()) {
        return None;
    }
    let joined = words.concat();
    let is_strong = STRONG_PARTS.iter().any(|part| joined.contains(part))
        || words
            .iter()
            .any(|word| STRONG_WORDS.contains(&word.as_str()) || word.ends_with("token"));
    if is_strong {
        return Some(Telling::Strong);
    }
    words.iter().any(|word| WEAK_WORDS.contains(&word.as_str())).then_some(Telling::Weak)
}

/// Whether a stem stands in a name without its digits and separators: a quick no for most names.
fn has_stem(name: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphabetic);
    let letters: String = letters.map(|letter| char::from(letter.to_ascii_lowercase())).collect();
    STEMS.iter().any(|stem| letters.contains(stem))
}

/// Whether a name is a program's rather than a setting's.
pub(super) fn is_role(name: &str) -> bool {
    words_of(name).last().is_some_and(|last| ROLES.contains(&last.as_str()))
}

/// `DB_Password2` → `db`, `password`; `keyStorePassword` → `key`, `store`, `password`.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        let is_hump = letter.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase() || before.is_ascii_digit())
                || (before.is_some_and(|before| before.is_uppercase())
                    && after.is_some_and(|after| after.is_lowercase())));
        if is_hump || !letter.is_alphanumeric() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    words.push(word);
    words
        .into_iter()
        .map(|word| word.trim_end_matches(|digit: char| digit.is_ascii_digit()).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// A value that is certainly no secret: a switch, a reference, a path, or redacted already.
pub(super) fn is_harmless(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'', '`']).trim();
    let is_switch = matches!(
        value.to_ascii_lowercase().as_str(),
        "" | "true"
            | "false"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "null"
            | "none"
            | "nil"
            | "0"
            | "1"
            | "{"
            | "["
            | "{}"
            | "[]"
            | "|"
            | ">"
            | "|-"
            | ">-"
    );
    let is_placeholder = value.starts_with(super::REDACTED)
        || value.starts_with("<set to ")
        || value.starts_with("<none>")
        || value.starts_with("${")
        || value.starts_with("$(")
        || (!value.is_empty() && value.bytes().all(|b| b == b'*' || b == b'x'));
    is_switch || is_placeholder || is_variable(value) || is_path(value)
}

fn is_variable(value: &str) -> bool {
    value.strip_prefix('$').is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}

/// `/run/secrets/db`: plain characters, no part as long and mixed as a key.
fn is_path(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-' | b':');
    let rooted = value.starts_with('/') || value.starts_with("./") || value.starts_with("../");
    rooted
        && value.bytes().all(plain)
        && !value.split('/').any(|part| part.len() >= 20 && !super::shapes::is_an_id(part))
}

/// Labels and annotations whose values a rule reads or a reader needs to know the container.
pub(super) fn is_kept_label(name: &str) -> bool {
    const STARTS: [&str; 11] = [
        "app.kubernetes.io/",
        "batch.kubernetes.io/",
        "com.amazonaws.ecs.",
        "com.docker.compose.",
        "com.docker.swarm.",
        "io.cri-containerd.",
        "io.kubernetes.",
        "io.podman.compose.",
        "io.rancher.stack",
        "kubernetes.io/config.",
        "statefulset.kubernetes.io/",
    ];
    // The kubelet's eviction event tells by its annotations which container used what.
    const NAMES: [&str; 19] = [
        "app",
        "batch.kubernetes.io/job-name",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "offending_containers",
        "offending_containers_usage",
        "starved_resource",
        "component",
        "controller-revision-hash",
        "controller-uid",
        "io.container.manager",
        "job-name",
        "k8s-app",
        "kubernetes.io/psp",
        "pod-template-generation",
        "pod-template-hash",
        "release",
        "tier",
    ];
    NAMES.contains(&name) || STARTS.iter().any(|start| name.starts_with(start))
}

/// Attributes of `docker events` and `podman events` that are the runtime's own, not labels.
pub(super) fn is_kept_attribute(name: &str) -> bool {
    const NAMES: [&str; 18] = [
        "container",
        "containerExitCode",
        "container_name",
        "driver",
        "execDuration",
        "execID",
        "exitCode",
        "health_status",
        "image",
        "name",
        "node",
        "node.name",
        "oldName",
        "pod_id",
        "podId",
        "reason",
        "signal",
        "type",
    ];
    NAMES.contains(&name) || is_kept_label(name)
}

/// Options of a log driver that only bound its files.
pub(super) fn is_kept_log_option(name: &str) -> bool {
    matches!(name, "max-size" | "max-file" | "max-buffer-size" | "mode" | "compress")
}

/// `NAME` of `NAME=value`: letters, digits and `_`, not starting with a digit.
pub(super) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_stands_in_every_telling_part_and_word() {
        for word in STRONG_PARTS.iter().chain(&STRONG_WORDS).chain(&WEAK_WORDS) {
            assert!(has_stem(word), "{word}");
        }
        assert!(has_stem("Api_K2e-Y") && !has_stem("oom_score_adj"));
    }

    #[test]
    fn names_are_read_by_whole_words() {
        for name in [
            "password",
            "DB_PASSWORD",
            "PGPASSWORD",
            "MYSQL_PWD",
            "--api-key",
            "apiKey",
            "token",
            "authToken",
            "X-Auth-Token",
            "AWS_SECRET_ACCESS_KEY",
            "javax.net.ssl.keyStorePassword",
            "SENTRY_DSN",
            "connection_string",
            "requirepass",
            "SECRET_KEY_BASE",
            "password2",
            "XMLPwd",
        ] {
            assert_eq!(telling(name), Some(Telling::Strong), "{name}");
        }
        for name in ["auth", "REDISCLI_AUTH", "session", "Cookie", "private"] {
            assert_eq!(telling(name), Some(Telling::Weak), "{name}");
        }
        for name in [
            "tokenizer",
            "max_tokens",
            "compass",
            "author",
            "secretName",
            "TOKEN_FILE",
            "bypass",
            "oom_score_adj",
            "anon-rss",
            "task_memcg",
            "PrivateTmp",
            "tokenExpirationSeconds",
        ] {
            assert_eq!(telling(name), None, "{name}");
        }
    }

    #[test]
    fn switches_references_and_paths_are_no_secrets() {
        for value in [
            "true",
            "$DB_PASS",
            "$_X",
            "./run/x",
            "../run/x",
            "${X:-y}",
            "/run/secrets/db",
            "<set to the key 'x'",
            "",
        ] {
            assert!(is_harmless(value), "{value}");
        }
        for value in
            ["hunter2", "$ecret", "$Secret1", "$1ABC", "1234", "/9j4AAQSkZJRgABAQEAYABgAAD2wBD"]
        {
            assert!(!is_harmless(value), "{value}");
        }
    }

    #[test]
    fn a_name_is_no_longer_than_a_name_is() {
        let named = |length: usize| telling(&format!("password_{}", "a".repeat(length - 9)));
        assert_eq!(named(120), Some(Telling::Strong));
        assert_eq!((named(121), named(122)), (None, None));
    }

    #[test]
    fn a_variable_begins_with_a_letter_or_a_dash_below() {
        for name in ["a", "_a", "A1", "a.b-c"] {
            assert!(is_variable_name(name), "{name}");
        }
        for name in ["", "1a", "-a", "a b"] {
            assert!(!is_variable_name(name), "{name}");
        }
    }
}
