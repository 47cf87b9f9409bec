# Takes away what says what is on a disk: afterwards nothing on it starts, and nothing finds an array, a volume or a key.

MARGIN_MIB=16

# Backup partition tables, RAID and LVM metadata live at the end, everything else that boots at the start, and so do the keys of
# an encrypted volume: LUKS keeps them in its first 16 MiB.
zero_ends() {
  local size margin=$((MARGIN_MIB << 20))
  size=$(blockdev --getsize64 "$1")
  ((size > margin)) || margin=$size
  zero_range "$1" 0 "$margin"
  zero_range "$1" $((size - margin)) "$margin"
}

# Arrays and volume groups are put together first, so that what is inside them is cleared too: the keys of an encrypted volume
# may lie anywhere on the disk. What cannot be put together is not opened by anybody who finds the disk either.
open_layers() {
  timeout 60 mdadm --assemble --scan --run || true
  LVM_SUPPRESS_FD_WARNINGS=1 timeout 60 vgchange --activate y --activationmode partial || true
  if command -v udevadm >/dev/null; then udevadm settle --timeout=10 || true; fi
}

layers_on() {
  lsblk --noheadings --list --paths --output KNAME,NAME "$@" | layers_among
}

# Disks and partitions that something is made of.
carriers_on() {
  local device name
  for device in $(lsblk --noheadings --list --paths --output KNAME "$@" | grep --invert-match --extended-regexp '^/dev/(md|dm-)'); do
    name=${device#/dev/}
    [[ ! $(ls "/sys/class/block/${name//\//!}/holders") ]] || printf '%s\n' "$device"
  done
}

# clear_layers DISK…: what is inside, then what it was made of, in rounds: half of a mirror that is out of date is put together
# only when the other half is gone.
clear_layers() {
  local round layers carriers device
  for ((round = 1; round <= 10; round++)); do
    open_layers
    layers=$(layers_on "$@")
    [[ $layers ]] || return 0
    carriers=$(carriers_on "$@")
    for device in $layers; do
      printf 'clearing %s\n' "$device"
      wipefs --all --force "$device"
      zero_ends "$device"
    done
    release_disks
    for device in $carriers; do zero_ends "$device"; done
  done
  fail "what is on the disks is put together again and again: $(xargs <<<"$layers")"
}

clear_disk_metadata() {
  local part
  while read -r _ part; do zero_ends "$part"; done < <(list_partitions "$1")
  clear_signatures "$1"
  zero_ends "$1"
  reread_partitions "$1"
}
