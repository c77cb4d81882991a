//! Whether those who signed are trusted with what they signed.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;

use crate::statement::foreign;
use crate::{
    AttestError, Difference, Envelope, Policy, PublicKey, Signature, Statement, TrustedKey, pre_authentication_encoding,
};

/// The artifact at hand.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// What is to be said of it: that of [`Statement::without_facts`] counts.
    pub statement: &'a Statement,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether the policy is met.
    pub trusted: bool,
    /// Why, or why not.
    pub because: Because,
    /// Each signature that there is.
    pub signatures: Vec<Signed>,
}

/// Why an artifact is trusted, or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Because {
    /// As many as needed have signed.
    Enough {
        /// Who.
        signed: Vec<String>,
        /// How many are needed.
        need: usize,
        /// The last day on which that counts, if it doesn't for ever.
        until: Option<Date>,
    },
    /// As many as needed have signed, and it counts no longer.
    Expired {
        /// The last day on which it counted.
        last: Date,
    },
    /// The policy trusts the artifact no more, whoever signed it.
    Withdrawn {
        /// Why.
        reason: String,
    },
    /// Fewer have signed than are needed.
    NotEnough {
        /// Who.
        signed: Vec<String>,
        /// How many are needed.
        need: usize,
    },
    /// Nobody has signed.
    Unsigned,
    /// All who have signed are unknown to the policy.
    Strangers,
    /// What is there is not what was signed: no signature of a known key is right.
    Changed,
    /// What was signed is another artifact.
    OtherArtifact {
        /// The digests that were signed: of the file, or of the artifact if that is the one which differs.
        signed: String,
        /// That of what is at hand.
        found: String,
    },
    /// What was signed is this artifact, and something else is said of it than it holds.
    SaysOtherwise {
        /// The fields.
        differences: Vec<Difference>,
    },
    /// The policy says nothing of the pipeline.
    NoRule {
        /// The pipeline.
        pipeline: String,
    },
}

/// A signature, and what it is worth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signed {
    /// It is right, and counts.
    Counts {
        /// The key.
        key: String,
        /// Whose it is.
        name: String,
        /// What they do.
        role: Option<String>,
    },
    /// It is right, but the pipeline's rule asks for others.
    DoesNotCount {
        /// The key.
        key: String,
        /// Whose it is.
        name: String,
    },
    /// The policy doesn't know the key.
    UnknownKey {
        /// The key.
        key: String,
    },
    /// It is not what this key signs this statement with.
    Wrong {
        /// The key.
        key: String,
        /// Whose it is.
        name: String,
    },
}

/// Judges the signatures of an artifact by a policy, on a day in UTC.
///
/// # Errors
/// An envelope that holds no signature or no statement, or one that counts until a day that is none.
pub fn judge(
    envelope: Option<&Envelope>,
    subject: &Subject<'_>,
    policy: &Policy,
    today: Date,
) -> Result<Verdict, AttestError> {
    let mut digests = subject.statement.subject.iter().filter_map(|of| of.digest.get("evenstep"));
    if let Some(withdrawn) = digests.find_map(|digest| policy.withdrawn(digest)) {
        return Ok(Verdict::untrusted(Because::Withdrawn { reason: withdrawn.reason.clone() }, Vec::new()));
    }
    let Some(envelope) = envelope else { return Ok(Verdict::untrusted(Because::Unsigned, Vec::new())) };
    let rule = policy.rule(subject.pipeline);
    let signatures = worth(envelope, policy, |key| rule.is_some_and(|rule| rule.counts(key)))?;
    let signed: BTreeSet<&String> = signatures.iter().filter_map(Signed::counting).collect();
    let signed: Vec<String> = signed.into_iter().cloned().collect();
    let statement = envelope.statement()?;
    let because = match (rule, otherwise(&statement, subject.statement)) {
        (None, _) => Because::NoRule { pipeline: subject.pipeline.to_owned() },
        (Some(_), _) if is_changed(&signatures) => Because::Changed,
        (Some(_), Some(otherwise)) => otherwise,
        (Some(_), None) if signatures.iter().all(Signed::is_by_a_stranger) => Because::Strangers,
        (Some(rule), None) if signed.len() < rule.need => Because::NotEnough { signed, need: rule.need },
        (Some(rule), None) => match statement.last_day()? {
            Some(last) if last < today => Because::Expired { last },
            until => Because::Enough { signed, need: rule.need, until },
        },
    };
    Ok(Verdict { trusted: matches!(because, Because::Enough { .. }), because, signatures })
}

