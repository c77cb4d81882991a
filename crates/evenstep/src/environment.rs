//! The engine and its host: told in the lock's `[facts]` and in what is signed, and in no digest.

use std::collections::BTreeMap;

use evenstep_exact::simd;
use evenstep_pipeline::artifact::Epochs;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// How this program was built.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Build {
    /// The commit; none in a debug build, or without git.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
    /// Whether files differed from the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<bool>,
    rustc: &'static str,
    target: &'static str,
    profile: &'static str,
    features: Vec<&'static str>,
}

/// The engine's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Build {
    /// This program's.
    pub(crate) fn here() -> Build {
        let some = |text: &'static str| (!text.is_empty()).then_some(text);
        Build {
            commit: some(env!("EVENSTEP_BUILD_COMMIT")),
            dirty: some(env!("EVENSTEP_BUILD_DIRTY")).map(|dirty| dirty == "true"),
            rustc: env!("EVENSTEP_BUILD_RUSTC"),
            target: env!("EVENSTEP_BUILD_TARGET"),
            profile: env!("EVENSTEP_BUILD_PROFILE"),
            features: env!("EVENSTEP_BUILD_FEATURES").split_whitespace().collect(),
        }
    }

    /// The commit, if it is known.
    pub(crate) fn commit(&self) -> Option<&'static str> {
        self.commit
    }
}

/// What is known of this engine and host.
pub(crate) fn here() -> Map<String, Value> {
    let facts = json!({
        "engine": VERSION,
        "build": Build::here(),
        "host": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "kernel": std::fs::read_to_string("/proc/sys/kernel/osrelease").map_or(Value::Null, |text| json!(text.trim())),
        "cpu": simd::features(),
        "simd": simd::level().word(),
    });
    let Value::Object(mut facts) = facts else { unreachable!("it is written as an object above") };
    facts.retain(|_, value| !value.is_null());
    facts
}

/// Something that was otherwise when a bundle was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// What.
    pub(crate) name: String,
    /// As it was.
    pub(crate) then: String,
    /// As it is here.
    pub(crate) now: String,
    /// Whether answers or digests may differ for it.
    pub(crate) matters: bool,
}

/// What differs between the engine and host that trained, and these.
pub(crate) fn differences(facts: &BTreeMap<String, Value>, epochs: Epochs) -> Vec<Difference> {
    let now = here();
    let mut differences = Vec::new();
    let mut compare = |name: &str, then: Option<&Value>, now: Option<&Value>, matters: bool| {
        // What one side didn't note down is no difference.
        if let (Some(then), Some(now)) = (then, now)
            && then != now
        {
            let said = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            differences.push(Difference { name: name.to_owned(), then: said(then), now: said(now), matters });
        }
    };
    let fit = |epochs: Epochs| json!(epochs.fit);
    compare("fit epoch", Some(&fit(epochs)), Some(&fit(Epochs::NOW)), true);
    for name in ["engine", "host", "kernel", "cpu", "simd"] {
        compare(name, facts.get(name), now.get(name), false);
    }
    let build = |of: Option<&Value>, key: &str| of.and_then(|build| build.get(key)).cloned();
    for key in ["commit", "dirty", "rustc", "target", "profile", "features"] {
        let (then, now) = (build(facts.get("build"), key), build(now.get("build"), key));
        compare(&format!("build {key}"), then.as_ref(), now.as_ref(), false);
    }
    differences
}
