#!/usr/bin/env bash
# Publishes every crate that isn't there in this version, those first that others need. The registry takes few new names at once: it
# is asked again after ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
for crate in files exact table grpc attest source step model image pipeline bundle report selftest server capi; do
  crates+=("evenstep-$crate")
done
for crate in "${crates[@]}" evenstep; do
  until cargo info --quiet --registry crates-io "$crate@$version" >/dev/null 2>&1 || cargo publish --locked --no-verify -p "$crate"; do
    tries=$((${tries:-0} + 1))
    [ "$tries" -le 30 ] || exit 1
    sleep 600
  done
done
