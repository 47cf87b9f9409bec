#!/usr/bin/env bash
# Everything that says whether this revision is good: set-up, checks, unit, integration and end-to-end tests.
# The last line is "N passed, N failed"; the exit code is 0 only when nothing failed. A runner that crashes
# counts as one failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
cd "$root"
passed=0
failed=0
work=''
privileged=()

# Machines, network namespaces and port 69 need root; building and checking do not.
gain_privileges() {
  if [ "$(id -u)" -eq 0 ]; then return; fi
  command -v sudo >/dev/null || {
    echo 'test: the tests need root: run this as root, or install sudo' >&2
    return 1
  }
  privileged=(sudo "--preserve-env=CI,DODAI_CACHE_DIR" env "PATH=$PATH" "TMPDIR=$work")
}

# The embedded PostgreSQL runs as a user of its own and must be able to reach its data below.
make_work_directory() {
  work=$(mktemp -d /tmp/dodai-test.XXXXXX)
  chmod 755 "$work"
  mkdir -m 1777 "$work/tmp"
}

# Dozens of databases are made and thrown away: in memory, where there is enough, nobody waits for a disk that is to keep them.
keep_files_in_memory() {
  local available_kib
  available_kib=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
  ((available_kib > 8 << 20)) || return 0
  "${privileged[@]}" mount -t tmpfs -o mode=1777,size=4g tmpfs "$work/tmp"
}

forget_files_in_memory() {
  ! mountpoint --quiet "$work/tmp" || "${privileged[@]}" umount --lazy "$work/tmp"
}

finish() {
  local code=$?
  if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  if [ -n "$work" ]; then
    forget_files_in_memory
    "${privileged[@]}" rm -rf --one-file-system "$work"
  fi
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] || exit 1
}

count() {
  passed=$((passed + $1))
  failed=$((failed + $2))
}

run_setup() {
  if tools/setup.sh; then count 1 0; else
    count 0 1
    return 1
  fi
}

run_checks() {
  local counts
  tools/check.sh --counts "$work/checks" || true
  if counts=$(cat "$work/checks" 2>/dev/null) && [[ $counts =~ ^[0-9]+\ [0-9]+$ ]]; then
    count "${counts% *}" "${counts#* }"
  else
    echo 'test: the checks ended without a result' >&2
    count 0 1
  fi
}

run_tests() {
  local project=$1 limit_s=$2 report="$work/$1.json" code=0 counts
  shift 2
  echo "== $project"
  "${privileged[@]}" env TMPDIR="$work/tmp" timeout --kill-after=30 "$limit_s" \
    node node_modules/vitest/vitest.mjs run --project "$project" \
    --reporter=default --reporter=json --outputFile.json="$report" "$@" </dev/null || code=$?
  counts=$(node tools/count-tests.mjs "$report" "$code")
  count "${counts% *}" "${counts#* }"
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
make_work_directory
gain_privileges
run_setup
run_checks
run_tests unit 600
keep_files_in_memory
run_tests integration 1800 --project integration-alone
forget_files_in_memory
# One fact follows from another there: after the first failure the rest would only wait and fail.
run_tests e2e 2700 --bail 1
