//! What is served, told and changed: versions taken out, aliases pointed elsewhere and back.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, header};
use axum::{Json, body::Bytes};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, By};
use crate::formats::essence;
use crate::models::Told;
use crate::problem::Problem;

type Answer = Result<Json<Value>, Problem>;

pub(super) async fn models(State(admin): State<Arc<Admin>>) -> Json<Value> {
    Json(admin.service.models.now().json(Told::Earlier))
}

pub(super) async fn model(State(admin): State<Arc<Admin>>, Path(model): Path<String>) -> Answer {
    admin.told(&model)
}

pub(super) async fn unload(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    Path((model, version)): Path<(String, String)>,
) -> Answer {
    admin.service.models.change(|state| state.unload(&model, &version))?;
    admin.event("unloaded", &by, &[("model", json!(model)), ("version", json!(version))]);
    admin.told(&model)
}

pub(super) async fn unload_model(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    Path(model): Path<String>,
) -> Answer {
    admin.service.models.change(|state| state.unload_model(&model))?;
    admin.event("unloaded", &by, &[("model", json!(model))]);
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
        // Serde takes a list for the members of an object.
        let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let object = body.is_object().then_some(body).ok_or("it is no object")?;
        serde_json::from_value(object).map_err(|error| error.to_string())
    }
}

pub(super) async fn point(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    Path((model, alias)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let kind = headers.get(header::CONTENT_TYPE).map(essence);
    if kind.as_deref() != Some("application/json") {
        return Err(Problem::unread_type(kind.as_deref(), &["application/json"]));
    }
    let Target { version } = Target::read(&body)
        .map_err(|what| Problem::malformed(format!("the body is not as `{{\"version\": \"…\"}}`: {what}")))?;
    let before = admin.service.models.now();
    admin.service.models.change(|state| state.point(&model, &alias, &version))?;
    admin.event("pointed", &by, &[("model", json!(model)), ("alias", json!(alias)), ("version", json!(version))]);
    admin.service.tell_contracts_since(&before);
    admin.told(&model)
}

pub(super) async fn delete_alias(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    Path((model, alias)): Path<(String, String)>,
) -> Answer {
    admin.service.models.change(|state| state.delete_alias(&model, &alias))?;
    admin.event("alias_deleted", &by, &[("model", json!(model)), ("alias", json!(alias))]);
    admin.told(&model)
}

pub(super) async fn roll_back(
    State(admin): State<Arc<Admin>>,
    Extension(By(by)): Extension<By>,
    Path((model, alias)): Path<(String, String)>,
) -> Answer {
    let before = admin.service.models.now();
    let version = admin.service.models.change(|state| state.roll_back(&model, &alias))?;
    admin.event("rolled_back", &by, &[("model", json!(model)), ("alias", json!(alias)), ("version", json!(version))]);
    admin.service.tell_contracts_since(&before);
    admin.told(&model)
}

impl Admin {
    /// A model as it is now.
    pub(super) fn told(&self, model: &str) -> Answer {
        Ok(Json(self.service.models.now().model_json(model, Told::Earlier)?))
    }

    /// Tells what was done, and by whom.
    pub(super) fn event(&self, name: &str, by: &str, more: &[(&str, Value)]) {
        let members: Vec<(&str, Value)> = more.iter().cloned().chain([("by", json!(by))]).collect();
        self.service.log.event(name, &members);
    }
}
