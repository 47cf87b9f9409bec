#!/usr/bin/env bash
# Format, lint, shell scripts, types, boundaries, dead code. One line for each check with its seconds; the output
# of a check is shown when it fails. `--counts FILE` writes "passed failed" there, for tools/test.sh.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly programs=node_modules/.bin
counts_file=''
passed=0
failed=0
output=''

seconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'; }

check() {
  local name=$1 started=$EPOCHREALTIME
  shift
  if "$@" >"$output" 2>&1; then
    passed=$((passed + 1))
    printf 'ok    %-12s %5s s\n' "$name" "$(seconds_since "$started")"
  else
    failed=$((failed + 1))
    printf 'FAIL  %-12s %5s s\n' "$name" "$(seconds_since "$started")"
    sed 's/^/      /' "$output"
  fi
}

format() { "$programs/prettier" --check --log-level=warn .; }

lint() { "$programs/oxlint" --type-aware --deny-warnings apps libs test vitest.config.ts; }

# The rules of tools/lint and the type-aware ones must notice what they are there for.
lint_rules_notice() {
  local found rule
  found=$("$programs/oxlint" --type-aware --format=unix tools/lint/fixture || true)
  for rule in 'Date.now' 'new Date()' 'setTimeout' 'node:timers/promises' 'process.env' 'Math.random' \
    'dodai(only-domain-errors)' 'typescript(no-floating-promises)' 'typescript(no-explicit-any)'; do
    grep --quiet --fixed-strings "$rule" <<<"$found" || {
      echo "oxlint lets this pass in tools/lint/fixture: $rule"
      return 1
    }
  done
}

# Every file that says so in its first line is a shell script, whatever its name.
shell_scripts() {
  find . \( -name node_modules -o -name .git -o -name dist -o -name templates \) -prune -o -type f -size -200k -print0 |
    xargs -0 grep --null -l -m 1 -I -E '^#!.*[/ ](ba)?sh( |$)' | sort -z
}

shell() {
  local scripts
  mapfile -d '' -t scripts < <(shell_scripts)
  if [ "${#scripts[@]}" -eq 0 ]; then
    echo 'no shell script was found'
    return 1
  fi
  # SC1091: what a script sources need not be installed here.
  shellcheck --external-sources --exclude=SC1091 "${scripts[@]}"
}

types() {
  "$programs/tsc" --noEmit --incremental --tsBuildInfoFile node_modules/.cache/check.tsbuildinfo &&
    "$programs/tsc" --project apps/ui --incremental --tsBuildInfoFile node_modules/.cache/check-ui.tsbuildinfo
}

boundaries() { node tools/check-boundaries.mjs; }

dead_code() { "$programs/knip" --no-progress; }

while [ $# -gt 0 ]; do
  case $1 in
    --counts)
      counts_file=$2
      shift 2
      ;;
    *)
      echo "usage: tools/check.sh [--counts FILE]" >&2
      exit 64
      ;;
  esac
done

output=$(mktemp)
trap 'rm -f "$output"' EXIT
mkdir -p node_modules/.cache
check format format
check lint lint
check 'lint rules' lint_rules_notice
check shell shell
check types types
check boundaries boundaries
check 'dead code' dead_code
if [ -n "$counts_file" ]; then printf '%d %d\n' "$passed" "$failed" >"$counts_file"; fi
[ "$failed" -eq 0 ]
