#!/usr/bin/env bash
# Builds the wheel by maturin, against an old glibc by zig, and tries it in an environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
tools="$target/python/tools"
if [ ! -x "$tools/bin/maturin" ]; then
  python3 -m venv --clear "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "maturin==1.*" ziglang
fi
rm -rf python/dist python/evenstep/_native.abi3.so
(cd python && PATH="$OLDPWD/$tools/bin:$PATH" maturin build --release --locked --zig --compatibility manylinux2014 --out dist "$@")
python3 -m venv --clear "$target/python/tried"
"$target/python/tried/bin/pip" install --quiet --disable-pip-version-check python/dist/*.whl
"$target/python/tried/bin/python" -c 'import evenstep; print("evenstep", evenstep.__version__)'
"$target/python/tried/bin/evenstep" --version
ls -l python/dist
