#!/usr/bin/env bash
# Makes an image of the houses, pushes it to two real registries, pulls, inspects and unpacks it, runs it without any
# right in a read-only root, and asks it for the predictions that `evenstep score` gives. `just image-test` calls it.
# It needs root, and installs from Debian what it runs if it is missing. ENGINE names a static engine, EVENSTEP a
# program with `push`, if they are built already.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

declare -A package=([docker-registry]=docker-registry [skopeo]=skopeo [umoci]=umoci [runc]=runc [curl]=curl
  [openssl]=openssl [htpasswd]=apache2-utils [python3]=python3)
missing=()
for tool in "${!package[@]}"; do command -v "$tool" >/dev/null || missing+=("${package[$tool]}"); done
[ ${#missing[@]} -eq 0 ] || apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

if [ -z "${ENGINE:-}" ]; then
  release/build.sh
  ENGINE=target/x86_64-unknown-linux-gnu/release/evenstep
fi
EVENSTEP=${EVENSTEP:-$ENGINE}
engine=$(realpath "$ENGINE") evenstep=$(realpath "$EVENSTEP")

work=$(mktemp -d)
container=evenstep-image-test-$$
started=()
finish() {
  runc delete --force "$container" >/dev/null 2>&1 || true
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "  $*" >&2
  exit 1
}
same() { [ "$1" = "$2" ] || fail "$3: $1 and $2"; }

echo "image"
cp -r "$root/examples/houses" "$work/houses"
cd "$work"
"$evenstep" train houses/pipeline.toml --quiet >/dev/null
bundle=houses/houses.evenstep
"$evenstep" image $bundle --output image.tar --engine "$engine"
"$engine" image $bundle --output again.tar >/dev/null
cmp image.tar again.tar
digest=$("$evenstep" image $bundle --output image.tar --engine "$engine" --json |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["image"])')
bytes=$(stat -c %s image.tar)
[ "$bytes" -le 40000000 ] || fail "the image has $bytes bytes"
echo "  the engine makes the same image of itself, of $bytes bytes"

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }
# A registry with these lines of configuration, at this address; curl's further arguments ask whether it is there.
registry() {
  local name=$1 address=$2 more=$3
  shift 3
  printf 'version: 0.1\nlog: { level: error, accesslog: { disabled: true } }\nstorage: { filesystem: { rootdirectory: %s } }\n%s\n' \
    "$work/$name" "$more" >"$name.yml"
  docker-registry serve "$name.yml" >"$name.log" 2>&1 &
  started+=($!)
  for _ in $(seq 100); do
    curl -s --noproxy '*' -o /dev/null "$@/v2/" && return
    sleep 0.1
  done
  fail "no registry at $address: $(cat "$name.log")"
}
digest_of() { skopeo inspect "$@" --format '{{.Digest}}'; }

echo "registry of this host"
plain=127.0.0.1:$(port)
registry plain "$plain" "http: { addr: '$plain' }" "http://$plain"
export DOCKER_CONFIG=$work/docker
mkdir docker
"$evenstep" image $bundle --push "$plain/models/houses:1" --engine "$engine" | tee pushed.txt
grep -q "(2 layers sent, 0 were there)" pushed.txt
same "$(digest_of --tls-verify=false "docker://$plain/models/houses:1")" "$digest" "digest of the pushed image"
skopeo copy --quiet --insecure-policy --preserve-digests --dest-tls-verify=false \
  oci-archive:image.tar "docker://$plain/models/houses:by-skopeo"
same "$(digest_of --tls-verify=false "docker://$plain/models/houses:by-skopeo")" "$digest" "digest by skopeo"
"$evenstep" image $bundle --push "$plain/models/houses:2" --engine "$engine" | grep -q "(0 layers sent, 2 were there)"
echo "  skopeo pushes the same digest from the file, and no layer is sent twice"

echo "registry of another host: TLS and a password"
host=$(hostname -I | tr ' ' '\n' | grep -v : | grep -v '^127\.' | head -1)
[ -n "$host" ] || fail "this host has no address but loopback"
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${new_key[@]}" -days 2 -subj "/CN=test authority" -keyout ca.key -out ca.crt 2>/dev/null
openssl req "${new_key[@]}" -subj /CN=test -keyout tls.key -out tls.csr 2>/dev/null
printf 'subjectAltName=IP:%s\nbasicConstraints=CA:FALSE\n' "$host" >tls.ext
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile tls.ext -out tls.crt 2>/dev/null
htpasswd -nbB ana secret >htpasswd
locked=$host:$(port)
registry locked "$locked" "auth: { htpasswd: { realm: test, path: $work/htpasswd } }
http: { addr: '$locked', tls: { certificate: $work/tls.crt, key: $work/tls.key } }" --cacert ca.crt "https://$locked"
push_locked() { "$evenstep" image $bundle --push "$locked/models/houses:1" --engine "$engine" 2>&1; }
refused() { # what must be said
  if said=$(push_locked); then fail "a push was taken: $said"; fi
  [[ "$said" == *"$1"* ]] || fail "it says: $said"
  echo "$said" | sed -n 's/^ *× /  /p'
}
refused "can't be reached"
export SSL_CERT_FILE=$work/ca.crt
refused "there are none for it"
login() { printf '{"auths":{"%s":{"auth":"%s"}}}' "$locked" "$(printf '%s' "$1" | base64)" >docker/config.json; }
login ana:wrong
refused "by the credentials that are kept for it"
login ana:secret
push_locked | grep "pushed"
same "$(SSL_CERT_FILE= digest_of --tls-verify=false --creds ana:secret "docker://$locked/models/houses:1")" "$digest" \
  "digest behind a password"
unset SSL_CERT_FILE

echo "container"
skopeo copy --quiet --insecure-policy --src-tls-verify=false "docker://$plain/models/houses:1" oci:pulled:1
umoci unpack --image pulled:1 container 2>/dev/null
cmp $bundle container/rootfs/model.evenstep
cmp "$engine" container/rootfs/evenstep
KEY=$("$evenstep" key api client --file api-keys.toml 2>/dev/null)
export KEY
# Its user is nobody of this host.
chmod a+r api-keys.toml
chmod a+x .
python3 "$root/tests/image.py" harden container/config.json "$PWD/api-keys.toml"
python3 "$root/tests/image.py" rows houses/ames.csv $bundle >rows.json
"$evenstep" score $bundle --input houses/ames.csv --output scores.csv --quiet
python3 "$root/tests/image.py" ask rows.json scores.csv 127.0.0.1:8080 "plain engine" 20 -- \
  "$engine" serve $bundle --listen 127.0.0.1:8080
python3 "$root/tests/image.py" ask rows.json scores.csv 127.0.0.1:8080 "in runc" 20 -- \
  runc container "$container"

runc run --no-pivot --bundle container "$container" >served.log 2>&1 &
running=$!
started+=($running)
for _ in $(seq 200); do "$engine" serve --check >/dev/null 2>&1 && break; sleep 0.05; done
runc exec "$container" /evenstep serve --check >/dev/null
echo "  the health check within says that it is well"
runc kill "$container" TERM
wait $running || fail "it ended with an error: $(cat served.log)"
echo "  it ends when it is told to"
