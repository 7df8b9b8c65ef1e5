#!/usr/bin/env bash
# Measures the assessment on a data folder that holds a register and compared lists, with the sixty rules beside this file:
# everybody for the first time, everybody again, 10,000 changed signals, what-if on the income line, visits one by one.
# THE FOLDER IS CHANGED: give a copy. Needs sqlite3 and python3 (standard library).
#   bench/assess.sh FOLDER [STEP...]        steps: first again changed what-if writes; all of them by default
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1
shift
steps=${*:-first again changed what-if writes}
program=${TAIZHANG:-${CARGO_TARGET_DIR:-target}/release/taizhang}
[ -x "$program" ] || cargo build --release --locked
rules=bench/assess/sixty-rules.toml
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# What, then seconds and memory of the process, then what the program says of itself.
timed() {
  local what=$1 shown=$2
  shift 2
  /usr/bin/time -o "$out/time" -f '%e %U %M' "$program" --data "$data" --json "$@" >"$out/json" 2>"$out/err" \
    || { cat "$out/err" "$out/json"; exit 1; }
  awk -v what="$what" '{ printf "%-28s %8.1f s  %8.1f CPU s  %6.0f MB  ", what, $1, $2, $3 / 1024 }' "$out/time"
  python3 -c "import json; j = json.load(open('$out/json')); print($shown)"
}

echo "$(uname -sm), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $("$program" --version)"
findings="j['findings'], {k: v for k, v in j['items'].items() if v}, j.get('took')"
for step in $steps; do
  case $step in
    first) timed "everybody, first time" "$findings" assess --profile "$rules" ;;
    again) timed "everybody, nothing new" "$findings" assess ;;
    changed)
      # Each of 10,000 facts turns out to be of another day.
      sqlite3 "$data/taizhang.db" "UPDATE signal SET fact_date = date(substr(fact_date, 1, 10), '-1 day'),
        state_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000
        WHERE id IN (SELECT id FROM signal WHERE subject IN ('person', 'household') ORDER BY id LIMIT 10000)"
      timed "10,000 changed signals" "$findings" assess --changed
      ;;
    what-if)
      sed 's/^yuan = 5000$/yuan = 5500/; s/^version = 1$/version = 2/' "$rules" >"$out/line.toml"
      sed 's/s.kind == "medical.self_pay" \&\& s.amount >= 5000/s.kind == "medical.self_pay" \&\& s.amount >= 8000/
           s/^version = 1$/version = 2/' "$rules" >"$out/bill.toml"
      said="'first', round(j['estimate_seconds'], 2), 's of', j['estimate']['asked'], 'in', j['estimate']['all']['households_in'],"
      said="$said 'margin', j['margin'], 'exact', round(j['seconds'], 1), 's of', j['answer']['asked'],"
      said="$said 'in', j['answer']['all']['households_in'], 'out', j['answer']['all']['households_out']"
      timed "what if the line were 5,500" "$said" profile what-if "$out/line.toml"
      timed "what if bills from 8,000" "$said" profile what-if "$out/bill.toml"
      ;;
    writes) python3 bench/assess/writes.py "$program" "$data" ;;
  esac
done
