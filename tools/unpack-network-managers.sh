#!/usr/bin/env bash
# Unpacks netplan, ifupdown and NetworkManager's nmcli from Debian's packages into dist/network-managers: tests take them as the
# judges of what an installed OS is given. They are never installed: each would take the network of this machine for its own.
# May be run at any time, as any user; does nothing when they are there.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly unpacked=$root/dist/network-managers
readonly packages=(ifupdown netplan.io libnetplan0 network-manager libnm0)

if [ -e "$unpacked/usr/bin/nmcli" ]; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The warning of apt-get that it cannot change to its own user in a private folder says nothing to anybody.
(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}") >/dev/null 2>"$work/said" || {
  printf 'unpack-network-managers: apt-get cannot download %s: %s\n' "${packages[*]}" "$(cat "$work/said")" >&2
  exit 1
}
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/files"; done
chmod 755 "$work/files"
mkdir -p "$(dirname "$unpacked")"
rm -rf "$unpacked"
mv "$work/files" "$unpacked"
