#!/usr/bin/env bash
# Unpacks Debian's package cloud-init into dist/cloud-init. It is never installed: an installed cloud-init would act upon
# this machine at its next boot. The controller takes the JSON schema of cloud-config from it, and tests take it as the judge.
# May be run at any time, as any user; does nothing when it is there.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly unpacked=$root/dist/cloud-init
readonly schema=usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json
work=''

fail() {
  printf 'unpack-cloud-init: %s\n' "$*" >&2
  exit 1
}

check_tools() {
  local tool
  for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null ||
      fail "'$tool' is not there: put the files of the package cloud-init below $unpacked by other means ($schema is one of them)"
  done
}

# The warning of apt-get that it cannot change to its own user in a private folder says nothing to anybody.
download() { (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$1") >/dev/null 2>"$work/said"; }

update_package_lists() {
  if [ "$(id -u)" -eq 0 ]; then apt-get -qq update; else sudo apt-get -qq update; fi ||
    fail "apt-get update failed: check the package sources and the network, then run this again"
}

# Newer releases keep the files in cloud-init-base.
fetch() {
  local name
  for name in cloud-init-base cloud-init; do
    if download "$name"; then return; fi
  done
  return 1
}

unpack() {
  local packages=("$work"/*.deb)
  dpkg-deb -x "${packages[0]}" "$work/files"
  [ -e "$work/files/$schema" ] || fail "the package ${packages[0]##*/} has no $schema"
  chmod 755 "$work/files"
  mkdir -p "$(dirname "$unpacked")"
  rm -rf "$unpacked"
  mv "$work/files" "$unpacked"
}

if [ -e "$unpacked/$schema" ]; then exit 0; fi
check_tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! fetch; then
  update_package_lists
  fetch || fail "apt-get cannot download cloud-init: $(cat "$work/said")"
fi
unpack
