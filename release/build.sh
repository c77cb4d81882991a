#!/usr/bin/env bash
# Builds what a release consists of, in `dist/`: for each target an archive with the program, which is static, its manual,
# what shells complete, its licence and its bill of materials; and SHA256SUMS of all that is there, signed if RELEASE_KEY names a
# private key of ssh. The same commit gives the same bytes, in whatever folder.
#
#   release/build.sh [TARGET…]      x86_64-unknown-linux-gnu if none is given
#
# A target of another processor needs its linker as CARGO_TARGET_…_LINKER and CC_…, and RUNNER, which runs its programs here.
set -euo pipefail
cd -P "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- x86_64-unknown-linux-gnu

EVENSTEP_ROOT=$PWD
EVENSTEP_CARGO_HOME=$(realpath "${CARGO_HOME:-$HOME/.cargo}")
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
CFLAGS=${CFLAGS:-}
export EVENSTEP_ROOT EVENSTEP_CARGO_HOME CARGO_TARGET_DIR CARGO_HOME=$EVENSTEP_CARGO_HOME
export RUSTC_WRAPPER=$PWD/release/rustc.sh
# What a C compiler gives as the time of compiling, and what is packed is given.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# Quoted, and read so: a folder's name may hold spaces.
export CC_SHELL_ESCAPED_FLAGS=1
for map in "$EVENSTEP_ROOT=." "$EVENSTEP_CARGO_HOME=cargo" "$CARGO_TARGET_DIR=target"; do
  CFLAGS+=" '-ffile-prefix-map=$map'"
done
export CFLAGS
export RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols"
# A sixth smaller, and as fast.
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_LTO=fat
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p dist
find dist -maxdepth 1 -type f ! -name "evenstep-$version-*" -delete

for target in "$@"; do
  cargo build --release --locked -p evenstep --features push --target "$target"
  name=evenstep-$version-${target%%-*}-linux
  mkdir -p "$work/$name/completions"
  cp "$CARGO_TARGET_DIR/$target/release/evenstep" LICENSE README.md CHANGELOG.md "$work/$name"
  # shellcheck disable=SC2086 # an emulator may have arguments
  run() { ${RUNNER:-} "$work/$name/evenstep" "$@"; }
  linker=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_LINKER
  {
    git describe --always --abbrev=40 --exclude="*" --dirty
    "${RUSTC:-rustc}" -vV
    "${!linker:-cc}" --version | head -1
    "${!linker:-cc}" -Wl,--version 2>/dev/null | head -1
  } >"$work/$name/built-with.txt"
  run sbom >"$work/$name/evenstep.cdx.json"
  run schema >"$work/$name/pipeline.schema.json"
  run manual --quiet --output "$work/$name/man" >"$work/pages"
  run completions bash >"$work/$name/completions/evenstep.bash"
  run completions zsh >"$work/$name/completions/_evenstep"
  run completions fish >"$work/$name/completions/evenstep.fish"
  tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --format=ustar \
    -C "$work" -c "$name" | gzip -9n >"dist/$name.tar.gz"
  cp "$work/$name/evenstep.cdx.json" "dist/$name.cdx.json"
done

release/sum.sh
