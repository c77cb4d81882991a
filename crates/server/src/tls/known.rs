//! By what a client knows a server that it asks by TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::TlsError;

/// By its name, and those who vouch for it; or by its very certificate, as `openssl req -x509` makes it, which may vouch for
/// others besides, if the file holds no other: of several, none may answer in the name of another.
pub(crate) fn by_name(roots: &Path) -> Result<ClientConfig, TlsError> {
    let unread = |error| TlsError::Unread(roots.to_owned(), error);
    let unusable = |error| TlsError::NotTrusted(roots.to_owned(), error);
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(roots).and_then(Iterator::collect).map_err(unread)?;
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(unusable)?;
    }
    if store.is_empty() {
        return Err(TlsError::NoCertificate(roots.to_owned()));
    }
    let by_name = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::new(ring::default_provider()));
    let by_name = by_name.build().map_err(|error| unusable(Error::General(error.to_string())))?;
    knowing(Known { certificates, by_name: Some(by_name), provider: ring::default_provider() }).map_err(unusable)
}

/// By its very certificate, the first in the file; whatever name it was made out to.
pub(crate) fn by_certificate(file: &Path) -> Result<ClientConfig, TlsError> {
    let certificate = CertificateDer::from_pem_file(file).map_err(|error| TlsError::Unread(file.to_owned(), error))?;
    let unusable = |error| TlsError::NotTrusted(file.to_owned(), error);
    let certificates = vec![certificate];
    knowing(Known { certificates, by_name: None, provider: ring::default_provider() }).map_err(unusable)
}

fn knowing(known: Known) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(known.provider.clone()));
    let builder = builder.with_safe_default_protocol_versions()?.dangerous();
    Ok(builder.with_custom_certificate_verifier(Arc::new(known)).with_no_client_auth())
}

/// Takes the one certificate, and others `by_name`; that the server has its key, the handshake proves as always.
#[derive(Debug)]
struct Known {
    certificates: Vec<CertificateDer<'static>>,
    by_name: Option<Arc<WebPkiServerVerifier>>,
    provider: CryptoProvider,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by_name = match &self.by_name {
            Some(by_name) => by_name.verify_server_cert(shown, between, name, status, now),
            None => Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
        };
        let is_the_one = self.certificates == [shown.clone()];
        if is_the_one && !by_name.as_ref().is_err_and(is_of_another_time) {
            return Ok(ServerCertVerified::assertion());
        }
        by_name
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_of_another_time(error: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    let Error::InvalidCertificate(why) = error else { return false };
    matches!(why, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
}
