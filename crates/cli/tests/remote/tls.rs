//! A docker engine that speaks TLS and wants to know its client, as `dockerd --tlsverify` does.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use crate::daemon::{self, dead_container, engine, event};

/// Who signs.
struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Self { pem, der, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, names: &[&str]) -> (rcgen::Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let signed = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer);
        (signed.unwrap(), key)
    }
}

/// Serves one container until the test ends, and gives the port.
fn serve(authority: &Authority) -> u16 {
    let events = [
        event("create", 0, json!({})),
        event("start", 1, json!({})),
        event("kill", 131, json!({ "signal": "9" })),
        event("die", 131, json!({ "exitCode": "137" })),
    ];
    let script = Arc::new(engine(&dead_container(json!({})), &events, ""));
    let mut roots = RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let known =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let (certificate, key) = authority.sign(&["127.0.0.1", "localhost"]);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(known.unwrap())
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let (mut stream, script) = (StreamOwned::new(connection, stream), script.clone());
            thread::spawn(move || {
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut byte) {
                        Ok(1) => request.push(byte[0]),
                        // A client that is not known, or that does not know us.
                        _ => return,
                    }
                }
                let head = String::from_utf8(request).unwrap();
                let act = script(head.split(' ').nth(1).unwrap());
                drop(stream.write_all(&act.bytes).and_then(|()| stream.flush()));
            });
        }
    });
    port
}

fn certificates(folder: &Path, authority: &Authority, signer: Option<&Authority>) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("ca.pem"), &authority.pem).unwrap();
    if let Some(signer) = signer {
        let (certificate, key) = signer.sign(&["client"]);
        fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }
}

fn asked(folder: &Path, environment: &[(&str, &str)], words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_why137"))
        .args(words)
        .env_clear()
        .env("WHY137_NOW", "2026-05-28T00:00:00Z")
        .envs(environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_daemon_that_knows_its_clients_answers_the_one_with_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let port = serve(&authority);
    let at = |name: &str| folder.path().join(name);
    certificates(&at("known"), &authority, Some(&authority));
    certificates(&at("nobody"), &authority, None);
    certificates(&at("stranger"), &authority, Some(&other));
    certificates(&at("elsewhere"), &other, Some(&authority));
    let by = |name: &str, host: &str, words: &[&str]| {
        let (host, path) = (format!("tcp://{host}:{port}"), at(name).display().to_string());
        let environment = [
            ("DOCKER_HOST", host.as_str()),
            ("DOCKER_TLS_VERIFY", "1"),
            ("DOCKER_CERT_PATH", &path),
        ];
        asked(folder.path(), &environment, words)
    };
    for host in ["127.0.0.1", "localhost"] {
        let (code, out, err) = by("known", host, &["-q", "shop-api-1"]);
        assert_eq!(code, 0, "{host}: {err}");
        assert!(out.starts_with("shop-api-1: killed by request"), "{host}: {out}");
    }
    for (name, says) in [
        ("nobody", "ertificate"),
        ("stranger", "alert"),
        ("elsewhere", "invalid peer certificate"),
        ("missing", "missing/ca.pem`: it does not exist"),
    ] {
        let (code, out, err) = by(name, "127.0.0.1", &["shop-api-1"]);
        assert_eq!((code, out.as_str()), (1, ""), "{name}: {err}");
        assert!(err.contains(says), "{name}: {err}");
        assert!(err.contains(&format!("`tcp://127.0.0.1:{port}`")), "{name}: {err}");
    }
    // Without `--tlsverify` anybody may be the daemon; the client is still known by its certificate.
    let path = at("elsewhere").display().to_string();
    let environment = [("DOCKER_CERT_PATH", path.as_str())];
    let host = format!("tcp://127.0.0.1:{port}");
    let words = ["--tls", "--host", &host, "-q", "shop-api-1"];
    let (code, out, err) = asked(folder.path(), &environment, &words);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_contexts_own_certificates_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let port = serve(&authority);
    let meta = folder.path().join("contexts/meta/aa");
    fs::create_dir_all(&meta).unwrap();
    let host = format!("tcp://127.0.0.1:{port}");
    let text = json!({ "Name": "far", "Endpoints": { "docker": { "Host": host } } });
    fs::write(meta.join("meta.json"), text.to_string()).unwrap();
    certificates(&folder.path().join("contexts/tls/aa/docker"), &authority, Some(&authority));
    let config = folder.path().display().to_string();
    let environment = [("DOCKER_CONFIG", config.as_str())];
    let words = ["--context", "far", "--format", "json", "shop-api-1"];
    let (code, out, err) = asked(folder.path(), &environment, &words);
    assert_eq!(code, 0, "{err}");
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["killer"], "api-kill", "{out}");
}

#[test]
fn a_socket_of_this_machine_is_not_spoken_to_in_tls() {
    let folder = tempfile::tempdir().unwrap();
    let events = [event("start", 1, json!({})), event("die", 131, json!({ "exitCode": "3" }))];
    let inspect = dead_container(json!({ "State": { "ExitCode": 3 } }));
    let docker = daemon::serve(folder.path(), engine(&inspect, &events, ""));
    let environment = [("DOCKER_HOST", docker.as_str()), ("DOCKER_TLS_VERIFY", "1")];
    let (code, out, err) = asked(folder.path(), &environment, &["-q", "shop-api-1"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("shop-api-1: ended by itself with exit code 3"), "{out}");
}
