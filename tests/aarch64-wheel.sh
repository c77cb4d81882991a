#!/usr/bin/env bash
# Builds the wheel for aarch64, and tries it in a Python of that processor under emulation: the digest of an example and of the
# self-test must be the released ones. Debian, as root.
set -euo pipefail
cd "$(dirname "$0")/.."
tests/aarch64-tools.sh
CARGO_TARGET_DIR=target/aarch64 RUSTC=/usr/bin/rustc tests/wheel.sh aarch64

# Python for that processor can't be installed beside this one: its packages are unpacked into a root of their own.
root=$PWD/target/aarch64/python
version=$(apt-cache depends python3-minimal:arm64 | sed -n 's/.*PreDepends: python\(3[.0-9]*\)-minimal.*/\1/p')
if ! [ -e "$root/usr/bin/python$version" ]; then
  packages=$(mktemp -d)
  trap 'rm -rf "$packages"' EXIT
  for package in "python$version-minimal" "libpython$version-minimal" "libpython$version-stdlib" libc6 libgcc-s1 zlib1g libexpat1; do
    (cd "$packages" && apt-get download -qq "$package:arm64")
  done
  mkdir -p "$root"
  for package in "$packages"/*.deb; do dpkg -x "$package" "$root"; done
fi
rm -rf "$root/tried"
python3 -m zipfile -e python/dist/*_aarch64.whl "$root/tried"
PYTHONPATH=$root/tried qemu-aarch64-static -L "$root" "$root/usr/bin/python$version" - <<'PYTHON'
import platform
import evenstep

trained = evenstep.Spec.read("examples/titanic/pipeline.toml").train(threads=2)
print("evenstep", evenstep.__version__, platform.machine(), "titanic", trained.digest)
PYTHON
PYTHONPATH=$root/tried qemu-aarch64-static -L "$root" "$root/usr/bin/python$version" -m evenstep selftest
