//! The package, as Python imports it: what cargo built is put where the package has it.

use std::path::Path;
use std::process::Command;

#[test]
fn what_was_built_is_what_python_imports() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python");
    let built = std::env::current_exe().expect("it runs");
    let built = built.parent().expect("it is in a folder").join("libevenstep_python.so");
    // Beside it first: who has imported the old one keeps it.
    let aside = package.join("evenstep/_native.abi3.so.new");
    std::fs::copy(&built, &aside).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    std::fs::rename(&aside, package.join("evenstep/_native.abi3.so")).expect("the folder is ours");
    let told = "import evenstep; print(evenstep.__version__)";
    for args in [&["-c", told][..], &["-m", "evenstep", "--version"]] {
        let output = Command::new("python3").args(args).env("PYTHONPATH", &package).output().expect("Python is there");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.trim().ends_with(env!("CARGO_PKG_VERSION")), "{said}");
    }
}