/// Why a file of that SHA-256 may be refused before anything in it is looked at, whatever it is: nobody whose key the policy has
/// vouches for it. None if somebody does; whether that is enough, [`judge`] says.
///
/// # Errors
/// An envelope that holds no signature or no statement.
pub fn refused_unread(
    envelope: Option<&Envelope>,
    sha256: &str,
    policy: &Policy,
) -> Result<Option<Verdict>, AttestError> {
    let Some(envelope) = envelope else { return Ok(Some(Verdict::untrusted(Because::Unsigned, Vec::new()))) };
    let signatures = worth(envelope, policy, |_| true)?;
    let signed = digests(&envelope.statement()?, "sha256");
    let because = match signatures.iter().find_map(Signed::counting) {
        _ if is_changed(&signatures) => Because::Changed,
        _ if signed != [sha256] => {
            Because::OtherArtifact { signed: foreign(&signed.join(", ")), found: sha256.to_owned() }
        }
        None => Because::Strangers,
        Some(_) => return Ok(None),
    };
    Ok(Some(Verdict::untrusted(because, signatures)))
}

/// What each signature is worth to a policy, if those of some of its keys count.
fn worth(
    envelope: &Envelope,
    policy: &Policy,
    counts: impl Fn(&TrustedKey) -> bool,
) -> Result<Vec<Signed>, AttestError> {
    if envelope.signatures.is_empty() {
        return Err(AttestError::new("the signature file holds no signature: somebody took them out"));
    }
    let message = pre_authentication_encoding(&envelope.payload_type, &envelope.payload()?);
    let worth = |signature: &Signature| {
        let hint = signature.keyid.as_deref().unwrap_or_default();
        let is_by = |key: &PublicKey| signature.bytes().is_some_and(|bytes| key.accepts(&message, &bytes));
        // Without a hint, it may be by any key.
        let is_meant = |key: &PublicKey| if hint.is_empty() { is_by(key) } else { key.id() == hint };
        let Some(trusted) = policy.keys.iter().find(|trusted| is_meant(&trusted.public)) else {
            return Signed::UnknownKey { key: foreign(hint) };
        };
        let (key, name) = (trusted.public.id(), trusted.name.clone());
        match is_by(&trusted.public) {
            false => Signed::Wrong { key, name },
            true if counts(trusted) => Signed::Counts { key, name, role: trusted.role.clone() },
            true => Signed::DoesNotCount { key, name },
        }
    };
    Ok(envelope.signatures.iter().map(worth).collect())
}

/// What nobody signed says nothing of what somebody did.
fn is_changed(signatures: &[Signed]) -> bool {
    let is_wrong = |signed: &Signed| matches!(signed, Signed::Wrong { .. });
    let is_right = |signed: &Signed| matches!(signed, Signed::Counts { .. } | Signed::DoesNotCount { .. });
    signatures.iter().any(is_wrong) && !signatures.iter().any(is_right)
}

/// The digests of that name in a statement.
fn digests(of: &Statement, name: &str) -> Vec<String> {
    of.subject.iter().filter_map(|of| of.digest.get(name)).cloned().collect()
}

impl Verdict {
    fn untrusted(because: Because, signatures: Vec<Signed>) -> Verdict {
        Verdict { trusted: false, because, signatures }
    }
}

impl Signed {
    /// Whose signature it is, if it counts.
    fn counting(&self) -> Option<&String> {
        if let Signed::Counts { name, .. } = self { Some(name) } else { None }
    }

    fn is_by_a_stranger(&self) -> bool {
        matches!(self, Signed::UnknownKey { .. })
    }
}

