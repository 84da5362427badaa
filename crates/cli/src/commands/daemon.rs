//! Which daemon is asked: the options and variables that docker's own client knows.

use std::path::PathBuf;

use casefile::Moment;
use evidence::{Environment, TlsFiles, Wanted};

use crate::flags::DaemonArgs;

/// A question to the daemon that the options and the environment choose.
pub(super) fn wanted(arguments: &DaemonArgs, name: String, now: Moment) -> Wanted {
    Wanted {
        name,
        docker_host: arguments.host.clone(),
        docker_context: arguments.context.clone(),
        with_logs: false,
        now,
        environment: environment(arguments),
    }
}

/// What docker's own client would read; its options come before its environment.
fn environment(flags: &DaemonArgs) -> Environment {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let path = |name: &str| text(name).map(PathBuf::from);
    let yes = |asked: Option<bool>| (asked == Some(true)).then(|| "1".to_owned());
    // `--tlsverify=false` is TLS too, without a look at the certificate.
    let verify = flags.tlsverify;
    Environment {
        docker_host: text("DOCKER_HOST"),
        container_host: text("CONTAINER_HOST"),
        docker_context: text("DOCKER_CONTEXT"),
        docker_config: flags.config.clone().or_else(|| path("DOCKER_CONFIG")),
        home: path("HOME"),
        docker_tls_verify: match verify {
            Some(_) => yes(verify),
            None => text("DOCKER_TLS_VERIFY"),
        },
        docker_cert_path: path("DOCKER_CERT_PATH"),
        docker_tls: yes(flags.tls)
            .or_else(|| verify.map(|_| "1".to_owned()))
            .or_else(|| text("DOCKER_TLS")),
        tls_files: TlsFiles {
            ca: flags.tlscacert.clone(),
            cert: flags.tlscert.clone(),
            key: flags.tlskey.clone(),
        },
    }
}
