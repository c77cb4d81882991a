//! What `serve` and `models` take.

use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum, value_parser};

/// An address by its number or its name; of a name's addresses that of IPv4, if there is one.
fn address(text: &str) -> Result<SocketAddr, String> {
    let expected = || "expected a host and a port, as in 127.0.0.1:8080 or localhost:8080".to_owned();
    let (_, port) = text.rsplit_once(':').ok_or_else(expected)?;
    port.parse::<u16>().map_err(|_| expected())?;
    let found = text.to_socket_addrs().map_err(|error| format!("the host isn't known: {error}"))?;
    found.min_by_key(SocketAddr::is_ipv6).ok_or_else(|| "the host has no address".to_owned())
}

/// A host as `Host` names it, without its port.
fn host_name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_address = address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    (is_name || is_address)
        .then(|| text.to_owned())
        .ok_or_else(|| "expected a name without scheme, port or `*`, as in api.example.com or [::1]".to_owned())
}

#[derive(Args)]
pub(crate) struct Reach {
    /// The address to listen on
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// The keys of those who may ask, as `key api` writes them
    #[arg(long, value_name = "FILE")]
    pub(crate) api_keys: Option<PathBuf>,
    /// Let everyone ask who reaches an address beyond this host
    #[arg(long, conflicts_with = "api_keys")]
    pub(crate) insecure: bool,
    /// A name of this host that requests may ask for; on a loopback address, besides its own
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    pub(crate) allow_host: Vec<String>,
}

#[derive(Args)]
// Who asks a server shows no certificate, and has no key to one.
#[command(group = ArgGroup::new("with_certificate").args(["tls_key", "check"]).multiple(true))]
pub(crate) struct Serve {
    /// The bundles; the first answers where no model is named
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundles: Vec<PathBuf>,
    /// A file that lists models, their versions and aliases; it is watched, and so are the bundles
    #[arg(long, value_name = "FILE", conflicts_with = "bundles")]
    pub(crate) config: Option<PathBuf>,
    /// Serve only bundles that are signed by those whom this policy trusts
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Serve only bundles that keep this contract: a spec, a bundle, or a contract as JSON; exit with 1 if one breaks it
    #[arg(long, value_name = "FILE")]
    pub(crate) contract: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// Speak TLS, by this certificate and those that vouch for it, as PEM; it is watched
    #[arg(long, value_name = "FILE", requires = "with_certificate")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Let what is served be changed, by `models` or HTTP, at another address
    #[arg(long, value_name = "HOST:PORT", requires = "admin_keys", value_parser = address)]
    pub(crate) admin: Option<SocketAddr>,
    /// The keys of those who may change it, as `key api` writes them
    #[arg(long, value_name = "FILE", requires = "admin")]
    pub(crate) admin_keys: Option<PathBuf>,
    /// Write down what is changed there and by whom, each line with the hash of the one before; `models log` verifies it
    #[arg(long, value_name = "FILE", requires = "admin")]
    pub(crate) admin_log: Option<PathBuf>,
    /// Tell each request in a line on stderr, without what callers sent
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) log: Option<LogFormat>,
    /// Where a trace of the requests goes, for `diff`: a file for one bundle, or a folder for any number; it is written every 10
    /// seconds, and at the end
    #[arg(long)]
    pub(crate) trace: Option<PathBuf>,
    /// Told to stop, go on for so long while `/health` says that others should be asked: as long as a balancer takes to hear of it
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true, value_parser = value_parser!(u64).range(..=3600), allow_negative_numbers = true)]
    pub(crate) shutdown_delay: u64,
    /// Ask the server at that address whether it is well, and serve nothing
    #[arg(long, conflicts_with_all = ["bundles", "config"])]
    pub(crate) check: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

#[derive(Args)]
pub(crate) struct Models {
    #[command(subcommand)]
    pub(crate) verb: ModelsVerb,
}

/// The server that is asked.
#[derive(Args)]
pub(crate) struct Admin {
    /// Where the server is told what to serve, as `serve --admin` says it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090")]
    pub(crate) server: String,
    /// A file that holds the key to show
    #[arg(long, value_name = "FILE", default_value = "admin.key")]
    pub(crate) key_file: PathBuf,
    /// By which certificate to know a server that speaks TLS, as PEM: its own, or that of who vouches for it
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum ModelsVerb {
    /// List models, versions and aliases
    List(Admin),
    /// Show what administrators did, as `serve --admin-log` wrote it down, and verify that it is whole; asks no server
    Log {
        /// The file
        file: PathBuf,
    },
    /// Send a bundle, and its signatures, to be served beside what is
    // A version is that of the bundle there.
    #[command(disable_version_flag = true)]
    Load {
        /// The bundle
        bundle: PathBuf,
        /// The model that it is a version of; its own name if not given
        #[arg(long)]
        model: Option<String>,
        /// The version that it is; the first digits of its digest if not given
        #[arg(id = "as", long = "as", visible_alias = "version", value_name = "VERSION")]
        version: Option<String>,
        #[command(flatten)]
        admin: Admin,
    },
    /// Take out a version that no alias points at, or a model
    Unload {
        /// The model
        model: String,
        /// The version; all of them if not given
        #[arg(id = "of", value_name = "VERSION")]
        version: Option<String>,
        #[command(flatten)]
        admin: Admin,
    },
    /// Point an alias at a version: `default` is what answers where none is named
    Alias {
        /// The model
        model: String,
        /// The alias
        alias: String,
        /// The version
        #[arg(id = "to", value_name = "VERSION", required_unless_present = "delete")]
        version: Option<String>,
        /// Delete the alias
        #[arg(long, conflicts_with = "to")]
        delete: bool,
        #[command(flatten)]
        admin: Admin,
    },
    /// Point an alias at the version that it pointed at before
    Rollback {
        /// The model
        model: String,
        /// The alias
        #[arg(default_value = "default")]
        alias: String,
        #[command(flatten)]
        admin: Admin,
    },
}
