#!/usr/bin/env bash
# About ten damaged records for each of 5,000 made-up persons, clustered by schema, the best of RUNS (5) runs by wall time;
# the same with Splink where PYTHON has it.
#   bench/linkage/run_people.sh [SEED] [DAMAGE]        default 1 1.35
# Builds the example of the library only. SPLINK=1 runs Splink on the same file.
set -euo pipefail
cd "$(dirname "$0")/../.."
seed=${1:-1} damage=${2:-1.35} python=${PYTHON:-python3}
[ -n "${BUILT:-}" ] || "${CARGO:-cargo}" build --release --locked -p linkage --example schema
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" bench/linkage/gen_people.py --rows 50000 --seed "$seed" --damage "$damage" --out "$folder"
for _ in $(seq "${RUNS:-5}"); do
  /usr/bin/time -a -o "$folder/times" -f "%e s, %U + %S s of processor, %M KB at most" \
    "${CARGO_TARGET_DIR:-target}/release/examples/schema" bench/linkage/schemas/historical_50k.toml \
    "$folder/clusters.csv" "$folder/people.csv" 2>/dev/null
done
sort -n "$folder/times" | head -1
"$python" bench/linkage/score_schema.py people "$folder/clusters.csv" "$folder/people.csv"
if [ -n "${SPLINK:-}" ]; then
  "$python" bench/linkage/run_splink_hist50k.py --data "$folder/people.parquet" --model tuned
fi
