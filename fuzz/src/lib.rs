//! What is done with foreign bytes, one function a target: each must come to a result, or to an
//! error with a message, and never panic. `cargo fuzz run csv` calls them with bytes of its own;
//! `crates/evenstep/tests/fuzz_corpus.rs` with the corpus and mutations of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use evenstep_attest::{Envelope, Policy, Subject, judge};
use evenstep_bundle::Members;
use evenstep_exact::reduce::Workers;
use evenstep_pipeline::diff::{Side, diff};
use evenstep_pipeline::lock::Lock;
use evenstep_pipeline::request::{self, Refusal, Rows};
use evenstep_pipeline::trace::{SALT_BYTES, Salt, Trace};
use evenstep_pipeline::{
    Artifact, Interface, PipelineError, Predictor, Run, Silent, Spec, check, interface, lock, mock,
};
use evenstep_server::{ApiKeys, foreign};
use evenstep_source::{Mode, Reading, Source, SourceError, SourceErrorKind};
use evenstep_table::Contract;

/// A target's name, which is its corpus' folder, and the target.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 28] = [
    ("csv", csv),
    ("tsv", tsv),
    ("csv_gz", csv_gz),
    ("csv_zst", csv_zst),
    ("jsonl", jsonl),
    ("parquet", parquet),
    ("arrow", arrow),
    ("spec", spec),
    ("contract", contract),
    ("lock", lock),
    ("trace", trace),
    ("bundle", bundle),
    ("bundle_member", bundle_member),
    ("request", request),
    ("request_csv", request_csv),
    ("request_arrow", request_arrow),
    ("request_parquet", request_parquet),
    ("request_grpc", request_grpc),
    ("request_tensors", request_tensors),
    ("request_mlflow", request_mlflow),
    ("request_lines", request_lines),
    ("request_packed", request_packed),
    ("config", config),
    ("keys", keys),
    ("admin_alias", admin_alias),
    ("acts", acts),
    ("signatures", signatures),
    ("policy", policy),
];

/// The bundles of the corpus, whose names start an input of `bundle_member` and `request`.
pub const BUNDLES: [&str; 4] = ["trees", "levels", "ridge", "logistic"];

/// Comma-separated values.
pub fn csv(bytes: &[u8]) {
    read("a.csv", bytes);
}

/// Tab-separated values.
pub fn tsv(bytes: &[u8]) {
    read("a.tsv", bytes);
}

/// Comma-separated values in gzip.
pub fn csv_gz(bytes: &[u8]) {
    read("a.csv.gz", bytes);
}

/// Comma-separated values in Zstandard.
pub fn csv_zst(bytes: &[u8]) {
    read("a.csv.zst", bytes);
}

/// JSON lines.
pub fn jsonl(bytes: &[u8]) {
    read("a.jsonl", bytes);
}

/// Apache Parquet.
pub fn parquet(bytes: &[u8]) {
    read("a.parquet", bytes);
}

/// Arrow IPC, file or stream.
pub fn arrow(bytes: &[u8]) {
    read("a.arrow", bytes);
}

/// Reads a file as a training does, whole, and as scoring does, in chunks.
fn read(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(name), bytes).expect("written");
    if let Err(error) = read_all(name, folder.path()) {
        let said = error.to_string();
        let of_cells = matches!(error.kind, SourceErrorKind::Rejected(_));
        assert!(said.len() > name.len() && (of_cells || said.contains(name)), "an error names its file: {said}");
    }
}

fn read_all(name: &str, folder: &Path) -> Result<(), SourceError> {
    let missing = vec![String::new(), "NA".to_owned()];
    let source = Source::open(name, folder)?;
    let mut inferred = source.infer(&missing, workers(), &|_| ())?;
    inferred.columns.retain(|_, evidence| evidence.kind().is_some());
    let contract = Contract::resolve(&BTreeMap::new(), &inferred.columns, None).expect("every type is known");
    let mut reading = Reading { missing, columns: contract.columns, ..Reading::default() };
    let read = source.read(&reading, workers(), &|_| ())?;
    let rows: usize = read.batches.iter().map(|batch| batch.rows()).sum();
    assert_eq!(rows as u64, inferred.rows, "what infers and what reads see the same rows");
    reading.mode = Mode::Scoring;
    let mut streamed = 0;
    for chunk in source.stream(&reading)? {
        streamed += chunk?.batch.rows();
    }
    assert_eq!(streamed, rows, "a stream has the rows of the whole");
    Ok(())
}

