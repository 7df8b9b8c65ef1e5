#!/usr/bin/env bash
# Links a generated list of 100,000 to a generated register, several ways, and scores the outcome.
#   bench/linkage/run.sh [PERSONS] [SEED] [base|hard]        default 1000000 1 base
# DATA: folder of generated files, kept for the next run. PYTHON: a Python with requirements.txt; without SPLINK=1 any
# Python 3 does. SPLINK=1 runs Splink on the same files between runs of ours. RUNS: how often ours run (3).
# Needs GNU time (apt install time).
set -euo pipefail
cd "$(dirname "$0")/../.."
persons=${1:-1000000} seed=${2:-1} preset=${3:-base}
python=${PYTHON:-python3} runs=${RUNS:-3}
program=${PROGRAM:-${CARGO_TARGET_DIR:-target}/release/taizhang}
[ -x /usr/bin/time ] || { echo "GNU time is missing: apt install time" >&2; exit 1; }
[ -x "$program" ] || cargo build --release --locked
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT
folder=${DATA:-$own}/cn_${persons}_${seed}_${preset}
[ -f "$folder/truth.csv" ] || "$python" bench/linkage/gen_cn.py --registry "$persons" --incoming 100000 \
  --seed "$seed" --preset "$preset" --out "$folder" >/dev/null

score() {
  "$python" bench/linkage/score.py --truth "$folder/truth.csv" --matches "$1" --report "$own/score.json" >/dev/null
  "$python" - "$own/score.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
print("   ", {k: r[k] for k in ("f1", "precision", "recall", "threshold", "recall_at_precision_0999")})
PY
}

# What is called, then the command.
once() {
  local what=$1
  shift
  /usr/bin/time -o "$own/time" -f '%e s, %U + %S s of processor time, %M KB at most' "$@" >"$own/out" 2>"$own/err" ||
    { cat "$own/out" "$own/err" >&2; exit 1; }
  echo "$what: $(cat "$own/time")"
}

ours() {
  local what=$1 run
  shift
  for run in $(seq "$runs"); do once "$what" "$@"; done
  score "$own/matches.csv"
}

splink() {
  [ -n "${SPLINK:-}" ] || return 0
  local what=$1
  shift
  once "$what" "$python" bench/linkage/run_splink_cn.py --data "$folder" --out "$own/matches.csv" --u-pairs 1e6 \
    --temp "$own/tmp" "$@"
  score "$own/matches.csv"
}

cat "$folder/registry.csv" "$folder/incoming.csv" >/dev/null
left=(--left "$folder/incoming.csv" --out "$own/matches.csv" --one-to-one)
echo "$preset, seed $seed, 100,000 x $persons, $(nproc) cores"
once "reading the register (wc -l)" wc -l "$folder/registry.csv"
ours "taizhang, trained in the run" "$program" link "${left[@]}" --right "$folder/registry.csv" --train
splink "splink, trained in the run" --params "$own/splink.json"
ours "taizhang, default model" "$program" link "${left[@]}" --right "$folder/registry.csv"
splink "splink, model given" --model "$own/splink.json"
once "taizhang, packing" "$program" pack --register "$folder/registry.csv" --out "$own/register.tzr"
ours "taizhang, packed register, default model" "$program" link "${left[@]}" --register "$own/register.tzr"
ours "taizhang, packed register, trained in the run" "$program" link "${left[@]}" --register "$own/register.tzr" --train
