#!/usr/bin/env bash
# A CSV of more than a gigabyte is trained, verified, and scored in bounded memory. Needs Python, 4 GB of memory and 2 GB on the disk.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked -p evenstep
rm -rf target/large
mkdir target/large
trap 'rm -rf target/large' EXIT
python3 tests/large.py target/release/evenstep target/large
