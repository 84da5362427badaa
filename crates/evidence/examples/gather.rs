//! Gathers one container's case and writes it as JSON: what the program would save. For trying this
//! room alone; it reads the same environment as docker's own client.
//!
//! `cargo run -p evidence --example gather -- NAME`

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use casefile::Moment;
use evidence::{Environment, Wanted, gather_container};

fn main() -> std::io::Result<()> {
    let said = |name: &str| std::env::var(name).ok();
    let wanted = Wanted {
        name: std::env::args().nth(1).unwrap_or_default(),
        docker_host: None,
        docker_context: None,
        with_logs: std::env::args().any(|word| word == "--with-logs"),
        now: Moment(jiff::Timestamp::now()),
        environment: Environment {
            docker_host: said("DOCKER_HOST"),
            docker_context: said("DOCKER_CONTEXT"),
            docker_config: said("DOCKER_CONFIG").map(PathBuf::from),
            home: said("HOME").map(PathBuf::from),
            docker_tls_verify: said("DOCKER_TLS_VERIFY"),
            docker_cert_path: said("DOCKER_CERT_PATH").map(PathBuf::from),
            ..Environment::default()
        },
    };
    let began = Instant::now();
    let mut complaints = std::io::stderr();
    let mut steps = Vec::new();
    let case = gather_container(&wanted, &mut |step| {
        steps.push(format!("{step} at {} ms", began.elapsed().as_millis()));
    });
    writeln!(complaints, "{}; done at {} ms", steps.join(", "), began.elapsed().as_millis())?;
    match case {
        Ok(case) => {
            let json = case.to_json().map_err(std::io::Error::other)?;
            std::io::stdout().write_all(json.as_bytes())
        }
        Err(error) => {
            let hint = error.hint().unwrap_or_default();
            writeln!(complaints, "{error}\n\nhint: {hint}")
        }
    }
}
