#!/usr/bin/env bash
# Random typed programs under every strategy, with the optimiser and without, to the second order: they
# agree or are refused, and nothing panics. Usage: scripts/random-programs.sh [PROGRAMS [SEED]]
set -euo pipefail
cd "$(dirname "$0")/.."
PROGRAMS="${1:-20000}" SEED="${2:-0}" \
    cargo test --release -p adjudicate-strategies --test random -- --nocapture
