#!/usr/bin/env bash
# From a bare machine to an installed one: see `npm run quickstart -- --help`.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly program=$root/dist/apps/quickstart/src/main.js
readonly lock=/run/lock/dodai-quickstart

started=$EPOCHREALTIME
"$root/tools/setup.sh"
awk -v from="$started" -v to="$EPOCHREALTIME" 'BEGIN { printf "ok  %-44s %6.1f s\n", "set-up: packages and build", to - from }'

# Network namespaces, tap devices and the building of images need root.
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo 'quickstart: this needs root: run it as root, or install sudo' >&2
    exit 1
  }
  settings=()
  while read -r name; do settings+=("$name=${!name}"); done < <(compgen -e DODAI_ || true)
  exec sudo env "PATH=$PATH" "${settings[@]}" "${BASH_SOURCE[0]}" "$@"
fi

# Node closes this file in the programs that it starts, so the lock ends with this run.
exec 8>"$lock"
flock --nonblock 8 || {
  echo 'quickstart: another quickstart is at work on this host; wait for it, or stop it' >&2
  exit 75
}
exec node "$program" "$@"
