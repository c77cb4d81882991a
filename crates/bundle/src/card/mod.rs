//! The model card: what a person should know before relying on the model, as Markdown.
//!
//! Facts come from the artifact, words from the spec's `[card]`. Words are quoted, so that none of them can pass for a fact.

mod data;
mod limits;
mod markdown;
mod measured;

use evenstep_exact::canonical::canonical_json;
use evenstep_pipeline::artifact::version_of;
use evenstep_pipeline::{Artifact, CardSection};
use evenstep_table::{Task, counted};
use serde::Deserialize;

use markdown::{Markdown, code};

/// The card.
pub(crate) fn of(artifact: &Artifact, digest: &str) -> String {
    let words = words(artifact);
    let mut card = Markdown::default();
    card.line(&format!("# {}", markdown::plain(&artifact.name)));
    card.paragraph(&format!("Version {} · {digest}", version_of(digest)));
    card.paragraph(&predicts(artifact));
    use_and_people(&words, &mut card);
    data::of(artifact, &mut card);
    measured::of(artifact, &mut card);
    limits::of(artifact, &mut card);
    parts(artifact, &mut card);
    if let Some(notes) = &words.notes {
        card.heading("Notes");
        card.quote(notes);
    }
    provenance(artifact, digest, &mut card);
    card.text()
}

/// What people wrote; nothing in bundles of before there was a place for it.
fn words(artifact: &Artifact) -> CardSection {
    artifact
        .spec
        .get("card")
        .map_or_else(CardSection::default, |card| CardSection::deserialize(card).unwrap_or_default())
}

fn predicts(artifact: &Artifact) -> String {
    let target = code(artifact.data.target.as_str());
    let unit = artifact.contract.columns.get(&artifact.data.target).and_then(|rule| rule.unit.as_ref());
    let what = match &artifact.task {
        Task::Regression => {
            format!("{target}, a number{}", unit.map_or(String::new(), |unit| format!(" in {}", markdown::plain(unit))))
        }
        Task::Binary { classes: [negative, positive] } => {
            format!("how likely {target} is {} rather than {}", code(positive), code(negative))
        }
        Task::Multiclass { classes } => {
            let listed: Vec<String> = classes.iter().map(|class| code(class)).collect();
            format!("which of {} classes {target} is: {}", classes.len(), listed.join(", "))
        }
        Task::Ranking => format!("in which order the rows of a group come, by {target}"),
    };
    format!(
        "Predicts {what}, by `{}` over {}, from {}.",
        artifact.model.name,
        counted(artifact.features.len(), "feature"),
        counted(artifact.inputs.len(), "input column")
    )
}

/// What only people can say. What nobody said is named, since its absence is a fact too.
fn use_and_people(words: &CardSection, card: &mut Markdown) {
    card.heading("Use");
    let mut unsaid = Vec::new();
    let mut said = |title: &str, key: &'static str, text: Option<&str>, card: &mut Markdown| match text {
        Some(text) => {
            card.paragraph(&format!("**{title}**"));
            card.quote(text);
        }
        None => unsaid.push(key),
    };
    let owners = (!words.owners.is_empty()).then(|| words.owners.join(", "));
    said("Intended for", "intended_use", words.intended_use.as_deref(), card);
    said("Not intended for", "out_of_scope", words.out_of_scope.as_deref(), card);
    said("Ethical considerations", "ethical_considerations", words.ethical_considerations.as_deref(), card);
    said("Owners", "owners", owners.as_deref(), card);
    said("Contact", "contact", words.contact.as_deref(), card);
    said("Licence", "licence", words.licence.as_deref(), card);
    if !unsaid.is_empty() {
        let keys: Vec<String> = unsaid.iter().map(|key| code(key)).collect();
        card.paragraph(&format!("Nobody has said: {}. `[card]` in the spec has a place for it.", keys.join(", ")));
    }
}

fn parts(artifact: &Artifact, card: &mut Markdown) {
    card.heading("What it does");
    card.item(&format!("reads {}", counted(artifact.inputs.len(), "column")));
    for step in &artifact.steps {
        card.item(&format!("`{}` on {}", step.name, counted(step.reads.len(), "column")));
    }
    card.item(&format!("`{}` on {}", artifact.model.name, counted(artifact.features.len(), "feature")));
    card.paragraph("`spec.json` in the bundle has every parameter, with defaults written out.");
}

fn provenance(artifact: &Artifact, digest: &str, card: &mut Markdown) {
    card.heading("Where it comes from");
    let spec = blake3::hash(&canonical_json(&artifact.spec)).to_hex();
    let rows = [
        ["artifact".to_owned(), code(digest)],
        ["training data".to_owned(), code(&artifact.fingerprint)],
        ["spec".to_owned(), code(&format!("blake3:{spec}"))],
        ["seed".to_owned(), artifact.seed.to_string()],
        ["apply epoch, fit epoch".to_owned(), format!("{}, {}", artifact.epochs.apply, artifact.epochs.fit)],
    ];
    card.table(["what", "which"], rows);
    card.paragraph(
        "`evenstep verify` trains it again from spec and data, and compares the digest. The digest covers what determines \
         the answers: neither metrics nor profile, nor this card. For these, training again, the lock or a signature \
         vouches. Who made it when and where is in the signed statement beside the bundle, if there is one.",
    );
}
