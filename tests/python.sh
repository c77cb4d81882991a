#!/usr/bin/env bash
# Tests the Python package as `cargo test --test package` left it. Needs Python 3.11 or later and the network.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
venv="$target/python/venv"
if ! cmp -s python/tests/requirements.txt "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --no-compile --disable-pip-version-check -r python/tests/requirements.txt
  cp python/tests/requirements.txt "$venv/requirements.txt"
fi
cd python
"$OLDPWD/$venv/bin/mypy" --config-file pyproject.toml
EVENSTEP="$OLDPWD/$target/debug/evenstep" PYTHONPATH="$PWD" "$OLDPWD/$venv/bin/python" -m pytest "$@"
