#!/usr/bin/env bash
# Signs a release's checksums by a new key, and checks them as the docs tell a user to: what was changed must be found.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v ssh-keygen >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends openssh-client; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/dist"
echo "a program" >"$work/dist/evenstep-linux.tar.gz"
ssh-keygen -q -t ed25519 -N '' -C evenstep -f "$work/evenstep-release"
RELEASE_KEY=$work/evenstep-release release/sum.sh "$work/dist" >"$work/told"
cd "$work/dist"
diff "$work/told" SHA256SUMS
sed 's/^/evenstep /' "$work/evenstep-release.pub" >evenstep.signers

# Fails unless the signature and the checksums are what is given: `yes` or `no`.
expect() {
  signed=no whole=no
  ssh-keygen -Y verify -f evenstep.signers -I evenstep -n evenstep-release -s SHA256SUMS.sig <SHA256SUMS >/dev/null 2>&1 && signed=yes
  sha256sum --check --ignore-missing --status SHA256SUMS 2>/dev/null && whole=yes
  [ "$signed $whole" = "$1 $2" ] || { echo "$3: signed $signed, whole $whole" >&2 && exit 1; }
}
expect yes yes "as released"
echo "another program" >evenstep-linux.tar.gz
expect yes no "a file that was changed"
sha256sum evenstep-linux.tar.gz >SHA256SUMS
expect no yes "a file and its checksum that were changed"
echo "a release's checksums are signed, and what was changed is found"
