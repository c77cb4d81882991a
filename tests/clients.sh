#!/usr/bin/env bash
# Serves the examples, and asks for all their rows by clients that know nothing of us: Triton's two, MLflow's,
# one that knows what it is told by reflection, pyarrow, requests and curl; their answers must have the bits of `evenstep score`. Then promtool reads the
# metrics, Chromium shows the page for people, and schemathesis asks by the OpenAPI document whatever it thinks of. `just clients-test` calls it. It needs
# Python 3.11 or later, the network and curl. EVENSTEP names a program that is built already; EXAMPLES says how often schemathesis asks each route.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
if [ -z "${EVENSTEP:-}" ]; then
  # The program that tests of it are built with: nothing, after those.
  cargo test --workspace --locked --quiet --no-run --test doors
  EVENSTEP=$target/debug/evenstep
fi
evenstep=$(realpath "$EVENSTEP")
venv=$target/clients/venv
if ! cmp -s tests/requirements-clients.txt "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --no-compile --disable-pip-version-check -r tests/requirements-clients.txt
  cp tests/requirements-clients.txt "$venv/requirements.txt"
fi

# What may be left out elsewhere may not be where changes are judged.
leave_out() { # what isn't done; what it lacks
  echo "left out: $1, for there is no $2"
  [ -z "${EVENSTEP_ALL_SURROUNDINGS:-}" ] || { echo "$2 is needed here: \`.ci/run\` installs it" >&2 && exit 1; }
}

work=$(mktemp -d)
servers=()
trap 'for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done; rm -rf "$work"' EXIT

serve() { # name; sets the address
  "$evenstep" serve "$work/$1.evenstep" --listen 127.0.0.1:0 --json >"$work/$1.said" &
  servers+=($!)
  for _ in $(seq 100); do
    [ -s "$work/$1.said" ] && break
    sleep 0.1
  done
  address=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$work/$1.said")
}

for example in houses credit titanic; do
  "$evenstep" train "examples/$example/pipeline.toml" --output "$work/$example.evenstep" --quiet >/dev/null
  data=$(echo "examples/$example"/*.csv)
  "$evenstep" score "$work/$example.evenstep" --input "$data" --output "$work/$example.jsonl" --quiet
  serve "$example"
  "$venv/bin/python" tests/clients.py "$address" "$data" "$work/$example.jsonl"
done

# Of what the titanic's server counted of all that.
if command -v promtool >/dev/null; then
  curl -fsS "http://$address/metrics" | promtool check metrics
  # It reads OpenMetrics only where it makes blocks of a history, whose samples have times.
  curl -fsS "http://$address/metrics" -H "Accept: application/openmetrics-text" | sed '/^#/!s/$/ 1767225600/' >"$work/history"
  promtool tsdb create-blocks-from openmetrics "$work/history" "$work/blocks" >/dev/null
  echo "promtool reads the metrics in both texts"
else
  leave_out "what promtool says of the metrics" promtool
fi

# The page for people shows the contract, and what the server answers to its example.
if chromium=$(command -v chromium || command -v google-chrome); then
  "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update \
    --disable-sync --user-data-dir="$work/browser" --virtual-time-budget=10000 --dump-dom "http://$address/docs#ask" >"$work/docs.html" 2>"$work/browser.log" ||
    { tail "$work/browser.log" >&2 && exit 1; }
  grep -q '<code>PClass</code>' "$work/docs.html"
  grep -q '"probability"' "$work/docs.html"
  echo "the page shows the contract and an answer in $chromium"
else
  leave_out "how the page looks in a browser" chromium
fi

# Whatever the document allows is answered, and whatever it doesn't is refused, as it says. That columns have one length, and
# that a tensor has the elements of its shape, is more than a schema can say: there, what it allows may be refused.
cd "$work" # What it remembers is kept where it runs.
"$venv/bin/schemathesis" run "http://$address/openapi.json" --checks all --exclude-checks positive_data_acceptance \
  --max-examples "${EXAMPLES:-15}" --seed 2026 --no-color | tail -40

# The server is told to stop, and ends what is under way.
"$venv/bin/python" "$root/tests/drain.py" "$address" "${servers[-1]}"
