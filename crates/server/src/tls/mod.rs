//! TLS: the certificate that connections are shown, read anew when its files change.

pub(crate) mod known;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
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
    /// There is none.
    #[error("`{0}` holds no certificate")]
    NoCertificate(PathBuf),
    /// Key and certificate don't belong together, or are of a kind that isn't spoken.
    #[error("`{0}` and `{1}` are no certificate and its key: {2}")]
    Unusable(PathBuf, PathBuf, rustls::Error),
    /// Certificates that no server can be known by.
    #[error("`{0}`: {1}")]
    NotTrusted(PathBuf, rustls::Error),
}

/// The certificate that is shown.
pub(crate) struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    seen: Mutex<[Stamp; 2]>,
}

impl Tls {
    pub(crate) fn open(files: TlsFiles) -> Result<Tls, TlsError> {
        let seen = files.stamps();
        let config = Arc::new(files.config()?);
        Ok(Tls { files, current: RwLock::new(config), seen: Mutex::new(seen) })
    }

    /// What new connections are shown.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Reads the files if they changed. None if they didn't.
    pub(crate) fn look(&self) -> Option<Result<(), TlsError>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.files.stamps();
        if *seen == now {
            return None;
        }
        *seen = now;
        let read = self.files.config().map(|config| {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        });
        Some(read)
    }
}

impl TlsFiles {
    fn stamps(&self) -> [Stamp; 2] {
        [Stamp::of(&self.certificate), Stamp::of(&self.key)]
    }

    fn config(&self) -> Result<ServerConfig, TlsError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(|error| TlsError::Unread(self.certificate.clone(), error))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(self.certificate.clone()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| TlsError::Unread(self.key.clone(), error))?;
        let unusable = |error| TlsError::Unusable(self.certificate.clone(), self.key.clone(), error);
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}
