#!/usr/bin/env bash
# Times the models of the suites beside JAX (jit, 64-bit, CPU) in one run on one core, in interleaved rounds, and prints
# medians and their ratios. For what can be selected: scripts/compare-jax.sh --help. Needs cargo and python3 with venv.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=target/jax-venv
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/python" -c 'import jax' 2>/dev/null || "$venv/bin/pip" install --quiet jax
cargo build --release --locked --quiet --package adjudicate-suites --example samples
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
export XLA_FLAGS="${XLA_FLAGS:-} --xla_cpu_multi_thread_eigen=false"
export JAX_ENABLE_X64=1 JAX_PLATFORMS=cpu JAX_CPU_ENABLE_ASYNC_DISPATCH=0
# Both programs share one core and take turns: neither can use a second.
pin=()
if command -v taskset >/dev/null; then pin=(taskset --cpu-list "${ADJUDICATE_CPU:-$(($(nproc) - 1))}"); fi
exec "${pin[@]}" "$venv/bin/python" scripts/compare_jax.py target/release/examples/samples "$@"
