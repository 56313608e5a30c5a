#!/usr/bin/env bash
# Counts every suite and compares with the stored baseline; with --bless, makes what was counted the baseline.
set -euo pipefail
cd "$(dirname "$0")/.."
run="runs/counts-$$"
trap 'rm -rf "$run"' EXIT
# As the tests are built, so that nothing is compiled twice where they have just run.
cargo test --workspace --locked --no-run --quiet
target/debug/adjudicate -q run --profile quick --no-time --out "$run" > /dev/null
target/debug/adjudicate compare suites/baseline "$run" --counts "$@"
