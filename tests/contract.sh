#!/usr/bin/env bash
# What `contract` and `schema` write, judged by programs that know nothing of us: jsonschema validates the examples' specs and
# rows, openapi-spec-validator the OpenAPI documents, protoc the messages, mypy the client in Python, tsc the one in
# TypeScript, which then asks a mock. `just contract-test` calls it. It needs Python, Node and the network.
# EVENSTEP names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${EVENSTEP:-}" ]; then
  cargo build --workspace --locked
  EVENSTEP=target/debug/evenstep
fi
evenstep=$(realpath "$EVENSTEP")
tools=$PWD/target/contract
if [ ! -x "$tools/venv/bin/mypy" ]; then
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet 'jsonschema[format]==4.*' 'openapi-spec-validator==0.*' 'grpcio-tools==1.*' 'mypy==1.*'
fi
if [ ! -x "$tools/node_modules/.bin/tsc" ]; then
  npm install --silent --no-fund --no-audit --prefix "$tools" typescript@5 @types/node@20
fi

work=$(mktemp -d)
servers=()
trap 'for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done; rm -rf "$work"' EXIT

"$evenstep" schema >"$work/schema.json"
for example in houses titanic credit; do
  spec=examples/$example/pipeline.toml
  mkdir "$work/$example"
  "$evenstep" mock "$spec" --listen 127.0.0.1:0 --json --quiet >"$work/$example/said" &
  servers+=($!)
  for format in json openapi json-schema proto python typescript; do
    "$evenstep" contract "$spec" --format "$format" --output "$work/$example/$format" --quiet
  done
  for _ in $(seq 200); do
    [ -s "$work/$example/said" ] && break
    sleep 0.1
  done
  address=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$work/$example/said")
  (
    cd "$work/$example"
    mv proto rows.proto && mv python client.py && mv typescript client.ts
    "$tools/venv/bin/python" -m grpc_tools.protoc -I. --descriptor_set_out=rows.bin --include_imports rows.proto
    "$tools/venv/bin/mypy" --strict --no-error-summary client.py
    cat >ask.ts <<'TS'
import { Client, type Row } from "./client";
import { readFileSync } from "node:fs";
const document = JSON.parse(readFileSync("openapi", "utf8"));
const row: Row = document.paths["/predict"].post.requestBody.content["application/json"].example;
new Client(process.argv[2]).predict([row, row]).then((both) => {
  if (both.length !== 2 || JSON.stringify(both[0]!.prediction) !== JSON.stringify(both[1]!.prediction)) process.exit(1);
  console.log(JSON.stringify(both[0]!.prediction));
});
TS
    ln -s "$tools/node_modules" node_modules
    node_modules/.bin/tsc --strict --noUncheckedIndexedAccess --target es2022 --module commonjs --types node ask.ts
    node ask.js "http://$address"
  )
done
"$tools/venv/bin/python" tests/contract.py "$work" examples
