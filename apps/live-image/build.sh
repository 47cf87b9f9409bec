#!/usr/bin/env bash
# Builds the live image, vmlinuz and initrd.img, from Debian packages into a folder.
# Does nothing when the folder already holds an image made from the same inputs.
set -euo pipefail
umask 022
export LC_ALL=C

# Always the same Debian, whatever the host runs: the image is the same everywhere, and so is what was tested.
readonly SUITE=bookworm
readonly ZSTD_LEVEL=12
# Every machine downloads and unpacks it for every installation.
readonly MAX_SIZE_BYTES=$((150 * 1000 * 1000))
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly inputs=(build.sh packages.txt firmware.txt modules.txt prune.txt udev-rules.txt rootfs)

usage() {
  cat <<'TEXT'
Usage: build.sh [--force] OUTDIR
       build.sh --inputs-hash
  Writes OUTDIR/vmlinuz, OUTDIR/initrd.img, OUTDIR/bootx64.efi, OUTDIR/grubx64.efi, OUTDIR/manifest.txt and
  OUTDIR/inputs.sha256.
  --force         build even if OUTDIR holds an image of the same inputs (to take up newer Debian packages)
  --inputs-hash   print the key that says what an image was built from
Environment:
  DODAI_DEBIAN_MIRROR   archive to fetch Debian from (default: the one the host's apt uses, else mmdebstrap's own)
TEXT
}

say() { printf 'live-image: [%3ds] %s\n' "$SECONDS" "$*"; }

fail() {
  printf 'live-image: error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'live-image: %s\n' "$2" >&2
  exit 1
}

# Lines of a list file without comments.
list_of() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$here/$1"; }

hash_of_inputs() {
  (cd "$here" && find "${inputs[@]}" -type f -printf '%m %p\n' -exec sha256sum {} + | sort) | sha256sum | cut -d' ' -f1
}

check_host() {
  local command
  [ "$(id -u)" = 0 ] || fail 'building the live image needs root' "Run it again with sudo: sudo $0 $*"
  [ "$(dpkg --print-architecture)" = amd64 ] || fail "the live image is built on amd64, this host is $(dpkg --print-architecture)"
  for command in mmdebstrap zstd cpio flock; do
    command -v "$command" >/dev/null || fail "the command $command is missing" "Install it: apt-get install $command"
  done
}

# The archive that the host's apt uses for packages of a Debian label, or nothing.
host_mirror() {
  # shellcheck disable=SC2016 # apt expands these
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v label="$1" '$1 == "Debian" && $2 == label {print $3; exit}'
}

debian_keyring() {
  local file
  for file in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
    [ ! -e "$file" ] || { printf '%s\n' "$file" && return; }
  done
  fail "Debian's archive keys are not on this host" 'Install them: apt-get install debian-archive-keyring'
}

# Sets "sources" (apt lines for mmdebstrap; empty: its own default) and "main_mirror".
find_sources() {
  local security components="main non-free-firmware" trust
  main_mirror=${DODAI_DEBIAN_MIRROR:-$(host_mirror Debian)}
  security=$(host_mirror Debian-Security)
  sources=()
  [ -n "$main_mirror" ] || return 0
  trust="[signed-by=$(debian_keyring)]"
  sources=("deb $trust $main_mirror $SUITE $components" "deb $trust $main_mirror $SUITE-updates $components")
  [ -z "$security" ] || sources+=("deb $trust $security $SUITE-security $components")
}

# Firmware is left out, not fatal, where a mirror carries only Debian's main component.
mirror_has_firmware() {
  [ -n "$main_mirror" ] || return 0
  /usr/lib/apt/apt-helper download-file "${main_mirror%/}/dists/$SUITE/InRelease" "$work/InRelease" >"$work/log" 2>&1 ||
    fail "no answer from the archive ${main_mirror}: $(tail -n 1 "$work/log")" \
      'Check the network, or name another archive in DODAI_DEBIAN_MIRROR.'
  grep -q '^Components:.*non-free-firmware' "$work/InRelease"
}

# The host's proxy settings, as options for mmdebstrap.
proxy_options() {
  apt-config dump | sed -nE 's/^(Acquire::https?::Proxy) "(.+)";$/--aptopt=\1 "\2"/p'
}

