#!/usr/bin/env bash
# Finds who is twice in a generated register with 100,000 planted rows, and scores pairs and clusters.
#   bench/linkage/run_dedupe.sh [PERSONS] [SEED] [base|hard]        default 1000000 1 base
# Needs GNU time, and a Python with requirements.txt (PYTHON). SPLINK=1 runs Splink on the same file afterwards.
set -euo pipefail
cd "$(dirname "$0")/../.."
persons=${1:-1000000} seed=${2:-1} preset=${3:-base}
python=${PYTHON:-python3}
program=${CARGO_TARGET_DIR:-target}/release/taizhang
[ -x "$program" ] || cargo build --release --locked
folder=${DATA:-$(mktemp -d)}
made=$folder/cn_${persons}_${seed}_${preset} twice=$folder/dedupe_${persons}_${seed}_${preset}
[ -f "$made/truth.csv" ] || "$python" bench/linkage/gen_cn.py --registry "$persons" --incoming 100000 \
  --seed "$seed" --preset "$preset" --out "$made" >/dev/null
[ -f "$twice/persons.csv" ] || "$python" bench/linkage/make_dedupe.py --data "$made" --out "$twice"

run() {
  local what=$1 cut=$2
  shift 2
  /usr/bin/time -o "$twice/time" -f '%e s, %U + %S s of CPU, %M KB at most' "$@" >"$twice/out" 2>"$twice/err" ||
    { cat "$twice/err"; exit 1; }
  echo "$what: $(cat "$twice/time")"
  "$python" bench/linkage/score_dedupe.py --data "$twice" --pairs "$twice/pairs_out.csv" \
    --clusters "$twice/clusters_out.csv" --cut "$cut" --report "$twice/score.json" >/dev/null
  "$python" - "$twice/score.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
print({k: r[k] for k in ("pairs_best", "pairs_at_cut", "clusters", "cluster_sizes")})
PY
}

files=(--in "$twice/register.csv" --out "$twice/pairs_out.csv" --clusters "$twice/clusters_out.csv")
echo "$preset, seed $seed, $persons persons and 100,000 rows more, $(nproc) cores"
run "taizhang, default model" 2 "$program" dedupe "${files[@]}"
run "taizhang, trained in the run" 2 "$program" dedupe "${files[@]}" --train
if [ -n "${SPLINK:-}" ]; then
  # Its best threshold in these data, known afterwards only, for pairs and clusters both.
  run "splink, trained in the run" 7 "$python" bench/linkage/run_splink_dedupe.py --data "$twice" --cut 7 \
    --out "$twice/pairs_out.csv" --clusters "$twice/clusters_out.csv" --temp "$twice/tmp"
fi