/// A spec: read, and checked against data if it can be.
pub fn spec(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = corpus().join("../base/pipeline.toml");
    let run = Run { workers: workers(), progress: &Silent, trace: None };
    let checked = Spec::parse(&path, text.to_owned()).and_then(|mut spec| {
        // Nothing is read of what these bytes name.
        spec.data.source = "data.csv".to_owned();
        check::check(&spec, &run)
    });
    let _ = told(checked);
}

/// A contract as JSON: compared with itself and with those of the corpus' bundles, and mocked.
pub fn contract(bytes: &[u8]) {
    let Ok(interface) = told(Interface::parse(bytes)) else { return };
    assert!(interface::compare(&interface, &interface).changes.is_empty(), "nothing differs from itself");
    for base in bases().values() {
        let known = Interface::of(&base.artifact).expect("a training wrote it");
        assert!(!interface::compare(&known, &interface).changes.iter().any(|change| change.why.is_empty()));
    }
    let read = Interface::parse(interface.document().as_bytes()).expect("it is written as it is read");
    assert_eq!(read.digest(), interface.digest());
    if let Ok(predictor) = told(mock::predictor(&interface)) {
        for row in requests() {
            answer(&predictor, || Rows::json(row));
        }
    }
}

/// A lock, compared with an artifact.
pub fn lock(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = Lock::parse(text).map(|lock| {
        for base in bases().values() {
            assert!(!lock.compare(&base.artifact).is_empty());
        }
        lock.json().to_string()
    });
    let _ = told(read);
}

/// A trace, as it is, and with the hash at its end made right again.
pub fn trace(bytes: &[u8]) {
    let body = bytes.get(16..bytes.len().saturating_sub(32)).unwrap_or_default();
    for bytes in [bytes.to_owned(), Trace::file_of(body)] {
        match Trace::from_bytes(&bytes) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(trace) => {
                assert_eq!(trace.to_bytes(), bytes, "one trace has one file");
                let salt = Salt::new(&[7; SALT_BYTES]);
                let side = |trace: Trace| Side { trace: Some(trace), salt: Some(salt.clone()), ..Side::default() };
                let known = bases()["trees"].trace.clone();
                let said = diff(&side(trace), &side(known), workers());
                assert!(said.equal || !said.causes.is_empty());
            }
        }
    }
}

/// A bundle: a file of which nothing can be used, or that scores.
pub fn bundle(bytes: &[u8]) {
    match evenstep_bundle::open(bytes) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(opened) => use_artifact(&opened.artifact),
    }
}

/// One member of a bundle of the corpus, exchanged by somebody who sealed the bundle anew: the
/// bundle's and the member's name, a line feed, and the member.
pub fn bundle_member(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let Some((bundle, member)) = std::str::from_utf8(&bytes[..end]).ok().and_then(|line| line.split_once(' ')) else {
        return;
    };
    let Some(base) = bases().get(bundle) else { return };
    let mut members = base.members();
    members.insert(member, &bytes[end + 1..]);
    match evenstep_bundle::artifact(&mut members) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(artifact) => use_artifact(&artifact),
    }
}

/// The body of a request: a bundle's name, a line feed, and the body.
pub fn request(bytes: &[u8]) {
    if let Some((predictor, body)) = asked(bytes) {
        answer(predictor, || Rows::of_contract(predictor, body));
    }
}

/// The same, as CSV.
pub fn request_csv(bytes: &[u8]) {
    if let Some((predictor, body)) = asked(bytes) {
        answer(predictor, || Rows::csv(predictor, body));
    }
}