/// Why a statement is not one on the artifact at hand, of which `own` is to be said; nothing if it is.
fn otherwise(signed: &Statement, own: &Statement) -> Option<Because> {
    if let Some(name) = ["sha256", "evenstep"].iter().find(|name| digests(signed, name) != digests(own, name)) {
        let told = |of: &Statement| foreign(&digests(of, name).join(", "));
        return Some(Because::OtherArtifact { signed: told(signed), found: told(own) });
    }
    let (signed, own) = (signed.without_facts(), own.without_facts());
    (signed != own).then(|| Because::SaysOtherwise { differences: own.differences(&signed) })
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let people = |signed: &[String]| if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") };
        match self {
            Because::Enough { signed, need, until } => {
                write!(f, "signed by {}; {need} needed", people(signed))?;
                until.map_or(Ok(()), |last| write!(f, "; it counts until {last}"))
            }
            Because::Expired { last } => write!(f, "what was signed counted until {last}, and no longer"),
            Because::Withdrawn { reason } => write!(f, "the policy trusts it no more, whoever signed it: {reason}"),
            Because::NotEnough { signed, need } => {
                write!(f, "signatures are missing: {need} needed, signed by {} of those that count", people(signed))
            }
            Because::Unsigned => f.write_str("nobody has signed it"),
            Because::Strangers => f.write_str("nobody whom the policy knows has signed it"),
            Because::Changed => f.write_str("somebody changed what was signed: no signature of a known key fits it"),
            Because::OtherArtifact { signed, found } => {
                write!(f, "what was signed is another artifact: signed is {signed}, and this one is {found}")
            }
            Because::SaysOtherwise { differences } => {
                let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
                write!(f, "what was signed says something else than the bundle holds: {}", told.join("; "))
            }
            Because::NoRule { pipeline } => write!(f, "the policy has no rule for the pipeline `{pipeline}`"),
        }
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |key: &str| key.chars().take(12).collect::<String>();
        match self {
            Signed::Counts { key, name, role } => {
                let role = role.as_ref().map_or(String::new(), |role| format!(", {role}"));
                write!(f, "`{name}`{role} ({}): right", short(key))
            }
            Signed::DoesNotCount { key, name } => {
                write!(f, "`{name}` ({}): right, but the rule asks for others", short(key))
            }
            Signed::UnknownKey { key } if key.is_empty() => f.write_str(
                "a signature that names no key: it is by none that the policy knows, and counts for nothing",
            ),
            Signed::UnknownKey { key } => write!(f, "unknown key {key}: it counts for nothing"),
            Signed::Wrong { key, name } => {
                write!(f, "wrong signature: not what the key of `{name}` ({}) signs this statement with", short(key))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::{BUILD_TYPE, BuildDefinition, PrivateKey, Resource, RunDetails, Statement};

    const ARTIFACT: &str = "aa";

    fn statement(sha256: &str) -> Statement {
        let mut subject = Resource::new("house.evenstep", "sha256", sha256);
        subject.digest.insert("evenstep".to_owned(), ARTIFACT.to_owned());
        let made = BuildDefinition {
            build_type: BUILD_TYPE.to_owned(),
            external_parameters: Map::new(),
            internal_parameters: Map::new(),
            resolved_dependencies: Vec::new(),
        };
        Statement::new(subject, made, RunDetails { builder: Map::new(), metadata: Map::new() })
    }

    struct Set {
        ana: PrivateKey,
        ben: PrivateKey,
        stranger: PrivateKey,
    }

    fn set() -> Set {
        let key = || PrivateKey::generate().expect("the system has randomness");
        Set { ana: key(), ben: key(), stranger: key() }
    }

    fn policy(set: &Set, rule: &str) -> Policy {
        let key = |name: &str, key: &PrivateKey| {
            format!("[[key]]\nname = \"{name}\"\nrole = \"owner\"\npublic = \"{}\"\n", key.public().line())
        };
        let text = format!("{}{}[[rule]]\n{rule}\n", key("ana", &set.ana), key("ben", &set.ben));
        Policy::parse(&text).expect("sound")
    }

    const TODAY: Date = jiff::civil::date(2026, 11, 29);

    fn said(set: &Set, rule: &str, envelope: Option<&Envelope>, sha256: &str) -> (bool, String) {
        let subject = Subject { pipeline: "house", statement: &statement(sha256) };
        let verdict = judge(envelope, &subject, &policy(set, rule), TODAY).expect("a statement");
        (verdict.trusted, verdict.because.to_string())
    }

    #[test]
    fn each_answer_is_told_from_the_others() {
        let set = set();
        let mut envelope = Envelope::new(&statement("11"));
        let any = "pipelines = [\"house\"]";
        let both = "pipelines = [\"house\"]\nneed = 2";
        assert_eq!(said(&set, any, None, "11"), (false, "nobody has signed it".to_owned()));
        let subject = Subject { pipeline: "house", statement: &statement("11") };
        let broken = judge(Some(&envelope), &subject, &policy(&set, any), TODAY).expect_err("it holds no signature");
        assert_eq!(broken.to_string(), "the signature file holds no signature: somebody took them out");
        envelope.sign(&set.stranger).expect("signed");
        let strangers = "nobody whom the policy knows has signed it";
        assert_eq!(said(&set, any, Some(&envelope), "11"), (false, strangers.to_owned()));
        envelope.sign(&set.ana).expect("signed");
        assert_eq!(said(&set, any, Some(&envelope), "11"), (true, "signed by ana; 1 needed".to_owned()));
        let missing = "signatures are missing: 2 needed, signed by ana of those that count";
        assert_eq!(said(&set, both, Some(&envelope), "11"), (false, missing.to_owned()));
        envelope.sign(&set.ana).expect("signed");
        assert_eq!(envelope.signatures.len(), 2, "who signs twice has signed once");
        envelope.sign(&set.ben).expect("signed");
        assert_eq!(said(&set, both, Some(&envelope), "11"), (true, "signed by ana, ben; 2 needed".to_owned()));
        let other = "what was signed is another artifact: signed is 11, and this one is 22";
        assert_eq!(said(&set, both, Some(&envelope), "22"), (false, other.to_owned()));
        let none = "the policy has no rule for the pipeline `house`";
        assert_eq!(said(&set, "pipelines = [\"boat\"]", Some(&envelope), "11"), (false, none.to_owned()));
        let only_ben = "pipelines = [\"*\"]\nfrom = [\"ben\"]";
        assert_eq!(said(&set, only_ben, Some(&envelope), "11"), (true, "signed by ben; 1 needed".to_owned()));
    }

    #[test]
    fn a_file_for_which_nobody_known_vouches_is_refused_unread() {
        let set = set();
        let mut envelope = Envelope::new(&statement("11"));
        // Whatever it holds, and whatever rule is for that.
        let policy = policy(&set, "pipelines = [\"boat\"]\nneed = 2");
        let said = |envelope: Option<&Envelope>, sha256: &str| {
            let verdict = refused_unread(envelope, sha256, &policy).expect("a statement");
            verdict.map(|verdict| verdict.because.to_string())
        };
        assert_eq!(said(None, "11").as_deref(), Some("nobody has signed it"));
        assert!(refused_unread(Some(&envelope), "11", &policy).is_err(), "it holds no signature");
        envelope.sign(&set.stranger).expect("signed");
        assert_eq!(said(Some(&envelope), "11").as_deref(), Some("nobody whom the policy knows has signed it"));
        envelope.sign(&set.ana).expect("signed");
        assert_eq!(said(Some(&envelope), "11"), None);
        let other = "what was signed is another artifact: signed is 11, and this one is 22";
        assert_eq!(said(Some(&envelope), "22").as_deref(), Some(other));
        let first = envelope.signatures[0].sig.clone();
        envelope.signatures[0].sig = std::mem::replace(&mut envelope.signatures[1].sig, first);
        let changed = "somebody changed what was signed: no signature of a known key fits it";
        assert_eq!(said(Some(&envelope), "11").as_deref(), Some(changed));
    }

    #[test]
    fn a_statement_counts_up_to_its_last_day() {
        let set = set();
        let check = |last: Date, expected: (bool, &str)| {
            let mut envelope = Envelope::new(&statement("11").until(last));
            let any = "pipelines = [\"*\"]";
            let strangers = "nobody whom the policy knows has signed it";
            envelope.sign(&set.stranger).expect("signed");
            assert_eq!(
                said(&set, any, Some(&envelope), "11"),
                (false, strangers.to_owned()),
                "nobody vouches for the day"
            );
            envelope.sign(&set.ana).expect("signed");
            assert_eq!(said(&set, any, Some(&envelope), "11"), (expected.0, expected.1.to_owned()));
            assert!(said(&set, any, Some(&envelope), "22").1.starts_with("what was signed is another artifact"));
        };
        check(TODAY, (true, "signed by ana; 1 needed; it counts until 2026-11-29"));
        check(TODAY.yesterday().expect("a day"), (false, "what was signed counted until 2026-11-28, and no longer"));

        let mut statement = statement("11");
        for wrong in ["2026-02-30", "20261231", "2026-12-31T00:00", "soon", ""] {
            statement.predicate.run_details.metadata.insert("evenstep_expiresOn".to_owned(), wrong.into());
            let mut envelope = Envelope::new(&statement);
            envelope.sign(&set.ana).expect("signed");
            let subject = Subject { pipeline: "house", statement: &statement };
            let error = judge(Some(&envelope), &subject, &policy(&set, "pipelines = [\"*\"]"), TODAY).expect_err(wrong);
            assert!(error.0.ends_with("which is no day"), "{error}");
        }
    }

    #[test]
    fn what_is_withdrawn_is_trusted_no_more_whoever_signed_it() {
        let set = set();
        let digest = "ab".repeat(32);
        let mut statement = statement("11");
        statement.subject[0].digest.insert("evenstep".to_owned(), digest.clone());
        let mut envelope = Envelope::new(&statement);
        envelope.sign(&set.ana).expect("signed");
        let check = |withdrawn: &str, expected: &str| {
            let rule =
                format!("pipelines = [\"*\"]\n[[withdrawn]]\ndigest = \"sha256:{withdrawn}\"\nreason = \"it is old\"");
            let subject = Subject { pipeline: "house", statement: &statement };
            let verdict = judge(Some(&envelope), &subject, &policy(&set, &rule), TODAY).expect("a statement");
            assert_eq!(verdict.because.to_string(), expected);
            assert_eq!(verdict.trusted, withdrawn != digest);
        };
        check(&digest, "the policy trusts it no more, whoever signed it: it is old");
        check(&"cd".repeat(32), "signed by ana; 1 needed");
    }

    #[test]
    fn a_statement_that_says_more_than_the_artifact_does_is_refused_by_field() {
        let set = set();
        let mut more = statement("11");
        more.predicate.build_definition.internal_parameters.insert("seed".to_owned(), "7".into());
        let mut envelope = Envelope::new(&more);
        envelope.sign(&set.ana).expect("signed");
        let expected = "what was signed says something else than the bundle holds: \
            `predicate.buildDefinition.internalParameters` is nothing there, and {} here; \
            `predicate.buildDefinition.internalParameters.seed` is \"7\" there, and nothing here";
        assert_eq!(said(&set, "pipelines = [\"*\"]", Some(&envelope), "11"), (false, expected.to_owned()));
    }

    /// The hint is nothing that is signed, and the protocol lets it be left out.
    #[test]
    fn a_signature_that_names_no_key_is_tried_with_each() {
        let set = set();
        let mut envelope = Envelope::new(&statement("11"));
        envelope.sign(&set.ben).expect("signed");
        for keyid in [None, Some(String::new())] {
            envelope.signatures[0].keyid = keyid;
            assert_eq!(Envelope::parse(&envelope.text()).as_ref(), Ok(&envelope));
            let (trusted, said) = said(&set, "pipelines = [\"*\"]", Some(&envelope), "11");
            assert!(trusted && said == "signed by ben; 1 needed", "{said}");
        }
        envelope.signatures[0].sig = envelope.signatures[0].sig.replace(|_: char| true, "A");
        let (trusted, said) = self::said(&set, "pipelines = [\"*\"]", Some(&envelope), "11");
        assert!(!trusted && said.starts_with("nobody whom the policy knows"), "{said}");
    }

    #[test]
    fn a_wrong_signature_of_a_known_key_is_a_change_unless_another_is_right() {
        let set = set();
        let mut envelope = Envelope::new(&statement("11"));
        envelope.sign(&set.ana).expect("signed");
        envelope.sign(&set.stranger).expect("signed");
        // They lie in the order of their keys, which are other ones in each run.
        let id = set.ana.public().id();
        let [a, b] = &mut envelope.signatures[..] else { panic!("two have signed") };
        let (anas, strangers) = if a.keyid.as_ref() == Some(&id) { (a, b) } else { (b, a) };
        anas.sig.clone_from(&strangers.sig);
        let changed = "somebody changed what was signed: no signature of a known key fits it";
        assert_eq!(said(&set, "pipelines = [\"*\"]", Some(&envelope), "11"), (false, changed.to_owned()));
        envelope.sign(&set.ben).expect("signed");
        let missing = "signatures are missing: 2 needed, signed by ben of those that count";
        assert_eq!(said(&set, "pipelines = [\"*\"]\nneed = 2", Some(&envelope), "11"), (false, missing.to_owned()));
    }

    #[test]
    fn no_byte_of_an_envelope_can_change() {
        let set = set();
        let mut envelope = Envelope::new(&statement("11"));
        envelope.sign(&set.ana).expect("signed");
        envelope.sign(&set.ben).expect("signed");
        let policy = policy(&set, "pipelines = [\"*\"]\nneed = 2");
        let own = statement("11");
        let subject = Subject { pipeline: "house", statement: &own };
        let text = envelope.text().into_bytes();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(changed) else { continue };
                let judged =
                    Envelope::parse(&changed).and_then(|envelope| judge(Some(&envelope), &subject, &policy, TODAY));
                assert!(judged.is_err() || judged.is_ok_and(|verdict| !verdict.trusted), "bit {bit} of byte {at}");
            }
        }
    }
}
