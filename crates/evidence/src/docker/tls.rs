//! TLS to a daemon behind `tcp://`, as Docker's own client sets it up: `ca.pem`, `cert.pem` and
//! `key.pem` of `DOCKER_CERT_PATH`, of a context's store, or as flags name them (docker/cli
//! `cli/flags/options.go`, docker/go-connections `tlsconfig`).
//!
//! Which certificates are trusted is only what the folder's `ca.pem` says: the machine's own roots
//! are not asked. Keys are read here and go nowhere else.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature as verify_12, verify_tls13_signature as verify_13,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::found::plain;

/// How to speak TLS to a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    /// Who signed the daemon's certificate.
    pub(crate) ca: PathBuf,
    /// Our own certificate, and the key to it; both or none.
    pub(crate) cert: PathBuf,
    /// The key.
    pub(crate) key: PathBuf,
    /// False where the daemon's certificate is not to be looked at (`--tls` without
    /// `--tlsverify`, a context's `SkipTLSVerify`).
    pub(crate) verify: bool,
}

impl Tls {
    /// The three files of a folder.
    pub(crate) fn of_folder(folder: &Path, verify: bool) -> Self {
        let at = |name: &str| folder.join(name);
        Self { ca: at("ca.pem"), cert: at("cert.pem"), key: at("key.pem"), verify }
    }

    /// A connection to `host:port`.
    pub(crate) async fn connect(&self, authority: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let config = self.config()?;
        let address = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let address = address.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(address)
            .map_err(|error| Error::new(ErrorKind::InvalidInput, error))?;
        let stream = TcpStream::connect(authority).await?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    fn config(&self) -> std::io::Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(Error::other)?;
        let builder = if self.verify {
            builder.with_root_certificates(self.roots()?)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone { provider }))
        };
        if !self.cert.exists() && !self.key.exists() {
            return Ok(builder.with_no_client_auth());
        }
        let chain = certificates(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| unreadable(&self.key, "a private key", &error))?;
        builder.with_client_auth_cert(chain, key).map_err(|error| {
            let shown = self.key.display();
            Error::other(format!("`{shown}` does not belong to the certificate: {error}"))
        })
    }

    fn roots(&self) -> std::io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca)? {
            roots
                .add(certificate)
                .map_err(|error| Error::other(format!("`{}`: {error}", self.ca.display())))?;
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> std::io::Result<Vec<CertificateDer<'static>>> {
    let refuse = |error: &rustls_pki_types::pem::Error| unreadable(path, "a certificate", error);
    let all: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| refuse(&error))?.collect();
    match all {
        Ok(all) if all.is_empty() => {
            Err(Error::other(format!("`{}` holds no certificate", path.display())))
        }
        Ok(all) => Ok(all),
        Err(error) => Err(refuse(&error)),
    }
}

fn unreadable(path: &Path, what: &str, error: &rustls_pki_types::pem::Error) -> Error {
    use rustls_pki_types::pem::Error as Pem;
    let because = match error {
        Pem::Io(error) => plain(error),
        Pem::NoItemsFound => format!("it holds no such thing as {what}"),
        other => format!("it is not PEM: {other}"),
    };
    Error::other(format!("could not read {what} from `{}`: {because}", path.display()))
}

/// Takes any certificate, as `docker --tls` does; the handshake's own signature is still checked.
#[derive(Debug)]
struct Anyone {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_12(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_13(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
