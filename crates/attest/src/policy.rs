//! Who is trusted with what: a file that people write, and keep where they trust it.

use std::collections::BTreeSet;

use glob::Pattern;
use serde::Deserialize;
use toml::Spanned;

use crate::{AttestError, PublicKey};

/// Whose signatures count, and how many of them each pipeline needs.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The keys that count.
    pub keys: Vec<TrustedKey>,
    /// What pipelines need; the first that names a pipeline is its rule.
    pub rules: Vec<Rule>,
    /// Artifacts that nobody may vouch for any more.
    pub withdrawn: Vec<Withdrawn>,
}

/// An artifact that is trusted no more, whoever signed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawn {
    /// Its digest, 64 hex digits.
    pub digest: String,
    /// Why.
    pub reason: String,
}

/// A key, and whose it is.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// Who has it.
    pub name: String,
    /// What they do, if that matters.
    pub role: Option<String>,
    /// The key.
    pub public: PublicKey,
}

/// What some pipelines need.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The pipelines, by name, with `*` and `?`.
    pub pipelines: Vec<Pattern>,
    /// How many people have to sign.
    pub need: usize,
    /// Who may: names and roles; everybody if there are none.
    pub from: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    key: Vec<WrittenKey>,
    #[serde(default)]
    rule: Vec<WrittenRule>,
    #[serde(default)]
    withdrawn: Vec<WrittenWithdrawn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWithdrawn {
    digest: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    name: Spanned<String>,
    role: Option<Spanned<String>>,
    public: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    pipelines: Vec<String>,
    #[serde(default = "one")]
    need: usize,
    from: Option<Vec<String>>,
}

fn one() -> usize {
    1
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// TOML that doesn't parse, a key that is none or stands there twice, or a rule that nothing can meet.
    pub fn parse(text: &str) -> Result<Policy, AttestError> {
        let written: Written = toml::from_str(text)
            .map_err(|error| AttestError::new(format!("the policy doesn't parse: {}", plain(text, &error))))?;
        told_apart(&written.key).map_err(|(at, message)| {
            let line = text[..at].matches('\n').count() + 1;
            AttestError::new(format!("line {line} of the policy: {message}"))
        })?;
        let keys: Vec<TrustedKey> = written.key.into_iter().map(trusted).collect::<Result<_, _>>()?;
        for (at, key) in keys.iter().enumerate() {
            if let Some(other) = keys[..at].iter().find(|other| other.public == key.public) {
                return Err(AttestError::new(format!("`{}` and `{}` have the same key", other.name, key.name)));
            }
        }
        let rules: Vec<Rule> = written.rule.into_iter().map(|rule| checked(rule, &keys)).collect::<Result<_, _>>()?;
        if rules.is_empty() {
            return Err(AttestError::new("the policy has no `[[rule]]`, so it trusts nobody with anything"));
        }
        let withdrawn = written.withdrawn.into_iter().map(withdrawn).collect::<Result<_, _>>()?;
        Ok(Policy { keys, rules, withdrawn })
    }

    /// Why an artifact is trusted no more, if it isn't.
    pub(crate) fn withdrawn(&self, digest: &str) -> Option<&Withdrawn> {
        self.withdrawn.iter().find(|withdrawn| withdrawn.digest == digest)
    }

    /// The rule of a pipeline.
    pub fn rule(&self, pipeline: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.pipelines.iter().any(|pattern| pattern.matches(pipeline)))
    }
}

impl Rule {
    /// Whether a signature of this key counts here.
    pub fn counts(&self, key: &TrustedKey) -> bool {
        let named = |from: &String| *from == key.name || Some(from) == key.role.as_ref();
        self.from.is_empty() || self.from.iter().any(named)
    }
}

/// In words of people, not of Rust, and without what stands there: it may be a secret that was put into the wrong file.
fn plain(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let said = unvalued(error.message()).replace("expected usize", "expected a whole number from 1");
    format!(
        "line {}, column {column}: {}",
        before.matches('\n').count() + 1,
        said.replace("sequence", "list").trim_end()
    )
}

