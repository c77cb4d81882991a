//! The envelope: a payload, and signatures over its type and bytes.
//! Source: DSSE 1.0, <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{AttestError, PrivateKey, Statement};

/// What the payload is: a statement of in-toto.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A payload with its signatures, as it lies beside a bundle.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The payload, in base64.
    pub payload: String,
    /// What it is.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// Who signed it.
    pub signatures: Vec<Signature>,
}

/// A signature, with a hint at its key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The key's name, [`crate::PublicKey::id`]: a hint that proves nothing, and that other programs may leave out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyid: Option<String>,
    /// The signature, in base64.
    pub sig: String,
}

/// The bytes that are signed: what the payload is, and the payload, each with its length.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// A statement that nobody has signed yet.
    pub fn new(statement: &Statement) -> Envelope {
        let payload = STANDARD.encode(statement.bytes());
        Envelope { payload, payload_type: PAYLOAD_TYPE.to_owned(), signatures: Vec::new() }
    }

    /// Reads an envelope, which is written in one way only: a byte that changed shows, even one that no signature covers.
    ///
    /// # Errors
    /// Text that is no envelope, or not as [`Envelope::text`] writes it.
    pub fn parse(text: &str) -> Result<Envelope, AttestError> {
        if text.trim().is_empty() {
            return Err(AttestError::new("the signature file is empty"));
        }
        let envelope: Envelope = serde_json::from_str(text)
            .map_err(|error| AttestError::new(format!("the signature file is no DSSE envelope: {error}")))?;
        if envelope.text() != text {
            return Err(AttestError::new(
                "the signature file is not in canonical form: another program wrote or changed it",
            ));
        }
        if envelope.payload_type != PAYLOAD_TYPE {
            let found = &envelope.payload_type;
            return Err(AttestError::new(format!(
                "the signature file holds `{found}`, and `{PAYLOAD_TYPE}` is wanted"
            )));
        }
        Ok(envelope)
    }

    /// The envelope in canonical JSON (RFC 8785), and a line feed.
    pub fn text(&self) -> String {
        serde_json_canonicalizer::to_string(self).expect("an envelope is plain data") + "\n"
    }

    /// The payload's bytes.
    ///
    /// # Errors
    /// A payload that is no base64.
    pub fn payload(&self) -> Result<Vec<u8>, AttestError> {
        let decoded = STANDARD.decode(&self.payload);
        decoded.map_err(|error| AttestError::new(format!("the signature file's payload is no base64: {error}")))
    }

    /// The statement, whoever made it.
    ///
    /// # Errors
    /// A payload that is no statement.
    pub fn statement(&self) -> Result<Statement, AttestError> {
        Statement::parse(&self.payload()?)
    }

    /// Whether this is what both say, to the byte.
    pub fn says_the_same(&self, other: &Envelope) -> bool {
        (&self.payload_type, &self.payload) == (&other.payload_type, &other.payload)
    }

    /// Adds a signature, in place of an earlier one of the same key.
    ///
    /// # Errors
    /// A payload that is no base64.
    pub fn sign(&mut self, key: &PrivateKey) -> Result<(), AttestError> {
        let signed = pre_authentication_encoding(&self.payload_type, &self.payload()?);
        let keyid = Some(key.public().id());
        self.signatures.retain(|signature| signature.keyid != keyid);
        self.signatures.push(Signature { keyid, sig: STANDARD.encode(key.sign(&signed)) });
        self.signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
        Ok(())
    }
}

impl Signature {
    /// The signature's bytes; nothing if they are no base64.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.sig).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the DSSE protocol, and one with letters of two bytes, counted by hand.
    #[test]
    fn what_is_signed_is_encoded_as_the_protocol_says() {
        let check = |kind: &str, payload: &str, expected: &str| {
            assert_eq!(pre_authentication_encoding(kind, payload.as_bytes()), expected.as_bytes());
        };
        check("http://example.com/HelloWorld", "hello world", "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        check("", "", "DSSEv1 0  0 ");
        check("é", "é ü", "DSSEv1 2 é 5 é ü");
    }

    #[test]
    fn a_payload_is_base64_and_nothing_beside() {
        for payload in ["e30= ", "e30=\n", " e30=", "e31=", "e30"] {
            let envelope =
                Envelope { payload: payload.into(), payload_type: PAYLOAD_TYPE.into(), signatures: Vec::new() };
            assert!(envelope.payload().is_err(), "{payload:?}");
        }
    }

    #[test]
    fn an_envelope_has_one_text() {
        let signature = Signature { keyid: Some("ab".into()), sig: "AA==".into() };
        let signatures = vec![signature];
        let envelope = Envelope { payload: "e30=".into(), payload_type: PAYLOAD_TYPE.into(), signatures };
        let text = envelope.text();
        let signed = "[{\"keyid\":\"ab\",\"sig\":\"AA==\"}]";
        assert_eq!(
            text,
            format!(
                "{{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":{signed}}}\n"
            )
        );
        assert_eq!(Envelope::parse(&text), Ok(envelope));
        for other in [text.replace("\":", "\" :"), text.trim_end().to_owned(), text.replace("}\n", ",\"a\":1}\n")] {
            assert!(Envelope::parse(&other).is_err(), "{other}");
        }
        for empty in ["", " \n"] {
            assert_eq!(Envelope::parse(empty), Err(AttestError::new("the signature file is empty")));
        }
    }
}