unpack_packages() {
  local packages firmware=() options=()
  if mirror_has_firmware; then
    mapfile -t firmware < <(list_of firmware.txt)
  else
    say "WARNING: $main_mirror has no non-free-firmware, cards that need firmware will not work"
    sources=("${sources[@]/ non-free-firmware/}")
  fi
  # usr-is-merged keeps apt from choosing usrmerge, which brings perl.
  packages=$({ list_of packages.txt; printf '%s\n' usr-is-merged "${firmware[@]}"; } | paste -sd,)
  mapfile -t options < <(proxy_options)
  # shellcheck disable=SC2016 # $1 is for the hook
  mmdebstrap --mode=root --variant=extract --components=main,non-free-firmware "${options[@]}" \
    --setup-hook='for d in bin lib lib64 sbin; do mkdir -p "$1/usr/$d"; [ -e "$1/$d" ] || ln -s "usr/$d" "$1/$d"; done' \
    --include="$packages" "$SUITE" "$root" "${sources[@]}" >"$work/log" 2>&1 &
  wait $! || { tail -n 15 "$work/log" >&2 && fail 'the Debian packages could not be fetched or unpacked, see above'; }
}

# What UEFI machines load over the network, before the kernel: Debian's shim and network GRUB, as signed. The kernel is
# signed by the same, so that all of it starts under Secure Boot.
take_network_loaders() {
  mv "$root/usr/lib/shim/shimx64.efi.signed" "$work/out/bootx64.efi"
  mv "$root/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed" "$work/out/grubx64.efi"
}

prune_files() {
  local pattern rule
  (
    cd "$root"
    while read -r pattern; do
      # shellcheck disable=SC2086 # the pattern is to be expanded
      rm -rf -- $pattern
    done < <(list_of prune.txt)
  )
  for rule in "$root"/usr/lib/udev/rules.d/*; do
    list_of udev-rules.txt | grep -qxF "${rule##*/}" || rm "$rule"
  done
}

# Module paths (relative to the module folder, as in modules.dep) that modules.txt names.
named_modules() {
  local entry
  list_of modules.txt | while read -r entry; do
    case $entry in
      -*) ;;
      */) find "kernel/$entry" -name '*.ko' ;;
      *) find "kernel/$entry.ko" ;;
    esac
  done | grep -vE "^kernel/($(list_of modules.txt | sed -nE -e 's|^-(.*[^/])$|\1.ko|p' -e 's|^-(.*/)$|\1|p' | paste -sd'|'))" | sort -u
}

select_modules() {
  chroot "$root" depmod "$kernel"
  (
    cd "$root/usr/lib/modules/$kernel"
    named_modules >"$work/named"
    # modules.dep gives for each module all that it needs, directly or not.
    awk -F'[: ]+' 'NR == FNR {named[$1] = 1; next} $1 in named {for (i = 1; i <= NF; i++) if ($i != "") print $i}' \
      "$work/named" modules.dep | sort -u >"$work/kept"
    find kernel -name '*.ko' | sort | comm -23 - "$work/kept" | xargs -d '\n' rm
    find . -type d -empty -delete
    # Only the few modules that a machine loads are then ever decompressed: less memory and a quicker start.
    find kernel -name '*.ko' -print0 | xargs -0 -n 32 -P "$(nproc)" zstd -q --rm "-$ZSTD_LEVEL"
  )
  chroot "$root" depmod "$kernel"
}

select_firmware() {
  local name from="$root/usr/lib/firmware" to="$root/usr/lib/firmware.kept"
  mkdir -p "$to"
  (cd "$root/usr/lib/modules/$kernel" && sed "s|.*|/lib/modules/$kernel/&.zst|" "$work/kept" | xargs chroot "$root" modinfo -F firmware) |
    sort -u | while read -r name; do
    [ ! -e "$from/$name" ] || install -D -m 644 "$from/$name" "$to/$name"
  done
  rm -rf "$from"
  mv "$to" "$from"
}

# What the maintainer scripts of the packages would have made.
configure_system() {
  local applet
  mkdir -p "$root/mnt"
  cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
  cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
  printf '%s:x:%d:\n' input 901 sgx 902 kvm 903 render 904 >>"$root/etc/group"
  cat "$work"/certificates/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  chroot "$root" busybox --list | while read -r applet; do
    # Links count too, though they lead nowhere when they are followed from outside the image.
    [ -n "$(find "$root/usr/bin/$applet" "$root/usr/sbin/$applet" -maxdepth 0 2>/dev/null)" ] ||
      ln -s busybox "$root/usr/bin/$applet"
  done
  chroot "$root" ldconfig
}