/// The same, as an Arrow IPC stream.
pub fn request_arrow(bytes: &[u8]) {
    if let Some((predictor, body)) = asked(bytes) {
        answer(predictor, || Rows::arrow(body));
    }
}

/// The same, as Parquet.
pub fn request_parquet(bytes: &[u8]) {
    if let Some((predictor, body)) = asked(bytes) {
        answer(predictor, || Rows::parquet(body));
    }
}

/// The same, as a call of gRPC.
pub fn request_grpc(bytes: &[u8]) {
    if let Some((predictor, body)) = asked(bytes) {
        answer(predictor, || foreign::call(body));
    }
}

/// The same of the Open Inference Protocol over HTTP, in JSON, and after it perhaps bytes: the bundle's name is followed by how
/// many bytes are JSON, if not all are.
pub fn request_tensors(bytes: &[u8]) {
    let Some((line, body)) = headed(bytes) else { return };
    let (name, length) = line.split_once(' ').unwrap_or((line, ""));
    let Some(Base { predictor, .. }) = bases().get(name) else { return };
    answer(predictor, || foreign::tensors(predictor, body, length.parse().ok()));
}

/// The same, in MLflow's shapes.
pub fn request_mlflow(bytes: &[u8]) {
    if let Some((predictor, body)) = asked(bytes) {
        answer(predictor, || foreign::invocation(body));
    }
}

/// The same, an object a line.
pub fn request_lines(bytes: &[u8]) {
    if let Some((predictor, body)) = asked(bytes) {
        answer(predictor, || foreign::objects_by_line(predictor, body));
    }
}

/// A body that is compressed: how, a line feed, and the body.
pub fn request_packed(bytes: &[u8]) {
    let Some((encoding, body)) = headed(bytes) else { return };
    match foreign::inflated(encoding, body) {
        Some(Ok(inflated)) => assert!(inflated.len() <= 16 << 20, "no bomb goes off"),
        Some(Err(refusal)) => assert!(matches!(refusal, Refusal::Malformed(said) if !said.is_empty())),
        None => {}
    }
}

/// A file that says what to serve.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    foreign::config(text).unwrap_or_else(|why| assert!(!why.is_empty()));
}

/// A file of the keys of clients.
pub fn keys(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match ApiKeys::parse(text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(keys) => drop(ApiKeys::parse(&keys.text()).expect("it reads what it wrote")),
    }
}

/// What an alias is to point at, as an administrator says it.
pub fn admin_alias(bytes: &[u8]) {
    foreign::alias_target(bytes).unwrap_or_else(|why| assert!(!why.is_empty()));
}

/// A file of what administrators did.
pub fn acts(bytes: &[u8]) {
    if let Err(said) = foreign::acts(bytes) {
        assert!(said.contains("line "), "it names the line: {said}");
    }
}

/// Signatures beside a bundle, as they are, and with the statement alone.
pub fn signatures(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let statement = match Envelope::parse(text) {
        Err(error) => return assert!(!error.to_string().is_empty()),
        Ok(envelope) => {
            assert_eq!(envelope.text(), text, "an envelope is written in one way");
            let Ok(statement) = envelope.statement() else { return };
            let policy = "[[key]]\nname = \"a\"\npublic = \"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n[[rule]]\npipelines = [\"*\"]\n";
            let policy = Policy::parse(policy).expect("it is sound");
            let subject = Subject { pipeline: "p", statement: &statement };
            match judge(Some(&envelope), &subject, &policy, "2026-11-29".parse().expect("a day")) {
                Err(error) => assert!(!error.to_string().is_empty()),
                Ok(verdict) => assert!(!verdict.because.to_string().is_empty()),
            }
            statement
        }
    };
    assert!(statement.differences(&statement).is_empty() && !statement.fields().is_empty());
}

/// Whom to trust.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Policy::parse(text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(policy) => assert!(!policy.rules.is_empty()),
    }
}

