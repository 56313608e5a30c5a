#!/usr/bin/env bash
# Installs what feature `openblas` of adjudicate-kernels links against, on Debian and Ubuntu: OpenBLAS with its pthread
# build (which can be told its number of threads) and pkg-config, by which the build finds it.
set -euo pipefail
run=()
if [ "$(id -u)" -ne 0 ]; then run=(sudo); fi
"${run[@]}" apt-get update
"${run[@]}" apt-get install --yes --no-install-recommends gcc libopenblas-pthread-dev pkg-config
