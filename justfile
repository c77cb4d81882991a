# Lists the habits that have commands.
default:
    @just --list

# Everything that must hold before a change lands
ready: fmt-check lint test python-test clients-test push-test signature-test deny

# Every test there is: what `ready` runs, and what takes root, Debian or longer. About an hour
everything: ready lint-parts contract-test interop large-test image-test wheel aarch64

# Format every Rust file, also those that only a macro declares
fmt:
    rustfmt --edition 2024 $(git ls-files '*.rs')

# Say which files are not formatted
fmt-check:
    rustfmt --edition 2024 --check $(git ls-files '*.rs')

# Clippy, with warnings denied
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo clippy --workspace --locked --features evenstep/push -- -D warnings

# Clippy on servers that were built without some of their parts
lint-parts:
    cargo clippy -p evenstep-server --locked --no-default-features -- -D warnings
    cargo clippy -p evenstep-server --locked --no-default-features --features grpc -- -D warnings
    cargo clippy -p evenstep-server --locked --no-default-features --features otel -- -D warnings

# Every test: units, laws, whole program, documentation
test:
    cargo test --workspace --locked --no-fail-fast

# How images are sent to registries: what the other tests are built without
push-test:
    cargo test --locked -p evenstep-image --features push

# Make a container image, push it to registries, run it, and ask it. Needs root and Debian, and takes a release build
image-test:
    tests/image.sh

# The Python package: its types by mypy, and its tests. Needs Python and the network
python-test:
    cargo test --workspace --locked --test package
    tests/python.sh

# A wheel for every Linux on this processor with glibc 2.17 or later, in `python/dist`. Needs Python and the network
wheel:
    tests/wheel.sh

# The same for aarch64, tried in an emulated Python of that processor. Needs Debian, as root
wheel-aarch64:
    tests/aarch64-wheel.sh

# Sign a release's checksums by a new key, and check them as the docs say. Needs ssh-keygen
signature-test:
    tests/signature.sh

# The static program with all that a release consists of, in `dist/`
release *targets:
    release/build.sh {{targets}}

# The docs' site, in `target/book`
site:
    command -v mdbook >/dev/null || cargo install mdbook --locked --debug --quiet
    mdbook build docs

# That each crate can be published
publish-check:
    cargo package --workspace --locked --no-verify --allow-dirty --quiet

# The laws alone: equal digests across threads, orders, chunkings, formats
law:
    cargo test --workspace --locked law

# Licences, bans and sources of what we build on
deny:
    command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --debug --quiet
    cargo deny --all-features check bans licenses sources

# Rewrite the reference from the code that runs
docs:
    UPDATE_DOCS=1 cargo test --locked --workspace --test reference --test sbom --test generated

# Ask a server by clients that know nothing of us: Triton, MLflow, pyarrow, promtool, Chromium, schemathesis, curl. Needs Python and the network
clients-test examples="15":
    EXAMPLES={{examples}} tests/clients.sh

# Judge what `contract` and `schema` write by validators and compilers of others. Needs Python, Node and the network
contract-test:
    tests/contract.sh

# Check signatures and bills of materials with programs that know nothing of ours. Needs Python
interop:
    cargo build --locked -p evenstep
    python3 -m venv target/interop/venv
    target/interop/venv/bin/pip install --quiet securesystemslib cryptography "cyclonedx-python-lib[json-validation]"
    rm -rf target/interop/work && mkdir target/interop/work
    cd target/interop/work && ../venv/bin/python ../../../tests/interop.py ../../debug/evenstep

# Build for aarch64 and run the self-test there, emulated. Needs Debian, as root
aarch64:
    tests/aarch64.sh

# Train the examples in every way, on this host and on aarch64 if `just aarch64` built for it, and write the table of digests
digests:
    EVENSTEP_AARCH64="$(cat target/aarch64/emulated 2>/dev/null)" cargo test --locked --workspace --test digests -- --ignored

# Train and score a CSV of more than a gigabyte in bounded memory. Needs Python, and takes a release build
large-test:
    tests/large.sh

# Search for bytes that a reader stumbles over: `just fuzz parquet`. Needs nightly and cargo-fuzz
fuzz target:
    cargo +nightly fuzz run {{target}}

# Many more hostile bundles than a test run tries: `just mutants 1000000`
mutants count="100000":
    MUTANTS={{count}} cargo test --release --locked -p evenstep --test hostile -- --nocapture

# Read a bundle by the documentation of its format alone
read-bundle bundle:
    python3 -c "import blake3" 2>/dev/null || python3 -m pip install --quiet blake3
    python3 docs/src/reference/read_bundle.py {{bundle}}

# Compare side by side with the peers, and write bench/RESULTS.md
bench:
    bench/run