/// The first line, and what follows it.
fn headed(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

fn asked(bytes: &[u8]) -> Option<(&'static Predictor, &[u8])> {
    let (name, body) = headed(bytes)?;
    Some((&bases().get(name)?.predictor, body))
}

/// What is done with the artifact of a bundle, by whoever opens it.
pub fn use_artifact(artifact: &Artifact) {
    assert!(artifact.digest().starts_with("sha256:") && !lock::body(artifact).is_empty());
    // Scores are told even where the golden rows give other bits, as they do after most changes.
    if let Ok(predictor) = told(Predictor::compile(artifact)) {
        for row in requests() {
            answer(&predictor, || Rows::json(row));
        }
    }
    let _ = told(Predictor::load(artifact));
    let _ = told(Interface::of(artifact));
}

/// Answers rows in both shapes that answers have.
fn answer<'r>(predictor: &Predictor, rows: impl Fn() -> Result<Rows<'r>, Refusal>) {
    let answered = rows().and_then(|read| {
        let count = read.len();
        let answers = request::answer_rows(predictor, read, None)?.answers;
        let table = request::answer_table(predictor, rows()?, 0, None)?;
        assert_eq!(answers.len(), count, "a row has an answer");
        assert!(table.columns.iter().all(|column| column.rows() == count), "in every shape");
        Ok(answers)
    });
    match answered {
        Ok(answers) => assert!(!serde_json::to_string(&answers).expect("answers are plain data").is_empty()),
        Err(Refusal::Malformed(said) | Refusal::TooLarge(said) | Refusal::Bug(said)) => assert!(!said.is_empty()),
        Err(Refusal::Contract { errors, count }) => assert!(count >= errors.len() && !errors.is_empty()),
    }
}

/// The same result; its error was shown as the command line shows it.
fn told<T>(result: Result<T, PipelineError>) -> Result<T, ()> {
    result.map_err(|error| {
        assert!(!error.message.is_empty());
        assert!(!format!("{:?}", miette::Report::new(error)).is_empty());
    })
}

/// A bundle of the corpus.
struct Base {
    bytes: Vec<u8>,
    artifact: Artifact,
    predictor: Predictor,
    trace: Trace,
}

fn bases() -> &'static BTreeMap<&'static str, Base> {
    static BASES: OnceLock<BTreeMap<&'static str, Base>> = OnceLock::new();
    BASES.get_or_init(|| BUNDLES.into_iter().map(|name| (name, Base::read(name))).collect())
}

impl Base {
    fn read(name: &str) -> Base {
        let bytes = std::fs::read(corpus().join(format!("bundle/{name}.evenstep"))).expect("it is committed");
        let artifact = evenstep_bundle::open(&bytes).expect("it is whole").artifact;
        let predictor = Predictor::load(&artifact).expect("golden rows have the same bits on every host");
        let trace = std::fs::read(corpus().join(format!("trace/{name}.trace"))).expect("it is committed");
        Base { bytes, artifact, predictor, trace: Trace::from_bytes(&trace).expect("it is whole") }
    }

    fn members(&self) -> Members<'_> {
        evenstep_bundle::unseal(&self.bytes).expect("it is whole").0
    }
}

/// The bodies of the corpus' requests.
fn requests() -> &'static [Vec<u8>] {
    static REQUESTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    REQUESTS.get_or_init(|| {
        let files = std::fs::read_dir(corpus().join("request")).expect("it is committed");
        let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort_unstable();
        let bodies = paths.iter().map(|path| std::fs::read(path).expect("a file"));
        bodies.map(|bytes| bytes.split(|byte| *byte == b'\n').skip(1).collect::<Vec<_>>().join(&b'\n')).collect()
    })
}

/// Where the corpus lies.
pub fn corpus() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.ancestors().map(|folder| folder.join("fuzz/corpus")).find(|corpus| corpus.is_dir()).expect("it is committed")
}

fn workers() -> &'static Workers {
    static WORKERS: OnceLock<Workers> = OnceLock::new();
    WORKERS.get_or_init(|| Workers::threads(1))
}
