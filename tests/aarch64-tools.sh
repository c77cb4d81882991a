#!/usr/bin/env bash
# Installs what builds for aarch64 and runs that here: a compiler with its standard library, a linker and an emulator. Debian, as root.
set -euo pipefail
if ! [ -e /usr/lib/rustlib/aarch64-unknown-linux-gnu ] || ! command -v qemu-aarch64-static >/dev/null; then
  dpkg --add-architecture arm64
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends rustc-web libstd-rust-web-dev:arm64 gcc-aarch64-linux-gnu \
    libc6-dev-arm64-cross qemu-user-static
fi
