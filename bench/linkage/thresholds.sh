#!/usr/bin/env bash
# Sets a cut on seed 1 and uses it on other seeds and other shares of damage: loses less than 0.001 of F1 or fails.
#   bench/linkage/thresholds.sh [PERSONS] [ROWS]        default 200000 20000
# With TRAIN=1 also with a model that each list trains for itself, which is shown and not judged.
# Needs a Python with requirements.txt (PYTHON). PROGRAM is the program to measure, DATA keeps the generated files.
set -euo pipefail
cd "$(dirname "$0")/../.."
persons=${1:-200000} rows=${2:-20000}
python=${PYTHON:-python3}
program=${PROGRAM:-${CARGO_TARGET_DIR:-target}/release/taizhang}
[ -x "$program" ] || cargo build --release --locked
data=${DATA:-$(mktemp -d)}

# Name, seed and what the generator is told.
lists=(
  "base,1,--preset base" "hard,1,--preset hard"
  "base,2,--preset base" "base,3,--preset base" "base,4,--preset base" "base,5,--preset base"
  "hard,2,--preset hard" "hard,3,--preset hard" "hard,4,--preset hard" "hard,5,--preset hard"
  "moved,2,--preset base --id-missing 35 --name 8 --birth-missing 3 --village 20"
  "no-numbers,3,--preset hard --id-missing 80 --id-mask 5"
  "slips,4,--preset base --name 20 --birth-off 10 --id-typo 10"
  "few-members,5,--preset hard --member-share 0.15"
  "most-members,5,--preset base --member-share 0.95"
)
for train in "" ${TRAIN:+--train}; do
  fixed=() used=()
  for list in "${lists[@]}"; do
    IFS=, read -r name seed how <<<"$list"
    folder=$data/cut_${persons}_${rows}_${seed}_${name}
    # shellcheck disable=SC2086
    [ -f "$folder/truth.csv" ] || "$python" bench/linkage/gen_cn.py --registry "$persons" --incoming "$rows" \
      --seed "$seed" $how --out "$folder" >/dev/null
    matches=$folder/matches${train}.csv
    "$program" link --left "$folder/incoming.csv" --right "$folder/registry.csv" --out "$matches" --one-to-one \
      --min-weight -6 $train >/dev/null
    if [ "$seed" = 1 ]; then fixed+=(--set "$folder,$matches"); else used+=(--use "$name seed $seed,$folder,$matches"); fi
  done
  echo
  echo "${train:-the model that comes along}"
  "$python" bench/linkage/thresholds.py "${fixed[@]}" "${used[@]}" || [ -n "$train" ]
done
