//! TLS: the certificate that connections are shown, read anew when its files change.

mod expiry;
pub(crate) mod known;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use evenstep_files::must_end;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::models::Stamp;

/// Where certificate and key lie, as PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, and after it those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Files that no connection can be encrypted by.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One can't be read, or isn't PEM.
    #[error("`{0}` can't be read as PEM: {1}")]
    Unread(PathBuf, rustls::pki_types::pem::Error),
    /// A key that only a password opens.
    #[error(
        "`{0}` is protected by a password, and nobody is asked for one here; write the key without it: `openssl pkey -in {file} -out key.pem`",
        file = .0.display()
    )]
    Protected(PathBuf),
    /// There is none.
    #[error("`{0}` holds no certificate as PEM: it begins with `-----BEGIN CERTIFICATE-----`")]
    NoCertificate(PathBuf),
    /// There is none, but perhaps a certificate, a public key, or one for another program.
    #[error(
        "`{0}` holds no private key as PEM: it begins with `-----BEGIN PRIVATE KEY-----`, or with `EC` or `RSA` before `PRIVATE`"
    )]
    NoKey(PathBuf),
    /// A key of a kind that isn't spoken.
    #[error("`{0}` is a key of a kind that is not spoken here: RSA, ECDSA with P-256 or P-384, and Ed25519 are")]
    UnknownKey(PathBuf),
    /// Key and certificate don't belong together.
    #[error("`{1}` is the key of another certificate than `{0}`")]
    Apart(PathBuf, PathBuf),
    /// They are of a kind that isn't spoken.
    #[error("`{0}` and `{1}` are no certificate and its key: {2}")]
    Unusable(PathBuf, PathBuf, rustls::Error),
    /// Certificates that no server can be known by.
    #[error("`{0}`: {1}")]
    NotTrusted(PathBuf, rustls::Error),
}

/// The certificate that is shown.
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<Shown>,
    seen: Mutex<[Stamp; 2]>,
}

/// What new connections are shown, and when the first certificate of it ends.
struct Shown {
    config: Arc<ServerConfig>,
    ends: Option<Timestamp>,
}

impl Tls {
    pub(crate) fn open(files: TlsFiles) -> Result<Tls, TlsError> {
        let seen = files.stamps();
        let shown = files.read()?;
        Ok(Tls { files, current: RwLock::new(shown), seen: Mutex::new(seen) })
    }

    /// What new connections are shown.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).config))
    }

    /// When the first certificate that is shown ends, if that is known.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).ends
    }

    /// Reads the files if they changed. None if they didn't.
    pub(crate) fn look(&self) -> Option<Result<(), TlsError>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.files.stamps();
        if *seen == now {
            return None;
        }
        *seen = now;
        let ends = [&self.files.certificate, &self.files.key]
            .map(|path| must_end(path).map_err(|error| TlsError::Unread(path.clone(), pem::Error::Io(error))));
        let read = ends.into_iter().collect::<Result<(), _>>().and_then(|()| self.files.read()).map(|shown| {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = shown;
        });
        Some(read)
    }
}

impl TlsFiles {
    fn stamps(&self) -> [Stamp; 2] {
        [Stamp::of(&self.certificate), Stamp::of(&self.key)]
    }

    fn read(&self) -> Result<Shown, TlsError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(|error| TlsError::Unread(self.certificate.clone(), error))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(self.certificate.clone()));
        }
        let ends = expiry::first_end(&chain);
        let unread = |error| TlsError::Unread(self.key.clone(), error);
        let pem = std::fs::read(&self.key).map_err(|error| unread(pem::Error::Io(error)))?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
            _ if is_protected(&pem) => TlsError::Protected(self.key.clone()),
            pem::Error::NoItemsFound => TlsError::NoKey(self.key.clone()),
            error => unread(error),
        })?;
        if ring::sign::any_supported_type(&key).is_err() {
            return Err(TlsError::UnknownKey(self.key.clone()));
        }
        let unusable = |error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Apart(self.certificate.clone(), self.key.clone()),
            error => TlsError::Unusable(self.certificate.clone(), self.key.clone(), error),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Shown { config: Arc::new(config), ends })
    }
}

/// Whether a key in PEM says that a password opens it, in the way of PKCS #8 or that of old.
fn is_protected(pem: &[u8]) -> bool {
    let has = |words: &[u8]| pem.windows(words.len()).any(|window| window == words);
    has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED")
}