/// What serde says, without the value that it didn't expect: `invalid type, expected a list`. A name that is no longer than a word is
/// one that was mistyped.
fn unvalued(message: &str) -> String {
    const WORD: usize = 24;
    let kinds = ["invalid type", "invalid value", "unknown field", "unknown variant"];
    let Some(kind) = kinds.into_iter().find(|kind| message.starts_with(kind)) else { return message.to_owned() };
    if kind == "unknown field" && message.split('`').nth(1).is_some_and(|name| name.len() <= WORD) {
        return message.to_owned();
    }
    message.rsplit_once(", expected ").map_or_else(|| kind.to_owned(), |(_, known)| format!("{kind}, expected {known}"))
}

fn trusted(WrittenKey { name, role, public }: WrittenKey) -> Result<TrustedKey, AttestError> {
    let (name, role) = (name.into_inner(), role.map(Spanned::into_inner));
    let public =
        PublicKey::parse(&public).map_err(|error| AttestError::new(format!("the key of `{name}`: {error}")))?;
    Ok(TrustedKey { name, role, public })
}

fn withdrawn(WrittenWithdrawn { digest, reason }: WrittenWithdrawn) -> Result<Withdrawn, AttestError> {
    let is_hex = |hex: &&str| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let Some(hex) = digest.strip_prefix("sha256:").filter(is_hex) else {
        let message = format!(
            "`{digest}` of `[[withdrawn]]` is no digest: write `sha256:` and 64 hex digits, as `inspect` shows it"
        );
        return Err(AttestError::new(message));
    };
    if reason.trim().is_empty() {
        return Err(AttestError::new(format!(
            "`{digest}` is withdrawn without a reason: write what whoever meets it has to know"
        )));
    }
    Ok(Withdrawn { digest: hex.to_owned(), reason })
}

/// Refuses names and roles that people, or `from`, could take for each other; says where the later one stands.
fn told_apart(keys: &[WrittenKey]) -> Result<(), (usize, String)> {
    let read =
        |word: &str| word.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect::<String>();
    let alike = |a: &Spanned<String>, b: &Spanned<String>| read(a.get_ref()) == read(b.get_ref());
    for (at, key) in keys.iter().enumerate() {
        let (name, start) = (key.name.get_ref(), key.name.span().start);
        if let Some(other) = keys[..at].iter().map(|other| &other.name).find(|other| alike(other, &key.name))
            && other.get_ref() != name
        {
            let other = other.get_ref();
            return Err((
                start,
                format!("`{name}` and `{other}` differ by case or blanks only: write one person's name in one way"),
            ));
        }
        let Some(role) = &key.role else { continue };
        if keys.iter().any(|other| other.name.get_ref() != name && alike(&other.name, role)) {
            let role_name = role.get_ref();
            return Err((
                role.span().start,
                format!(
                    "the role `{role_name}` of `{name}` is another key's name, too: `from` couldn't tell them apart"
                ),
            ));
        }
    }
    Ok(())
}

