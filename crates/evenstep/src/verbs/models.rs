//! `models`: says what a server serves, and changes it, by its admin listener.

use std::path::Path;
use std::process::ExitCode;

use evenstep_pipeline::PipelineError;
use evenstep_server::{ActLogError, AdminClient, ClientError, read_acts};
use evenstep_table::counted;
use serde_json::{Value, json};

use super::{Answer, read_bundle, unreadable, unusable};
use crate::cli::{Admin, Models, ModelsVerb};
use crate::{Host, attestation, output};

pub(crate) fn models(args: &Models, host: &Host) -> Answer {
    let answer = match &args.verb {
        ModelsVerb::Log { file } => return log(file, host),
        ModelsVerb::List(admin) => {
            let answer = client(admin)?.ask("GET", &["models"], None);
            answer.as_ref().map_or(Ok(()), |answer| of_admin(answer, &admin.server))?;
            answer
        }
        ModelsVerb::Load { bundle, model, version, admin } => {
            load(&client(admin)?, bundle, model.as_deref(), version.as_deref())?
        }
        ModelsVerb::Unload { model, version, admin } => {
            let of_version = version.iter().flat_map(|version| ["versions", version]);
            let path: Vec<&str> = ["models", model].into_iter().chain(of_version).collect();
            client(admin)?.ask("DELETE", &path, None)
        }
        ModelsVerb::Alias { model, alias, version, admin, .. } => {
            let path = ["models", model, "aliases", alias];
            match version {
                Some(version) => client(admin)?.ask("PUT", &path, Some(&json!({ "version": version }))),
                None => client(admin)?.ask("DELETE", &path, None),
            }
        }
        ModelsVerb::Rollback { model, alias, admin } => {
            client(admin)?.ask("POST", &["models", model, "aliases", alias, "rollback"], None)
        }
    };
    tell(&answer.map_err(refused)?, host);
    Ok(ExitCode::SUCCESS)
}

/// A listener for predictions lists models, too, but not what an alias pointed at before.
fn of_admin(answer: &Value, server: &str) -> Result<(), PipelineError> {
    let mut models = answer["models"].as_array().into_iter().flatten();
    if models.all(|model| model["aliases"].as_object().is_some_and(|all| all.values().all(Value::is_object))) {
        return Ok(());
    }
    Err(PipelineError::input(format!("`{server}` answers requests for predictions, not those of administrators"))
        .help("`--server` is the address that `serve --admin ADDRESS` names".to_owned()))
}

fn client(admin: &Admin) -> Result<AdminClient, PipelineError> {
    AdminClient::new(&admin.server, admin.ca.as_deref(), key(&admin.key_file)?).map_err(refused)
}

/// Tells the acts in a file, up to the first line that doesn't follow from the one before, and where it ends.
fn log(file: &Path, host: &Host) -> Answer {
    let mut acts = Vec::new();
    let read = read_acts(file, |act| {
        if host.json {
            return acts.push(act.clone());
        }
        let of = |name: &str| act[name].as_str().map(|of| format!("{name} {of}"));
        let words = ["time", "by", "act"].map(|name| text(&act[name]).to_owned());
        let about = [of("model"), of("alias"), of("version")].into_iter().flatten();
        let words: Vec<String> = words.into_iter().chain(about).chain([text(&act["outcome"]).to_owned()]).collect();
        // Who was refused chose some of the names, and none of them begins a line.
        output::line(&format!("  {}", output::one_line(&words.join("  "))));
    });
    let end = read.map_err(|error| match error {
        ActLogError::Broken { .. } => PipelineError::no(error.to_string()).of_file(file),
        ActLogError::Unusable(..) => PipelineError::input(error.to_string()).of_file(file),
    })?;
    if host.json {
        output::json(&json!({ "acts": acts, "hash": end.hash }));
    } else {
        output::line(&format!("\n  whole: {}, the last line's hash is {}", counted(end.acts, "act"), end.hash));
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends a bundle with what lies beside it; the server judges both.
fn load(
    client: &AdminClient,
    path: &Path,
    model: Option<&str>,
    version: Option<&str>,
) -> Result<Result<Value, ClientError>, PipelineError> {
    let bytes = read_bundle(path)?;
    let opened = evenstep_bundle::open(&bytes).map_err(|error| unusable(path, error))?;
    let own = evenstep_pipeline::artifact::version_of(&opened.digest);
    let (model, version) = (model.unwrap_or(&opened.artifact.name), version.unwrap_or(&own));
    let beside = attestation::beside(path);
    let signatures = match evenstep_files::read_short_text(&beside) {
        Ok(signatures) => Some(signatures.into_bytes()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(unreadable(&beside, &error)),
    };
    Ok(client.load(&["models", model, "versions", version], &bytes, signatures.as_deref()))
}

/// The key in a file.
fn key(path: &Path) -> Result<String, PipelineError> {
    let text = evenstep_files::read_short_text(path).map_err(|error| {
        unreadable(path, &error)
            .help("`--key-file FILE` names the file that holds the key that `key api` showed".to_owned())
    })?;
    let key = text.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(PipelineError::input(format!("`{}` holds no key", path.display()))
            .help("it has the key alone, as `key api` showed it".to_owned()));
    }
    Ok(key.to_owned())
}

/// A no of the server is an answer; a server that isn't there is not.
fn refused(error: ClientError) -> PipelineError {
    match error {
        ClientError::Refused { status: 401, .. } => PipelineError::input("the server doesn't know the key")
            .help("its hash must be in the file that `serve --admin-keys` was given".to_owned()),
        ClientError::Refused { .. } => PipelineError::no(error.to_string()),
        _ => PipelineError::input(error.to_string()),
    }
}

fn tell(answer: &Value, host: &Host) {
    if host.json {
        output::json(answer);
        return;
    }
    let one = std::slice::from_ref(answer);
    let models = answer["models"].as_array().map_or(one, Vec::as_slice);
    let mut rows = Vec::new();
    for model in models {
        let name = text(&model["model"]);
        for version in model["versions"].as_array().into_iter().flatten() {
            let aliases = model["aliases"].as_object().into_iter().flatten();
            let own = aliases.filter(|(_, alias)| alias["version"] == version["version"]);
            let own: Vec<&str> = own.map(|(name, _)| name.as_str()).collect();
            rows.push(
                [name, text(&version["version"]), text(&version["digest"]), &own.join(", ")]
                    .map(str::to_owned)
                    .to_vec(),
            );
        }
    }
    output::table(&rows);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
