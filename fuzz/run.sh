#!/usr/bin/env bash
# Fuzzes what reads foreign bytes, one target after the other, on one core.
#   fuzz/run.sh [SECONDS] [TARGET…]        default 60 and all of them
# Needs a nightly compiler and `cargo install cargo-fuzz`. What was found before is kept in fuzz/corpus, what fails in
# fuzz/artifacts. Without a sanitizer, since there is no unsafe code to watch but one mapping, and inputs are run several
# times as fast; overflows and assertions of debug builds are on. A single allocation above 256 MB, 1 GB in all, and an input that takes 10 seconds are failures, too.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(codes csv link records packed changes schema model)
cargo +nightly fuzz build --fuzz-dir . --sanitizer none
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  dictionary=$target
  case $target in link) dictionary=csv ;; esac
  dictionary=$([ -f "dictionaries/$dictionary.dict" ] && echo "-dict=dictionaries/$dictionary.dict" || true)
  echo "== $target"
  # shellcheck disable=SC2086
  nice -n 19 target/x86_64-unknown-linux-gnu/release/"$target" "corpus/$target" "seeds/$target" $dictionary \
    -artifact_prefix="artifacts/$target/" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 \
    -malloc_limit_mb=256 -print_final_stats=1 2>&1 | grep -E "^(==|stat::|SUMMARY|Done|artifact_prefix|thread|panicked)|ERROR|panicked at" || true
done
