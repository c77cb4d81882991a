//! What can go wrong on the way to a registry.

/// An image that did not get into a registry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PushError {
    /// What was named is no place for an image.
    #[error("`{text}` names no place for an image: {what}")]
    Reference {
        /// What was named.
        text: String,
        /// What is wrong with it.
        what: String,
    },
    /// Nobody answers there.
    #[error("the registry `{registry}` can't be reached: {cause}")]
    Unreachable {
        /// Its host.
        registry: String,
        /// What the network said.
        cause: String,
    },
    /// Somebody answers who is no registry, or has no such repository.
    #[error("`{registry}` knows no repository `{repository}`{said}")]
    NotFound {
        /// Its host.
        registry: String,
        /// The repository.
        repository: String,
        /// What it said, after a colon.
        said: String,
    },
    /// It asked for credentials, and there are none.
    #[error("the registry `{registry}` asks for credentials, and there are none for it")]
    NoCredentials {
        /// Its host.
        registry: String,
    },
    /// It doesn't know the credentials, or they don't suffice.
    #[error("the registry `{registry}` refuses a push to `{repository}` by the credentials that are kept for it{said}")]
    Refused {
        /// Its host.
        registry: String,
        /// The repository.
        repository: String,
        /// What it said, after a colon.
        said: String,
    },
    /// The file of credentials can't be used.
    #[error("the credentials for `{registry}` can't be read: {cause}")]
    Credentials {
        /// Its host.
        registry: String,
        /// Why not.
        cause: String,
    },
    /// It would have a secret, or the image, sent in the clear.
    #[error("the registry `{registry}` names `{address}`, which isn't spoken to by TLS")]
    Unsafe {
        /// Its host.
        registry: String,
        /// What it named.
        address: String,
    },
    /// It answers something else than the specification says.
    #[error("the registry `{registry}`, asked to {asked}, answered {answer}")]
    Answer {
        /// Its host.
        registry: String,
        /// What it was to do.
        asked: &'static str,
        /// What it said.
        answer: String,
    },
}

impl PushError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            PushError::Reference { .. } => {
                Some("name registry, repository and tag, as in `registry.example.com/models/houses:1`".to_owned())
            }
            PushError::Unreachable { .. } => Some(
                "registries are spoken to by TLS, those of this host in plain HTTP; `SSL_CERT_FILE` names \
                 certificates that the system doesn't know"
                    .to_owned(),
            ),
            PushError::NoCredentials { registry } | PushError::Refused { registry, .. } => Some(format!(
                "`docker login {registry}`, or `skopeo login --compat-auth-file ~/.docker/config.json {registry}`, keeps them where they are looked for"
            )),
            PushError::NotFound { .. } => {
                Some("some registries want a repository to be made before the first push".to_owned())
            }
            PushError::Credentials { .. } => {
                Some("they are looked for in `config.json` in `$DOCKER_CONFIG`, or else in `~/.docker`".to_owned())
            }
            PushError::Unsafe { .. } | PushError::Answer { .. } => None,
        }
    }
}
