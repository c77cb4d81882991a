//! Bodies of requests: read within a size, a time, and what all of them may take together.

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::limits::{BODIES_KIB_MAX, BODY_BYTES_MAX, BODY_TIME};
use crate::problem::Problem;

/// Room for the bodies of all requests that are being answered.
pub(crate) struct Room {
    kib: Arc<Semaphore>,
}

/// A body, and the room that it takes until it is dropped.
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(crate) fn new() -> Room {
        Room { kib: Arc::new(Semaphore::new(BODIES_KIB_MAX as usize)) }
    }

    /// Reads a body to its end. Room is taken for bytes that came, not for those that were announced, so that a slow client
    /// takes little.
    pub(crate) async fn read(&self, mut body: Body) -> Result<Held, Problem> {
        let deadline = Instant::now() + BODY_TIME;
        let mut bytes = Vec::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        loop {
            let frame = timeout_at(deadline, body.frame()).await.map_err(|_| Problem::too_slow())?;
            let Some(frame) = frame else { return Ok(Held { bytes, _room: room }) };
            let Ok(frame) = frame else { return Err(Problem::malformed("the body ended before its end")) };
            let Ok(data) = frame.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length > BODY_BYTES_MAX {
                return Err(Problem::too_large(BODY_BYTES_MAX));
            }
            let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let more = (length.div_ceil(1024) - held.min(length.div_ceil(1024))) as u32;
            if more > 0 {
                let more = Arc::clone(&self.kib).try_acquire_many_owned(more).map_err(|_| Problem::busy())?;
                match &mut room {
                    None => room = Some(more),
                    Some(room) => room.merge(more),
                }
            }
            bytes.extend_from_slice(&data);
        }
    }
}
