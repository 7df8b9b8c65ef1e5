#!/usr/bin/env bash
# Links a generated list of 100,000 to a generated register and scores the outcome.
#   bench/linkage/run.sh [PERSONS] [SEED] [base|hard]        default 1000000 1 base
# Needs GNU time, and a Python with requirements.txt (PYTHON). SPLINK=1 runs Splink on the same files afterwards.
set -euo pipefail
cd "$(dirname "$0")/../.."
persons=${1:-1000000} seed=${2:-1} preset=${3:-base}
python=${PYTHON:-python3}
program=${CARGO_TARGET_DIR:-target}/release/taizhang
[ -x "$program" ] || cargo build --release --locked
folder=${DATA:-$(mktemp -d)}/cn_${persons}_${seed}_${preset}
[ -f "$folder/truth.csv" ] || "$python" bench/linkage/gen_cn.py --registry "$persons" --incoming 100000 \
  --seed "$seed" --preset "$preset" --out "$folder" >/dev/null

score() {
  "$python" bench/linkage/score.py --truth "$folder/truth.csv" --matches "$1" --report "$folder/score.json" >/dev/null
  "$python" - "$folder/score.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
print({k: r[k] for k in ("f1", "precision", "recall", "threshold", "recall_at_precision_0999", "false_positives")})
PY
}

run() {
  local what=$1
  shift
  /usr/bin/time -o "$folder/time" -f '%e s, %M KB at most' "$@" >"$folder/out" 2>"$folder/err" || { cat "$folder/err"; exit 1; }
  echo "$what: $(cat "$folder/time")"
  score "$folder/matches.csv"
}

files=(--left "$folder/incoming.csv" --right "$folder/registry.csv" --out "$folder/matches.csv" --one-to-one)
echo "$preset, seed $seed, 100,000 x $persons, $(nproc) cores"
run "taizhang, default model" "$program" link "${files[@]}"
run "taizhang, trained in the run" "$program" link "${files[@]}" --train
if [ -n "${SPLINK:-}" ]; then
  run "splink, trained in the run" "$python" bench/linkage/run_splink_cn.py --data "$folder" \
    --out "$folder/matches.csv" --u-pairs 1e6 --temp "$folder/tmp"
fi
