#!/usr/bin/env bash
# Measures the road on this machine: the demo, a registry of PERSONS as CSV into SQLite, and about 100,000 rows of XLSX.
# Each line: what, seconds, peak memory of the largest process in MB. Needs GNU time and some 8 GB of disk for 5,000,000.
#   bench/road.sh [PERSONS]        default 5000000
set -euo pipefail
cd "$(dirname "$0")/.."
persons=${1:-5000000}
program=${CARGO_TARGET_DIR:-target}/release/taizhang
[ -x "$program" ] || cargo build --release --locked
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

measure() {
  local what=$1
  shift
  /usr/bin/time -o "$folder/time" -f '%e %M' "$@" >"$folder/out" 2>"$folder/err" || { cat "$folder/err"; exit 1; }
  awk -v what="$what" '{ printf "%-44s %8.1f s %8.0f MB\n", what, $1, $2 / 1024 }' "$folder/time"
}

echo "$(uname -sm), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $("$program" --version)"
measure "demo, 60,000 persons" "$program" demo --no-serve --data "$folder/demo"
measure "write $persons persons as CSV" "$program" synth --bulk --persons "$persons" --out "$folder/bulk"
"$program" init --no-admin --data "$folder/big" >/dev/null
measure "import divisions, households, $persons persons" "$program" import --data "$folder/big" \
  "$folder/bulk/行政区划.csv" "$folder/bulk/建档立卡户信息.csv" "$folder/bulk/家庭成员信息.csv"
"$program" synth --persons 300000 --out "$folder/sheet" >/dev/null
"$program" init --no-admin --data "$folder/small" >/dev/null
"$program" import --data "$folder/small" "$folder/sheet/行政区划.csv" >/dev/null
measure "import the household XLSX of 300,000 persons" "$program" import --data "$folder/small" "$folder/sheet/建档立卡户信息.xlsx"