# Tells what this image is; its time is the least that a machine's clock may say.
write_release() {
  printf 'DODAI_LIVE_KERNEL=%s\nDODAI_LIVE_SUITE=%s\nDODAI_LIVE_INPUTS=%s\nDODAI_LIVE_BUILT_AT=%s\n' \
    "$kernel" "$SUITE" "$wanted" "$(date +%s)" >"$root/etc/dodai-live"
}

write_kernel_and_initrd() {
  mv "$work/vmlinuz" "$work/out/vmlinuz"
  (cd "$root" && find . -print0 | sort -z | cpio --null --create --format=newc --reproducible --quiet) |
    zstd -q -T0 "-$ZSTD_LEVEL" -o "$work/out/initrd.img"
}

write_manifest() {
  local unpacked
  unpacked=$(du -sm --apparent-size "$root" | cut -f1)
  {
    printf 'kernel %s\nmodules %d\nunpacked_mib %d\n' "$kernel" "$(wc -l <"$work/kept")" "$unpacked"
    printf 'vmlinuz_bytes %d\ninitrd_bytes %d\n' "$(stat -c %s "$work/out/vmlinuz")" "$(stat -c %s "$work/out/initrd.img")"
  } >"$work/out/manifest.txt"
}

check_size() {
  local size_bytes
  size_bytes=$(cat "$work/out/vmlinuz" "$work/out/initrd.img" | wc -c)
  ((size_bytes <= MAX_SIZE_BYTES)) ||
    fail "kernel and initrd have $size_bytes bytes, more than $MAX_SIZE_BYTES" 'Take something out of packages.txt or modules.txt.'
}

# The hash goes last: without it, whatever is in the folder does not count as built.
publish() {
  rm -f "$outdir/inputs.sha256"
  mv -f "$work"/out/* "$outdir/"
  printf '%s\n' "$wanted" >"$work/inputs.sha256"
  mv "$work/inputs.sha256" "$outdir/inputs.sha256"
}

remove_work() {
  local jobs
  mapfile -t jobs < <(jobs -p)
  if [ "${#jobs[@]}" -gt 0 ]; then
    kill "${jobs[@]}" 2>/dev/null || true
    wait
  fi
  rm -rf "$work"
}

size_of() { numfmt --to=iec --suffix=B "$(stat -c %s "$outdir/$1")"; }

main() {
  local force=no
  while [ $# -gt 0 ]; do
    case $1 in
      --force) force=yes ;;
      --inputs-hash) hash_of_inputs && exit 0 ;;
      -h | --help) usage && exit 0 ;;
      -*) usage >&2 && exit 2 ;;
      *) break ;;
    esac
    shift
  done
  [ $# = 1 ] || { usage >&2 && exit 2; }

  mkdir -p "$1"
  outdir=$(cd "$1" && pwd)
  wanted=$(hash_of_inputs)
  exec 9<"$outdir"
  flock --nonblock 9 || { say "another build into $outdir is running, waiting for it" && flock 9; }
  if [ "$force" = no ] && [ "$wanted" = "$(cat "$outdir/inputs.sha256" 2>/dev/null)" ]; then
    say "up to date in $outdir"
    exit 0
  fi
  check_host "$@"

  rm -rf "$outdir"/.build.*
  work=$(mktemp -d "$outdir/.build.XXXXXX")
  trap remove_work EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  root=$work/root
  mkdir "$work/out" "$work/certificates"

  find_sources
  say "fetching and unpacking Debian $SUITE packages from ${main_mirror:-the default archive of mmdebstrap}"
  unpack_packages
  kernel=$(basename "$root"/usr/lib/modules/*)
  mv "$root/boot/vmlinuz-$kernel" "$work/vmlinuz"
  take_network_loaders
  mv "$root"/usr/share/ca-certificates/mozilla/*.crt "$work/certificates/"
  say "kernel ${kernel}: choosing modules and firmware, adding our scripts"
  select_modules
  select_firmware
  prune_files
  configure_system
  cp -a --no-preserve=ownership "$here/rootfs/." "$root/"
  write_release
  say 'packing the initrd'
  write_kernel_and_initrd
  write_manifest
  check_size
  publish
  say "done in $SECONDS s: vmlinuz $(size_of vmlinuz), initrd.img $(size_of initrd.img) ($(awk '$1 == "unpacked_mib" {print $2}' "$outdir/manifest.txt") MiB unpacked)"
}

main "$@"
