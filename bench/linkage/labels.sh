#!/usr/bin/env bash
# What judged pairs do to a model: 500 doubtful pairs of a generated list are judged by its truth, the model is changed
# by them, and both models are held against the truth.
#   bench/linkage/labels.sh [PERSONS] [ROWS] [SEED] [LABELS]        default 200000 20000 2 500
# Needs a Python with requirements.txt (PYTHON). PROGRAM is the program to measure, DATA keeps the generated files.
set -euo pipefail
cd "$(dirname "$0")/../.."
persons=${1:-200000} rows=${2:-20000} seed=${3:-2} labels=${4:-500}
python=${PYTHON:-python3}
program=${PROGRAM:-${CARGO_TARGET_DIR:-target}/release/taizhang}
[ -x "$program" ] || cargo build --release --locked
folder=${DATA:-$(mktemp -d)}/cut_${persons}_${rows}_${seed}_hard
[ -f "$folder/truth.csv" ] || "$python" bench/linkage/gen_cn.py --registry "$persons" --incoming "$rows" \
  --seed "$seed" --preset hard --out "$folder" >/dev/null
files=(--left "$folder/incoming.csv" --right "$folder/registry.csv")

# What a queue of doubtful pairs would show: candidates between -6 and 10 bits, drawn by a fixed sequence.
"$program" link "${files[@]}" --out "$folder/candidates.csv" --min-weight -6 >/dev/null
"$python" - "$folder" "$labels" <<'PY'
import csv, hashlib, sys
folder, wanted = sys.argv[1], int(sys.argv[2])
truth = {r["qid"]: r["rid"] for r in csv.DictReader(open(f"{folder}/truth.csv", encoding="utf-8"))}
rows = [r for r in csv.DictReader(open(f"{folder}/candidates.csv", encoding="utf-8")) if float(r["score"]) < 10]
rows.sort(key=lambda r: hashlib.sha256((r["qid"] + r["rid"]).encode()).digest())
with open(f"{folder}/labels.csv", "w", encoding="utf-8", newline="") as f:
    out = csv.writer(f); out.writerow(["qid", "rid", "same"])
    for r in rows[:wanted]: out.writerow([r["qid"], r["rid"], "yes" if truth[r["qid"]] == r["rid"] else "no"])
PY
"$program" model train "${files[@]}" --out "$folder/trained.toml" >/dev/null
"$program" model train "${files[@]}" --out "$folder/trained-labels.toml" --from "$folder/trained.toml" \
  --labels "$folder/labels.csv" >/dev/null
"$program" model train "${files[@]}" --out "$folder/default-labels.toml" --labels "$folder/labels.csv" \
  --from crates/taizhang/models/default.toml >/dev/null
say() {
  "$program" --json model evaluate "${files[@]}" --model "$2" --truth "$folder/truth.csv" >"$folder/report.json"
  "$python" - "$1" "$folder/report.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[2]))
even = next(c for c in r["cuts"] if c["why"] == "even"); best = next(c for c in r["cuts"] if c["why"] == "real")
print(f"| {sys.argv[1]} | {even['precision']:.5f} | {even['real']['precision']:.5f} | {even['missed']:.0f} | "
      f"{r['truth'] - even['real']['right']} | {even['real']['f1']:.5f} | {best['real']['f1']:.5f} | {r['calibration_error']:.5f} |")
PY
}
echo "| model | promised precision | real | promised missed | real | F1 at even odds | best F1 | calibration error |"
echo "|---|---|---|---|---|---|---|---|"
say "the one that comes along" crates/taizhang/models/default.toml
say "the same, with $labels labels" "$folder/default-labels.toml"
say "trained on these files" "$folder/trained.toml"
say "the same, with $labels labels" "$folder/trained-labels.toml"
