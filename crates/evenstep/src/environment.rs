//! The engine and its host: told in the lock's `[facts]` and in what is signed, and in no digest.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_exact::simd;
use evenstep_pipeline::artifact::Epochs;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::sbom;

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
    /// A hash of what cargo compiled from.
    lock: String,
}

/// The fact that tells one engine's libraries from another's: the digest of its bill of materials.
pub(crate) const SBOM: &str = "sbom_sha256";
/// What is known of an engine's libraries: version and checksum of each, where a signature says them.
pub(crate) const LIBRARIES: &str = "libraries";

/// How differences of one library are called.
const LIBRARY: &str = "library ";

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
            lock: sbom::lock(),
        }
    }
}

/// What is known of this engine and host.
pub(crate) fn here() -> Map<String, Value> {
    let mut facts = engine_and_host();
    facts.insert(SBOM.to_owned(), json!(sbom::digest()));
    facts
}

/// The same without the libraries, which take longer to list than a bundle to load.
fn engine_and_host() -> Map<String, Value> {
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

impl Difference {
    /// Whether it is of one library.
    pub(crate) fn is_of_a_library(&self) -> bool {
        self.name.starts_with(LIBRARY)
    }
}

/// The libraries that are others, and those that one engine alone has.
fn other_libraries(then: &Map<String, Value>, now: &BTreeMap<String, String>) -> Vec<Difference> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let pair = |name: &String| {
        let said = |version: Option<&str>| version.unwrap_or("none").to_owned();
        let then = said(then.get(name).and_then(Value::as_str));
        Difference {
            name: format!("{LIBRARY}{name}"),
            then,
            now: said(now.get(name).map(String::as_str)),
            matters: false,
        }
    };
    names.into_iter().map(pair).filter(|difference| difference.then != difference.now).collect()
}

/// What differs between the engine and host that trained, and these.
pub(crate) fn differences(facts: &BTreeMap<String, Value>, epochs: Epochs) -> Vec<Difference> {
    let now = engine_and_host();
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
    // What was compiled from one lock file has the same libraries.
    if facts.get("build") == now.get("build") {
        return differences;
    }
    compare(SBOM, facts.get(SBOM), Some(&json!(sbom::digest())), false);
    if let Some(then) = facts.get(LIBRARIES).and_then(Value::as_object) {
        differences.extend(other_libraries(then, &sbom::versions(sbom::libraries())));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: impl FnOnce(&mut BTreeMap<String, Value>)) -> Vec<String> {
        let mut facts: BTreeMap<String, Value> = here().into_iter().collect();
        facts.insert(LIBRARIES.to_owned(), json!(sbom::versions(sbom::libraries())));
        change(&mut facts);
        let told = |Difference { name, then, now, matters }: Difference| format!("{name}: {then}, {now}, {matters}");
        differences(&facts, Epochs::NOW).into_iter().map(told).collect()
    }

    #[test]
    fn libraries_that_are_others_are_told_by_name() {
        assert_eq!(told(|_| ()), [""; 0]);
        let serde = sbom::versions(sbom::libraries())["serde"].clone();
        let changed = told(|facts| {
            facts.get_mut("build").expect("it is known")["lock"] = json!("another");
            facts.insert(SBOM.to_owned(), json!("11"));
            let libraries = facts.get_mut(LIBRARIES).and_then(Value::as_object_mut).expect("they were put there");
            libraries.insert("serde".to_owned(), json!("0.9.0 (001122334455)"));
            libraries.insert("gone".to_owned(), json!("1.0.0 (001122334455)"));
        });
        let expected = [
            format!("sbom_sha256: 11, {}, false", sbom::digest()),
            "library gone: 1.0.0 (001122334455), none, false".to_owned(),
            format!("library serde: 0.9.0 (001122334455), {serde}, false"),
        ];
        assert_eq!(changed, expected);
        let older = |facts: &mut BTreeMap<String, Value>| {
            facts.retain(|name, _| *name != SBOM && *name != LIBRARIES);
            facts.get_mut("build").and_then(Value::as_object_mut).expect("it is known").remove("lock");
        };
        assert_eq!(told(older), [""; 0], "older locks");
        assert!(sbom::Library::at("pkg:cargo/serde@1.0.0", "ab").is_some());
        for url in ["pkg:npm/serde@1.0.0", "pkg:cargo/serde", "pkg:cargo/a\n  same  @1", "pkg:cargo/a@\u{1b}[2J"] {
            assert_eq!(sbom::Library::at(url, "ab"), None, "{url}");
        }
    }
}