fn checked(rule: WrittenRule, keys: &[TrustedKey]) -> Result<Rule, AttestError> {
    let WrittenRule { pipelines, need, from } = rule;
    let about = format!("the rule for `{}`", pipelines.join("`, `"));
    if from.as_ref().is_some_and(Vec::is_empty) {
        let message =
            format!("{about} counts on nobody: `from` names keys or roles, and without it everybody may sign");
        return Err(AttestError::new(message));
    }
    let from = from.unwrap_or_default();
    let known = |from: &&String| keys.iter().any(|key| key.name == **from || key.role.as_ref() == Some(*from));
    if let Some(unknown) = from.iter().find(|from| !known(from)) {
        return Err(AttestError::new(format!("{about} counts on `{unknown}`, which is no key's name or role")));
    }
    // Of the patterns that there are, `[…]` is none of ours.
    let patterns =
        pipelines.iter().map(|pattern| Pattern::new(&pattern.replace('[', "[[]"))).collect::<Result<Vec<_>, _>>();
    let patterns = patterns.map_err(|error| AttestError::new(format!("{about} has no pattern of names: {error}")))?;
    let rule = Rule { pipelines: patterns, need, from };
    let people: BTreeSet<&str> = keys.iter().filter(|key| rule.counts(key)).map(|key| key.name.as_str()).collect();
    if need == 0 || need > people.len() {
        let message = format!("{about} needs {need} signatures, and {} can sign: write 1 up to that", people.len());
        return Err(AttestError::new(message));
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = r#"
        [[key]]
        name = "ana"
        role = "owner"
        public = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
        [[key]]
        name = "ben"
        public = "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
    "#;

    fn read(rules: &str) -> String {
        match Policy::parse(&format!("{KEYS}{rules}")) {
            Ok(policy) => format!("{} keys, {} rules", policy.keys.len(), policy.rules.len()),
            Err(error) => error.0,
        }
    }

    #[test]
    fn a_rule_that_nothing_can_meet_is_refused() {
        let one = "[[rule]]\npipelines = [\"*\"]\n";
        assert_eq!(read(one), "2 keys, 1 rules");
        assert_eq!(read(""), "the policy has no `[[rule]]`, so it trusts nobody with anything");
        let none = read(&format!("{one}need = 0"));
        assert_eq!(none, "the rule for `*` needs 0 signatures, and 2 can sign: write 1 up to that");
        assert_eq!(read(&format!("{one}need = 2")), "2 keys, 1 rules");
        assert!(read(&format!("{one}need = 2\nfrom = [\"owner\"]")).contains("needs 2 signatures, and 1 can sign"));
        assert!(read(&format!("{one}from = [\"bob\"]")).contains("counts on `bob`"));
        assert!(read(&format!("{one}from = []")).contains("the rule for `*` counts on nobody"));
        assert!(read(&format!("{one}needs = 2")).contains("unknown field `needs`"));
        assert!(read(&format!("{one}need = \"2\"")).contains("expected a whole number from 1"));
    }

    #[test]
    fn what_is_withdrawn_has_a_digest_and_a_reason() {
        let withdrawn = |digest: &str, reason: &str| {
            read(&format!("[[rule]]\npipelines = [\"*\"]\n[[withdrawn]]\ndigest = \"{digest}\"\nreason = \"{reason}\""))
        };
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(withdrawn(&digest, "prices of 2019"), "2 keys, 1 rules");
        assert!(
            withdrawn(&digest, " ").ends_with("is withdrawn without a reason: write what whoever meets it has to know")
        );
        for wrong in [&digest[7..], &digest[..70], &digest.to_uppercase(), ""] {
            assert!(withdrawn(wrong, "old").contains("of `[[withdrawn]]` is no digest"), "{wrong}");
        }
    }

    #[test]
    fn one_key_has_one_name() {
        let twice =
            KEYS.replace("PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(Policy::parse(&twice).expect_err("refused").0, "`ana` and `ben` have the same key");
    }

    #[test]
    fn names_and_roles_that_could_be_taken_for_each_other_are_refused_by_line() {
        let refused = |from: &str, to: &str| {
            let text = format!("{}[[rule]]\npipelines = [\"*\"]", KEYS.replace(from, to));
            Policy::parse(&text).map(drop).map_err(|error| error.0)
        };
        let alike =
            "line 7 of the policy: `Ana ` and `ana` differ by case or blanks only: write one person's name in one way";
        assert_eq!(refused("\"ben\"", "\"Ana \""), Err(alike.to_owned()));
        let role =
            "line 4 of the policy: the role `ben` of `ana` is another key's name, too: `from` couldn't tell them apart";
        assert_eq!(refused("\"owner\"", "\"ben\""), Err(role.to_owned()));
        assert_eq!(refused("\"owner\"", "\"ana\""), Ok(()));
        assert_eq!(refused("\"ben\"", "\"ana\""), Ok(()), "a person may have several keys");
    }

    #[test]
    fn the_first_rule_that_names_a_pipeline_is_its_rule() {
        let rules = "[[rule]]\npipelines = [\"house-*\"]\nneed = 2\n[[rule]]\npipelines = [\"*\"]\n";
        let policy = Policy::parse(&format!("{KEYS}{rules}")).expect("sound");
        let need = |name: &str| policy.rule(name).map(|rule| rule.need);
        assert_eq!((need("house-prices"), need("titanic")), (Some(2), Some(1)));
    }

    #[test]
    fn brackets_in_the_name_of_a_pipeline_are_brackets() {
        let policy = Policy::parse(&format!("{KEYS}[[rule]]\npipelines = [\"[ab]?\"]")).expect("sound");
        assert_eq!(["[ab]1", "a1"].map(|name| policy.rule(name).is_some()), [true, false]);
    }
}
