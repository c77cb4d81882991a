//! The frame of a message: whether it is compressed, in a byte; its length, in four; the message.

use prost::Message;

use crate::fields::count;

const HEAD_BYTES: usize = 5;
/// Fields that a message may have, not counting those within them. What is empty takes two bytes of a message, and hundreds
/// once it is read: without this limit 16 MiB would become gigabytes.
const FIELDS_MAX: usize = 1 << 17;

/// A body that holds no message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// Less than a head, or not as many bytes as it says.
    #[error("the body is no message after its length: {0}")]
    Length(String),
    /// The head says that what follows is compressed, and nothing says how.
    #[error("the message is said to be compressed, and no `grpc-encoding` says how")]
    Compressed,
    /// Bytes that aren't the message that the method takes.
    #[error("the body is no message that this method takes: {0}")]
    Message(String),
    /// More than anybody needs.
    #[error("a message may have {FIELDS_MAX} fields, and this one has {0}")]
    Fields(usize),
}

/// What a body holds after its head, and whether that is compressed.
///
/// # Errors
/// Another length than the head says.
pub fn parts(body: &[u8]) -> Result<(bool, &[u8]), FrameError> {
    let Some(([compressed, length @ ..], message)) = body.split_first_chunk::<HEAD_BYTES>() else {
        return Err(FrameError::Length(format!("there are {} bytes", body.len())));
    };
    let length = u32::from_be_bytes(*length) as usize;
    if length != message.len() {
        return Err(FrameError::Length(format!("{length} bytes are announced, and {} follow", message.len())));
    }
    Ok((*compressed == 1, message))
}

/// The message of a body that holds one.
///
/// # Errors
/// Another length than the head says, or bytes that aren't such a message.
pub fn message<M: Message + Default>(body: &[u8]) -> Result<M, FrameError> {
    let (compressed, message) = parts(body)?;
    if compressed {
        return Err(FrameError::Compressed);
    }
    match count(message) {
        None => Err(FrameError::Message("one of its fields has no end".to_owned())),
        Some(fields) if fields > FIELDS_MAX => Err(FrameError::Fields(fields)),
        Some(_) => M::decode(message).map_err(|error| FrameError::Message(error.to_string())),
    }
}

/// The body that holds the bytes of a message.
pub fn framed_bytes(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a message has less than 4 GiB");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

/// The body that holds a message.
pub fn framed(message: &impl Message) -> Vec<u8> {
    let length = message.encoded_len();
    let mut body = Vec::with_capacity(HEAD_BYTES + length);
    body.push(0);
    body.extend(u32::try_from(length).expect("an answer has less than 4 GiB").to_be_bytes());
    message.encode_raw(&mut body);
    assert_eq!(body.len(), HEAD_BYTES + length, "a message has the length that it says");
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::{ModelInferRequest, ModelReadyRequest};

    fn asked() -> ModelReadyRequest {
        ModelReadyRequest { name: "houses".to_owned(), version: "1".to_owned() }
    }

    #[test]
    fn a_message_comes_out_of_its_frame_as_it_went_in() {
        let body = framed(&asked());
        assert_eq!(body[..HEAD_BYTES], [0, 0, 0, 0, (body.len() - HEAD_BYTES) as u8]);
        assert_eq!(message(&body), Ok(asked()));
        assert_eq!(message(&framed(&ModelReadyRequest::default())), Ok(ModelReadyRequest::default()));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let said = |body: &[u8]| message::<ModelReadyRequest>(body).expect_err("it is refused").to_string();
        let body = framed(&asked());
        for cut in 0..body.len() {
            said(&body[..cut]);
        }
        assert!(said(&[&body[..], &[0]].concat()).contains("11 bytes are announced, and 12 follow"));
        assert!(said(&[&[1], &body[1..]].concat()).contains("compressed"));
        assert!(said(&[0, 0, 0, 0, 2, 0x0a, 9]).contains("no end"));
        // A text that isn't UTF-8.
        assert!(said(&[0, 0, 0, 0, 3, 0x0a, 1, 0xff]).contains("UTF-8"));
    }

    #[test]
    fn a_message_of_nothing_but_empty_fields_is_not_made_of_gigabytes() {
        let body = |fields: usize| {
            let message = [0x2a, 0].repeat(fields);
            [&[0], &(message.len() as u32).to_be_bytes()[..], &message].concat()
        };
        let asked: ModelInferRequest = message(&body(FIELDS_MAX)).expect("they are so many as there may be");
        assert_eq!(asked.inputs.len(), FIELDS_MAX);
        let refused = message::<ModelInferRequest>(&body(FIELDS_MAX + 1)).expect_err("they are more");
        assert_eq!(refused, FrameError::Fields(FIELDS_MAX + 1));
    }
}
