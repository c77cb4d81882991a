//! The engine's bill of materials: every library that is in it, with version, licence and checksum, as CycloneDX 1.6.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use evenstep_attest::sha256;
use evenstep_exact::canonical::{Hasher, canonical_json};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::environment::VERSION;

/// What cargo compiled from; empty if the build found no lock file.
const LOCK: &str = include_str!(concat!(env!("OUT_DIR"), "/Cargo.lock"));
/// Which of it is in the engine, and under which licence.
const COMPONENTS: &str = include_str!("../components.txt");
/// What is in it besides, for `image --push`.
const PUSH_COMPONENTS: &str = if cfg!(feature = "push") { include_str!("../components-push.txt") } else { "" };

#[derive(Deserialize)]
struct Lockfile {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Every library of the engine. The same for every build of a version: nothing of a host is in it.
pub(crate) fn of_engine() -> &'static Value {
    static BILL: LazyLock<Value> = LazyLock::new(|| if LOCK.is_empty() { unknown() } else { listed(LOCK) });
    &BILL
}

/// The SHA-256 of the bill, as canonical JSON.
pub(crate) fn digest() -> String {
    sha256(&canonical_json(of_engine()))
}

/// A hash of the lock file, which tells sooner than the bill whether libraries are the same.
pub(crate) fn lock() -> String {
    Hasher::new("evenstep lock file").str(LOCK).finish().short()
}

/// A library that others wrote.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Library {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SHA-256 of its source, in hex.
    pub(crate) checksum: String,
}

/// The engine's libraries.
pub(crate) fn libraries() -> Vec<Library> {
    let bill = of_engine();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let library = |component: &Value| {
        let checksum = text(component.pointer("/hashes/0/content")?)?;
        Some(Library { name: text(&component["name"])?, version: text(&component["version"])?, checksum })
    };
    bill["components"].as_array().into_iter().flatten().filter_map(library).collect()
}

impl Library {
    /// The library at a package URL, which has that checksum; None for a URL of another kind.
    pub(crate) fn at(url: &str, checksum: &str) -> Option<Library> {
        let (name, version) = url.strip_prefix("pkg:cargo/")?.split_once('@')?;
        // Whoever wrote it, it may be shown.
        let is_one = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
        if ![name, version, checksum].into_iter().all(is_one) {
            return None;
        }
        Some(Library { name: name.to_owned(), version: version.to_owned(), checksum: checksum.to_owned() })
    }

    /// Its package URL.
    pub(crate) fn url(&self) -> String {
        purl(&self.name, &self.version)
    }
}

/// Which version of each there is, with the first digits of its checksum; of some there are several.
pub(crate) fn versions(libraries: Vec<Library>) -> BTreeMap<String, String> {
    let sorted: BTreeSet<Library> = libraries.into_iter().collect();
    let mut versions = BTreeMap::<String, String>::new();
    for Library { name, version, checksum } in sorted {
        let short: String = checksum.chars().take(12).collect();
        let told = versions.entry(name).or_default();
        let comma = if told.is_empty() { "" } else { ", " };
        told.push_str(&format!("{comma}{version} ({short})"));
    }
    versions
}

/// The bill of an engine that was compiled without a lock file: what is in it isn't known, and it says so.
fn unknown() -> Value {
    let mut bill = bill(Vec::new(), Vec::new());
    bill["compositions"] = json!([{ "aggregate": "unknown", "assemblies": [purl("evenstep", VERSION)] }]);
    bill
}

fn listed(lock: &str) -> Value {
    let lock: Lockfile = toml::from_str(lock).expect("cargo writes its lock file");
    let locked: BTreeMap<(&str, &str), &Package> =
        lock.package.iter().map(|package| ((package.name.as_str(), package.version.as_str()), package)).collect();
    // The lock of a published crate is of it alone, and lacks what only other crates of the workspace ask of its libraries.
    let there = || components().filter(|(name, version, _)| locked.contains_key(&(*name, *version)));
    let listed: BTreeSet<(&str, &str)> = there().map(|(name, version, _)| (name, version)).collect();
    let package = |name: &str, version: &str| locked[&(name, version)];
    let components: Vec<Value> = there()
        .filter(|(name, ..)| *name != "evenstep")
        .map(|(name, version, licence)| {
            let mut component = json!({
                "bom-ref": purl(name, version),
                "type": "library",
                "name": name,
                "version": version,
                "purl": purl(name, version),
                "licenses": [{ "expression": licence }],
            });
            if let Some(checksum) = &package(name, version).checksum {
                component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
            }
            component
        })
        .collect();
    let depends = |(name, version): &(&str, &str)| {
        // Cargo writes the version of a dependency only where there are several.
        let on = package(name, version).dependencies.iter().filter_map(|named| {
            let mut words = named.split(' ');
            let (name, version) = (words.next()?, words.next());
            let of_name = |(other, theirs): &&(&str, &str)| *other == name && version.is_none_or(|v| v == *theirs);
            listed.iter().find(of_name).map(|(name, version)| purl(name, version))
        });
        json!({ "ref": purl(name, version), "dependsOn": on.collect::<BTreeSet<_>>() })
    };
    bill(components, listed.iter().map(depends).collect())
}

fn bill(components: Vec<Value>, dependencies: Vec<Value>) -> Value {
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": {
            "bom-ref": purl("evenstep", VERSION),
            "type": "application",
            "name": "evenstep",
            "version": VERSION,
            "purl": purl("evenstep", VERSION),
            "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
        } },
        "components": components,
        "dependencies": dependencies,
    })
}

/// Name, version and licence of each.
fn components() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    COMPONENTS.lines().chain(PUSH_COMPONENTS.lines()).filter(|line| !line.starts_with('#')).map(|line| {
        let mut parts = line.splitn(3, ' ');
        let mut part = || parts.next().expect("name, version and licence");
        (part(), part(), part())
    })
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_a_lock_file_says_that_the_list_is_not_known() {
        let bill = unknown();
        assert_eq!(bill["components"], json!([]));
        assert_eq!(bill["compositions"][0]["aggregate"], "unknown");
        assert_eq!(bill["compositions"][0]["assemblies"][0], bill["metadata"]["component"]["bom-ref"]);
        assert!(of_engine()["components"].as_array().is_some_and(|listed| listed.len() > 100), "this one has one");
    }

    #[test]
    fn what_the_lock_of_a_published_crate_lacks_is_not_in_its_engine() {
        let (name, version, _) = components().find(|(name, ..)| *name == "serde").expect("it is used");
        let lock = format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndependencies = [\"gone\"]\n");
        let bill = listed(&lock);
        assert_eq!(bill["components"].as_array().expect("a list").len(), 1);
        assert_eq!(bill["dependencies"], json!([{ "ref": purl(name, version), "dependsOn": [] }]));
    }
}
