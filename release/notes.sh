#!/usr/bin/env bash
# Prints what the change log says of the newest version.
set -euo pipefail
cd "$(dirname "$0")/.."
awk '/^## /{ if (seen++) exit; next } seen' CHANGELOG.md
