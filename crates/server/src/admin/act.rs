//! What an administrator does: changed in one step, written down before it is, and told.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::Admin;
use crate::models::{Served, State};
use crate::problem::Problem;

/// Names that are none may be of any length.
const NAME_CHARS_MAX: usize = 80;

/// What is to be done, and by whom.
pub(super) struct Act {
    /// As it is written down: `load`.
    name: &'static str,
    /// As the log tells it, once it is done: `loaded`.
    event: &'static str,
    members: Vec<(&'static str, Value)>,
    is_done: bool,
}

impl Act {
    pub(super) fn new(name: &'static str, event: &'static str, by: &str, model: &str) -> Act {
        Act { name, event, members: Vec::new(), is_done: true }.with("by", by).with("model", model)
    }

    pub(super) fn with(mut self, member: &'static str, text: &str) -> Act {
        self.put(member, text);
        self
    }

    fn put(&mut self, member: &'static str, text: &str) {
        let text: String = text.chars().take(NAME_CHARS_MAX).collect();
        self.members.retain(|(name, _)| *name != member);
        self.members.push((member, json!(text)));
    }

    /// The bundle that it is about.
    pub(super) fn is_of(&mut self, served: &Served) {
        self.put("version", served.version());
        self.put("digest", &served.predictor.digest);
    }

    /// It changes nothing.
    pub(super) fn is_idle(&mut self) {
        self.is_done = false;
    }

    /// The act with what came of it: the status of the answer, if it is refused.
    fn written(&self, refused: Option<StatusCode>) -> Value {
        let outcome = match refused {
            Some(_) => "refused",
            None if self.is_done => "done",
            None => "unchanged",
        };
        let mut line = json!({ "act": self.name, "outcome": outcome, "time": Timestamp::now().to_string() });
        refused.into_iter().for_each(|status| line["status"] = json!(status.as_u16()));
        self.members.iter().for_each(|(name, value)| line[*name] = value.clone());
        line
    }
}

impl Admin {
    /// Changes what is served, in one step. If acts are written down, nothing is done that isn't.
    pub(super) fn act<T>(
        &self,
        mut act: Act,
        change: impl FnOnce(&mut State, &mut Act) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        // A disk takes its time.
        block_in_place(|| {
            let mut line = None;
            let (said, replaced) = self.service.models.change(|state| {
                let said = change(state, &mut act);
                let refused = said.as_ref().err().map(Problem::status);
                if let Some(acts) = &self.acts {
                    line = Some(acts.add(act.written(refused)).map_err(|error| self.unwritten(&error))?);
                }
                said
            })?;
            if act.is_done {
                act.members.extend(line.map(|line| ("line", json!(line))));
                self.service.log.event(act.event, &act.members);
                self.service.tell_contracts(&replaced);
            }
            Ok(said)
        })
    }

    /// Whoever asked is told no more than that; the log says why.
    fn unwritten(&self, error: &std::io::Error) -> Problem {
        self.service.log.event("act_not_written", &[("because", json!(error.to_string()))]);
        Problem::unwritten()
    }
}
