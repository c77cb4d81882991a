//! What `docker login` and `podman login` keep.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

/// The file that Docker's tools keep credentials in: `config.json` in `$DOCKER_CONFIG`, else in `~/.docker`.
pub fn credentials_file() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".docker")));
    folder.map(|folder| folder.join("config.json"))
}

/// What the file, or a helper program that it names, has for a registry; None if there is nothing, or no file.
///
/// # Errors
/// A file or a helper that can't be used, in words.
pub(super) fn read(file: Option<&Path>, registry: &str) -> Result<Option<DockerCredential>, String> {
    let Some(path) = file else { return Ok(None) };
    let reader = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("`{}`: {error}", path.display())),
    };
    // Docker keeps those of its own registry under the address that it had first.
    let key = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    match get_credential_from_reader(reader, key) {
        Ok(credential) => Ok(Some(credential)),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            // What it printed may hold a secret.
            Err(format!("the helper program `docker-credential-{helper}` ended with an error"))
        }
        Err(CredentialRetrievalError::HelperCommunicationError) => {
            Err(format!("the helper program that `{}` names can't be run", path.display()))
        }
        Err(CredentialRetrievalError::MalformedHelperResponse) => {
            Err("the helper program's answer can't be understood".to_owned())
        }
        Err(_) => Err(format!("`{}` is not what Docker writes", path.display())),
    }
}
