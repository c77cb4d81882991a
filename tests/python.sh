#!/usr/bin/env bash
# Tests the Python package as it stands: what `cargo build` left, put where the package has it. Needs Python and the network.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
venv="$target/python/venv"
if ! cmp -s python/tests/requirements.txt "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --no-compile --disable-pip-version-check -r python/tests/requirements.txt
  cp python/tests/requirements.txt "$venv/requirements.txt"
fi
cp "$target/debug/libevenstep_python.so" python/evenstep/_native.abi3.so
cd python
"$OLDPWD/$venv/bin/mypy" --config-file pyproject.toml
EVENSTEP="$OLDPWD/$target/debug/evenstep" PYTHONPATH="$PWD" "$OLDPWD/$venv/bin/python" -m pytest "$@"
