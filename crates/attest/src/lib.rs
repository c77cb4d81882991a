//! Who vouches for an artifact: signed statements on what it is and where it comes from, and who is trusted.
//!
//! A statement is in-toto's, with a predicate as SLSA writes it; it is signed with ed25519, in a DSSE envelope.
//! All that is needed to check one is at hand: nothing is asked of any network or clock, and who judges says what day it is.

mod envelope;
mod key;
mod policy;
mod statement;
mod verdict;

pub use envelope::{Envelope, PAYLOAD_TYPE, Signature, pre_authentication_encoding};
pub use key::{PrivateKey, PublicKey};
pub use policy::{Policy, Rule, TrustedKey, Withdrawn};
pub use statement::{
    BUILD_TYPE, BuildDefinition, Difference, PREDICATE_TYPE, Predicate, Resource, RunDetails, STATEMENT_TYPE, Statement,
};
pub use verdict::{Because, Signed, Subject, Verdict, judge, refused_unread};

/// A key, envelope, statement or policy that can't be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct AttestError(pub String);

impl AttestError {
    fn new(message: impl Into<String>) -> AttestError {
        AttestError(message.into())
    }
}

/// SHA-256, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
