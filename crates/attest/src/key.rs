//! Keys of ed25519, as PEM that other programs read, too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use crate::{AttestError, sha256};

/// What signs. Whoever has it can sign in its name.
pub struct PrivateKey(SigningKey);

/// What tells a signature of one private key from any other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey(VerifyingKey);

impl PrivateKey {
    /// A new key, from the randomness of the operating system. Nothing else in Evenstep has any.
    ///
    /// # Errors
    /// An operating system that gives none.
    pub fn generate() -> Result<PrivateKey, AttestError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| AttestError::new(format!("the operating system gives no random bytes: {error}")))?;
        Ok(PrivateKey(SigningKey::from_bytes(&seed)))
    }

    /// Reads a key as PKCS #8 in PEM, which OpenSSL writes as well.
    ///
    /// # Errors
    /// Text that is no private key of ed25519.
    pub fn parse(pem: &str) -> Result<PrivateKey, AttestError> {
        let refused = |error: ed25519_dalek::pkcs8::Error| {
            let error = if pem.contains("PUBLIC KEY") {
                "it is the public key; the private one signs".to_owned()
            } else {
                error.to_string()
            };
            AttestError::new(format!("this is no private key of ed25519 in PEM: {error}"))
        };
        SigningKey::from_pkcs8_pem(pem.trim()).map(PrivateKey).map_err(refused)
    }

    /// The key as PKCS #8 in PEM.
    pub fn pem(&self) -> String {
        // Without the public half: OpenSSL reads the first version of the format only.
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        bytes.to_pkcs8_pem(LineEnding::LF).expect("a key of known length").to_string()
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl PublicKey {
    /// Reads a key as PEM, or as the one line between PEM's first and last.
    ///
    /// # Errors
    /// Text that is no public key of ed25519, or a key that more than one message's signature would fit.
    pub fn parse(text: &str) -> Result<PublicKey, AttestError> {
        let wrong = |error: &dyn std::fmt::Display| {
            AttestError::new(format!("this is no public key of ed25519, in PEM or its one line of base64: {error}"))
        };
        let text = text.trim();
        let key = if text.starts_with("-----") {
            VerifyingKey::from_public_key_pem(text).map_err(|error| wrong(&error))?
        } else {
            let der = STANDARD.decode(text).map_err(|error| wrong(&error))?;
            VerifyingKey::from_public_key_der(&der).map_err(|error| wrong(&error))?
        };
        if key.is_weak() {
            return Err(AttestError::new(
                "this public key of ed25519 is weak: a signature by it fits more than one message",
            ));
        }
        Ok(PublicKey(key))
    }

    /// The key as PEM.
    pub fn pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("a key of known length")
    }

    /// The key as one line, for a policy.
    pub fn line(&self) -> String {
        STANDARD.encode(self.der())
    }

    /// What names the key: the SHA-256 of its encoding, in hex.
    pub fn id(&self) -> String {
        sha256(&self.der())
    }

    fn der(&self) -> Vec<u8> {
        self.0.to_public_key_der().expect("a key of known length").into_vec()
    }

    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        // Strict, so that no second signature of the same message can be made from a first.
        signature.is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 2: the key, and what it signs.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("hex")).collect()
        };
        let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = PrivateKey(SigningKey::from_bytes(&seed.try_into().expect("32 bytes")));
        let expected = hex(concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ));
        assert_eq!(key.sign(&[0x72]).to_vec(), expected);
        assert!(key.public().accepts(&[0x72], &expected));
        assert!(!key.public().accepts(&[0x73], &expected));
        assert!(!key.public().accepts(&[0x72], &expected[..63]));
    }

    #[test]
    fn keys_are_written_and_read_back() {
        let key = PrivateKey::generate().expect("the system has randomness");
        assert_eq!(PrivateKey::parse(&key.pem()).expect("we wrote it").public(), key.public());
        assert_eq!(PublicKey::parse(&key.public().pem()), Ok(key.public()));
        assert_eq!(PublicKey::parse(&key.public().line()), Ok(key.public()));
        assert_ne!(key.pem(), PrivateKey::generate().expect("the system has randomness").pem());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let key = PrivateKey::generate().expect("the system has randomness");
        let error = PrivateKey::parse(&key.public().pem()).err().expect("refused").to_string();
        insta::assert_snapshot!(error, @"this is no private key of ed25519 in PEM: it is the public key; the private one signs");
        assert!(PublicKey::parse(&key.pem()).is_err());
        assert!(PublicKey::parse("").is_err());
        let zero = STANDARD.encode([&hex_of_head()[..], &[0; 32]].concat());
        assert!(PublicKey::parse(&zero).expect_err("refused").0.contains("ed25519 is weak"));
    }

    /// What precedes the 32 bytes of any public key of ed25519.
    fn hex_of_head() -> [u8; 12] {
        [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
    }
}
