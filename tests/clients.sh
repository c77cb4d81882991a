#!/usr/bin/env bash
# Serves the examples, and asks for all their rows by clients that know nothing of us: Triton's two, MLflow's,
# one that knows what it is told by reflection, pyarrow, requests and curl; their answers must have the bits of `evenstep score`. Then schemathesis asks by the OpenAPI
# document whatever it thinks of. `just clients-test` calls it. It needs Python and the network, and curl.
# EVENSTEP names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

if [ -z "${EVENSTEP:-}" ]; then
  cargo build --workspace --locked
  EVENSTEP=target/debug/evenstep
fi
evenstep=$(realpath "$EVENSTEP")
venv=$root/target/clients
if ! "$venv/bin/python" -c 'import grpc_health, grpc_reflection, mlflow, prometheus_client, schemathesis' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet 'tritonclient[grpc,http]==2.*' grpcio-health-checking grpcio-reflection \
    'mlflow-skinny==3.*' prometheus-client pyarrow pandas scipy requests 'schemathesis==4.*'
fi

work=$(mktemp -d)
servers=()
trap 'for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done; rm -rf "$work"' EXIT

serve() { # name; prints the address
  "$evenstep" serve "$work/$1.evenstep" --listen 127.0.0.1:0 --json >"$work/$1.said" &
  servers+=($!)
  for _ in $(seq 100); do
    [ -s "$work/$1.said" ] && break
    sleep 0.1
  done
  address=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$work/$1.said")
}

for example in houses titanic credit; do
  "$evenstep" train "examples/$example/pipeline.toml" --out "$work/$example.evenstep" --quiet >/dev/null
  data=$(echo "examples/$example"/*.csv)
  "$evenstep" score "$work/$example.evenstep" --input "$data" --output "$work/$example.jsonl" --quiet
  serve "$example"
  "$venv/bin/python" tests/clients.py "$address" "$data" "$work/$example.jsonl"
done

# The page for people, in a browser, if there is one: it shows the contract, and what the server answers to its example.
address=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$work/titanic.said")
if chromium=$(command -v chromium || command -v google-chrome); then
  "$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$work/browser" --virtual-time-budget=10000 \
    --dump-dom "http://$address/docs#ask" >"$work/docs.html" 2>/dev/null
  grep -q '<code>PClass</code>' "$work/docs.html"
  grep -q '"probability"' "$work/docs.html"
  echo "the page shows the contract and an answer in $chromium"
else
  echo "the page was not looked at: there is no Chromium"
fi

# Whatever the document allows is answered, and whatever it doesn't is refused, as it says. That columns have one length, and
# that a tensor has the elements of its shape, is more than a schema can say: there, what it allows may be refused.
address=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$work/titanic.said")
cd "$work" # What it remembers is kept where it runs.
"$venv/bin/schemathesis" run "http://$address/openapi.json" --checks all --exclude-checks positive_data_acceptance \
  --max-examples "${EXAMPLES:-50}" --seed 2026 --no-color | tail -40
