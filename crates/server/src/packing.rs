//! How a request is compressed: its body as a whole, or, of a call of gRPC, the message within its frame.

use axum::http::{HeaderMap, header};

use crate::dialect::Dialect;
use crate::encoding::Encoding;
use crate::problem::Problem;

/// What says how a call's messages are compressed, if they are.
#[cfg(feature = "grpc")]
const OF_MESSAGES: axum::http::HeaderName = axum::http::HeaderName::from_static("grpc-encoding");

/// What is compressed, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Packing {
    Body(Encoding),
    #[cfg(feature = "grpc")]
    Message(Encoding),
}

impl Packing {
    /// What the head says; None if nothing is compressed.
    #[cfg_attr(not(feature = "grpc"), expect(unused_variables, reason = "all are alike"))]
    pub(crate) fn of(dialect: Dialect, headers: &HeaderMap) -> Result<Option<Packing>, Problem> {
        #[cfg(feature = "grpc")]
        if dialect == Dialect::Grpc {
            return Ok(Encoding::said(headers, &OF_MESSAGES)?.map(Packing::Message));
        }
        Ok(Encoding::said(headers, &header::CONTENT_ENCODING)?.map(Packing::Body))
    }

    /// Whether a body is compressed: each message says for itself whether it is.
    #[cfg_attr(not(feature = "grpc"), expect(unused_variables, reason = "bodies don't say"))]
    pub(crate) fn packs(self, body: &[u8]) -> bool {
        match self {
            Packing::Body(_) => true,
            #[cfg(feature = "grpc")]
            Packing::Message(_) => body.first() == Some(&1),
        }
    }

    /// What a body is without its compression, if that isn't larger than it may be.
    pub(crate) fn unpack(self, body: &[u8], bytes_max: usize) -> Result<Vec<u8>, Problem> {
        match self {
            Packing::Body(encoding) => encoding.inflate(body, bytes_max),
            #[cfg(feature = "grpc")]
            Packing::Message(encoding) => {
                let (_, message) = evenstep_grpc::parts(body)?;
                Ok(evenstep_grpc::framed_bytes(&encoding.inflate(message, bytes_max)?))
            }
        }
    }
}
