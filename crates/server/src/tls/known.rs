//! By what a client knows a server that it asks by TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    WantsVerifier,
};

use super::TlsError;

/// By its name, and those who vouch for it: their certificates are in the file, or its own.
pub(crate) fn by_name(roots: &Path) -> Result<ClientConfig, TlsError> {
    let unread = |error| TlsError::Unread(roots.to_owned(), error);
    let unusable = |error| TlsError::NotTrusted(roots.to_owned(), error);
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(roots).map_err(unread)? {
        store.add(certificate.map_err(unread)?).map_err(unusable)?;
    }
    if store.is_empty() {
        return Err(TlsError::NoCertificate(roots.to_owned()));
    }
    Ok(builder().map_err(unusable)?.with_root_certificates(store).with_no_client_auth())
}

/// By its very certificate, the first in the file; whatever name it was made out to.
pub(crate) fn by_certificate(file: &Path) -> Result<ClientConfig, TlsError> {
    let certificate = CertificateDer::from_pem_file(file).map_err(|error| TlsError::Unread(file.to_owned(), error))?;
    let unusable = |error| TlsError::NotTrusted(file.to_owned(), error);
    let same = Arc::new(Same { certificate, provider: ring::default_provider() });
    Ok(builder().map_err(unusable)?.dangerous().with_custom_certificate_verifier(same).with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions()
}

/// Takes one certificate and no other; that the server has its key, the handshake proves as always.
#[derive(Debug)]
struct Same {
    certificate: CertificateDer<'static>,
    provider: CryptoProvider,
}

impl ServerCertVerifier for Same {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *shown == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
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
