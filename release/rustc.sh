#!/bin/sh
# What cargo calls in place of rustc: so that no path of this machine is in what is built. As flags of cargo's, they would change the
# names of all that is compiled with the folder's.
compiler=$1
shift
exec "$compiler" "$@" --remap-path-prefix="$EVENSTEP_ROOT=." --remap-path-prefix="$EVENSTEP_CARGO_HOME=cargo" \
  --remap-path-prefix="$CARGO_TARGET_DIR=target"
