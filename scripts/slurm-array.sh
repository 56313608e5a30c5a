#!/usr/bin/env bash
# A paper-grade run spread over a cluster: sbatch scripts/slurm-array.sh, and when all parts are done
#   adjudicate merge runs/part-* --out runs/whole
# Arguments go to `adjudicate run`: sbatch scripts/slurm-array.sh --suite rnn
# Parts must run on machines of one kind; merge refuses others. A part that was cut short is submitted again and goes on.
#SBATCH --job-name=adjudicate
#SBATCH --array=1-8
#SBATCH --exclusive
#SBATCH --cpus-per-task=1
#SBATCH --time=12:00:00
#SBATCH --requeue
set -euo pipefail
part="runs/part-${SLURM_ARRAY_TASK_ID}"
if [ -f "$part/manifest.json" ]; then
  exec target/release/adjudicate run --resume "$part"
fi
shard="${SLURM_ARRAY_TASK_ID}/${SLURM_ARRAY_TASK_COUNT}"
exec target/release/adjudicate run --profile paper --shard "$shard" --out "$part" "$@"
