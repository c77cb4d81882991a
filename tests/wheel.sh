#!/usr/bin/env bash
# Builds the wheel by maturin, against an old glibc by zig, and tries it in an environment of its own.
#
#   tests/wheel.sh [PROCESSOR]      this machine's, if none is given; another's is built, and not tried
set -euo pipefail
cd "$(dirname "$0")/.."
processor=${1:-$(uname -m)}
target="${CARGO_TARGET_DIR:-target}"
tools=target/python/tools
if [ ! -x "$tools/bin/maturin" ]; then
  python3 -m venv --clear "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "maturin==1.*" ziglang
fi
rm -f python/dist/*_"$processor".whl python/evenstep/_native.abi3.so
(cd python && PATH="$OLDPWD/$tools/bin:$PATH" CARGO_TARGET_DIR=$(realpath -m "../$target") \
  maturin build --release --locked --zig --compatibility manylinux2014 --target "$processor-unknown-linux-gnu" --out dist)
if [ "$processor" = "$(uname -m)" ]; then
  python3 -m venv --clear target/python/tried
  target/python/tried/bin/pip install --quiet --disable-pip-version-check python/dist/*_"$processor".whl
  target/python/tried/bin/python -c 'import evenstep; print("evenstep", evenstep.__version__)'
  target/python/tried/bin/evenstep --version
fi
ls -l python/dist
