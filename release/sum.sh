#!/usr/bin/env bash
# Writes SHA256SUMS of what is in `dist/`, or in the folder that is given, and signs it if RELEASE_KEY names a private key of ssh.
set -euo pipefail
cd "${1:-$(dirname "$0")/../dist}"
find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | LC_ALL=C sort | xargs -r sha256sum >SHA256SUMS
rm -f SHA256SUMS.sig
if [ -n "${RELEASE_KEY:-}" ]; then
  ssh-keygen -q -Y sign -f "$RELEASE_KEY" -n evenstep-release SHA256SUMS
fi
cat SHA256SUMS
