//! `PUT /models/M/versions/V`: a bundle, loaded while requests are answered.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::timeout;

use super::act::Act;
use super::{Admin, By};
use crate::body;
use crate::encoding::Encoding;
use crate::formats::essence;
use crate::limits::{BODY_TIME, BUNDLE_BYTES_MAX, SIGNATURES_BYTES_MAX, TURN_TIME};
use crate::models::{Served, check_name};
use crate::names::InPath;
use crate::problem::Problem;

/// How many bytes of the body are the bundle's signatures, if there are any; the bundle follows.
pub(crate) const SIGNATURES_LENGTH: HeaderName = HeaderName::from_static("evenstep-signatures-length");
/// What such a body is said to be.
pub(crate) const BUNDLE_TYPE: &str = "application/octet-stream";

pub(super) async fn load(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    InPath((model, version)): InPath<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    check_name("a model", &model)?;
    check_name("a version", &version)?;
    let kind = headers.get(header::CONTENT_TYPE).map(essence);
    if kind.as_deref() != Some(BUNDLE_TYPE) {
        return Err(Problem::unread_type(kind.as_deref(), &[BUNDLE_TYPE]));
    }
    if Encoding::said(&headers, &header::CONTENT_ENCODING)?.is_some() {
        return Err(Problem::compressed_bundle());
    }
    let signatures = signatures_length(&headers)?;
    let turn = timeout(TURN_TIME, Arc::clone(&admin.loading).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(Problem::busy()) };
    let too_large = |bytes| Problem::too_many(format!("a bundle may have {} MiB here", bytes >> 20));
    let bytes = read(body::within(body, BUNDLE_BYTES_MAX, too_large)?, too_large).await?;
    let (loading, name) = (Arc::clone(&admin), model.clone());
    // Goes on to its end, and is told in the log, though whoever asked for it be gone.
    let loaded = tokio::task::spawn_blocking(move || {
        let loaded = loading.loaded(&bytes, signatures, &name, &version);
        let mut act = Act::new("load", "loaded", &by, &name).with("version", &version);
        loaded.iter().for_each(|served| act.is_of(served));
        let done = loading.act(act, |state, act| {
            if !state.load(loaded?)? {
                act.is_idle();
            }
            Ok(())
        });
        drop(turn);
        done
    });
    loaded.await.unwrap_or_else(|_| Err(Problem::bug("to load the bundle ran into a bug")))?;
    admin.told(&model)
}

impl Admin {
    /// A bundle of its own name and version.
    fn loaded(
        &self,
        bytes: &[u8],
        signatures: Option<usize>,
        model: &str,
        version: &str,
    ) -> Result<Arc<Served>, Problem> {
        let split = bytes.split_at_checked(signatures.unwrap_or(0));
        let (signed, bundle) = split.ok_or_else(|| {
            Problem::malformed(format!(
                "the body has {} bytes, fewer than its signatures are said to have",
                bytes.len()
            ))
        })?;
        let predictor = self.service.models.load(bundle, signatures.map(|_| signed)).map_err(Problem::unloadable)?;
        Ok(Arc::new(Served::named(predictor, model, version, None)))
    }
}

fn signatures_length(headers: &HeaderMap) -> Result<Option<usize>, Problem> {
    let Some(length) = headers.get(SIGNATURES_LENGTH) else { return Ok(None) };
    let length = length.to_str().ok().and_then(|length| length.trim().parse::<usize>().ok());
    match length {
        None => Err(Problem::malformed(format!("`{SIGNATURES_LENGTH}` is no number of bytes"))),
        Some(length) if length > SIGNATURES_BYTES_MAX => {
            Err(Problem::too_many(format!("signatures may have {} MiB", SIGNATURES_BYTES_MAX >> 20)))
        }
        some => Ok(some),
    }
}

/// A bundle may be large and its way long: each part of it must come in time, not the whole.
async fn read(mut body: Body, too_large: impl Fn(usize) -> Problem) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = timeout(BODY_TIME, body.frame()).await.map_err(|_| Problem::too_slow())? {
        let frame = frame.map_err(|_| Problem::cut_off())?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > BUNDLE_BYTES_MAX {
            return Err(too_large(BUNDLE_BYTES_MAX));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
