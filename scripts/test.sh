#!/usr/bin/env bash
# Everything that must hold. Runs every part, says which failed, and fails if one did.
#   bash scripts/test.sh BIN      (BIN: the environment's bin folder)
set -uo pipefail
bin=${1:-.venv/bin}
failed=() took=()
times=$(mktemp)
trap 'rm -f "$times"' EXIT

part() {
    local name=$1 start=$SECONDS
    shift
    printf '\n=== %s\n' "$name"
    if ! "$@"; then failed+=("$name"); fi
    took+=("$(printf '%5d s  %s' $((SECONDS - start)) "$name")")
}

part "format" "$bin/ruff" format --check --quiet .
part "lint" "$bin/ruff" check --quiet .
part "types" "$bin/mypy"
part "imports" "$bin/lint-imports" --no-logo
part "structure of the chapters" "$bin/mixbook" check
part "unit tests and chapters" env MIXBOOK_TIMES_FILE="$times" "$bin/python" -m pytest tests notebooks --ignore=tests/pages \
    --nbval-lax --nbval-cell-timeout 120 --numprocesses 2 --dist loadfile --quiet
rm -rf _build/html  # a page that is gone must not be tested or zipped
part "book" "$bin/jupyter-book" build . -n -W --keep-going --quiet --all
part "pages" "$bin/python" -m pytest tests/pages --quiet
part "benchmarks (one round)" "$bin/python" -m pytest benchmarks --quiet \
    --benchmark-max-time 0.2 --benchmark-min-rounds 1 --benchmark-columns min,median,rounds

printf '\n=== time and memory by chapter, slowest tests\n'
cat "$times"
printf '\n=== time by part\n'
printf '%s\n' "${took[@]}"
if [ ${#failed[@]} -gt 0 ]; then
    printf '\nFAILED: %s\n' "${failed[@]}"
    exit 1
fi
printf '\nAll parts passed.\n'
