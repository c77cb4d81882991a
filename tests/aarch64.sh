#!/usr/bin/env bash
# Builds what is released for aarch64, and runs its self-test under emulation: it must print the released digest.
# Debian, as root.
set -euo pipefail
cd "$(dirname "$0")/.."
tests/aarch64-tools.sh
# In a folder of its own: another compiler would build all of target/ anew.
export CARGO_TARGET_DIR=target/aarch64 RUSTC=/usr/bin/rustc RUNNER=qemu-aarch64-static
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
release/build.sh aarch64-unknown-linux-gnu
emulated="$RUNNER $PWD/target/aarch64/aarch64-unknown-linux-gnu/release/evenstep"
echo "$emulated" >target/aarch64/emulated
$emulated selftest
