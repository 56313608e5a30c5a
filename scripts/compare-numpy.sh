#!/usr/bin/env bash
# Times our kernels beside NumPy's in one run on one thread, in interleaved rounds, and prints medians and their ratios.
# Usage: scripts/compare-numpy.sh [ROUNDS]. Needs cargo and python3 with venv; uses OpenBLAS too if it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=target/numpy-venv
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/python" -c 'import numpy' 2>/dev/null || "$venv/bin/pip" install --quiet 'numpy>=2'
features=()
if pkg-config --exists openblas 2>/dev/null; then features=(--features openblas); fi
cargo build --release --locked --quiet --package adjudicate-kernels --example rounds "${features[@]}"
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
exec "$venv/bin/python" scripts/compare_numpy.py target/release/examples/rounds "${1:-25}"
