//! What is served, told and changed: versions taken out, aliases pointed elsewhere and back.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Value;

use super::act::Act;
use super::{Admin, By};
use crate::formats::{essence, is_utf8};
use crate::limits::SMALL_BODY_BYTES;
use crate::models::Told;
use crate::names::InPath;
use crate::problem::Problem;

type Answer = Result<Json<Value>, Problem>;

pub(super) async fn models(State(admin): State<Arc<Admin>>) -> Json<Value> {
    Json(admin.service.models.now().json(Told::Earlier))
}

pub(super) async fn model(State(admin): State<Arc<Admin>>, InPath(model): InPath<String>) -> Answer {
    admin.told(&model)
}

pub(super) async fn unload(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    InPath((model, version)): InPath<(String, String)>,
) -> Answer {
    let act = Act::new("unload", "unloaded", &by, &model).with("version", &version);
    admin.act(act, |state, act| state.unload(&model, &version).map(|served| act.is_of(&served)))?;
    admin.told(&model)
}

pub(super) async fn unload_model(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    InPath(model): InPath<String>,
) -> Answer {
    admin.act(Act::new("unload", "unloaded", &by, &model), |state, _| state.unload_model(&model))?;
    Ok(models(State(admin)).await)
}

/// What an alias is to point at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    version: String,
}

impl Target {
    fn read(body: &[u8]) -> Result<Target, String> {
        // Serde takes a list for the members of an object, too.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        is_object.then_some(()).ok_or("it is no object")?;
        serde_json::from_slice(body).map_err(|error| error.to_string())
    }
}

/// Whether a body says what an alias is to point at.
pub(crate) fn check_target(body: &[u8]) -> Result<(), String> {
    Target::read(body).map(drop)
}

pub(super) async fn point(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    InPath((model, alias)): InPath<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let said = headers.get(header::CONTENT_TYPE);
    let kind = said.map(essence);
    if kind.as_deref() != Some("application/json") {
        return Err(Problem::unread_type(kind.as_deref(), &["application/json"]));
    }
    if let Some(said) = said.filter(|said| !is_utf8(said)) {
        return Err(Problem::unread_charset(said.to_str().unwrap_or_default()));
    }
    let body = admin.service.room.read_up_to(body, SMALL_BODY_BYTES).await?;
    let Target { version } = Target::read(&body.bytes)
        .map_err(|what| Problem::malformed(format!("the body is not as `{{\"version\": \"…\"}}`: {what}")))?;
    let act = Act::new("point", "pointed", &by, &model).with("alias", &alias).with("version", &version);
    admin.act(act, |state, act| state.point(&model, &alias, &version).map(|served| act.is_of(&served)))?;
    admin.told(&model)
}

pub(super) async fn delete_alias(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    InPath((model, alias)): InPath<(String, String)>,
) -> Answer {
    let act = Act::new("delete_alias", "alias_deleted", &by, &model).with("alias", &alias);
    admin.act(act, |state, act| state.delete_alias(&model, &alias).map(|served| act.is_of(&served)))?;
    admin.told(&model)
}

pub(super) async fn roll_back(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    InPath((model, alias)): InPath<(String, String)>,
) -> Answer {
    let act = Act::new("roll_back", "rolled_back", &by, &model).with("alias", &alias);
    admin.act(act, |state, act| state.roll_back(&model, &alias).map(|served| act.is_of(&served)))?;
    admin.told(&model)
}

impl Admin {
    /// A model as it is now.
    pub(super) fn told(&self, model: &str) -> Answer {
        Ok(Json(self.service.models.now().model_json(model, Told::Earlier)?))
    }
}
