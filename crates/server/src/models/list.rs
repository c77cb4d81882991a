//! `GET /models`, `GET /models/M`: what is served, for those who may ask.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::state::{Alias, Model};
use crate::names::InPath;
use crate::problem::Problem;
use crate::{Service, openapi, predict};

/// What is asked of models by their names.
pub(crate) fn routes() -> Router<Arc<Service>> {
    let mut router = Router::new().route("/models", get(models)).route("/models/{model}", get(model));
    for model in ["/models/{model}", "/models/{model}/versions/{version}"] {
        router = router
            .route(&format!("{model}/predict"), post(predict::predict))
            .route(&format!("{model}/openapi.json"), get(openapi::openapi));
    }
    router
}

async fn models(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(service.models.now().json(Told::Now))
}

async fn model(State(service): State<Arc<Service>>, InPath(name): InPath<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(service.models.now().model_json(&name, Told::Now)?))
}

/// How much is told of aliases.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// What they point at.
    Now,
    /// And what they pointed at before.
    Earlier,
}

impl super::State {
    pub(crate) fn json(&self, told: Told) -> Value {
        let models: Vec<Value> = self.models.iter().map(|(name, model)| model.json(name, told)).collect();
        json!({ "default": self.default, "models": models })
    }

    pub(crate) fn model_json(&self, name: &str, told: Told) -> Result<Value, Problem> {
        Ok(self.model(name)?.json(name, told))
    }
}

impl Model {
    fn json(&self, name: &str, told: Told) -> Value {
        let version = |(version, served): (&String, &Arc<super::Served>)| json!({ "version": version, "digest": served.predictor.digest });
        let alias = |(name, alias): (&String, &Alias)| {
            let value = match told {
                Told::Now => json!(alias.version),
                Told::Earlier => json!({ "version": alias.version, "earlier": alias.earlier }),
            };
            (name.clone(), value)
        };
        json!({
            "model": name,
            "aliases": self.aliases.iter().map(alias).collect::<Map<_, _>>(),
            "versions": self.versions.iter().map(version).collect::<Vec<_>>(),
        })
    }
}
