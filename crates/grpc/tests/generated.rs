//! `src/inference.rs` and `src/inference.bin` are made of `proto/inference.proto`.
//! `UPDATE_DOCS=1 cargo test -p evenstep-grpc --test generated` makes them anew.

use std::path::Path;
use std::process::Command;

use prost::Message;

const PROTO: &str = "inference.proto";

fn check(path: &Path, made: &[u8]) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, made).expect("the folder is there");
    }
    let kept = std::fs::read(path).unwrap_or_default();
    assert!(kept == made, "{} is not what {PROTO} comes to: `just docs` writes it anew", path.display());
}

#[test]
fn what_is_committed_is_what_the_proto_comes_to() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut descriptors = protox::compile([PROTO], [here.join("proto")]).expect("it compiles");
    let folder = tempfile::tempdir().expect("a folder");
    let made = prost_build::Config::new().btree_map(["."]).out_dir(folder.path()).compile_fds(descriptors.clone());
    made.expect("code is made of it");
    let code = folder.path().join("inference.rs");
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024", "--config-path"]).arg(here.join("../../rustfmt.toml")).arg(&code);
    assert!(rustfmt.status().expect("rustfmt runs").success());
    check(&here.join("src/inference.rs"), &std::fs::read(&code).expect("it was made"));

    // Comments and places are for those who read the source.
    descriptors.file.iter_mut().for_each(|file| file.source_code_info = None);
    check(&here.join("src/inference.bin"), &descriptors.encode_to_vec());
}
